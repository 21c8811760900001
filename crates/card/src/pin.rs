//! An encrypted PIN block as a terminal sends it. Nothing here opens one.

use std::fmt;

use zeroize::Zeroizing;

/// How a PIN is laid out in its block. Source: ISO 9564-1:2017.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinFormat {
    /// Format 0: joined with the card number, Triple DES.
    #[serde(rename = "iso_0")]
    Iso0,
    /// Format 1: without a card number, Triple DES.
    #[serde(rename = "iso_1")]
    Iso1,
    /// Format 3: as format 0, with random fill, Triple DES.
    #[serde(rename = "iso_3")]
    Iso3,
    /// Format 4: joined with the card number, AES.
    #[serde(rename = "iso_4")]
    Iso4,
}

impl PinFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Iso0, Self::Iso1, Self::Iso3, Self::Iso4];

    /// Its name in the API and in `bank.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iso0 => "iso_0",
            Self::Iso1 => "iso_1",
            Self::Iso3 => "iso_3",
            Self::Iso4 => "iso_4",
        }
    }

    /// Bytes of a block: one of the format's cipher.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::Iso0 | Self::Iso1 | Self::Iso3 => 8,
            Self::Iso4 => 16,
        }
    }
}

/// A PIN that was entered at a terminal: its block under the terminal's key. It is sensitive authentication data, encrypted
/// as it is: it has no sealed form, no serialisation and no `Display`, and only ever lives in memory (PCI DSS v4.0.1
/// requirement 3.3.1). Wiped on drop.
#[derive(Clone)]
pub struct EncryptedPin {
    /// The block; as many bytes as its format has.
    pub block: Zeroizing<Vec<u8>>,
    /// How the PIN is laid out in it.
    pub format: PinFormat,
    /// The key serial number that came with it, where the terminal derives a key for each transaction (DUKPT).
    pub ksn: Option<Vec<u8>>,
}

impl fmt::Debug for EncryptedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[PIN block]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_prints() {
        let pin = EncryptedPin { block: Zeroizing::new(vec![0x5A; 8]), format: PinFormat::Iso0, ksn: None };
        assert_eq!(format!("{pin:?}"), "[PIN block]");
    }
}
