//! The pages people see: the hosted checkout and a demo shop.
//!
//! Server-rendered, embedded in the binary, one style sheet, one script, nothing of anybody else. Whatever takes money
//! works without the script; passkeys need it by their nature. Card fields live in one document, ours, and what is typed
//! into them is wiped from memory and shown to nobody again.

pub mod amount;
pub mod assets;
pub mod checkout;
pub mod form;
pub mod headers;
pub mod locale;
pub mod page;
pub mod shop;
pub mod text;

pub use locale::Locale;
