//! Links to banks: the only crate that opens a socket to one.
//!
//! | file                            | what it does                                                              |
//! |---------------------------------|---------------------------------------------------------------------------|
//! | `profile`                       | `bank.toml` becomes a [`BankProfile`]: fields, codes, timers, sign-on     |
//! | `framing`                       | lengths, TPDUs and headers around messages                                |
//! | `link`                          | the handle: [`HostLink::request`] and its four [`Outcome`]s               |
//! | `supervisor`, `backoff`         | connects, and connects again                                              |
//! | `session`, `submit`, `inbound`  | one connection: sign-on, echo, requests out, answers in                   |
//! | `wire`, `drain`                 | what may have left; how it ends                                           |
//! | `pending`, `key`                | which answer belongs to which request; who comes late                     |
//! | `security`                      | the trait behind which the keys stay                                      |
//! | `shipped`                       | the banks of this repository                                              |
//!
//! A link runs in one task, and that task owns every request it has taken: a caller that goes away cancels nothing.
//! What decides between *try elsewhere* and *reverse* is one bit, whether the first byte may have left, and it is set
//! before the write that could make it true.

mod backoff;
mod card_fields;
mod connect;
mod counters;
mod drain;
pub mod framing;
mod inbound;
mod key;
mod link;
mod outcome;
mod parted;
mod pending;
mod profile;
mod security;
mod session;
mod shipped;
mod submit;
mod supervisor;
mod wire;

pub use backoff::Backoff;
pub use card_fields::{CardFields, CardPresent, PinField};
pub use connect::{Connect, Connecting, Stream, TcpConnect};
pub use counters::CounterValues;
pub use link::{Drained, HostLink, LinkParts, LinkState, TransactionRequest};
pub use outcome::{LateReason, LateReply, MaybeSent, NotSent, Outcome, Rejection, Reply};
pub use profile::{
    BankProfile, CardElement, CodeOutcome, CodeRow, Exchange, KeyField, Limits, MacRules, MessageError,
    OnSilence, Original, ProfileError, SessionFacts, Timers, Transaction, TransactionData,
};
pub use security::{KeyUsage, LinkSecurity, MacAlgorithm, SecurityError, WrappedKey};
pub use shipped::{SHIPPED_BANKS, shipped_bank, shipped_file};
