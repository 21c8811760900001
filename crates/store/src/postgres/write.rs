//! Writes a plan: a handful of set-based statements and the COMMIT, all in one flush. Values are final. The heads are locked,
//! so nothing has changed since the plan was made.

use std::collections::HashMap;

use tokio_postgres::types::ToSql;

use super::connect::Conn;
use crate::Shard;
use crate::plan::{Plan, Said};

const HEADS: &str = "UPDATE shard_head h SET seq = n.seq, hash = n.hash, turn = n.turn + 1, batch = $5
    FROM unnest($1::int2[], $2::int8[], $3::bytea[], $4::int8[]) AS n (shard, seq, hash, turn)
    WHERE h.shard = n.shard AND h.turn = n.turn";
const JOURNAL: &str = "INSERT INTO journal (shard, seq, hash, record)
    SELECT * FROM unnest($1::int2[], $2::int8[], $3::bytea[], $4::bytea[])";
const NEW_ROWS: &str = "INSERT INTO object (shard, tab, owner, id, version, body, seq, at, len)
    SELECT * FROM unnest($1::int2[], $2::int2[], $3::bytea[], $4::bytea[], $5::int8[], $6::bytea[], $7::int8[],
        $8::int4[], $9::int4[])";
const CHANGED_ROWS: &str = "UPDATE object o SET version = n.version, body = n.body, seq = n.seq, at = n.at, len = n.len
    FROM unnest($1::int2[], $2::int2[], $3::bytea[], $4::bytea[], $5::int8[], $6::bytea[], $7::int8[], $8::int4[],
            $9::int4[])
        AS n (shard, tab, owner, id, version, body, seq, at, len)
    WHERE o.shard = n.shard AND o.tab = n.tab AND o.owner = n.owner AND o.id = n.id";
const GONE_ROWS: &str = "DELETE FROM object o USING unnest($1::int2[], $2::int2[], $3::bytea[], $4::bytea[])
        AS n (shard, tab, owner, id)
    WHERE o.shard = n.shard AND o.tab = n.tab AND o.owner = n.owner AND o.id = n.id";
const ALIASES: &str = "INSERT INTO alias (shard, space, key, tab, owner, id)
    SELECT * FROM unnest($1::int2[], $2::int2[], $3::bytea[], $4::int2[], $5::bytea[], $6::bytea[])
    ON CONFLICT (shard, space, key) DO UPDATE SET tab = excluded.tab, owner = excluded.owner, id = excluded.id";
const GONE_ALIASES: &str = "DELETE FROM alias a USING unnest($1::int2[], $2::int2[], $3::bytea[])
        AS n (shard, space, key)
    WHERE a.shard = n.shard AND a.space = n.space AND a.key = n.key";
const CLAIMS: &str = "INSERT INTO claim (shard, day, number, key, digest, subject)
    SELECT * FROM unnest($1::int2[], $2::int4[], $3::int8[], $4::bytea[], $5::bytea[], $6::bytea[])";
const ANSWERS: &str = "INSERT INTO answer (shard, day, number, status, body)
    SELECT * FROM unnest($1::int2[], $2::int4[], $3::int8[], $4::int4[], $5::bytea[])";
const BALANCES: &str = "INSERT INTO balance
        (shard, account, debits_pending, credits_pending, debits_posted, credits_posted)
    SELECT * FROM unnest($1::int2[], $2::bytea[], $3::int8[], $4::int8[], $5::int8[], $6::int8[])
    ON CONFLICT (shard, account) DO UPDATE SET debits_pending = excluded.debits_pending,
        credits_pending = excluded.credits_pending, debits_posted = excluded.debits_posted,
        credits_posted = excluded.credits_posted";
const ROLLUPS: &str = "INSERT INTO rollup (shard, owner, day, currency, metric, count, amount)
    SELECT * FROM unnest($1::int2[], $2::bytea[], $3::int4[], $4::int2[], $5::int4[], $6::int8[], $7::int8[])
    ON CONFLICT (shard, owner, day, currency, metric)
        DO UPDATE SET count = excluded.count, amount = excluded.amount";
