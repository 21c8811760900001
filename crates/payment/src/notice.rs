//! What a merchant is told.

use serde::{Deserialize, Serialize};

/// A notice for the merchant: the type of a webhook event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Notice {
    /// A payment exists.
    #[serde(rename = "payment.created")]
    Created,
    /// Funds are held.
    #[serde(rename = "payment.authorized")]
    Authorized,
    /// More is held than before.
    #[serde(rename = "payment.incremented")]
    Incremented,
    /// A completion moved the money.
    #[serde(rename = "payment.captured")]
    Captured,
    /// The payment is paid.
    #[serde(rename = "payment.succeeded")]
    Succeeded,
    /// A sale comes to another amount than before.
    #[serde(rename = "payment.adjusted")]
    Adjusted,
    /// The payment failed.
    #[serde(rename = "payment.failed")]
    Failed,
    /// The payment was canceled.
    #[serde(rename = "payment.canceled")]
    Canceled,
    /// The bank was silent.
    #[serde(rename = "payment.in_doubt")]
    InDoubt,
    /// The doubt is gone.
    #[serde(rename = "payment.in_doubt_resolved")]
    InDoubtResolved,
    /// A capture or void was refused; the payment stands as before.
    #[serde(rename = "payment.action_failed")]
    ActionFailed,
    /// A refund exists.
    #[serde(rename = "refund.created")]
    RefundCreated,
    /// A refund's bank was silent; the same advice is being repeated.
    #[serde(rename = "refund.in_doubt")]
    RefundInDoubt,
    /// The money went back.
    #[serde(rename = "refund.succeeded")]
    RefundSucceeded,
    /// The refund was refused.
    #[serde(rename = "refund.failed")]
    RefundFailed,
}

impl Notice {
    /// The event type's name.
    pub const fn name(self) -> &'static str {
        match self {
            Notice::Created => "payment.created",
            Notice::Authorized => "payment.authorized",
            Notice::Incremented => "payment.incremented",
            Notice::Captured => "payment.captured",
            Notice::Succeeded => "payment.succeeded",
            Notice::Adjusted => "payment.adjusted",
            Notice::Failed => "payment.failed",
            Notice::Canceled => "payment.canceled",
            Notice::InDoubt => "payment.in_doubt",
            Notice::InDoubtResolved => "payment.in_doubt_resolved",
            Notice::ActionFailed => "payment.action_failed",
            Notice::RefundCreated => "refund.created",
            Notice::RefundInDoubt => "refund.in_doubt",
            Notice::RefundSucceeded => "refund.succeeded",
            Notice::RefundFailed => "refund.failed",
        }
    }
}
