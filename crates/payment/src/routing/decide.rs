//! The decision itself.

use types::Currency;

use super::cost::Charge;
use super::draw::draw;
use super::{Acquirer, Asked, BankNow, Decision, NoRoute, RoutingTable, Rule, Strategy, Verdict, Why};

/// Decides which banks a payment goes to. `now` tells how a bank is, none where no such bank is configured. The same
/// input gives the same answer.
pub fn decide<'a>(
    table: &'a RoutingTable,
    contracts: &'a [Acquirer],
    asked: &Asked<'_>,
    now: impl Fn(&str) -> Option<BankNow>,
) -> Decision<'a> {
    let rules: Vec<&Rule> = table.rules.iter().filter(|rule| rule.when.unmet(asked).is_none()).collect();
    // Which contracts cover the payment, and which of them the rules leave.
    let mut verdicts: Vec<Verdict<'a>> = Vec::with_capacity(contracts.len());
    let mut covering: Vec<usize> = Vec::with_capacity(contracts.len());
    for (index, contract) in contracts.iter().enumerate() {
        let left_out = not_offered(contract, asked.amount.currency(), asked.brand)
            .or_else(|| {
                let is_same = |&before: &usize| contracts[before].bank == contract.bank;
                covering.iter().any(is_same).then_some(Why::SameBank)
            })
            .or_else(|| excluded(&rules, &contract.bank));
        if left_out.is_none() {
            covering.push(index);
        }
        verdicts.push(Verdict { contract, place: None, why: left_out.unwrap_or(Why::Order) });
    }
    rank(table, &rules, asked, &mut covering, &mut verdicts);

    // Banks that are ill come behind those that are well; the order among each stays.
    let health = |index: &usize| now(&contracts[*index].bank).map_or(0, |bank| bank.health);
    covering.sort_by_key(|index| health(index) < table.min_health);

    let mut order = Vec::with_capacity(table.max_banks.min(covering.len()));
    for index in covering {
        let verdict = &mut verdicts[index];
        match now(&verdict.contract.bank) {
            None => verdict.why = Why::NotConfigured,
            Some(bank) if !bank.takes_entry => verdict.why = Why::EntryNotTaken,
            Some(bank) if !bank.is_up => verdict.why = Why::LinkDown,
            Some(bank) if !bank.has_room => verdict.why = Why::AtItsShare,
            Some(_) if order.len() >= table.max_banks => verdict.why = Why::BeyondMaxBanks,
            Some(bank) => {
                order.push(index);
                verdict.place = Some(order.len());
                if bank.health < table.min_health {
                    verdict.why = Why::Unhealthy { health: bank.health };
                }
            }
        }
    }
    let no_route = order.is_empty().then(|| no_route(&verdicts, asked));
    Decision { verdicts, rules, order, no_route }
}

/// The first contract, in the merchant's order, that covers currency and brand at a bank that `can` answer: for questions
/// that move no money. Rules speak of payments.
///
/// # Errors
/// [`NoRoute`].
pub fn route<'a>(
    contracts: &'a [Acquirer],
    currency: Currency,
    brand: &str,
    can: impl Fn(&str) -> bool,
) -> Result<&'a Acquirer, NoRoute> {
    let covers = |contract: &&Acquirer| not_offered(contract, currency, brand).is_none();
    let mut covering = contracts.iter().filter(covers).peekable();
    if covering.peek().is_none() {
        return Err(NoRoute::NotOffered { currency });
    }
    covering.find(|contract| can(&contract.bank)).ok_or(NoRoute::Unreachable)
}

fn not_offered(contract: &Acquirer, currency: Currency, brand: &str) -> Option<Why<'static>> {
    if !contract.currencies.contains(&currency) {
        return Some(Why::CurrencyNotOffered);
    }
    let takes = contract.brands.is_empty() || contract.brands.iter().any(|it| it == brand);
    (!takes).then_some(Why::BrandNotOffered)
}

