//! Hosted checkouts: opened by a merchant, shown by the wallet, ended by a payment.

use order::{Line, OrderInformation, Salt};
use payment::{Payment, State};
use store::{AliasChange, Table, Unit};
use types::{CheckoutSessionId, MerchantId, PaymentId, Timestamp};

use crate::hash::short_hash;
use crate::model::{Actor, CheckoutSession, SessionStatus};
use crate::reads::{SESSION, SESSION_REFERENCE, reference_key};
use crate::resource::{Resource, put};
use crate::{Caller, CommandError, Listed, NewCheckoutSession, Page, Pcs};

/// A checkout closes after an hour when the merchant says nothing else.
const OPEN_MS: i64 = 3_600_000;
/// Time enough to pay.
const SHORTEST_MS: i64 = 300_000;
/// An order is not kept open for ever.
const LONGEST_MS: i64 = 86_400_000;

impl Pcs {
    /// Opens a hosted checkout: fixes the order information with a fresh salt and reserves the payment's id.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn create_checkout_session(
        &self,
        caller: &Caller,
        new: NewCheckoutSession,
    ) -> Result<CheckoutSession, CommandError> {
        let now = self.clock.now();
        let merchant = self.payable_merchant(caller.merchant).await?;
        merchant.limits.check(new.amount)?;
        if let Some(customer) = new.customer {
            self.must_have_customer(caller.merchant, customer).await?;
        }
        let life_ms = new.expires_at.map_or(OPEN_MS, |end| end.ms_since(now));
        if !(SHORTEST_MS..=LONGEST_MS).contains(&life_ms) {
            let rule = "must lie from five minutes to 24 hours ahead".to_owned();
            return Err(CommandError::Invalid { field: "expires_at", rule });
        }
        let offered =
            |acquirer: &payment::routing::Acquirer| acquirer.currencies.contains(&new.amount.currency());
        if !merchant.acquirers.iter().any(offered) {
            return Err(payment::routing::NoRoute::NotOffered { currency: new.amount.currency() }.into());
        }
        let mut session = CheckoutSession {
            id: self.new_id(),
            merchant: caller.merchant,
            merchant_name: merchant.name.clone(),
            version: 1,
            created: now,
            expires_at: new.expires_at.unwrap_or(now.plus_ms(OPEN_MS)),
            status: SessionStatus::Open,
            amount: new.amount,
            capture_method: new.capture_method,
            merchant_reference: new.merchant_reference,
            lines: new.lines,
            customer: new.customer,
            success_url: new.success_url,
            cancel_url: new.cancel_url,
            locale: new.locale,
            payment: PaymentId::from_u128(0),
            failed_tries: 0,
            order_information: String::new(),
            order_digest: String::new(),
        };
        self.fix_order(&mut session)?;
        let mut unit = self.unit(caller.merchant, now);
        unit.aliases.push(session_alias(&session));
        if let Some(reference) = &session.merchant_reference {
            let key = reference_key(session.merchant, reference);
            unit.aliases.push(AliasChange { space: SESSION_REFERENCE, key, target: Some(session.key()) });
        }
        let actor = Actor::ApiKey { key: caller.key_id.clone() };
        self.add_setup(&mut unit, &session, actor, format!("checkout {} was opened", session.id))?;
        self.commit(unit).await?;
        Ok(session)
    }

    /// A checkout of this merchant.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn checkout_session(
        &self,
        merchant: MerchantId,
        id: CheckoutSessionId,
    ) -> Result<Option<CheckoutSession>, CommandError> {
        let session: Option<CheckoutSession> =
            self.row(Table::CheckoutSession, merchant.to_u128(), id).await?;
        Ok(session.map(|session| session.seen_at(self.clock.now())))
    }

    /// A merchant's checkouts, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn checkout_sessions(
        &self,
        merchant: MerchantId,
        page: Page,
    ) -> Result<Listed<CheckoutSession>, CommandError> {
        let mut listed: Listed<CheckoutSession> =
            self.list(Table::CheckoutSession, merchant.to_u128(), page).await?;
        let now = self.clock.now();
        listed.data = listed.data.into_iter().map(|session| session.seen_at(now)).collect();
        Ok(listed)
    }

    /// Ends a checkout that is still open.
    ///
    /// # Errors
    /// [`CommandError::Missing`]; [`CommandError::SessionClosed`] when it is not open.
    pub async fn expire_checkout_session(
        &self,
        caller: &Caller,
        id: CheckoutSessionId,
    ) -> Result<CheckoutSession, CommandError> {
        let missing = || CommandError::Missing { kind: "checkout_session", id: id.to_string() };
        let mut session = self.checkout_session(caller.merchant, id).await?.ok_or_else(missing)?;
        session.must_be_open()?;
        session.version += 1;
        session.status = SessionStatus::Expired;
        self.write(caller, &session, format!("checkout {id} was ended by the merchant")).await?;
        Ok(session)
    }

    /// A checkout by its id alone, for the wallet that shows it.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn session_for_wallet(
        &self,
        id: CheckoutSessionId,
    ) -> Result<Option<CheckoutSession>, CommandError> {
        let key = short_hash(&["session", &id.to_string()]);
        for shard in 0..self.shards {
            if let Some(found) = self.store.alias(store::Shard(shard), SESSION, key).await? {
                return self.checkout_session(MerchantId::from_u128(found.owner), id).await;
            }
        }
        Ok(None)
    }

    /// What a payment's new state means for the checkout it belongs to: complete when paid or held; open again, for a
    /// new payment, when this one failed.
    pub(crate) async fn add_session_outcome(
        &self,
        unit: &mut Unit,
        payment: &Payment,
    ) -> Result<(), CommandError> {
        let Some(id) = payment.checkout_session else { return Ok(()) };
        let Some(mut session) = self.checkout_session(payment.merchant, id).await? else { return Ok(()) };
        // A checkout that went on to another payment, or is complete, is not moved by this one any more.
        if session.payment != payment.id || session.status == SessionStatus::Complete {
            return Ok(());
        }
        let status = match payment.state {
            State::Authorized | State::Captured => SessionStatus::Complete,
            State::Failed | State::Canceled { .. } => SessionStatus::Open,
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorizing
            | State::Consuming
            | State::Advising { .. }
            | State::Capturing { .. }
            | State::Incrementing { .. }
            | State::Adjusting { .. }
            | State::Voiding { .. }
            | State::Reversing { .. } => return Ok(()),
        };
        session.version += 1;
        session.status = status;
        if status == SessionStatus::Open {
            session.failed_tries += 1;
            self.fix_order(&mut session)?;
        }
        unit.rows.push(put(&session)?);
        Ok(())
    }

    /// Writes the order information for the session's next payment, with a salt of its own.
    fn fix_order(&self, session: &mut CheckoutSession) -> Result<(), CommandError> {
        session.payment = self.new_id();
        let line = |line: &crate::model::LineItem| {
            let amount = line.unit_amount.checked_mul(u64::from(line.quantity))?;
            Some(Line { description: line.name.clone(), quantity: line.quantity, amount })
        };
        let lines = session.lines.iter().map(line).collect::<Option<Vec<_>>>().ok_or_else(|| {
            CommandError::Invalid {
                field: "lines",
                rule: "quantity times unit_amount is out of range".to_owned(),
            }
        })?;
        let information = OrderInformation {
            v: order::canonical::V1,
            payment: session.payment,
            merchant: session.merchant,
            reference: session.merchant_reference.clone().unwrap_or_else(|| session.id.to_string()),
            lines,
            amount: session.amount.minor(),
            currency: session.amount.currency(),
            salt: Salt::new(&*self.entropy),
        };
        session.order_digest = information.digest().to_string();
        session.order_information = String::from_utf8(information.to_canonical())
            .map_err(|error| CommandError::Internal(Box::new(error)))?;
        Ok(())
    }
}

impl CheckoutSession {
    /// The session as it is at `now`: an open one whose time is over is expired, whether or not anybody wrote it down.
    fn seen_at(mut self, now: Timestamp) -> Self {
        if self.status == SessionStatus::Open && self.expires_at <= now {
            self.status = SessionStatus::Expired;
        }
        self
    }

    pub(crate) fn must_be_open(&self) -> Result<(), CommandError> {
        let status = match self.status {
            SessionStatus::Open => return Ok(()),
            SessionStatus::Processing => "processing",
            SessionStatus::Complete => "complete",
            SessionStatus::Expired => "expired",
        };
        Err(CommandError::SessionClosed { status })
    }
}

fn session_alias(session: &CheckoutSession) -> AliasChange {
    let key = short_hash(&["session", &session.id.to_string()]);
    AliasChange { space: SESSION, key, target: Some(session.key()) }
}
