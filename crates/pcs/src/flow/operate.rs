//! What people do about doubts: look at them, ask the bank what became of one, have it tried again now, and end one with
//! what the bank has told them. Who did it, and why, stands in the journal for ever.

use std::sync::Arc;

use payment::{Approval, Decline, Event, Exchange, Payment, RefundEvent, State};
use types::{AttemptId, MerchantId, Money, PaymentId, RefundId, Timestamp};

use super::exchange::Place;
use super::pursue::Pursuit;
use crate::bank::{Heard, Says, Transaction};
use crate::model::Actor;
use crate::resource::from_bytes;
use crate::task::{self, EXPIRY, Message, PURSUIT, Task};
use crate::unit::Said;
use crate::{CommandError, Pcs};

/// How many doubts are listed.
const MOST: usize = 1_000;
/// More than can be in doubt.
const EVERY: usize = 1_000_000;

/// A message whose outcome is not known, or whose effect is being undone.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// The exchange in doubt.
    pub exchange: Exchange,
    /// What is being sent to end it: a reversal, or the same advice again.
    pub pursued_by: Transaction,
    /// How much it is about.
    pub amount: Money,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// The payment.
    pub payment: PaymentId,
    /// The refund, where it is about one.
    pub refund: Option<RefundId>,
    /// When the doubt began.
    pub since: Timestamp,
    /// How often the message has, or may have, left.
    pub attempts: u32,
    /// How often the bank has refused it.
    pub refusals: u32,
    /// When it is sent next.
    pub next_try: Timestamp,
    /// Why people have to end it, where they have to.
    pub needs_operator: Option<String>,
}

/// What a bank says of an earlier message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankWord {
    /// In plain words.
    pub says: String,
    /// DE 39.
    pub response_code: Option<String>,
    /// DE 37.
    pub rrn: Option<String>,
    /// DE 38.
    pub authorization_code: Option<String>,
}

/// What people have found out about a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The bank has done what it was asked, and that stands.
    Stands,
    /// The bank has done nothing, or has undone it.
    Undone,
}

/// How people end a doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What they have found out.
    pub finding: Finding,
    /// Who.
    pub by: String,
    /// From whom, and why they believe it.
    pub reason: String,
    /// DE 37, as the bank told it.
    pub rrn: Option<String>,
    /// DE 38, as the bank told it.
    pub authorization_code: Option<String>,
}

