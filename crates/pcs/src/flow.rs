//! One flow, one file.

mod adjust;
mod balance;
mod banks;
mod capture;
mod compare;
mod conclude;
mod exchange;
mod expire;
mod explain;
mod given;
mod increment;
mod instruct;
mod items;
mod keep_card;
pub(crate) mod offline;
mod operate;
mod parameters;
mod pin;
mod pursue;
mod reconcile;
mod refund;
mod reroute;
mod resume;
mod submit;
mod upload;
mod void;
mod work;

pub(crate) use self::items::Item;
pub use balance::{Balance, BalanceQuestion};
pub use banks::{BankStatus, LinkStatus, Order};
pub use explain::RouteQuestion;
pub use instruct::{Custodian, WalletIdentity};
pub use operate::{BankWord, Doubt, Finding, Resolution};
#[cfg(test)]
mod size;
