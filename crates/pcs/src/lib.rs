//! Payment control server: the flows between the Internet and the banks. A flow does the I/O and makes no decision;
//! `payment` and `order` decide and do no I/O.

mod command;
mod error;
pub mod model;

pub use command::{
    Caller, Completed, Done, IdempotencyKey, Listed, NewCheckoutSession, NewPayment, Page, RefundRequest,
};
pub use error::CommandError;
