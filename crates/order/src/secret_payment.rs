//! PI, the payment instruction: with what the customer pays. Only the PCS opens it. Wiped when dropped, never printed, and
//! not serialisable by accident: its one written form goes into the envelope.

use std::fmt;

use serde::Deserialize;
use types::{Currency, MerchantId, PaymentId, PaymentMethodId, Secret};
use zeroize::Zeroizing;

use crate::canonical::NotCanonical;
use crate::hash::{Digest, INSTRUCTION, Salt};
use crate::minor;

/// No payment instruction is longer.
pub(crate) const MAX_LEN: usize = 1024;

/// With what the customer pays.
#[derive(Clone)]
pub enum Instrument {
    /// A card as its holder wrote it.
    Card {
        /// The card number: 12 to 19 digits.
        pan: Secret<String>,
        /// The expiry month, `YYYY-MM`.
        expiry: Secret<String>,
        /// The security code: 3 or 4 digits.
        security_code: Option<Secret<String>>,
    },
    /// A card that the vault knows.
    PaymentMethod {
        /// Its token.
        id: PaymentMethodId,
        /// The security code, when it was asked for again.
        security_code: Option<Secret<String>>,
    },
}

impl fmt::Debug for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card { .. } => f.write_str("Card"),
            Self::PaymentMethod { id, .. } => write!(f, "PaymentMethod({id})"),
        }
    }
}

/// A rule that an instrument breaks; its digits are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// `pan` is not 12 to 19 digits.
    #[error("pan must be 12 to 19 digits")]
    Pan,
    /// `exp` is not `YYYY-MM`.
    #[error("exp must be YYYY-MM")]
    Expiry,
    /// `cvc` is not 3 or 4 digits.
    #[error("cvc must be 3 or 4 digits")]
    SecurityCode,
}

impl Instrument {
    fn check(&self) -> Result<(), InstrumentError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Self::Card { pan, expiry, .. } = self {
            if !(12..=19).contains(&pan.expose().len()) || !digits(pan.expose()) {
                return Err(InstrumentError::Pan);
            }
            let month = expiry.expose().strip_prefix("20").and_then(|rest| rest.split_once('-'));
            let good = month.is_some_and(|(year, month)| {
                year.len() == 2
                    && digits(year)
                    && month.len() == 2
                    && digits(month)
                    && ("01"..="12").contains(&month)
            });
            if !good {
                return Err(InstrumentError::Expiry);
            }
        }
        match self.security_code() {
            Some(code) if !(3..=4).contains(&code.len()) || !digits(code) => {
                Err(InstrumentError::SecurityCode)
            }
            _ => Ok(()),
        }
    }

    fn security_code(&self) -> Option<&str> {
        let (Self::Card { security_code, .. } | Self::PaymentMethod { security_code, .. }) = self;
        security_code.as_ref().map(|code| code.expose().as_str())
    }
}

/// The payment instruction.
#[derive(Clone)]
pub struct PaymentInstruction {
    /// The payment.
    pub payment: PaymentId,
    /// The payee.
    pub merchant: MerchantId,
    /// The amount, in minor units.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// With what.
    pub instrument: Instrument,
    /// Keeps the hash from being searched.
    pub salt: Salt,
}

impl fmt::Debug for PaymentInstruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentInstruction({}, {:?})", self.payment, self.instrument)
    }
}

impl PaymentInstruction {
    /// The canonical form. Written by hand so that the card number is in no buffer but this one, which is wiped; the keys
    /// stand in the order of RFC 8785, and no value needs an escape.
    ///
    /// # Errors
    /// [`InstrumentError`] names the rule that the instrument breaks.
    pub fn to_canonical(&self) -> Result<Zeroizing<Vec<u8>>, InstrumentError> {
        self.instrument.check()?;
        // Never grows: a buffer that moves leaves its old bytes behind.
        let mut text = Zeroizing::new(String::with_capacity(MAX_LEN));
        let mut put = |parts: &[&str]| parts.iter().for_each(|part| text.push_str(part));
        put(&["{\"amount\":\"", &self.amount.to_string(), "\",\"currency\":\"", self.currency.alpha()]);
        put(&["\",\"instrument\":{"]);
        if let Some(code) = self.instrument.security_code() {
            put(&["\"cvc\":\"", code, "\","]);
        }
        match &self.instrument {
            Instrument::Card { pan, expiry, .. } => {
                put(&["\"exp\":\"", expiry.expose(), "\",\"pan\":\"", pan.expose(), "\",\"type\":\"card\"}"]);
            }
            Instrument::PaymentMethod { id, .. } => {
                put(&["\"id\":\"", &id.to_string(), "\",\"type\":\"payment_method\"}"]);
            }
        }
        put(&[
            ",\"merchant\":\"",
            &self.merchant.to_string(),
            "\",\"payment\":\"",
            &self.payment.to_string(),
        ]);
        put(&["\",\"salt\":\"", &pki::b64::encode(self.salt.as_bytes()), "\",\"v\":1}"]);
        Ok(Zeroizing::new(std::mem::take(&mut *text).into_bytes()))
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, NotCanonical> {
        if bytes.len() > MAX_LEN {
            return Err(NotCanonical::TooLong);
        }
        // Borrowed text only: nothing is copied before it lies in a type that wipes itself.
        let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|error| NotCanonical::from(&error))?;
        let instruction = wire.read().ok_or(NotCanonical::Writing)?;
        match instruction.to_canonical() {
            Ok(written) if *written == bytes => Ok(instruction),
            _ => Err(NotCanonical::Writing),
        }
    }

    /// h(PI): what LINK holds.
    pub(crate) fn digest_of(canonical: &[u8]) -> Digest {
        Digest::of(INSTRUCTION, canonical)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    v: u8,
    payment: PaymentId,
    merchant: MerchantId,
    amount: &'a str,
    currency: Currency,
    #[serde(borrow)]
    instrument: WireInstrument<'a>,
    salt: Salt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireInstrument<'a> {
    r#type: &'a str,
    pan: Option<&'a str>,
    exp: Option<&'a str>,
    cvc: Option<&'a str>,
    id: Option<PaymentMethodId>,
}

impl Wire<'_> {
    fn read(self) -> Option<PaymentInstruction> {
        let security_code = self.instrument.cvc.map(Secret::from);
        let WireInstrument { r#type, pan, exp, id, .. } = self.instrument;
        let instrument = match (r#type, pan, exp, id) {
            ("card", Some(pan), Some(expiry), None) => {
                Instrument::Card { pan: pan.into(), expiry: expiry.into(), security_code }
            }
            ("payment_method", None, None, Some(id)) => Instrument::PaymentMethod { id, security_code },
            _ => return None,
        };
        let Self { payment, merchant, currency, salt, .. } = self;
        let amount = minor::parse(self.amount).filter(|_| self.v == 1)?;
        Some(PaymentInstruction { payment, merchant, amount, currency, instrument, salt })
    }
}
