//! Every transaction of every bank, from the profile's table to the bank's totals.

use banksim::Sum;
use hostlink::{CodeOutcome, OnSilence, Outcome, Rejection, SHIPPED_BANKS, Transaction, TransactionRequest};

use crate::support::{ACCEPTOR, Coded as _, World, original, reply};

const fn sum(count: u64, amount: u64) -> Sum {
    Sum { count, amount }
}

#[tokio::test(start_paused = true)]
async fn funds_are_held_captured_in_part_and_the_rest_given_back() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let (currency, card) = (world.currency(), world.good_card());
        let hold = world.data(10_000, None);
        let held = reply(world.send(Transaction::Authorize, &hold, card).await);
        assert_eq!(held.code(), "00", "{bank}");
        assert_eq!(world.bank.totals()[&currency].open_holds, sum(1, 10_000));

        let authorization = original(Transaction::Authorize, &hold, Some(&held));
        let capture = world.data(7_000, Some(authorization));
        assert_eq!(reply(world.send(Transaction::Capture, &capture, card).await).code(), "00", "{bank}");

        let totals = &world.bank.totals()[&currency];
        assert_eq!((totals.open_holds, totals.completions), (sum(0, 0), sum(1, 7_000)), "{bank}");
        assert_eq!(totals.net_due[ACCEPTOR], 7_000);
        assert_eq!(world.bank.used(card, currency), Some(7_000));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_canceled_a_sale_voided_and_a_completion_voided() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let (currency, card) = (world.currency(), world.good_card());
        let follow = async |first: Transaction, second: Transaction| {
            let data = world.data(5_000, None);
            let answer = reply(world.send(first, &data, card).await);
            let original = original(first, &data, Some(&answer));
            let later = world.data(5_000, Some(original));
            let done = reply(world.send(second, &later, card).await);
            assert_eq!(done.code(), "00", "{bank} {second:?}");
            (later, done)
        };
        follow(Transaction::Authorize, Transaction::VoidAuthorization).await;
        follow(Transaction::Consume, Transaction::VoidConsume).await;
        let (capture, captured) = follow(Transaction::Authorize, Transaction::Capture).await;
        let void = world.data(5_000, Some(original(Transaction::Capture, &capture, Some(&captured))));
        assert_eq!(reply(world.send(Transaction::VoidCapture, &void, card).await).code(), "00", "{bank}");

        let totals = &world.bank.totals()[&currency];
        assert_eq!(
            (totals.cancels, totals.voids, totals.open_holds),
            (sum(1, 5_000), sum(2, 10_000), sum(0, 0))
        );
        assert_eq!(totals.net_due.get(ACCEPTOR), None);
        assert_eq!(world.bank.used(card, currency), Some(0), "{bank}");
    }
}

