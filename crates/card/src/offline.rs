//! A sale that a chip approved at its terminal, without asking its bank.

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// What the terminal says of it. What the chip says is sensitive and travels apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineApproval {
    /// When the chip approved it, by the terminal's clock.
    pub approved_at: Timestamp,
    /// DE 38: the approval code that the terminal made, or that somebody was told by telephone; six characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<String>,
}
