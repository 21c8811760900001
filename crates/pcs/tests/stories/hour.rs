//! An hour of everything at once, in the world's time: merchants pay, have offline sales told, hold, hold more, capture, void and refund at three banks
//! while a fifth of all answers goes wrong, a bank closes its doors, all end their day, and the gateway's process dies
//! twice. Afterwards no payment is in doubt, no money hangs, and both sides' totals agree.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use banksim::{ChaosConfig, Script};
use payment::{Notice, Payment, State};
use pcs::model::{Terminal, Verdict};
use pcs::{Caller, Completed, Done, Finding, Page, Pcs, RefundRequest, Resolution};
use testkit::{Seeded, Shop, World, cny, eur, gbp};
use tokio::task::JoinSet;
use types::{Entropy as _, Money, PaymentId, PaymentMethodId};

use crate::GOOD;

/// Longer than a bank's time is, so that late answers are late.
const LONGEST_DELAY: Duration = Duration::from_secs(40);
const BANKS: [&str; 3] = ["cups-pos", "iso87-ascii", "iso93-bcd"];
const CARDS: [&str; 3] = [GOOD, "6222021234567894", "4000000000009995"];

/// What one second of the hour begins.
async fn one_thing(
    pcs: Arc<Pcs>,
    caller: Caller,
    chance: u64,
    new: pcs::NewPayment,
    key: pcs::IdempotencyKey,
    known: Option<PaymentId>,
) -> Option<PaymentId> {
    let payment = match known {
        Some(id) => pcs.payment(caller.merchant, id).await.ok().flatten(),
        None => None,
    };
    let done = match payment {
        Some(payment) => follow_up(&pcs, &caller, key, &payment, chance).await,
        None => pcs.create_payment(&caller, key, new).await.ok(),
    };
    match done?.done {
        Done::Payment(payment) | Done::ActionRefused(payment) => Some(payment.id),
        Done::Refund(refund) => Some(refund.payment),
    }
}

async fn follow_up(
    pcs: &Arc<Pcs>,
    caller: &Caller,
    key: pcs::IdempotencyKey,
    payment: &Payment,
    chance: u64,
) -> Option<Completed> {
    let id = payment.id;
    let done = match (payment.state, chance % 4) {
        (State::Authorized, 0) => pcs.void_payment(caller, key, id).await,
        (State::Authorized, 1) => pcs.increment_payment(caller, key, id, 1 + chance % 5_000).await,
        (State::Authorized, _) => {
            let part = 1 + chance % payment.authorized;
            pcs.capture_payment(caller, key, id, Some(part)).await
        }
        (State::Captured, 0) => pcs.void_payment(caller, key, id).await,
        (State::Captured, 1) if payment.actions().contains(&"adjust") => {
            let tip = chance % (payment.terms.amount.minor() / 10 + 1);
            pcs.adjust_payment(caller, key, id, payment.terms.amount.minor() + tip).await
        }
        (State::Captured, _) => {
            let amount = Some(1 + chance % payment.captured);
            let (reason, merchant_reference, metadata) = (None, None, Default::default());
            pcs.create_refund(
                caller,
                key,
                RefundRequest { payment: id, amount, reason, merchant_reference, metadata },
            )
            .await
        }
        _ => return None,
    };
    // A request that loses a race, or meets a bank that is away, is refused; that is an answer too.
    done.ok()
}

struct Town {
    shops: Vec<(Shop, Vec<PaymentMethodId>)>,
    /// Each shop's terminals, one at each bank.
    tills: Vec<Vec<Terminal>>,
    chance: Seeded,
    known: Vec<(usize, PaymentId)>,
    begun: usize,
}

impl Town {
    async fn of(world: &World, seed: u64) -> Self {
        let (mut shops, mut tills) = (Vec::new(), Vec::new());
        for name in ["tea", "hotel", "books"] {
            let shop = world.merchant(name).await;
            let own: [fn(u64) -> Money; 3] = [cny, eur, gbp];
            world.allow_offline(&shop, own[shops.len() % 3](0).currency()).await;
            let mut cards = Vec::new();
            for pan in CARDS {
                cards.push(world.card(&shop, pan).await);
            }
            let mut of_shop = Vec::new();
            for bank in BANKS {
                of_shop.push(world.till(&shop, bank).await);
            }
            tills.push(of_shop);
            shops.push((shop, cards));
        }
        Self { shops, tills, chance: Seeded::new(seed), known: Vec::new(), begun: 0 }
    }

    fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        self.chance.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    fn amount(&self) -> Money {
        let minor = 1 + self.draw() % 100_00;
        match self.draw() % 3 {
            0 => eur(minor),
            1 => cny(minor),
            _ => gbp(minor),
        }
    }

    /// What a chip approved at one of a shop's terminals in the last hour, in the currency of its floor limit.
    fn offline_sale(&self, world: &World, place: usize) -> pcs::NewPayment {
        let (bank, minor) = (place % BANKS.len(), 1 + self.draw() % 100_00);
        let amount = [cny, eur, gbp][bank](minor);
        let pan = CARDS[self.draw() as usize % CARDS.len()];
        world.offline_sale(&self.tills[place][bank], pan, amount, (self.draw() % 3_600_000) as i64)
    }

    /// Begins one request, on a new payment or on one that is known.
    fn begin(&mut self, world: &World, under_way: &mut JoinSet<(usize, Option<PaymentId>)>) {
        self.begun += 1;
        let chance = self.draw();
        let known = (!chance.is_multiple_of(3) && !self.known.is_empty())
            .then(|| self.known[self.draw() as usize % self.known.len()]);
        let (place, id) =
            known.map_or((self.draw() as usize % self.shops.len(), None), |(at, id)| (at, Some(id)));
        let (shop, cards) = &self.shops[place];
        let card = cards[self.draw() as usize % cards.len()];
        let new = match self.draw() % 5 {
            0 | 1 => world.sale(card, self.amount()),
            2 => self.offline_sale(world, place),
            _ => world.authorization(card, self.amount()),
        };
        let (pcs, caller, key) = (Arc::clone(world.pcs()), shop.caller.clone(), world.key());
        under_way.spawn(async move { (place, one_thing(pcs, caller, chance >> 2, new, key, id).await) });
    }

    fn end(&mut self, (place, id): (usize, Option<PaymentId>)) {
        if let Some(id) = id.filter(|id| !self.known.contains(&(place, *id))) {
            self.known.push((place, id));
        }
    }
}

async fn an_hour(seed: u64) -> usize {
    let mut world = World::seeded(seed).await;
    let mut town = Town::of(&world, seed).await;
    for (index, bank) in BANKS.into_iter().enumerate() {
        let seed = seed + index as u64;
        world.bank(bank).set_chaos(Some(ChaosConfig { seed, per_mille: 200, longest_delay: LONGEST_DELAY }));
    }
    let script = Script::from_toml(
        r#"
        [[step]]
        at_ms = 600_000
        for_ms = 120_000
        bank = "shut"
        [[step]]
        at_ms = 1_800_000
        bank = "cut_over"
        "#,
    )
    .unwrap();
    let mut scripts = JoinSet::new();
    for name in BANKS {
        let (bank, script) = (world.bank_handle(name), script.clone());
        scripts.spawn(async move { bank.play(&script).await });
    }
    let mut under_way = JoinSet::new();
    let mut working = tokio::spawn(Arc::clone(world.pcs()).work());
    for second in 0..3_600 {
        if second == 1_000 || second == 2_500 {
            // The process dies in the middle of everything; another one takes up what it left.
            working.abort();
            under_way.detach_all();
            world.crash().await;
            world.pcs().resume().await.unwrap();
            working = tokio::spawn(Arc::clone(world.pcs()).work());
        }
        town.begin(&world, &mut under_way);
        world.pass_ms(1_000).await;
        while let Some(ended) = under_way.try_join_next() {
            town.end(ended.unwrap());
        }
    }
    while under_way.join_next().await.is_some() {}
    scripts.join_all().await;
    for bank in BANKS {
        world.bank(bank).set_chaos(None);
    }
    world.pass_ms(LONGEST_DELAY.as_millis() as u64 * 2).await;
    working.abort();
    people_end_what_names_a_closed_batch(&world).await;
    world.settle().await;
    world.audit().await;
    assert!(world.pcs().doubts().await.unwrap().is_empty());
    // An hour in which nothing went wrong would prove nothing.
    let hour = tell(&world, &town).await;
    println!("{} requests: {hour:?}", town.begun);
    assert!(hour.payments > 500 && hour.in_doubt > 100 && hour.reversed > 50, "{hour:?}");
    assert!(hour.captured > 300 && hour.refunds > 100 && hour.increments > 20, "{hour:?}");
    assert!(hour.adjustments > 10 && hour.offline > 50, "{hour:?}");
    totals_agree(&world).await;
    town.begun
}

