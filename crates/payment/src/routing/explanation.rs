//! A decision in full, for people who ask before a payment does: every contract, every rule, and how the banks are.

use types::Money;

use super::{Asked, BankNow, Condition, Decision, RoutingTable};

/// What was decided, of each contract and of each rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The brand that was decided with.
    pub brand: String,
    /// In the merchant's order.
    pub contracts: Vec<ContractSaid>,
    /// In the table's order.
    pub rules: Vec<RuleSaid>,
    /// Why no bank is left; none when there is one.
    pub refused: Option<String>,
}

/// What was decided about one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractSaid {
    /// The bank's name in our configuration.
    pub bank: String,
    /// DE 41 of the contract; empty where it is supposed.
    pub terminal: String,
    /// Its place among the candidates, from 1; none: it is left out.
    pub place: Option<usize>,
    /// A stable code, of [`Why::code`](super::Why::code).
    pub code: &'static str,
    /// The same in words.
    pub why: String,
    /// What the bank charges for this payment, as far as the table knows it.
    pub cost: Option<Money>,
    /// How the bank is now; none: no bank of that name is configured.
    pub now: Option<BankNow>,
}

/// Whether a rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSaid {
    /// Its name.
    pub name: String,
    /// The first condition that does not hold; none: it applies.
    pub unmet: Option<Condition>,
}

impl Decision<'_> {
    /// The decision with all that led to it. `table`, `asked` and `now` are those that it was made with.
    pub fn explain(
        &self,
        table: &RoutingTable,
        asked: &Asked<'_>,
        now: impl Fn(&str) -> Option<BankNow>,
    ) -> Explanation {
        let contracts = self.verdicts.iter().map(|verdict| {
            let bank = &verdict.contract.bank;
            ContractSaid {
                bank: bank.clone(),
                terminal: verdict.contract.terminal.clone(),
                place: verdict.place,
                code: verdict.why.code(),
                why: verdict.why.to_string(),
                cost: table.cost(bank, asked.brand, asked.amount).and_then(|cost| cost.rounded()),
                now: now(bank),
            }
        });
        let rules = table.rules.iter();
        Explanation {
            brand: asked.brand.to_owned(),
            contracts: contracts.collect(),
            rules: rules
                .map(|rule| RuleSaid { name: rule.name.clone(), unmet: rule.when.unmet(asked) })
                .collect(),
            refused: self.no_route().map(|why| why.to_string()),
        }
    }
}
