//! Make a payment: authorize (hold the funds) or consume (move the money).
//!
//! | step | crate   | leaves behind                                                                     |
//! |------|---------|-----------------------------------------------------------------------------------|
//! | 1    | store   | nothing: the key, the merchant, the card are looked up                            |
//! | 2    | payment | nothing: limits, route and the first steps are decided in memory                  |
//! | 3    | here    | for `confirm: false` the payment alone; else an intent for `exchange.rs` to carry out |

use std::sync::Arc;

use card::Expiry;
use payment::{CaptureMethod, Change, Event, OrderTerms, Payment};
use types::{MerchantId, Money, PaymentId, PaymentMethodId, Timestamp};

use super::exchange::Intent;
use super::given::Given;
use super::offline;
use crate::bank::Transaction;
use crate::claim::Running;
use crate::model::{Actor, Merchant, MerchantStatus, PaymentMethod, PaymentMethodStatus, Terminal};
use crate::resource::put;
use crate::unit::Said;
use crate::{Caller, CardInput, CommandError, Completed, Done, IdempotencyKey, NewPayment, Pcs};

pub(crate) const DAY_MS: i64 = 86_400_000;

impl Pcs {
    /// Makes a payment and, when `confirm` is set, asks the bank. A payment that is in doubt comes back as such, not as
    /// an error.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank.
    pub async fn create_payment(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        new: NewPayment,
    ) -> Result<Completed, CommandError> {
        let key = self.with_card(caller.merchant, key, new.card.as_ref());
        let (pcs, by) = (Arc::clone(self), caller.clone());
        self.once(caller, &key, move |running| async move { pcs.submit(by, running, new).await }).await
    }

    /// Confirms a payment that was made with `confirm: false`.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank.
    pub async fn confirm_payment(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        id: PaymentId,
        method: Option<PaymentMethodId>,
    ) -> Result<Completed, CommandError> {
        let (pcs, by) = (Arc::clone(self), caller.clone());
        self.once(caller, &key, move |running| async move { pcs.confirm(by, running, id, method).await })
            .await
    }

    /// The key of a request that brings a card. Its fingerprint must tell cards apart, and a plain hash would give the
    /// card's number away to whoever tries all numbers: so the vault's keyed hash goes in.
    fn with_card(
        &self,
        owner: MerchantId,
        mut key: IdempotencyKey,
        card: Option<&CardInput>,
    ) -> IdempotencyKey {
        if let Some(card) = card {
            let keyed = self.vault.card_fingerprint(&card.pan, owner.to_u128()).to_bytes();
            key.fingerprint.iter_mut().zip(keyed).for_each(|(byte, other)| *byte ^= other);
        }
        key
    }

    pub(super) async fn submit(
        self: Arc<Self>,
        caller: Caller,
        running: Running,
        mut new: NewPayment,
    ) -> Result<Done, CommandError> {
        // Step 1: who is paid, and with which card.
        let now = self.clock.now();
        let merchant = self.payable_merchant(caller.merchant).await?;
        merchant.limits.check(new.amount)?;
        offline::checked(merchant.offline, &mut new, now)?;
        if let Some(customer) = new.customer {
            self.must_have_customer(caller.merchant, customer).await?;
        }
        let given = match (new.payment_method, new.card) {
            (Some(id), _) => {
                Some(Given::stored(self.usable_method(caller.merchant, id, new.customer).await?))
            }
            (None, Some(card)) => {
                let used_at = new.offline.as_ref().map_or(now, |offline| offline.approved_at);
                let given = self.given_card(&merchant, card, new.terminal, used_at).await?;
                Some(Given { offline: new.offline, ..given })
            }
            (None, None) if new.confirm => {
                let rule = "is required when confirm is true".to_owned();
                return Err(CommandError::Invalid { field: "payment_method", rule });
            }
            (None, None) => None,
        };

        // Step 2: decide, in memory.
        let terms = OrderTerms {
            amount: new.amount,
            capture_method: new.capture_method,
            merchant_reference: new.merchant_reference.clone(),
            description: new.description,
            metadata: new.metadata,
            fee_plan: merchant.fee_plan,
            authorization_expires_at: authorization_end(&merchant, now),
        };
        let mut change =
            Payment::create(self.new_id(), caller.merchant, terms, now).map_err(internal_refusal)?;
        let owner = given.as_ref().and_then(|given| given.method.customer);
        change.payment.customer = new.customer.or(owner);
        let actor = Actor::ApiKey { key: caller.key_id.clone() };

        // Step 3: ask the bank, or leave it to a later confirm.
        match given {
            Some(given) if new.confirm => {
                let asked = self.asked(change, &merchant, given, actor, now).await?;
                let reference = new.merchant_reference.as_deref();
                let aliases =
                    reference.map(|reference| self.reference_alias(&asked.change.payment, reference));
                let intent = Intent { aliases: aliases.into_iter().collect(), ..asked };
                self.carry_out(Some(running), Box::new(intent)).await
            }
            given => {
                if let Some(given) = given {
                    change = attach(change, &given.method, now)?;
                }
                self.keep_unconfirmed(running, change, new.merchant_reference, actor).await
            }
        }
    }

    async fn confirm(
        self: Arc<Self>,
        caller: Caller,
        running: Running,
        id: PaymentId,
        method: Option<PaymentMethodId>,
    ) -> Result<Done, CommandError> {
        let turn = self.turns.take(id.to_u128()).await;
        let now = self.clock.now();
        let payment = self.must_load(caller.merchant, id).await?;
        let merchant = self.payable_merchant(caller.merchant).await?;
        let Some(method) = method.or(payment.payment_method) else {
            let rule = "is required: the payment has no card yet".to_owned();
            return Err(CommandError::Invalid { field: "payment_method", rule });
        };
        let method = self.usable_method(caller.merchant, method, payment.customer).await?;
        let before = payment.version;
        let change = Change { payment, entry: None, notices: Vec::new(), stats: Vec::new() };
        let actor = Actor::ApiKey { key: caller.key_id };
        let mut intent = self.asked(change, &merchant, Given::stored(method), actor, now).await?;
        intent.change.payment.version = before + 1;
        self.record_intent(Some(&running), &intent).await?;
        drop(turn);
        self.ask_and_conclude(Box::new(intent), Some(running)).await
    }

