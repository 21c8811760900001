//! Readers: a few connections on a thread of their own. What several callers ask at once is pipelined.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use ledger::{AccountId, Balance};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, oneshot};
use types::Timestamp;

use super::connect::{Conn, Target};
use super::projections;
use crate::read::{between, decode};
use crate::{
    DayCount, DueTask, Head, Known, Listing, Place, Posting, ProjectionSize, RawRecord, Reads, Row, RowKey,
    Shard, StoreError, StoredRecord, Table,
};

const NEWEST_FIRST: &str = "SELECT o.id, o.version, coalesce(o.body, substring(j.record FROM o.at + 1 FOR o.len))
    FROM object o LEFT JOIN journal j ON j.shard = o.shard AND j.seq = o.seq
    WHERE o.shard = $1 AND o.tab = $2 AND o.owner = $3 AND o.id BETWEEN $4 AND $5 ORDER BY o.id DESC LIMIT $6";
const OLDEST_FIRST: &str =
    "SELECT o.id, o.version, coalesce(o.body, substring(j.record FROM o.at + 1 FOR o.len))
    FROM object o LEFT JOIN journal j ON j.shard = o.shard AND j.seq = o.seq
    WHERE o.shard = $1 AND o.tab = $2 AND o.owner = $3 AND o.id BETWEEN $4 AND $5 ORDER BY o.id LIMIT $6";

/// How long a check's question may take, of tables as large as they get.
const CHECKING: Duration = Duration::from_secs(3_600);

/// From when on a failure to connect is worth remembering.
const SLOW: Duration = Duration::from_millis(500);
/// How long it is believed that there is no connection to be had.
const REMEMBERED: Duration = Duration::from_secs(1);

/// The thread that drives the connections, and the connections.
struct Pool {
    target: Target,
    slots: Vec<Mutex<Option<Arc<Conn>>>>,
    next: AtomicUsize,
    /// One fold at a time and process; it needs a transaction, so a connection of its own.
    folder: Mutex<Option<Arc<Conn>>>,
    /// When there was no connection to be had, and why: whoever comes right after need not find it out again, one after the
    /// other. Gone as soon as there is one.
    failed: parking_lot::Mutex<Option<(Instant, String)>>,
    handle: Handle,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Pool {
    fn start(target: Target, readers: usize) -> Result<Arc<Self>, StoreError> {
        let cannot = |error: std::io::Error| StoreError::Open(format!("cannot start the readers: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let drive = move || drop(runtime.block_on(stopped));
        std::thread::Builder::new().name("store-readers".to_owned()).spawn(drive).map_err(cannot)?;
        let slots = (0..readers.max(1)).map(|_| Mutex::default()).collect();
        let (next, folder, failed) = (AtomicUsize::new(0), Mutex::default(), parking_lot::Mutex::default());
        Ok(Arc::new(Self { target, slots, next, folder, failed, handle, _stop: stop }))
    }

    /// A connection that others use too, so only for single statements. Whoever waits for one has a time of its own for it.
    async fn take(&self) -> Result<Arc<Conn>, StoreError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let taking = async { self.living(&mut *self.slots[turn].lock().await).await };
        let taken = tokio::time::timeout(self.target.patience, taking).await;
        let conn = taken
            .unwrap_or_else(|_| Err(StoreError::Read("no connection to the database in time".to_owned())))?;
        conn.within(conn.renew_plans()).await?;
        Ok(conn)
    }

    async fn living(&self, slot: &mut Option<Arc<Conn>>) -> Result<Arc<Conn>, StoreError> {
        if let Some(conn) = slot.as_ref().filter(|conn| conn.is_usable()) {
            return Ok(Arc::clone(conn));
        }
        *slot = None;
        let failed = self.failed.lock().clone();
        if let Some((_, why)) = failed.filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return Err(StoreError::Read(why));
        }
        let began = Instant::now();
        let connected = self.target.connect().await;
        // A server that is away says so at once, and may be back the next moment; only a mute one is waited for.
        let was_slow = began.elapsed() >= SLOW;
        *self.failed.lock() =
            connected.as_ref().err().filter(|_| was_slow).map(|why| (Instant::now(), why.clone()));
        Ok(Arc::clone(slot.insert(Arc::new(connected.map_err(StoreError::Read)?))))
    }

    /// A connection for checks, whose questions are about tables as large as they get.
    async fn for_checks(&self, begin: &'static str) -> Result<Arc<Conn>, StoreError> {
        let mut conn = self.target.connect().await.map_err(StoreError::Read)?;
        conn.patience = CHECKING;
        conn.within(conn.client.batch_execute(begin)).await?;
        Ok(Arc::new(conn))
    }

    /// Folds up to `head`.
    async fn fold(&self, shard: Shard, head: u64) -> Result<(), StoreError> {
        let mut folder = self.folder.lock().await;
        let conn = self.living(&mut folder).await?;
        let folded = projections::fold(&conn, shard, head).await;
        if folded.is_err() {
            // Whatever state its transaction is in, it goes with the connection.
            *folder = None;
        }
        folded
    }
}

#[derive(Clone)]
enum Source {
    /// Each read sees the newest commit.
    Newest,
    /// All reads see one moment: a transaction of this connection.
    Moment(Arc<Conn>),
}

pub(super) struct PostgresReads {
    pool: Arc<Pool>,
    source: Source,
    shards: u16,
}

impl PostgresReads {
    pub fn open(target: Target, shards: u16, readers: usize) -> Result<Self, StoreError> {
        Ok(Self { pool: Pool::start(target, readers)?, source: Source::Newest, shards })
    }