/// An advice that reaches the bank for the first time when its batch is closed is refused (77) however often it is told. People ask the
/// bank whether it knows of it, and end it with what it says.
async fn people_end_what_names_a_closed_batch(world: &World) {
    for doubt in world.pcs().doubts().await.unwrap() {
        if doubt.exchange.batch.as_deref() != Some("000001") || doubt.pursued_by.name() == "reversal" {
            continue;
        }
        let attempt = doubt.exchange.attempt;
        let word = world.pcs().inquire(attempt, "the desk").await.unwrap();
        if word.response_code.as_deref() == Some("25") {
            let (by, reason) = ("the desk".to_owned(), word.says);
            let (rrn, authorization_code) = (None, None);
            let found = Resolution { finding: Finding::Undone, by, reason, rrn, authorization_code };
            world.pcs().resolve(attempt, found).await.unwrap();
        }
    }
}

/// The batches that were over were compared by themselves; those that are open agree, too. Batches have numbers at this
/// bank, and nothing can be counted in two.
async fn totals_agree(world: &World) {
    let newest = Page { limit: 100, after: None, before: None };
    let compared = world.pcs().reconciliations("cups-pos", newest).await.unwrap().data;
    assert!(compared.iter().any(|it| it.closed && it.batch == "000001"), "{compared:?}");
    let last_of_each: BTreeMap<_, _> =
        compared.iter().rev().map(|it| ((it.terminal.clone(), it.batch.clone()), it)).collect();
    assert!(last_of_each.values().all(|it| it.verdict == Verdict::Agreed), "{last_of_each:#?}");
    let open = world.pcs().compare_totals("cups-pos", "the auditor").await.unwrap();
    assert!(!open.is_empty() && open.iter().all(|it| it.verdict == Verdict::Agreed), "{open:#?}");
}

/// What the hour came to.
#[derive(Debug, Default)]
struct Hour {
    payments: usize,
    captured: usize,
    refunds: usize,
    increments: usize,
    adjustments: usize,
    /// Offline sales that the banks have acknowledged.
    offline: usize,
    /// Doubts that began.
    in_doubt: usize,
    /// Messages that the banks have undone.
    reversed: u64,
}

async fn tell(world: &World, town: &Town) -> Hour {
    let mut hour = Hour { payments: town.known.len(), ..Hour::default() };
    for (place, id) in &town.known {
        let payment = world.payment(&town.shops[*place].0, *id).await;
        hour.offline += usize::from(payment.original.is_some_and(|exchange| exchange.offline.is_some()));
        for item in world.pcs().history(town.shops[*place].0.id(), *id).await.unwrap() {
            for notice in item.event.notices.iter().map(|notice| notice.notice) {
                match notice {
                    Notice::Succeeded => hour.captured += 1,
                    Notice::RefundSucceeded => hour.refunds += 1,
                    Notice::Incremented => hour.increments += 1,
                    Notice::Adjusted => hour.adjustments += 1,
                    Notice::InDoubt | Notice::RefundInDoubt => hour.in_doubt += 1,
                    _ => {}
                }
            }
        }
    }
    for bank in BANKS {
        hour.reversed += world.bank(bank).totals().values().map(|totals| totals.reversals.count).sum::<u64>();
    }
    hour
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_of_chaos_no_payment_is_in_doubt_and_both_sides_totals_agree() {
    assert_eq!(an_hour(900).await, 3_600);
}
