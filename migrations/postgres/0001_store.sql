-- The store on PostgreSQL 15 and newer. Integers are signed; numbers of 128 bits and hashes are big-endian bytes, which sort
-- as numbers do. Every key starts with the shard, and no statement of a commit touches two.
-- No foreign keys, triggers, sequences or functions: what they would hold is held by the rules above this file, and each of
-- them costs on the hot path or closes the door to PostgreSQL-compatible services.

-- The end of each shard's journal. Whoever writes locks its row, and every commit advances turn by compare-and-set, also one
-- that adds no record. batch is the random number of the last commit: a writer that lost its connection in the middle of a
-- COMMIT finds out by it. epoch only counts how often a process has opened the store.
CREATE TABLE shard_head (
    shard smallint PRIMARY KEY,
    epoch bigint NOT NULL,
    turn  bigint NOT NULL,
    seq   bigint NOT NULL,
    hash  bytea  NOT NULL CHECK (length(hash) = 32),
    batch bytea  NOT NULL CHECK (length(batch) = 16)
) WITH (fillfactor = 10);

-- The journal. Never changed, never deleted.
CREATE TABLE journal (
    shard  smallint NOT NULL,
    seq    bigint   NOT NULL,
    hash   bytea    NOT NULL CHECK (length(hash) = 32),
    record bytea    NOT NULL,
    PRIMARY KEY (shard, seq)
);

-- Current rows. No index but the key, so that a new version of a row stays on its page.
CREATE TABLE object (
    shard   smallint NOT NULL,
    tab     smallint NOT NULL,
    owner   bytea    NOT NULL CHECK (length(owner) = 16),
    id      bytea    NOT NULL CHECK (length(id) = 16),
    version bigint   NOT NULL,
    body    bytea    NOT NULL,
    PRIMARY KEY (shard, tab, owner, id)
) WITH (fillfactor = 60);

-- Unique second keys.
CREATE TABLE alias (
    shard smallint NOT NULL,
    space smallint NOT NULL,
    key   bytea    NOT NULL CHECK (length(key) = 16),
    tab   smallint NOT NULL,
    owner bytea    NOT NULL CHECK (length(owner) = 16),
    id    bytea    NOT NULL CHECK (length(id) = 16),
    PRIMARY KEY (shard, space, key)
);

-- Idempotency keys in the order of their claims, in buckets of a day, and where each is found.
CREATE TABLE claim (
    shard   smallint NOT NULL,
    day     integer  NOT NULL,
    number  bigint   NOT NULL,
    key     bytea    NOT NULL CHECK (length(key) = 16),
    digest  bytea    NOT NULL CHECK (length(digest) = 32),
    subject bytea    NOT NULL CHECK (length(subject) = 16),
    PRIMARY KEY (shard, day, number)
);
CREATE INDEX claim_by_key ON claim (shard, key);

CREATE TABLE answer (
    shard  smallint NOT NULL,
    day    integer  NOT NULL,
    number bigint   NOT NULL,
    status integer  NOT NULL,
    body   bytea    NOT NULL,
    PRIMARY KEY (shard, day, number)
);

-- The four counters of each account.
CREATE TABLE balance (
    shard           smallint NOT NULL,
    account         bytea    NOT NULL CHECK (length(account) = 21),
    debits_pending  bigint   NOT NULL CHECK (debits_pending >= 0),
    credits_pending bigint   NOT NULL CHECK (credits_pending >= 0),
    debits_posted   bigint   NOT NULL CHECK (debits_posted >= 0),
    credits_posted  bigint   NOT NULL CHECK (credits_posted >= 0),
    PRIMARY KEY (shard, account)
) WITH (fillfactor = 50);

-- Statistics by day (days since 1970-01-01, UTC); currency is the ISO 4217 number.
CREATE TABLE rollup (
    shard    smallint NOT NULL,
    owner    bytea    NOT NULL CHECK (length(owner) = 16),
    day      integer  NOT NULL,
    currency smallint NOT NULL,
    metric   integer  NOT NULL,
    count    bigint   NOT NULL,
    amount   bigint   NOT NULL,
    PRIMARY KEY (shard, owner, day, currency, metric)
) WITH (fillfactor = 50);

-- What must still be done; due in milliseconds since 1970.
CREATE TABLE task (
    shard smallint NOT NULL,
    kind  smallint NOT NULL,
    id    bytea    NOT NULL CHECK (length(id) = 16),
    due   bigint   NOT NULL,
    body  bytea    NOT NULL,
    PRIMARY KEY (shard, kind, id)
);
CREATE INDEX task_by_due ON task (kind, due, shard, id);

-- How far each consumer of the journal has come.
CREATE TABLE consumer (
    shard smallint NOT NULL,
    name  text     NOT NULL,
    seq   bigint   NOT NULL,
    PRIMARY KEY (shard, name)
) WITH (fillfactor = 50);

-- The next number of each counter.
CREATE TABLE counter (
    shard  smallint NOT NULL,
    name   bytea    NOT NULL CHECK (length(name) = 16),
    number bigint   NOT NULL,
    PRIMARY KEY (shard, name)
) WITH (fillfactor = 50);

-- What is folded from the journal when somebody reads it. May be emptied (all three): it is made anew.

-- How far the fold has come, and the link of the chain there.
CREATE TABLE folded (
    shard smallint PRIMARY KEY,
    seq   bigint   NOT NULL,
    hash  bytea    NOT NULL
);

-- The records about each object.
CREATE TABLE history (
    shard   smallint NOT NULL,
    subject bytea    NOT NULL,
    seq     bigint   NOT NULL,
    PRIMARY KEY (shard, subject, seq)
);

-- Account statements, each leg with the balance after it. flags = side + 2 * movement, as in the journal.
CREATE TABLE posting (
    shard           smallint NOT NULL,
    account         bytea    NOT NULL,
    seq             bigint   NOT NULL,
    leg             integer  NOT NULL,
    at              bigint   NOT NULL,
    kind            integer  NOT NULL,
    subject         bytea    NOT NULL,
    flags           smallint NOT NULL,
    amount          bigint   NOT NULL,
    debits_pending  bigint   NOT NULL,
    credits_pending bigint   NOT NULL,
    debits_posted   bigint   NOT NULL,
    credits_posted  bigint   NOT NULL,
    PRIMARY KEY (shard, account, seq, leg)
);
