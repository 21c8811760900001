//! Links to banks: the only crate that opens a socket to one.
//!
//! | file                            | what it does                                                              |
//! |---------------------------------|---------------------------------------------------------------------------|
//! | `profile`                       | `bank.toml` becomes a [`BankProfile`]: fields, codes, timers, sign-on     |
//! | `framing`                       | lengths, TPDUs and headers around messages                                |
//! | `host`, `health`                | several links to one bank: which takes a request, and who stands in       |
//! | `link`, `shared`                | the handle: [`HostLink::request`] and its four [`Outcome`]s               |
//! | `supervisor`, `backoff`         | connects, and connects again                                              |
//! | `session`, `timing`             | one connection: what happens when                                         |
//! | `submit`, `inbound`, `answer`   | requests out, answers in                                                  |
//! | `own`, `bank_request`, `event`  | sign-on, keys, echo; what the bank asks of us, and what we tell of it     |
//! | `wire`, `drain`                 | what may have left; how it ends                                           |
//! | `pending`, `registry`, `key`    | which answer belongs to which request; who comes late                     |
//! | `security`                      | the trait behind which the keys stay                                      |
//! | `shipped`                       | the banks of this repository                                              |
//!
//! A link runs in one task, and that task owns every request it has taken: a caller that goes away cancels nothing. The
//! links of a host share the registry of keys, so that an answer finds its request whichever of them it comes over.
//! What decides between *try elsewhere* and *reverse* is one bit, whether the first byte may have left, and it is set
//! before the write that could make it true.

mod answer;
mod backoff;
mod bank_request;
mod card_fields;
mod connect;
mod counters;
mod drain;
mod event;
pub mod framing;
mod health;
mod host;
mod inbound;
mod key;
mod link;
mod outcome;
mod own;
mod parted;
mod pending;
mod profile;
mod registry;
mod security;
mod session;
mod shared;
mod shipped;
mod submit;
mod supervisor;
mod timing;
mod wire;

pub use backoff::Backoff;
pub use card_fields::{CardFields, CardPresent, PinField, PinKeyBlock};
pub use connect::{Connect, Connecting, Stream, TcpConnect};
pub use counters::CounterValues;
pub use event::LinkEvent;
pub use host::Host;
pub use link::{Drained, HostLink, LinkParts, LinkState, TransactionRequest};
pub use outcome::{LateReason, LateReply, MaybeSent, NotSent, Outcome, Rejection, Reply};
pub use profile::{
    BankProfile, BankRequest, BankWants, BatchTotals, CardElement, CodeOutcome, CodeRow, Count, Exchange,
    KeyField, Limits, MacRules, MessageError, OnSilence, Original, ParameterAnswer, ParameterPiece,
    ParameterSet, ParameterStep, ProfileError, Reconciliation, ReconciliationData, SessionFacts, Timers,
    TotalsOf, Transaction, TransactionData, Upload, UploadAnswer, UploadData, UploadItem,
};
pub use security::{KeyUsage, LinkSecurity, MacAlgorithm, SecurityError, WrappedKey};
pub use shipped::{SHIPPED_BANKS, SHIPPED_DIALECTS, shipped_bank, shipped_dialect, shipped_file};
