//! The auditor's look: recompute everything from the journal, and compare.

use std::collections::BTreeMap;

use ledger::{AccountId, Balance};
use types::Currency;

use crate::journal::{GENESIS, Hash, StoredRecord, chain};
use crate::plan::CountKey;
use crate::{Reads, Shard, StoreError};

/// How many records are read at a time.
const AT_ONCE: usize = 1_000;

/// What was checked and found right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Journal records.
    pub records: u64,
    /// Accounts.
    pub accounts: u64,
    /// Lines of statements.
    pub postings: u64,
    /// Statistics.
    pub counts: u64,
    /// The last link of each shard's chain, in the shards' order.
    pub heads: Vec<(Shard, u64, Hash)>,
}

/// The first thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{shard:?}, record {seq}: {rule}")]
pub struct Breach {
    /// Where.
    pub shard: Shard,
    /// The journal record; the last one when a sum at the end is wrong.
    pub seq: u64,
    /// Which rule.
    pub rule: Box<Rule>,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Sequence numbers have no gap and no double.
    #[error("the sequence has a gap: the record found here is {found}")]
    Gapless {
        /// The record in its place.
        found: u64,
    },
    /// The link is SHA-256 over the one before and the record.
    #[error("the hash chain is broken: the record or a link was altered")]
    Chain,
    /// The bytes are a record of this place.
    #[error("the record cannot be read: {0}")]
    Readable(String),
    /// The head is the last record.
    #[error("the journal's head says {seq}")]
    Head {
        /// As the head has it.
        seq: u64,
    },
    /// No counter is negative, no limit passed.
    #[error("account {account}: {error}")]
    Ledger {
        /// Which account.
        account: AccountId,
        /// Which rule.
        error: ledger::BalanceError,
    },
    /// Balances are the sum of the legs.
    #[error("account {account} has {found:?}, its legs add up to {expected:?}")]
    Balance {
        /// Which account.
        account: AccountId,
        /// As it is stored.
        found: Balance,
        /// As the legs add up.
        expected: Balance,
    },
    /// All accounts of a currency add up to nothing.
    #[error("the {currency} accounts are off balance by {posted} posted and {pending} pending minor units")]
    ZeroSum {
        /// Which currency.
        currency: Currency,
        /// Debits less credits, posted.
        posted: i128,
        /// Debits less credits, pending.
        pending: i128,
    },
    /// Statistics are the sum of their deltas.
    #[error(
        "the statistic {metric} of owner {owner:032x} on day {day} in {currency} has {found:?}, its deltas add up to {expected:?}"
    )]
    Count {
        /// Whose.
        owner: u128,
        /// Days since 1970-01-01.
        day: i32,
        /// Currency of the amount.
        currency: Currency,
        /// What is counted.
        metric: u16,
        /// Number and amount as stored.
        found: (i64, i64),
        /// Number and amount as the deltas add up.
        expected: (i64, i64),
    },
    /// Histories and statements are the journal's.
    #[error("the lines of this record in histories or statements are missing, doubled or wrong")]
    Projection,
}

