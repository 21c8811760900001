//! The end of an exchange: what the bank said, or that it said nothing, becomes commit 2.

use std::time::Duration;

use payment::pursuit::Pursued;
use payment::{Event, Exchange, Payment, State};
use store::Unit;
use types::Timestamp;

use crate::bank::{Draft, Heard, Says, Transaction};
use crate::claim::Running;
use crate::model::Actor;
use crate::task::{self, EXCHANGE, EXPIRY, Message, PURSUIT, Task};
use crate::unit::Said;
use crate::{CommandError, Done, Pcs};

/// How many times an end is decided again: after a lost race at once, in front of a full queue after a pause. The bank
/// has been asked by now, so its answer is not given up lightly.
pub(crate) const TRIES: u32 = 16;

impl Pcs {
    /// Step 3 (commit 2): decide on what the bank said; commit the outcome with all that goes with it. A change by
    /// somebody else in between is not an error: the decision is taken again on the new payment.
    pub(crate) async fn conclude(
        &self,
        mut before: Payment,
        message: Message,
        heard: Heard,
        running: Option<Running>,
    ) -> Result<Done, CommandError> {
        let (merchant, id) = (before.merchant, before.id);
        for tries in 0..TRIES {
            match self.try_conclude(before, &message, &heard, running.as_ref()).await {
                Err(error) => decide_again(error, tries).await?,
                done => return done,
            }
            before = self.must_load(merchant, id).await?;
        }
        Err(CommandError::Busy)
    }

    /// One try of [`Pcs::conclude`]; [`CommandError::Busy`] when the payment has changed in between.
    async fn try_conclude(
        &self,
        before: Payment,
        message: &Message,
        heard: &Heard,
        running: Option<&Running>,
    ) -> Result<Done, CommandError> {
        let now = self.clock.now();
        let asked = before.state;
        if !awaits(&before, &message.exchange) {
            // Somebody else has ended this exchange, after a store that did not answer: what stands is the truth.
            self.heard_too_late(&before, message, heard).await?;
            return Ok(outcome(asked, before));
        }
        let captured_before = before.captured;
        let repeat = self.bank(&message.exchange.bank)?.repeats(message.transaction);
        let change = before
            .into_step(heard.event(asked, repeat), now)
            .map_err(|r| CommandError::refused_in(asked, r))?;
        let payment = &change.payment;
        let mut unit = self.unit(payment.merchant, now);
        let actor = Actor::Bank { bank: message.exchange.bank.clone() };
        let said = Said { sent: None, received: heard.received.clone(), note: heard.note.clone() };
        self.add_payment_change(&mut unit, &change, actor, said)?;
        unit.tasks.push(task::done(EXCHANGE, message.exchange.attempt.to_u128()));
        self.add_follow_up(&mut unit, asked, payment, message, heard)?;
        // What goes into doubt is counted when the doubt ends.
        if let Says::Approved { approval, .. } = &heard.says
            && !payment.state.in_doubt()
        {
            let asked = (message.transaction, approval.settlement_date.as_deref());
            self.add_moved_of(&mut unit, (captured_before, payment), message, asked)?;
        }
        self.add_session_outcome(&mut unit, payment).await?;
        let in_doubt = payment.state.in_doubt();
        let done = outcome(asked, change.payment);
        // An answer in doubt is not stored: the key's next request finds the payment as it is by then.
        if let Some(running) = running.filter(|_| !in_doubt) {
            unit.answer = Some(running.answer(&done)?);
        }
        self.commit(unit).await?;
        if in_doubt {
            self.pursue.notify_one();
        }
        Ok(done)
    }

