-- Rows lie in the order in which they came, so that a batch writes a page or two of them and not one for each merchant; a row
-- whose change is told in the journal says where, and holds no second copy. Lists by owner are folded beside the store.

-- How many rows each shard has ever had: the number of the next one.
ALTER TABLE shard_head ADD COLUMN objects INTEGER NOT NULL DEFAULT 0;

CREATE TABLE object_in_order (
    num     INTEGER PRIMARY KEY,                          -- shard * 2^48 + place, from 1
    shard   INTEGER NOT NULL,
    tab     INTEGER NOT NULL,
    owner   BLOB NOT NULL CHECK (length(owner) = 16),
    id      BLOB NOT NULL CHECK (length(id) = 16),
    version INTEGER NOT NULL,
    body    BLOB,                                         -- what the row says, or else:
    record  INTEGER,                                      -- the id of a journal record,
    at      INTEGER,                                      -- where in it, from 0,
    len     INTEGER,                                      -- and how many bytes
    CHECK ((body IS NULL) = (record IS NOT NULL AND at IS NOT NULL AND len IS NOT NULL))
) STRICT;

INSERT INTO object_in_order (num, shard, tab, owner, id, version, body)
    SELECT shard * 281474976710656 + row_number() OVER (PARTITION BY shard ORDER BY tab, id, owner),
           shard, tab, owner, id, version, body
    FROM object;
DROP TABLE object;
ALTER TABLE object_in_order RENAME TO object;
-- Numbers made later sort later, so this index grows at its end.
CREATE UNIQUE INDEX object_by_id ON object (shard, tab, id, owner);
UPDATE shard_head SET objects = (SELECT count(*) FROM object WHERE object.shard = shard_head.shard);
