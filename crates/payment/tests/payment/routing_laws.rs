//! Laws of routing, whatever the rules, the contracts and the banks.

use std::collections::BTreeMap;

use payment::CaptureMethod;
use payment::routing::{Acquirer, Asked, BankNow, Cost, RoutingTable, Rule, Strategy as By, When, decide};
use proptest::prelude::*;
use types::{Currency, MerchantId, Money, PaymentId};

use crate::routing::{WELL, contract, rule};

const BANKS: [&str; 5] = ["north", "south", "west", "east", "centre"];

fn banks() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(&BANKS[..]).prop_map(str::to_owned), 0..4)
}

fn contracts() -> impl Strategy<Value = Vec<Acquirer>> {
    let currencies = prop::sample::subsequence(vec![Currency::EUR, Currency::CNY], 0..=2);
    let brands = prop::sample::subsequence(vec!["visa", "unionpay"], 0..=2);
    let one = (prop::sample::select(&BANKS[..]), currencies, brands)
        .prop_map(|(bank, currencies, brands)| contract(bank, &currencies, &brands));
    prop::collection::vec(one, 0..7)
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let when =
        (prop::option::of(1u64..2_000), prop::sample::subsequence(vec![Currency::EUR, Currency::CNY], 0..=1))
            .prop_map(|(amount_min, currency)| When { amount_min, currency, ..When::default() });
    let weights =
        prop::collection::btree_map(prop::sample::select(&BANKS[..]).prop_map(str::to_owned), 0u32..5, 0..4);
    let by = prop::option::of(prop_oneof![Just(By::Order), Just(By::Cheapest)]);
    let one = (when, banks(), banks(), banks(), weights, by).prop_map(
        |(when, only, never, prefer, weights, strategy)| Rule {
            when,
            only,
            never,
            prefer,
            weights,
            strategy,
            ..rule("a rule")
        },
    );
    prop::collection::vec(one, 0..4)
}

fn table() -> impl Strategy<Value = RoutingTable> {
    let costs = prop::collection::vec((prop::sample::select(&BANKS[..]), 0u32..300), 0..5);
    (rules(), costs, 1usize..4, 0u8..101, any::<bool>()).prop_map(
        |(rules, costs, max_banks, min_health, cheapest)| {
            let cost = |(bank, bps): (&str, u32)| Cost {
                bank: bank.to_owned(),
                brand: None,
                currency: None,
                bps,
                fixed: 0,
            };
            let costs = costs.into_iter().map(cost).collect();
            let strategy = if cheapest { By::Cheapest } else { By::Order };
            RoutingTable { strategy, max_banks, min_health, costs, rules }
        },
    )
}

/// How each bank is; one that is missing is not configured.
fn now() -> impl Strategy<Value = BTreeMap<&'static str, BankNow>> {
    let bank = (any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.9), 0u8..101)
        .prop_map(|(is_up, has_room, takes_entry, health)| BankNow { is_up, has_room, takes_entry, health });
    prop::collection::btree_map(prop::sample::select(&BANKS[..]), bank, 0..6)
}

