//! What the two ways of paying cost: by a merchant's key, and by a passkey's consent whose dual signature is verified.
//!
//! ```text
//! cargo run --release -p testkit --example ways
//! ```
//!
//! A whole payment, from the request to its last commit, with the link and the simulated bank at its other end, all on one
//! thread and over the store in memory: no HTTP, no TLS, no disk. Of many short rounds the best and the middle one are told, in
//! turns, and beside them how often the heap was asked. The shopper's side is made before and not measured.

use std::time::Instant;

use card::{Expiry, Pan};
use order::{Instrument, OrderInformation};
use payment::{CaptureMethod, State};
use pcs::NewCheckoutSession;
use testkit::{Shop, World, eur, payment_of};
use types::CustomerId;

const ROUNDS: usize = 60;
const PAYMENTS: usize = 20;
const PAN: &str = "4242424242424242";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let world = runtime.block_on(World::seeded(1));
    let shop = runtime.block_on(world.merchant("ways"));
    let card = runtime.block_on(world.card(&shop, PAN));
    let (mut by_key, mut by_wallet) = (Times::default(), Times::default());
    for _ in 0..ROUNDS {
        let requests: Vec<_> = (0..PAYMENTS).map(|_| (world.key(), world.sale(card, eur(12_50)))).collect();
        by_key.round(|| {
            runtime.block_on(async {
                for (key, sale) in requests {
                    let paid = world.pcs().create_payment(&shop.caller, key, sale).await;
                    assert_eq!(payment_of(paid.expect("a payment")).state, State::Captured);
                }
            });
        });
        let consents = runtime.block_on(consents(&world, &shop));
        by_wallet.round(|| {
            runtime.block_on(async {
                for (session, instruction) in consents {
                    let wallet = world.installation.wallet_identity();
                    let paid = world.pcs().instruct(&wallet, world.key(), session, instruction).await;
                    assert_eq!(payment_of(paid.expect("a payment")).state, State::Captured);
                }
            });
        });
    }
    by_key.tell("by a merchant's key");
    by_wallet.tell("by a passkey's consent");
    println!(
        "key / consent: {:.3} (best), {:.3} (middle)",
        by_key.best() / by_wallet.best(),
        by_key.middle() / by_wallet.middle()
    );
    Ok(())
}

type Consent = (types::CheckoutSessionId, order::Instruction);

/// Checkouts of the shop, each with what a shopper's passkey has confirmed of it.
async fn consents(world: &World, shop: &Shop) -> Vec<Consent> {
    let customer = CustomerId::from_u128(77);
    let mut phone = world.installation.phone(customer, world.now());
    let (pan, expiry) = (Pan::parse(PAN).expect("a number"), Expiry::new(2030, 12).expect("a month"));
    let card = world.pcs().store_card(&pan, expiry, None, Some(customer)).await.expect("a card");
    let mut all = Vec::new();
    for _ in 0..PAYMENTS {
        let new = NewCheckoutSession {
            amount: eur(12_50),
            capture_method: CaptureMethod::Automatic,
            merchant_reference: None,
            lines: Vec::new(),
            customer: None,
            success_url: "https://shop.example/thanks".to_owned(),
            cancel_url: "https://shop.example/cart".to_owned(),
            locale: None,
            expires_at: None,
        };
        let session = world.pcs().create_checkout_session(&shop.caller, new).await.expect("a checkout");
        let order = OrderInformation::from_canonical(session.order_information.as_bytes()).expect("an order");
        let instrument = Instrument::PaymentMethod { id: card.id, security_code: None };
        let prepared = world.installation.prepare(&order, instrument, world.now());
        all.push((session.id, world.installation.witness(prepared, Some(&mut phone))));
    }
    all
}

/// Microseconds a payment, round by round.
#[derive(Default)]
struct Times {
    rounds: Vec<f64>,
    allocations: u64,
}

impl Times {
    fn round(&mut self, work: impl FnOnce()) {
        let started = Instant::now();
        let counted = allocation_counter::measure(work);
        self.rounds.push(started.elapsed().as_secs_f64() * 1e6 / PAYMENTS as f64);
        self.rounds.sort_by(f64::total_cmp);
        self.allocations = counted.count_total / PAYMENTS as u64;
    }

    fn best(&self) -> f64 {
        self.rounds[0]
    }

    fn middle(&self) -> f64 {
        self.rounds[self.rounds.len() / 2]
    }

    fn tell(&self, what: &str) {
        println!(
            "{what:24} {:7.1} us best {:7.1} us middle {:5} allocations",
            self.best(),
            self.middle(),
            self.allocations
        );
    }
}
