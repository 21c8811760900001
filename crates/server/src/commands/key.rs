//! `lian key`: what an operator does with the keys of a bank link or a terminal before they are used.

use types::Secret;
use vault::{Exportability, FirstBlock, KeyBlockKey, KeyFamily, SystemEntropy, Token, TransportKey};

use crate::cli::{AlgorithmArg, ExportabilityArg, KeyCheckValueArgs, KeyImportArgs, KeyWrapArgs};
use crate::fault::{Fault, Tried as _};
use crate::links::{read_key, read_secret};
use crate::serve::{Config, MasterKeyPlace};

/// Prints the check value, which tells nothing about the key.
pub fn check_value(args: &KeyCheckValueArgs) -> Result<(), Fault> {
    let key = transport_key(&read_key(&args.terminal_master_key_file)?)?;
    println!("{}", spelled(key.check_value()));
    Ok(())
}

/// Prints the key in a key block, which can be sent and stored, and beside it the check value. The key and its components
/// come from files alone: what stands on a command line is seen by everybody on the machine.
pub fn wrap(args: &KeyWrapArgs) -> Result<(), Fault> {
    let protection = read_secret(&args.protection_key_file)?;
    let protection = KeyBlockKey::from_hex(family(args.protection_algorithm), protection.expose());
    let protection = protection.tried(format!("cannot use {}", args.protection_key_file.display()))?;
    let components: Result<Vec<Secret<String>>, Fault> =
        args.key_file.iter().map(|path| read_secret(path)).collect();
    let components = components?;
    let components: Vec<&str> = components.iter().map(|component| component.expose().as_str()).collect();
    let said = FirstBlock {
        usage: &args.usage,
        mode: args.mode,
        exportability: match args.exportability {
            ExportabilityArg::N => Exportability::NonExportable,
            ExportabilityArg::E => Exportability::Exportable,
            ExportabilityArg::S => Exportability::Sensitive,
        },
    };
    let made = protection.wrap_components(&components, family(args.algorithm), said, &SystemEntropy);
    let (block, check_value) = made.tried("cannot put the key into a block")?;
    println!("{block}");
    // Not into the file that the block is sent to.
    eprintln!("Check value {}", spelled(check_value));
    Ok(())
}

const fn family(algorithm: AlgorithmArg) -> KeyFamily {
    match algorithm {
        AlgorithmArg::Tdes => KeyFamily::TripleDes,
        AlgorithmArg::Aes => KeyFamily::Aes,
    }
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
    println!("Key {key_label} with check value {} is in token {token_label}", spelled(key.check_value()));
    Ok(())
}

fn transport_key(bytes: &Secret<[u8; 16]>) -> Result<TransportKey, Fault> {
    TransportKey::from_bytes(KeyFamily::TripleDes, bytes.expose()).tried("the terminal master key")
}

fn spelled(check_value: [u8; 3]) -> String {
    check_value.iter().map(|byte| format!("{byte:02X}")).collect()
}
