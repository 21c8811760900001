//! The API over the real PCS, its banks and its books: what a merchant's server sends and gets.

mod banks;
mod desk;
mod doubt;
mod doubts;
mod errors;
mod hostile;
mod idempotency;
mod metrics;
mod offline;
mod openapi;
mod payments;
mod setup;
mod terminals;
mod webhooks;

/// Approves everything.
const GOOD: &str = "4242424242424242";
/// Insufficient funds.
const POOR: &str = "4000000000009995";
/// The bank takes the money and never answers.
const SILENT: &str = "4000000000000341";
