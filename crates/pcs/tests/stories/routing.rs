//! Which bank is asked, and what becomes of a payment whose bank was not reached.

use banksim::{Fault, Scope};
use payment::routing::{ContractSaid, RoutingTable, Rule};
use payment::{CancellationReason, CaptureMethod, Payment, State, Undo};
use pcs::{CommandError, RouteQuestion};
use store::{Fault as StoreFault, Store};
use testkit::{Shop, TWIN, World, eur, payment_of};
use types::{Currency, PaymentMethodId};

use crate::GOOD;
use crate::gated::{Asked, Gate, Narrow};

const FIRST: &str = "iso87-ascii";
const REVERSED: State = State::Canceled { reason: CancellationReason::TimeoutReversed };

async fn seeded(seed: u64) -> World {
    World::with_twin(seed, Store::inline).await
}

/// A merchant with two banks for euros.
async fn shop(world: &World) -> Shop {
    world.merchant_at("bakery", &[(FIRST, &[Currency::EUR]), (TWIN, &[Currency::EUR])]).await
}

fn sales(world: &World, bank: &str) -> usize {
    world.bank(bank).received().iter().filter(|line| line.starts_with("0200")).count()
}

async fn notes(world: &World, shop: &Shop, payment: &Payment) -> Vec<String> {
    let life = world.pcs().history(shop.id(), payment.id).await.unwrap();
    life.into_iter().filter_map(|item| item.event.note).collect()
}

fn rules(json: &str) -> RoutingTable {
    let table: RoutingTable = serde_json::from_str(json).unwrap();
    table.check(&[FIRST, TWIN]).unwrap();
    table
}

#[tokio::test(start_paused = true)]
async fn without_rules_the_merchants_order_decides_and_nothing_is_noted() {
    let world = seeded(140).await;
    let shop = shop(&world).await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(8_00)).await;
    assert_eq!(paid.bank(), Some(FIRST));
    assert_eq!(notes(&world, &shop, &paid).await, Vec::<String>::new());
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_brings_cards_of_a_range_to_another_bank_and_the_history_says_so() {
    let mut world = seeded(141).await;
    world.routing = rules(
        r#"{ "rule": [
            { "name": "house cards", "when": { "bin": ["42424242"], "currency": ["EUR"] }, "prefer": ["iso87-twin"] }
        ] }"#,
    );
    world.crash().await;
    let shop = shop(&world).await;
    let house = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, house, eur(8_00)).await;
    assert_eq!(paid.bank(), Some(TWIN));
    let note = "routed to iso87-twin: preferred by rule \"house cards\"";
    assert_eq!(notes(&world, &shop, &paid).await, [note]);

    let held = world.authorize(&shop, house, eur(9_00)).await;
    assert_eq!((held.state, held.bank()), (State::Authorized, Some(TWIN)));
    let captured = world.pcs().capture_payment(&shop.caller, world.key(), held.id, Some(4_00)).await.unwrap();
    assert_eq!(payment_of(captured).captured, 4_00);
    world.refund(&shop, paid.id, None).await.unwrap();
    assert_eq!((sales(&world, FIRST), sales(&world, TWIN)), (0, 1));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn rules_that_allow_no_bank_refuse_before_anything_is_written() {
    let mut world = seeded(142).await;
    world.routing = RoutingTable {
        rules: vec![Rule {
            never: vec![FIRST.to_owned(), TWIN.to_owned()],
            ..serde_json::from_str(r#"{ "name": "closed" }"#).unwrap()
        }],
        ..RoutingTable::default()
    };
    world.crash().await;
    let shop = shop(&world).await;
    let card = world.card(&shop, GOOD).await;
    assert_eq!(world.pay(&shop, card, eur(8_00)).await.unwrap_err().code(), "permission_denied");
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 0);
    world.audit().await;
}

