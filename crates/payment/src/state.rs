//! The states of a payment.

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
    /// An offline sale is recorded, and the bank is being told of it; `in_doubt` once it has not acknowledged it the first time. It
    /// has happened, so it is told again until the bank has.
    Advising {
        /// The bank has not acknowledged it yet; the same advice is being repeated.
        in_doubt: bool,
    },
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
    /// An increment of the hold is recorded.
    Incrementing {
        /// Minor units to hold on top of what is held.
        #[serde(rename = "incrementing_amount")]
        amount: u64,
    },
    /// The money has moved.
    Captured,
    /// An adjustment of a sale is recorded; `in_doubt` once the bank has been silent and the advice is repeated.
    Adjusting {
        /// Minor units that the sale is to come to.
        #[serde(rename = "adjusting_to")]
        to: u64,
        /// The bank has been silent; the same advice is being repeated.
        in_doubt: bool,
    },
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
        reason: CancellationReason,
    },
}

/// Why a payment was canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancellationReason {
    /// Voided by the merchant.
    Voided,
    /// The authorization or the unpaid payment reached its end.
    Expired,
    /// The bank was silent and the reversal is acknowledged: nothing was taken.
    TimeoutReversed,
    /// Canceled before any bank was asked.
    Abandoned,
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
    /// An increment: the hold stands as it was before.
    Increment {
        /// Minor units that the increment named.
        amount: u64,
    },
    /// An adjustment: the sale stands as it was before.
    Adjust {
        /// Minor units that the adjustment named.
        to: u64,
    },
    /// A void: what it would have taken back stands again.
    Void {
        /// What the void was for.
        of: Held,
        /// Why it was asked for.
        why: VoidReason,
    },
}

impl Held {
    /// The state in which this stands.
    pub(crate) const fn state(self) -> State {
        match self {
            Held::Hold => State::Authorized,
            Held::Sale => State::Captured,
        }
    }
}

impl From<VoidReason> for CancellationReason {
    fn from(why: VoidReason) -> Self {
        match why {
            VoidReason::Requested => CancellationReason::Voided,
            VoidReason::Expired => CancellationReason::Expired,
        }
    }
}
