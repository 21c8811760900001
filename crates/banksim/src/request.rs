//! What a message asks, whatever its dialect.

use types::Currency;

use crate::reconcile::BatchTotals;
use crate::record::Reference;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Authorize,
    Consume,
    Capture,
    CancelAuthorization,
    Void,
    Refund,
    Reverse,
    /// Hold more.
    Increment,
    /// Another amount for a sale.
    Adjust,
    /// What the card has left.
    Balance,
    /// What became of another request.
    Inquire,
}

impl Asked {
    /// Whether it needs the card's own word: its date, its code, its behaviour.
    pub const fn is_first(self) -> bool {
        matches!(self, Self::Authorize | Self::Consume | Self::Balance)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Consume => "consume",
            Self::Capture => "capture",
            Self::CancelAuthorization => "cancel_authorization",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Reverse => "reverse",
            Self::Increment => "increment",
            Self::Adjust => "adjust",
            Self::Balance => "balance",
            Self::Inquire => "inquire",
        }
    }
}

/// A request about money.
#[derive(Clone, Debug)]
pub(crate) struct MoneyRequest {
    pub asked: Asked,
    /// The card, if the bank knows it.
    pub card: Option<usize>,
    pub expiry: Option<String>,
    pub security_code: Option<String>,
    pub amount: u64,
    pub currency: Currency,
    pub acceptor: String,
    /// This message.
    pub reference: Reference,
    /// The message that it refers to.
    pub original: Option<Reference>,
    pub authorization_code: Option<String>,
}

/// A request about the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkRequest {
    SignOn,
    KeyExchange,
    Echo,
    SignOff,
}

/// The totals of a batch as the other side has them.
#[derive(Clone, Debug)]
pub(crate) struct TotalsRequest {
    /// Whose, where the dialect reconciles merchant by merchant.
    pub acceptor: Option<String>,
    pub currency: Currency,
    pub claimed: BatchTotals,
}

/// What came.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Money(MoneyRequest),
    Totals(TotalsRequest),
    Link(LinkRequest),
}
