//! Where a payment's first message goes, and where it goes on to when it surely never left.
//!
//! | step | crate           | leaves behind                                                                |
//! |------|-----------------|------------------------------------------------------------------------------|
//! | 1    | payment         | nothing: the banks that may take it, in order, and why                       |
//! | 2    | hostlink        | the first bank's answer, or that the message never left                      |
//! | 3    | store, a commit | that it never left, together with the message that the next bank will be sent |
//!
//! Step 3 leads back to step 2, as often as there are banks in the order. Only `NotSent` leads there: what may have left is
//! reversed, and a decline is an answer. After a crash nothing goes on: `resume.rs` takes the latest exchange for silent.

use card::{Entry, EntryMode, OfflineApproval, Pan};
use payment::routing::{Acquirer, Asked, BankNow, NoRoute, decide};
use payment::{Event, Payment, State};

use super::exchange::{Intent, Place};
use super::given::Given;
use super::offline;
use super::pin::must_check_pins;
use super::submit::original_transaction;
use crate::bank::{Draft, Heard, Transaction};
use crate::claim::Running;
use crate::model::{Actor, Merchant, Terminal};
use crate::task::{self, EXCHANGE, Message, Task};
use crate::unit::Said;
use crate::{CommandError, Done, Pcs};

/// Issuers are told apart by up to eight digits.
pub(super) const FIRST_DIGITS: usize = 8;

/// Which banks a payment may go to, and why.
#[derive(Default)]
pub(crate) struct Route {
    /// Those that were not tried yet, the next first.
    left: std::vec::IntoIter<Acquirer>,
    /// How the card's data was entered, which is the same wherever it goes.
    entry: Entry,
    /// Of an offline sale: what its terminal says of it.
    offline: Option<OfflineApproval>,
    /// For the payment's history, where there is anything to say.
    pub note: Option<String>,
}

impl Pcs {
    /// Step 1: the banks that may take a payment: the one of the terminal that the card is at, or else those of the
    /// merchant's contracts.
    pub(crate) fn route(
        &self,
        payment: &Payment,
        merchant: &Merchant,
        given: &Given,
        pan: &Pan,
    ) -> Result<Route, CommandError> {
        if let Some(at) = &given.terminal {
            return self.route_of_terminal(payment, at, given);
        }
        let asked = Asked {
            payment: payment.id,
            merchant: payment.merchant,
            amount: payment.terms.amount,
            capture_method: payment.terms.capture_method,
            brand: &given.method.card.brand,
            first_digits: &pan.expose()[..FIRST_DIGITS.min(pan.digit_count())],
        };
        let now = |name: &str| self.bank_now(name, given.entry.mode);
        let decision = decide(&self.routing, &merchant.acquirers, &asked, now);
        match decision.no_route() {
            Some(why) => Err(why.into()),
            None => {
                let left: Vec<Acquirer> = decision.candidates().cloned().collect();
                let (left, note) = (left.into_iter(), decision.note());
                Ok(Route { left, entry: given.entry, offline: None, note })
            }
        }
    }

    /// How a bank is, as this process sees it; none: no bank of that name is configured.
    pub(super) fn bank_now(&self, name: &str, mode: EntryMode) -> Option<BankNow> {
        self.banks.get(name).map(|bank| bank.now(mode, self.at_once, self.clock.now()))
    }

    /// A terminal belongs to its bank: what it read, a PIN above all, is for no other.
    fn route_of_terminal(
        &self,
        payment: &Payment,
        at: &Terminal,
        given: &Given,
    ) -> Result<Route, CommandError> {
        let entry = given.entry;
        let (bank, currency) = (self.bank(&at.bank)?, payment.currency());
        if !bank.profile().currencies().contains(&currency) {
            return Err(NoRoute::NotOffered { currency }.into());
        }
        if !bank.takes(entry.mode) {
            return Err(NoRoute::EntryNotTaken.into());
        }
        if entry.pin {
            must_check_pins(bank, original_transaction(payment))?;
        }
        if given.offline.is_some() {
            offline::must_take(bank)?;
        }
        let place = Acquirer {
            bank: at.bank.clone(),
            terminal: at.number.clone(),
            acceptor: at.acceptor.clone(),
            currencies: vec![currency],
            brands: Vec::new(),
        };
        Ok(Route { left: vec![place].into_iter(), entry, offline: given.offline.clone(), note: None })
    }

