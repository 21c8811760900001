//! `lian iso`: what a message says, which dialect it is in, how two differ, and a copy that may be passed on.

use std::io::Read as _;
use std::path::Path;

use hostlink::{SHIPPED_DIALECTS, shipped_dialect};
use iso8583::{Diagnosis, Dialect, Fit, Message};

use crate::cli::{DialectArg, IsoArgs, IsoCommand};
use crate::fault::{Fault, Tried as _};

pub fn run(args: IsoArgs) -> Result<(), Fault> {
    match args.command {
        IsoCommand::Describe { file, dialect } => describe(&read(file.as_deref())?, &dialect),
        IsoCommand::Doctor { file, expected } => doctor(&read(file.as_deref())?, expected.as_deref()),
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

fn doctor(bytes: &[u8], expected: Option<&str>) -> Result<(), Fault> {
    let dialects: Vec<Dialect> =
        SHIPPED_DIALECTS.iter().map(|name| compiled(name)).collect::<Result<_, _>>()?;
    if let Some(name) = expected {
        compiled(name)?;
    }
    let diagnoses = iso8583::diagnose(bytes, &dialects);
    println!("{} bytes", bytes.len());
    for diagnosis in &diagnoses {
        println!("  {diagnosis}");
        if let (Some(form), true) = (&diagnosis.form, !diagnosis.causes.is_empty()) {
            println!("    the field there is {form}");
        }
        for cause in &diagnosis.causes {
            println!("    likely: {cause}");
        }
    }
    let wanted = |diagnosis: &&Diagnosis| expected.is_none_or(|name| name == diagnosis.dialect);
    let Some(best) = diagnoses.iter().find(wanted) else { return Err(Fault::plain("no dialect to try")) };
    if matches!(best.fit, Fit::Exact { .. }) {
        if best.head.bytes() > 0 {
            println!("Leave out the first {} bytes for the other commands.", best.head.bytes());
        }
        println!("Look at it with: lian iso describe --bank {}", best.dialect);
        return Ok(());
    }
    match diagnoses.first() {
        Some(other) if matches!(other.fit, Fit::Exact { .. }) => {
            println!(
                "The dialect is wrong: the message is one of {} and not of {}.",
                other.dialect, best.dialect
            );
        }
        _ => {
            if let Some(usual) = best.usual_causes() {
                println!(
                    "Nothing that was tried makes a message of it. Usual causes of what stopped {}: {usual}.",
                    best.dialect
                );
            }
        }
    }
    Err(Fault::plain(match expected {
        Some(name) => format!("it is no message in the dialect of {name}"),
        None => "no shipped dialect fits".to_owned(),
    }))
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
    let bytes = iso8583::parse_hex(&text).tried("not hex")?;
    if bytes.is_empty() {
        Err(Fault::plain("there is no message: not one hexadecimal digit"))
    } else {
        Ok(bytes)
    }
}