const TASKS: &str = "INSERT INTO task (shard, kind, id, due, body)
    SELECT * FROM unnest($1::int2[], $2::int2[], $3::bytea[], $4::int8[], $5::bytea[])
    ON CONFLICT (shard, kind, id) DO UPDATE SET due = excluded.due, body = excluded.body";
const GONE_TASKS: &str =
    "DELETE FROM task t USING unnest($1::int2[], $2::int2[], $3::bytea[]) AS n (shard, kind, id)
    WHERE t.shard = n.shard AND t.kind = n.kind AND t.id = n.id";
const CURSORS: &str =
    "INSERT INTO consumer (shard, name, seq) SELECT * FROM unnest($1::int2[], $2::text[], $3::int8[])
    ON CONFLICT (shard, name) DO UPDATE SET seq = excluded.seq";
const COUNTERS: &str = "INSERT INTO counter (shard, name, number)
    SELECT * FROM unnest($1::int2[], $2::bytea[], $3::int8[])
    ON CONFLICT (shard, name) DO UPDATE SET number = excluded.number";
/// Some expired claims a batch, so that no batch is long.
const EXPIRED: &str = "WITH old AS (
        DELETE FROM claim c USING (
            SELECT k.shard, k.day, k.number FROM unnest($1::int2[], $2::int4[]) AS n (shard, day)
            JOIN claim k ON k.shard = n.shard AND k.day < n.day ORDER BY k.shard, k.day, k.number LIMIT 512) AS k
        WHERE (c.shard, c.day, c.number) = (k.shard, k.day, k.number)
        RETURNING c.shard, c.day, c.number),
    gone AS (DELETE FROM answer a USING old
        WHERE (a.shard, a.day, a.number) = (old.shard, old.day, old.number))
    SELECT count(*) FROM old";

/// As in `fetch`: prepared before the first batch.
pub(super) const ALL: &[&str] = &[
    HEADS,
    JOURNAL,
    NEW_ROWS,
    CHANGED_ROWS,
    GONE_ROWS,
    ALIASES,
    GONE_ALIASES,
    CLAIMS,
    ANSWERS,
    BALANCES,
    ROLLUPS,
    TASKS,
    GONE_TASKS,
    CURSORS,
    COUNTERS,
    EXPIRED,
];

type Written = Result<u64, tokio_postgres::Error>;

fn be(number: u128) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// A statement over columns of equal length; none when there is nothing in them.
async fn run(conn: &Conn, sql: &'static str, rows: usize, columns: &[&(dyn ToSql + Sync)]) -> Written {
    if rows == 0 {
        return Ok(0);
    }
    conn.execute(sql, columns).await
}

/// Writes and commits. Returns how many heads were moved, and how many expired claims were dropped.
pub(super) async fn write(
    conn: &Conn,
    plan: &Plan<'_>,
    turns: &HashMap<Shard, i64>,
    batch: &[u8; 16],
    expired: &[(Shard, i32)],
) -> Result<(u64, i64), tokio_postgres::Error> {
    let commit = async { conn.client.batch_execute("COMMIT").await };
    let (moved, _, _, _, _, _, _, dropped, _) = tokio::try_join!(
        biased;
        heads(conn, plan, turns, batch),
        journal(conn, plan),
        rows(conn, plan),
        aliases(conn, plan),
        claims(conn, plan),
        sums(conn, plan),
        tasks(conn, plan),
        drop_expired(conn, expired),
        commit
    )?;
    Ok((moved, dropped))
}

