//! What the rules must know of the database, fetched for a whole batch at once.

use std::collections::{BTreeSet, HashMap};

use ledger::{AccountId, Balance};

use super::columns::{
    account, at, balance, bytes, currency, head, row_key, small, small2, small4, u64_at, u128_at,
};
use super::connect::Conn;
use super::engine::Failed;
use crate::plan::{Base, ClaimPlace, Claimed, CountKey, Plan, day_of};
use crate::{Answer, Head, RowKey, Shard, StoreError, Unit};

type Key = [u8; 16];

/// How many balances or statistics of a shard are remembered; then all are forgotten.
const MOST: usize = 100_000;

pub(super) const LOCK: &str = "SELECT shard, epoch, seq, hash, turn FROM shard_head
    WHERE shard = ANY($1::int2[]) ORDER BY shard FOR UPDATE";
const VERSIONS: &str = "SELECT o.shard, o.tab, o.owner, o.id, o.version
    FROM unnest($1::int2[], $2::int2[], $3::bytea[], $4::bytea[]) AS n (shard, tab, owner, id)
    JOIN object o USING (shard, tab, owner, id)";
const ALIASES: &str = "SELECT a.shard, a.space, a.key, a.tab, a.owner, a.id
    FROM unnest($1::int2[], $2::int2[], $3::bytea[]) AS n (shard, space, key) JOIN alias a USING (shard, space, key)";
const CLAIMS: &str = "SELECT c.shard, c.key, c.day, c.number, c.digest, c.subject, a.status, a.body
    FROM unnest($1::int2[], $2::bytea[]) AS n (shard, key) JOIN claim c USING (shard, key)
    LEFT JOIN answer a ON (a.shard, a.day, a.number) = (c.shard, c.day, c.number)";
const NEXT_CLAIMS: &str = "SELECT n.shard, n.day, coalesce((SELECT c.number + 1 FROM claim c
        WHERE c.shard = n.shard AND c.day = n.day ORDER BY c.number DESC LIMIT 1), 0)
    FROM unnest($1::int2[], $2::int4[]) AS n (shard, day)";
const BALANCES: &str =
    "SELECT b.shard, b.account, b.debits_pending, b.credits_pending, b.debits_posted, b.credits_posted
    FROM unnest($1::int2[], $2::bytea[]) AS n (shard, account) JOIN balance b USING (shard, account)";
const COUNTS: &str = "SELECT r.shard, r.owner, r.day, r.currency, r.metric, r.count, r.amount
    FROM unnest($1::int2[], $2::bytea[], $3::int4[], $4::int2[], $5::int4[]) AS n (shard, owner, day, currency, metric)
    JOIN rollup r USING (shard, owner, day, currency, metric)";
const CURSORS: &str = "SELECT c.shard, c.name, c.seq FROM unnest($1::int2[], $2::text[]) AS n (shard, name)
    JOIN consumer c USING (shard, name)";
const COUNTERS: &str =
    "SELECT c.shard, c.name, c.number FROM unnest($1::int2[], $2::bytea[]) AS n (shard, name)
    JOIN counter c USING (shard, name)";

/// Statements that a writer's session prepares before its first batch: what is pipelined must keep its order.
pub(super) const ALL: &[&str] =
    &[LOCK, VERSIONS, ALIASES, CLAIMS, NEXT_CLAIMS, BALANCES, COUNTS, CURSORS, COUNTERS];

/// What the writer remembers of a shard, good for one turn.
#[derive(Default)]
pub(super) struct Remembered {
    turn: i64,
    balances: HashMap<AccountId, Balance>,
    counts: HashMap<CountKey, (i64, i64)>,
    next_claims: HashMap<i32, u32>,
}

/// What a batch names.
#[derive(Default)]
struct Names<'a> {
    shards: BTreeSet<Shard>,
    rows: BTreeSet<(Shard, RowKey)>,
    aliases: BTreeSet<(Shard, u8, Key)>,
    claims: BTreeSet<(Shard, Key)>,
    days: BTreeSet<(Shard, i32)>,
    accounts: BTreeSet<(Shard, AccountId)>,
    counts: BTreeSet<(Shard, CountKey)>,
    cursors: BTreeSet<(Shard, &'a str)>,
    counters: BTreeSet<(Shard, Key)>,
}