fn asked(payment: u128, minor: u64, brand: &str) -> Asked<'_> {
    Asked {
        payment: PaymentId::from_u128(payment),
        merchant: MerchantId::from_u128(1),
        amount: Money::new(minor, Currency::EUR).unwrap(),
        capture_method: CaptureMethod::Automatic,
        brand,
        first_digits: "424242",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_rules_a_candidate_has_a_contract_that_fits_and_a_link_that_is_up_and_not_full(
        table in table(), contracts in contracts(), now in now(), payment: u128, minor in 1u64..3_000,
        brand in prop::sample::select(&["visa", "unionpay", "jcb"][..]),
    ) {
        let asked = asked(payment, minor, brand);
        let bank = |name: &str| now.get(name).copied();
        let decision = decide(&table, &contracts, &asked, bank);

        let candidates: Vec<_> = decision.candidates().collect();
        for candidate in &candidates {
            prop_assert!(contracts.contains(candidate));
            prop_assert!(candidate.currencies.contains(&Currency::EUR));
            prop_assert!(candidate.brands.is_empty() || candidate.brands.iter().any(|it| it == brand));
            let now = bank(&candidate.bank).unwrap();
            prop_assert!(now.is_up && now.has_room && now.takes_entry);
            for rule in table.rules.iter().filter(|rule| rule.when.unmet(&asked).is_none()) {
                prop_assert!(!rule.never.contains(&candidate.bank));
                prop_assert!(rule.only.is_empty() || rule.only.contains(&candidate.bank));
            }
        }
        let mut names: Vec<_> = candidates.iter().map(|candidate| &candidate.bank).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), candidates.len(), "no bank is tried twice");
        prop_assert!(candidates.len() <= table.max_banks);
        prop_assert_eq!(candidates.is_empty(), decision.no_route().is_some());

        // Each contract is explained once, in its place, and the places are the order.
        let explained: Vec<_> = decision.verdicts.iter().map(|verdict| verdict.contract).collect();
        prop_assert_eq!(explained, contracts.iter().collect::<Vec<_>>());
        let mut placed: Vec<_> = decision.verdicts.iter().filter_map(|it| Some((it.place?, it.contract))).collect();
        placed.sort_by_key(|(place, _)| *place);
        prop_assert!(placed.iter().map(|(place, _)| *place).eq(1..=candidates.len()));
        prop_assert_eq!(placed.into_iter().map(|(_, contract)| contract).collect::<Vec<_>>(), candidates);

        prop_assert_eq!(decide(&table, &contracts, &asked, bank), decision, "the same input, the same answer");
    }

    /// Somebody who can be reached, and whom contracts and rules allow, is found, however the rules order.
    #[test]
    fn the_order_never_loses_a_payment(
        table in table(), contracts in contracts(), payment: u128, minor in 1u64..3_000,
    ) {
        let asked = asked(payment, minor, "visa");
        let ordered = decide(&table, &contracts, &asked, |_| Some(WELL)).no_route();
        let plain = RoutingTable {
            rules: table.rules.iter().map(|rule| Rule {
                when: rule.when.clone(), only: rule.only.clone(), never: rule.never.clone(), ..crate::routing::rule("r")
            }).collect(),
            ..RoutingTable::default()
        };
        prop_assert_eq!(ordered, decide(&plain, &contracts, &asked, |_| Some(WELL)).no_route());
    }

    /// A bank that goes down moves its own payments alone.
    #[test]
    fn when_a_bank_goes_down_the_others_keep_their_order(payment: u128, down in 0usize..5, weights in prop::array::uniform5(1u32..100)) {
        let contracts = BANKS.map(|bank| contract(bank, &[Currency::EUR], &[]));
        let weights = BANKS.iter().zip(weights).map(|(bank, weight)| ((*bank).to_owned(), weight)).collect();
        let table = RoutingTable { max_banks: 5, rules: vec![Rule { weights, ..rule("shares") }], ..RoutingTable::default() };
        let asked = asked(payment, 1, "visa");
        let all = decide(&table, &contracts, &asked, |_| Some(WELL));
        let without = decide(&table, &contracts, &asked, |bank| (bank != BANKS[down]).then_some(WELL));
        let kept = all.candidates().filter(|candidate| candidate.bank != BANKS[down]);
        prop_assert!(kept.eq(without.candidates()));
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn over_many_payments_each_bank_gets_its_share(weights in prop::array::uniform3(0u32..100), salt: u128) {
        const PAYMENTS: u32 = 4_000;
        prop_assume!(weights.iter().any(|&weight| weight > 0));
        let contracts = ["north", "south", "west"].map(|bank| contract(bank, &[Currency::EUR], &[]));
        let by_name = BANKS.iter().zip(weights).map(|(bank, weight)| ((*bank).to_owned(), weight)).collect();
        let table = RoutingTable { rules: vec![Rule { weights: by_name, ..rule("shares") }], ..RoutingTable::default() };
        let mut got = [0u32; 3];
        for number in 0..PAYMENTS {
            let asked = asked(salt.wrapping_add(u128::from(number)), 1, "visa");
            let decision = decide(&table, &contracts, &asked, |_| Some(WELL));
            let first = decision.candidates().next().unwrap();
            got[BANKS.iter().position(|bank| *bank == first.bank).unwrap()] += 1;
        }
        let total: u32 = weights.iter().sum();
        for (got, weight) in got.into_iter().zip(weights) {
            let expected = f64::from(PAYMENTS) * f64::from(weight) / f64::from(total);
            // Six standard deviations of a fair draw.
            let spread = 6.0 * (f64::from(PAYMENTS) * 0.25).sqrt();
            prop_assert!((f64::from(got) - expected).abs() <= spread, "{got} of {PAYMENTS}, expected {expected}");
            prop_assert!(weight > 0 || got == 0);
        }
    }
}
