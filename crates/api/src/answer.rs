//! Answers: objects, lists, and how a command that moves money ended.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use payment::{CancellationReason, Exchange, Payment, Refund, RefundState, State};
use pcs::{Completed, Done};
use serde::Serialize;

use crate::body::{payment_body, refund_body};
use crate::problem::{Code, Problem};

pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a handler returns.
pub(crate) type Answer = Result<Response, Problem>;

/// 200 and an object.
pub(crate) fn ok<T: Serialize>(body: T) -> Answer {
    json(StatusCode::OK, &body)
}

/// Most answers fit, so that writing one does not move it several times.
const USUAL_BYTES: usize = 2_048;

fn json<T: Serialize>(status: StatusCode, body: &T) -> Answer {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut bytes, body)
        .map_err(|_| Problem::new(Code::InternalError, "the answer cannot be written as JSON"))?;
    let media_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((status, media_type, bytes).into_response())
}

/// 201, an object, and where it is.
pub(crate) fn created<T: Serialize>(location: String, body: T) -> Answer {
    let mut response = json(StatusCode::CREATED, &body)?;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What a merchant asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Confirm,
    Increment,
    Adjust,
    Capture,
    Void,
}

impl Operation {
    /// Whether the state is what was asked for. A success is only ever answered for one of these, and for work that is
    /// still on its way: a program that looks at nothing but the status must not take money for paid that is not.
    const fn is_reached_by(self, state: &State) -> bool {
        match self {
            Operation::Create => matches!(
                state,
                State::RequiresPaymentMethod
                    | State::RequiresConfirmation
                    | State::Authorized
                    | State::Captured
            ),
            Operation::Confirm => matches!(state, State::Authorized | State::Captured),
            Operation::Increment => matches!(state, State::Authorized),
            Operation::Capture | Operation::Adjust => matches!(state, State::Captured),
            Operation::Void => matches!(state, State::Canceled { .. }),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Operation::Create | Operation::Confirm => "payment",
            Operation::Increment => "increment",
            Operation::Adjust => "adjustment",
            Operation::Capture => "capture",
            Operation::Void => "void",
        }
    }
}

/// The answer to a command about a payment.
pub(crate) fn of_payment(operation: Operation, completed: Completed, livemode: bool) -> Answer {
    let replayed = completed.replayed;
    let answer = match &completed.done {
        Done::Payment(payment) => payment_answer(operation, payment, livemode),
        Done::ActionRefused(payment) => Err(action_refused(operation, payment, livemode)),
        Done::Refund(_) => Err(wrong_kind()),
    };
    mark(answer, replayed)
}

/// The answer to a command about a refund.
pub(crate) fn of_refund(completed: Completed, livemode: bool) -> Answer {
    let replayed = completed.replayed;
    let answer = match &completed.done {
        Done::Refund(refund) => refund_answer(refund, livemode),
        Done::Payment(_) | Done::ActionRefused(_) => Err(wrong_kind()),
    };
    mark(answer, replayed)
}

/// The fingerprint covers the path, so a key's answer is always of the kind that was asked for.
fn wrong_kind() -> Problem {
    tracing::error!("An idempotency key is answered with an object of another kind");
    Problem::new(Code::InternalError, "the stored answer is of another kind")
}