impl<'a> Names<'a> {
    fn of(batch: &'a [Unit], shards: u16) -> Self {
        let mut names = Self::default();
        // A unit of a shard that does not exist is refused by its shape.
        for unit in batch.iter().filter(|unit| unit.shard.0 < shards) {
            let shard = unit.shard;
            names.shards.insert(shard);
            names.rows.extend(unit.rows.iter().map(|row| (shard, row.key)));
            names.aliases.extend(unit.aliases.iter().map(|alias| (shard, alias.space, alias.key)));
            names.claims.extend(unit.claim.iter().map(|claim| (shard, claim.key)));
            names.claims.extend(unit.answer.iter().map(|answer| (shard, answer.key)));
            names.days.extend(unit.claim.iter().map(|_| (shard, day_of(unit.at))));
            let entries = unit.records.iter().filter_map(|record| record.legs.as_ref());
            names.accounts.extend(entries.flat_map(|entry| entry.legs()).map(|leg| (shard, leg.account)));
            names.counts.extend(unit.counts.iter().map(|count| {
                let (owner, day, currency, metric) = (count.owner, count.day, count.currency, count.metric);
                (shard, CountKey { owner, day, currency, metric })
            }));
            names.cursors.extend(unit.cursors.iter().map(|cursor| (shard, cursor.consumer.as_str())));
            names.counters.extend(unit.reserves.iter().map(|reserve| (shard, reserve.counter)));
        }
        names
    }
}

/// What was found. What is not in it does not exist.
#[derive(Default)]
pub(super) struct Fetched {
    shards: u16,
    heads: HashMap<Shard, Head>,
    pub turns: HashMap<Shard, i64>,
    versions: HashMap<(Shard, RowKey), u32>,
    aliases: HashMap<(Shard, u8, Key), RowKey>,
    claims: HashMap<(Shard, Key), Claimed>,
    cursors: HashMap<(Shard, String), u64>,
    counters: HashMap<(Shard, Key), u64>,
}

fn numbers(shards: impl Iterator<Item = Shard>) -> Vec<i16> {
    shards.map(|shard| shard.0 as i16).collect()
}

fn be(number: u128) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn shard_at(row: &tokio_postgres::Row) -> Result<Shard, StoreError> {
    Ok(Shard(small2(row, 0)?))
}

/// Begins the batch's transaction, locks its heads, and fetches what its units name: one round trip, unless another process
/// has written to one of the shards since.
pub(super) async fn fetch(
    conn: &Conn,
    batch: &[Unit],
    shards: u16,
    remembered: &mut HashMap<Shard, Remembered>,
) -> Result<Fetched, Failed> {
    // Not pipelined: what follows must not begin before BEGIN.
    conn.renew_plans().await?;
    let names = Names::of(batch, shards);
    let mut fetched = Fetched { shards, ..Fetched::default() };
    let locked = numbers(names.shards.iter().copied());
    let locking: super::connect::Bound<'_> = &[&locked];
    let (rows, aliases, claims) = (versions(conn, &names), aliases(conn, &names), claims(conn, &names));
    let (cursors, counters) = (cursors(conn, &names), counters(conn, &names));
    let sums = sums(conn, &names, remembered);
    let (_, heads, rows, aliases, claims, cursors, counters, found) = tokio::try_join!(
        biased;
        async { conn.client.batch_execute("BEGIN").await.map_err(Failed::from) },
        async { conn.query(LOCK, locking).await.map_err(Failed::from) },
        rows, aliases, claims, cursors, counters, sums
    )?;
    for row in &heads {
        let shard = shard_at(row)?;
        fetched.heads.insert(shard, head(row, 1)?);
        fetched.turns.insert(shard, at(row, 4)?);
    }
    (fetched.versions, fetched.aliases, fetched.claims) = (rows, aliases, claims);
    (fetched.cursors, fetched.counters) = (cursors, counters);
    let mut stale = false;
    for (shard, &turn) in &fetched.turns {
        let known = remembered.entry(*shard).or_default();
        if known.turn != turn {
            *known = Remembered { turn, ..Remembered::default() };
            stale = true;
        }
    }
    // Whatever was thought to be remembered of a shard that somebody else has moved is asked for, now under the lock.
    let found = if stale { self::sums(conn, &names, remembered).await? } else { found };
    found.join(remembered);
    Ok(fetched)
}

