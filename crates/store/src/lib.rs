//! The only SQL: units of work, group commit, the hash-chained journal.
