-- What is folded from the journal, in a file of its own that may be deleted while the store is closed: it is made anew.

-- How far the fold has come, and the link of the chain there, so that a fold of another journal is noticed.
CREATE TABLE folded (
    shard INTEGER PRIMARY KEY,
    seq   INTEGER NOT NULL,
    hash  BLOB NOT NULL
) STRICT;

-- The records about each object.
CREATE TABLE history (
    shard   INTEGER NOT NULL,
    subject BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (shard, subject, seq)
) STRICT, WITHOUT ROWID;

-- Account statements, each leg with the balance after it. flags = side + 2 * movement, as in the journal.
CREATE TABLE posting (
    shard           INTEGER NOT NULL,
    account         BLOB NOT NULL,
    seq             INTEGER NOT NULL,
    leg             INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    subject         BLOB NOT NULL,
    flags           INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    debits_pending  INTEGER NOT NULL,
    credits_pending INTEGER NOT NULL,
    debits_posted   INTEGER NOT NULL,
    credits_posted  INTEGER NOT NULL,
    PRIMARY KEY (shard, account, seq, leg)
) STRICT, WITHOUT ROWID;