/// Why a check has no good end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something is not as it must be.
    #[error(transparent)]
    Breach(#[from] Breach),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Recomputes the hash chain, balances, statistics and projections of all shards, and names the first breach.
/// `progress` is told how many records are done, of how many.
///
/// # Errors
/// [`VerifyError`].
pub fn verify(reads: &dyn Reads, mut progress: impl FnMut(u64, u64)) -> Result<Verified, VerifyError> {
    let shards = || (0..reads.shards()).map(Shard);
    let total = shards().map(|shard| Ok(reads.head(shard)?.seq)).sum::<Result<u64, StoreError>>()?;
    let mut verified = Verified::default();
    let mut nets: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    for shard in shards() {
        let mut walk = Walk::new(shard);
        walk.journal(reads, |done| progress(verified.records + done, total))?;
        walk.compare(reads)?;
        for (account, balance) in walk.balances.values() {
            let (posted, pending) = nets.entry(account.currency).or_default();
            *posted += balance.net_posted();
            *pending += balance.net_pending();
        }
        for (&currency, &(posted, pending)) in &nets {
            // Every entry lies in one shard, so each shard adds up for itself.
            walk.holds(posted == 0 && pending == 0, || Rule::ZeroSum { currency, posted, pending })?;
        }
        verified.records += walk.seq;
        verified.accounts += walk.balances.len() as u64;
        verified.postings += walk.postings;
        verified.counts += walk.counts.len() as u64;
        verified.heads.push((shard, walk.seq, walk.hash));
    }
    Ok(verified)
}

/// The walk along one shard's journal.
struct Walk {
    shard: Shard,
    seq: u64,
    hash: Hash,
    balances: BTreeMap<[u8; AccountId::LEN], (AccountId, Balance)>,
    counts: BTreeMap<CountKey, (i64, i64)>,
    postings: u64,
}

impl Walk {
    fn new(shard: Shard) -> Self {
        Self { shard, seq: 0, hash: GENESIS, balances: BTreeMap::new(), counts: BTreeMap::new(), postings: 0 }
    }

    fn holds(&self, holds: bool, rule: impl FnOnce() -> Rule) -> Result<(), Breach> {
        if holds { Ok(()) } else { Err(Breach { shard: self.shard, seq: self.seq, rule: Box::new(rule()) }) }
    }

    fn journal(&mut self, reads: &dyn Reads, mut progress: impl FnMut(u64)) -> Result<(), VerifyError> {
        loop {
            let records = reads.raw_journal(self.shard, self.seq + 1, AT_ONCE)?;
            if records.is_empty() {
                return Ok(());
            }
            for raw in records {
                self.seq += 1;
                self.holds(raw.seq == self.seq, || Rule::Gapless { found: raw.seq })?;
                self.hash = chain(&self.hash, &raw.record);
                self.holds(raw.hash == self.hash, || Rule::Chain)?;
                let record = self.record(&raw.record)?;
                self.add(&record)?;
                self.holds(reads.is_projected(&record)?, || Rule::Projection)?;
            }
            progress(self.seq);
        }
    }

    fn record(&self, bytes: &[u8]) -> Result<StoredRecord, Breach> {
        let breach = |text| Breach { shard: self.shard, seq: self.seq, rule: Box::new(Rule::Readable(text)) };
        let record = StoredRecord::decode(bytes).map_err(|error| breach(error.to_string()))?;
        if (record.shard, record.seq) != (self.shard, self.seq) {
            return Err(breach(format!("it says that it is record {} of {:?}", record.seq, record.shard)));
        }
        Ok(record)
    }

    fn add(&mut self, record: &StoredRecord) -> Result<(), Breach> {
        let breach = |rule| Breach { shard: self.shard, seq: self.seq, rule: Box::new(rule) };
        for leg in record.record.legs.iter().flat_map(|entry| entry.legs()) {
            let account = leg.account;
            let (_, balance) =
                self.balances.entry(account.to_bytes()).or_insert((account, Balance::default()));
            *balance = balance.apply(leg).map_err(|error| breach(Rule::Ledger { account, error }))?;
            self.postings += 1;
        }
        for delta in &record.counts {
            let key = CountKey {
                owner: delta.owner,
                day: delta.day,
                currency: delta.currency,
                metric: delta.metric,
            };
            let (count, amount) = self.counts.entry(key).or_default();
            match (count.checked_add(delta.count), amount.checked_add(delta.amount)) {
                (Some(sum), Some(total)) => (*count, *amount) = (sum, total),
                _ => return Err(breach(Rule::Readable("a statistic passes 63 bits".to_owned()))),
            }
        }
        Ok(())
    }

    /// The head, balances, statistics and projections as they are stored, against those of the walk.
    fn compare(&self, reads: &dyn Reads) -> Result<(), VerifyError> {
        let head = reads.head(self.shard)?;
        self.holds((head.seq, head.hash) == (self.seq, self.hash), || Rule::Head { seq: head.seq })?;
        let stored: BTreeMap<_, _> = reads
            .balances(self.shard)?
            .into_iter()
            .map(|(account, balance)| (account.to_bytes(), (account, balance)))
            .collect();
        let nothing = Balance::default();
        for (bytes, &(account, found)) in &stored {
            let expected = self.balances.get(bytes).map_or(nothing, |(_, balance)| *balance);
            self.holds(found == expected, || Rule::Balance { account, found, expected })?;
        }
        for (bytes, &(account, expected)) in &self.balances {
            let found = stored.get(bytes).map_or(nothing, |(_, balance)| *balance);
            self.holds(found == expected, || Rule::Balance { account, found, expected })?;
        }
        self.compare_counts(reads)?;
        let size = reads.projection_size(self.shard)?;
        self.holds((size.histories, size.postings) == (self.seq, self.postings), || Rule::Projection)?;
        Ok(())
    }

    fn compare_counts(&self, reads: &dyn Reads) -> Result<(), VerifyError> {
        let stored: BTreeMap<CountKey, (i64, i64)> = reads
            .all_counts(self.shard)?
            .into_iter()
            .map(|(owner, count)| {
                let key = CountKey { owner, day: count.day, currency: count.currency, metric: count.metric };
                (key, (count.count, count.amount))
            })
            .collect();
        for key in stored.keys().chain(self.counts.keys()) {
            let found = stored.get(key).copied().unwrap_or_default();
            let expected = self.counts.get(key).copied().unwrap_or_default();
            let &CountKey { owner, day, currency, metric } = key;
            self.holds(found == expected, || Rule::Count { owner, day, currency, metric, found, expected })?;
        }
        Ok(())
    }
}