async fn versions(conn: &Conn, names: &Names<'_>) -> Result<HashMap<(Shard, RowKey), u32>, Failed> {
    if names.rows.is_empty() {
        return Ok(HashMap::new());
    }
    let shards = numbers(names.rows.iter().map(|(shard, _)| *shard));
    let tables: Vec<i16> = names.rows.iter().map(|(_, key)| key.table as i16).collect();
    let owners: Vec<Vec<u8>> = names.rows.iter().map(|(_, key)| be(key.owner)).collect();
    let ids: Vec<Vec<u8>> = names.rows.iter().map(|(_, key)| be(key.id)).collect();
    let rows = conn.query(VERSIONS, &[&shards, &tables, &owners, &ids]).await?;
    rows.iter().map(|row| Ok(((shard_at(row)?, row_key(row, 1)?), small(row, 4)?))).collect()
}

async fn aliases(conn: &Conn, names: &Names<'_>) -> Result<HashMap<(Shard, u8, Key), RowKey>, Failed> {
    if names.aliases.is_empty() {
        return Ok(HashMap::new());
    }
    let shards = numbers(names.aliases.iter().map(|(shard, ..)| *shard));
    let spaces: Vec<i16> = names.aliases.iter().map(|(_, space, _)| i16::from(*space)).collect();
    let keys: Vec<&[u8]> = names.aliases.iter().map(|(.., key)| &key[..]).collect();
    let rows = conn.query(ALIASES, &[&shards, &spaces, &keys]).await?;
    rows.iter().map(|row| Ok(((shard_at(row)?, small2(row, 1)?, bytes(row, 2)?), row_key(row, 3)?))).collect()
}

async fn claims(conn: &Conn, names: &Names<'_>) -> Result<HashMap<(Shard, Key), Claimed>, Failed> {
    let mut found: HashMap<(Shard, Key), Claimed> = HashMap::new();
    if names.claims.is_empty() {
        return Ok(found);
    }
    let shards = numbers(names.claims.iter().map(|(shard, _)| *shard));
    let keys: Vec<&[u8]> = names.claims.iter().map(|(_, key)| &key[..]).collect();
    for row in &conn.query(CLAIMS, &[&shards, &keys]).await? {
        let (name, claimed) = claimed(row)?;
        // A key that was claimed again after its time is found at its later place.
        if found.get(&name).is_none_or(|other| other.place < claimed.place) {
            found.insert(name, claimed);
        }
    }
    Ok(found)
}

/// Columns shard, key, day, number, digest, subject, status, body.
pub(super) fn claimed(row: &tokio_postgres::Row) -> Result<((Shard, Key), Claimed), StoreError> {
    let key = bytes(row, 1)?;
    let answer = match at::<Option<i32>>(row, 6)? {
        Some(_) => Some(Answer { key, status: small4(row, 6)?, body: at(row, 7)? }),
        None => None,
    };
    let place = ClaimPlace { day: at(row, 2)?, number: small(row, 3)? };
    Ok(((shard_at(row)?, key), Claimed { place, digest: bytes(row, 4)?, subject: u128_at(row, 5)?, answer }))
}

async fn cursors(conn: &Conn, names: &Names<'_>) -> Result<HashMap<(Shard, String), u64>, Failed> {
    if names.cursors.is_empty() {
        return Ok(HashMap::new());
    }
    let shards = numbers(names.cursors.iter().map(|(shard, _)| *shard));
    let consumers: Vec<&str> = names.cursors.iter().map(|(_, name)| *name).collect();
    let rows = conn.query(CURSORS, &[&shards, &consumers]).await?;
    rows.iter().map(|row| Ok(((shard_at(row)?, at(row, 1)?), u64_at(row, 2)?))).collect()
}

