//! Doubts as the operator sees them.

use pcs::{BankWord, Doubt};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

/// A message to a bank whose outcome is not known, or whose effect is being undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Doubt)]
pub struct DoubtBody {
    /// The attempt in doubt.
    #[schema(example = "att_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `doubt`.
    #[schema(pattern = "^doubt$")]
    pub object: &'static str,
    /// Whose payment it is.
    pub merchant: String,
    /// The payment.
    pub payment: String,
    /// The refund, where it is about one.
    pub refund: Option<String>,
    /// The bank's name in the gateway's configuration.
    pub bank: String,
    /// What the bank was asked for.
    #[schema(example = "consume")]
    pub transaction: String,
    /// What is being sent to end the doubt: `reversal`, or the same advice again.
    #[schema(example = "reversal")]
    pub pursued_by: &'static str,
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: &'static str,
    /// DE 41.
    pub terminal: String,
    /// DE 11, six digits.
    #[schema(example = "000042")]
    pub stan: String,
    /// DE 37, as far as it is known.
    pub rrn: Option<String>,
    /// When the doubt began.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How often the message has, or may have, left.
    pub attempts: u32,
    /// How often the bank has refused it.
    pub refusals: u32,
    /// When it is sent next.
    #[schema(value_type = String, format = DateTime)]
    pub next_try_at: Timestamp,
    /// Why people have to end it, where they have to.
    pub needs_operator: Option<String>,
}

/// A doubt as the API shows it.
pub fn doubt_body(doubt: &Doubt) -> DoubtBody {
    DoubtBody {
        id: doubt.exchange.attempt.to_string(),
        object: "doubt",
        merchant: doubt.merchant.to_string(),
        payment: doubt.payment.to_string(),
        refund: doubt.refund.map(|id| id.to_string()),
        bank: doubt.exchange.bank.clone(),
        transaction: doubt.exchange.transaction.clone(),
        pursued_by: doubt.pursued_by.name(),
        amount: doubt.amount.minor(),
        currency: doubt.amount.currency().alpha(),
        terminal: doubt.exchange.terminal.clone(),
        stan: format!("{:06}", doubt.exchange.stan),
        rrn: doubt.exchange.rrn.clone(),
        since: doubt.since,
        attempts: doubt.attempts,
        refusals: doubt.refusals,
        next_try_at: doubt.next_try,
        needs_operator: doubt.needs_operator.clone(),
    }
}

/// What a bank says of an earlier message. It ends nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BankWord)]
pub struct BankWordBody {
    /// Always `bank_word`.
    #[schema(pattern = "^bank_word$")]
    pub object: &'static str,
    /// In plain words.
    #[schema(example = "it has done what it was asked")]
    pub says: String,
    /// DE 39.
    pub response_code: Option<String>,
    /// DE 37.
    pub rrn: Option<String>,
    /// DE 38.
    pub authorization_code: Option<String>,
}

impl From<BankWord> for BankWordBody {
    fn from(word: BankWord) -> Self {
        let BankWord { says, response_code, rrn, authorization_code } = word;
        Self { object: "bank_word", says, response_code, rrn, authorization_code }
    }
}
