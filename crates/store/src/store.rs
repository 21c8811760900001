//! The handle that everybody else holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ledger::{AccountId, Balance};
use parking_lot::Mutex;
use types::Timestamp;

use crate::verify::{Breach, Verified, VerifyError, verify};
use crate::writer::{Settings, Writer, Written};
use crate::{
    CommitError, Committed, DayCount, DueTask, Engine, Head, Known, Listing, Place, Posting, Reads, Refused,
    Reserve, Row, RowKey, Shard, StoreError, StoredRecord, Table, Unit,
};

/// A store. Clones share it; the last one to go writes what is queued and closes it.
///
/// Reads of one row, key or balance run on the caller's thread: they take microseconds, less than handing them to
/// another thread and back. Lists, journals, statements and checks run on threads of their own.
#[derive(Clone)]
pub struct Store {
    commits: Arc<Commits>,
    reads: Arc<dyn Reads>,
}

enum Commits {
    Queued(Writer),
    Inline(Inline),
}

struct Inline {
    engine: Mutex<Box<dyn Engine>>,
    ready: AtomicBool,
}

impl Store {
    /// A store with a writer of its own thread, which commits in groups.
    ///
    /// # Errors
    /// [`StoreError::Open`]: the thread cannot be started.
    pub fn start(
        engine: impl Engine + 'static,
        reads: Arc<dyn Reads>,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let writer = Writer::start(Box::new(engine), settings)?;
        Ok(Self { commits: Arc::new(Commits::Queued(writer)), reads })
    }

    /// A store that commits each unit at once on the caller's thread, so that a simulation is the same each time.
    pub fn inline(engine: impl Engine + 'static, reads: Arc<dyn Reads>) -> Self {
        let inline = Inline { engine: Mutex::new(Box::new(engine)), ready: AtomicBool::new(true) };
        Self { commits: Arc::new(Commits::Inline(inline)), reads }
    }

    /// Whether commits are taken.
    pub fn is_ready(&self) -> bool {
        match &*self.commits {
            Commits::Queued(writer) => writer.is_ready(),
            Commits::Inline(inline) => inline.ready.load(Ordering::Acquire),
        }
    }

    /// What has been committed since the start. A store without a writer of its own does not count.
    pub fn written(&self) -> Written {
        match &*self.commits {
            Commits::Queued(writer) => writer.written(),
            Commits::Inline(_) => Written::default(),
        }
    }

    /// Waits until the store takes no more commits for good: what the last one did is found out by whoever opens it next. A
    /// store that only has to wait, for room or for its server, does not end this.
    pub async fn stopped(&self) {
        match &*self.commits {
            Commits::Queued(writer) => writer.stopped().await,
            Commits::Inline(_) => std::future::pending().await,
        }
    }

    /// How many shards there are.
    pub fn shards(&self) -> u16 {
        self.reads.shards()
    }

    /// Commits a unit. When this returns `Ok`, it is durable. A caller that stops waiting cancels nothing.
    ///
    /// # Errors
    /// [`CommitError::Refused`] and [`CommitError::Busy`]: nothing was written. [`CommitError::Unavailable`]: it may
    /// have been.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        match &*self.commits {
            Commits::Queued(writer) => match writer.submit(unit)?.await {
                Ok(answer) => answer.take(),
                Err(_) => Err(CommitError::Unavailable),
            },
            Commits::Inline(inline) => inline.commit(unit),
        }
    }

    /// Takes the next `numbers` numbers of a counter, and returns the first of them. A number is never given twice; a
    /// crash may skip some. Counters lie in the first shard.
    ///
    /// # Errors
    /// [`CommitError`].
    pub async fn reserve(&self, counter: [u8; 16], numbers: u32) -> Result<u64, CommitError> {
        let mut unit = Unit::new(Shard(0), Timestamp::from_ms(0));
        unit.reserves.push(Reserve { counter, numbers });
        let committed = self.commit(unit).await?;
        committed.reserved.first().copied().ok_or(CommitError::Unavailable)
    }

    /// The blocking reads, for programs that have no runtime.
    pub fn reads(&self) -> &Arc<dyn Reads> {
        &self.reads
    }

    /// Whether small reads are made on the caller's thread, in microseconds.
    pub fn reads_are_local(&self) -> bool {
        !self.reads.is_remote()
    }

    /// A read of one row, key or balance: here and now, unless it goes over the network.
    async fn small<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Reads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.reads.is_remote() { self.blocking(read).await } else { read(&*self.reads) }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Reads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.reads.in_memory() {
            return read(&*self.reads);
        }
        let reads = Arc::clone(&self.reads);
        let joined = tokio::task::spawn_blocking(move || read(&*reads)).await;
        joined.unwrap_or_else(|_| {
            Err(StoreError::Read("the reading thread panicked or was shut down".to_owned()))
        })
    }
}

#[allow(clippy::missing_errors_doc)] // Each: the store cannot be read, or is damaged.
impl Store {
    /// A row.
    pub async fn get(&self, shard: Shard, key: RowKey) -> Result<Option<Row>, StoreError> {
        self.small(move |reads| reads.get(shard, key)).await
    }

    /// Where a second key leads.
    pub async fn alias(&self, shard: Shard, space: u8, key: [u8; 16]) -> Result<Option<RowKey>, StoreError> {
        self.small(move |reads| reads.alias(shard, space, key)).await
    }

