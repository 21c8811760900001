-- The store on SQLite. Integers are signed 64-bit; numbers of 128 bits and hashes are big-endian blobs.
-- Every key starts with the shard.

-- How the store was made; one row.
CREATE TABLE store (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    shards INTEGER NOT NULL
) STRICT;

-- The end of each shard's journal, advanced by compare-and-set. A process that takes a shard over adds 1 to the epoch.
CREATE TABLE shard_head (
    shard INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    hash  BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- The journal; id = shard * 2^48 + sequence number. Never changed, never deleted.
CREATE TABLE journal (
    id     INTEGER PRIMARY KEY,
    hash   BLOB NOT NULL CHECK (length(hash) = 32),
    record BLOB NOT NULL
) STRICT;

-- Current rows, clustered by owner and number, so that a merchant's list needs no second index.
CREATE TABLE object (
    shard   INTEGER NOT NULL,
    tab     INTEGER NOT NULL,
    owner   BLOB NOT NULL CHECK (length(owner) = 16),
    id      BLOB NOT NULL CHECK (length(id) = 16),
    version INTEGER NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (shard, tab, owner, id)
) STRICT, WITHOUT ROWID;

-- Unique second keys.
CREATE TABLE alias (
    shard INTEGER NOT NULL,
    space INTEGER NOT NULL,
    key   BLOB NOT NULL CHECK (length(key) = 16),
    tab   INTEGER NOT NULL,
    owner BLOB NOT NULL CHECK (length(owner) = 16),
    id    BLOB NOT NULL CHECK (length(id) = 16),
    PRIMARY KEY (shard, space, key)
) STRICT, WITHOUT ROWID;

-- Idempotency keys in the order of their claims, in buckets of a day. There is no index on the key: the process keeps
-- one in memory, made from this table when it starts.
CREATE TABLE claim (
    shard   INTEGER NOT NULL,
    day     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    key     BLOB NOT NULL CHECK (length(key) = 16),
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    PRIMARY KEY (shard, day, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    shard  INTEGER NOT NULL,
    day    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    status INTEGER NOT NULL,
    body   BLOB NOT NULL,
    PRIMARY KEY (shard, day, number)
) STRICT, WITHOUT ROWID;

-- The four counters of each account.
CREATE TABLE balance (
    shard           INTEGER NOT NULL,
    account         BLOB NOT NULL CHECK (length(account) = 21),
    debits_pending  INTEGER NOT NULL CHECK (debits_pending >= 0),
    credits_pending INTEGER NOT NULL CHECK (credits_pending >= 0),
    debits_posted   INTEGER NOT NULL CHECK (debits_posted >= 0),
    credits_posted  INTEGER NOT NULL CHECK (credits_posted >= 0),
    PRIMARY KEY (shard, account)
) STRICT, WITHOUT ROWID;

-- Statistics by day (days since 1970-01-01, UTC); currency is the ISO 4217 number.
CREATE TABLE rollup (
    shard    INTEGER NOT NULL,
    owner    BLOB NOT NULL CHECK (length(owner) = 16),
    day      INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    metric   INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    PRIMARY KEY (shard, owner, day, currency, metric)
) STRICT, WITHOUT ROWID;

-- What must still be done; due in milliseconds since 1970.
CREATE TABLE task (
    shard INTEGER NOT NULL,
    kind  INTEGER NOT NULL,
    id    BLOB NOT NULL CHECK (length(id) = 16),
    due   INTEGER NOT NULL,
    body  BLOB NOT NULL,
    PRIMARY KEY (shard, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_by_due ON task (kind, due, shard, id);

-- How far each consumer of the journal has come.
CREATE TABLE consumer (
    shard INTEGER NOT NULL,
    name  TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (shard, name)
) STRICT, WITHOUT ROWID;

-- The next number of each counter.
CREATE TABLE counter (
    shard  INTEGER NOT NULL,
    name   BLOB NOT NULL CHECK (length(name) = 16),
    number INTEGER NOT NULL,
    PRIMARY KEY (shard, name)
) STRICT, WITHOUT ROWID;
