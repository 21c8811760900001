//! `lian merchant create`: merchants of a store, each with a secret key, contracts with the configured banks, and a test
//! card, before anything else can make them.

use card::{Expiry, Pan};
use payment::limits::Limits;
use payment::routing::Acquirer;
use payment::{FeePlan, OfflineTerms, offline};
use pcs::{Caller, NewMerchant, Pcs};
use serde::Serialize;
use types::{Currency, Money};

use super::bank_section::BankConfig;
use super::config::Config;
use super::core;
use crate::cli::MerchantCreateArgs;
use crate::fault::{Fault, Tried as _};
use crate::links;

/// Terminals of a bank, before they begin again: a terminal has eight digits, and the other bank's must not be met.
const TERMINALS_EACH: u64 = 9_999_999;
/// The counter of terminals.
const TERMINALS: &[u8; 16] = b"lian-terminals--";

/// What somebody needs to make a payment for a new merchant.
#[derive(Debug, Serialize)]
struct Created {
    merchant: String,
    name: String,
    secret_key: String,
    payment_methods: Vec<String>,
}

/// Makes merchants and prints a line of JSON for each.
pub async fn create(args: MerchantCreateArgs) -> Result<(), Fault> {
    let config = Config::read(&args.config)?;
    let core = core(&config, false).await?;
    // Whoever creates merchants later goes on where this ends: no two merchants share a terminal.
    let first = core.pcs.store().reserve(*TERMINALS, args.count).await.tried("cannot number terminals")?;
    for index in 0..args.count {
        let name = if args.count == 1 { args.name.clone() } else { format!("{} {}", args.name, index + 1) };
        let created = create_one(&core.pcs, name, first + u64::from(index), &config.banks, &args).await?;
        println!("{}", serde_json::to_string(&created).tried("cannot write JSON")?);
    }
    Ok(())
}

async fn create_one(
    pcs: &Pcs,
    name: String,
    number: u64,
    banks: &[BankConfig],
    args: &MerchantCreateArgs,
) -> Result<Created, Fault> {
    let failed = "cannot create the merchant";
    let new = NewMerchant {
        name: name.clone(),
        fee_plan: FeePlan { bps: 60, fixed: 0, min: Some(1), cap: None },
        limits: Limits::default(),
        acquirers: banks.iter().filter_map(|bank| contract(bank, number % TERMINALS_EACH)).collect(),
        authorization_days: 7,
        sends_card_data: args.sends_card_data,
        offline: offline_terms(args)?,
    };
    let (merchant, key) = pcs.create_merchant(new).await.tried(failed)?;
    let secret_key = key.expose().clone();
    let caller = Caller { merchant: merchant.id, key_id: "created".to_owned() };
    let customer = pcs.create_customer(&caller, None, None, Default::default()).await.tried(failed)?;
    let mut payment_methods = Vec::new();
    for card in banksim::cards().iter().filter(|card| card.behaviour == banksim::Behaviour::Approve).take(2) {
        let pan = Pan::parse(card.pan).tried(failed)?;
        let expiry = Expiry::from_yymm(card.expiry).tried(failed)?;
        let method =
            pcs.store_card(&pan, expiry, Some(merchant.id), Some(customer.id)).await.tried(failed)?;
        payment_methods.push(method.id.to_string());
    }
    Ok(Created { merchant: merchant.id.to_string(), name, secret_key, payment_methods })
}

fn offline_terms(args: &MerchantCreateArgs) -> Result<Option<OfflineTerms>, Fault> {
    let Some(currency) = &args.offline_currency else { return Ok(None) };
    let currency: Currency = currency.parse().tried("--offline-currency must be an ISO 4217 code")?;
    let floor_limit = Money::new(args.offline_floor_limit, currency).tried("--offline-floor-limit")?;
    Ok((!floor_limit.is_zero()).then_some(OfflineTerms { floor_limit, days: offline::DAYS }))
}

/// A contract with a bank that is spoken to like a shipped one; terminals count up with the merchants.
fn contract(bank: &BankConfig, number: u64) -> Option<Acquirer> {
    let (terminal, acceptor): (u64, &str) = match bank.profile.as_str() {
        "cups-pos" => (10_000_001, "104440054110001"),
        "iso87-ascii" => (20_000_001, "EU0000000000001"),
        "iso93-bcd" => (30_000_001, "GB0000000000001"),
        _ => return None,
    };
    let profile = links::profile(&bank.profile).ok()?;
    Some(Acquirer {
        bank: bank.name.clone(),
        terminal: format!("{:08}", terminal.checked_add(number)?),
        acceptor: acceptor.to_owned(),
        currencies: profile.currencies().to_vec(),
        brands: Vec::new(),
    })
}
