//! A simulated bank host: the far end of a `hostlink`, with cards, money, and faults on demand.
//!
//! It shares the codec, the dialects and the framing with the gateway, and nothing else: what it approves, what it
//! holds and what it owes it decides and counts by itself, so that its totals can be held against the gateway's books.
//!
//! | file                | what it does                                                                    |
//! |---------------------|---------------------------------------------------------------------------------|
//! | `bank`              | the handle: start, faults, totals, transcript                                   |
//! | `server`            | sockets: frames in, answers out, late, twice, cut in half, or not at all        |
//! | `desk`              | one message: check it, decide it, answer it                                     |
//! | `request`, `forms/` | what a message asks, in each dialect                                            |
//! | `books`, `record`   | holds, sales, refunds, reversals; pure, rebuilt from its own log                |
//! | `cards`, `fault`    | the test cards, and what can be made to go wrong                                |
//! | `script`, `chaos`   | what goes wrong when, by a file or by a seed                                    |
//! | `reconcile`, `notice` | accounting days, batch totals, and what the bank says of its own accord       |
//! | `keys`              | working keys, check values and MACs                                             |
//!
//! Not a model of any real bank's systems, and never to be connected to one: card numbers are test numbers and the
//! keys live in plain memory.

mod bank;
mod books;
mod cards;
mod chaos;
mod connections;
mod desk;
mod fault;
mod forms;
mod journal;
mod keys;
mod notice;
mod reconcile;
mod record;
mod request;
mod script;
mod server;
mod totals;
mod transcript;
mod upload;

pub use bank::{Bank, BankConfig, BankError};
pub use cards::{Behaviour, TestCard, cards};
pub use chaos::ChaosConfig;
pub use fault::{Fault, FaultId, HowMany, Scope};
pub use notice::Notice;
pub use reconcile::BatchTotals;
pub use request::ParameterSet;
pub use script::{Deed, Script, ScriptError};
pub use totals::{CurrencyTotals, Sum, Totals};
pub use transcript::{Direction, TranscriptLine};