    /// The bank's answer to what nobody waits for any more. Mostly another process was faster; but if people have said meanwhile
    /// that the bank has done nothing, and it says that it has, bank and books differ now, and somebody has to know.
    async fn heard_too_late(
        &self,
        payment: &Payment,
        message: &Message,
        heard: &Heard,
    ) -> Result<(), CommandError> {
        let exchange = message.exchange.attempt;
        let mut unit = self.unit(payment.merchant, self.clock.now());
        unit.tasks.push(task::done(EXCHANGE, exchange.to_u128()));
        let repeats = self.bank(&message.exchange.bank)?.repeats(message.transaction);
        if matches!(heard.says, Says::Approved { .. }) && repeats && !has_taken(payment, message) {
            self.add_done_in_vain(&mut unit, payment, (message, heard))?;
        }
        self.commit(unit).await.map(drop)
    }

    /// The bank has done what was given up: told in the payment's history and in the log.
    pub(super) fn add_done_in_vain(
        &self,
        unit: &mut Unit,
        payment: &Payment,
        (message, heard): (&Message, &Heard),
    ) -> Result<(), CommandError> {
        let (exchange, transaction) = (&message.exchange, message.transaction.name());
        let note = format!("the bank has done what was given up ({transaction}): compare its books");
        tracing::error!(payment.id = %payment.id, attempt = %exchange.attempt, "{note}");
        unit.tasks.push(task::done(PURSUIT, exchange.attempt.to_u128()));
        let actor = Actor::Bank { bank: exchange.bank.clone() };
        let said = Said { sent: None, received: heard.received.clone(), note: Some(note) };
        self.add_payment_note(unit, payment, actor, said)
    }

    /// The durable to-do that the new state asks for.
    fn add_follow_up(
        &self,
        unit: &mut Unit,
        asked: State,
        payment: &Payment,
        message: &Message,
        heard: &Heard,
    ) -> Result<(), CommandError> {
        let now = unit.at;
        let (id, exchange) = (payment.id.to_u128(), message.exchange.attempt.to_u128());
        match payment.state {
            State::Reversing { .. } if !matches!(asked, State::Reversing { .. }) => {
                let reversal = self.reversal_of(message, heard)?;
                unit.tasks.push(self.task(payment, Some(reversal), 0).put(PURSUIT, now)?);
            }
            State::Advising { in_doubt: true } => {
                // What surely never left is told for the first time yet, and no repeat.
                let attempts = u32::from(heard.says != Says::NeverLeft);
                let refusals = u32::from(payment.needs_operator.is_some());
                let pursued = Pursued { attempts, refusals, has_happened: true, ..Pursued::default() };
                let told = Task { refusals, ..self.task(payment, Some(message.clone()), attempts) };
                unit.tasks.push(told.put(PURSUIT, now.plus_ms(pursued.pause_ms()))?);
            }
            State::Capturing { in_doubt: true, .. } | State::Adjusting { in_doubt: true, .. } => {
                // The message itself was the first try.
                let due = now.plus_ms(task::SECOND_TRY_MS);
                unit.tasks.push(self.task(payment, Some(message.clone()), 1).put(PURSUIT, due)?);
            }
            State::Authorized => {
                if !is_first(asked) {
                    unit.tasks.push(task::done(PURSUIT, exchange));
                }
                unit.tasks.push(self.expiry_of(payment, unit.at)?);
            }
            // A first message that was answered at once has left nothing to take off the list.
            State::Captured | State::Failed | State::Canceled { .. } if is_first(asked) => {}
            State::Captured | State::Failed | State::Canceled { .. } => {
                unit.tasks.push(task::done(PURSUIT, exchange));
                unit.tasks.push(task::done(EXPIRY, id));
            }
            State::Reversing { .. }
            | State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorizing
            | State::Consuming
            | State::Advising { in_doubt: false }
            | State::Capturing { in_doubt: false, .. }
            | State::Incrementing { .. }
            | State::Adjusting { in_doubt: false, .. }
            | State::Voiding { .. } => {}
        }
        Ok(())
    }

