//! `lian key`: what an operator does with the key of a bank link before the first sign-on.

use types::Secret;
use vault::{KeyFamily, Token, TransportKey};

use crate::cli::{KeyCheckValueArgs, KeyImportArgs};
use crate::fault::{Fault, Tried as _};
use crate::links::{read_key, read_secret};
use crate::serve::{Config, MasterKeyPlace};

/// Prints the check value, which tells nothing about the key.
pub fn check_value(args: &KeyCheckValueArgs) -> Result<(), Fault> {
    let key = transport_key(&read_key(&args.terminal_master_key_file)?)?;
    println!("{}", spelled(&key));
    Ok(())
}

/// Brings the key into the token that the bank's configuration names.
pub fn import(args: &KeyImportArgs) -> Result<(), Fault> {
    let config = Config::read(&args.config)?;
    let bank = config.banks.iter().find(|bank| bank.name == args.bank);
    let bank = bank.ok_or_else(|| Fault::plain(format!("there is no bank {} in it", args.bank)))?;
    let MasterKeyPlace::Token { module, token_label, pin_file, key_label } = &bank.master_key else {
        return Err(Fault::plain(format!("bank {} has no section pkcs11", bank.name)));
    };
    let key = transport_key(&read_key(&args.terminal_master_key_file)?)?;
    let token = Token::open(module, token_label, &read_secret(pin_file)?).tried("cannot use PKCS#11")?;
    token.import(key_label, &key).tried("cannot bring in the key")?;
    println!("Key {key_label} with check value {} is in token {token_label}", spelled(&key));
    Ok(())
}

fn transport_key(bytes: &Secret<[u8; 16]>) -> Result<TransportKey, Fault> {
    TransportKey::from_bytes(KeyFamily::TripleDes, bytes.expose()).tried("the terminal master key")
}

fn spelled(key: &TransportKey) -> String {
    key.check_value().iter().map(|byte| format!("{byte:02X}")).collect()
}
