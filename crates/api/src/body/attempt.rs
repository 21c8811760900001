//! The exchanges of a payment with banks.

use payment::{CancellationReason, Exchange, Payment, State, Undo};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

/// How an exchange with a bank ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The bank has been asked and still has time to answer.
    Pending,
    /// The bank said yes.
    Approved,
    /// The bank said no.
    Declined,
    /// The bank was silent; its effect is being found out or undone.
    Timeout,
    /// The bank was silent; its effect is undone.
    Reversed,
    /// The message surely never left.
    Error,
}

/// One exchange with a bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptBody {
    /// The attempt's id.
    #[schema(example = "att_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `attempt`.
    #[schema(pattern = "^attempt$")]
    pub object: &'static str,
    /// What was asked for: `payment`, `increment`, `capture`, `adjust`, `void` or `refund`.
    #[schema(example = "payment")]
    pub operation: &'static str,
    /// The bank's name in the gateway's configuration.
    pub bank: String,
    /// What the bank was asked for, in the field's words.
    #[schema(example = "consume")]
    pub transaction: String,
    /// DE 41.
    pub terminal: String,
    /// Systems trace audit number, DE 11, six digits.
    #[schema(example = "000042")]
    pub stan: String,
    /// Retrieval reference number, DE 37.
    pub rrn: Option<String>,
    /// DE 38.
    pub authorization_code: Option<String>,
    /// DE 39.
    #[schema(example = "00")]
    pub response_code: Option<String>,
    /// How the card's data was entered.
    #[schema(example = "ecommerce")]
    pub entry_mode: &'static str,
    /// What the issuer says to the chip (DE 55), in hexadecimal digits: give it to the card.
    pub issuer_data: Option<String>,
    /// When the message was recorded to be sent.
    #[schema(value_type = String, format = DateTime)]
    pub sent_at: Timestamp,
    /// When the answer arrived.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// Milliseconds from one to the other.
    pub latency_ms: Option<i64>,
    /// How it ended.
    pub outcome: AttemptOutcome,
}

/// The exchanges of a payment, oldest first.
pub fn attempts(payment: &Payment) -> Vec<AttemptBody> {
    let original = payment.original.as_ref().map(|e| attempt(e, "payment", original_outcome(payment)));
    let completion =
        payment.completion.as_ref().map(|e| attempt(e, "capture", completion_outcome(payment, e)));
    let increment =
        payment.increment.as_ref().map(|e| attempt(e, "increment", increment_outcome(payment, e)));
    let adjustment =
        payment.adjustment.as_ref().map(|e| attempt(e, "adjust", adjustment_outcome(payment, e)));
    let void = payment.void.as_ref().map(|e| attempt(e, "void", void_outcome(payment, e)));
    let mut all: Vec<AttemptBody> =
        [original, increment, completion, adjustment, void].into_iter().flatten().collect();
    all.sort_by_key(|attempt| attempt.sent_at);
    all
}

pub(super) fn attempt(exchange: &Exchange, operation: &'static str, outcome: AttemptOutcome) -> AttemptBody {
    AttemptBody {
        id: exchange.attempt.to_string(),
        object: "attempt",
        operation,
        bank: exchange.bank.clone(),
        transaction: exchange.transaction.clone(),
        terminal: exchange.terminal.clone(),
        stan: format!("{:06}", exchange.stan),
        rrn: exchange.rrn.clone(),
        authorization_code: exchange.authorization_code.clone(),
        response_code: exchange.response_code.clone(),
        entry_mode: exchange.entry.mode.name(),
        issuer_data: exchange.issuer_data.clone(),
        sent_at: exchange.sent_at,
        answered_at: exchange.answered_at,
        latency_ms: exchange.answered_at.map(|answered| answered.ms_since(exchange.sent_at)),
        outcome,
    }
}

