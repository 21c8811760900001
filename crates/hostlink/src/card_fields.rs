//! Card data on its way into a message: added last, at send time, so that what is recorded never holds it.

use card::{Expiry, Pan, SecurityCode};
use iso8583::{Fields, Tagged};
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
}

impl CardFields {
    /// A card by its number alone.
    pub const fn new(pan: Pan) -> Self {
        Self { pan, expiry: None, security_code: None }
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
        for element in &self.row(transaction).card {
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
                        let tagged = Tagged::new().with("CV", code.expose()).into_text();
                        let text = Zeroizing::new(format!("{before}{}", tagged.as_str()));
                        full.set(48, &text)
                    }
                    None => continue,
                },
            };
            // Digits in fields that exist are always accepted; the dialect judges the rest when it encodes.
            set.map_err(|_| Rejection::CardDataMissing("printable card data"))?;
        }
        Ok(full)
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
