//! Stories of payments: the real gateway against simulated banks, with every way in which a bank can go wrong. Each story
//! ends with the auditor, who holds the gateway's books against the bank's own totals.

mod consume;

/// Approves everything.
const GOOD: &str = "4242424242424242";
