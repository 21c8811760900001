//! Payment control server: the flows between the Internet and the banks. A flow does the I/O and makes no decision;
//! `payment` and `order` decide and do no I/O.

mod bank;
mod batch;
mod cache;
mod claim;
mod command;
mod error;
mod flow;
mod hash;
mod history;
mod measure;
pub mod model;
mod numbers;
mod pcs;
mod reads;
mod resource;
mod setup;
mod task;
mod told;
mod turns;
mod unit;

pub use bank::keys::{LinkKeys, mac_algorithm};
pub use bank::told::{LinkTold, Told, Word};
pub use bank::{Bank, BankState, Transaction};
pub use batch::BATCH as TASK_BATCH;
pub use batch::UPLOAD as TASK_UPLOAD;
pub use claim::KnownKey;
pub use command::{
    Caller, CardInput, Completed, Done, IdempotencyKey, Listed, NewCheckoutSession, NewPayment, Page,
    RefundRequest,
};
pub use error::CommandError;
pub use flow::{
    Balance, BalanceQuestion, BankStatus, BankWord, Custodian, Doubt, Finding, LinkStatus, Order, Resolution,
    RouteQuestion, WalletIdentity,
};
pub use history::{DescribedMessage, HistoryItem};
pub use hostlink::CardPresent;
pub use measure::{BUCKETS_MS, Histogram, JournalMeasure, Measures, OpenDoubts, StoredMeasures, Tally};
pub use pcs::{AT_ONCE, Parts, Pcs, Readiness};
pub use setup::{
    DueDelivery, EndpointChange, EventView, MerchantUpdate, NewEndpoint, NewMerchant, NewPinKey, NewTerminal,
    SecretKey, Stretch, Unread,
};
pub use task::{EXCHANGE as TASK_EXCHANGE, EXPIRY as TASK_EXPIRY, PURSUIT as TASK_PURSUIT};
pub use unit::{RECORD_BANK, RECORD_PAYMENT, RECORD_REFUND, RECORD_SETUP};