#[tokio::test]
async fn a_bank_that_goes_away_between_decision_and_sending_is_replaced_and_the_money_moves_once() {
    let mut narrow = Narrow::start_with_twin(143).await;
    let shop = shop(&narrow.world).await;
    let card = narrow.world.card(&shop, GOOD).await;
    narrow.world.paid(&shop, card, eur(1_00)).await;

    // The first bank is chosen and its message is being recorded when its link goes down.
    narrow.close();
    let asked = narrow.sale(&shop, card);
    narrow.began.recv().await.unwrap();
    first_bank_leaves(&narrow.world).await;
    narrow.gate.send(Gate::Open).unwrap();
    let paid = payment_of(asked.await.unwrap().unwrap());

    let world = &narrow.world;
    assert_eq!((paid.state, paid.bank(), paid.captured), (State::Captured, Some(TWIN), 1_00));
    assert_eq!((sales(world, FIRST), sales(world, TWIN)), (1, 1), "one of them is the sale before");
    let note =
        "iso87-ascii did not get it: the message surely did not leave (link_draining); routed to iso87-twin";
    assert_eq!(notes(world, &shop, &paid).await, [note]);
    world.audit().await;

    // While it is away nobody asks it, and the history says why.
    let next = world.paid(&shop, card, eur(2_00)).await;
    let note = "routed to iso87-twin: in the merchant's order; iso87-ascii: its link is not up";
    assert_eq!(notes(world, &shop, &next).await, [note]);
    world.audit().await;
}

/// The link ends in order, and takes nothing more.
async fn first_bank_leaves(world: &World) {
    world.pcs().banks().find(|bank| bank.name() == FIRST).unwrap().drain().await;
}

