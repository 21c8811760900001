//! A payment's route as the operator sees it before there is a payment.

use payment::CaptureMethod;
use payment::routing::{ContractSaid, Explanation, RuleSaid};
use serde::Serialize;
use types::Money;
use utoipa::ToSchema;

use super::CaptureMethodBody;

/// Which banks a payment would go to, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Route)]
pub struct RouteBody {
    /// Always `route`.
    #[schema(pattern = "^route$")]
    pub object: &'static str,
    /// Minor units.
    #[schema(example = 1250)]
    pub amount: u64,
    /// ISO 4217, upper case.
    #[schema(example = "EUR")]
    pub currency: &'static str,
    /// `unionpay`, `visa`, …; `unknown` where the digits say none.
    #[schema(example = "visa")]
    pub brand: String,
    /// How the money is taken.
    pub capture_method: CaptureMethodBody,
    /// The banks that would be tried, the first choice first.
    #[schema(example = json!(["south"]))]
    pub candidates: Vec<String>,
    /// The merchant's contracts, in its order.
    pub contracts: Vec<RouteContractBody>,
    /// The gateway's rules, from the top.
    pub rules: Vec<RouteRuleBody>,
    /// Why no bank is left; null when there is one.
    pub refused: Option<String>,
}

/// What was decided about a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RouteContract)]
pub struct RouteContractBody {
    /// The bank's name in the gateway's configuration.
    pub bank: String,
    /// DE 41.
    pub terminal: String,
    /// Its place among the candidates, from 1; null: it is left out.
    pub place: Option<usize>,
    /// A stable code; docs/operating/routing.md lists them.
    #[schema(example = "weight")]
    pub code: &'static str,
    /// The same in plain words.
    pub why: String,
    /// What the bank charges for this payment, in minor units of its currency; null: the gateway's table does not know it.
    pub cost: Option<u64>,
    /// How the bank has answered of late, 100 well to 0; null: no bank of this name is configured.
    #[schema(minimum = 0, maximum = 100)]
    pub health: Option<u8>,
}

/// Whether a rule applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RouteRule)]
pub struct RouteRuleBody {
    /// Its name.
    pub name: String,
    /// Whether all its conditions hold.
    pub applies: bool,
    /// The first condition that does not.
    #[schema(example = "amount")]
    pub unmet: Option<&'static str>,
}

/// A route as the API shows it.
pub fn route_body(amount: Money, capture_method: CaptureMethod, said: &Explanation) -> RouteBody {
    let mut tried: Vec<&ContractSaid> = said.contracts.iter().filter(|it| it.place.is_some()).collect();
    tried.sort_by_key(|contract| contract.place);
    RouteBody {
        object: "route",
        amount: amount.minor(),
        currency: amount.currency().alpha(),
        brand: said.brand.clone(),
        capture_method: capture_method.into(),
        candidates: tried.iter().map(|contract| contract.bank.clone()).collect(),
        contracts: said.contracts.iter().map(contract_body).collect(),
        rules: said.rules.iter().map(rule_body).collect(),
        refused: said.refused.clone(),
    }
}

fn contract_body(it: &ContractSaid) -> RouteContractBody {
    RouteContractBody {
        bank: it.bank.clone(),
        terminal: it.terminal.clone(),
        place: it.place,
        code: it.code,
        why: it.why.clone(),
        cost: it.cost.map(Money::minor),
        health: it.now.map(|now| now.health),
    }
}

fn rule_body(it: &RuleSaid) -> RouteRuleBody {
    RouteRuleBody {
        name: it.name.clone(),
        applies: it.unmet.is_none(),
        unmet: it.unmet.map(|unmet| unmet.key()),
    }
}
