//! What can be wrong with a bank's document, and with the data of one message.

/// A `bank.toml` that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bank {bank:?}, {key}: {rule}")]
pub struct ProfileError {
    /// The bank, as far as its name is known.
    pub bank: String,
    /// The key, for example `transactions.refund.fields.60`.
    pub key: String,
    /// The rule it breaks.
    pub rule: String,
}

impl ProfileError {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        "bank_profile_invalid"
    }
}

/// A message that cannot be built from what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A field needs a datum that was not given.
    #[error("field {field} needs {datum}, which was not given")]
    Missing {
        /// The field.
        field: u8,
        /// The datum, by its name in `bank.toml`.
        datum: &'static str,
    },
    /// The bank has no such transaction.
    #[error("the bank has no {0}")]
    NotOffered(&'static str),
    /// The bank does not take cards entered in this way.
    #[error("the bank takes no card by {0}")]
    Entry(&'static str),
    /// The bank does not take this currency.
    #[error("the bank takes no {0}")]
    Currency(types::Currency),
    /// The amount is zero or has more than the twelve digits of DE 4.
    #[error("field 4: an amount has one to twelve digits and is not zero")]
    Amount,
    /// A trace number is 1 to 999999.
    #[error("field 11: a systems trace audit number is 1 to 999999")]
    Stan,
    /// A value is not printable ASCII.
    #[error("{0}")]
    Field(#[from] iso8583::FieldsError),
}

impl MessageError {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "message_datum_missing",
            Self::NotOffered(_) => "transaction_unsupported",
            Self::Entry(_) => "entry_mode_unsupported",
            Self::Currency(_) => "currency_unsupported",
            Self::Amount => "amount_invalid",
            Self::Stan => "stan_invalid",
            Self::Field(error) => error.code(),
        }
    }
}