    /// The intent to ask a bank for a payment that has no card or consent yet: attach, confirm, route, build the message.
    /// The steps are taken in memory and committed as one change.
    pub(crate) async fn asked(
        &self,
        change: Change,
        merchant: &Merchant,
        mut given: Given,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Intent, CommandError> {
        let version = change.payment.version;
        let mut change = attach(change, &given.method, now)?;
        let card = match given.card.take() {
            Some(card) => card,
            None => self.open_card(&given.method)?,
        };
        let mut route = self.route(&change.payment, merchant, &given, &card.pan)?;
        let mut message = self.first_message(&change.payment, &mut route).await?;
        message.chip_data = self.seal_chip_data(&change.payment, (given.offline.as_ref(), &card))?;
        let event = Event::Confirmed { exchange: message.exchange.clone(), evidence: given.evidence };
        change = taken(change, event, now)?;
        change.payment.version = version;
        let mut rows = if given.is_new { vec![put(&given.method)?] } else { Vec::new() };
        if let Some(terminal) = given.terminal.filter(|terminal| given.entry.pin && terminal.counts_pins()) {
            // The counter of its PIN is used up by the commit that the payment begins with.
            rows.push(put(&Terminal { version: terminal.version + 1, ..terminal })?);
        }
        Ok(Intent { change, message, card, actor, rows, aliases: Vec::new(), route })
    }

    async fn keep_unconfirmed(
        &self,
        running: Running,
        change: Change,
        reference: Option<String>,
        actor: Actor,
    ) -> Result<Done, CommandError> {
        let mut unit = self.unit(change.payment.merchant, self.clock.now());
        unit.claim = Some(running.claim(change.payment.id.to_u128()));
        self.add_payment_change(&mut unit, &change, actor, Said::default())?;
        if let Some(reference) = &reference {
            unit.aliases.push(self.reference_alias(&change.payment, reference));
        }
        let done = Done::Payment(Box::new(change.payment));
        unit.answer = Some(running.answer(&done)?);
        self.commit(unit).await?;
        Ok(done)
    }

    pub(crate) async fn payable_merchant(&self, id: MerchantId) -> Result<Arc<Merchant>, CommandError> {
        let merchant = self.merchant_row(id).await?;
        match merchant.status {
            MerchantStatus::Active => Ok(merchant),
            MerchantStatus::Suspended => Err(CommandError::MerchantSuspended),
        }
    }

    /// The stored card, if this merchant may use it for this customer now.
    pub(crate) async fn usable_method(
        &self,
        merchant: MerchantId,
        id: PaymentMethodId,
        customer: Option<types::CustomerId>,
    ) -> Result<PaymentMethod, CommandError> {
        let missing = || CommandError::Missing { kind: "payment_method", id: id.to_string() };
        let method = self.remembered_method(merchant, id).await?.ok_or_else(missing)?;
        if method.status != PaymentMethodStatus::Active {
            return Err(missing());
        }
        if customer.is_some() && method.customer != customer {
            let rule = "belongs to another customer than the one given".to_owned();
            return Err(CommandError::Invalid { field: "payment_method", rule });
        }
        let expiry = Expiry::new(method.card.exp_year, method.card.exp_month)
            .map_err(|error| CommandError::Internal(Box::new(error)))?;
        if expiry.is_past(self.clock.now()) {
            return Err(CommandError::CardExpired);
        }
        Ok(method)
    }
}

/// Minor units of a payment's currency.
pub(crate) fn money(payment: &Payment, minor: u64) -> Result<Money, CommandError> {
    Money::new(minor, payment.currency()).map_err(|error| CommandError::Internal(Box::new(error)))
}

/// The transaction that a payment begins with.
pub(crate) fn original_transaction(payment: &Payment) -> Transaction {
    match payment.terms.capture_method {
        CaptureMethod::Automatic => Transaction::Consume,
        CaptureMethod::Manual => Transaction::Authorize,
    }
}

fn attach(change: Change, method: &PaymentMethod, now: Timestamp) -> Result<Change, CommandError> {
    let version = change.payment.version;
    let event = Event::MethodAttached { method: method.id, card: method.card.clone() };
    let mut attached = taken(change, event, now)?;
    attached.payment.version = version;
    Ok(attached)
}

/// A change and one more event.
fn taken(change: Change, event: Event, now: Timestamp) -> Result<Change, CommandError> {
    let Change { payment, entry, mut notices, mut stats } = change;
    let before = payment.state;
    let next = payment.into_step(event, now).map_err(|refused| CommandError::refused_in(before, refused))?;
    notices.extend(next.notices);
    stats.extend(next.stats);
    Ok(Change { payment: next.payment, entry: next.entry.or(entry), notices, stats })
}

pub(crate) fn authorization_end(merchant: &Merchant, now: Timestamp) -> Timestamp {
    now.plus_ms(i64::from(merchant.authorization_days) * DAY_MS)
}

pub(crate) fn internal_refusal(refused: payment::Refused) -> CommandError {
    match refused {
        payment::Refused::ZeroAmount => {
            CommandError::Invalid { field: "amount", rule: "must be at least one minor unit".to_owned() }
        }
        other => CommandError::Internal(Box::new(other)),
    }
}