async fn heads(conn: &Conn, plan: &Plan<'_>, turns: &HashMap<Shard, i64>, batch: &[u8; 16]) -> Written {
    let shards: Vec<i16> = plan.heads.keys().map(|shard| shard.0 as i16).collect();
    let seqs: Vec<i64> = plan.heads.values().map(|(_, after)| after.seq as i64).collect();
    let hashes: Vec<&[u8]> = plan.heads.values().map(|(_, after)| &after.hash[..]).collect();
    let before: Vec<i64> = plan.heads.keys().map(|shard| turns.get(shard).copied().unwrap_or(-1)).collect();
    run(conn, HEADS, shards.len(), &[&shards, &seqs, &hashes, &before, &&batch[..]]).await
}

async fn journal(conn: &Conn, plan: &Plan<'_>) -> Written {
    let shards: Vec<i16> = plan.records.iter().map(|record| record.shard.0 as i16).collect();
    let seqs: Vec<i64> = plan.records.iter().map(|record| record.seq as i64).collect();
    let hashes: Vec<&[u8]> = plan.records.iter().map(|record| &record.hash[..]).collect();
    let records: Vec<&[u8]> = plan.records.iter().map(|record| &record.bytes[..]).collect();
    run(conn, JOURNAL, shards.len(), &[&shards, &seqs, &hashes, &records]).await
}

/// Names and contents of rows, column by column.
#[derive(Default)]
struct Rows<'a> {
    shards: Vec<i16>,
    tables: Vec<i16>,
    owners: Vec<Vec<u8>>,
    ids: Vec<Vec<u8>>,
    versions: Vec<i64>,
    bodies: Vec<Option<&'a [u8]>>,
    seqs: Vec<Option<i64>>,
    places: Vec<Option<i32>>,
    lengths: Vec<Option<i32>>,
}

impl<'a> Rows<'a> {
    /// Adds what a row says, or where that is told.
    fn push(&mut self, said: Said<'a>) {
        let (body, told) = match said {
            Said::Own(bytes) => (Some(bytes), None),
            Said::InJournal { seq, at, len } => (None, Some((seq as i64, at as i32, len as i32))),
        };
        self.bodies.push(body);
        self.seqs.push(told.map(|(seq, _, _)| seq));
        self.places.push(told.map(|(_, at, _)| at));
        self.lengths.push(told.map(|(_, _, len)| len));
    }
}

async fn rows(conn: &Conn, plan: &Plan<'_>) -> Result<(), tokio_postgres::Error> {
    let (mut new, mut changed, mut gone) = (Rows::default(), Rows::default(), Rows::default());
    for ((shard, key), row) in &plan.rows {
        let group = match (row.was, row.now) {
            (None, Some(_)) => &mut new,
            (Some(_), Some(_)) => &mut changed,
            (Some(_), None) => &mut gone,
            // Made and deleted within the batch.
            (None, None) => continue,
        };
        group.shards.push(shard.0 as i16);
        group.tables.push(key.table as i16);
        group.owners.push(be(key.owner));
        group.ids.push(be(key.id));
        if let Some((version, said)) = row.now {
            group.versions.push(version.into());
            group.push(said);
        }
    }
    let all = |rows: &Rows<'_>| rows.shards.len();
    let (n, c, g) = (&new, &changed, &gone);
    let (inserts, updates, deletes): (Columns<'_>, Columns<'_>, Columns<'_>) = (
        &[&n.shards, &n.tables, &n.owners, &n.ids, &n.versions, &n.bodies, &n.seqs, &n.places, &n.lengths],
        &[&c.shards, &c.tables, &c.owners, &c.ids, &c.versions, &c.bodies, &c.seqs, &c.places, &c.lengths],
        &[&g.shards, &g.tables, &g.owners, &g.ids],
    );
    tokio::try_join!(
        biased;
        run(conn, NEW_ROWS, all(n), inserts),
        run(conn, CHANGED_ROWS, all(c), updates),
        run(conn, GONE_ROWS, all(g), deletes)
    )
    .map(drop)
}

