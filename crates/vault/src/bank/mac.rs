//! Message authentication codes of ISO 8583 links.

use std::fmt;

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use cbc_mac::CbcMac;
use cmac::{Cmac, Mac};
use des::{Des, TdesEde2, TdesEde3};
use retail_mac::RetailMac;
use zeroize::Zeroize as _;

use super::{BankKeyError, KeyFamily};

/// How a bank link computes DE 64 or DE 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MacAlgorithm {
    /// ANSI X9.9, ISO/IEC 9797-1 algorithm 1 with single DES. Only for banks that have nothing better.
    X9_9,
    /// ANSI X9.19, ISO/IEC 9797-1 algorithm 3, the "retail MAC": the default where a dialect leaves the choice.
    X9_19,
    /// ISO/IEC 9797-1 algorithm 1 with Triple DES, as between UnionPay hosts.
    TdesCbc,
    /// NIST SP 800-38B with Triple DES (ISO 16609).
    TdesCmac,
    /// NIST SP 800-38B with AES, RFC 4493; the leftmost eight bytes travel.
    AesCmac,
    /// UnionPay POS "ECB". It joins all blocks by exclusive or before it encrypts, so that swapping two blocks goes
    /// unseen, and only 32 bits travel: interoperability, not integrity. The link itself must be protected.
    CupsEcb,
}

impl MacAlgorithm {
    /// Every algorithm.
    pub const ALL: [MacAlgorithm; 6] =
        [Self::X9_9, Self::X9_19, Self::TdesCbc, Self::TdesCmac, Self::AesCmac, Self::CupsEcb];

    /// The name in a bank profile.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X9_9 => "x9_9",
            Self::X9_19 => "x9_19",
            Self::TdesCbc => "tdes_cbc",
            Self::TdesCmac => "tdes_cmac",
            Self::AesCmac => "aes_cmac",
            Self::CupsEcb => "cups_ecb",
        }
    }

    /// The algorithm with this name in a bank profile.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The family of the keys it uses.
    pub const fn family(self) -> KeyFamily {
        match self {
            Self::X9_9 | Self::X9_19 | Self::TdesCbc | Self::TdesCmac | Self::CupsEcb => KeyFamily::TripleDes,
            Self::AesCmac => KeyFamily::Aes,
        }
    }

    /// Whether the algorithm leaves the padding open. CMAC has its own, and the POS algorithm pads with zeros.
    pub(crate) const fn takes_padding(self) -> bool {
        matches!(self, Self::X9_9 | Self::X9_19 | Self::TdesCbc)
    }
}

/// How the input is made up to whole blocks. Source: ISO/IEC 9797-1:2011 section 6.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MacPadding {
    /// Zeros, and none where the blocks are whole. Usual on bank links. Inputs that differ only in zeros at their end
    /// have the same MAC: the message says its own length.
    #[default]
    Method1,
    /// One bit 1, then zeros; always something.
    Method2,
}

impl fmt::Display for MacAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key taken up by its algorithm: the key schedule is computed once, at sign-on, and wiped when dropped. On the
/// heap, because schedules differ much in size and copies of them should be few.
pub enum MacKey {
    X9_9(Box<CbcMac<Des>>),
    X9_19(Box<RetailMac<Des>>),
    TdesCbc2(Box<CbcMac<TdesEde2>>),
    TdesCbc3(Box<CbcMac<TdesEde3>>),
    TdesCmac2(Box<Cmac<TdesEde2>>),
    TdesCmac3(Box<Cmac<TdesEde3>>),
    Cmac128(Box<Cmac<Aes128>>),
    Cmac192(Box<Cmac<Aes192>>),
    Cmac256(Box<Cmac<Aes256>>),
    CupsEcb1(Box<Des>),
    CupsEcb2(Box<TdesEde2>),
}

