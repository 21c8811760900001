//! What was decided about a payment's route, and why: one verdict for each contract.

use std::fmt;

use types::Money;

use super::{Acquirer, NoRoute, Rule};

/// The banks that a payment goes to, in order, and why those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// One for each contract, in the merchant's order.
    pub verdicts: Vec<Verdict<'a>>,
    /// The rules that apply to the payment.
    pub rules: Vec<&'a Rule>,
    /// Indices of the candidates' verdicts, the first choice first.
    pub(super) order: Vec<usize>,
    /// Why there is no candidate.
    pub(super) no_route: Option<NoRoute>,
}

/// What was decided about one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The contract.
    pub contract: &'a Acquirer,
    /// Its place among the candidates, from 1; none: it was left out.
    pub place: Option<usize>,
    /// Why it stands there, or is left out.
    pub why: Why<'a>,
}

/// Why a contract stands where it stands, or is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "what a variant's fields are, its words say")]
pub enum Why<'a> {
    /// Nothing but the merchant's order.
    Order,
    /// A rule names it first.
    Preferred { rule: &'a str },
    /// A rule names others first.
    NotPreferred { rule: &'a str },
    /// By what it charges; none: that is not known.
    Cost { rule: Option<&'a str>, cost: Option<Money> },
    /// By the share of the traffic that a rule gives it.
    Weight { rule: &'a str, weight: u32, total: u64 },
    /// It has answered badly of late, and comes behind the others.
    Unhealthy { health: u8 },
    /// Left out: the contract does not name the currency.
    CurrencyNotOffered,
    /// Left out: the contract does not name the brand.
    BrandNotOffered,
    /// Left out: another contract with the same bank comes before it.
    SameBank,
    /// Left out by `only` of a rule.
    NotAllowed { rule: &'a str },
    /// Left out by `never` of a rule.
    Forbidden { rule: &'a str },
    /// Left out: no bank of that name is configured.
    NotConfigured,
    /// Left out: it takes no card whose data was entered like this.
    EntryNotTaken,
    /// Left out: its link is not up.
    LinkDown,
    /// Left out: it keeps as many waiting as one bank may.
    AtItsShare,
    /// Left out: so many banks as a payment is tried at come before it.
    BeyondMaxBanks,
}

impl<'a> Decision<'a> {
    /// The contracts to try, the first choice first. Where one surely was not reached, the next may be tried.
    pub fn candidates(&self) -> impl Iterator<Item = &'a Acquirer> + '_ {
        self.order.iter().map(|&index| self.verdicts[index].contract)
    }

    /// The same with why.
    pub fn ranked(&self) -> impl Iterator<Item = &Verdict<'a>> {
        self.order.iter().map(|&index| &self.verdicts[index])
    }

    /// Why there is no candidate; none when there is one.
    pub const fn no_route(&self) -> Option<NoRoute> {
        self.no_route
    }

    /// In a line, for the payment's history: which bank and why, and what kept others away. None where the merchant's
    /// order and contracts alone have decided, which needs no words.
    pub fn note(&self) -> Option<String> {
        let chosen = self.ranked().next()?;
        let kept_away = self.verdicts.iter().filter(|verdict| verdict.why.kept_away());
        let kept_away: String =
            kept_away.map(|verdict| format!("; {}: {}", verdict.contract.bank, verdict.why)).collect();
        if chosen.why == Why::Order && kept_away.is_empty() {
            return None;
        }
        Some(format!("routed to {}: {}{kept_away}", chosen.contract.bank, chosen.why))
    }
}

impl Why<'_> {
    /// A stable code; never renamed, never reused. Listed in docs/operating/routing.md.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Order => "merchant_order",
            Self::Preferred { .. } => "preferred",
            Self::NotPreferred { .. } => "not_preferred",
            Self::Cost { cost: Some(_), .. } => "cost",
            Self::Cost { cost: None, .. } => "cost_unknown",
            Self::Weight { .. } => "weight",
            Self::Unhealthy { .. } => "unhealthy",
            Self::CurrencyNotOffered => "currency_not_offered",
            Self::BrandNotOffered => "brand_not_offered",
            Self::SameBank => "same_bank",
            Self::NotAllowed { .. } => "not_allowed",
            Self::Forbidden { .. } => "forbidden",
            Self::NotConfigured => "not_configured",
            Self::EntryNotTaken => "entry_not_taken",
            Self::LinkDown => "link_down",
            Self::AtItsShare => "at_its_share",
            Self::BeyondMaxBanks => "beyond_max_banks",
        }
    }

    /// Whether rules, or how the bank is now, have kept a bank from a payment that its contract covers.
    const fn kept_away(&self) -> bool {
        matches!(
            self,
            Self::NotAllowed { .. }
                | Self::Forbidden { .. }
                | Self::NotConfigured
                | Self::EntryNotTaken
                | Self::LinkDown
                | Self::AtItsShare
        )
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order => f.write_str("in the merchant's order"),
            Self::Preferred { rule } => write!(f, "preferred by rule {rule:?}"),
            Self::NotPreferred { rule } => write!(f, "behind those that rule {rule:?} prefers"),
            Self::Cost { rule, cost } => {
                match cost {
                    Some(cost) => write!(f, "costs {cost}")?,
                    None => f.write_str("its cost is not known")?,
                }
                rule.map_or(Ok(()), |rule| write!(f, " (rule {rule:?})"))
            }
            Self::Weight { rule, weight, total } => {
                write!(f, "drawn with weight {weight} of {total} (rule {rule:?})")
            }
            Self::Unhealthy { health } => write!(f, "it has answered badly of late (health {health} of 100)"),
            Self::CurrencyNotOffered => f.write_str("the contract does not take this currency"),
            Self::BrandNotOffered => f.write_str("the contract does not take this brand"),
            Self::SameBank => f.write_str("another contract with this bank comes first"),
            Self::NotAllowed { rule } => write!(f, "rule {rule:?} allows only other banks"),
            Self::Forbidden { rule } => write!(f, "rule {rule:?} forbids it"),
            Self::NotConfigured => f.write_str("no bank of this name is configured"),
            Self::EntryNotTaken => f.write_str("it takes no card that is given in this way"),
            Self::LinkDown => f.write_str("its link is not up"),
            Self::AtItsShare => f.write_str("it keeps as many waiting as one bank may"),
            Self::BeyondMaxBanks => f.write_str("enough banks come before it (max_banks)"),
        }
    }
}
