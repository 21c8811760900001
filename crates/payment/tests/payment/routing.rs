//! Stories: which bank a payment goes to, and why.

use std::cell::Cell;

use payment::CaptureMethod;
use payment::routing::{
    Acquirer, Asked, BankNow, Condition, Decision, NoRoute, RoutingTable, Rule, When, decide, route,
};
use types::{Currency, MerchantId, Money, PaymentId};

pub const WELL: BankNow = BankNow { is_up: true, has_room: true, takes_entry: true, health: 100 };
const DOWN: BankNow = BankNow { is_up: false, ..WELL };
const OTHER_CARDS: BankNow = BankNow { takes_entry: false, ..WELL };
const FULL: BankNow = BankNow { has_room: false, ..WELL };

pub fn contract(bank: &str, currencies: &[Currency], brands: &[&str]) -> Acquirer {
    Acquirer {
        bank: bank.to_owned(),
        terminal: "00000001".to_owned(),
        acceptor: "000000000000001".to_owned(),
        currencies: currencies.to_vec(),
        brands: brands.iter().map(|&brand| brand.to_owned()).collect(),
    }
}

pub fn rule(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        when: When::default(),
        only: Vec::new(),
        never: Vec::new(),
        prefer: Vec::new(),
        weights: Default::default(),
        strategy: None,
    }
}

pub fn names(banks: &[&str]) -> Vec<String> {
    banks.iter().map(|&bank| bank.to_owned()).collect()
}

fn table(rules: Vec<Rule>) -> RoutingTable {
    RoutingTable { rules, ..RoutingTable::default() }
}

/// North, south and west take euros, in this order.
fn europe() -> Vec<Acquirer> {
    ["north", "south", "west"].map(|bank| contract(bank, &[Currency::EUR], &[])).to_vec()
}

fn sale() -> Asked<'static> {
    Asked {
        payment: PaymentId::from_u128(7),
        merchant: MerchantId::from_u128(1),
        amount: Money::new(12_50, Currency::EUR).unwrap(),
        capture_method: CaptureMethod::Automatic,
        brand: "visa",
        first_digits: "42424242",
    }
}

fn banks(decision: &Decision<'_>) -> Vec<String> {
    decision.candidates().map(|contract| contract.bank.clone()).collect()
}

