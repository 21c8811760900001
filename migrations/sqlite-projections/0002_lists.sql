-- Rows by owner, newest last, so that a merchant's list is one stretch. A row that is gone stays listed and is passed over.
CREATE TABLE listed (
    shard INTEGER NOT NULL,
    tab   INTEGER NOT NULL,
    owner BLOB NOT NULL,
    id    BLOB NOT NULL,
    PRIMARY KEY (shard, tab, owner, id)
) STRICT, WITHOUT ROWID;

-- How many of each shard's rows are listed, in the order in which they came.
CREATE TABLE listed_to (
    shard INTEGER PRIMARY KEY,
    num   INTEGER NOT NULL
) STRICT;