fn original_outcome(payment: &Payment) -> AttemptOutcome {
    match payment.state {
        State::RequiresPaymentMethod
        | State::RequiresConfirmation
        | State::Authorizing
        | State::Consuming
        | State::Advising { in_doubt: false } => AttemptOutcome::Pending,
        State::Advising { in_doubt: true } if payment.decline.is_some() => AttemptOutcome::Declined,
        State::Advising { in_doubt: true } | State::Reversing { undo: Undo::Original } => {
            AttemptOutcome::Timeout
        }
        State::Canceled { reason: CancellationReason::TimeoutReversed } => AttemptOutcome::Reversed,
        State::Failed => refusal(payment.original.as_deref()),
        State::Authorized
        | State::Capturing { .. }
        | State::Captured
        | State::Incrementing { .. }
        | State::Adjusting { .. }
        | State::Voiding { .. }
        | State::Reversing {
            undo: Undo::Capture { .. } | Undo::Increment { .. } | Undo::Adjust { .. } | Undo::Void { .. },
        }
        | State::Canceled { .. } => AttemptOutcome::Approved,
    }
}

fn completion_outcome(payment: &Payment, exchange: &Exchange) -> AttemptOutcome {
    match payment.state {
        State::Capturing { in_doubt: false, .. } => AttemptOutcome::Pending,
        State::Capturing { in_doubt: true, .. } | State::Reversing { undo: Undo::Capture { .. } } => {
            AttemptOutcome::Timeout
        }
        // The amount is in the payment from the moment that the capture was approved, and leaves it with a void.
        _ if payment.captured > 0 || payment.fee > 0 => AttemptOutcome::Approved,
        State::Canceled { .. } | State::Captured if exchange.authorization_code.is_some() => {
            AttemptOutcome::Approved
        }
        _ => not_in_force(payment, exchange),
    }
}

fn increment_outcome(payment: &Payment, exchange: &Exchange) -> AttemptOutcome {
    match payment.state {
        State::Incrementing { .. } => AttemptOutcome::Pending,
        State::Reversing { undo: Undo::Increment { .. } } => AttemptOutcome::Timeout,
        _ if exchange.authorization_code.is_some() && payment.decline.is_none() => AttemptOutcome::Approved,
        _ => not_in_force(payment, exchange),
    }
}

fn adjustment_outcome(payment: &Payment, exchange: &Exchange) -> AttemptOutcome {
    match payment.state {
        State::Adjusting { in_doubt: false, .. } => AttemptOutcome::Pending,
        State::Adjusting { in_doubt: true, .. } | State::Reversing { undo: Undo::Adjust { .. } } => {
            AttemptOutcome::Timeout
        }
        _ if exchange.authorization_code.is_some() && payment.decline.is_none() => AttemptOutcome::Approved,
        _ => not_in_force(payment, exchange),
    }
}

fn void_outcome(payment: &Payment, exchange: &Exchange) -> AttemptOutcome {
    match payment.state {
        State::Voiding { .. } => AttemptOutcome::Pending,
        State::Reversing { undo: Undo::Void { .. } } => AttemptOutcome::Timeout,
        State::Canceled { reason: CancellationReason::Voided | CancellationReason::Expired } => {
            AttemptOutcome::Approved
        }
        _ => not_in_force(payment, exchange),
    }
}

/// A capture or void that did not last: refused, never sent, or undone after a silence.
fn not_in_force(payment: &Payment, exchange: &Exchange) -> AttemptOutcome {
    let refused =
        payment.decline.as_ref().is_some_and(|decline| decline.network_code == exchange.response_code);
    match &exchange.response_code {
        Some(_) if refused => AttemptOutcome::Declined,
        Some(_) | None => AttemptOutcome::Reversed,
    }
}

fn refusal(exchange: Option<&Exchange>) -> AttemptOutcome {
    match exchange.and_then(|exchange| exchange.response_code.as_ref()) {
        Some(_) => AttemptOutcome::Declined,
        None => AttemptOutcome::Error,
    }
}
