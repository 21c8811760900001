//! The banks of this repository, their files embedded in the program.

use iso8583::{Dialect, DialectError};

use crate::profile::{BankProfile, ProfileError};

/// The names of the banks whose files are embedded.
pub const SHIPPED_BANKS: [&str; 3] = ["cups-pos", "iso87-ascii", "iso93-bcd"];

/// The names of the dialects whose files are embedded, each of them a bank's.
pub const SHIPPED_DIALECTS: [&str; 3] = ["cups-pos", "iso87-ascii", "iso93-bcd"];

/// The text of an embedded file, by its path below `banks/`.
pub fn shipped_file(path: &str) -> Option<&'static str> {
    Some(match path {
        "base/iso8583-1987.toml" => include_str!("../../../banks/base/iso8583-1987.toml"),
        "base/response-codes.toml" => include_str!("../../../banks/base/response-codes.toml"),
        "base/action-codes.toml" => include_str!("../../../banks/base/action-codes.toml"),
        "base/iso8583-1993.toml" => include_str!("../../../banks/base/iso8583-1993.toml"),
        "cups-pos/bank.toml" => include_str!("../../../banks/cups-pos/bank.toml"),
        "cups-pos/dialect.toml" => include_str!("../../../banks/cups-pos/dialect.toml"),
        "cups-pos/totals.toml" => include_str!("../../../banks/cups-pos/totals.toml"),
        "cups-pos/upload.toml" => include_str!("../../../banks/cups-pos/upload.toml"),
        "iso87-ascii/bank.toml" => include_str!("../../../banks/iso87-ascii/bank.toml"),
        "iso87-ascii/dialect.toml" => include_str!("../../../banks/iso87-ascii/dialect.toml"),
        "iso93-bcd/bank.toml" => include_str!("../../../banks/iso93-bcd/bank.toml"),
        "iso93-bcd/dialect.toml" => include_str!("../../../banks/iso93-bcd/dialect.toml"),
        _ => return None,
    })
}

/// An embedded dialect, compiled; `None` if there is none of this name.
///
/// # Errors
/// [`DialectError`] if its document has a mistake, which the tests exclude.
pub fn shipped_dialect(name: &str) -> Option<Result<Dialect, DialectError>> {
    let text = shipped_file(&format!("{name}/dialect.toml"))?;
    Some(Dialect::from_toml(text, |base| shipped_file(&format!("base/{base}.toml")).map(str::to_owned)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_compiles_under_its_name() {
        for name in SHIPPED_DIALECTS {
            assert_eq!(shipped_dialect(name).unwrap().unwrap().name(), name);
        }
        assert!(SHIPPED_BANKS.iter().all(|bank| SHIPPED_DIALECTS.contains(bank)));
        assert!(shipped_dialect("nobody").is_none());
    }
}
