//! A table-driven ISO 8583 codec: dialects are data, decoding borrows and never allocates.
//!
//! | file                      | what it does                                                        |
//! |---------------------------|---------------------------------------------------------------------|
//! | `document`, `compile`     | a dialect's TOML text becomes a flat table, or an error with a path |
//! | `decode`, `message`       | bytes become a borrowed [`Message`]; no heap, no guess              |
//! | `fields`, `encode`, `mac` | the owned [`Fields`] become bytes, with or without a MAC            |
//! | `rules`                   | which fields each message type must, may and must not carry         |
//! | `composite`, `compose`    | fields made of parts: taken apart and put together                  |
//! | `describe`, `mask`        | what people may see of a message: never a card number               |
//! | `doctor`, `form`          | which dialect bytes are in, or why they are no message              |
//! | `diff`, `redact`          | in what two messages differ, a copy that may be passed on           |
//!
//! A message is everything from its message type identifier to its last field. Length prefixes, TPDUs and
//! application headers belong to the link that carries it, and so does the arithmetic of a MAC.
//!
//! # Example
//! ```
//! use iso8583::{Dialect, Fields, Mti};
//!
//! let text = r#"
//!     name = "echo-only"
//!     mti = "ascii"
//!     bitmap = "hex"
//!     [field.11]
//!     name = "Systems trace audit number"
//!     class = "n"
//!     fixed = 6
//!     encoding = "ascii"
//!     sensitive = "none"
//! "#;
//! let dialect = Dialect::from_toml(text, |_| None)?;
//! let request = Fields::new(Mti::NETWORK_REQUEST).with(11, "000042")?;
//!
//! let mut wire = Vec::new();
//! dialect.encode(&request, &mut wire)?;
//! assert_eq!(wire, b"08000020000000000000000042");
//!
//! let message = dialect.decode(&wire)?;
//! assert!(message.get(11).is_some_and(|stan| stan.eq_text("000042")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod bitmap;
mod class;
mod class_set;
mod compile;
mod compile_length;
mod compile_parts;
mod compile_rules;
mod compose;
mod composite;
mod condition;
mod content_error;
mod decode;
mod decode_error;
mod describe;
mod dialect;
mod dialect_error;
mod diff;
mod doctor;
mod document;
mod ebcdic;
mod encode;
mod encode_error;
mod fields;
mod fields_serde;
mod form;
mod hex;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod laws_of_tools;
mod layout;
mod mac;
mod mask;
mod message;
mod mti;
mod path;
mod quick;
mod raw;
mod read_field;
mod redact;
mod rules;
mod text;
mod value;

pub use bitmap::{FieldSet, FieldSetIter};
pub use class::Class;
pub use decode_error::{DecodeError, DecodeErrorKind};
pub use dialect::Dialect;
pub use dialect_error::{DialectError, DialectErrorKind};
pub use diff::{Difference, DifferenceKind};
pub use doctor::{Cause, Diagnosis, Fit, Head, Script, Writing, diagnose};
pub use encode_error::{EncodeError, EncodeErrorKind};
pub use fields::{Fields, FieldsError};
pub use hex::{HexError, parse_hex};
pub use mac::MacEncodeError;
pub use mask::Sensitivity;
pub use message::Message;
pub use mti::{Mti, MtiError};
pub use path::{FieldPath, PathError};
pub use rules::{Violation, ViolationKind};
pub use text::Text;
pub use value::Value;