#[tokio::test]
async fn a_crash_between_the_second_banks_record_and_its_message_is_reversed_there_and_nothing_is_sent_twice()
{
    let mut narrow = Narrow::start_with_twin(144).await;
    let shop = shop(&narrow.world).await;
    let card = narrow.world.card(&shop, GOOD).await;
    narrow.world.paid(&shop, card, eur(1_00)).await;
    narrow.close();
    let asked = narrow.sale(&shop, card);
    narrow.began.recv().await.unwrap();
    first_bank_leaves(&narrow.world).await;
    // The payment's first commit passes, then a block of the second bank's numbers; its record is written unknown to us.
    narrow.pass().await;
    narrow.pass().await;
    narrow.world.memory.order_fault(StoreFault::WrittenUnknown);
    narrow.gate.send(Gate::Open).unwrap();
    let lost = asked.await.unwrap();
    assert!(matches!(lost, Err(CommandError::Unavailable(_))), "{lost:?}");

    let mut world = narrow.world;
    world.crash().await;
    assert_eq!(world.pcs().resume().await.unwrap(), 1);
    world.settle().await;
    let page = pcs::Page { limit: 1, after: None, before: None };
    let payment = world.pcs().payments(shop.id(), page).await.unwrap().data.remove(0);
    assert_eq!((payment.state, payment.bank()), (REVERSED, Some(TWIN)));
    assert_eq!((sales(&world, FIRST), sales(&world, TWIN)), (1, 0));
    assert!(world.bank(TWIN).received().contains(&"0400 stan=000001".to_owned()));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn silence_goes_to_no_other_bank_and_what_was_never_written_does() {
    let world = seeded(145).await;
    let shop = shop(&world).await;
    let card = world.card(&shop, GOOD).await;
    let silent = world.bank(FIRST).set_fault(Fault::NoAnswer, Scope::always());
    // The first bank takes 256 messages at a time; the others wait in its link until their time is up.
    let asked = futures_util::future::join_all((0..300).map(|_| world.pay(&shop, card, eur(1_00)))).await;
    let (mut paid, mut doubtful) = (0, 0);
    for outcome in asked {
        let payment = payment_of(outcome.unwrap());
        match (payment.state, payment.bank()) {
            (State::Captured, Some(TWIN)) => paid += 1,
            (State::Reversing { undo: Undo::Original }, Some(FIRST)) => doubtful += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((paid, doubtful), (44, 256));
    world.bank(FIRST).clear_fault(silent);
    world.settle().await;
    assert_eq!(world.bank(TWIN).totals()[&Currency::EUR].purchases.count, 44);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_decline_is_an_answer_and_goes_to_no_other_bank() {
    let world = seeded(146).await;
    let shop = shop(&world).await;
    let card = world.card(&shop, GOOD).await;
    world.bank(FIRST).set_fault(Fault::Decline("05".to_owned()), Scope::next());
    let declined = payment_of(world.pay(&shop, card, eur(3_00)).await.unwrap());
    assert_eq!((declined.state, declined.bank()), (State::Failed, Some(FIRST)));
    assert_eq!(sales(&world, TWIN), 0);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_keeps_its_share_waiting_is_left_out_and_the_next_is_taken() {
    let mut world = seeded(147).await;
    world.at_once = 4;
    world.crash().await;
    let shop = shop(&world).await;
    let card = world.card(&shop, GOOD).await;
    world.bank(FIRST).set_fault(Fault::HeldAnswer, Scope::always());
    let waiting = [pay(&world, &shop, card), pay(&world, &shop, card)];
    world.until("both wait", || world.bank(FIRST).held() == 2).await;

    let third = payment_of(pay(&world, &shop, card).await.unwrap().unwrap());
    assert_eq!((third.state, third.bank()), (State::Captured, Some(TWIN)));
    let note = "routed to iso87-twin: in the merchant's order; iso87-ascii: it keeps as many waiting as one bank may";
    assert_eq!(notes(&world, &shop, &third).await, [note]);

    world.bank(FIRST).clear_faults();
    world.bank(FIRST).release();
    for asked in waiting {
        assert_eq!(payment_of(asked.await.unwrap().unwrap()).bank(), Some(FIRST));
    }
    world.audit().await;
}

/// A bank that is silent loses its place to one that answers, and gets it back after a while.
#[tokio::test(start_paused = true)]
async fn a_bank_in_ill_health_comes_behind_until_time_has_passed() {
    let mut world = seeded(148).await;
    world.routing = RoutingTable { min_health: 80, ..RoutingTable::default() };
    world.crash().await;
    let shop = shop(&world).await;
    let card = world.card(&shop, GOOD).await;
    let silent = world.bank(FIRST).set_fault(Fault::NoAnswer, Scope::always());
    let asked = futures_util::future::join_all((0..8).map(|_| world.pay(&shop, card, eur(1_00)))).await;
    assert!(asked.into_iter().all(|it| payment_of(it.unwrap()).state.in_doubt()));
    world.bank(FIRST).clear_fault(silent);
    world.settle().await;

    // An operator who asks is told what the next payment gets, and asking changes nothing.
    let told = explained(&world, &shop).await;
    assert_eq!((told[0].place, told[0].code), (Some(2), "unhealthy"));
    assert!(told[0].now.unwrap().health < 80, "{told:?}");
    assert_eq!((told[1].place, told[1].now.unwrap().health), (Some(1), 100));
    assert_eq!(explained(&world, &shop).await, told);
    assert_eq!(world.paid(&shop, card, eur(1_00)).await.bank(), Some(TWIN));
    world.pass_ms(60_000).await;
    assert_eq!(explained(&world, &shop).await[0].place, Some(1));
    assert_eq!(world.paid(&shop, card, eur(1_00)).await.bank(), Some(FIRST));

    first_bank_leaves(&world).await;
    let told = explained(&world, &shop).await;
    assert_eq!((told[0].place, told[0].code), (None, "link_down"));
    assert_eq!(world.paid(&shop, card, eur(1_00)).await.bank(), Some(TWIN));
    world.audit().await;
}

async fn explained(world: &World, shop: &Shop) -> Vec<ContractSaid> {
    let question = RouteQuestion {
        merchant: shop.id(),
        amount: eur(1_00),
        capture_method: CaptureMethod::Automatic,
        first_digits: "42424242".to_owned(),
        brand: None,
        payment: None,
    };
    let said = world.pcs().explain_route(&question).await.unwrap();
    assert_eq!((said.brand.as_str(), said.refused), ("visa", None));
    said.contracts
}

fn pay(world: &World, shop: &Shop, card: PaymentMethodId) -> Asked {
    let (pcs, caller) = (world.pcs().clone(), shop.caller.clone());
    let (key, sale) = (world.key(), world.sale(card, eur(1_00)));
    tokio::spawn(async move { pcs.create_payment(&caller, key, sale).await })
}
