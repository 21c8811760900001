//! The file: who may open it, what an altered one looks like, and what happens when it is held.

use std::path::Path;
use std::sync::Arc;

use ledger::{AccountCode, AccountId, BankName, Entry, Leg, Movement, Owner, Side};
use rusqlite::Connection;
use store::{
    Answer, Claim, CommitError, Count, Engine, Place, Reads, Record, RecordKind, RowChange, RowKey, Rule,
    Settings, Shard, SqliteEngine, SqliteOptions, Store, StoreError, Table, Unit, VerifyError, open_sqlite,
    open_sqlite_read_only, verify,
};
use types::{Currency, Timestamp};

const AT: Timestamp = Timestamp::from_ms(1_796_113_800_007);
const S: Shard = Shard(0);

fn clearing() -> AccountId {
    let owner = Owner::Bank(BankName::new("bank").unwrap());
    AccountId { code: AccountCode::BankClearing, owner, currency: Currency::CNY }
}

fn income() -> AccountId {
    AccountId { code: AccountCode::FeeIncome, owner: Owner::None, currency: Currency::CNY }
}

fn payment(id: u128) -> Unit {
    let leg = |account, side| Leg { account, side, movement: Movement::Post, amount: 100 };
    let mut unit = Unit::new(S, AT);
    unit.claim = Some(Claim { key: id.to_be_bytes(), digest: [1; 32], subject: id });
    unit.answer = Some(Answer { key: id.to_be_bytes(), status: 200, body: b"done".to_vec() });
    let key = RowKey { table: Table::Payment, owner: 1, id };
    unit.rows.push(RowChange { key, expected: None, body: Some(b"{}".to_vec().into()) });
    unit.records.push(Record {
        kind: RecordKind(1),
        owner: 1,
        subject: id,
        subject_version: 1,
        legs: Some(Entry::new(vec![leg(clearing(), Side::Debit), leg(income(), Side::Credit)]).unwrap()),
        event: br#"{"said":"hello"}"#.to_vec(),
    });
    unit.counts.push(Count {
        owner: 1,
        currency: Currency::CNY,
        day: 20_788,
        metric: 1,
        count: 1,
        amount: 100,
    });
    unit
}

fn open(path: &Path) -> (SqliteEngine, Arc<dyn Reads>) {
    open_sqlite(path, &SqliteOptions::default()).unwrap()
}

/// A store with ten payments, closed.
fn ten_payments(path: &Path) {
    let (mut engine, _) = open(path);
    let units: Vec<Unit> = (1..=10).map(payment).collect();
    assert!(engine.commit(&units).unwrap().iter().all(Result::is_ok));
}

fn refusal(result: Result<(SqliteEngine, Arc<dyn Reads>), StoreError>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn only_one_process_may_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (first, _) = open(&path);
    assert!(refusal(open_sqlite(&path, &SqliteOptions::default())).contains("in use by another process"));
    drop(first);
    open(&path);
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(refusal(open_sqlite(&path, &SqliteOptions::default())).contains("not a store of this program"));

    let text = folder.path().join("text");
    std::fs::write(&text, "this is no database, and it is long enough to be looked at".repeat(20)).unwrap();
    assert!(refusal(open_sqlite(&text, &SqliteOptions::default())).contains("cannot open the store"));

    let ours = folder.path().join("ours");
    ten_payments(&ours);
    let other = SqliteOptions { shards: 4, ..SqliteOptions::default() };
    assert!(refusal(open_sqlite(&ours, &other)).contains("made with 1 shards and is configured with 4"));
    Connection::open(&ours).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(refusal(open_sqlite(&ours, &SqliteOptions::default())).contains("newer program"));

    assert!(matches!(open_sqlite_read_only(&folder.path().join("none")), Err(StoreError::Open(_))));
}

#[test]
fn a_store_can_be_verified_while_it_is_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    ten_payments(&path);
    let (mut engine, _) = open(&path);
    let other = open_sqlite_read_only(&path).unwrap();
    let snapshot = other.snapshot().unwrap();
    assert!(engine.commit(&[payment(11)]).unwrap()[0].is_ok());

    let mut seen = Vec::new();
    let verified = verify(&*snapshot, |done, of| seen.push((done, of))).unwrap();
    assert_eq!((verified.records, verified.accounts, verified.postings, verified.counts), (10, 2, 20, 1));
    assert_eq!(seen, [(10, 10)]);
    assert_eq!(verify(&*other.snapshot().unwrap(), |_, _| ()).unwrap().records, 11);
}

/// Alters a closed store with SQL, and says which rule notices.
fn altered(sql: &str) -> (u64, Rule) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    ten_payments(&path);
    let (engine, reads) = open(&path);
    // The projections are folded before the alteration, as they would have been in daily life.
    verify(&*reads, |_, _| ()).unwrap();
    drop((engine, reads));
    let projections = folder.path().join("store-projections");
    let connection = Connection::open(&path).unwrap();
    connection.execute("ATTACH ?1 AS lines", [projections.to_str().unwrap()]).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let reads = open_sqlite_read_only(&path).unwrap();
    match verify(&*reads.snapshot().unwrap(), |_, _| ()).unwrap_err() {
        VerifyError::Breach(breach) => (breach.seq, *breach.rule),
        VerifyError::Store(error) => panic!("{error}"),
    }
}

