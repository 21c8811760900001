//! What monitoring looks at: counted where it happens, read when somebody asks. Nothing here is of the books: those are in
//! the store, and these numbers begin at zero with the process.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use payment::Statistic;
use store::Count;
use types::Currency;

use crate::batch::BATCH;
use crate::flow::BankStatus;
use crate::resource::from_bytes;
use crate::task::{EXCHANGE, PURSUIT, Task};
use crate::{CommandError, Pcs};

/// The upper bounds of a histogram's buckets, in milliseconds: from a bank in the next room to one that is waited for.
pub const BUCKETS_MS: [u64; 13] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/// How long something took, how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// How often it took at most [`BUCKETS_MS`], each without those before it; the last: longer than all.
    pub buckets: [u64; BUCKETS_MS.len() + 1],
    /// All together.
    pub sum: Duration,
}

impl Histogram {
    pub(crate) fn add(&mut self, took: Duration) {
        let bucket = BUCKETS_MS.iter().position(|most| took <= Duration::from_millis(*most));
        self.buckets[bucket.unwrap_or(BUCKETS_MS.len())] += 1;
        self.sum += took;
    }
}

/// How many, and how much in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How much.
    pub amount: u64,
}

/// What a process has counted since its start.
#[derive(Default)]
pub(crate) struct Counted {
    payments: Mutex<BTreeMap<(&'static str, Currency), Tally>>,
    commands: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counted {
    /// A commit has told of these.
    pub fn committed(&self, counts: &[Count]) {
        let mut payments = self.payments.lock();
        for count in counts {
            let (Some(outcome), Ok(more)) = (outcome(count.metric), u64::try_from(count.count)) else {
                continue;
            };
            let tally = payments.entry((outcome, count.currency)).or_default();
            tally.count += more;
            tally.amount = tally.amount.saturating_add_signed(count.amount);
        }
    }

    /// A request that moves money has ended, with this code or well.
    pub fn ended(&self, how: &'static str) {
        *self.commands.lock().entry(how).or_default() += 1;
    }
}

fn outcome(metric: u16) -> Option<&'static str> {
    [
        (Statistic::Captured, "captured"),
        (Statistic::Voided, "voided"),
        (Statistic::Refunded, "refunded"),
        (Statistic::Declined, "declined"),
        (Statistic::Reversed, "reversed"),
    ]
    .into_iter()
    .find_map(|(statistic, name)| (statistic as u16 == metric).then_some(name))
}

/// Doubts with a bank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenDoubts {
    /// How many.
    pub open: u64,
    /// The age of the oldest, in milliseconds.
    pub oldest_ms: u64,
}

/// What monitoring looks at, at one moment.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Whether payments can be made.
    pub is_ready: bool,
    /// Whether the store takes commits.
    pub store_is_ready: bool,
    /// What this process has committed to the store, since the start.
    pub written: store::Written,
    /// Payments by outcome and currency, since the start.
    pub payments: BTreeMap<(&'static str, Currency), Tally>,
    /// Requests that move money, by how they ended, since the start.
    pub commands: BTreeMap<&'static str, u64>,
    /// Requests that move money, under way now.
    pub under_way: usize,
    /// How many may be.
    pub at_once: usize,
    /// Exchanges with banks by bank and by what was heard, since the start.
    pub exchanges: BTreeMap<(String, &'static str), Histogram>,
    /// The banks and their links.
    pub banks: Vec<BankStatus>,
    /// What stands in the store; none while it cannot be read, which is when everything else is looked at most.
    pub stored: Option<StoredMeasures>,
}

/// What monitoring looks at in the store, which every process that shares it tells alike.
#[derive(Clone, Debug, Default)]
pub struct StoredMeasures {
    /// Exchanges that are recorded and have no outcome yet.
    pub unfinished: u64,
    /// Doubts by bank.
    pub doubts: BTreeMap<String, OpenDoubts>,
    /// Batches whose totals have not been compared yet.
    pub open_batches: u64,
    /// The journals: their ends, and how far each has been told to merchants. By shard.
    pub journals: Vec<JournalMeasure>,
}

/// A shard's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalMeasure {
    /// The shard.
    pub shard: u16,
    /// The last record.
    pub head: u64,
    /// Records that the webhooks have still to be made of.
    pub untold: u64,
}

/// How long the store may take: whoever scrapes gives up after some seconds, and then sees nothing at all.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than a healthy gateway has; what is beyond is not counted.
const MOST: usize = 100_000;

impl Pcs {
    /// What monitoring looks at, now. `teller` is the consumer that webhooks follow the journal as.
    pub async fn measures(&self, teller: &str) -> Measures {
        // What is wrong with the store is in the log already, and in `store_is_ready`.
        let stored = tokio::time::timeout(PATIENCE, self.stored_measures(teller)).await;
        let readiness = self.ready();
        let exchanges = self.banks.values().flat_map(|bank| {
            let of_bank = bank.exchanges();
            of_bank.into_iter().map(|(heard, took)| ((bank.name().to_owned(), heard), took))
        });
        Measures {
            is_ready: readiness.is_ready(),
            store_is_ready: readiness.store,
            written: self.store.written(),
            payments: self.counted.payments.lock().clone(),
            commands: self.counted.commands.lock().clone(),
            under_way: self.at_once.saturating_sub(self.places.available_permits()),
            at_once: self.at_once,
            exchanges: exchanges.collect(),
            banks: self.bank_statuses(),
            stored: stored.ok().and_then(Result::ok),
        }
    }

    async fn stored_measures(&self, teller: &str) -> Result<StoredMeasures, CommandError> {
        let now = self.clock.now();
        let mut doubts: BTreeMap<String, OpenDoubts> = BTreeMap::new();
        for due in self.store.tasks(PURSUIT, None, MOST).await? {
            let task: Task = from_bytes(&due.body)?;
            let Some(message) = task.message else { continue };
            let of_bank = doubts.entry(message.exchange.bank).or_default();
            of_bank.open += 1;
            let age = u64::try_from(now.ms_since(task.since)).unwrap_or(0);
            of_bank.oldest_ms = of_bank.oldest_ms.max(age);
        }
        for bank in self.banks.keys() {
            doubts.entry(bank.clone()).or_default();
        }
        let mut journals = Vec::new();
        for shard in 0..self.shards {
            let head = self.store.head(store::Shard(shard)).await?.seq;
            let told = self.store.cursor(store::Shard(shard), teller).await?;
            journals.push(JournalMeasure { shard, head, untold: head.saturating_sub(told) });
        }
        let unfinished = self.store.tasks(EXCHANGE, None, MOST).await?.len() as u64;
        let open_batches = self.store.tasks(BATCH, None, MOST).await?.len() as u64;
        Ok(StoredMeasures { unfinished, doubts, open_batches, journals })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_exactly_a_bound_is_within_it_and_what_took_longer_than_all_is_counted_too() {
        let mut histogram = Histogram::default();
        for ms in [0, 5, 6, 60_000, 60_001] {
            histogram.add(Duration::from_millis(ms));
        }
        assert_eq!((histogram.buckets[0], histogram.buckets[1]), (2, 1));
        assert_eq!((histogram.buckets[12], histogram.buckets[13]), (1, 1));
        assert_eq!(histogram.sum, Duration::from_millis(120_012));
    }
}