impl MacKey {
    /// Takes up a key.
    pub fn new(algorithm: MacAlgorithm, key: &[u8]) -> Result<Self, BankKeyError> {
        use MacAlgorithm as A;
        let made = match (algorithm, key.len()) {
            (A::X9_9, 8) => take_up(key).map(Self::X9_9),
            (A::X9_19, 16) => take_up(key).map(Self::X9_19),
            (A::TdesCbc, 16) => take_up(key).map(Self::TdesCbc2),
            (A::TdesCbc, 24) => take_up(key).map(Self::TdesCbc3),
            (A::TdesCmac, 16) => take_up(key).map(Self::TdesCmac2),
            (A::TdesCmac, 24) => take_up(key).map(Self::TdesCmac3),
            (A::AesCmac, 16) => take_up(key).map(Self::Cmac128),
            (A::AesCmac, 24) => take_up(key).map(Self::Cmac192),
            (A::AesCmac, 32) => take_up(key).map(Self::Cmac256),
            (A::CupsEcb, 8) => take_up(key).map(Self::CupsEcb1),
            (A::CupsEcb, 16) => take_up(key).map(Self::CupsEcb2),
            (A::X9_9 | A::X9_19 | A::TdesCbc | A::TdesCmac | A::AesCmac | A::CupsEcb, _) => None,
        };
        made.ok_or(BankKeyError::Length { bytes: key.len(), wanted: algorithm.name() })
    }

    /// The eight bytes that travel. The padding is for the algorithms that leave it open.
    pub fn mac(&self, padding: MacPadding, input: &[u8]) -> [u8; 8] {
        // What method 2 puts behind the message; method 1 and the ciphers' own zeros do the rest.
        let end: &[u8] = match padding {
            MacPadding::Method1 => &[],
            MacPadding::Method2 => &[0x80],
        };
        match self {
            Self::X9_9(key) => leftmost(&**key, input, end),
            Self::X9_19(key) => leftmost(&**key, input, end),
            Self::TdesCbc2(key) => leftmost(&**key, input, end),
            Self::TdesCbc3(key) => leftmost(&**key, input, end),
            Self::TdesCmac2(key) => leftmost(&**key, input, &[]),
            Self::TdesCmac3(key) => leftmost(&**key, input, &[]),
            Self::Cmac128(key) => leftmost(&**key, input, &[]),
            Self::Cmac192(key) => leftmost(&**key, input, &[]),
            Self::Cmac256(key) => leftmost(&**key, input, &[]),
            Self::CupsEcb1(key) => cups_ecb(input, |block| key.encrypt_block(block.into())),
            Self::CupsEcb2(key) => cups_ecb(input, |block| key.encrypt_block(block.into())),
        }
    }
}

fn take_up<K: KeyInit>(key: &[u8]) -> Option<Box<K>> {
    K::new_from_slice(key).ok().map(Box::new)
}

fn leftmost<M: Mac + Clone>(key: &M, input: &[u8], end: &[u8]) -> [u8; 8] {
    let mut mac = M::clone(key);
    mac.update(input);
    mac.update(end);
    let mut left = [0; 8];
    left.copy_from_slice(&mac.finalize().into_bytes()[..8]);
    left
}

/// Join all blocks by exclusive or, write the result as sixteen hexadecimal characters, encrypt the first eight, join
/// with the last eight, encrypt, and send the first eight characters of that in hexadecimal.
pub fn cups_ecb(input: &[u8], mut encrypt: impl FnMut(&mut [u8; 8])) -> [u8; 8] {
    let mut joined = [0; 8];
    for chunk in input.chunks(8) {
        joined.iter_mut().zip(chunk).for_each(|(byte, other)| *byte ^= other);
    }
    let (mut block, last) = hexadecimal(joined);
    encrypt(&mut block);
    block.iter_mut().zip(last).for_each(|(byte, other)| *byte ^= other);
    encrypt(&mut block);
    let (first, _) = hexadecimal(block);
    block.zeroize();
    first
}

