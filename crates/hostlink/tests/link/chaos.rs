//! A bank where anything goes wrong by chance, from a seed: whatever happens, each caller is told the truth, and no money
//! hangs when all reversals have been answered.

use std::sync::Arc;
use std::time::Duration;

use banksim::{ChaosConfig, Script};
use hostlink::{LinkState, Outcome, SHIPPED_BANKS, Transaction, shipped_bank};

use crate::support::{Coded as _, World, reply, settle};

const SALES: u64 = 60;

/// What the bank received, how each sale ended, and how many faults of which outcome there were.
async fn run(name: &str, links: usize, seed: u64) -> (Vec<String>, Vec<String>) {
    let world = World::of_links(&Arc::new(shipped_bank(name).unwrap()), links).await;
    let longest_delay = Duration::from_secs(40);
    world.bank.set_chaos(Some(ChaosConfig { seed, per_mille: 300, longest_delay }));
    let (mut ends, mut owed) = (Vec::new(), 0);
    for minor in 1..=SALES {
        world.host.until(|state| state == LinkState::Up).await;
        let sale = world.data(minor, None);
        match world.send(Transaction::Consume, &sale, world.good_card()).await {
            Outcome::Reply(answer) => {
                ends.push(answer.code().to_owned());
                // An answer that reached its caller is this sale's and no other's.
                assert_eq!(answer.fields.get(4), Some(format!("{minor:012}").as_str()), "{name} seed {seed}");
                owed += if answer.code() == "00" { minor } else { 0 };
            }
            Outcome::NotSent(why) => ends.push(why.code().to_owned()),
            Outcome::MaybeSent(why) => {
                ends.push(why.code().to_owned());
                undo(&world, &sale).await;
            }
            Outcome::Rejected(why) => panic!("{name} seed {seed}: {why:?}"),
        }
    }
    // What was late comes.
    tokio::time::sleep(longest_delay * 2).await;
    settle().await;
    assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(owed), "{name} seed {seed}");
    let counters = world.host.counters();
    assert_eq!(counters.unsolicited, 0);
    (world.bank.received(), ends)
}

/// Reverses, and again, until the bank has answered.
async fn undo(world: &World, sale: &hostlink::TransactionData) {
    let reversal = world.reversal_of(Transaction::Consume, sale);
    let mut message = world.message(Transaction::Reversal, &reversal);
    for _ in 0..100 {
        world.host.until(|state| state == LinkState::Up).await;
        let outcome = world.send_fields(Transaction::Reversal, message.clone(), world.good_card()).await;
        match outcome {
            Outcome::Reply(answer) if ["00", "25"].contains(&answer.code()) => return,
            Outcome::Reply(_) | Outcome::MaybeSent(_) => {
                message = world.host.profile().repeat(Transaction::Reversal, &message);
            }
            Outcome::NotSent(_) => settle().await,
            Outcome::Rejected(why) => panic!("{why:?}"),
        }
    }
    panic!("a hundred repeats were not answered");
}

#[tokio::test(start_paused = true)]
async fn in_any_chaos_each_caller_is_told_the_truth_and_no_money_hangs() {
    for name in SHIPPED_BANKS {
        for seed in 0..12 {
            let links = usize::try_from(seed % 3).unwrap() + 1;
            let (_, ends) = run(name, links, seed).await;
            assert!(ends.iter().any(|end| end != "00"), "{name} seed {seed}: nothing went wrong");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_is_the_same_run() {
    for name in SHIPPED_BANKS {
        let first = run(name, 2, 99).await;
        assert_eq!(run(name, 2, 99).await, first, "{name}");
        assert_ne!(run(name, 2, 100).await.1, first.1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_script_lets_things_happen_at_their_time() {
    let world = World::of("iso87-ascii").await;
    let script = Script::from_toml(
        r#"
        [[step]]
        at_ms = 60_000
        for_ms = 30_000
        fault = "decline"
        code = "91"
        mti = "0200"

        [[step]]
        at_ms = 120_000
        bank = "cut_over"

        [[step]]
        at_ms = 180_000
        bank = "shut"
        for_ms = 60_000
        "#,
    )
    .unwrap();
    let began = tokio::time::Instant::now();
    let at = async |second: u64| {
        tokio::time::sleep_until(began + Duration::from_secs(second)).await;
        world.consume(100, world.good_card()).await
    };
    let code = async |second| reply(at(second).await).code().to_owned();
    tokio::join!(world.bank.play(&script), async {
        assert_eq!(code(59).await, "00");
        assert_eq!(code(61).await, "91");
        assert_eq!(code(91).await, "00");
        assert_eq!(world.host.facts().settlement_date.as_deref(), Some("1201"));
        assert_eq!(code(121).await, "00");
        assert_eq!(world.host.facts().settlement_date.as_deref(), Some("1202"));
        let outcome = at(181).await;
        assert!(matches!(outcome, Outcome::NotSent(_)), "{outcome:?}");
        assert_eq!(code(276).await, "00");
    });
}
