//! The banks of this repository, their files embedded in the program.

use crate::profile::{BankProfile, ProfileError};

/// The names of the banks whose files are embedded.
pub const SHIPPED_BANKS: [&str; 2] = ["cups-pos", "iso87-ascii"];

/// The text of an embedded file, by its path below `banks/`.
pub fn shipped_file(path: &str) -> Option<&'static str> {
    Some(match path {
        "base/iso8583-1987.toml" => include_str!("../../../banks/base/iso8583-1987.toml"),
        "base/response-codes.toml" => include_str!("../../../banks/base/response-codes.toml"),
        "cups-pos/bank.toml" => include_str!("../../../banks/cups-pos/bank.toml"),
        "cups-pos/dialect.toml" => include_str!("../../../banks/cups-pos/dialect.toml"),
        "cups-pos/totals.toml" => include_str!("../../../banks/cups-pos/totals.toml"),
        "iso87-ascii/bank.toml" => include_str!("../../../banks/iso87-ascii/bank.toml"),
        "iso87-ascii/dialect.toml" => include_str!("../../../banks/iso87-ascii/dialect.toml"),
        _ => return None,
    })
}

/// The profile of an embedded bank.
///
/// # Errors
/// [`ProfileError`] if there is no such bank.
pub fn shipped_bank(name: &str) -> Result<BankProfile, ProfileError> {
    let Some(text) = shipped_file(&format!("{name}/bank.toml")) else {
        let rule = format!("no such bank; there are {}", SHIPPED_BANKS.join(", "));
        return Err(ProfileError { bank: name.to_owned(), key: "name".to_owned(), rule });
    };
    BankProfile::from_toml(text, |path| shipped_file(path).map(str::to_owned))
}
