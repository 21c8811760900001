//! `lian doubt`: what the operator does about doubts, over the API of a running gateway.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::cli::{DoubtArgs, DoubtCommand};
use crate::fault::{Fault, Tried as _};
use crate::operator_key;

pub async fn run(args: DoubtArgs) -> Result<(), Fault> {
    let answer = match &args.command {
        DoubtCommand::List => ask(&args, "/v1/doubts", None).await?,
        DoubtCommand::Inquire { attempt, by } => {
            ask(&args, &format!("/v1/doubts/{attempt}/inquire"), Some(json!({ "by": by }))).await?
        }
        DoubtCommand::Retry { attempt } => {
            ask(&args, &format!("/v1/doubts/{attempt}/retry"), Some(json!({}))).await?
        }
        DoubtCommand::Resolve { attempt, finding, by, reason, rrn, authorization_code } => {
            let body = json!({
                "finding": finding, "by": by, "reason": reason, "rrn": rrn,
                "authorization_code": authorization_code,
            });
            ask(&args, &format!("/v1/doubts/{attempt}/resolve"), Some(body)).await?
        }
    };
    if args.json {
        println!("{answer:#}");
        return Ok(());
    }
    match answer["object"].as_str() {
        Some("list") => print_list(answer["data"].as_array().map_or(&[][..], Vec::as_slice)),
        Some("bank_word") => print_word(&answer),
        _ => println!("{} is {} now.", text(&answer, "id"), text(&answer, "status")),
    }
    Ok(())
}

async fn ask(args: &DoubtArgs, path: &str, body: Option<Value>) -> Result<Value, Fault> {
    let key = operator_key::read(&args.operator_key_file)?;
    let mut http = reqwest::Client::builder().no_proxy();
    if let Some(path) = &args.tls_certificate {
        let pem = std::fs::read(path).tried(format!("cannot read {}", path.display()))?;
        let trusted = reqwest::Certificate::from_pem(&pem);
        http = http.add_root_certificate(trusted.tried(format!("{} is no certificate", path.display()))?);
    }
    let http = http.build().tried("cannot make an HTTP client")?;
    if is_open_to_others(&args.url) {
        let rule = "is not encrypted, and the operator's key would be sent there";
        return Err(Fault::plain(format!("{} {rule}", args.url)));
    }
    let url = format!("{}{path}", args.url.trim_end_matches('/'));
    let request = match &body {
        Some(body) => http.post(&url).json(body),
        None => http.get(&url),
    };
    let answer = request.bearer_auth(key.expose()).send().await;
    let answer = answer.tried(format!("no answer from {}; is the gateway running there?", args.url))?;
    let is_good = answer.status().is_success();
    let body: Value = answer.json().await.tried("the answer is not JSON")?;
    if is_good { Ok(body) } else { Err(Fault::plain(text(&body, "detail").to_owned())) }
}

/// Whether what is sent there can be read on its way.
fn is_open_to_others(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() != "https" && !is_here
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("-")
}

fn print_list(doubts: &[Value]) {
    if doubts.is_empty() {
        println!("Nothing is in doubt.");
        return;
    }
    for doubt in doubts {
        println!(
            "{}  {} {}  {} at {} (terminal {}, STAN {})",
            text(doubt, "id"),
            doubt["amount"],
            text(doubt, "currency"),
            text(doubt, "transaction"),
            text(doubt, "bank"),
            text(doubt, "terminal"),
            text(doubt, "stan"),
        );
        let subject = doubt["refund"].as_str().unwrap_or_else(|| text(doubt, "payment"));
        println!("    {subject} of {}, since {}", text(doubt, "merchant"), text(doubt, "since"));
        println!(
            "    ended by {}: sent {} times, refused {} times, next at {}",
            text(doubt, "pursued_by"),
            doubt["attempts"],
            doubt["refusals"],
            text(doubt, "next_try_at"),
        );
        if let Some(why) = doubt["needs_operator"].as_str() {
            println!("    NEEDS YOU: {why}");
        }
    }
}

fn print_word(word: &Value) {
    println!("The bank says: {}.", text(word, "says"));
    for (name, label) in [
        ("response_code", "response code"),
        ("rrn", "reference number"),
        ("authorization_code", "authorization code"),
    ] {
        if let Some(value) = word[name].as_str() {
            println!("    {label} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_key_is_not_sent_where_others_can_read_it() {
        for url in
            ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080", "https://pay.example"]
        {
            assert!(!is_open_to_others(url), "{url}");
        }
        for url in ["http://pay.example", "http://192.0.2.7:8080", "http://localhost.example"] {
            assert!(is_open_to_others(url), "{url}");
        }
    }
}