fn codes(decision: &Decision<'_>) -> Vec<&'static str> {
    decision.verdicts.iter().map(|verdict| verdict.why.code()).collect()
}

#[test]
fn without_rules_the_first_reachable_contract_in_the_merchants_order_that_fits_is_taken() {
    let contracts = [
        contract("north", &[Currency::CNY], &["unionpay"]),
        contract("south", &[Currency::CNY, Currency::EUR], &[]),
    ];
    let table = RoutingTable::default();
    let to = |currency, brand, up: &[&str]| {
        let asked = Asked { amount: Money::new(1, currency).unwrap(), brand, ..sale() };
        let now = |bank: &str| Some(if up.contains(&bank) { WELL } else { DOWN });
        let decision = decide(&table, &contracts, &asked, now);
        let first = decision.candidates().next().map(|contract| contract.bank.clone());
        let question = route(&contracts, currency, brand, |bank| up.contains(&bank));
        assert_eq!(question.ok().map(|it| &it.bank), first.as_ref(), "a question goes the same way");
        first.ok_or_else(|| decision.no_route().unwrap())
    };
    assert_eq!(to(Currency::CNY, "unionpay", &["north", "south"]), Ok("north".to_owned()));
    assert_eq!(to(Currency::CNY, "unionpay", &["south"]), Ok("south".to_owned()));
    assert_eq!(to(Currency::CNY, "visa", &["north", "south"]), Ok("south".to_owned()));
    assert_eq!(to(Currency::EUR, "visa", &["north"]), Err(NoRoute::Unreachable));
    assert_eq!(to(Currency::JPY, "visa", &["south"]), Err(NoRoute::NotOffered { currency: Currency::JPY }));
}

#[test]
fn a_rule_applies_when_all_its_conditions_hold_and_says_which_does_not() {
    let when = When {
        bin: vec!["424240-424249".parse().unwrap(), "62".parse().unwrap()],
        brand: names(&["visa"]),
        currency: vec![Currency::EUR],
        amount_min: Some(10_00),
        amount_max: Some(20_00),
        merchant: vec![MerchantId::from_u128(1)],
        capture_method: Some(CaptureMethod::Automatic),
    };
    let euros = |minor| Money::new(minor, Currency::EUR).unwrap();
    assert_eq!(when.unmet(&sale()), None);
    for (asked, unmet) in [
        (Asked { first_digits: "424250", ..sale() }, Condition::Bin),
        (Asked { first_digits: "4242", ..sale() }, Condition::Bin),
        (Asked { brand: "jcb", ..sale() }, Condition::Brand),
        (Asked { amount: Money::new(12_50, Currency::USD).unwrap(), ..sale() }, Condition::Currency),
        (Asked { amount: euros(9_99), ..sale() }, Condition::Amount),
        (Asked { amount: euros(20_01), ..sale() }, Condition::Amount),
        (Asked { merchant: MerchantId::from_u128(2), ..sale() }, Condition::Merchant),
        (Asked { capture_method: CaptureMethod::Manual, ..sale() }, Condition::CaptureMethod),
    ] {
        assert_eq!(when.unmet(&asked), Some(unmet), "{asked:?}");
    }
}

#[test]
fn rules_leave_banks_out_and_the_first_that_ranks_makes_the_order() {
    let contracts = europe();
    let table = table(vec![
        Rule { never: names(&["north"]), ..rule("no north") },
        Rule { prefer: names(&["west"]), ..rule("west first") },
        Rule { prefer: names(&["south"]), ..rule("too late") },
    ]);
    let asked = sale();
    let decision = decide(&table, &contracts, &asked, |_| Some(WELL));
    assert_eq!(banks(&decision), ["west", "south"]);
    assert_eq!(codes(&decision), ["forbidden", "not_preferred", "preferred"]);
    let note = "routed to west: preferred by rule \"west first\"; north: rule \"no north\" forbids it";
    assert_eq!(decision.note().unwrap(), note);
}

#[test]
fn rules_that_leave_nobody_are_told_from_banks_that_are_away_and_banks_that_are_full() {
    let contracts = europe();
    let nobody = table(vec![Rule { only: names(&["east"]), ..rule("east alone") }]);
    let asked = sale();
    let no_route = |table: &RoutingTable, now: BankNow| {
        decide(table, &contracts, &asked, |_| Some(now)).no_route().unwrap()
    };
    assert_eq!(no_route(&nobody, WELL), NoRoute::Excluded);
    assert_eq!(no_route(&RoutingTable::default(), DOWN), NoRoute::Unreachable);
    assert_eq!(no_route(&RoutingTable::default(), OTHER_CARDS), NoRoute::EntryNotTaken);
    assert_eq!(no_route(&RoutingTable::default(), FULL), NoRoute::Full);
}

#[test]
fn the_cheapest_comes_first_by_amount_and_an_unknown_cost_is_no_cheap_one() {
    let contracts = europe();
    let table: RoutingTable = serde_json::from_value(serde_json::json!({
        "strategy": "cheapest",
        "cost": [
            { "bank": "south", "bps": 10, "currency": "EUR", "fixed": 30 },
            { "bank": "west", "bps": 120, "brand": "jcb" },
            { "bank": "west", "bps": 100 },
        ],
    }))
    .unwrap();
    table.check(&["north", "south", "west"]).unwrap();
    let order = |minor| {
        let asked = Asked { amount: Money::new(minor, Currency::EUR).unwrap(), ..sale() };
        let decision = decide(&table, &contracts, &asked, |_| Some(WELL));
        assert_eq!(decision.verdicts[0].why.to_string(), "enough banks come before it (max_banks)");
        (banks(&decision), decision.note().unwrap())
    };
    let small = order(12_50);
    assert_eq!(small, (names(&["west", "south"]), "routed to west: costs 0.13 EUR".to_owned()));
    let large = order(1_000_00);
    assert_eq!(large, (names(&["south", "west"]), "routed to south: costs 1.30 EUR".to_owned()));
}

#[test]
fn a_bank_that_answers_badly_comes_last_and_is_still_asked_before_nobody() {
    let contracts = europe();
    let table = RoutingTable { min_health: 60, ..RoutingTable::default() };
    let asked = sale();
    let ill = |bank: &str| Some(if bank == "north" { BankNow { health: 59, ..WELL } } else { WELL });
    assert_eq!(banks(&decide(&table, &contracts, &asked, ill)), ["south", "west"]);
    let alone = decide(&table, &contracts[..1], &asked, ill);
    assert_eq!((banks(&alone), codes(&alone)), (names(&["north"]), vec!["unhealthy"]));
}

#[test]
fn two_contracts_with_one_bank_are_one_candidate() {
    let contracts = [
        contract("north", &[Currency::CNY], &[]),
        contract("north", &[Currency::EUR], &[]),
        contract("north", &[Currency::EUR], &["visa"]),
    ];
    let (table, asked, looks) = (RoutingTable::default(), sale(), Cell::new(0));
    let decision = decide(&table, &contracts, &asked, |_| {
        looks.set(looks.get() + 1);
        Some(WELL)
    });
    assert_eq!(codes(&decision), ["currency_not_offered", "merchant_order", "same_bank"]);
    assert_eq!((banks(&decision), decision.note()), (names(&["north"]), None));
    assert!(looks.get() > 0);
}

#[test]
fn what_is_wrong_with_a_table_is_named_with_its_place() {
    let refused = |json: serde_json::Value| {
        let table: RoutingTable = serde_json::from_value(json).unwrap();
        table.check(&["north", "south"]).unwrap_err().to_string()
    };
    let of_rule = |mut rule: serde_json::Value| {
        rule["name"] = "r".into();
        refused(serde_json::json!({ "rule": [rule] }))
    };
    use serde_json::json;
    for (told, expected) in [
        (refused(json!({ "max_banks": 0 })), "routing.max_banks: must be at least 1"),
        (refused(json!({ "min_health": 101 })), "routing.min_health"),
        (refused(json!({ "strategy": "cheapest" })), "routing.cost: is needed"),
        (refused(json!({ "cost": [{ "bank": "east", "bps": 1 }] })), "routing.cost 1 (east).bank"),
        (refused(json!({ "cost": [{ "bank": "north", "bps": 10_001 }] })), "cost 1 (north).bps"),
        (refused(json!({ "cost": [{ "bank": "north", "bps": 1, "fixed": 1 }] })), "name the currency"),
        (refused(json!({ "cost": [{ "bank": "north", "bps": 1, "brand": "Visa" }] })), "there is no brand"),
        (of_rule(json!({})), "the rule does nothing"),
        (of_rule(json!({ "prefer": ["east"] })), "routing.rule \"r\".prefer: no configured bank is called"),
        (of_rule(json!({ "weights": { "north": 0 } })), "must not all be 0"),
        (of_rule(json!({ "prefer": ["north"], "weights": { "south": 1 } })), "only one of"),
        (of_rule(json!({ "only": ["north"], "when": { "amount_min": 1 } })), "name that one"),
        (
            of_rule(json!({
                "only": ["north"], "when": { "currency": ["EUR"], "amount_min": 2, "amount_max": 1 }
            })),
            "must not be above amount_max",
        ),
        (
            refused(
                json!({ "rule": [{ "name": "r", "only": ["north"] }, { "name": "r", "only": ["south"] }] }),
            ),
            "routing.rule 2: name",
        ),
    ] {
        assert!(told.contains(expected), "{told:?} does not say {expected:?}");
    }
}
