//! `lian iso`: what a message says, which dialect it is in, how two differ, and a copy that may be passed on.

use std::io::Read as _;
use std::path::Path;

use hostlink::{SHIPPED_DIALECTS, shipped_dialect};
use iso8583::{Dialect, Fit, Message};

use crate::cli::{DialectArg, IsoArgs, IsoCommand};
use crate::fault::{Fault, Tried as _};

pub fn run(args: IsoArgs) -> Result<(), Fault> {
    match args.command {
        IsoCommand::Describe { file, dialect } => describe(&read(file.as_deref())?, &dialect),
        IsoCommand::Doctor { file } => doctor(&read(file.as_deref())?),
        IsoCommand::Diff { first, second, dialect } => {
            diff(&read(Some(&first))?, &read(Some(&second))?, &dialect)
        }
        IsoCommand::Redact { file, dialect } => redact(&read(file.as_deref())?, &dialect),
    }
}

fn describe(bytes: &[u8], arg: &DialectArg) -> Result<(), Fault> {
    let dialect = arg.dialect()?;
    let message = arg.decode(&dialect, bytes)?;
    print!("{}", message.describe());
    for violation in dialect.check(&message) {
        println!("  ! {violation}");
    }
    Ok(())
}

fn doctor(bytes: &[u8]) -> Result<(), Fault> {
    let dialects: Vec<Dialect> =
        SHIPPED_DIALECTS.iter().map(|name| compiled(name)).collect::<Result<_, _>>()?;
    let diagnoses = iso8583::diagnose(bytes, &dialects);
    println!("{} bytes", bytes.len());
    for diagnosis in &diagnoses {
        println!("  {diagnosis}");
    }
    match diagnoses.first() {
        Some(best) if matches!(best.fit, Fit::Exact { .. }) => {
            if best.head.bytes() > 0 {
                println!("Leave out the first {} bytes for the other commands.", best.head.bytes());
            }
            println!("Look at it with: lian iso describe --bank {}", best.dialect);
            Ok(())
        }
        _ => Err(Fault::plain("no shipped dialect fits")),
    }
}

fn diff(first: &[u8], second: &[u8], arg: &DialectArg) -> Result<(), Fault> {
    let dialect = arg.dialect()?;
    let (first, second) = (arg.decode(&dialect, first)?, arg.decode(&dialect, second)?);
    let differences = first.diff(&second);
    if differences.is_empty() {
        println!("The two are the same, byte for byte.");
    }
    for difference in differences {
        println!("{difference}");
    }
    Ok(())
}

fn redact(bytes: &[u8], arg: &DialectArg) -> Result<(), Fault> {
    let dialect = arg.dialect()?;
    let redacted = arg.decode(&dialect, bytes)?.redacted();
    println!("{}", redacted.iter().map(|byte| format!("{byte:02X}")).collect::<String>());
    Ok(())
}

impl DialectArg {
    fn dialect(&self) -> Result<Dialect, Fault> {
        compiled(&self.name)
    }

    fn decode<'a>(&self, dialect: &'a Dialect, bytes: &'a [u8]) -> Result<Message<'a>, Fault> {
        let tried =
            || format!("not a message in the dialect of {} (lian iso doctor tries them all)", self.name);
        dialect.decode(bytes).tried(tried())
    }
}

fn compiled(name: &str) -> Result<Dialect, Fault> {
    let unknown = || format!("no such dialect: {name}; there are {}", SHIPPED_DIALECTS.join(", "));
    let compiled = shipped_dialect(name).ok_or_else(|| Fault::plain(unknown()))?;
    compiled.tried(format!("banks/{name}/dialect.toml"))
}

fn read(file: Option<&Path>) -> Result<Vec<u8>, Fault> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path).tried(format!("cannot read {}", path.display()))?,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).tried("cannot read standard input")?;
            text
        }
    };
    iso8583::parse_hex(&text).tried("not hex")
}
