-- A row whose change is told in the journal says where (the record of its shard, where in it, how many bytes) and holds no
-- second copy. A process that does not know this cannot read such a row: stop all of the build before first.
ALTER TABLE object
    ALTER COLUMN body DROP NOT NULL,
    ADD COLUMN seq bigint,
    ADD COLUMN at  integer,
    ADD COLUMN len integer,
    ADD CHECK ((body IS NULL) = (seq IS NOT NULL AND at IS NOT NULL AND len IS NOT NULL));
-- A record of a few kilobytes stays with its row as it is: trying to compress it costs more than it saves.
ALTER TABLE journal SET (toast_tuple_target = 8160);
