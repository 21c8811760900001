//! The bank's process ends in the middle of things and comes back.

use std::sync::Arc;

use banksim::{Bank, BankConfig, Fault, Scope};
use hostlink::{Outcome, Transaction, shipped_bank};
use iso8583::Mti;
use types::Secret;

use crate::support::{Coded as _, Noon, Seeded, TMK, World, reply};

#[tokio::test(start_paused = true)]
async fn a_sale_that_the_bank_took_before_it_crashed_is_reversed_after_it() {
    let path = std::env::temp_dir().join(format!("hostlink-restart-{}.jsonl", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let profile = Arc::new(shipped_bank("iso87-ascii").unwrap());
    let start = || async {
        let config = BankConfig {
            profile: Arc::clone(&profile),
            tmk: Secret::new(TMK),
            listen: None,
            log: Some(path.clone()),
            clock: Arc::new(Noon),
            entropy: Arc::new(Seeded::new(3)),
            transcript_lines: 10,
        };
        Arc::new(Bank::start(config).await.unwrap())
    };
    let before = World::not_yet_up(&profile, start().await);
    before.until(hostlink::LinkState::Up).await;
    before.bank.set_fault(Fault::Reset, Scope::next().of(Mti::FINANCIAL_REQUEST));
    let sale = before.data(4_200, None);
    let outcome = before.send(Transaction::Consume, &sale, before.good_card()).await;
    assert!(matches!(outcome, Outcome::MaybeSent(_)), "{outcome:?}");
    let reversal = before.reversal_of(Transaction::Consume, &sale);
    let message = before.message(Transaction::Reversal, &reversal);
    drop(before);

    let after = World::not_yet_up(&profile, start().await);
    after.until(hostlink::LinkState::Up).await;
    assert_eq!(after.bank.used(after.good_card(), after.currency()), Some(4_200));
    let undone = reply(after.send_fields(Transaction::Reversal, message, after.good_card()).await);
    assert_eq!(undone.code(), "00");
    assert_eq!(after.bank.used(after.good_card(), after.currency()), Some(0));
    assert!(!std::fs::read_to_string(&path).unwrap().contains(after.good_card()));
    let _ = std::fs::remove_file(&path);
}
