//! What a link learns of its bank that its owner has to act on.

use crate::profile::SessionFacts;
use crate::security::SecurityError;

/// Something that happened at a bank or on the way to it, for whoever keeps the books with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEvent {
    /// A link signed on; the batch and date are those to use from now on.
    SignedOn {
        /// The link, by its place in its host.
        link: usize,
        /// What the bank said.
        facts: SessionFacts,
    },
    /// The bank's accounting day has changed: what is approved from now on belongs to the new one.
    CutOver {
        /// The new accounting date, `MMDD` or `YYMMDD`, where the bank says it.
        settlement_date: Option<String>,
    },
    /// New working keys have been proved and are in use.
    KeysExchanged {
        /// The link.
        link: usize,
    },
    /// The bank's keys cannot be trusted; the link has stopped.
    KeysRefused {
        /// The link.
        link: usize,
        /// Why.
        why: SecurityError,
    },
    /// The bank wants its parameters to be fetched. How they are fetched and what they mean is the owner's.
    ParametersWanted {
        /// The link.
        link: usize,
    },
    /// The bank says that it is about to stop: it has signed itself off.
    BankSignedOff {
        /// The link.
        link: usize,
    },
}
