//! One flow, one file.

mod capture;
mod conclude;
mod exchange;
mod expire;
mod given;
mod instruct;
mod keep_card;
mod operate;
mod pursue;
mod refund;
mod reroute;
mod resume;
mod submit;
mod void;
mod work;

pub use instruct::{Custodian, WalletIdentity};
pub use operate::{BankWord, Doubt, Finding, Resolution};