    /// When a hold is given back: at its end. One that is past its end already, because its void or capture came to
    /// nothing, is tried again after a while and not at once.
    pub(crate) fn expiry_of(
        &self,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<store::TaskChange, CommandError> {
        let due = payment.terms.authorization_expires_at.max(now.plus_ms(task::LATER_MS));
        self.task(payment, None, 0).put(EXPIRY, due)
    }

    /// The reversal of a message that may have left: same terminal, same STAN, and why.
    fn reversal_of(&self, message: &Message, heard: &Heard) -> Result<Message, CommandError> {
        let original = (&message.exchange, message.transaction, message.amount);
        let draft = Draft {
            transaction: Transaction::Reversal,
            amount: message.amount,
            exchange: &message.exchange,
            original: Some(original),
            reason: Some(heard.reversal_reason),
        };
        let fields = self.bank(&message.exchange.bank)?.message(&draft)?;
        Ok(Message { transaction: Transaction::Reversal, fields, ..message.clone() })
    }
}

impl Heard {
    /// Whether the bank says only that it, or the card's issuer, cannot now: to what has happened that is no refusal.
    pub(crate) fn is_not_now(&self) -> bool {
        match &self.says {
            Says::NotNow(_) => true,
            Says::Declined(decline) => decline.code == "issuer_unavailable",
            Says::Approved { .. } | Says::Silent | Says::NeverLeft => false,
        }
    }

    /// What the payment is told.
    pub(crate) fn event(&self, asked: State, repeat: bool) -> Event {
        match &self.says {
            // The bank has not taken it up; it is told again.
            _ if self.is_not_now() && matches!(asked, State::Advising { .. }) => Event::Silent { repeat },
            Says::Approved { approval, flagged } => {
                Event::Approved { approval: approval.clone(), flagged: *flagged }
            }
            Says::Declined(decline) | Says::NotNow(decline) => Event::Declined(decline.clone()),
            Says::Silent => Event::Silent { repeat },
            Says::NeverLeft => Event::NeverLeft,
        }
    }
}

/// Whether a payment waited for the answer to its first message, and nothing else was ever due for it.
const fn is_first(asked: State) -> bool {
    matches!(asked, State::Authorizing | State::Consuming)
}

/// Whether a payment that waits no more has what its bank says it has done. What is undone after a silence is its reversal's
/// (`pursue.rs`).
fn has_taken(payment: &Payment, message: &Message) -> bool {
    let is_canceled = matches!(payment.state, State::Canceled { .. });
    match message.transaction {
        Transaction::OfflineSale => payment.state != State::Failed,
        Transaction::Capture | Transaction::CaptureAdvice => payment.captured > 0,
        Transaction::Adjust => payment.captured == message.amount.minor() || is_canceled,
        _ => true,
    }
}

/// Whether the payment still waits for the end of this very exchange, and not of one that came after it.
pub(crate) fn awaits(payment: &Payment, exchange: &Exchange) -> bool {
    payment.awaited().is_some_and(|awaited| awaited.attempt == exchange.attempt)
}

/// After a failed try to record an end: whether it can be decided again, and when.
pub(crate) async fn decide_again(error: CommandError, tries: u32) -> Result<(), CommandError> {
    match error {
        CommandError::Busy => Ok(()),
        CommandError::Overloaded => {
            tokio::time::sleep(Duration::from_millis(20 << tries.min(7))).await;
            Ok(())
        }
        other => Err(other),
    }
}

/// A capture, increment or void that leaves the payment standing as before was refused; everything else is told by the payment.
fn outcome(asked: State, payment: Payment) -> Done {
    let stands = matches!(payment.state, State::Authorized | State::Captured);
    let refused = match asked {
        State::Capturing { .. } => payment.state == State::Authorized,
        // An increment that was approved has left no refusal.
        State::Incrementing { .. } => payment.state == State::Authorized && payment.decline.is_some(),
        State::Adjusting { .. } => payment.state == State::Captured && payment.decline.is_some(),
        State::Voiding { .. } => stands,
        _ => false,
    };
    let payment = Box::new(payment);
    if refused { Done::ActionRefused(payment) } else { Done::Payment(payment) }
}