#[tokio::test(start_paused = true)]
async fn refunds_never_exceed_the_sale_and_a_repeated_refund_is_paid_once() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let (currency, card) = (world.currency(), world.good_card());
        let sale = world.data(10_000, None);
        let sold = reply(world.send(Transaction::Consume, &sale, card).await);
        let original = original(Transaction::Consume, &sale, Some(&sold));

        let refund = world.data(6_000, Some(original.clone()));
        let sent = world.message(Transaction::Refund, &refund);
        let first = reply(world.send_fields(Transaction::Refund, sent.clone(), card).await);
        let again = world.link.profile().repeat(Transaction::Refund, &sent);
        let second = reply(world.send_fields(Transaction::Refund, again, card).await);
        assert_eq!((first.code(), second.code()), ("00", "00"), "{bank}");
        assert_eq!(world.bank.totals()[&currency].refunds, sum(1, 6_000), "{bank}");

        let too_much = world.data(4_001, Some(original));
        let refused = reply(world.send(Transaction::Refund, &too_much, card).await);
        let outcome = world.link.profile().outcome(Transaction::Refund, refused.code()).outcome;
        assert!(matches!(outcome, CodeOutcome::Decline { .. }), "{bank} {outcome:?}");
        assert_eq!(world.bank.totals()[&currency].net_due[ACCEPTOR], 4_000);
        assert_eq!(world.link.profile().on_silence(Transaction::Refund), OnSilence::Repeat);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reversal_undoes_once_and_of_the_unknown_is_as_good_as_done() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let (currency, card) = (world.currency(), world.good_card());
        let sale = world.data(1_250, None);
        reply(world.send(Transaction::Consume, &sale, card).await);
        let reversal = world.reversal_of(Transaction::Consume, &sale);
        let sent = world.message(Transaction::Reversal, &reversal);
        let undone = reply(world.send_fields(Transaction::Reversal, sent.clone(), card).await);
        assert_eq!(undone.code(), "00", "{bank}");
        let repeat = world.link.profile().repeat(Transaction::Reversal, &sent);
        assert_eq!(repeat.mti(), world.message(Transaction::Reversal, &reversal).mti().repeat());
        assert_eq!(reply(world.send_fields(Transaction::Reversal, repeat, card).await).code(), "00");
        assert_eq!(world.bank.totals()[&currency].reversals, sum(1, 1_250), "{bank}");
        assert_eq!(world.bank.used(card, currency), Some(0));

        // A sale that never reached the bank.
        let lost = world.data(999, None);
        let reversal = world.reversal_of(Transaction::Consume, &lost);
        let answer = reply(world.send(Transaction::Reversal, &reversal, card).await);
        assert_eq!(answer.code(), "25", "{bank}");
        let outcome = world.link.profile().outcome(Transaction::Reversal, answer.response_code()).outcome;
        assert_eq!(outcome, CodeOutcome::Approve { flagged: false });
        // It comes after its reversal after all, and has no effect any more.
        let answer = reply(world.send(Transaction::Consume, &lost, card).await);
        assert_ne!(answer.code(), "00", "{bank}");
        assert_eq!(world.bank.used(card, currency), Some(0));
    }
}

#[tokio::test(start_paused = true)]
async fn cards_decline_as_their_table_says_and_a_wrong_security_code_is_noticed() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        for (last4, code) in [("9995", "51"), ("0002", "05"), ("0069", "54"), ("9987", "41"), ("0807", "A2")]
        {
            let card = banksim::cards().iter().find(|card| card.last4() == last4).unwrap();
            assert_eq!(reply(world.consume(100, card.pan).await).code(), code, "{bank} {last4}");
        }
        let data = world.data(100, None);
        let mut card = crate::support::card(world.good_card());
        card.security_code = Some(card::SecurityCode::parse("999").unwrap());
        let fields = world.message(Transaction::Consume, &data);
        let request = TransactionRequest { transaction: Transaction::Consume, fields, card: Some(card) };
        let answer = reply(world.link.request(request, world.deadline()).await);
        assert_eq!(answer.code(), "59", "{bank}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_card_data_are_in_what_is_recorded_nor_in_what_comes_back() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let data = world.data(100, None);
        let recorded = world.message(Transaction::Consume, &data);
        assert!([2, 14, 35, 48, 52, 55].iter().all(|de| recorded.get(*de).is_none()));
        let answer = reply(world.send(Transaction::Consume, &data, world.good_card()).await);
        assert!([2, 14, 35, 48, 52, 55].iter().all(|de| answer.fields.get(*de).is_none()));
        for line in world.bank.transcript() {
            assert!(!line.text.contains(world.good_card()), "{}", line.text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_breaks_the_rules_is_rejected_before_anything_leaves() {
    let world = World::of("iso87-ascii").await;
    let sent = world.link.counters().sent;
    let data = world.data(100, None);
    let mut fields = world.message(Transaction::Consume, &data);
    fields.remove(4);
    let outcome = world.send_fields(Transaction::Consume, fields, world.good_card()).await;
    assert!(matches!(outcome, Outcome::Rejected(Rejection::Rules(_))), "{outcome:?}");

    let fields = world.message(Transaction::Consume, &data);
    let request = TransactionRequest { transaction: Transaction::Consume, fields, card: None };
    let outcome = world.link.request(request, world.deadline()).await;
    assert!(matches!(outcome, Outcome::Rejected(Rejection::CardDataMissing("card number"))), "{outcome:?}");

    let long = hostlink::TransactionData { terminal: "1234567890".to_owned(), ..world.data(100, None) };
    let outcome = world.send(Transaction::Consume, &long, world.good_card()).await;
    assert!(matches!(outcome, Outcome::Rejected(Rejection::Encode(_))), "{outcome:?}");
    assert_eq!(world.link.counters().sent, sent);
}
