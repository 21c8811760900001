//! Card terminals of a merchant.

use std::fmt;

use serde::{Deserialize, Serialize};
use types::{MerchantId, TerminalId, Timestamp};
use vault::{KeyFamily, PinKeyKind};

/// Whether a terminal may take payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalStatus {
    /// May take payments.
    Active,
    /// Takes none for now: lost, broken, in a drawer. What it has taken can be refunded.
    Suspended,
}

/// A card terminal: its numbers at one bank. It has trace numbers (DE 11) and batches of its own there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// The terminal's id.
    pub id: TerminalId,
    /// Whose terminal it is.
    pub merchant: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The merchant's own name for it.
    pub label: String,
    /// Whether it may take payments.
    pub status: TerminalStatus,
    /// The bank that it belongs to, by its name in our configuration.
    pub bank: String,
    /// DE 41.
    pub number: String,
    /// DE 42.
    pub acceptor: String,
    /// The key of its PINs; none: it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_key: Option<PinKey>,
}

impl Terminal {
    /// Whether each of its PINs has a number of its own.
    pub(crate) fn counts_pins(&self) -> bool {
        self.pin_key.as_ref().is_some_and(PinKey::is_dukpt)
    }
}

/// The key under which a terminal encrypts PINs, as it is kept: in a key block that only the vault opens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinKey {
    /// A terminal PIN key, or the base key of a DUKPT terminal.
    #[serde(with = "WrittenKind")]
    pub kind: PinKeyKind,
    /// Its cipher.
    #[serde(with = "WrittenCipher")]
    pub cipher: KeyFamily,
    /// Six hexadecimal digits that tell nothing of it, to be compared with whoever loaded the terminal.
    pub check_value: String,
    /// Of a DUKPT terminal: key set and device of its key serial numbers, the counter cleared, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Of a DUKPT terminal: the counter of the latest PIN that a payment was made with. No earlier one is taken again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<u32>,
    /// The key block (ANSI X9.143, version D). It opens for this terminal alone.
    pub block: String,
    /// The version of the vault's key that it is under.
    pub key_version: u32,
    /// Since when it is this terminal's.
    pub since: Timestamp,
}

impl fmt::Debug for PinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinKey({:?}, {:?}, check value {})", self.kind, self.cipher, self.check_value)
    }
}

impl PinKey {
    /// Whether a key serial number comes with each PIN.
    pub fn is_dukpt(&self) -> bool {
        self.kind == PinKeyKind::Bdk
    }

    /// Whether it is an AES key; else it is Triple DES.
    pub fn is_aes(&self) -> bool {
        self.cipher == KeyFamily::Aes
    }
}

/// How kinds of PIN keys are written down; the vault itself writes nothing down.
#[derive(Serialize, Deserialize)]
#[serde(remote = "PinKeyKind", rename_all = "snake_case")]
enum WrittenKind {
    Tpk,
    Bdk,
}

/// How ciphers are written down.
#[derive(Serialize, Deserialize)]
#[serde(remote = "KeyFamily", rename_all = "snake_case")]
enum WrittenCipher {
    TripleDes,
    Aes,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that are stored stay readable.
    #[test]
    fn what_is_written_of_a_pin_key_is_read_again() {
        for (kind, cipher) in [("tpk", "triple_des"), ("bdk", "aes")] {
            let row = format!(
                r#"{{"kind":"{kind}","cipher":"{cipher}","check_value":"832754","block":"D01","key_version":1,"since":"2026-12-01T08:30:00.000Z"}}"#
            );
            let key: PinKey = serde_json::from_str(&row).unwrap();
            assert_eq!((key.is_dukpt(), key.is_aes()), (kind == "bdk", cipher == "aes"));
            assert_eq!(serde_json::to_string(&key).unwrap(), row);
            assert!(serde_json::from_str::<PinKey>(&row.replace(kind, "zpk")).is_err());
        }
    }
}
