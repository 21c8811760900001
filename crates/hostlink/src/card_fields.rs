//! Card data on its way into a message: added last, at send time, so that what is recorded never holds it.

use std::fmt;
use std::sync::Arc;

use card::{EncryptedPin, Expiry, Pan, SecurityCode, Track2};
use iso8583::{Fields, Message};
use zeroize::Zeroizing;

use crate::outcome::Rejection;
use crate::profile::{BankProfile, CardElement, Transaction};

/// The card of one request. Lives only as long as the request; wiped when dropped, never printed.
#[derive(Clone, Debug)]
pub struct CardFields {
    /// The card number.
    pub pan: Pan,
    /// The expiry date, where it is known.
    pub expiry: Option<Expiry>,
    /// The security code, where the payer has just given it.
    pub security_code: Option<SecurityCode>,
    /// What a terminal read, where the card was there.
    pub present: Option<CardPresent>,
}

/// What a terminal read from a card, and what its holder entered. All of it is sensitive authentication data, but for the
/// sequence number: it goes to the bank in one message, and nowhere else.
#[derive(Clone)]
pub struct CardPresent {
    /// Track 2, or a chip's equivalent of it.
    pub track2: Option<Track2>,
    /// Tells cards with the same number apart: three digits.
    pub sequence_number: Option<String>,
    /// What the chip says, for DE 55: BER-TLV.
    pub chip_data: Option<Zeroizing<Vec<u8>>>,
    /// The PIN, under the terminal's key. A link translates it to its own when it frames the message.
    pub pin: Option<PinField>,
}

/// An encrypted PIN with what opens it: the terminal's key, in a block that only the vault opens.
#[derive(Clone)]
pub struct PinField {
    /// The block as the terminal sent it.
    pub sent: EncryptedPin,
    /// The terminal's PIN key.
    pub key: Arc<PinKeyBlock>,
}

/// The PIN key of a terminal as the vault has given it away to be kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PinKeyBlock {
    /// The merchant's number.
    pub merchant: u128,
    /// The terminal's number. The block opens for this terminal alone.
    pub terminal: u128,
    /// The key block.
    pub block: String,
    /// The version of the vault's key that it is under.
    pub key_version: u32,
}

/// A PIN on its way to the link that translates it, with the card that it belongs to.
#[derive(Clone)]
pub(crate) struct PinToSend {
    pub pin: PinField,
    pub pan: Pan,
}

impl fmt::Debug for CardPresent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[what a terminal read]")
    }
}

impl CardFields {
    /// A card by its number alone.
    pub const fn new(pan: Pan) -> Self {
        Self { pan, expiry: None, security_code: None, present: None }
    }
}

impl BankProfile {
    /// The message with the card data that this transaction sends to this bank, and no other.
    pub(crate) fn with_card(
        &self,
        transaction: Transaction,
        fields: Fields,
        card: Option<&CardFields>,
    ) -> Result<Fields, Rejection> {
        let mut full = fields;
        let elements = self.row(transaction).map_or(&[][..], |row| &row.card);
        let present = card.and_then(|card| card.present.as_ref());
        for element in elements {
            let set = match element {
                CardElement::Pan => {
                    let card = card.ok_or(Rejection::CardDataMissing("card number"))?;
                    full.set(2, card.pan.expose())
                }
                CardElement::Expiry => match card.and_then(|card| card.expiry) {
                    Some(expiry) => full.set(14, &Zeroizing::new(expiry.yymm())),
                    None => continue,
                },
                CardElement::SecurityCode => match card.and_then(|card| card.security_code.as_ref()) {
                    Some(code) => {
                        let before = full.get(48).unwrap_or_default();
                        let part = self.dialect_of(full.mti()).compose(48, &[("CV", code.expose())]);
                        let part = part.map_err(Rejection::Encode)?;
                        full.set(48, &Zeroizing::new(format!("{before}{}", part.as_str())))
                    }
                    None => continue,
                },
                CardElement::Track2 => match present.and_then(|present| present.track2.as_ref()) {
                    Some(track) => full.set(35, track.expose()),
                    None => continue,
                },
                CardElement::SequenceNumber => match present.and_then(|it| it.sequence_number.as_ref()) {
                    Some(number) => full.set(23, number),
                    None => continue,
                },
                CardElement::ChipData => match present.and_then(|present| present.chip_data.as_ref()) {
                    Some(data) => full.set_bytes(55, data),
                    None => continue,
                },
                CardElement::Pin => match present.and_then(|present| present.pin.as_ref()) {
                    // Zeros, until the link that sends the message has translated the PIN: `submit.rs`.
                    Some(_) => self.pin_fields.iter().try_fold(
                        full.set_bytes(52, &[0; 16][..self.pin_format.block_bytes()])
                            .map_err(|_| Rejection::CardDataMissing("PIN block"))?,
                        |full, (de, text)| full.set(*de, text),
                    ),
                    None => continue,
                },
            };
            // Digits in fields that exist are always accepted; the dialect judges the rest when it encodes.
            set.map_err(|_| Rejection::CardDataMissing("printable card data"))?;
        }
        Ok(full)
    }

