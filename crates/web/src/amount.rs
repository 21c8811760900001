//! Amounts and instants as people read them.

use types::{Currency, Money, Timestamp};

use crate::locale::Locale;

/// An amount in parts, so that a page can set the currency code smaller than the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The number with its sign of currency, if the currency has one: `¥1,280.00`.
    pub figure: String,
    /// Three letters. Always shown: `¥` is two currencies.
    pub code: &'static str,
}

impl Amount {
    /// The amount for people. Both of our languages group by thousands and write a decimal point.
    pub fn of(money: Money) -> Self {
        let currency = money.currency();
        let exponent = usize::from(currency.exponent());
        let unit = 10u64.pow(u32::from(currency.exponent()));
        let whole = grouped(money.minor() / unit);
        let sign = sign(currency);
        let figure = if exponent == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{:0exponent$}", money.minor() % unit)
        };
        Self { figure, code: currency.alpha() }
    }
}

impl std::fmt::Display for Amount {
    /// `¥1,280.00 CNY`, with a space that does not break.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\u{a0}{}", self.figure, self.code)
    }
}

/// The sign that both languages know for a currency.
fn sign(currency: Currency) -> &'static str {
    match currency.alpha() {
        "CNY" | "JPY" => "¥",
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        _ => "",
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Date and time of day in UTC. The zone is written, since a server cannot know the reader's.
pub fn instant(at: Timestamp, locale: Locale) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let civil = at.utc();
    let (hour, minute) = (civil.hour, civil.minute);
    match locale {
        Locale::En => {
            let month = MONTHS.get(usize::from(civil.month) - 1).copied().unwrap_or_default();
            format!("{} {month} {}, {hour:02}:{minute:02} UTC", civil.day, civil.year)
        }
        Locale::ZhCn => {
            format!("{}年{}月{}日 {hour:02}:{minute:02} UTC", civil.year, civil.month, civil.day)
        }
    }
}

/// A month that a card may end in, always in the future: the hint that never goes stale.
pub fn example_expiry(now: Timestamp) -> String {
    format!("11/{:02}", (now.utc().year + 3).rem_euclid(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(minor: u64, currency: &str) -> String {
        Amount::of(Money::new(minor, currency.parse().unwrap()).unwrap()).to_string()
    }

    #[test]
    fn the_code_is_always_there() {
        assert_eq!(shown(128_000, "CNY"), "¥1,280.00\u{a0}CNY");
        assert_eq!(shown(5, "EUR"), "€0.05\u{a0}EUR");
        assert_eq!(shown(1_234_567, "JPY"), "¥1,234,567\u{a0}JPY");
        assert_eq!(shown(1_500, "KWD"), "1.500\u{a0}KWD");
        assert_eq!(shown(100_000, "CHF"), "1,000.00\u{a0}CHF");
    }

    #[test]
    fn instants_name_their_zone() {
        let at = Timestamp::from_ms(1_796_113_800_007);
        assert_eq!(instant(at, Locale::En), "1 Dec 2026, 08:30 UTC");
        assert_eq!(instant(at, Locale::ZhCn), "2026年12月1日 08:30 UTC");
        assert_eq!(example_expiry(at), "11/29");
    }
}