#[test]
fn whatever_is_altered_is_noticed_and_named() {
    let last_letter =
        "UPDATE journal SET record = CAST(substr(record, 1, length(record) - 1) || '!' AS BLOB) WHERE id = 4";
    assert_eq!(altered(last_letter), (4, Rule::Chain));
    assert_eq!(altered("UPDATE journal SET hash = zeroblob(32) WHERE id = 5"), (5, Rule::Chain));
    assert_eq!(altered("DELETE FROM journal WHERE id = 6"), (6, Rule::Gapless { found: 7 }));
    assert_eq!(altered("DELETE FROM journal WHERE id = 10"), (9, Rule::Head { seq: 10 }));
    assert_eq!(altered("UPDATE shard_head SET hash = zeroblob(32)"), (10, Rule::Head { seq: 10 }));
    let (seq, rule) =
        altered("UPDATE balance SET credits_posted = credits_posted - 1 WHERE credits_posted > 0");
    assert!(matches!((seq, rule), (10, Rule::Balance { account, .. }) if account == income()));
    assert!(matches!(altered("DELETE FROM balance").1, Rule::Balance { .. }));
    assert!(matches!(
        altered("UPDATE rollup SET amount = 1"),
        (10, Rule::Count { metric: 1, expected: (10, 1_000), .. })
    ));
    assert_eq!(
        altered("UPDATE lines.posting SET amount = 1 WHERE seq = 3 AND flags = 4"),
        (3, Rule::Projection)
    );
    assert_eq!(altered("DELETE FROM lines.history WHERE seq = 8"), (8, Rule::Projection));
    assert_eq!(altered("INSERT INTO lines.history VALUES (0, zeroblob(16), 8)"), (10, Rule::Projection));
}

#[test]
fn statements_and_histories_are_made_anew_when_their_file_is_gone_or_of_another_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    ten_payments(&path);
    let copy = folder.path().join("copy");
    std::fs::copy(&path, &copy).unwrap();
    let (mut engine, reads) = open(&path);
    assert!(engine.commit(&[payment(11), payment(12)]).unwrap().iter().all(Result::is_ok));
    assert_eq!(reads.entries(S, income(), Place::default(), 100).unwrap().len(), 12);
    drop((engine, reads));

    // The store is brought back from the copy, and lives on differently.
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("store{suffix}")));
    }
    std::fs::copy(&copy, &path).unwrap();
    let (mut engine, reads) = open(&path);
    assert_eq!(reads.entries(S, income(), Place::default(), 100).unwrap().len(), 10);
    assert!(engine.commit(&[payment(13), payment(14)]).unwrap().iter().all(Result::is_ok));
    assert_eq!(reads.history(S, 11).unwrap(), []);
    assert_eq!(reads.history(S, 13).unwrap()[0].seq, 11);
    verify(&*reads, |_, _| ()).unwrap();
    drop((engine, reads));

    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("store-projections{suffix}")));
    }
    let (_engine, reads) = open(&path);
    let statement = reads.entries(S, income(), Place::default(), 100).unwrap();
    assert_eq!(statement.len(), 12);
    assert_eq!(statement[11].balance.credits_posted, 1_200);
}

#[test]
fn a_writer_whose_epoch_is_over_stops_with_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (mut engine, reads) = open(&path);
    assert!(engine.commit(&[payment(1)]).unwrap()[0].is_ok());
    Connection::open(&path).unwrap().execute("UPDATE shard_head SET epoch = epoch + 1", []).unwrap();
    let error = engine.commit(&[payment(2)]).unwrap_err();
    assert!(matches!(error, StoreError::Superseded { ours: 1, found: 2, .. }), "{error}");
    assert_eq!(reads.head(S).unwrap().seq, 1);
}

/// Another node wrote under the same epoch: the batch is decided on again, on the new state.
#[test]
fn a_head_that_moved_beneath_the_writer_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("store"), folder.path().join("other"));
    let (mut engine, reads) = open(&path);
    assert!(engine.commit(&[payment(1)]).unwrap()[0].is_ok());
    // The other node's record and head, made by an engine of its own from the same first record.
    let (mut twin, _) = open(&other);
    assert!(twin.commit(&[payment(1)]).unwrap()[0].is_ok());
    assert!(twin.commit(&[payment(2)]).unwrap()[0].is_ok());
    let connection = Connection::open(&path).unwrap();
    connection.execute("ATTACH ?1 AS twin", [other.to_str().unwrap()]).unwrap();
    for table in ["journal", "shard_head", "object", "balance", "rollup", "claim", "answer"] {
        connection.execute(&format!("REPLACE INTO {table} SELECT * FROM twin.{table}"), []).unwrap();
    }
    drop(connection);
    assert!(
        engine.commit(&[payment(3)]).unwrap()[0].as_ref().is_ok_and(|committed| committed.first_seq == 3)
    );
    assert_eq!(verify(&*reads, |_, _| ()).unwrap().records, 3);
}