type Columns<'a> = &'a [&'a (dyn ToSql + Sync)];

async fn aliases(conn: &Conn, plan: &Plan<'_>) -> Result<(), tokio_postgres::Error> {
    let (mut shards, mut spaces, mut keys) = (Vec::new(), Vec::new(), Vec::<&[u8]>::new());
    let (mut tables, mut owners, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gone_shards, mut gone_spaces, mut gone_keys) = (Vec::new(), Vec::new(), Vec::<&[u8]>::new());
    for ((shard, space, key), target) in &plan.aliases {
        match target {
            Some(to) => {
                shards.push(shard.0 as i16);
                spaces.push(i16::from(*space));
                keys.push(key);
                tables.push(to.table as i16);
                owners.push(be(to.owner));
                ids.push(be(to.id));
            }
            None => {
                gone_shards.push(shard.0 as i16);
                gone_spaces.push(i16::from(*space));
                gone_keys.push(key);
            }
        }
    }
    let puts: Columns<'_> = &[&shards, &spaces, &keys, &tables, &owners, &ids];
    let deletes: Columns<'_> = &[&gone_shards, &gone_spaces, &gone_keys];
    tokio::try_join!(
        biased;
        run(conn, ALIASES, shards.len(), puts),
        run(conn, GONE_ALIASES, gone_shards.len(), deletes)
    )
    .map(drop)
}

async fn claims(conn: &Conn, plan: &Plan<'_>) -> Result<(), tokio_postgres::Error> {
    let shards: Vec<i16> = plan.claims.keys().map(|(shard, _)| shard.0 as i16).collect();
    let days: Vec<i32> = plan.claims.keys().map(|(_, place)| place.day).collect();
    let numbers: Vec<i64> = plan.claims.keys().map(|(_, place)| place.number.into()).collect();
    let keys: Vec<&[u8]> = plan.claims.values().map(|new| &new.claim.key[..]).collect();
    let digests: Vec<&[u8]> = plan.claims.values().map(|new| &new.claim.digest[..]).collect();
    let subjects: Vec<Vec<u8>> = plan.claims.values().map(|new| be(new.claim.subject)).collect();

    let at_once = plan.claims.iter().filter_map(|(name, new)| new.answer.map(|answer| (name, answer)));
    let given: Vec<_> = at_once.chain(plan.answers.iter().map(|(name, answer)| (name, *answer))).collect();
    let answered_shards: Vec<i16> = given.iter().map(|((shard, _), _)| shard.0 as i16).collect();
    let answered_days: Vec<i32> = given.iter().map(|((_, place), _)| place.day).collect();
    let answered: Vec<i64> = given.iter().map(|((_, place), _)| place.number.into()).collect();
    let statuses: Vec<i32> = given.iter().map(|(_, answer)| answer.status.into()).collect();
    let bodies: Vec<&[u8]> = given.iter().map(|(_, answer)| &answer.body[..]).collect();
    let claimed: Columns<'_> = &[&shards, &days, &numbers, &keys, &digests, &subjects];
    let answers: Columns<'_> = &[&answered_shards, &answered_days, &answered, &statuses, &bodies];
    tokio::try_join!(
        biased;
        run(conn, CLAIMS, shards.len(), claimed),
        run(conn, ANSWERS, given.len(), answers)
    )
    .map(drop)
}

async fn sums(conn: &Conn, plan: &Plan<'_>) -> Result<(), tokio_postgres::Error> {
    let shards: Vec<i16> = plan.balances.keys().map(|(shard, _)| shard.0 as i16).collect();
    let accounts: Vec<Vec<u8>> =
        plan.balances.keys().map(|(_, account)| account.to_bytes().to_vec()).collect();
    let column = |of: fn(&ledger::Balance) -> i64| plan.balances.values().map(of).collect::<Vec<i64>>();
    let (debits_pending, credits_pending) = (column(|b| b.debits_pending), column(|b| b.credits_pending));
    let (debits_posted, credits_posted) = (column(|b| b.debits_posted), column(|b| b.credits_posted));

    let counted: Vec<i16> = plan.counts.keys().map(|(shard, _)| shard.0 as i16).collect();
    let owners: Vec<Vec<u8>> = plan.counts.keys().map(|(_, key)| be(key.owner)).collect();
    let days: Vec<i32> = plan.counts.keys().map(|(_, key)| key.day).collect();
    let currencies: Vec<i16> = plan.counts.keys().map(|(_, key)| key.currency.numeric() as i16).collect();
    let metrics: Vec<i32> = plan.counts.keys().map(|(_, key)| key.metric.into()).collect();
    let counts: Vec<i64> = plan.counts.values().map(|(count, _)| *count).collect();
    let amounts: Vec<i64> = plan.counts.values().map(|(_, amount)| *amount).collect();
    let balances: Columns<'_> =
        &[&shards, &accounts, &debits_pending, &credits_pending, &debits_posted, &credits_posted];
    let rollups: Columns<'_> = &[&counted, &owners, &days, &currencies, &metrics, &counts, &amounts];
    tokio::try_join!(
        biased;
        run(conn, BALANCES, shards.len(), balances),
        run(conn, ROLLUPS, counted.len(), rollups)
    )
    .map(drop)
}

async fn tasks(conn: &Conn, plan: &Plan<'_>) -> Result<(), tokio_postgres::Error> {
    let (mut shards, mut kinds, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let (mut dues, mut bodies) = (Vec::new(), Vec::<&[u8]>::new());
    let (mut gone_shards, mut gone_kinds, mut gone_ids) = (Vec::new(), Vec::new(), Vec::new());
    for ((shard, kind, id), task) in &plan.tasks {
        match task {
            Some((due, body)) => {
                shards.push(shard.0 as i16);
                kinds.push(i16::from(*kind));
                ids.push(be(*id));
                dues.push(due.ms());
                bodies.push(body);
            }
            None => {
                gone_shards.push(shard.0 as i16);
                gone_kinds.push(i16::from(*kind));
                gone_ids.push(be(*id));
            }
        }
    }
    let cursor_shards: Vec<i16> = plan.cursors.keys().map(|(shard, _)| shard.0 as i16).collect();
    let consumers: Vec<&str> = plan.cursors.keys().map(|(_, name)| *name).collect();
    let seqs: Vec<i64> = plan.cursors.values().map(|seq| *seq as i64).collect();
    let counter_shards: Vec<i16> = plan.counters.keys().map(|(shard, _)| shard.0 as i16).collect();
    let counters: Vec<&[u8]> = plan.counters.keys().map(|(_, name)| &name[..]).collect();
    let numbers: Vec<i64> = plan.counters.values().map(|number| *number as i64).collect();
    let puts: Columns<'_> = &[&shards, &kinds, &ids, &dues, &bodies];
    let deletes: Columns<'_> = &[&gone_shards, &gone_kinds, &gone_ids];
    let cursors: Columns<'_> = &[&cursor_shards, &consumers, &seqs];
    let counted: Columns<'_> = &[&counter_shards, &counters, &numbers];
    tokio::try_join!(
        biased;
        run(conn, TASKS, shards.len(), puts),
        run(conn, GONE_TASKS, gone_shards.len(), deletes),
        run(conn, CURSORS, consumers.len(), cursors),
        run(conn, COUNTERS, counters.len(), counted)
    )
    .map(drop)
}

async fn drop_expired(conn: &Conn, expired: &[(Shard, i32)]) -> Result<i64, tokio_postgres::Error> {
    if expired.is_empty() {
        return Ok(0);
    }
    let shards: Vec<i16> = expired.iter().map(|(shard, _)| shard.0 as i16).collect();
    let days: Vec<i32> = expired.iter().map(|(_, day)| *day).collect();
    let rows = conn.query(EXPIRED, &[&shards, &days]).await?;
    rows.first().map_or(Ok(0), |row| row.try_get(0))
}