async fn counters(conn: &Conn, names: &Names<'_>) -> Result<HashMap<(Shard, Key), u64>, Failed> {
    if names.counters.is_empty() {
        return Ok(HashMap::new());
    }
    let shards = numbers(names.counters.iter().map(|(shard, _)| *shard));
    let keys: Vec<&[u8]> = names.counters.iter().map(|(_, key)| &key[..]).collect();
    let rows = conn.query(COUNTERS, &[&shards, &keys]).await?;
    rows.iter().map(|row| Ok(((shard_at(row)?, bytes(row, 1)?), u64_at(row, 2)?))).collect()
}

/// What can be remembered from batch to batch, and was not.
#[derive(Default)]
struct Sums {
    balances: Vec<(Shard, AccountId, Balance)>,
    counts: Vec<(Shard, CountKey, (i64, i64))>,
    next_claims: Vec<(Shard, i32, u32)>,
}

impl Sums {
    fn join(self, remembered: &mut HashMap<Shard, Remembered>) {
        for (shard, account, balance) in self.balances {
            remembered.entry(shard).or_default().balances.insert(account, balance);
        }
        for (shard, key, sums) in self.counts {
            remembered.entry(shard).or_default().counts.insert(key, sums);
        }
        for (shard, day, number) in self.next_claims {
            remembered.entry(shard).or_default().next_claims.insert(day, number);
        }
    }
}

async fn sums(
    conn: &Conn,
    names: &Names<'_>,
    remembered: &HashMap<Shard, Remembered>,
) -> Result<Sums, Failed> {
    let known = |shard: &Shard| remembered.get(shard);
    let accounts: Vec<_> = names
        .accounts
        .iter()
        .filter(|(shard, account)| known(shard).is_none_or(|known| !known.balances.contains_key(account)))
        .collect();
    let counts: Vec<_> = names
        .counts
        .iter()
        .filter(|(shard, key)| known(shard).is_none_or(|known| !known.counts.contains_key(key)))
        .collect();
    let days: Vec<_> = names
        .days
        .iter()
        .filter(|(shard, day)| known(shard).is_none_or(|known| !known.next_claims.contains_key(day)))
        .collect();
    let (balances, counts, next_claims) = tokio::try_join!(
        biased;
        balances(conn, &accounts),
        rollups(conn, &counts),
        next_claims(conn, &days)
    )?;
    Ok(Sums { balances, counts, next_claims })
}

async fn balances(
    conn: &Conn,
    accounts: &[&(Shard, AccountId)],
) -> Result<Vec<(Shard, AccountId, Balance)>, Failed> {
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let shards = numbers(accounts.iter().map(|(shard, _)| *shard));
    let names: Vec<Vec<u8>> = accounts.iter().map(|(_, account)| account.to_bytes().to_vec()).collect();
    let rows = conn.query(BALANCES, &[&shards, &names]).await?;
    rows.iter().map(|row| Ok((shard_at(row)?, account(row, 1)?, balance(row, 2)?))).collect()
}

async fn rollups(
    conn: &Conn,
    keys: &[&(Shard, CountKey)],
) -> Result<Vec<(Shard, CountKey, (i64, i64))>, Failed> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let shards = numbers(keys.iter().map(|(shard, _)| *shard));
    let owners: Vec<Vec<u8>> = keys.iter().map(|(_, key)| be(key.owner)).collect();
    let days: Vec<i32> = keys.iter().map(|(_, key)| key.day).collect();
    let currencies: Vec<i16> = keys.iter().map(|(_, key)| key.currency.numeric() as i16).collect();
    let metrics: Vec<i32> = keys.iter().map(|(_, key)| i32::from(key.metric)).collect();
    let rows = conn.query(COUNTS, &[&shards, &owners, &days, &currencies, &metrics]).await?;
    let read = |row: &tokio_postgres::Row| {
        let key = CountKey {
            owner: u128_at(row, 1)?,
            day: at(row, 2)?,
            currency: currency(row, 3)?,
            metric: small4(row, 4)?,
        };
        Ok((shard_at(row)?, key, (at(row, 5)?, at(row, 6)?)))
    };
    rows.iter().map(read).collect()
}