#[tokio::test]
async fn a_file_that_is_held_by_somebody_else_makes_the_store_unavailable_until_it_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let options = SqliteOptions { lock_wait_ms: 1, ..SqliteOptions::default() };
    let (engine, reads) = open_sqlite(&path, &options).unwrap();
    let store = Store::start(engine, reads, Settings::default()).unwrap();
    store.commit(payment(1)).await.unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(store.commit(payment(2)).await, Err(CommitError::Unavailable)));
    holder.execute_batch("ROLLBACK").unwrap();
    while !store.is_ready() {
        tokio::task::yield_now().await;
    }
    assert!(store.get(S, RowKey { table: Table::Payment, owner: 1, id: 2 }).await.unwrap().is_none());
    store.commit(payment(2)).await.unwrap();
    assert_eq!(store.verify(|_, _| ()).await.unwrap().unwrap().records, 2);
}

#[test]
fn idempotency_keys_outlive_the_process_and_go_after_their_days() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    ten_payments(&path);
    let (mut engine, reads) = open(&path);
    let known = reads.idempotency(S, 3u128.to_be_bytes()).unwrap().unwrap();
    assert_eq!((known.subject, known.answer.unwrap().body), (3, b"done".to_vec()));
    assert!(matches!(
        engine.commit(&[payment(3)]).unwrap()[0],
        Err(store::Refused::KeyTaken { subject: 3, .. })
    ));

    let mut later = payment(11);
    later.at = AT.plus_ms(8 * 86_400_000);
    assert!(engine.commit(&[later]).unwrap()[0].is_ok());
    assert_eq!(reads.idempotency(S, 3u128.to_be_bytes()).unwrap(), None);
    let rows: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT (SELECT count(*) FROM claim) + (SELECT count(*) FROM answer)", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(rows, 2);
}

/// One key, one effect: also when its first request was never answered and the process has remembered that ever since.
#[test]
fn a_key_that_is_claimed_again_after_its_time_is_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, _reads) = open(&folder.path().join("store"));
    let claiming = |id: u128, days: i64, answered: bool| {
        let mut unit = payment(id);
        unit.at = AT.plus_ms(days * 86_400_000);
        unit.claim = Some(Claim { key: [7; 16], digest: [1; 32], subject: id });
        unit.answer = answered.then(|| Answer { key: [7; 16], status: 200, body: b"done".to_vec() });
        unit
    };
    assert!(engine.commit(&[claiming(1, 0, false)]).unwrap()[0].is_ok());
    assert!(engine.commit(&[claiming(2, 9, true)]).unwrap()[0].is_ok());
    assert!(matches!(
        engine.commit(&[claiming(3, 9, false)]).unwrap()[0],
        Err(store::Refused::KeyTaken { subject: 2, .. })
    ));
}

#[test]
fn the_write_ahead_log_does_not_grow_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let options =
        SqliteOptions { checkpoint_bytes: 1 << 16, wal_limit_bytes: 1 << 20, ..SqliteOptions::default() };
    let (mut engine, reads) = open_sqlite(&path, &options).unwrap();
    let big = |id| {
        let mut unit = payment(id);
        unit.rows[0].body = Some(vec![7; 100_000].into());
        unit
    };
    let wal = folder.path().join("store-wal");
    // Far more than the limit is written; the thread's help may come late, so there is room for its delay.
    for id in 1..=2_000 {
        assert!(engine.commit(&[big(id)]).unwrap()[0].is_ok());
        if id > 200 && std::fs::metadata(&wal).unwrap().len() < 100_000 * id as u64 / 2 {
            return drop(reads);
        }
    }
    panic!("the log has {} bytes", std::fs::metadata(&wal).unwrap().len());
}

/// A reader that stays for long makes the log grow, never the writer stop.
#[test]
fn a_long_reader_does_not_stop_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let options =
        SqliteOptions { checkpoint_bytes: 1 << 16, wal_limit_bytes: 1 << 18, ..SqliteOptions::default() };
    let (mut engine, reads) = open_sqlite(&path, &options).unwrap();
    assert!(engine.commit(&[payment(1)]).unwrap()[0].is_ok());
    let snapshot = reads.snapshot().unwrap();
    for id in 2..=60 {
        let mut unit = payment(id);
        unit.rows[0].body = Some(vec![7; 100_000].into());
        assert!(engine.commit(&[unit]).unwrap()[0].is_ok());
    }
    assert_eq!(verify(&*snapshot, |_, _| ()).unwrap().records, 1);
    drop(snapshot);
    assert_eq!(verify(&*reads, |_, _| ()).unwrap().records, 60);
}
