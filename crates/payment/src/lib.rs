//! The payment state machine and every decision about money, without I/O.
//!
//! A flow hands an [`Event`] and the current [`Payment`] to [`Payment::step`] and gets back a [`Change`]: the next
//! payment, the ledger entry, the notices to send and the statistics, which the flow commits together or not at all.
//! What a bank says goes through [`Payment::hear`], which makes sure that it answers the message that is waited for.

mod allowed;
mod event;
mod exchange;
pub mod fees;
pub mod limits;
mod notice;
pub mod offline;
mod payment;
mod postings;
pub mod pursuit;
mod refund;
mod refused;
pub mod routing;
mod state;
mod statistic;
mod status;
mod step;
mod terms;

pub use event::Event;
pub use exchange::{Approval, Decline, Exchange, Offers};
pub use fees::FeePlan;
pub use notice::Notice;
pub use offline::OfflineTerms;
pub use payment::{Change, Money64, Payment};
pub use refund::{NewRefund, Refund, RefundChange, RefundEvent, RefundState};
pub use refused::Refused;
pub use state::{CancellationReason, Held, State, Undo, VoidReason};
pub use statistic::{Stat, Statistic};
pub use status::{ProcessingReason, Status};
pub use terms::{CaptureMethod, CardSummary, Evidence, OrderTerms};
