//! `lian bank`: what the operator does about banks and their links, over the API of a running gateway.

use serde_json::{Value, json};

use super::operator_api::{ask, items, text};
use crate::cli::{BankArgs, BankCommand, LinkArgs};
use crate::fault::Fault;

pub async fn run(args: BankArgs) -> Result<(), Fault> {
    let api = &args.api;
    let answer = match &args.command {
        BankCommand::List => ask(api, "/v1/banks", None).await?,
        BankCommand::Show { bank } => ask(api, &format!("/v1/banks/{bank}"), None).await?,
        BankCommand::TakeOut(link) => ask(api, &path(link, "take_out"), Some(order(link))).await?,
        BankCommand::Resume(link) => ask(api, &path(link, "resume"), Some(order(link))).await?,
        BankCommand::ExchangeKeys(link) => ask(api, &path(link, "exchange_keys"), Some(order(link))).await?,
        BankCommand::Totals { bank, by } => {
            ask(api, &format!("/v1/banks/{bank}/totals"), Some(json!({ "by": by }))).await?
        }
        BankCommand::Reconciliations { bank } => {
            ask(api, &format!("/v1/banks/{bank}/reconciliations?limit=100"), None).await?
        }
        BankCommand::FetchParameters { bank, by, reason } => {
            let order = json!({ "by": by, "reason": reason });
            ask(api, &format!("/v1/banks/{bank}/fetch_parameters"), Some(order)).await?
        }
        BankCommand::Parameters { bank, id: None } => {
            ask(api, &format!("/v1/banks/{bank}/parameters?limit=100"), None).await?
        }
        BankCommand::Parameters { bank, id: Some(id) } => {
            ask(api, &format!("/v1/banks/{bank}/parameters/{id}"), None).await?
        }
    };
    if api.json {
        println!("{answer:#}");
        return Ok(());
    }
    match &args.command {
        BankCommand::List => items(&answer["data"]).iter().for_each(print_line),
        BankCommand::Show { .. } => print_bank(&answer),
        BankCommand::TakeOut(link) => {
            println!("Link {} of {} is out of service.", link.link, link.bank);
            match answer["unanswered"].as_u64() {
                Some(0) | None => {}
                Some(many) => println!("    {many} requests had no answer: lian doubt list"),
            }
            print_line(&answer["bank"]);
        }
        BankCommand::Resume(_) | BankCommand::ExchangeKeys(_) | BankCommand::FetchParameters { .. } => {
            print_line(&answer);
        }
        BankCommand::Parameters { id: Some(_), .. } => print_parameters(&answer),
        BankCommand::Parameters { .. } => {
            let fetched = items(&answer["data"]);
            if fetched.is_empty() {
                println!("Nothing has been fetched.");
            }
            fetched.iter().for_each(print_parameters);
        }
        BankCommand::Totals { .. } | BankCommand::Reconciliations { .. } => {
            let compared = items(&answer["data"]);
            if compared.is_empty() {
                println!("There are no totals to tell of.");
            }
            compared.iter().for_each(print_reconciliation);
        }
    }
    Ok(())
}

fn path(link: &LinkArgs, what: &str) -> String {
    format!("/v1/banks/{}/links/{}/{what}", link.bank, link.link)
}

fn order(link: &LinkArgs) -> Value {
    json!({ "by": link.by, "reason": link.reason })
}

/// A bank and its links, one line each.
fn print_line(bank: &Value) {
    let facts = [("day", "settlement_date"), ("batch", "batch")];
    let facts = facts.iter().filter_map(|(word, name)| Some(format!("  {word} {}", bank[*name].as_str()?)));
    println!("{}  {}{}", text(bank, "id"), text(bank, "state"), facts.collect::<String>());
    for link in items(&bank["links"]) {
        let why = link["refused_because"].as_str().map_or_else(String::new, |why| format!(": {why}"));
        let suspect = if link["is_suspect"] == true { ", loses requests" } else { "" };
        let (number, state) = (&link["number"], text(link, "state"));
        let (terminal, load) = (text(link, "terminal"), &link["in_flight"]);
        println!("    link {number}  {state}{why}  (terminal {terminal}, {load} in flight{suspect})");
    }
    if let Some(at) = bank["parameters_wanted_at"].as_str() {
        if items(&bank["parameter_sets"]).is_empty() {
            println!(
                "    NEEDS YOU: it ordered its parameters to be fetched at {at}; ask it what has changed"
            );
        } else {
            println!("    NEEDS YOU if it stays: its parameters are to be fetched since {at}");
        }
    }
}

fn print_bank(bank: &Value) {
    print_line(bank);
    let words =
        |name: &str| items(&bank[name]).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    println!("    takes {}; offers {}", words("currencies"), words("transactions"));
    for word in items(&bank["news"]) {
        let link = word["link"].as_u64().map_or_else(String::new, |link| format!("link {link}: "));
        println!("    {}  {link}{}", text(word, "at"), text(word, "text"));
    }
}

fn print_reconciliation(it: &Value) {
    let what = match it["terminal"].as_str() {
        Some(terminal) => format!("batch {} of terminal {terminal}", text(it, "batch")),
        None => format!("day {}", text(it, "batch")),
    };
    let verdict = match text(it, "verdict") {
        "agreed" => "agreed",
        "differs" => "DIFFERS",
        _ => "not compared",
    };
    println!("{}  {what}  {}  {verdict}", text(it, "created"), text(it, "currency"));
    print_totals("ours", &it["own"]);
    if it["bank_has"].is_object() {
        print_totals("bank", &it["bank_has"]);
    }
    if let Some(note) = it["note"].as_str() {
        println!("    {note}");
    }
    if it["upload"].is_object() {
        let upload = &it["upload"];
        let (items, messages, left_out) = (&upload["items"], &upload["messages"], &upload["left_out"]);
        let answer = upload["response_code"].as_str().unwrap_or("none");
        println!(
            "    after an upload of {items} items in {messages} messages, {left_out} left out; answer {answer}"
        );
        if text(it, "verdict") != "agreed" {
            println!("    NEEDS YOU: compare the batch with the bank item by item");
        }
    }
}

/// Fetched parameters: where they come from, and their bytes in lines of 32, where they are there.
fn print_parameters(it: &Value) {
    let by = it["by"].as_str().map_or_else(String::new, |by| format!(", by {by}"));
    println!("{}  {}  {} ({}{by})", text(it, "id"), text(it, "created"), text(it, "set"), text(it, "why"));
    println!("    {} bytes in {} pieces, SHA-256 {}", it["bytes"], it["pieces"], text(it, "sha256"));
    let mut content = it["content"].as_str().unwrap_or_default();
    while !content.is_empty() {
        let (line, behind) = content.split_at(content.len().min(64));
        println!("    {line}");
        content = behind;
    }
}

fn print_totals(whose: &str, totals: &Value) {
    let line = |name: &str| format!("{} of {}", totals[name]["amount"], totals[name]["count"]);
    println!(
        "    {whose}  debits {} (reversed {})  credits {} (reversed {})",
        line("debits"),
        line("debit_reversals"),
        line("credits"),
        line("credit_reversals"),
    );
}
