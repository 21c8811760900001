//! Stored card numbers: sealed, and recognised again by a keyed fingerprint.

use std::fmt;

use aws_lc_rs::hmac;
use card::{Expiry, Pan};
use types::{Entropy, Secret};
use zeroize::Zeroizing;

use crate::keyring::{Index, Keyring};
use crate::seal::{self, Purpose, Record};
use crate::{VaultError, hex};

/// Length, nineteen digits and `YYMM`: always as long, so that a sealed card does not tell how many digits it has.
const PLAIN_LEN: usize = 1 + card::pan::MAX_DIGITS + 4;

/// A card number that only this vault can open, and only for the record and merchant it was sealed for.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCard {
    /// The sealed record, to be stored as it is.
    pub bytes: Vec<u8>,
    /// The same for the same card number within one merchant, whatever its expiry date.
    pub fingerprint: Fingerprint,
}

impl fmt::Debug for SealedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedCard({} bytes)", self.bytes.len())
    }
}

/// HMAC-SHA-256 of a whole card number under a key of the vault (PCI DSS v4.0.1 requirement 3.5.1.1: a plain hash of
/// a card number is undone by trying the few million numbers that fit its first six and last four digits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint with these bytes, as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// The whole fingerprint is for looking up, not for logs: with a masked number beside it, it could be correlated.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[fingerprint]")
    }
}

pub fn seal_card(
    keys: &Keyring,
    entropy: &dyn Entropy,
    pan: &Pan,
    expiry: Expiry,
    record: Record,
) -> Result<SealedCard, VaultError> {
    let digits = pan.expose().as_bytes();
    let mut plain = Zeroizing::new([0; PLAIN_LEN]);
    plain[0] = digits.len() as u8;
    plain[1..=digits.len()].copy_from_slice(digits);
    plain[PLAIN_LEN - 4..].copy_from_slice(expiry.yymm().as_bytes());
    let bytes = seal::seal(keys, entropy, Purpose::Card, record, plain.as_slice())?;
    Ok(SealedCard { bytes, fingerprint: fingerprint(keys, pan, record.owner) })
}

pub fn open_card(keys: &Keyring, sealed: &[u8], record: Record) -> Result<(Pan, Expiry), VaultError> {
    let plain = seal::open(keys, Purpose::Card, record, sealed)?;
    read(&plain).ok_or(VaultError::Form { rule: "what was sealed is not a card" })
}

fn read(plain: &Secret<Vec<u8>>) -> Option<(Pan, Expiry)> {
    let plain: &[u8; PLAIN_LEN] = plain.expose().as_slice().try_into().ok()?;
    let digits = plain.get(1..=usize::from(plain[0]))?;
    let pan = Pan::parse(std::str::from_utf8(digits).ok()?).ok()?;
    let expiry = Expiry::from_yymm(std::str::from_utf8(&plain[PLAIN_LEN - 4..]).ok()?).ok()?;
    Some((pan, expiry))
}

/// The owner goes into the fingerprint: two merchants who compare notes cannot tell that a customer shops at both.
pub fn fingerprint(keys: &Keyring, pan: &Pan, owner: u128) -> Fingerprint {
    let mut context = hmac::Context::with_key(keys.index_key(Index::CardFingerprint));
    context.update(&owner.to_be_bytes());
    context.update(pan.expose().as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    Fingerprint(bytes)
}
