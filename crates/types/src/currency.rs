//! ISO 4217 currencies: letters, number and exponent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An ISO 4217 currency, by its numeric code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u16);

struct Row {
    alpha: &'static str,
    numeric: u16,
    exponent: u8,
}

const fn row(alpha: &'static str, numeric: u16, exponent: u8) -> Row {
    Row { alpha, numeric, exponent }
}

/// Source: ISO 4217 list one. Currencies of everyday card payments; funds codes and metals are left out.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    row("AED", 784, 2), row("ARS",  32, 2), row("AUD",  36, 2), row("BDT",  50, 2), row("BGN", 975, 2),
    row("BHD",  48, 3), row("BRL", 986, 2), row("CAD", 124, 2), row("CHF", 756, 2), row("CLP", 152, 0),
    row("CNY", 156, 2), row("COP", 170, 2), row("CZK", 203, 2), row("DKK", 208, 2), row("EGP", 818, 2),
    row("EUR", 978, 2), row("GBP", 826, 2), row("HKD", 344, 2), row("HUF", 348, 2), row("IDR", 360, 2),
    row("ILS", 376, 2), row("INR", 356, 2), row("ISK", 352, 0), row("JOD", 400, 3), row("JPY", 392, 0),
    row("KES", 404, 2), row("KRW", 410, 0), row("KWD", 414, 3), row("KZT", 398, 2), row("LKR", 144, 2),
    row("MAD", 504, 2), row("MOP", 446, 2), row("MXN", 484, 2), row("MYR", 458, 2), row("NGN", 566, 2),
    row("NOK", 578, 2), row("NZD", 554, 2), row("OMR", 512, 3), row("PEN", 604, 2), row("PHP", 608, 2),
    row("PKR", 586, 2), row("PLN", 985, 2), row("QAR", 634, 2), row("RON", 946, 2), row("RUB", 643, 2),
    row("SAR", 682, 2), row("SEK", 752, 2), row("SGD", 702, 2), row("THB", 764, 2), row("TND", 788, 3),
    row("TRY", 949, 2), row("TWD", 901, 2), row("UAH", 980, 2), row("UGX", 800, 0), row("USD", 840, 2),
    row("VND", 704, 0), row("XAF", 950, 0), row("XOF", 952, 0), row("ZAR", 710, 2),
];

impl Currency {
    /// Renminbi.
    pub const CNY: Currency = Currency(156);
    /// Euro.
    pub const EUR: Currency = Currency(978);
    /// Yen: no minor unit.
    pub const JPY: Currency = Currency(392);
    /// Kuwaiti dinar: three decimal places.
    pub const KWD: Currency = Currency(414);
    /// US dollar.
    pub const USD: Currency = Currency(840);

    /// The currency with this ISO 4217 number, if we know it.
    pub fn from_numeric(numeric: u16) -> Option<Self> {
        TABLE.iter().find(|row| row.numeric == numeric).map(|row| Self(row.numeric))
    }

    /// Every currency we know, in the order of their letters.
    pub fn all() -> impl Iterator<Item = Currency> {
        TABLE.iter().map(|row| Self(row.numeric))
    }

    /// Three upper-case letters.
    pub fn alpha(self) -> &'static str {
        self.row().alpha
    }

    /// The three-digit number, as in ISO 8583 DE 49.
    pub const fn numeric(self) -> u16 {
        self.0
    }

    /// Decimal places of the minor unit: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u8 {
        self.row().exponent
    }

    fn row(self) -> &'static Row {
        // A `Currency` is only made from a row of the table.
        TABLE.iter().find(|row| row.numeric == self.0).expect("currency of the table")
    }
}

/// Not a currency that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a supported ISO 4217 currency in upper-case letters")]
pub struct CurrencyError;

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        TABLE.iter().find(|row| row.alpha == text).map(|row| Self(row.numeric)).ok_or(CurrencyError)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.alpha())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_double_and_is_in_order() {
        assert!(TABLE.windows(2).all(|pair| pair[0].alpha < pair[1].alpha));
        let mut numbers: Vec<u16> = TABLE.iter().map(|row| row.numeric).collect();
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn lower_case_is_not_a_currency() {
        assert_eq!("CNY".parse(), Ok(Currency::CNY));
        assert_eq!("cny".parse::<Currency>(), Err(CurrencyError));
        assert_eq!((Currency::JPY.exponent(), Currency::KWD.exponent()), (0, 3));
    }
}
