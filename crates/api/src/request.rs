//! What a request brings: who calls, the body by its fields, the query, the idempotency key. Everything that can be
//! checked without the gateway's data is checked here.

pub(crate) mod card_data;
pub(crate) mod fields;
pub mod idempotency;
pub mod json;
pub(crate) mod query;
pub(crate) mod text;

mod call;

pub(crate) use call::{Call, Operator};
pub(crate) use fields::{Fields, FromFields};
pub(crate) use text::TextRule;
