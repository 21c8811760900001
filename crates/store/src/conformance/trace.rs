//! Units out of a seed: few rows, keys and accounts, so that they get in each other's way.

use ledger::{AccountCode, AccountId, BankName, Entry, Leg, Movement, Owner, Side};
use types::{Currency, MerchantId, Timestamp};

use crate::{
    AliasChange, Answer, Body, Claim, Count, CursorMove, Record, RecordKind, Reserve, RowChange, RowKey,
    Shard, Table, TaskChange, Unit,
};

pub(super) const TABLE: Table = Table::Payment;
pub(super) const OWNERS: [u128; 2] = [1, 1 << 100];
pub(super) const IDS: u64 = 12;
pub(super) const KEYS: u64 = 40;
pub(super) const SPACE: u8 = 3;
pub(super) const TASK: u8 = 2;
pub(super) const CONSUMER: &str = "webhooks";
pub(super) const START: Timestamp = Timestamp::from_ms(1_796_113_800_007);

/// A stream of numbers from a seed (SplitMix64, public domain).
pub struct Chance(pub u64);

impl Chance {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

pub(super) fn accounts() -> [AccountId; 4] {
    let bank = Owner::Bank(BankName::new("bank").expect("a bank's name"));
    let payable = |number| Owner::Merchant(MerchantId::from_u128(number));
    let account = |code, owner| AccountId { code, owner, currency: Currency::CNY };
    [
        account(AccountCode::BankClearing, bank),
        account(AccountCode::MerchantPayable, payable(1)),
        account(AccountCode::MerchantPayable, payable(2)),
        account(AccountCode::FeeIncome, Owner::None),
    ]
}

/// `many` units; the same for the same seed.
pub fn trace(seed: u64, many: usize) -> Vec<Unit> {
    let mut chance = Chance(seed);
    let mut at = START;
    (0..many)
        .map(|_| {
            // Mostly minutes apart, at times a day, so that keys expire on the way.
            at = at.plus_ms(if chance.one_in(60) { 86_400_000 } else { chance.below(600_000) as i64 });
            unit(&mut chance, at)
        })
        .collect()
}

fn unit(chance: &mut Chance, at: Timestamp) -> Unit {
    let mut unit = Unit::new(Shard(chance.below(u64::from(super::SHARDS)) as u16), at);
    if chance.one_in(100) {
        unit.shard = Shard(super::SHARDS);
    }
    if chance.one_in(2) {
        unit.claim = Some(Claim {
            key: key(chance),
            digest: [chance.below(3) as u8; 32],
            subject: chance.draw().into(),
        });
    }
    if chance.one_in(3) {
        let key =
            unit.claim.as_ref().filter(|_| chance.one_in(2)).map_or_else(|| key(chance), |claim| claim.key);
        unit.answer = Some(Answer { key, status: 200, body: bytes(chance) });
    }
    if chance.one_in(4) {
        let target = (!chance.one_in(3)).then(|| row_key(chance));
        unit.aliases.push(AliasChange { space: SPACE, key: [chance.below(IDS) as u8; 16], target });
    }
    for _ in 0..chance.below(3) {
        let record = record(chance);
        unit.records.push(record);
    }
    for _ in 0..chance.below(3) {
        let change = row(chance, &unit.records);
        unit.rows.push(change);
    }
    for _ in 0..if unit.records.is_empty() { 0 } else { chance.below(3) } {
        let count = count(chance, at);
        unit.counts.push(count);
    }
    if chance.one_in(3) {
        let put = (!chance.one_in(3)).then(|| (at.plus_ms(chance.below(200_000_000) as i64), bytes(chance)));
        unit.tasks.push(TaskChange { kind: TASK, id: chance.below(IDS).into(), put });
    }
    if chance.one_in(8) {
        unit.cursors.push(CursorMove { consumer: CONSUMER.to_owned(), seq: chance.below(200) });
    }
    if chance.one_in(6) {
        unit.reserves
            .push(Reserve { counter: [chance.below(2) as u8; 16], numbers: chance.below(20) as u32 });
    }
    unit
}

fn key(chance: &mut Chance) -> [u8; 16] {
    [chance.below(KEYS) as u8; 16]
}

fn bytes(chance: &mut Chance) -> Vec<u8> {
    (0..chance.below(40)).map(|_| chance.draw() as u8).collect()
}

fn row_key(chance: &mut Chance) -> RowKey {
    let owner = OWNERS[chance.below(2) as usize];
    RowKey { table: TABLE, owner, id: chance.below(IDS).into() }
}

fn row(chance: &mut Chance, records: &[Record]) -> RowChange {
    let expected = (!chance.one_in(3)).then(|| 1 + chance.below(4) as u32);
    let body = (!chance.one_in(8)).then(|| body(chance, records));
    RowChange { key: row_key(chance), expected, body }
}

/// Bytes of its own, or a stretch of a record's event; now and then one that reaches beyond it.
fn body(chance: &mut Chance, records: &[Record]) -> Body {
    if records.is_empty() || chance.one_in(2) {
        return Body::Own(bytes(chance));
    }
    let record = chance.below(records.len() as u64) as usize;
    let event = records[record].event.len() as u64;
    let at = chance.below(event + 1);
    let len = if chance.one_in(30) { event + 1 } else { chance.below(event - at + 1) };
    Body::InRecord { record, at: at as usize, len: len as usize }
}

fn record(chance: &mut Chance) -> Record {
    let movement =
        [Movement::Hold, Movement::Hold, Movement::Release, Movement::Post][chance.below(4) as usize];
    let amount = 2 + chance.below(500);
    let leg =
        |account: u64, side, amount| Leg { account: accounts()[account as usize], side, movement, amount };
    let legs = vec![
        leg(chance.below(4), Side::Debit, amount),
        leg(chance.below(4), Side::Credit, amount - 1),
        leg(chance.below(4), Side::Credit, 1),
    ];
    Record {
        kind: RecordKind(chance.below(5) as u16),
        owner: OWNERS[chance.below(2) as usize],
        subject: chance.below(IDS).into(),
        subject_version: chance.below(9) as u32,
        legs: (!chance.one_in(4)).then(|| Entry::new(legs).expect("legs that balance")),
        event: bytes(chance),
    }
}

fn count(chance: &mut Chance, at: Timestamp) -> Count {
    Count {
        owner: OWNERS[chance.below(2) as usize],
        currency: Currency::CNY,
        day: crate::plan::day_of(at),
        metric: chance.below(3) as u16,
        count: chance.below(5) as i64 - 1,
        // Now and then one that passes 63 bits.
        amount: if chance.one_in(40) { i64::MAX } else { chance.below(1_000) as i64 - 300 },
    }
}
