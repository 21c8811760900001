//! Card brands by the first digits of the number.

use std::fmt;

/// The first six digits of a card number, which may be shown (PCI DSS v4.0.1, 3.4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bin([u8; 6]);

impl Bin {
    pub(crate) const fn from_digits(ascii: [u8; 6]) -> Self {
        Self(ascii)
    }

    /// The brand of these first digits, if we know it.
    pub fn brand(&self) -> Option<Brand> {
        Brand::of_digits(&self.0)
    }

    /// Six ASCII digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A card brand that we know by its number ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Brand {
    /// 银联, China UnionPay.
    UnionPay,
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// JCB.
    Jcb,
    /// American Express.
    Amex,
    /// Discover.
    Discover,
    /// Diners Club International.
    Diners,
}

struct Range {
    low: u32,
    high: u32,
    /// How many first digits `low` and `high` speak of.
    digits: usize,
    brand: Brand,
}

const fn range(low: u32, high: u32, digits: usize, brand: Brand) -> Range {
    Range { low, high, digits, brand }
}

/// The longest matching prefix decides. Source: the schemes' published number ranges (ISO/IEC 7812 issuer
/// identification numbers), as the schemes' merchant manuals of 2024 give them. UnionPay's 622126-622925 is also
/// honoured by Discover's network; on the bank links of this gateway it is a UnionPay card.
#[rustfmt::skip]
static RANGES: &[Range] = &[
    range(      4,       4, 1, Brand::Visa),
    range(     51,      55, 2, Brand::Mastercard),
    range(   2221,    2720, 4, Brand::Mastercard),
    range(     34,      34, 2, Brand::Amex),
    range(     37,      37, 2, Brand::Amex),
    range(   3528,    3589, 4, Brand::Jcb),
    range(    300,     305, 3, Brand::Diners),
    range(   3095,    3095, 4, Brand::Diners),
    range(     36,      36, 2, Brand::Diners),
    range(     38,      39, 2, Brand::Diners),
    range(     62,      62, 2, Brand::UnionPay),
    range(     81,      81, 2, Brand::UnionPay),
    range(   6011,    6011, 4, Brand::Discover),
    range(    644,     649, 3, Brand::Discover),
    range(     65,      65, 2, Brand::Discover),
];

impl Brand {
    /// Every brand we know.
    pub const ALL: [Brand; 7] = [
        Brand::UnionPay,
        Brand::Visa,
        Brand::Mastercard,
        Brand::Jcb,
        Brand::Amex,
        Brand::Discover,
        Brand::Diners,
    ];

    /// The brand of a number that starts with these ASCII digits, if we know it. A few digits may be too few to tell.
    pub fn of_digits(ascii: &[u8]) -> Option<Brand> {
        let matching = RANGES.iter().filter(|range| {
            prefix(ascii, range.digits).is_some_and(|first| (range.low..=range.high).contains(&first))
        });
        matching.max_by_key(|range| range.digits).map(|range| range.brand)
    }

    /// Whether the brand issues numbers of this many digits.
    pub const fn allows_length(self, digits: usize) -> bool {
        match self {
            Self::Visa => matches!(digits, 13 | 16 | 19),
            Self::Mastercard => digits == 16,
            Self::Amex => digits == 15,
            Self::UnionPay | Self::Jcb | Self::Discover => matches!(digits, 16..=19),
            Self::Diners => matches!(digits, 14..=19),
        }
    }

    /// How many digits the brand's security code has.
    pub const fn security_code_digits(self) -> usize {
        match self {
            Self::Amex => 4,
            Self::UnionPay | Self::Visa | Self::Mastercard | Self::Jcb | Self::Discover | Self::Diners => 3,
        }
    }

    /// The stable lower-case name, for JSON and file names.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnionPay => "unionpay",
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Jcb => "jcb",
            Self::Amex => "amex",
            Self::Discover => "discover",
            Self::Diners => "diners",
        }
    }

    /// The brand with this lower-case name.
    pub fn from_code(code: &str) -> Option<Brand> {
        Self::ALL.into_iter().find(|brand| brand.code() == code)
    }
}

impl fmt::Display for Brand {
    /// The name as people write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnionPay => "UnionPay",
            Self::Visa => "Visa",
            Self::Mastercard => "Mastercard",
            Self::Jcb => "JCB",
            Self::Amex => "American Express",
            Self::Discover => "Discover",
            Self::Diners => "Diners Club",
        })
    }
}

/// The number that the first `digits` digits spell; `None` when there are fewer, or one of them is no digit.
fn prefix(ascii: &[u8], digits: usize) -> Option<u32> {
    ascii.get(..digits)?.iter().try_fold(0, |number, &letter| {
        letter.is_ascii_digit().then(|| number * 10 + u32::from(letter - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digits_name_the_brand() {
        for (digits, brand) in [
            ("622202", Some(Brand::UnionPay)),
            ("622126", Some(Brand::UnionPay)),
            ("424242", Some(Brand::Visa)),
            ("555555", Some(Brand::Mastercard)),
            ("222099", None),
            ("222100", Some(Brand::Mastercard)),
            ("272099", Some(Brand::Mastercard)),
            ("272100", None),
            ("353011", Some(Brand::Jcb)),
            ("352700", None),
            ("378282", Some(Brand::Amex)),
            ("601111", Some(Brand::Discover)),
            ("643999", None),
            ("305693", Some(Brand::Diners)),
            ("306000", None),
            ("6", None),
            ("", None),
        ] {
            assert_eq!(Brand::of_digits(digits.as_bytes()), brand, "{digits}");
        }
    }

    #[test]
    fn names_read_back() {
        for brand in Brand::ALL {
            assert_eq!(Brand::from_code(brand.code()), Some(brand));
        }
        assert_eq!(Brand::from_code("Visa"), None);
    }
}
