//! The chart of accounts, and the names of single accounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use types::{Currency, MerchantId};

/// What an account is in a balance sheet; tells on which side it normally stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Normally in debit.
    Asset,
    /// Normally in credit.
    Liability,
    /// Normally in credit.
    Income,
    /// Normally in debit.
    Expense,
    /// Either; empty when all is explained.
    Suspense,
}

/// The chart. Numbers are stored and never reused: 1xxx assets, 2xxx liabilities, 4xxx income, 5xxx expenses, 9xxx
/// suspense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum AccountCode {
    /// What a bank owes us for captured payments, until it settles.
    BankClearing = 1100,
    /// What we owe a merchant, until we pay it out.
    MerchantPayable = 2100,
    /// What merchants paid us.
    FeeIncome = 4100,
}

impl AccountCode {
    /// Every account of the chart.
    pub const ALL: [AccountCode; 3] = [Self::BankClearing, Self::MerchantPayable, Self::FeeIncome];

    /// The code with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| *code as u16 == number)
    }

    /// The account's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BankClearing => "bank_clearing",
            Self::MerchantPayable => "merchant_payable",
            Self::FeeIncome => "fee_income",
        }
    }

    /// Its place in a balance sheet.
    pub const fn class(self) -> Class {
        match self {
            Self::BankClearing => Class::Asset,
            Self::MerchantPayable => Class::Liability,
            Self::FeeIncome => Class::Income,
        }
    }

    /// Refuses a posting that would leave more debits than credits. None of today's accounts is limited: a merchant may
    /// refund more than it has earned since its last payout.
    pub const fn debits_must_not_exceed_credits(self) -> bool {
        match self {
            Self::BankClearing | Self::MerchantPayable | Self::FeeIncome => false,
        }
    }
}

/// A bank's name as our configuration gives it: 1 to 16 of `a-z`, `0-9`, `-`, and no `-` first: alone it stands for an
/// account without an owner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BankName([u8; 16]);

/// A name or number that the chart does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Not a bank's name.
    #[error("a bank's name is 1 to 16 of a-z, 0-9 and -, and does not begin with -")]
    BankName,
    /// Not an account.
    #[error("not an account of the form code/owner/currency, such as merchant_payable/mer_…/CNY")]
    Unknown,
}

impl BankName {
    /// Takes a name.
    ///
    /// # Errors
    /// [`AccountError::BankName`].
    pub fn new(name: &str) -> Result<Self, AccountError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 16 || name.starts_with('-') || !name.bytes().all(fits) {
            return Err(AccountError::BankName);
        }
        let mut bytes = [0; 16];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Ok(Self(bytes))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(16);
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl fmt::Debug for BankName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The gateway's own.
    None,
    /// A merchant's.
    Merchant(MerchantId),
    /// A bank's.
    Bank(BankName),
}

/// One account: what it is for, whose it is, in which currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    /// The chart's code.
    pub code: AccountCode,
    /// Whose.
    pub owner: Owner,
    /// In which currency.
    pub currency: Currency,
}

impl AccountId {
    /// Length of [`AccountId::to_bytes`].
    pub const LEN: usize = 21;

    /// Code (2), owner kind (1), owner (16), currency (2); big-endian.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..2].copy_from_slice(&(self.code as u16).to_be_bytes());
        match self.owner {
            Owner::None => {}
            Owner::Merchant(merchant) => {
                bytes[2] = 1;
                bytes[3..19].copy_from_slice(&merchant.to_u128().to_be_bytes());
            }
            Owner::Bank(name) => {
                bytes[2] = 2;
                bytes[3..19].copy_from_slice(&name.0);
            }
        }
        bytes[19..].copy_from_slice(&self.currency.numeric().to_be_bytes());
        bytes
    }

    /// Reads [`AccountId::to_bytes`].
    ///
    /// # Errors
    /// [`AccountError`]: not an account of this chart.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, AccountError> {
        let code = AccountCode::from_number(u16::from_be_bytes([bytes[0], bytes[1]]))
            .ok_or(AccountError::Unknown)?;
        let mut owner = [0; 16];
        owner.copy_from_slice(&bytes[3..19]);
        let owner = match bytes[2] {
            0 if owner == [0; 16] => Owner::None,
            1 => Owner::Merchant(MerchantId::from_u128(u128::from_be_bytes(owner))),
            2 => {
                let end = owner.iter().position(|&byte| byte == 0).unwrap_or(16);
                let name = std::str::from_utf8(&owner[..end]).map_err(|_| AccountError::Unknown)?;
                let bank = BankName::new(name)?;
                if bank.0 != owner {
                    return Err(AccountError::Unknown);
                }
                Owner::Bank(bank)
            }
            _ => return Err(AccountError::Unknown),
        };
        let numeric = u16::from_be_bytes([bytes[19], bytes[20]]);
        let currency = Currency::from_numeric(numeric).ok_or(AccountError::Unknown)?;
        Ok(Self { code, owner, currency })
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            Owner::None => write!(f, "{}/-/{}", self.code.name(), self.currency),
            Owner::Merchant(merchant) => write!(f, "{}/{merchant}/{}", self.code.name(), self.currency),
            Owner::Bank(bank) => write!(f, "{}/{}/{}", self.code.name(), bank.as_str(), self.currency),
        }
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AccountId {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let mut parts = text.split('/');
        let (Some(code), Some(owner), Some(currency), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(AccountError::Unknown);
        };
        let code =
            AccountCode::ALL.into_iter().find(|known| known.name() == code).ok_or(AccountError::Unknown)?;
        let owner = match owner {
            "-" => Owner::None,
            owner => match owner.parse() {
                Ok(merchant) => Owner::Merchant(merchant),
                Err(_) => Owner::Bank(BankName::new(owner)?),
            },
        };
        let currency = currency.parse().map_err(|_| AccountError::Unknown)?;
        Ok(Self { code, owner, currency })
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_one_name_and_one_byte_form() {
        let owners = [
            Owner::None,
            Owner::Merchant(MerchantId::from_u128(7)),
            Owner::Bank(BankName::new("cups-pos").unwrap()),
        ];
        for code in AccountCode::ALL {
            for owner in owners {
                let account = AccountId { code, owner, currency: Currency::CNY };
                assert_eq!(AccountId::from_bytes(&account.to_bytes()), Ok(account));
                assert_eq!(account.to_string().parse(), Ok(account));
            }
        }
    }

    #[test]
    fn what_the_chart_does_not_know_is_refused() {
        assert_eq!(AccountId::from_bytes(&[0; AccountId::LEN]), Err(AccountError::Unknown));
        assert_eq!("cash/-/CNY".parse::<AccountId>(), Err(AccountError::Unknown));
        for name in ["Bank of Nowhere", "", "-", "a-bank-with-a-long-name"] {
            assert_eq!(BankName::new(name), Err(AccountError::BankName), "{name}");
        }
    }
}
