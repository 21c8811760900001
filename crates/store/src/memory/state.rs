//! Everything, as plain maps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ledger::{AccountId, Balance};
use types::Timestamp;

use crate::journal::{GENESIS, Hash};
use crate::plan::{ClaimPlace, CountKey, Plan, Said};
use crate::projection::{Lines, lines};
use crate::read::decode;
use crate::{Answer, Claim, Head, Posting, RowKey, Shard, StoreError};

/// A record and its link.
#[derive(Clone)]
pub(crate) struct RawLink {
    pub record: Vec<u8>,
    pub hash: Hash,
}

#[derive(Clone)]
pub(crate) struct State {
    pub heads: Vec<Head>,
    pub rows: BTreeMap<(Shard, RowKey), (u32, Vec<u8>)>,
    pub aliases: BTreeMap<(Shard, u8, [u8; 16]), RowKey>,
    pub claims: BTreeMap<(Shard, ClaimPlace), (Claim, Option<Answer>)>,
    pub claim_index: HashMap<(Shard, [u8; 16]), ClaimPlace>,
    pub journals: Vec<Vec<RawLink>>,
    pub balances: BTreeMap<(Shard, AccountId), Balance>,
    pub counts: BTreeMap<(Shard, CountKey), (i64, i64)>,
    pub tasks: BTreeMap<(Shard, u8, u128), (Timestamp, Vec<u8>)>,
    pub due: BTreeSet<(u8, Timestamp, Shard, u128)>,
    pub cursors: BTreeMap<(Shard, String), u64>,
    pub counters: BTreeMap<(Shard, [u8; 16]), u64>,
    pub histories: BTreeMap<(Shard, u128), Vec<u64>>,
    pub statements: BTreeMap<(Shard, AccountId), Vec<Posting>>,
}

impl State {
    pub fn new(shards: u16) -> Self {
        let many = usize::from(shards);
        Self {
            heads: vec![Head { epoch: 0, seq: 0, hash: GENESIS }; many],
            rows: BTreeMap::new(),
            aliases: BTreeMap::new(),
            claims: BTreeMap::new(),
            claim_index: HashMap::new(),
            journals: vec![Vec::new(); many],
            balances: BTreeMap::new(),
            counts: BTreeMap::new(),
            tasks: BTreeMap::new(),
            due: BTreeSet::new(),
            cursors: BTreeMap::new(),
            counters: BTreeMap::new(),
            histories: BTreeMap::new(),
            statements: BTreeMap::new(),
        }
    }

    /// Starts a new epoch of every shard.
    pub fn take_over(&mut self) -> Vec<u64> {
        for head in &mut self.heads {
            head.epoch += 1;
        }
        self.heads.iter().map(|head| head.epoch).collect()
    }

    pub fn write(&mut self, plan: Plan<'_>, retention_days: u16) -> Result<(), StoreError> {
        for (name, target) in plan.aliases {
            match target {
                Some(target) => drop(self.aliases.insert(name, target)),
                None => drop(self.aliases.remove(&name)),
            }
        }
        for ((shard, place), new) in plan.claims {
            self.claim_index.insert((shard, new.claim.key), place);
            self.claims.insert((shard, place), (new.claim.clone(), new.answer.cloned()));
        }
        for (name, answer) in plan.answers {
            if let Some((_, slot)) = self.claims.get_mut(&name) {
                *slot = Some(answer.clone());
            }
        }
        for (name, put) in plan.tasks {
            self.write_task(name, put.map(|(due, body)| (due, body.to_vec())));
        }
        self.balances.extend(plan.balances);
        self.counts.extend(plan.counts);
        self.cursors
            .extend(plan.cursors.into_iter().map(|((shard, name), seq)| ((shard, name.to_owned()), seq)));
        self.counters.extend(plan.counters);
        for record in plan.records {
            self.project(&record.bytes)?;
            self.journals[usize::from(record.shard.0)]
                .push(RawLink { record: record.bytes, hash: record.hash });
        }
        for (name, write) in plan.rows {
            match write.now {
                Some((version, said)) => {
                    let body = self.body(name.0, said);
                    self.rows.insert(name, (version, body));
                }
                None => drop(self.rows.remove(&name)),
            }
        }
        for (shard, (_, head)) in plan.heads {
            self.heads[usize::from(shard.0)] = head;
        }
        self.drop_claims(plan.today.saturating_sub(i32::from(retention_days)));
        Ok(())
    }

    /// A row's bytes, once the batch's records are in their journal.
    fn body(&self, shard: Shard, said: Said<'_>) -> Vec<u8> {
        match said {
            Said::Own(bytes) => bytes.to_vec(),
            Said::InJournal { seq, at, len } => {
                let record = &self.journals[usize::from(shard.0)][seq as usize - 1].record;
                record[at as usize..at as usize + len as usize].to_vec()
            }
        }
    }

    fn write_task(&mut self, name: (Shard, u8, u128), put: Option<(Timestamp, Vec<u8>)>) {
        let (shard, kind, id) = name;
        if let Some((due, _)) = self.tasks.remove(&name) {
            self.due.remove(&(kind, due, shard, id));
        }
        if let Some((due, body)) = put {
            self.due.insert((kind, due, shard, id));
            self.tasks.insert(name, (due, body));
        }
    }

    fn project(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let record = decode(bytes)?;
        let statements = &self.statements;
        let last = |shard: Shard, account: AccountId| {
            let posting = statements.get(&(shard, account)).and_then(|postings| postings.last());
            Ok(posting.map_or(Balance::default(), |posting| posting.balance))
        };
        let Lines { subject, postings } = lines(&record, last)?;
        self.histories.entry((record.shard, subject)).or_default().push(record.seq);
        for (account, posting) in postings {
            self.statements.entry((record.shard, account)).or_default().push(posting);
        }
        Ok(())
    }

    /// Drops claims of days before `day`.
    fn drop_claims(&mut self, day: i32) {
        let old: Vec<_> = self.claims.keys().filter(|(_, place)| place.day < day).copied().collect();
        for name in old {
            let Some((claim, _)) = self.claims.remove(&name) else { continue };
            // The key may have been claimed again since.
            if self.claim_index.get(&(name.0, claim.key)) == Some(&name.1) {
                self.claim_index.remove(&(name.0, claim.key));
            }
        }
    }
}
