//! The banks that come with the program: `banks/`, embedded.

use std::sync::Arc;

use hostlink::BankProfile;
use iso8583::Dialect;

use crate::fault::{Fault, Tried as _};

/// The banks that the demo simulates, in order.
pub const NAMES: [&str; 2] = ["cups-pos", "iso87-ascii"];

/// A file below `banks/`.
pub fn file(path: &str) -> Option<String> {
    let text = match path {
        "base/iso8583-1987.toml" => include_str!("../../../banks/base/iso8583-1987.toml"),
        "base/response-codes.toml" => include_str!("../../../banks/base/response-codes.toml"),
        "cups-pos/bank.toml" => include_str!("../../../banks/cups-pos/bank.toml"),
        "cups-pos/dialect.toml" => include_str!("../../../banks/cups-pos/dialect.toml"),
        "iso87-ascii/bank.toml" => include_str!("../../../banks/iso87-ascii/bank.toml"),
        "iso87-ascii/dialect.toml" => include_str!("../../../banks/iso87-ascii/dialect.toml"),
        _ => return None,
    };
    Some(text.to_owned())
}

/// A bank's profile.
pub fn profile(name: &str) -> Result<Arc<BankProfile>, Fault> {
    let unknown = || Fault::plain(format!("there is no bank {name}; there are {}", NAMES.join(" and ")));
    let text = file(&format!("{name}/bank.toml")).ok_or_else(unknown)?;
    let profile = BankProfile::from_toml(&text, file).tried(format!("banks/{name}/bank.toml"))?;
    Ok(Arc::new(profile))
}

/// A bank's dialect.
pub fn dialect(name: &str) -> Result<Arc<Dialect>, Fault> {
    Ok(Arc::clone(profile(name)?.dialect()))
}