    /// The first message of a payment, to the first bank of the route that can be asked now.
    pub(crate) async fn first_message(
        &self,
        payment: &Payment,
        route: &mut Route,
    ) -> Result<Message, CommandError> {
        let mut refused = CommandError::from(NoRoute::Unreachable);
        for contract in route.left.by_ref() {
            match self.message_to(payment, &contract, (route.entry, route.offline.as_ref())).await {
                // A bank can go down, or fill up, since the decision.
                Err(error @ (CommandError::Route(_) | CommandError::Overloaded)) => refused = error,
                made => return made,
            }
        }
        Err(refused)
    }

    async fn message_to(
        &self,
        payment: &Payment,
        contract: &Acquirer,
        (entry, offline): (Entry, Option<&OfflineApproval>),
    ) -> Result<Message, CommandError> {
        let transaction = match offline {
            Some(_) => Transaction::OfflineSale,
            None => original_transaction(payment),
        };
        let Acquirer { bank, terminal, acceptor, .. } = contract;
        let place = Place { bank, terminal, acceptor, entry, offline };
        let exchange = self.new_exchange(transaction, place).await?;
        let amount = payment.terms.amount;
        let draft = Draft { transaction, amount, exchange: &exchange, original: None, reason: None };
        let fields = self.bank(bank)?.message(&draft)?;
        Ok(Message { transaction, amount, exchange, fields, chip_data: None })
    }

    /// Asks the bank, and the next one as long as a message surely never left; the end is `conclude.rs`'s.
    pub(crate) async fn ask_and_conclude(
        &self,
        mut intent: Box<Intent>,
        running: Option<Running>,
    ) -> Result<Done, CommandError> {
        loop {
            let heard = self.ask(&intent.message, &intent.card).await?;
            let Intent { change, message, route, .. } = &mut *intent;
            match self.reroute(&change.payment, message, &heard, route).await? {
                Some(onward) => (change.payment, *message) = onward,
                None => {
                    let Intent { change, message, .. } = *intent;
                    return self.conclude(change.payment, message, heard, running).await;
                }
            }
        }
    }

    /// Step 3: the payment with its message to the next bank, recorded; none when it ends here.
    async fn reroute(
        &self,
        payment: &Payment,
        message: &Message,
        heard: &Heard,
        route: &mut Route,
    ) -> Result<Option<(Payment, Message)>, CommandError> {
        let waits = matches!(payment.state, State::Authorizing | State::Consuming);
        if !heard.may_go_elsewhere || !waits {
            return Ok(None);
        }
        let next = match self.first_message(payment, route).await {
            Ok(next) => next,
            // Nobody is left, or there are no numbers for a message: it ends as what never left.
            Err(error) => {
                tracing::debug!(payment.id = %payment.id, %error, "No other bank can be asked");
                return Ok(None);
            }
        };
        let now = self.clock.now();
        let event = Event::Rerouted { exchange: next.exchange.clone() };
        let Ok(change) = payment.hear(message.exchange.attempt, event, now) else { return Ok(None) };
        let mut unit = self.unit(payment.merchant, now);
        let actor = Actor::Bank { bank: message.exchange.bank.clone() };
        let (why, to) = (heard.note.as_deref().unwrap_or("the message never left"), &next.exchange.bank);
        let note = format!("{} did not get it: {why}; routed to {to}", message.exchange.bank);
        let said = Said { sent: Some(next.fields.clone()), received: None, note: Some(note) };
        self.add_payment_change(&mut unit, &change, actor, said)?;
        unit.tasks.push(task::done(EXCHANGE, message.exchange.attempt.to_u128()));
        let waits = self.bank(to)?.reply_timeout_ms();
        let task = Task { asked: Some(next.asked()), ..self.task(payment, None, 0) };
        unit.tasks.push(task.put(EXCHANGE, now.plus_ms(waits))?);
        match self.commit(unit).await {
            Ok(_) => Ok(Some((change.payment, next))),
            // Surely not written: somebody else has ended this exchange meanwhile, or there is no room.
            Err(CommandError::Busy | CommandError::Overloaded) => Ok(None),
            // Perhaps written, so the next bank must not be asked; whoever takes the exchange up finds out.
            Err(error) => Err(error),
        }
    }
}
