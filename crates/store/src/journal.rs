//! The journal's canonical bytes and its chain.
//!
//! A record of version 1, integers big-endian:
//!
//! | bytes | what                                                                                  |
//! |-------|---------------------------------------------------------------------------------------|
//! | 1     | version, 1                                                                            |
//! | 2     | shard                                                                                 |
//! | 8     | sequence number, from 1 without a gap                                                 |
//! | 8     | instant, milliseconds since 1970                                                      |
//! | 2     | kind                                                                                  |
//! | 16    | owner                                                                                 |
//! | 16    | subject                                                                               |
//! | 4     | version of the subject                                                                |
//! | 2     | number of legs; each: account (21), side + 2 × movement (1), amount (8)               |
//! | 2     | number of counts; each: owner (16), currency (2), day (4), metric (2), count and amount (8 each) |
//! | 4     | length of the event, then the event                                                   |
//!
//! The chain: `hash = SHA-256(hash of the record before ‖ record)`, 32 zero bytes before the first. Neither batches nor
//! engines leave a trace in these bytes.

use aws_lc_rs::digest::{Context, SHA256};
use ledger::{AccountId, Entry, Leg, Movement, Side};
use types::{Currency, Timestamp};

use crate::{Count, Record, RecordKind, Shard};

/// A link of the chain.
pub type Hash = [u8; 32];

/// What stands before the first record.
pub const GENESIS: Hash = [0; 32];

/// The largest event.
pub(crate) const MOST_EVENT_BYTES: usize = 1 << 20;

const VERSION: u8 = 1;
const LEG_LEN: usize = AccountId::LEN + 9;
const COUNT_LEN: usize = 40;

/// A record as the journal holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Whose journal.
    pub shard: Shard,
    /// Its place, from 1 without a gap.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What it says.
    pub record: Record,
    /// The statistics of the unit that ends with this record.
    pub counts: Vec<Count>,
}

/// Bytes that are not a journal record. The text says which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a journal record: {0}")]
pub struct RecordError(&'static str);

/// The link after `before`.
pub fn chain(before: &Hash, record: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(record);
    let mut hash = GENESIS;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The bytes of a record. Lengths are bounded by the unit's shape, which is checked before.
pub(crate) fn encode(shard: Shard, seq: u64, at: Timestamp, record: &Record, counts: &[Count]) -> Vec<u8> {
    let legs = record.legs.as_ref().map_or(&[][..], Entry::legs);
    let len = 65 + legs.len() * LEG_LEN + counts.len() * COUNT_LEN + record.event.len();
    let mut bytes = Vec::with_capacity(len);
    bytes.push(VERSION);
    bytes.extend(shard.0.to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(at.ms().to_be_bytes());
    bytes.extend(record.kind.0.to_be_bytes());
    bytes.extend(record.owner.to_be_bytes());
    bytes.extend(record.subject.to_be_bytes());
    bytes.extend(record.subject_version.to_be_bytes());
    bytes.extend((legs.len() as u16).to_be_bytes());
    for leg in legs {
        bytes.extend(leg.account.to_bytes());
        bytes.push(leg.side as u8 | (leg.movement as u8) << 1);
        bytes.extend(leg.amount.to_be_bytes());
    }
    bytes.extend((counts.len() as u16).to_be_bytes());
    for count in counts {
        bytes.extend(count.owner.to_be_bytes());
        bytes.extend(count.currency.numeric().to_be_bytes());
        bytes.extend(count.day.to_be_bytes());
        bytes.extend(count.metric.to_be_bytes());
        bytes.extend(count.count.to_be_bytes());
        bytes.extend(count.amount.to_be_bytes());
    }
    bytes.extend((record.event.len() as u32).to_be_bytes());
    bytes.extend(&record.event);
    bytes
}

impl StoredRecord {
    /// The canonical bytes, which [`StoredRecord::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        encode(self.shard, self.seq, self.at, &self.record, &self.counts)
    }

    /// Reads canonical bytes. What is accepted encodes to the same bytes again.
    ///
    /// # Errors
    /// [`RecordError`]: another version, cut short, too long, or a part that no record can have.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut rest = Rest(bytes);
        if rest.take::<1>("version")? != [VERSION] {
            return Err(RecordError("an unknown version"));
        }
        let shard = Shard(rest.u16("shard")?);
        let seq = u64::from_be_bytes(rest.take("sequence number")?);
        let at = Timestamp::from_ms(i64::from_be_bytes(rest.take("instant")?));
        let kind = RecordKind(rest.u16("kind")?);
        let owner = u128::from_be_bytes(rest.take("owner")?);
        let subject = u128::from_be_bytes(rest.take("subject")?);
        let subject_version = u32::from_be_bytes(rest.take("subject version")?);
        let legs = rest.legs()?;
        let counts = rest.counts()?;
        let len = u32::from_be_bytes(rest.take("length of the event")?) as usize;
        if rest.0.len() != len || len > MOST_EVENT_BYTES {
            return Err(RecordError("the event's length"));
        }
        let event = rest.0.to_vec();
        let record = Record { kind, owner, subject, subject_version, legs, event };
        Ok(Self { shard, seq, at, record, counts })
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RecordError(part))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self, part: &'static str) -> Result<u16, RecordError> {
        self.take(part).map(u16::from_be_bytes)
    }

    /// A number of items that the remaining bytes can hold, so that a lie about it allocates nothing.
    fn items(&mut self, len: usize, part: &'static str) -> Result<usize, RecordError> {
        let many = usize::from(self.u16(part)?);
        if many * len > self.0.len() { Err(RecordError(part)) } else { Ok(many) }
    }

    fn legs(&mut self) -> Result<Option<Entry>, RecordError> {
        let many = self.items(LEG_LEN, "number of legs")?;
        if many == 0 {
            return Ok(None);
        }
        let legs = (0..many).map(|_| self.leg()).collect::<Result<Vec<Leg>, _>>()?;
        Entry::new(legs).map(Some).map_err(|_| RecordError("legs that do not balance"))
    }

    fn leg(&mut self) -> Result<Leg, RecordError> {
        let account: [u8; AccountId::LEN] = self.take("account")?;
        let account = AccountId::from_bytes(&account).map_err(|_| RecordError("account"))?;
        let [flags] = self.take("side and movement")?;
        let side = if flags & 1 == 0 { Side::Debit } else { Side::Credit };
        let movement = match flags >> 1 {
            0 => Movement::Hold,
            1 => Movement::Release,
            2 => Movement::Post,
            _ => return Err(RecordError("side and movement")),
        };
        let amount = u64::from_be_bytes(self.take("amount")?);
        Ok(Leg { account, side, movement, amount })
    }

    fn counts(&mut self) -> Result<Vec<Count>, RecordError> {
        let many = self.items(COUNT_LEN, "number of counts")?;
        (0..many)
            .map(|_| {
                let owner = u128::from_be_bytes(self.take("count's owner")?);
                let numeric = self.u16("count's currency")?;
                Ok(Count {
                    owner,
                    currency: Currency::from_numeric(numeric).ok_or(RecordError("count's currency"))?,
                    day: i32::from_be_bytes(self.take("count's day")?),
                    metric: self.u16("count's metric")?,
                    count: i64::from_be_bytes(self.take("count")?),
                    amount: i64::from_be_bytes(self.take("count's amount")?),
                })
            })
            .collect()
    }
}
