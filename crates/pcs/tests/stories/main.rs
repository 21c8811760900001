//! Stories of payments: the real gateway against simulated banks, with every way in which a bank can go wrong. Each story
//! ends with the auditor, who holds the gateway's books against the bank's own totals.

mod adjust;
mod authorize;
mod bank_day;
mod batch_upload;
mod checkout;
mod closed_batch;
mod consume;
mod crash;
mod doubt;
mod gated;
mod hour;
mod increment;
mod keys;
mod limits;
mod offline;
mod operator;
mod overload;
mod parameters;
mod pin;
mod races;
mod refund;
mod routing;
mod slow_journal;
mod terminal;
mod told;
mod void;
mod wallet;

/// Approves everything.
const GOOD: &str = "4242424242424242";
/// The bank takes the money and never answers.
const SILENT: &str = "4000000000000341";
