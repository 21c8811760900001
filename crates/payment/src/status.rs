//! The statuses that the API shows, and what each state means to a merchant.

use serde::{Deserialize, Serialize};

use crate::State;

/// The status of a payment as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A card is missing.
    RequiresPaymentMethod,
    /// `confirm` is missing.
    RequiresConfirmation,
    /// A bank has been or is being asked.
    Processing,
    /// Funds are held.
    RequiresCapture,
    /// The money has moved.
    Succeeded,
    /// Declined, or never sent.
    Failed,
    /// Undone before or after it took effect.
    Canceled,
}

/// Why a payment is `processing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessingReason {
    /// The bank has been asked and still has time to answer.
    HostPending,
    /// The bank was silent; the outcome is unknown and is being driven to certainty.
    InDoubt,
    /// A reversal is on its way.
    ReversalPending,
}

impl State {
    /// The status that the API shows.
    pub const fn status(&self) -> Status {
        match self {
            State::RequiresPaymentMethod => Status::RequiresPaymentMethod,
            State::RequiresConfirmation => Status::RequiresConfirmation,
            State::Authorizing
            | State::Consuming
            | State::Advising { .. }
            | State::Capturing { .. }
            | State::Incrementing { .. }
            | State::Adjusting { .. }
            | State::Voiding { .. }
            | State::Reversing { .. } => Status::Processing,
            State::Authorized => Status::RequiresCapture,
            State::Captured => Status::Succeeded,
            State::Failed => Status::Failed,
            State::Canceled { .. } => Status::Canceled,
        }
    }

    /// Why the payment is `processing`, when it is.
    pub const fn processing_reason(&self) -> Option<ProcessingReason> {
        match self {
            State::Authorizing
            | State::Consuming
            | State::Advising { in_doubt: false }
            | State::Capturing { in_doubt: false, .. }
            | State::Incrementing { .. }
            | State::Adjusting { in_doubt: false, .. }
            | State::Voiding { .. } => Some(ProcessingReason::HostPending),
            State::Advising { in_doubt: true }
            | State::Capturing { in_doubt: true, .. }
            | State::Adjusting { in_doubt: true, .. } => Some(ProcessingReason::InDoubt),
            State::Reversing { .. } => Some(ProcessingReason::ReversalPending),
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorized
            | State::Captured
            | State::Failed
            | State::Canceled { .. } => None,
        }
    }

    /// Whether the bank's effect is unknown right now.
    pub const fn in_doubt(&self) -> bool {
        matches!(
            self,
            State::Reversing { .. }
                | State::Advising { in_doubt: true }
                | State::Capturing { in_doubt: true, .. }
                | State::Adjusting { in_doubt: true, .. }
        )
    }

    /// What a merchant may ask for in this state. [`crate::Payment::actions`] also looks at what the bank offers, and
    /// [`crate::Payment::allowed_actions`] at the amounts and the day.
    pub const fn allowed_actions(&self) -> &'static [&'static str] {
        match self {
            State::RequiresPaymentMethod | State::RequiresConfirmation => &["confirm", "void"],
            State::Authorized => &["capture", "increment", "void"],
            State::Captured => &["adjust", "refund", "void"],
            State::Authorizing
            | State::Consuming
            | State::Advising { .. }
            | State::Capturing { .. }
            | State::Incrementing { .. }
            | State::Adjusting { .. }
            | State::Voiding { .. }
            | State::Reversing { .. }
            | State::Failed
            | State::Canceled { .. } => &[],
        }
    }
}
