//! Terminals with PIN pads. What they send was made with pyca/cryptography, after derivations that give the examples of
//! ANSI X9.24-1:2009 and X9.24-3:2017: nothing of it comes from the gateway's own code.

use std::sync::{Arc, LazyLock};

use card::{EncryptedPin, PinFormat};
use vault::{BankKey, KeyBlockKey, KeyFamily, KeyType, SystemEntropy};
use zeroize::Zeroizing;

/// The key under which the keys of these terminals come.
pub const PROTECTION_KEY: &str = "88E0AB2A2F3DD38C1FA138A437510DC8A87AB9D62CC82C01048FA79E45647CE6";

/// The same, ready for use.
pub fn protection() -> Arc<KeyBlockKey> {
    static KEY: LazyLock<Arc<KeyBlockKey>> =
        LazyLock::new(|| Arc::new(KeyBlockKey::from_hex(KeyFamily::Aes, PROTECTION_KEY).unwrap()));
    Arc::clone(&KEY)
}

/// A kind of terminal, by its PIN key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinPad {
    /// One Triple DES key for all PINs.
    Tpk,
    /// The same with AES.
    AesTpk,
    /// DUKPT with Triple DES.
    Dukpt,
    /// DUKPT with AES.
    AesDukpt,
}

/// The first PIN pad's blocks of the PINs 1234 and 4321, by card.
const TPK: [(&str, &str, &str); 5] = [
    ("4242424242424242", "461B58D6D9982A64", "768972B98B8F8B34"),
    ("6222021234567894", "B810F5662CEBBC9F", "FE5473731C389F58"),
    ("5555555555554444", "354B15AF9BF4E178", "3B453A4FFAEB1A60"),
    ("4000000000009995", "A7B4EEB94BB1D302", "5D592FBCBB80B08B"),
    ("4000000000000341", "ED954078B206BA7C", "ED52BE2E4164FFFC"),
];

/// The others' blocks of the PIN 1234, by card; those of DUKPT in the order of their counters, of which the second is of
/// the PIN 4321.
const AES_TPK: [(&str, &str); 2] = [
    ("4242424242424242", "7369E5A5B80B808BC1F24D18B3E04F33"),
    ("6222021234567894", "4C447F691357BC3A0AF67EDC1F685C20"),
];
const DUKPT: [(&str, [&str; 4]); 2] = [
    ("4242424242424242", ["A07969614EC17ECC", "79CA2C91B9D7748A", "D035D2D11A3FB870", "0C17EFE129C12524"]),
    ("6222021234567894", ["705D3CF614DFB08A", "9225A7D7F7431850", "DAAC0C5A06B4FE85", "A8F2CE5FD7F838A0"]),
];
const AES_DUKPT: [(&str, [&str; 4]); 2] = [
    (
        "4242424242424242",
        [
            "0DDC718F3B781813AE1E9FB751EBC041",
            "F2E7C08387134E8B316F0A103EEBFBB0",
            "440061B7DBE7D73B0BE60B5B262CD08C",
            "5DC05FD690D568F5B691816CE94040C6",
        ],
    ),
    (
        "6222021234567894",
        [
            "2172B01C24FF5FF0C7EB644DB20E1B4F",
            "0E0D038DBDB368758F550C45E77BECEA",
            "55A6A4EBCA7BDC44BF9993557D8E1711",
            "160019881C5BF65EB535F7025ADDE42A",
        ],
    ),
];

impl PinPad {
    /// Each kind.
    pub const ALL: [Self; 4] = [Self::Tpk, Self::AesTpk, Self::Dukpt, Self::AesDukpt];

    const fn family(self) -> KeyFamily {
        match self {
            Self::Tpk | Self::Dukpt => KeyFamily::TripleDes,
            Self::AesTpk | Self::AesDukpt => KeyFamily::Aes,
        }
    }

    const fn format(self) -> PinFormat {
        match self {
            Self::Tpk | Self::Dukpt => PinFormat::Iso0,
            Self::AesTpk | Self::AesDukpt => PinFormat::Iso4,
        }
    }

    /// Its key, in the block in which the operator gets it.
    pub fn key_block(self) -> String {
        let (key_type, digits, usage) = match self {
            Self::Tpk => (KeyType::Tpk, "C8A2B5D9F2610BE3D94683A7161FCE57", "P0"),
            Self::AesTpk => (KeyType::Tpk, "3A91C04FE25D7786B01C9E5D4428F3A7", "P0"),
            Self::Dukpt => (KeyType::Bdk, "0123456789ABCDEFFEDCBA9876543210", "B0"),
            Self::AesDukpt => (KeyType::Bdk, "FEDCBA9876543210F1F1F1F1F1F1F1F1", "B0"),
        };
        let key = BankKey::from_hex(key_type, self.family(), digits).unwrap();
        protection().export(&key, usage, Vec::new(), &SystemEntropy).unwrap()
    }

    /// The key serial number of its n-th PIN, in hexadecimal digits; none, where there are none.
    pub fn ksn(self, count: u32) -> Option<String> {
        match self {
            Self::Tpk | Self::AesTpk => None,
            Self::Dukpt => Some(format!("FFFF9876543210E{count:05X}")),
            Self::AesDukpt => Some(format!("1234567890123456{count:08X}")),
        }
    }

    /// Its n-th PIN's block for a card, in hexadecimal digits; the PIN is right but for the second one of a DUKPT terminal.
    pub fn block(self, pan: &str, count: u32) -> &'static str {
        let nth = count as usize - 1;
        let found = match self {
            Self::Tpk => TPK.iter().find(|row| row.0 == pan).map(|row| row.1),
            Self::AesTpk => AES_TPK.iter().find(|row| row.0 == pan).map(|row| row.1),
            Self::Dukpt => DUKPT.iter().find(|row| row.0 == pan).map(|row| row.1[nth]),
            Self::AesDukpt => AES_DUKPT.iter().find(|row| row.0 == pan).map(|row| row.1[nth]),
        };
        found.expect("a card that this PIN pad has a block for")
    }

    /// What it sends: the same, as the API hands it on.
    pub fn enter(self, pan: &str, count: u32) -> EncryptedPin {
        EncryptedPin {
            block: Zeroizing::new(bytes(self.block(pan, count))),
            format: self.format(),
            ksn: self.ksn(count).map(|digits| bytes(&digits)),
        }
    }
}

/// The block of a wrong PIN under the first kind's key, in hexadecimal digits.
pub fn wrong_block(pan: &str) -> &'static str {
    TPK.iter().find(|row| row.0 == pan).expect("a card with blocks").2
}

/// A wrong PIN at a terminal of the first kind.
pub fn wrong_pin(pan: &str) -> EncryptedPin {
    EncryptedPin { block: Zeroizing::new(bytes(wrong_block(pan))), format: PinFormat::Iso0, ksn: None }
}

/// Bytes of hexadecimal digits.
pub fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
