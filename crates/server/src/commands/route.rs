//! `lian route`: which bank a payment would go to, and why. A dry run: the configuration and a merchant's contracts are
//! read, how the banks are is supposed, and nothing is sent or written.

use std::fmt::Write as _;
use std::io::Write as _;

use card::Brand;
use payment::CaptureMethod;
use payment::routing::{Acquirer, Asked, BankNow, Decision, RoutingTable, decide};
use pcs::model::Merchant;
use serde_json::{Value, json};
use store::{RowKey, Table, shard_of};
use types::{Currency, MerchantId, Money, PaymentId};

use crate::cli::{CaptureMethodArg, RouteArgs};
use crate::fault::{Fault, Tried as _};
use crate::serve::config::Config;

/// Issuers are told apart by up to eight digits; more of a card number has no business on a command line.
const MAX_DIGITS: usize = 8;
/// Who is paid where contracts are supposed.
const NOBODY: MerchantId = MerchantId::from_u128(0);
/// Some payment.
const SOME: PaymentId = PaymentId::from_u128(1);

/// Decides and prints.
pub fn run(args: RouteArgs) -> Result<(), Fault> {
    let config = Config::read(&args.config)?;
    let contracts = match args.merchant {
        Some(merchant) if args.contracts.is_empty() => contracts_of(&config, merchant)?,
        _ => args.contracts.clone(),
    };
    let first_digits = first_digits(&args.bin)?;
    let amount = Money::new(args.amount, args.currency).tried("--amount")?;
    let brand = match &args.brand {
        Some(name) => Brand::from_code(name).ok_or_else(|| Fault::plain(unknown_brand(name)))?.code(),
        None => Brand::of_digits(first_digits.as_bytes()).map_or("unknown", Brand::code),
    };
    let asked = Asked {
        payment: args.payment.unwrap_or(SOME),
        merchant: args.merchant.unwrap_or(NOBODY),
        amount,
        capture_method: match args.capture_method {
            CaptureMethodArg::Automatic => CaptureMethod::Automatic,
            CaptureMethodArg::Manual => CaptureMethod::Manual,
        },
        brand,
        first_digits,
    };
    let now = |name: &str| {
        let health = args.health.iter().find(|(bank, _)| bank == name).map_or(100, |(_, health)| *health);
        let is_in = |banks: &[String]| banks.iter().any(|bank| bank == name);
        let is_configured = config.banks.iter().any(|bank| bank.name == name);
        is_configured.then(|| BankNow {
            is_up: !is_in(&args.down),
            has_room: !is_in(&args.full),
            takes_entry: true,
            health,
        })
    };
    let decision = decide(&config.routing, &contracts, &asked, now);
    let text = if args.json {
        format!("{:#}\n", as_json(&config.routing, &asked, &decision))
    } else {
        as_text(&config.routing, &asked, &decision, args.explain)
    };
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn contracts_of(config: &Config, id: MerchantId) -> Result<Vec<Acquirer>, Fault> {
    let reads = config.store.open_read_only()?;
    let key = RowKey { table: Table::Merchant, owner: 0, id: id.to_u128() };
    let row = reads.get(shard_of(NOBODY, reads.shards()), key).tried("cannot read the store")?;
    let row = row.ok_or_else(|| Fault::plain(format!("there is no merchant {id}")))?;
    let merchant: Merchant = serde_json::from_slice(&row.body).tried(format!("cannot read {id}"))?;
    Ok(merchant.acquirers)
}

fn as_text(table: &RoutingTable, asked: &Asked<'_>, decision: &Decision<'_>, explain: bool) -> String {
    let mut text = format!("{}, {} {}…: {}\n", asked.amount, asked.brand, asked.first_digits, method(asked));
    let rows = decision.verdicts.iter().map(|verdict| {
        let place = verdict.place.map_or("-".to_owned(), |place| place.to_string());
        [place, verdict.contract.bank.clone(), verdict.why.code().to_owned(), verdict.why.to_string()]
    });
    let mut rows: Vec<[String; 4]> = rows.collect();
    // The candidates as they would be tried, then those that are left out, in the merchant's order.
    rows.sort_by_key(|row| row[0].parse().unwrap_or(usize::MAX));
    text.push('\n');
    lines(&mut text, ["", "bank", "code", "why"], &rows);
    let candidates = decision.candidates().count();
    let _ = match decision.no_route() {
        Some(why) => writeln!(text, "\nRefused: {why}."),
        None if candidates == 1 => writeln!(text, "\nThere is one bank to try."),
        None => writeln!(
            text,
            "\nThe next bank is tried only when the message to the one before surely never left."
        ),
    };
    if explain {
        let rows: Vec<[String; 4]> = table
            .rules
            .iter()
            .map(|rule| {
                let unmet = rule.when.unmet(asked);
                let applies = if unmet.is_none() { "applies" } else { "does not apply" };
                let why = unmet.map_or(String::new(), |unmet| format!("{} does not fit", unmet.key()));
                ["".to_owned(), rule.name.clone(), applies.to_owned(), why]
            })
            .collect();
        text.push('\n');
        lines(&mut text, ["", "rule", "", ""], &rows);
    }
    text
}

/// Columns as wide as their widest cell.
fn lines(text: &mut String, head: [&str; 4], rows: &[[String; 4]]) {
    let head = head.map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&head).chain(rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "  {cell:width$}");
        }
        let _ = writeln!(text, "{}", format!("{line}  {}", row[3]).trim_end());
    }
}