impl Pcs {
    /// Doubts that are being pursued, the next to be tried first; a thousand at most.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn doubts(&self) -> Result<Vec<Doubt>, CommandError> {
        let mut doubts = Vec::new();
        for due in self.store.tasks(PURSUIT, None, MOST).await? {
            let task: Task = from_bytes(&due.body)?;
            if let Some(message) = task.message.clone() {
                doubts.push(self.doubt(task, message, due.due).await?);
            }
        }
        Ok(doubts)
    }

    async fn doubt(&self, task: Task, message: Message, next_try: Timestamp) -> Result<Doubt, CommandError> {
        let needs_operator = match task.refund {
            Some(refund) => self.must_load_refund(task.merchant, refund).await?.needs_operator,
            None => self.must_load(task.merchant, task.payment).await?.needs_operator,
        };
        Ok(Doubt {
            exchange: message.exchange,
            pursued_by: message.transaction,
            amount: message.amount,
            merchant: task.merchant,
            payment: task.payment,
            refund: task.refund,
            since: task.since,
            attempts: task.attempts,
            refusals: task.refusals,
            next_try,
            needs_operator,
        })
    }

    /// Asks the bank what became of a message in doubt. Whatever it says ends nothing: a bank that knows of no such
    /// message may still receive it.
    ///
    /// # Errors
    /// [`CommandError::Missing`] for what is not in doubt, [`CommandError::Invalid`] where the bank has no such question.
    pub async fn inquire(&self, attempt: AttemptId, by: &str) -> Result<BankWord, CommandError> {
        let (task, message) = self.pursued(attempt).await?;
        let bank = self.bank(&message.exchange.bank)?;
        if !bank.profile().offers(Transaction::Inquire) {
            let rule = format!("the bank {} cannot be asked what became of a message", bank.name());
            return Err(CommandError::Invalid { field: "attempt", rule });
        }
        let was = Transaction::named(&message.exchange.transaction).unwrap_or(message.transaction);
        let exchange = self.new_exchange(Transaction::Inquire, Place::of(&message.exchange)).await?;
        let original = (&message.exchange, was, message.amount);
        let question = self.follow_up(Transaction::Inquire, message.amount, exchange, original)?;
        let payment = self.must_load(task.merchant, task.payment).await?;
        let card = self.card_of(&payment).await?;
        let heard = bank.ask(Transaction::Inquire, &question.fields, &card).await;
        let word = word_of(&heard);
        let mut unit = self.unit(payment.merchant, self.clock.now());
        let note = Some(format!("the bank was asked what became of it: {}", word.says));
        let said = Said { sent: Some(question.fields), received: heard.received, note };
        self.add_payment_note(&mut unit, &payment, Actor::Operator { by: by.to_owned() }, said)?;
        self.commit(unit).await?;
        Ok(word)
    }

    /// Has a doubt pursued now, and its refusals forgotten: somebody has talked to the bank.
    ///
    /// # Errors
    /// [`CommandError::Missing`] for what is not in doubt.
    pub async fn retry_now(self: &Arc<Self>, attempt: AttemptId) -> Result<(), CommandError> {
        let (task, _) = self.pursued(attempt).await?;
        let _turn = self.turns.take(task.payment.to_u128()).await;
        // Read again: whoever had the turn before may have told it, or ended it.
        let (task, message) = self.pursued(attempt).await?;
        if !self.is_in_doubt(&task, &message).await? {
            return Err(CommandError::Missing { kind: "doubt", id: attempt.to_string() });
        }
        let now = self.clock.now();
        let mut unit = self.unit(task.merchant, now);
        unit.tasks.push(Task { refusals: 0, ..task }.put(PURSUIT, now)?);
        self.commit(unit).await?;
        self.pursue.notify_one();
        Ok(())
    }

    /// Ends a doubt with what people have found out.
    ///
    /// # Errors
    /// [`CommandError::Missing`] for what is not in doubt; [`CommandError::Busy`] while the bank is being asked, or when it
    /// answered meanwhile.
    pub async fn resolve(
        self: &Arc<Self>,
        attempt: AttemptId,
        resolution: Resolution,
    ) -> Result<Payment, CommandError> {
        let (task, message) = self.pursued(attempt).await?;
        let finding = resolution.finding;
        // A reversal on its way would undo at the bank what is about to be booked as standing.
        let _hand = self.take_in_hand(PURSUIT, task.number()).ok_or(CommandError::Busy)?;
        let _turn = self.turns.take(task.payment.to_u128()).await;
        let now = self.clock.now();
        let payment = self.must_load(task.merchant, task.payment).await?;
        let mut unit = self.unit(task.merchant, now);
        unit.tasks.push(task::done(PURSUIT, task.number()));
        let actor = Actor::Operator { by: resolution.by.clone() };
        let said = Said { note: Some(resolution.reason.clone()), ..Said::default() };
        let refused = |refused| CommandError::refused(&payment, refused);
        if let Some(refund) = task.refund {
            let refund = self.must_load_refund(task.merchant, refund).await?;
            let event = match resolution.finding {
                Finding::Stands => RefundEvent::Approved(approval(&message, resolution)),
                Finding::Undone => RefundEvent::Declined(not_done()),
            };
            let changed = payment.refund_step(&refund, event, now).map_err(refused)?;
            self.add_refund_change(&mut unit, &changed.refund, &changed.change, actor, said)?;
            if finding == Finding::Stands {
                let moved = (Transaction::Refund, message.amount);
                self.add_moved(&mut unit, (&message.exchange, None), moved)?;
            }
            self.commit(unit).await?;
            return Ok(changed.change.payment);
        }
        let event = match (resolution.finding, payment.state) {
            (Finding::Stands, State::Reversing { .. }) => {
                Event::Stands { approval: approval(&message, resolution) }
            }
            (Finding::Stands, _) => {
                Event::Approved { approval: approval(&message, resolution), flagged: true }
            }
            (Finding::Undone, State::Reversing { .. }) => Event::ReversalAccepted,
            (Finding::Undone, State::Advising { .. }) => Event::GivenUp(not_done()),
            (Finding::Undone, _) => Event::Declined(not_done()),
        };
        let change = payment.hear(attempt, event, now).map_err(refused)?;
        self.add_payment_change(&mut unit, &change, actor, said)?;
        if let Some(transaction) = Transaction::named(&message.exchange.transaction)
            && finding == Finding::Stands
        {
            let payments = (payment.captured, &change.payment);
            self.add_moved_of(&mut unit, payments, &message, (transaction, None))?;
        }
        match change.payment.state {
            State::Authorized => unit.tasks.push(self.expiry_of(&change.payment, now)?),
            _ => unit.tasks.push(task::done(EXPIRY, payment.id.to_u128())),
        }
        self.add_session_outcome(&mut unit, &change.payment).await?;
        self.commit(unit).await?;
        Ok(change.payment)
    }

    /// The pursuit of an exchange.
    async fn pursued(&self, attempt: AttemptId) -> Result<(Task, Message), CommandError> {
        let missing = || CommandError::Missing { kind: "doubt", id: attempt.to_string() };
        for due in self.store.tasks(PURSUIT, None, EVERY).await? {
            if due.id == attempt.to_u128() {
                let task: Task = from_bytes(&due.body)?;
                let message = task.message.clone().ok_or_else(missing)?;
                return Ok((task, message));
            }
        }
        Err(missing())
    }

    /// What failed by itself is put off like what the bank does not answer.
    pub(crate) async fn put_off(&self, task: &Task, error: &CommandError) -> Result<(), CommandError> {
        let trouble = error.to_string();
        self.try_later(task.clone(), Pursuit { trouble: Some(&trouble), ..Pursuit::default() }).await
    }
}

