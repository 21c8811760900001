//! More work than the store takes. What is refused is refused before anything is written; what a bank has answered is not
//! given up.

use banksim::{Fault, Scope};
use payment::State;
use pcs::CommandError;
use testkit::{World, cny, eur, payment_of};

use crate::GOOD;
use crate::gated::{Asked, Gate, Narrow};

#[tokio::test]
async fn a_full_store_refuses_before_anything_is_written_and_the_queued_are_paid() {
    let mut narrow = Narrow::start(120).await;
    let shop = narrow.world.merchant("stadium").await;
    let card = narrow.world.card(&shop, GOOD).await;
    narrow.world.paid(&shop, card, eur(1_00)).await;
    let queued = narrow.fill(&shop, card).await;

    let refused = narrow.sale(&shop, card).await.unwrap();
    assert!(matches!(refused, Err(CommandError::Overloaded)), "{refused:?}");

    narrow.gate.send(Gate::Open).unwrap();
    for asked in queued {
        assert_eq!(payment_of(asked.await.unwrap().unwrap()).state, State::Captured);
    }
    assert_eq!(narrow.world.rows(store::Table::Payment, shop.id()).await, 3);
    narrow.world.audit().await;
}

#[tokio::test]
async fn a_full_store_is_waited_for_once_the_bank_has_answered() {
    let mut narrow = Narrow::start(121).await;
    let shop = narrow.world.merchant("stadium").await;
    let card = narrow.world.card(&shop, GOOD).await;
    narrow.world.paid(&shop, card, eur(1_00)).await;
    narrow.world.bank("iso87-ascii").set_fault(Fault::HeldAnswer, Scope::next());
    let paying = narrow.sale(&shop, card);
    narrow.world.until("the answer is held", || narrow.world.bank("iso87-ascii").held() == 1).await;
    let queued = narrow.fill(&shop, card).await;
    narrow.world.bank("iso87-ascii").release();
    // Its first tries meet the full queue.
    narrow.world.pass_ms(50).await;
    assert!(!paying.is_finished());

    narrow.gate.send(Gate::Open).unwrap();
    for asked in queued.into_iter().chain([paying]) {
        assert_eq!(payment_of(asked.await.unwrap().unwrap()).state, State::Captured);
    }
    narrow.world.audit().await;
}

/// A place is held as long as a request is under way, so a bank that says nothing could take them all.
#[tokio::test(start_paused = true)]
async fn a_slow_bank_holds_up_half_of_the_places_and_the_next_is_turned_away_before_anything_is_written() {
    let mut world = World::seeded(122).await;
    world.at_once = 4;
    world.crash().await;
    let shop = world.merchant("arena").await;
    let card = world.card(&shop, GOOD).await;
    world.bank("iso87-ascii").set_fault(Fault::HeldAnswer, Scope::always());
    let pay = |amount| -> Asked {
        let (pcs, caller, key, sale) =
            (world.pcs().clone(), shop.caller.clone(), world.key(), world.sale(card, amount));
        tokio::spawn(async move { pcs.create_payment(&caller, key, sale).await })
    };
    let waiting = [pay(eur(1_00)), pay(eur(2_00))];
    world.until("both wait", || world.bank("iso87-ascii").held() == 2).await;

    let turned_away = pay(eur(3_00)).await.unwrap();
    assert!(matches!(turned_away, Err(CommandError::Overloaded)), "{turned_away:?}");
    assert_eq!(payment_of(pay(cny(4_00)).await.unwrap().unwrap()).state, State::Captured);
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 3);

    // Both banks are slow: every place is taken.
    world.bank("cups-pos").set_fault(Fault::HeldAnswer, Scope::always());
    let more = [pay(cny(5_00)), pay(cny(6_00))];
    world.until("all four wait", || world.bank("cups-pos").held() == 2).await;
    let turned_away = pay(cny(7_00)).await.unwrap();
    assert!(matches!(turned_away, Err(CommandError::Overloaded)), "{turned_away:?}");

    for bank in ["iso87-ascii", "cups-pos"] {
        world.bank(bank).clear_faults();
        world.bank(bank).release();
    }
    for asked in waiting.into_iter().chain(more) {
        assert_eq!(payment_of(asked.await.unwrap().unwrap()).state, State::Captured);
    }
    assert_eq!(payment_of(pay(eur(3_00)).await.unwrap().unwrap()).state, State::Captured);
    world.audit().await;
}