    /// What is known of an idempotency key.
    pub async fn idempotency(&self, shard: Shard, key: [u8; 16]) -> Result<Option<Known>, StoreError> {
        self.small(move |reads| reads.idempotency(shard, key)).await
    }

    /// Where a shard's journal ends.
    pub async fn head(&self, shard: Shard) -> Result<Head, StoreError> {
        self.small(move |reads| reads.head(shard)).await
    }

    /// A consumer's place in a shard's journal; 0 before its first move.
    pub async fn cursor(&self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        let consumer = consumer.to_owned();
        self.small(move |reads| reads.cursor(shard, &consumer)).await
    }

    /// An account's balance, summed over the shards.
    pub async fn balance(&self, account: AccountId) -> Result<Balance, StoreError> {
        self.small(move |reads| {
            (0..reads.shards())
                .map(|shard| reads.balance(Shard(shard), account))
                .try_fold(Balance::default(), |sum, balance| add(sum, balance?))
        })
        .await
    }

    /// Rows of an owner, newest first.
    pub async fn list(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        listing: Listing,
    ) -> Result<Vec<Row>, StoreError> {
        self.blocking(move |reads| reads.list(shard, table, owner, listing)).await
    }

    /// Rows of an owner with higher numbers than `after`, oldest first.
    pub async fn scan(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.blocking(move |reads| reads.scan(shard, table, owner, after, limit)).await
    }

    /// To-dos of a kind in all shards that are due at `due` or before (none: all), the earliest first.
    pub async fn tasks(
        &self,
        kind: u8,
        due: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DueTask>, StoreError> {
        self.blocking(move |reads| reads.tasks(kind, due, limit)).await
    }

    /// Journal records from `from` on, in their order.
    pub async fn journal(
        &self,
        shard: Shard,
        from: u64,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        self.blocking(move |reads| reads.journal(shard, from, limit)).await
    }

    /// Journal records about an object, oldest first.
    pub async fn history(&self, shard: Shard, subject: u128) -> Result<Vec<StoredRecord>, StoreError> {
        self.blocking(move |reads| reads.history(shard, subject)).await
    }

    /// An account's statement in one shard, oldest first, after a place.
    pub async fn entries(
        &self,
        shard: Shard,
        account: AccountId,
        after: Place,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError> {
        self.blocking(move |reads| reads.entries(shard, account, after, limit)).await
    }

    /// Every account with its balance, summed over the shards, in the order of the chart.
    pub async fn balances(&self) -> Result<Vec<(AccountId, Balance)>, StoreError> {
        self.blocking(|reads| {
            let mut sums = std::collections::BTreeMap::new();
            for shard in 0..reads.shards() {
                for (account, balance) in reads.balances(Shard(shard))? {
                    let (_, sum) = sums.entry(account.to_bytes()).or_insert((account, Balance::default()));
                    *sum = add(*sum, balance)?;
                }
            }
            Ok(sums.into_values().collect())
        })
        .await
    }

    /// Statistics of an owner, both days included, in the order of day, currency and metric, summed over the shards.
    pub async fn counts(&self, owner: u128, from: i32, to: i32) -> Result<Vec<DayCount>, StoreError> {
        self.blocking(move |reads| {
            let mut sums = std::collections::BTreeMap::new();
            for shard in 0..reads.shards() {
                for count in reads.counts(Shard(shard), owner, from, to)? {
                    let (many, amount) =
                        sums.entry((count.day, count.currency, count.metric)).or_insert((0i64, 0i64));
                    let too_large = || StoreError::Damaged("a statistic passes 63 bits".to_owned());
                    *many = many.checked_add(count.count).ok_or_else(too_large)?;
                    *amount = amount.checked_add(count.amount).ok_or_else(too_large)?;
                }
            }
            let day_count = |((day, currency, metric), (count, amount))| DayCount {
                day,
                currency,
                metric,
                count,
                amount,
            };
            Ok(sums.into_iter().map(day_count).collect())
        })
        .await
    }

    /// Checks everything that can be recomputed; see [`verify`]. The store goes on meanwhile.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub async fn verify(
        &self,
        progress: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<Result<Verified, Breach>, StoreError> {
        self.blocking(move |reads| match verify(&*reads.snapshot()?, progress) {
            Ok(verified) => Ok(Ok(verified)),
            Err(VerifyError::Breach(breach)) => Ok(Err(breach)),
            Err(VerifyError::Store(error)) => Err(error),
        })
        .await
    }
}

impl Inline {
    fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        if !self.ready.load(Ordering::Acquire) {
            return Err(CommitError::Unavailable);
        }
        let mut engine = self.engine.lock();
        let outcome = engine.commit(std::slice::from_ref(&unit));
        match outcome {
            Ok(mut outcomes) => match outcomes.pop() {
                Some(outcome) => outcome.map_err(|refused: Refused| CommitError::Refused(refused)),
                None => Err(CommitError::Unavailable),
            },
            Err(error) => {
                tracing::error!(error = %error, "The store cannot commit");
                let recovered = matches!(error, StoreError::NotWritten(_)) && engine.recover().is_ok();
                self.ready.store(recovered, Ordering::Release);
                Err(CommitError::Unavailable)
            }
        }
    }
}

fn add(sum: Balance, balance: Balance) -> Result<Balance, StoreError> {
    sum.checked_add(balance).map_err(|error| StoreError::Damaged(error.to_string()))
}