fn hexadecimal(block: [u8; 8]) -> ([u8; 8], [u8; 8]) {
    let letter = |value: u8| b"0123456789ABCDEF"[usize::from(value)];
    let at = |place: usize| {
        if place.is_multiple_of(2) { letter(block[place / 2] >> 4) } else { letter(block[place / 2] & 15) }
    };
    (std::array::from_fn(at), std::array::from_fn(|place| at(place + 8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    const SINGLE: &str = "0123456789ABCDEF";
    const DOUBLE: &str = "0123456789ABCDEFFEDCBA9876543210";
    /// A sign-on style message of the UnionPay POS dialect, MTI to the field before DE 64.
    const MESSAGE: &str =
        "08200020000000C0001000004230303030303030313030303030303030303030303030310011000000013010";

    fn mac(algorithm: MacAlgorithm, key: &str, input: &[u8]) -> String {
        let key = MacKey::new(algorithm, &hex::decode(key).unwrap()).unwrap();
        hex::encode(&key.mac(MacPadding::Method1, input)).to_uppercase()
    }

    #[test]
    fn every_algorithm_gives_the_known_result() {
        let message = hex::decode(MESSAGE).unwrap();
        // Made with psec (Python) 1.3.0, the POS algorithm from its DES blocks, and the CMAC with pyca/cryptography.
        for (algorithm, key, wanted) in [
            (MacAlgorithm::CupsEcb, SINGLE, hex::encode(b"55024D72")),
            (MacAlgorithm::CupsEcb, DOUBLE, hex::encode(b"D49610FC")),
            (MacAlgorithm::X9_9, SINGLE, "400A423D88859D55".to_owned()),
            (MacAlgorithm::TdesCbc, DOUBLE, "17FB97FFA9AC44BF".to_owned()),
            (MacAlgorithm::X9_19, DOUBLE, "713FCD5951C7FF23".to_owned()),
            (MacAlgorithm::AesCmac, DOUBLE, "CF08EB2074902A3C".to_owned()),
        ] {
            assert_eq!(mac(algorithm, key, &message), wanted, "{algorithm}");
        }
    }

    /// Retail MAC with padding method 1, from the test suite of psec (Python) 1.3.0, `tests/test_mac.py`.
    #[test]
    fn the_retail_mac_is_that_of_psec() {
        let key = "41414141414141414242424242424242";
        assert_eq!(mac(MacAlgorithm::X9_19, key, b"hello world"), "3DDE5C5511661CBF");
        assert_eq!(mac(MacAlgorithm::X9_19, key, b"8bytes!!"), "2EB513AE19F748E3");
    }

    /// The messages and keys of the annex of ISO/IEC 9797-1. The values of algorithm 3 and the first one are in other
    /// public test suites too; the other three of algorithm 1 are what psec (Python) 1.3.0 gives.
    #[test]
    fn algorithms_1_and_3_are_those_of_iso_9797_1() {
        const KEYS: &str = "0123456789ABCDEFFEDCBA9876543210";
        let now = b"Now is the time for all ";
        let it = b"Now is the time for it";
        #[rustfmt::skip]
        let vectors = [
            (MacAlgorithm::X9_9, MacPadding::Method1, now.as_slice(), "70A30640CC76DD8B"),
            (MacAlgorithm::X9_9, MacPadding::Method1, it.as_slice(), "E45B3AD2B7CC0856"),
            (MacAlgorithm::X9_9, MacPadding::Method2, now.as_slice(), "10E1F0F108341B6D"),
            (MacAlgorithm::X9_9, MacPadding::Method2, it.as_slice(), "A924C72136149211"),
            (MacAlgorithm::X9_19, MacPadding::Method1, now.as_slice(), "A1C72E74EA3FA9B6"),
            (MacAlgorithm::X9_19, MacPadding::Method1, it.as_slice(), "2E2B1428CC78254F"),
            (MacAlgorithm::X9_19, MacPadding::Method2, now.as_slice(), "E9086230CA3BE796"),
            (MacAlgorithm::X9_19, MacPadding::Method2, it.as_slice(), "5A692CE64F404145"),
        ];
        for (algorithm, padding, input, wanted) in vectors {
            let digits = if algorithm == MacAlgorithm::X9_9 { &KEYS[..16] } else { KEYS };
            let key = MacKey::new(algorithm, &hex::decode(digits).unwrap()).unwrap();
            assert_eq!(
                hex::encode(&key.mac(padding, input)).to_uppercase(),
                wanted,
                "{algorithm} {padding:?}"
            );
        }
    }

    /// Known, and the reason why this algorithm is only used where a bank insists.
    #[test]
    fn the_pos_mac_does_not_see_two_blocks_swapped() {
        let swapped = |algorithm| {
            mac(algorithm, DOUBLE, b"amount01account2") == mac(algorithm, DOUBLE, b"account2amount01")
        };
        assert!(swapped(MacAlgorithm::CupsEcb));
        assert!(!swapped(MacAlgorithm::X9_19));
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused() {
        for algorithm in MacAlgorithm::ALL {
            assert_eq!(MacAlgorithm::from_name(algorithm.name()), Some(algorithm));
            for bytes in [0, 7, 9, 15, 17, 31, 33] {
                assert!(MacKey::new(algorithm, &vec![1; bytes]).is_err(), "{algorithm} {bytes}");
            }
        }
        assert!(
            MacKey::new(MacAlgorithm::X9_19, &[1; 8]).is_err(),
            "a single key must not pass for a double one"
        );
    }
}
