//! Track 2 of a magnetic stripe, and the same data as a chip gives it (tag 57).

use std::fmt;

use zeroize::Zeroizing;

use crate::{Expiry, Pan};

/// Track 2 without its sentinels: card number, separator, expiry date `YYMM`, service code, the issuer's own digits; at
/// most 37 characters (ISO/IEC 7813). It is sensitive authentication data: it has no sealed form, no serialisation and no
/// `Display`, and only ever lives in memory (PCI DSS v4.0.1 requirement 3.3.1). Wiped on drop.
#[derive(Clone)]
pub struct Track2 {
    /// Digits, and one `=` as the separator.
    text: Zeroizing<String>,
    pan: Pan,
    expiry: Expiry,
}

/// Why a text is not track 2. Never repeats a digit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Track2Error {
    /// Not the digits, separator and lengths of track 2.
    #[error(
        "track 2 is a card number, '=' or 'D', an expiry date YYMM, a service code and digits; 37 characters at most"
    )]
    Form,
    /// The card number or the expiry date in it is none.
    #[error("the card number or the expiry date in track 2 is not valid")]
    Content,
}

impl Track2Error {
    /// A stable code; never renamed, never reused.
    pub const fn code(self) -> &'static str {
        "card_track2_invalid"
    }
}

impl Track2 {
    /// Reads track 2 as readers give it (separator `=`) or as a chip does (separator `D`, perhaps a padding `F` at the
    /// end). Sentinels `;` and `?` are dropped.
    ///
    /// # Errors
    /// [`Track2Error`].
    pub fn parse(text: &str) -> Result<Self, Track2Error> {
        let text = text.trim().trim_start_matches(';').trim_end_matches('?').trim_end_matches(['F', 'f']);
        let text = Zeroizing::new(text.replace(['D', 'd'], "="));
        let (pan, rest) = text.split_once('=').ok_or(Track2Error::Form)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        // Expiry date (4) and service code (3) always stand there; what follows is the issuer's.
        if text.len() > 37 || !digits(pan) || !digits(rest) || rest.len() < 7 {
            return Err(Track2Error::Form);
        }
        let pan = Pan::parse(pan).map_err(|_| Track2Error::Content)?;
        let expiry = Expiry::from_yymm(&rest[..4]).map_err(|_| Track2Error::Content)?;
        Ok(Self { text, pan, expiry })
    }

    /// The card number in it.
    pub const fn pan(&self) -> &Pan {
        &self.pan
    }

    /// The expiry date in it.
    pub const fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// The digits with `=` as the separator. Every call is a place where a track could leak: there should be one, at the
    /// bank link.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Track2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[track 2]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stripe_and_a_chip_give_the_same_card() {
        for text in [";4242424242424242=30121010000000000?", "4242424242424242D3012101000000000F"] {
            let track = Track2::parse(text).unwrap();
            let card = (track.pan().expose(), track.expiry().yymm());
            assert_eq!(card, ("4242424242424242", "3012".to_owned()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_never_repeated() {
        let too_long = format!("4242424242424242=3012101{}", "0".repeat(15));
        for text in ["", "4242424242424242", "4242424242424242=3012", "4242424242424242=30121x1", &too_long] {
            assert_eq!(Track2::parse(text).err(), Some(Track2Error::Form), "{text}");
        }
        for text in ["4242424242424241=3012101", "4242424242424242=3013101"] {
            assert_eq!(Track2::parse(text).err(), Some(Track2Error::Content), "{text}");
        }
        assert_eq!(format!("{:?}", Track2::parse("4242424242424242=3012101").unwrap()), "[track 2]");
    }
}