    /// Runs a read on the readers' thread and waits for it. Each question has a time limit, so it ends.
    fn with<T, F>(
        &self,
        read: impl FnOnce(Arc<Conn>, Arc<Pool>) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let (pool, source) = (Arc::clone(&self.pool), self.source.clone());
        let (answer, answered) = sync_channel(1);
        self.pool.handle.spawn(async move {
            let conn = match source {
                Source::Newest => pool.take().await,
                Source::Moment(conn) => Ok(conn),
            };
            let result = match conn {
                Ok(conn) => read(conn, pool).await,
                Err(error) => Err(error),
            };
            // A caller that went away does not care.
            drop(answer.send(result));
        });
        answered.recv().unwrap_or_else(|_| Err(StoreError::Read("the reading thread has ended".to_owned())))
    }

    /// Folds what is missing, then reads lines up to the head that is seen. Lines are read where they are newest; what lies
    /// beyond the head is left out.
    fn folded<T, F>(
        &self,
        shard: Shard,
        read: impl FnOnce(Arc<Conn>, Arc<Conn>, u64) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        self.with(move |store, pool| async move {
            let head = store.head(shard).await?.seq;
            pool.fold(shard, head).await?;
            // From the pool, which has its plans made anew as the tables grow.
            let lines = pool.take().await?;
            read(store, lines, head).await
        })
    }
}

impl Reads for PostgresReads {
    fn is_remote(&self) -> bool {
        true
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn get(&self, shard: Shard, key: RowKey) -> Result<Option<Row>, StoreError> {
        let of = (shard, key.table, key.owner);
        self.with(
            move |conn, _| async move { Ok(conn.rows(OLDEST_FIRST, of, (key.id, key.id), 1).await?.pop()) },
        )
    }

    fn list(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        listing: Listing,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(range) = between(listing.after, listing.before) else { return Ok(Vec::new()) };
        let of = (shard, table, owner);
        self.with(move |conn, _| async move {
            if listing.before.is_none() {
                return conn.rows(NEWEST_FIRST, of, range, listing.limit).await;
            }
            let mut nearest = conn.rows(OLDEST_FIRST, of, range, listing.limit).await?;
            nearest.reverse();
            Ok(nearest)
        })
    }

    fn scan(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(range) = between(None, after) else { return Ok(Vec::new()) };
        let of = (shard, table, owner);
        self.with(move |conn, _| async move { conn.rows(OLDEST_FIRST, of, range, limit).await })
    }

    fn count_rows(&self, shard: Shard, table: Table) -> Result<u64, StoreError> {
        self.with(move |conn, _| async move { conn.count_rows(shard, table).await })
    }

    fn alias(&self, shard: Shard, space: u8, key: [u8; 16]) -> Result<Option<RowKey>, StoreError> {
        self.with(move |conn, _| async move { conn.alias(shard, space, key).await })
    }

    fn idempotency(&self, shard: Shard, key: [u8; 16]) -> Result<Option<Known>, StoreError> {
        self.with(move |conn, _| async move { conn.known(shard, key).await })
    }

    fn tasks(&self, kind: u8, due: Option<Timestamp>, limit: usize) -> Result<Vec<DueTask>, StoreError> {
        self.with(move |conn, _| async move { conn.due_tasks(kind, due, limit).await })
    }

    fn head(&self, shard: Shard) -> Result<Head, StoreError> {
        self.with(move |conn, _| async move { conn.head(shard).await })
    }

    fn raw_journal(&self, shard: Shard, from: u64, limit: usize) -> Result<Vec<RawRecord>, StoreError> {
        self.with(move |conn, _| async move { conn.raw_journal(shard, from, limit).await })
    }

    fn history(&self, shard: Shard, subject: u128) -> Result<Vec<StoredRecord>, StoreError> {
        self.folded(shard, move |store, lines, head| async move {
            let places = projections::history(&lines, shard, subject, head).await?;
            let sql = "SELECT j.record FROM unnest($2::int8[]) WITH ORDINALITY AS n (seq, place)
                       JOIN journal j ON j.shard = $1 AND j.seq = n.seq ORDER BY n.place";
            let rows = store.ask(sql, &[&(shard.0 as i16), &places]).await?;
            if rows.len() != places.len() {
                return Err(StoreError::Damaged(format!("records of {shard:?} are missing")));
            }
            rows.iter().map(|row| decode(super::columns::at(row, 0)?)).collect()
        })
    }

    fn entries(
        &self,
        shard: Shard,
        account: AccountId,
        after: Place,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError> {
        self.folded(shard, move |_, lines, head| async move {
            projections::entries(&lines, shard, account, after, head, limit).await
        })
    }

    fn balance(&self, shard: Shard, account: AccountId) -> Result<Balance, StoreError> {
        self.with(move |conn, _| async move { conn.balance(shard, account).await })
    }

    fn balances(&self, shard: Shard) -> Result<Vec<(AccountId, Balance)>, StoreError> {
        self.with(move |conn, _| async move { conn.balances(shard).await })
    }

    fn counts(&self, shard: Shard, owner: u128, from: i32, to: i32) -> Result<Vec<DayCount>, StoreError> {
        let counts =
            self.with(move |conn, _| async move { conn.counts(shard, Some(owner), from, to).await })?;
        Ok(counts.into_iter().map(|(_, count)| count).collect())
    }

    fn all_counts(&self, shard: Shard) -> Result<Vec<(u128, DayCount)>, StoreError> {
        self.with(move |conn, _| async move { conn.counts(shard, None, i32::MIN, i32::MAX).await })
    }

    fn cursor(&self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        let consumer = consumer.to_owned();
        self.with(move |conn, _| async move { conn.cursor(shard, &consumer).await })
    }

    fn is_projected(&self, record: &StoredRecord) -> Result<bool, StoreError> {
        let record = record.clone();
        self.folded(record.shard, move |_, lines, _| async move {
            projections::is_projected(&lines, &record).await
        })
    }

    fn projection_size(&self, shard: Shard) -> Result<ProjectionSize, StoreError> {
        self.with(move |store, pool| async move {
            let head = store.head(shard).await?.seq;
            pool.fold(shard, head).await?;
            // It counts whole tables, which takes longer than a payment's question may.
            let lines = pool.for_checks("SET statement_timeout = 0").await?;
            projections::size(&lines, shard, head).await
        })
    }

    fn snapshot(&self) -> Result<Box<dyn Reads>, StoreError> {
        let conn = self.with(|_, pool| async move {
            // The first read fixes what is seen; BEGIN alone would not.
            let begin = "SET statement_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
                         SELECT count(*) FROM store";
            pool.for_checks(begin).await
        })?;
        Ok(Box::new(Self { pool: Arc::clone(&self.pool), source: Source::Moment(conn), shards: self.shards }))
    }
}
