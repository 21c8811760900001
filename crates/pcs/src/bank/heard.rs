//! What an exchange with a bank comes down to, and what is worth keeping of it.

use hostlink::{MaybeSent, NotSent, Rejection};
use iso8583::Fields;
use payment::{Approval, Decline};

/// What the bank's answer comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Approved {
        approval: Approval,
        flagged: bool,
    },
    Declined(Decline),
    /// The bank has not taken the message up: later, or after a sign-on. To a first try that is a decline; to a repeat
    /// it says nothing about the copies before.
    NotNow(Decline),
    /// The message may have left, and no answer can be believed.
    Silent,
    /// The message surely never left.
    NeverLeft,
}

impl Says {
    /// Its name for monitoring.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "approved",
            Self::Declined(_) => "declined",
            Self::NotNow(_) => "not_now",
            Self::Silent => "silent",
            Self::NeverLeft => "never_left",
        }
    }
}

/// What came back, with what is worth keeping of it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub says: Says,
    /// The answer's fields, without card data.
    pub received: Option<Fields>,
    /// In plain words, where there is no answer.
    pub note: Option<String>,
    /// The link did not take the message, and another bank's may. One that does not fit the dialect is our mistake, which
    /// going elsewhere would only hide.
    pub may_go_elsewhere: bool,
    /// Of a reversal: the bank knew of nothing to undo.
    pub found_nothing: bool,
    /// DE 39 for a reversal, should one be needed: why.
    pub reversal_reason: &'static str,
}

impl Heard {
    pub(super) fn of(says: Says) -> Self {
        Self {
            says,
            received: None,
            note: None,
            may_go_elsewhere: false,
            found_nothing: false,
            reversal_reason: "98",
        }
    }

    pub(super) fn never_left(note: String) -> Self {
        Self { note: Some(note), ..Self::of(Says::NeverLeft) }
    }

    pub fn silent(note: String, reversal_reason: &'static str) -> Self {
        Self { note: Some(note), reversal_reason, ..Self::of(Says::Silent) }
    }
}

pub(super) fn not_sent_words(why: NotSent) -> String {
    format!("the message surely did not leave ({})", why.code())
}

pub(super) fn maybe_sent_words(why: &MaybeSent) -> String {
    format!("the message may have left and no answer can be believed ({})", why.code())
}

pub(super) fn rejection_words(why: &Rejection) -> String {
    format!("the message does not fit the bank's dialect ({})", why.code())
}

/// DE 39 of the reversal: 98 no answer, A0 wrong MAC, 06 an answer that cannot be used.
pub(super) fn reversal_reason(why: &MaybeSent) -> &'static str {
    match why {
        MaybeSent::BadMac => "A0",
        MaybeSent::Mismatch(_) => "06",
        _ => "98",
    }
}
