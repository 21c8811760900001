//! The journal's canonical bytes: one form for each record, and nothing else is read.

use ledger::{AccountCode, AccountId, Entry, Leg, Movement, Owner, Side};
use proptest::prelude::*;
use store::{Count, Record, RecordKind, Shard, StoredRecord};
use types::{Currency, MerchantId, Timestamp};

fn legs() -> impl Strategy<Value = Option<Entry>> {
    let movement = prop::sample::select(vec![Movement::Hold, Movement::Release, Movement::Post]);
    let pairs = prop::collection::vec((movement, 1u64..=i64::MAX as u64, any::<u128>()), 0..5);
    pairs.prop_map(|pairs| {
        let legs: Vec<Leg> = pairs
            .into_iter()
            .flat_map(|(movement, amount, merchant)| {
                let account = |code, owner| AccountId { code, owner, currency: Currency::CNY };
                let payable =
                    account(AccountCode::MerchantPayable, Owner::Merchant(MerchantId::from_u128(merchant)));
                let income = account(AccountCode::FeeIncome, Owner::None);
                [(payable, Side::Debit), (income, Side::Credit)].map(|(account, side)| Leg {
                    account,
                    side,
                    movement,
                    amount,
                })
            })
            .collect();
        (!legs.is_empty()).then(|| Entry::new(legs).unwrap())
    })
}

fn count() -> impl Strategy<Value = Count> {
    any::<(u128, i32, u16, i64, i64)>().prop_map(|(owner, day, metric, count, amount)| Count {
        owner,
        currency: Currency::EUR,
        day,
        metric,
        count,
        amount,
    })
}

fn record() -> impl Strategy<Value = StoredRecord> {
    let words = any::<(u16, u64, i64, u16, u128, u128, u32)>();
    let event = prop::collection::vec(any::<u8>(), 0..200);
    (words, legs(), prop::collection::vec(count(), 0..4), event).prop_map(
        |((shard, seq, at, kind, owner, subject, subject_version), legs, counts, event)| StoredRecord {
            shard: Shard(shard),
            seq,
            at: Timestamp::from_ms(at),
            record: Record { kind: RecordKind(kind), owner, subject, subject_version, legs, event },
            counts,
        },
    )
}

/// What is read, whatever it is, has one form only.
fn has_one_form(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(record) = StoredRecord::decode(bytes) {
        prop_assert_eq!(record.encode(), bytes);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_record_reads_back(record in record()) {
        prop_assert_eq!(StoredRecord::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn a_record_with_one_byte_changed_is_refused_or_another_record(record in record(), place: prop::sample::Index, byte: u8) {
        let mut bytes = record.encode();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        has_one_form(&bytes)?;
    }

    #[test]
    fn a_record_cut_short_or_too_long_is_refused(record in record(), place: prop::sample::Index) {
        let mut bytes = record.encode();
        prop_assert!(StoredRecord::decode(&bytes[..place.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(StoredRecord::decode(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        has_one_form(&bytes)?;
    }
}

/// The bytes of a record as they were on the day when version 1 was fixed: what is stored once is readable for ever.
#[test]
fn version_1_never_changes() {
    let bytes = include_bytes!("../fuzz/corpus/journal_record/a_sale");
    let record = StoredRecord::decode(bytes).unwrap();
    assert_eq!((record.shard, record.seq, record.at), (Shard(1), 42, Timestamp::from_ms(1_796_113_800_007)));
    assert_eq!((record.record.kind, record.record.owner, record.record.subject), (RecordKind(1), 7, 9));
    assert_eq!(record.record.legs.as_ref().unwrap().legs().len(), 3);
    assert_eq!((record.counts.len(), record.record.event.as_slice()), (1, br#"{"paid":true}"#.as_slice()));
    assert_eq!(record.encode(), bytes);
}

/// Each input that a fuzzer has found worth keeping.
#[test]
fn the_corpus_is_read_without_a_panic() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/journal_record");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        has_one_form(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        inputs += 1;
    }
    assert!(inputs >= 4, "only {inputs} inputs");
}
