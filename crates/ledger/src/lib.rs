//! Chart of accounts, entries and balances of double entry.
