//! Why a command was refused. Each reason has a code that never changes (docs/reference/errors.md).

use payment::limits::LimitError;
use payment::routing::NoRoute;
use payment::{Refused, Status};

/// Why a command was refused. Nothing was sent to a bank, unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such object of this merchant.
    #[error("no {kind} with the id {id}")]
    Missing {
        /// `payment`, `payment_method`, …
        kind: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// A field is wrong in a way that only the gateway's data can show.
    #[error("{field}: {rule}")]
    Invalid {
        /// The request's field.
        field: &'static str,
        /// The rule it breaks.
        rule: String,
    },
    /// The merchant may not be paid.
    #[error("this merchant is suspended and cannot be paid")]
    MerchantSuspended,
    /// The amount is out of the merchant's bounds.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// No bank can take it.
    #[error(transparent)]
    Route(NoRoute),
    /// The card's last month is over.
    #[error("the card has expired")]
    CardExpired,
    /// The payment's state does not allow it.
    #[error("{refused}")]
    Refused {
        /// Which rule.
        refused: Refused,
        /// The payment's status.
        status: Status,
        /// What can be asked for instead.
        allowed_actions: Vec<&'static str>,
    },
    /// The same key is being worked on right now.
    #[error("a request with this idempotency key is still running")]
    InProgress,
    /// The same key came with another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The merchant's own number is taken.
    #[error("this merchant_reference is already used by {existing}")]
    DuplicateReference {
        /// By this object.
        existing: String,
    },
    /// The checkout is over.
    #[error("this checkout session is {status}")]
    SessionClosed {
        /// `complete` or `expired` or `processing`.
        status: &'static str,
    },
    /// The wallet's instruction does not hold; `code` says which check.
    #[error("the payment instruction was refused: {reason}")]
    Instruction {
        /// The check's stable code.
        code: &'static str,
        /// In plain words; never a secret or a card number.
        reason: String,
    },
    /// Too many changes raced for the same object; nothing was done.
    #[error("the payment is being changed by other requests; try again")]
    Busy,
    /// More work than the gateway takes; nothing was written.
    #[error("the gateway is at its limit; try again shortly")]
    Overloaded,
    /// The store does not answer; nothing was acknowledged.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A fault of the gateway itself.
    #[error("an internal fault, reported to the operator")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl CommandError {
    /// Listed in docs/reference/errors.md; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "resource_missing",
            Self::Invalid { .. } => "parameter_invalid",
            Self::MerchantSuspended => "permission_denied",
            Self::Limit(LimitError::TooSmall { .. }) => "amount_too_small",
            Self::Limit(LimitError::TooLarge { .. }) => "amount_too_large",
            Self::Route(NoRoute::NotOffered { .. }) => "currency_unsupported",
            Self::Route(NoRoute::EntryNotTaken) => "parameter_invalid",
            Self::Route(NoRoute::Excluded) => "permission_denied",
            Self::Route(NoRoute::Unreachable) => "host_unavailable",
            Self::CardExpired => "expired_card",
            Self::Refused { refused, .. } => match refused {
                Refused::InvalidState { .. } | Refused::TooLateToVoid | Refused::NotAdjustable => {
                    "invalid_state"
                }
                Refused::AdjustsNothing { .. } => "parameter_invalid",
                Refused::ExceedsCapturable { .. } => "amount_exceeds_capturable",
                Refused::ExceedsRefundable { .. } => "amount_exceeds_refundable",
                Refused::ZeroAmount => "amount_too_small",
                Refused::Money(_) | Refused::Ledger(_) => "internal_error",
            },
            Self::InProgress => "idempotency_in_progress",
            Self::KeyReused => "idempotency_key_reused",
            Self::DuplicateReference { .. } => "duplicate_merchant_reference",
            Self::SessionClosed { .. } => "session_expired",
            Self::Instruction { code, .. } => code,
            Self::Busy => "resource_busy",
            Self::Overloaded | Self::Route(NoRoute::Full) | Self::Unavailable(_) => "temporarily_unavailable",
            Self::Internal(_) => "internal_error",
        }
    }
}

impl CommandError {
    pub(crate) fn refused(payment: &payment::Payment, refused: Refused) -> Self {
        Self::Refused { refused, status: payment.state.status(), allowed_actions: payment.actions() }
    }

    /// A payment in this state refused an event.
    pub(crate) fn refused_in(state: payment::State, refused: Refused) -> Self {
        Self::Refused { refused, status: state.status(), allowed_actions: state.allowed_actions().to_vec() }
    }
}

impl From<NoRoute> for CommandError {
    fn from(why: NoRoute) -> Self {
        match why {
            // The banks' places are the gateway's: it passes as soon as some of those who wait are answered.
            NoRoute::Full => Self::Overloaded,
            NoRoute::EntryNotTaken => Self::Invalid { field: "payment_method_data", rule: why.to_string() },
            NoRoute::NotOffered { .. } | NoRoute::Excluded | NoRoute::Unreachable => Self::Route(why),
        }
    }
}

impl From<store::CommitError> for CommandError {
    fn from(error: store::CommitError) -> Self {
        use store::{CommitError, Refused};
        match error {
            CommitError::Busy => Self::Overloaded,
            CommitError::Refused(Refused::KeyTaken { .. }) => Self::InProgress,
            CommitError::Refused(Refused::VersionConflict { .. } | Refused::CursorMoved { .. }) => Self::Busy,
            CommitError::Refused(Refused::AliasTaken { target, .. }) => {
                Self::DuplicateReference { existing: crate::reads::name_of(target) }
            }
            CommitError::Refused(other) => Self::Internal(Box::new(other)),
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

impl From<store::StoreError> for CommandError {
    fn from(error: store::StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