    /// The PIN that a message with this card needs, if it takes one to this bank.
    pub(crate) fn pin_of(
        &self,
        transaction: Transaction,
        card: Option<&CardFields>,
    ) -> Option<Box<PinToSend>> {
        let card = card?;
        let pin = card.present.as_ref()?.pin.clone()?;
        let takes = self.row(transaction)?.card.contains(&CardElement::Pin);
        takes.then(|| Box::new(PinToSend { pin, pan: card.pan.clone() }))
    }

    /// An answer without what must not travel further into the gateway: card number, expiry date, track, PIN, security
    /// code, chip data and keys.
    pub(crate) fn without_cardholder_data(&self, mut fields: Fields) -> Fields {
        let numbers = fields.numbers();
        let dialect = self.dialect_of(fields.mti());
        for de in numbers.iter() {
            let keep = dialect.sensitivity(de).is_some_and(|s| {
                use iso8583::Sensitivity as S;
                matches!(s, S::None | S::Free)
            });
            if !keep || de == 14 {
                fields.remove(de);
            }
        }
        fields
    }
}

/// What of an answer's DE 55 is meant for the chip: the issuer's cryptogram (91), its scripts (71, 72) and its response
/// code (8A). Nothing else travels further: a host that repeats our own chip data would repeat the card number with it.
pub(crate) fn for_the_chip(answer: &Message<'_>) -> Option<Vec<u8>> {
    // Most answers have none, and are not asked for each tag.
    answer.get(55)?;
    let of_tag = |tag: &'static str| {
        let places = (1..=u8::MAX).map(move |occurrence| format!("{tag}[{occurrence}]"));
        places.map_while(move |place| Some((tag, answer.part(55, &place)?.to_text())))
    };
    let found: Vec<_> = ["91", "71", "72", "8A"].into_iter().flat_map(of_tag).collect();
    let parts: Vec<(&str, &str)> = found.iter().map(|(tag, text)| (*tag, &**text)).collect();
    let data = answer.dialect().compose(55, &parts).ok()?;
    iso8583::parse_hex(&data).ok().filter(|data| !data.is_empty())
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;
    use crate::shipped_bank;

    /// The card number (5A) that a host repeats stays behind, and so does what lies within another tag.
    #[test]
    fn the_chip_gets_what_the_issuer_says_and_nothing_of_the_card() {
        for bank in ["cups-pos", "iso87-ascii", "iso93-bcd"] {
            let profile = shipped_bank(bank).unwrap();
            let kept = |chip_data: &str| {
                let mti = if bank == "iso93-bcd" { "1210" } else { "0210" };
                let mut answer = Fields::new(Mti::parse(mti).unwrap());
                answer.set(55, chip_data).unwrap();
                let mut wire = Vec::new();
                profile.dialect_of(answer.mti()).encode(&answer, &mut wire).unwrap();
                for_the_chip(&profile.decode(&wire).unwrap())
            };
            let bytes = |digits: &str| Some(iso8583::parse_hex(digits).unwrap());
            let (number, counter) = ("5A084242424242424242", "9F36020001");
            let (code, scripts) = ("8A023030", ["72079F180401020304", "72038601AA"]);
            let answer = format!("{number}910411223344{counter}{}{code}{}", scripts[0], scripts[1]);
            let wanted = format!("910411223344{}{}{code}", scripts[0], scripts[1]);
            assert_eq!(kept(&answer), bytes(&wanted), "{bank}");
            assert_eq!(kept(&format!("{number}{counter}")), None, "{bank}");
            assert_eq!(kept("7004910211228A023030"), bytes(code), "{bank}");
        }
    }
}