fn as_json(table: &RoutingTable, asked: &Asked<'_>, decision: &Decision<'_>) -> Value {
    let contract = |verdict: &payment::routing::Verdict<'_>| {
        json!({
            "bank": verdict.contract.bank,
            "terminal": verdict.contract.terminal,
            "place": verdict.place,
            "code": verdict.why.code(),
            "why": verdict.why.to_string(),
        })
    };
    let rule = |rule: &payment::routing::Rule| {
        let unmet = rule.when.unmet(asked);
        json!({ "name": rule.name, "applies": unmet.is_none(), "unmet": unmet.map(|unmet| unmet.key()) })
    };
    json!({
        "amount": asked.amount.minor(),
        "currency": asked.amount.currency(),
        "brand": asked.brand,
        "capture_method": asked.capture_method,
        "candidates": decision.candidates().map(|contract| &contract.bank).collect::<Vec<_>>(),
        "contracts": decision.verdicts.iter().map(contract).collect::<Vec<_>>(),
        "rules": table.rules.iter().map(rule).collect::<Vec<_>>(),
        "refused": decision.no_route().map(|why| why.to_string()),
    })
}

const fn method(asked: &Asked<'_>) -> &'static str {
    match asked.capture_method {
        CaptureMethod::Automatic => "a sale (consume, 0200)",
        CaptureMethod::Manual => "an authorization (0100)",
    }
}

fn unknown_brand(name: &str) -> String {
    let known: Vec<&str> = Brand::ALL.iter().map(|brand| brand.code()).collect();
    format!("--brand: there is no brand {name:?}; there are {}", known.join(", "))
}

/// `BANK=EUR,USD` or `BANK=EUR:visa,jcb`
pub fn contract(text: &str) -> Result<Acquirer, String> {
    let (bank, takes) = text.split_once('=').ok_or("expected BANK=EUR,USD or BANK=EUR:visa,jcb")?;
    let (currencies, brands) = takes.split_once(':').unwrap_or((takes, ""));
    let currencies: Result<Vec<Currency>, _> = currencies.split(',').map(str::parse).collect();
    let brands = brands.split(',').filter(|brand| !brand.is_empty());
    Ok(Acquirer {
        bank: bank.to_owned(),
        terminal: String::new(),
        acceptor: String::new(),
        currencies: currencies.map_err(|error| error.to_string())?,
        brands: brands.map(str::to_owned).collect(),
    })
}

/// Checked here and not while arguments are read, where a refused text would be printed: it may be a whole card number.
fn first_digits(text: &str) -> Result<&str, Fault> {
    let is_fit = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_fit.then_some(text).ok_or_else(|| Fault::plain("--bin: the first digits of a card number, at most 8"))
}

/// `BANK=N`
pub fn health(text: &str) -> Result<(String, u8), String> {
    let (bank, health) = text.split_once('=').ok_or("expected BANK=N")?;
    match health.parse() {
        Ok(health @ 0..=100) => Ok((bank.to_owned(), health)),
        _ => Err("health is a number from 0 to 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_who_is_tried_in_which_order_and_why() {
        let table: RoutingTable = serde_json::from_value(json!({
            "strategy": "cheapest",
            "cost": [
                { "bank": "north", "bps": 20, "currency": "EUR", "fixed": 5 },
                { "bank": "south", "bps": 45 },
            ],
            "rule": [
                { "name": "no west", "when": { "currency": ["EUR"] }, "never": ["west"] },
                { "name": "union", "when": { "bin": ["62"] }, "only": ["west"] },
            ],
        }))
        .unwrap();
        let contracts =
            ["west=EUR", "south=EUR", "north=EUR:visa,jcb", "east=CNY"].map(|it| contract(it).unwrap());
        let asked = Asked {
            payment: SOME,
            merchant: NOBODY,
            amount: Money::new(12_50, Currency::EUR).unwrap(),
            capture_method: CaptureMethod::Automatic,
            brand: "visa",
            first_digits: "424242",
        };
        let decision = decide(&table, &contracts, &asked, |_| {
            Some(BankNow { is_up: true, has_room: true, takes_entry: true, health: 100 })
        });
        let expected = "\
12.50 EUR, visa 424242…: a sale (consume, 0200)

     bank   code                  why
  1  south  cost                  costs 0.06 EUR
  2  north  cost                  costs 0.08 EUR
  -  west   forbidden             rule \"no west\" forbids it
  -  east   currency_not_offered  the contract does not take this currency

The next bank is tried only when the message to the one before surely never left.

    rule
    no west  applies
    union    does not apply  bin does not fit
";
        assert_eq!(as_text(&table, &asked, &decision, true), expected);
        let json = as_json(&table, &asked, &decision);
        assert_eq!(json["candidates"], json!(["south", "north"]));
        assert_eq!(json["contracts"][0]["code"], "forbidden");
        assert_eq!(json["rules"][1], json!({ "name": "union", "applies": false, "unmet": "bin" }));
    }

    #[test]
    fn a_whole_card_number_is_not_taken_and_not_repeated() {
        let refused = first_digits("4242424242424242").unwrap_err().to_string();
        assert!(!refused.contains("4242"), "{refused}");
        assert_eq!(first_digits("42424242").unwrap(), "42424242");
    }
}
