//! The test cards. Every number is a made-up one with a right check digit; none was ever issued.

use card::Brand;

/// What a card does when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Approves as long as there is credit.
    Approve,
    /// Declines authorizations and sales with this response code; refunds and reversals work.
    Decline(&'static str),
    /// The bank takes the money and never answers. A reversal is answered.
    NeverAnswers,
    /// The bank takes the money and answers after the gateway has given up waiting.
    LateAnswer,
    /// Every answer comes twice.
    DuplicateAnswer,
    /// The answer's MAC is wrong.
    WrongMac,
    /// The answer carries another terminal's number.
    WrongTerminal,
    /// The connection ends in the middle of the answer.
    HalfFrame,
    /// The connection is reset instead of an answer.
    Reset,
    /// The answer takes two seconds.
    Slow,
    /// Approves with `A2`, "defective success".
    DefectiveSuccess,
}

/// A card that the simulated banks know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestCard {
    /// The number.
    pub pan: &'static str,
    /// The brand of the number.
    pub brand: Brand,
    /// Expiry date as `YYMM`.
    pub expiry: &'static str,
    /// Security code. It is checked where a message carries one.
    pub security_code: &'static str,
    /// PIN. It is checked where a message carries one; the third wrong one in a row is the last that is looked at.
    pub pin: &'static str,
    /// What the card does.
    pub behaviour: Behaviour,
    /// The same for people.
    pub about: &'static str,
}

impl TestCard {
    /// The last four digits.
    pub fn last4(&self) -> &'static str {
        &self.pan[self.pan.len() - 4..]
    }
}

/// All test cards. Every simulated bank honours all of them, with the same credit line in each currency that it takes.
/// The first approves everything.
pub fn cards() -> &'static [TestCard] {
    CARDS
}

const fn row(pan: &'static str, brand: Brand, behaviour: Behaviour, about: &'static str) -> TestCard {
    TestCard { pan, brand, expiry: "3012", security_code: "123", pin: "1234", behaviour, about }
}

/// The credit line of a card in each currency, in minor units.
pub(crate) const CREDIT_LINE: u64 = 1_000_000_000_000;

#[rustfmt::skip]
static CARDS: &[TestCard] = &[
    row("4242424242424242", Brand::Visa,       Behaviour::Approve,            "approves"),
    row("6222021234567894", Brand::UnionPay,   Behaviour::Approve,            "approves"),
    row("5555555555554444", Brand::Mastercard, Behaviour::Approve,            "approves"),
    row("3566002020360505", Brand::Jcb,        Behaviour::Approve,            "approves"),
    row("4000000000009995", Brand::Visa,       Behaviour::Decline("51"),      "declined: insufficient funds"),
    row("4000000000000002", Brand::Visa,       Behaviour::Decline("05"),      "declined: do not honour"),
    row("4000000000000069", Brand::Visa,       Behaviour::Decline("54"),      "declined: expired card"),
    row("4000000000009987", Brand::Visa,       Behaviour::Decline("41"),      "declined: lost card"),
    row("4000000000000341", Brand::Visa,       Behaviour::NeverAnswers,       "the bank never answers"),
    row("4000000000070104", Brand::Visa,       Behaviour::LateAnswer,         "the answer comes too late"),
    row("4000000000070203", Brand::Visa,       Behaviour::DuplicateAnswer,    "the answer comes twice"),
    row("4000000000070302", Brand::Visa,       Behaviour::WrongMac,           "the answer's MAC is wrong"),
    row("4000000000070401", Brand::Visa,       Behaviour::WrongTerminal,      "the answer names another terminal"),
    row("4000000000070500", Brand::Visa,       Behaviour::HalfFrame,          "the connection ends within the answer"),
    row("4000000000070609", Brand::Visa,       Behaviour::Reset,              "the connection is reset"),
    row("4000000000070708", Brand::Visa,       Behaviour::Slow,               "the answer takes two seconds"),
    row("4000000000070807", Brand::Visa,       Behaviour::DefectiveSuccess,   "approved, to be reconciled"),
    row("6222020000000114", Brand::UnionPay,   Behaviour::Decline("51"),      "declined: insufficient funds"),
    row("6222020000000221", Brand::UnionPay,   Behaviour::Decline("05"),      "declined: do not honour"),
    row("6222020000000338", Brand::UnionPay,   Behaviour::Decline("54"),      "declined: expired card"),
    row("6222020000000445", Brand::UnionPay,   Behaviour::Decline("41"),      "declined: lost card"),
    row("6222020000000551", Brand::UnionPay,   Behaviour::NeverAnswers,       "the bank never answers"),
    row("6222020000000668", Brand::UnionPay,   Behaviour::LateAnswer,         "the answer comes too late"),
    row("6222020000000775", Brand::UnionPay,   Behaviour::DuplicateAnswer,    "the answer comes twice"),
    row("6222020000000882", Brand::UnionPay,   Behaviour::WrongMac,           "the answer's MAC is wrong"),
    row("6222020000000999", Brand::UnionPay,   Behaviour::DefectiveSuccess,   "approved, to be reconciled"),
];

/// The index of a card by its number; what the bank's own log stores instead of the number.
pub(crate) fn index_of(pan: &str) -> Option<usize> {
    CARDS.iter().position(|card| card.pan == pan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_a_valid_number_of_its_brand_and_its_last_digits_are_its_own() {
        for (index, test_card) in cards().iter().enumerate() {
            let pan = card::Pan::parse(test_card.pan).unwrap();
            assert_eq!(pan.brand(), Some(test_card.brand), "{pan}");
            let same = cards().iter().filter(|other| other.last4() == test_card.last4()).count();
            assert_eq!((same, index_of(test_card.pan)), (1, Some(index)));
        }
        assert_eq!(cards()[0].behaviour, Behaviour::Approve);
    }
}