fn word_of(heard: &Heard) -> BankWord {
    let field =
        |de| heard.received.as_ref().and_then(|fields| fields.get(de)).map(|text| text.trim().to_owned());
    let says = match &heard.says {
        Says::Approved { .. } => "it has done what it was asked".to_owned(),
        Says::Declined(decline) if decline.network_code.as_deref() == Some("25") => {
            "it knows of no such message".to_owned()
        }
        Says::Declined(decline) => format!("it has refused it ({})", decline.code),
        Says::NotNow(_) => "it cannot say now".to_owned(),
        Says::Silent | Says::NeverLeft => {
            format!("it did not answer: {}", heard.note.as_deref().unwrap_or("no reason is known"))
        }
    };
    BankWord { says, response_code: field(39), rrn: field(37), authorization_code: field(38) }
}

/// The approval that people were told of: of the whole, for nobody can approve a part by telephone.
fn approval(message: &Message, resolution: Resolution) -> Approval {
    Approval {
        amount: message.amount.minor(),
        response_code: message.exchange.response_code.clone().unwrap_or_else(|| "00".to_owned()),
        rrn: resolution.rrn,
        authorization_code: resolution.authorization_code,
        settlement_date: message.exchange.settlement_date.clone(),
        issuer_data: None,
    }
}

fn not_done() -> Decline {
    Decline { code: "not_done_by_bank".to_owned(), network_code: None, advice: "try_again_later".to_owned() }
}
