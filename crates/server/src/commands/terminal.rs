//! `lian terminal`: what the operator does with a merchant's card terminals, over the API of a running gateway.

use serde_json::json;

use super::operator_api::{ask, text};
use crate::cli::{TerminalArgs, TerminalCommand};
use crate::fault::{Fault, Tried as _};

pub async fn run(args: TerminalArgs) -> Result<(), Fault> {
    let TerminalCommand::PinKey { terminal, merchant, key_block_file, ksn } = &args.command;
    let block = std::fs::read_to_string(key_block_file);
    let block = block.tried(format!("cannot read {}", key_block_file.display()))?;
    let body = json!({ "merchant": merchant.to_string(), "key_block": block.trim(), "ksn": ksn });
    let answer = ask(&args.api, &format!("/v1/terminals/{terminal}/pin_key"), Some(body)).await?;
    if args.api.json {
        println!("{answer:#}");
        return Ok(());
    }
    let key = &answer["pin_key"];
    let (kind, cipher) = (text(key, "kind"), text(key, "cipher"));
    println!("{terminal} has a PIN key ({kind}, {cipher}) with check value {}.", text(key, "check_value"));
    Ok(())
}
