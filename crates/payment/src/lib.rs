//! The payment state machine and every decision about money, without I/O.
//!
//! A flow hands an [`Event`] and the current [`Payment`] to [`Payment::step`] and gets back a [`Change`]: the next
//! payment, the ledger entry, the notices to send and the statistics, which the flow commits together or not at all.

pub mod fees;
pub mod limits;
mod payment;
mod postings;
mod refund;
pub mod routing;
mod state;
mod step;

pub use fees::FeePlan;
pub use payment::{
    Approval, CancellationReason, CaptureMethod, CardSummary, Change, Decline, Evidence, Exchange, Money64,
    Notice, OrderTerms, Payment, Stat, Statistic,
};
pub use refund::{NewRefund, Refund, RefundChange, RefundEvent, RefundState};
pub use state::{Held, ProcessingReason, State, Status, Undo, VoidReason};
pub use step::{Event, Refused};
