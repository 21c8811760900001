//! Why an event is not taken.

use types::MoneyError;

use crate::{Money64, State};

/// Why an event cannot be applied. Nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state does not allow it.
    #[error("cannot {event} while the payment is in state {state:?}")]
    InvalidState {
        /// The state.
        state: State,
        /// What was tried.
        event: &'static str,
    },
    /// More than what is held.
    #[error("the capture exceeds the {capturable} minor units that can still be captured")]
    ExceedsCapturable {
        /// Minor units that can be captured.
        capturable: Money64,
    },
    /// More than what is left to refund.
    #[error("the refund exceeds the {refundable} minor units that can still be refunded")]
    ExceedsRefundable {
        /// Minor units that can be refunded.
        refundable: Money64,
    },
    /// Zero.
    #[error("the amount must be at least one minor unit")]
    ZeroAmount,
    /// A void comes too late: the sale was captured on another day, or part of it was refunded.
    #[error(
        "a captured payment can be voided only on the day of its capture and before any refund; refund it instead"
    )]
    TooLateToVoid,
    /// An adjustment comes too late, or is of no sale.
    #[error(
        "a sale can be adjusted only on the day of its capture, before any refund, and not when it was authorized first"
    )]
    NotAdjustable,
    /// An adjustment below what was agreed on, or to what the sale comes to already.
    #[error("the sale must come to at least its {least} minor units, and to something else than now")]
    AdjustsNothing {
        /// What was agreed on.
        least: Money64,
    },
    /// An amount went out of range. Nothing was changed.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The entry would not balance: our mistake, stopped before it was recorded.
    #[error(transparent)]
    Ledger(#[from] ledger::EntryError),
}
