//! What the demo begins with: a merchant, its customer, and cards for every behaviour of the banks.

use banksim::{Behaviour, TestCard as SimulatedCard};
use card::{Brand, Expiry, Pan};
use payment::FeePlan;
use payment::limits::Limits;
use payment::routing::Acquirer;
use pcs::{Caller, NewMerchant, NewTerminal, Pcs};
use types::{Currency, CustomerId, MerchantId};

use super::data_dir::{DataDir, DemoFile, TestCard};
use crate::fault::{Fault, Tried as _};

/// Seeds the demo and writes down what it is, addresses left open.
pub async fn first_start(pcs: &Pcs, dir: &DataDir) -> Result<DemoFile, Fault> {
    let failed = "cannot seed the demo";
    let (merchant, key) = pcs.create_merchant(shop()).await.tried(failed)?;
    let secret_key = key.expose().clone();
    let caller = Caller { merchant: merchant.id, key_id: "demo".to_owned() };
    let name = Some("Demo Customer".to_owned());
    let email = Some("customer@example.com".to_owned());
    let customer = pcs.create_customer(&caller, name, email, Default::default()).await.tried(failed)?;
    let terminal = NewTerminal {
        merchant: merchant.id,
        label: "Till 1".to_owned(),
        bank: "cups-pos".to_owned(),
        number: "10900001".to_owned(),
        acceptor: "104440054110001".to_owned(),
    };
    let terminal = pcs.create_terminal(terminal).await.tried(failed)?;
    let mut test_cards = Vec::new();
    for card in banksim::cards() {
        test_cards.push(store_card(pcs, card, merchant.id, customer.id).await?);
    }
    let demo = DemoFile {
        api_url: String::new(),
        secret_key,
        wallet_url: String::new(),
        shop_url: String::new(),
        merchant: merchant.id.to_string(),
        customer: customer.id.to_string(),
        banks: Vec::new(),
        test_cards,
        terminal: terminal.id.to_string(),
    };
    dir.write_demo(&demo)?;
    Ok(demo)
}

fn shop() -> NewMerchant {
    let acquirer = |bank: &str, terminal: &str, acceptor: &str, currencies: &[Currency]| Acquirer {
        bank: bank.to_owned(),
        terminal: terminal.to_owned(),
        acceptor: acceptor.to_owned(),
        currencies: currencies.to_vec(),
        brands: Vec::new(),
    };
    NewMerchant {
        name: "Ring & Thread".to_owned(),
        fee_plan: FeePlan { bps: 60, fixed: 0, min: Some(1), cap: None },
        limits: Limits::default(),
        acquirers: vec![
            acquirer("cups-pos", "10000001", "104440054110001", &[Currency::CNY]),
            acquirer(
                "iso87-ascii",
                "20000001",
                "EU0000000000001",
                &[Currency::EUR, Currency::USD, Currency::JPY],
            ),
        ],
        authorization_days: 7,
        sends_card_data: true,
        offline: None,
    }
}

async fn store_card(
    pcs: &Pcs,
    card: &SimulatedCard,
    merchant: MerchantId,
    customer: CustomerId,
) -> Result<TestCard, Fault> {
    let failed = "cannot store a test card";
    let pan = Pan::parse(card.pan).tried(failed)?;
    let expiry = Expiry::from_yymm(card.expiry).tried(failed)?;
    let method = pcs.store_card(&pan, expiry, Some(merchant), Some(customer)).await.tried(failed)?;
    // Every simulated bank honours every card; this is the currency that its brand suggests.
    let currency = if card.brand == Brand::UnionPay { Currency::CNY } else { Currency::EUR };
    Ok(TestCard {
        payment_method: method.id.to_string(),
        currency: currency.to_string(),
        brand: method.card.brand,
        last4: method.card.last4,
        behaviour: behaviour(card.behaviour).to_owned(),
        number: card.pan.to_owned(),
        expiry: format!("{:02}/{:02}", expiry.month(), expiry.year() % 100),
        security_code: card.security_code.to_owned(),
    })
}

/// The name of a behaviour in `demo.json`.
fn behaviour(behaviour: Behaviour) -> &'static str {
    match behaviour {
        Behaviour::Approve => "approve",
        Behaviour::Decline("51") => "insufficient_funds",
        Behaviour::Decline("54") => "expired_card",
        Behaviour::Decline("41") => "lost_card",
        Behaviour::Decline(_) => "do_not_honor",
        Behaviour::NeverAnswers => "no_answer",
        Behaviour::LateAnswer => "late_answer",
        Behaviour::DuplicateAnswer => "duplicate_answer",
        Behaviour::WrongMac => "wrong_mac",
        Behaviour::WrongTerminal => "wrong_terminal",
        Behaviour::HalfFrame => "half_frame",
        Behaviour::Reset => "connection_reset",
        Behaviour::Slow => "slow",
        Behaviour::DefectiveSuccess => "defective_success",
    }
}