fn mark(answer: Answer, replayed: bool) -> Answer {
    let mut response = answer.map_err(|problem| problem.replayed(replayed))?;
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn payment_answer(operation: Operation, payment: &Payment, livemode: bool) -> Answer {
    let body = payment_body(payment, livemode);
    let state = &payment.state;
    // An offline sale is taken over once it is recorded: it is the gateway that has to tell the bank of it.
    if state.in_doubt() && !matches!(state, State::Advising { .. }) {
        let detail = format!(
            "the bank did not answer the {} in time; its outcome is being found out; do not send it again",
            operation.name()
        );
        return Err(Problem::new(Code::HostTimeout, detail).payment(body));
    }
    let on_its_way = matches!(
        state,
        State::Authorizing
            | State::Consuming
            | State::Advising { .. }
            | State::Incrementing { .. }
            | State::Adjusting { .. }
            | State::Capturing { .. }
            | State::Voiding { .. }
    );
    if operation.is_reached_by(state) || on_its_way {
        return match operation {
            Operation::Create => created(format!("/v1/payments/{}", payment.id), body),
            Operation::Confirm
            | Operation::Increment
            | Operation::Adjust
            | Operation::Capture
            | Operation::Void => ok(body),
        };
    }
    Err(match state {
        State::Failed => failed(payment).payment(body),
        State::Canceled { reason: CancellationReason::TimeoutReversed } => Problem::new(
            Code::HostTimeout,
            "the bank did not answer in time; what it may have done is undone and no money was taken",
        )
        .payment(body),
        State::Authorized | State::Captured => {
            let detail = format!(
                "the bank did not answer the {0} in time; the {0} is undone and the payment stands as before",
                operation.name()
            );
            Problem::new(Code::HostTimeout, detail).payment(body)
        }
        _ => Problem::new(Code::InvalidState, "the payment has changed since this key was first used")
            .state(crate::problem::status_name(state.status()), &payment.actions())
            .payment(body),
    })
}

/// A payment that a bank declined, or that no bank was asked for.
fn failed(payment: &Payment) -> Problem {
    let decline = payment.decline.clone();
    match &decline {
        Some(decline) if is_unreachable(decline) => Problem::new(
            Code::HostUnavailable,
            "the message did not reach the bank and no money was taken; this payment has failed, make a new one",
        )
        .retry_after(30),
        Some(decline) => {
            let code = match decline.code.as_str() {
                "expired_card" => Code::ExpiredCard,
                "incorrect_number" => Code::IncorrectNumber,
                _ => Code::CardDeclined,
            };
            Problem::new(code, format!("the bank declined this payment: {}", decline.code.replace('_', " ")))
        }
        None => Problem::new(Code::CardDeclined, "this payment has failed"),
    }
    .decline(decline)
}

/// The flow's own name for "the message surely never left".
fn is_unreachable(decline: &payment::Decline) -> bool {
    decline.network_code.is_none() && decline.code == "host_unavailable"
}

fn action_refused(operation: Operation, payment: &Payment, livemode: bool) -> Problem {
    let name = operation.name();
    let exchange: Option<&Exchange> = match operation {
        Operation::Void => payment.void.as_deref(),
        Operation::Increment => payment.increment.as_deref(),
        Operation::Adjust => payment.adjustment.as_deref(),
        Operation::Create | Operation::Confirm | Operation::Capture => payment.completion.as_deref(),
    };
    // An exchange without an answer never left, and then the decline is none or an older one.
    let answered = exchange.is_some_and(|exchange| exchange.response_code.is_some());
    let problem = if answered {
        let why = payment.decline.as_ref().map_or("no reason given".to_owned(), |d| d.code.replace('_', " "));
        let detail = format!("the bank refused the {name}: {why}; the payment stands as before");
        Problem::new(Code::BankRefused, detail).decline(payment.decline.clone())
    } else {
        let detail = format!("the {name} did not reach the bank; the payment stands as before");
        Problem::new(Code::HostUnavailable, detail).retry_after(30)
    };
    problem.payment(payment_body(payment, livemode))
}

/// A refund in doubt is no error: the same advice is repeated until the bank takes it.
fn refund_answer(refund: &Refund, livemode: bool) -> Answer {
    let body = refund_body(refund, livemode);
    match refund.state {
        RefundState::Pending | RefundState::InDoubt | RefundState::Succeeded => {
            created(format!("/v1/refunds/{}", refund.id), body)
        }
        RefundState::Failed => {
            let decline = refund.decline.clone();
            Err(match &decline {
                Some(decline) if is_unreachable(decline) => Problem::new(
                    Code::HostUnavailable,
                    "the refund did not reach the bank; nothing was given back",
                )
                .retry_after(30),
                _ => {
                    let why =
                        decline.as_ref().map_or("no reason given".to_owned(), |d| d.code.replace('_', " "));
                    Problem::new(Code::BankRefused, format!("the bank refused the refund: {why}"))
                }
            }
            .decline(decline)
            .refund(body))
        }
    }
}
