//! The shipped dialects, and messages in them. Card numbers are test numbers.

#![allow(dead_code)] // Each test program uses some of these.

use iso8583::{Dialect, Fields, Mti};

pub const BASE: &str = include_str!("../../../../banks/base/iso8583-1987.toml");
pub const CUPS_UPLOAD: &str = include_str!("../../../../banks/cups-pos/upload.toml");
pub const CUPS_POS: &str = include_str!("../../../../banks/cups-pos/dialect.toml");
pub const ISO87_ASCII: &str = include_str!("../../../../banks/iso87-ascii/dialect.toml");

pub const BASE_1993: &str = include_str!("../../../../banks/base/iso8583-1993.toml");
pub const ISO93_BCD: &str = include_str!("../../../../banks/iso93-bcd/dialect.toml");

pub const KNOBS: &str = include_str!("../goldens/knobs.toml");
pub const PARTS: &str = include_str!("../goldens/parts.toml");
pub const EBCDIC: &str = include_str!("../goldens/ebcdic.toml");
const PYISO8583: &str = include_str!("../goldens/pyiso8583.jsonl");

/// A message that another implementation encoded; `goldens/make.py` says which and how.
#[derive(serde::Deserialize)]
pub struct Golden {
    pub name: String,
    pub dialect: String,
    pub fields: Fields,
    wire: String,
}

impl Golden {
    pub fn all() -> Vec<Golden> {
        PYISO8583.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn wire(&self) -> Vec<u8> {
        iso8583::parse_hex(&self.wire).unwrap()
    }

    pub fn dialect(&self) -> Dialect {
        match self.dialect.as_str() {
            "cups-pos" => cups_pos(),
            "cups-pos-upload" => Dialect::from_toml(CUPS_UPLOAD, parent).unwrap(),
            "iso87-ascii" => iso87_ascii(),
            "iso93-bcd" => iso93_bcd(),
            "ebcdic" => Dialect::from_toml(EBCDIC, parent).unwrap(),
            "parts" => parts(),
            _ => knobs(),
        }
    }
}

pub fn parts() -> Dialect {
    Dialect::from_toml(PARTS, parent).unwrap()
}

pub fn knobs() -> Dialect {
    Dialect::from_toml(KNOBS, parent).unwrap()
}

pub fn parent(name: &str) -> Option<String> {
    match name {
        "iso8583-1987" => Some(BASE.to_owned()),
        "iso8583-1993" => Some(BASE_1993.to_owned()),
        "cups-pos" => Some(CUPS_POS.to_owned()),
        "iso87-ascii" => Some(ISO87_ASCII.to_owned()),
        _ => None,
    }
}

pub fn cups_pos() -> Dialect {
    Dialect::from_toml(CUPS_POS, parent).unwrap()
}

pub fn iso87_ascii() -> Dialect {
    Dialect::from_toml(ISO87_ASCII, parent).unwrap()
}

pub fn iso93_bcd() -> Dialect {
    Dialect::from_toml(ISO93_BCD, parent).unwrap()
}

pub fn fields(mti: Mti, values: &[(u8, &str)]) -> Fields {
    let mut fields = Fields::new(mti);
    for (de, text) in values {
        fields.set(*de, text).unwrap();
    }
    fields
}

/// A sale by card number and security code, as the gateway sends it.
pub fn consume_cups() -> Fields {
    fields(
        Mti::FINANCIAL_REQUEST,
        &[
            (2, "6222021234567894"),
            (3, "000000"),
            (4, "000000001250"),
            (11, "000042"),
            (14, "3012"),
            (22, "012"),
            (25, "08"),
            (41, "10000001"),
            (42, "104110041110001"),
            (48, "CV03123"),
            (49, "156"),
            (60, "22000001000"),
        ],
    )
}

/// An authorization with fields on both sides of 64.
pub fn authorization_ascii() -> Fields {
    fields(
        Mti::AUTHORIZATION_REQUEST,
        &[
            (2, "4111111111111111"),
            (3, "000000"),
            (4, "000000001250"),
            (7, "1124083000"),
            (11, "000042"),
            (12, "083000"),
            (13, "1124"),
            (14, "3012"),
            (18, "5411"),
            (22, "012"),
            (25, "59"),
            (32, "123456"),
            (37, "632808000042"),
            (41, "T0000001"),
            (42, "COFFEE"),
            (48, "CV03123EC0205"),
            (49, "978"),
            (128, "0123456789ABCDEF"),
        ],
    )
}
