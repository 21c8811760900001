//! `lian route`: which bank a payment would go to, and why. A dry run: by the configuration and a merchant's contracts, where how
//! the banks are is supposed; or by a running gateway, as its banks are now. Nothing is sent or written.

use std::fmt::Write as _;
use std::io::Write as _;

use api::body::route_body;
use card::Brand;
use payment::CaptureMethod;
use payment::routing::{Acquirer, Asked, BankNow, decide};
use pcs::model::Merchant;
use serde_json::{Value, json};
use store::{RowKey, Table, shard_of};
use types::{Currency, MerchantId, Money, PaymentId};

use super::operator_api::{ask, items, text};
use crate::cli::{CaptureMethodArg, OperatorArgs, RouteArgs};
use crate::fault::{Fault, Tried as _};
use crate::serve::config::Config;

/// Issuers are told apart by up to eight digits; more of a card number has no business on a command line.
const MAX_DIGITS: usize = 8;
/// Who is paid where contracts are supposed.
const NOBODY: MerchantId = MerchantId::from_u128(0);
/// Some payment.
const SOME: PaymentId = PaymentId::from_u128(1);

/// Decides, or has it decided, and prints.
pub async fn run(args: RouteArgs) -> Result<(), Fault> {
    let amount = Money::new(args.amount, args.currency).tried("--amount")?;
    let digits = first_digits(&args.bin)?;
    let route = match (&args.at, &args.config) {
        (Some(url), _) => ask_gateway(url, digits, &args).await?,
        (None, Some(config)) => decide_here(&Config::read(config)?, amount, digits, &args)?,
        (None, None) => return Err(Fault::plain("give --config, or --at for a running gateway".to_owned())),
    };
    let printed =
        if args.json { format!("{route:#}\n") } else { as_text(amount, digits, &route, args.explain) };
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = std::io::stdout().write_all(printed.as_bytes());
    Ok(())
}

/// The running gateway's own view: its rules, links and health at this moment.
async fn ask_gateway(url: &str, digits: &str, args: &RouteArgs) -> Result<Value, Fault> {
    let api = OperatorArgs {
        url: url.to_owned(),
        operator_key_file: args.operator_key_file.clone(),
        tls_certificate: args.tls_certificate.clone(),
        json: args.json,
    };
    let mut question = json!({
        "merchant": args.merchant.map(|merchant| merchant.to_string()),
        "amount": args.amount,
        "currency": args.currency,
        "bin": digits,
        "capture_method": capture_method(args),
    });
    if let Some(brand) = &args.brand {
        question["brand"] = brand.as_str().into();
    }
    if let Some(payment) = args.payment {
        question["payment"] = payment.to_string().into();
    }
    ask(&api, "/v1/routes/explain", Some(question)).await
}

