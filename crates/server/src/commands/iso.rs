//! `lian iso describe`: a message field by field, masked.

use std::io::Read as _;
use std::path::PathBuf;

use crate::cli::{IsoArgs, IsoCommand};
use crate::fault::{Fault, Tried as _};

pub fn run(args: IsoArgs) -> Result<(), Fault> {
    match args.command {
        IsoCommand::Describe { file, bank } => describe(file, &bank),
    }
}

fn describe(file: Option<PathBuf>, bank: &str) -> Result<(), Fault> {
    let text = match file {
        Some(path) => std::fs::read_to_string(&path).tried(format!("cannot read {}", path.display()))?,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).tried("cannot read standard input")?;
            text
        }
    };
    let bytes = iso8583::parse_hex(&text).tried("not hex")?;
    let profile = hostlink::shipped_bank(bank).tried("no such dialect")?;
    let dialect = profile.dialect();
    let message = dialect.decode(&bytes).tried(format!("not a message in the dialect of {bank}"))?;
    print!("{}", message.describe());
    for violation in dialect.check(&message) {
        println!("  ! {violation}");
    }
    Ok(())
}
