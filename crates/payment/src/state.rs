//! The states of a payment, and the statuses that the API shows for them.

use serde::{Deserialize, Serialize};

/// Where a payment is. A state owns only its own data; amounts live in the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Created without a card; a checkout or `confirm` brings one.
    RequiresPaymentMethod,
    /// Has a card; waits for `confirm`.
    RequiresConfirmation,
    /// The 0100 is recorded and may be on the wire.
    Authorizing,
    /// The 0200 of a sale is recorded and may be on the wire.
    Consuming,
    /// The bank holds the funds.
    Authorized,
    /// A completion for `amount` is recorded; `in_doubt` once the bank has been silent and the advice is repeated.
    Capturing {
        /// Minor units to capture. Written under a name of its own: a payment's record is flat, and its `amount` is the
        /// order's.
        #[serde(rename = "capturing_amount")]
        amount: u64,
        /// The bank has been silent; the same advice is being repeated.
        in_doubt: bool,
    },
    /// The money has moved.
    Captured,
    /// A cancel or void is recorded.
    Voiding {
        /// What is being voided.
        of: Held,
        /// Why.
        why: VoidReason,
    },
    /// The bank was silent; its possible effect is being undone by a reversal that is repeated until acknowledged.
    Reversing {
        /// What the reversal undoes.
        undo: Undo,
    },
    /// The bank said no, or the message never left.
    Failed,
    /// Nothing was or will be taken.
    Canceled {
        /// Why.
        reason: super::CancellationReason,
    },
}

/// What a void takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// A hold (pre-authorization).
    Hold,
    /// A captured sale.
    Sale,
}

/// Why a payment is voided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The merchant asked.
    Requested,
    /// The authorization reached its end.
    Expired,
}

/// What a reversal undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Undo {
    /// The authorization or sale itself: the payment ends canceled.
    Original,
    /// A completion: the hold stands again.
    Capture {
        /// Minor units that the completion named.
        amount: u64,
    },
    /// A void: what it would have taken back stands again.
    Void {
        /// What the void was for.
        of: Held,
        /// Why it was asked for.
        why: VoidReason,
    },
}

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
            | State::Capturing { .. }
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
            | State::Capturing { in_doubt: false, .. }
            | State::Voiding { .. } => Some(ProcessingReason::HostPending),
            State::Capturing { in_doubt: true, .. } => Some(ProcessingReason::InDoubt),
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
        matches!(self, State::Reversing { .. } | State::Capturing { in_doubt: true, .. })
    }

    /// What a merchant may ask for in this state.
    pub const fn allowed_actions(&self) -> &'static [&'static str] {
        match self {
            State::RequiresPaymentMethod | State::RequiresConfirmation => &["confirm", "void"],
            State::Authorized => &["capture", "void"],
            State::Captured => &["refund", "void"],
            State::Authorizing
            | State::Consuming
            | State::Capturing { .. }
            | State::Voiding { .. }
            | State::Reversing { .. }
            | State::Failed
            | State::Canceled { .. } => &[],
        }
    }
}