/// The same by the configuration, with banks as the arguments suppose them; in the API's form.
fn decide_here(config: &Config, amount: Money, digits: &str, args: &RouteArgs) -> Result<Value, Fault> {
    let contracts = match args.merchant {
        Some(merchant) if args.contracts.is_empty() => contracts_of(config, merchant)?,
        _ => args.contracts.clone(),
    };
    let brand = match &args.brand {
        Some(name) => Brand::from_code(name).ok_or_else(|| Fault::plain(unknown_brand(name)))?.code(),
        None => Brand::of_digits(digits.as_bytes()).map_or("unknown", Brand::code),
    };
    let asked = Asked {
        payment: args.payment.unwrap_or(SOME),
        merchant: args.merchant.unwrap_or(NOBODY),
        amount,
        capture_method: capture_method(args),
        brand,
        first_digits: digits,
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
    let said = decide(&config.routing, &contracts, &asked, now).explain(&config.routing, &asked, now);
    serde_json::to_value(route_body(amount, asked.capture_method, &said)).tried("cannot be written as JSON")
}

fn contracts_of(config: &Config, id: MerchantId) -> Result<Vec<Acquirer>, Fault> {
    let reads = config.store.open_read_only()?;
    let key = RowKey { table: Table::Merchant, owner: 0, id: id.to_u128() };
    let row = reads.get(shard_of(NOBODY, reads.shards()), key).tried("cannot read the store")?;
    let row = row.ok_or_else(|| Fault::plain(format!("there is no merchant {id}")))?;
    let merchant: Merchant = serde_json::from_slice(&row.body).tried(format!("cannot read {id}"))?;
    Ok(merchant.acquirers)
}

/// A route for people, of the API's form.
fn as_text(amount: Money, digits: &str, route: &Value, explain: bool) -> String {
    let method = match text(route, "capture_method") {
        "manual" => "an authorization (0100)",
        _ => "a sale (consume, 0200)",
    };
    let mut printed = format!("{amount}, {} {digits}…: {method}\n", text(route, "brand"));
    let mut contracts: Vec<&Value> = items(&route["contracts"]).iter().collect();
    // The candidates as they would be tried, then those that are left out, in the merchant's order.
    contracts.sort_by_key(|contract| contract["place"].as_u64().unwrap_or(u64::MAX));
    let rows = contracts.iter().map(|contract| {
        let place = contract["place"].as_u64().map_or_else(|| "-".to_owned(), |place| place.to_string());
        let code = text(contract, "code");
        let ails = contract["health"].as_u64().filter(|health| *health < 100 && code != "unhealthy");
        let health = ails.map_or_else(String::new, |health| format!("; health {health} of 100"));
        let why = format!("{}{health}", text(contract, "why"));
        [place, text(contract, "bank").to_owned(), code.to_owned(), why]
    });
    printed.push('\n');
    lines(&mut printed, ["", "bank", "code", "why"], &rows.collect::<Vec<_>>());
    let _ = match (route["refused"].as_str(), items(&route["candidates"]).len()) {
        (Some(why), _) => writeln!(printed, "\nRefused: {why}."),
        (None, 1) => writeln!(printed, "\nThere is one bank to try."),
        (None, _) => writeln!(
            printed,
            "\nThe next bank is tried only when the message to the one before surely never left."
        ),
    };
    if explain {
        let rows = items(&route["rules"]).iter().map(|rule| {
            let applies = if rule["applies"] == true { "applies" } else { "does not apply" };
            let why =
                rule["unmet"].as_str().map_or_else(String::new, |unmet| format!("{unmet} does not fit"));
            ["".to_owned(), text(rule, "name").to_owned(), applies.to_owned(), why]
        });
        printed.push('\n');
        lines(&mut printed, ["", "rule", "", ""], &rows.collect::<Vec<_>>());
    }
    printed
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

const fn capture_method(args: &RouteArgs) -> CaptureMethod {
    match args.capture_method {
        CaptureMethodArg::Automatic => CaptureMethod::Automatic,
        CaptureMethodArg::Manual => CaptureMethod::Manual,
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
    use payment::routing::RoutingTable;

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
        let now = |name: &str| {
            let health = if name == "north" { 87 } else { 100 };
            Some(BankNow { is_up: true, has_room: true, takes_entry: true, health })
        };
        let said = decide(&table, &contracts, &asked, now).explain(&table, &asked, now);
        let route = serde_json::to_value(route_body(asked.amount, asked.capture_method, &said)).unwrap();
        let expected = "\
12.50 EUR, visa 424242…: a sale (consume, 0200)

     bank   code                  why
  1  south  cost                  costs 0.06 EUR
  2  north  cost                  costs 0.08 EUR; health 87 of 100
  -  west   forbidden             rule \"no west\" forbids it
  -  east   currency_not_offered  the contract does not take this currency

The next bank is tried only when the message to the one before surely never left.

    rule
    no west  applies
    union    does not apply  bin does not fit
";
        assert_eq!(as_text(asked.amount, asked.first_digits, &route, true), expected);
        assert_eq!(route["candidates"], json!(["south", "north"]));
        let first = json!({
            "bank": "west", "terminal": "", "place": null, "code": "forbidden",
            "why": "rule \"no west\" forbids it", "cost": null, "health": 100,
        });
        assert_eq!(route["contracts"][0], first);
        assert_eq!(
            (&route["contracts"][2]["cost"], &route["contracts"][2]["health"]),
            (&json!(8), &json!(87))
        );
        assert_eq!(route["rules"][1], json!({ "name": "union", "applies": false, "unmet": "bin" }));
    }

    #[test]
    fn a_whole_card_number_is_not_taken_and_not_repeated() {
        let refused = first_digits("4242424242424242").unwrap_err().to_string();
        assert!(!refused.contains("4242"), "{refused}");
        assert_eq!(first_digits("42424242").unwrap(), "42424242");
    }
}