async fn next_claims(conn: &Conn, days: &[&(Shard, i32)]) -> Result<Vec<(Shard, i32, u32)>, Failed> {
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let shards = numbers(days.iter().map(|(shard, _)| *shard));
    let numbers: Vec<i32> = days.iter().map(|(_, day)| *day).collect();
    let rows = conn.query(NEXT_CLAIMS, &[&shards, &numbers]).await?;
    rows.iter().map(|row| Ok((shard_at(row)?, at(row, 1)?, small(row, 2)?))).collect()
}

impl Remembered {
    /// After a commit that made `turn`: what is in the database now.
    pub fn update(all: &mut HashMap<Shard, Self>, plan: &Plan<'_>, turns: &HashMap<Shard, i64>) {
        for (shard, turn) in turns {
            let known = all.entry(*shard).or_default();
            known.turn = *turn;
            if known.balances.len() > MOST {
                known.balances.clear();
            }
            if known.counts.len() > MOST {
                known.counts.clear();
            }
            known.next_claims.retain(|day, _| *day >= plan.today - 2);
        }
        for ((shard, account), balance) in &plan.balances {
            all.entry(*shard).or_default().balances.insert(*account, *balance);
        }
        for ((shard, key), sums) in &plan.counts {
            all.entry(*shard).or_default().counts.insert(*key, *sums);
        }
        for (shard, place) in plan.claims.keys() {
            let known = all.entry(*shard).or_default();
            known.next_claims.insert(place.day, place.number.saturating_add(1));
        }
    }
}

/// What was fetched and what is remembered, as the rules ask for it.
pub(super) struct DatabaseBase<'a> {
    pub fetched: &'a mut Fetched,
    pub remembered: &'a HashMap<Shard, Remembered>,
}

impl Base for DatabaseBase<'_> {
    fn shards(&self) -> u16 {
        self.fetched.shards
    }

    fn head(&mut self, shard: Shard) -> Result<Head, StoreError> {
        let head = self.fetched.heads.get(&shard).copied();
        head.ok_or_else(|| StoreError::Damaged(format!("{shard:?} has no head")))
    }

    fn version(&mut self, shard: Shard, key: &RowKey) -> Result<Option<u32>, StoreError> {
        Ok(self.fetched.versions.get(&(shard, *key)).copied())
    }

    fn alias(&mut self, shard: Shard, space: u8, key: &Key) -> Result<Option<RowKey>, StoreError> {
        Ok(self.fetched.aliases.get(&(shard, space, *key)).copied())
    }

    fn claim(&mut self, shard: Shard, key: &Key) -> Result<Option<Claimed>, StoreError> {
        Ok(self.fetched.claims.get(&(shard, *key)).cloned())
    }

    fn next_claim(&mut self, shard: Shard, day: i32) -> Result<u32, StoreError> {
        let known = self.remembered.get(&shard).and_then(|known| known.next_claims.get(&day)).copied();
        known.ok_or_else(|| StoreError::Damaged(format!("the claims of day {day} were not counted")))
    }

    fn balance(&mut self, shard: Shard, account: &AccountId) -> Result<Balance, StoreError> {
        let known = self.remembered.get(&shard).and_then(|known| known.balances.get(account));
        Ok(known.copied().unwrap_or_default())
    }

    fn count(&mut self, shard: Shard, key: &CountKey) -> Result<(i64, i64), StoreError> {
        let known = self.remembered.get(&shard).and_then(|known| known.counts.get(key));
        Ok(known.copied().unwrap_or_default())
    }

    fn cursor(&mut self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        Ok(self.fetched.cursors.get(&(shard, consumer.to_owned())).copied().unwrap_or_default())
    }

    fn counter(&mut self, shard: Shard, counter: &Key) -> Result<u64, StoreError> {
        Ok(self.fetched.counters.get(&(shard, *counter)).copied().unwrap_or_default())
    }
}
