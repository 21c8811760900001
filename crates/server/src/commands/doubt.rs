//! `lian doubt`: what the operator does about doubts, over the API of a running gateway.

use serde_json::{Value, json};

use super::operator_api::{ask, text};
use crate::cli::{DoubtArgs, DoubtCommand};
use crate::fault::Fault;

pub async fn run(args: DoubtArgs) -> Result<(), Fault> {
    let answer = match &args.command {
        DoubtCommand::List => ask(&args.api, "/v1/doubts", None).await?,
        DoubtCommand::Inquire { attempt, by } => {
            ask(&args.api, &format!("/v1/doubts/{attempt}/inquire"), Some(json!({ "by": by }))).await?
        }
        DoubtCommand::Retry { attempt } => {
            ask(&args.api, &format!("/v1/doubts/{attempt}/retry"), Some(json!({}))).await?
        }
        DoubtCommand::Resolve { attempt, finding, by, reason, rrn, authorization_code } => {
            let body = json!({
                "finding": finding, "by": by, "reason": reason, "rrn": rrn,
                "authorization_code": authorization_code,
            });
            ask(&args.api, &format!("/v1/doubts/{attempt}/resolve"), Some(body)).await?
        }
    };
    if args.api.json {
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