fn excluded<'a>(rules: &[&'a Rule], bank: &str) -> Option<Why<'a>> {
    let names = |banks: &[String]| banks.iter().any(|name| name == bank);
    rules.iter().find_map(|rule| {
        if names(&rule.never) {
            Some(Why::Forbidden { rule: &rule.name })
        } else if !rule.only.is_empty() && !names(&rule.only) {
            Some(Why::NotAllowed { rule: &rule.name })
        } else {
            None
        }
    })
}

/// Brings `covering` into the order of the first rule that says one, else of the table, and says why.
fn rank<'a>(
    table: &RoutingTable,
    rules: &[&'a Rule],
    asked: &Asked<'_>,
    covering: &mut Vec<usize>,
    verdicts: &mut [Verdict<'a>],
) {
    let ranking = rules.iter().copied().find(|rule| rule.ranks());
    match ranking {
        Some(rule) if !rule.prefer.is_empty() => preferred(rule, covering, verdicts),
        Some(rule) if !rule.weights.is_empty() => weighted(rule, asked, covering, verdicts),
        _ => match ranking.and_then(|rule| rule.strategy).unwrap_or(table.strategy) {
            Strategy::Order => {}
            Strategy::Cheapest => cheapest(table, ranking, asked, covering, verdicts),
        },
    }
}

fn preferred<'a>(rule: &'a Rule, covering: &mut [usize], verdicts: &mut [Verdict<'a>]) {
    let place = |contract: &Acquirer| rule.prefer.iter().position(|name| *name == contract.bank);
    covering.sort_by_key(|&index| place(verdicts[index].contract).unwrap_or(usize::MAX));
    let rule = &rule.name;
    for &index in &*covering {
        verdicts[index].why = match place(verdicts[index].contract) {
            Some(_) => Why::Preferred { rule },
            None => Why::NotPreferred { rule },
        };
    }
}

fn weighted<'a>(rule: &'a Rule, asked: &Asked<'_>, covering: &mut Vec<usize>, verdicts: &mut [Verdict<'a>]) {
    let weight = |index: usize| rule.weights.get(&verdicts[index].contract.bank).copied().unwrap_or(0);
    let weights: Vec<u32> = covering.iter().map(|&index| weight(index)).collect();
    let total = weights.iter().copied().map(u64::from).sum();
    for (&index, &weight) in covering.iter().zip(&weights) {
        verdicts[index].why = Why::Weight { rule: &rule.name, weight, total };
    }
    let drawn = draw(asked.payment, &weights).into_iter().map(|place| covering[place]);
    let undrawn = covering.iter().zip(&weights).filter(|(_, weight)| **weight == 0).map(|(&index, _)| index);
    *covering = drawn.chain(undrawn).collect();
}

fn cheapest<'a>(
    table: &RoutingTable,
    rule: Option<&'a Rule>,
    asked: &Asked<'_>,
    covering: &mut [usize],
    verdicts: &mut [Verdict<'a>],
) {
    let cost = |contract: &Acquirer| table.cost(&contract.bank, asked.brand, asked.amount);
    covering.sort_by_key(|&index| cost(verdicts[index].contract).map_or(u128::MAX, |cost| cost.parts));
    let rule = rule.map(|rule| rule.name.as_str());
    for &index in &*covering {
        let cost = cost(verdicts[index].contract).and_then(Charge::rounded);
        verdicts[index].why = Why::Cost { rule, cost };
    }
}

/// The mildest reason: what passes by itself before what somebody must change.
fn no_route(verdicts: &[Verdict<'_>], asked: &Asked<'_>) -> NoRoute {
    let any = |is: fn(&Why<'_>) -> bool| verdicts.iter().any(|verdict| is(&verdict.why));
    if any(|why| matches!(why, Why::AtItsShare)) {
        NoRoute::Full
    } else if any(|why| matches!(why, Why::LinkDown | Why::NotConfigured)) {
        NoRoute::Unreachable
    } else if any(|why| matches!(why, Why::EntryNotTaken)) {
        NoRoute::EntryNotTaken
    } else if any(|why| matches!(why, Why::NotAllowed { .. } | Why::Forbidden { .. })) {
        NoRoute::Excluded
    } else {
        NoRoute::NotOffered { currency: asked.amount.currency() }
    }
}
