//! A hosted checkout from its opening to its end.

use banksim::{Fault, Scope};
use payment::State;
use pcs::CommandError;
use pcs::model::{CheckoutSession, SessionStatus};
use testkit::{Shop, World, eur, payment_of};

use crate::GOOD;
use crate::wallet::{as_guest, checkout, instruct};

async fn now(world: &World, shop: &Shop, session: &CheckoutSession) -> CheckoutSession {
    world.pcs().checkout_session(shop.id(), session.id).await.unwrap().expect("the checkout exists")
}

#[tokio::test(start_paused = true)]
async fn a_failed_try_opens_the_checkout_again_for_another_payment() {
    let world = World::seeded(110).await;
    let shop = world.merchant("music").await;
    let session = checkout(&world, &shop, eur(20_00)).await;
    let first = as_guest(&world, &session, "4000000000009995");
    let declined = payment_of(instruct(&world, &session, first.clone()).await.unwrap());
    assert_eq!(declined.state, State::Failed);

    let again = now(&world, &shop, &session).await;
    assert_eq!((again.status, again.failed_tries), (SessionStatus::Open, 1));
    assert_ne!(again.payment, session.payment);
    assert_ne!(again.order_digest, session.order_digest);
    // The first consent was for the first payment.
    assert_eq!(instruct(&world, &again, first).await.unwrap_err().code(), "payment_mismatch");

    let paid = payment_of(instruct(&world, &again, as_guest(&world, &again, GOOD)).await.unwrap());
    assert_eq!((paid.state, paid.checkout_session), (State::Captured, Some(session.id)));
    assert_eq!(now(&world, &shop, &session).await.status, SessionStatus::Complete);
    let seen = world.pcs().payment_for_wallet(paid.id).await.unwrap();
    assert_eq!(seen.unwrap().id, paid.id);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn while_a_payment_is_in_doubt_its_checkout_takes_no_other() {
    let world = World::seeded(111).await;
    let shop = world.merchant("music").await;
    let session = checkout(&world, &shop, eur(20_00)).await;
    world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::next());
    let doubtful = payment_of(instruct(&world, &session, as_guest(&world, &session, GOOD)).await.unwrap());
    assert!(doubtful.state.in_doubt());
    let processing = now(&world, &shop, &session).await;
    assert_eq!(processing.status, SessionStatus::Processing);
    let second = instruct(&world, &processing, as_guest(&world, &processing, GOOD)).await;
    assert!(matches!(second, Err(CommandError::SessionClosed { status: "processing" })), "{second:?}");

    world.settle().await;
    let open = now(&world, &shop, &session).await;
    assert_eq!((open.status, open.failed_tries), (SessionStatus::Open, 1));
    let paid = payment_of(instruct(&world, &open, as_guest(&world, &open, GOOD)).await.unwrap());
    assert_eq!(paid.state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_checkout_that_is_over_or_ended_takes_no_payment() {
    let world = World::seeded(112).await;
    let shop = world.merchant("music").await;
    let (over, ended) = (checkout(&world, &shop, eur(1_00)).await, checkout(&world, &shop, eur(1_00)).await);
    let gone = world.pcs().expire_checkout_session(&shop.caller, ended.id).await.unwrap();
    assert_eq!(gone.status, SessionStatus::Expired);
    world.clock.jump_ms(3_600_000);
    for session in [over, ended] {
        let late = instruct(&world, &session, as_guest(&world, &session, GOOD)).await;
        assert!(matches!(late, Err(CommandError::SessionClosed { status: "expired" })), "{late:?}");
        assert_eq!(now(&world, &shop, &session).await.status, SessionStatus::Expired);
    }
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 0);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_merchant_cannot_end_a_checkout_that_is_being_paid() {
    let world = World::seeded(113).await;
    let shop = world.merchant("music").await;
    let session = checkout(&world, &shop, eur(1_00)).await;
    world.bank("iso87-ascii").set_fault(Fault::HeldAnswer, Scope::next());
    let instruction = as_guest(&world, &session, GOOD);
    let paying = instruct(&world, &session, instruction);
    let ending = async {
        world.until("the answer is held", || world.bank("iso87-ascii").held() == 1).await;
        let refused = world.pcs().expire_checkout_session(&shop.caller, session.id).await;
        world.bank("iso87-ascii").release();
        refused
    };
    let (paid, refused) = tokio::join!(paying, ending);
    assert!(matches!(refused, Err(CommandError::SessionClosed { status: "processing" })), "{refused:?}");
    assert_eq!(payment_of(paid.unwrap()).state, State::Captured);
    world.audit().await;
}
