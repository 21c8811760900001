//! FROZEN. The same bytes into PostgreSQL: one connection, a few set-based statements a batch, all in one flush with BEGIN and COMMIT,
//! plans pinned to the keys.

use std::sync::mpsc::Receiver;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

use super::{COMMIT_BYTES, Fault, MERCHANTS, Told, Work, batch, sums};

pub const TABLES: &str = "
    CREATE TABLE payment (id bigint PRIMARY KEY, merchant bigint, amount bigint, state int, body bytea) WITH (fillfactor = 90);
    CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payment bigint, account bigint, amount bigint);
    CREATE TABLE outbox (payment bigint PRIMARY KEY, body bytea);
    CREATE TABLE balance (account bigint PRIMARY KEY, amount bigint) WITH (fillfactor = 20)";
/// What the columns beside the bodies take of a commit's bytes.
pub const COLUMNS_BYTES: [usize; 2] = [30, 150];

const STATEMENTS: [&str; 5] = [
    "INSERT INTO payment SELECT n.id, n.merchant, n.amount, 0, n.body
     FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::bytea[]) AS n (id, merchant, amount, body)",
    "UPDATE payment p SET state = 1 FROM unnest($1::int8[]) AS n (id) WHERE p.id = n.id",
    "INSERT INTO ledger (payment, account, amount) SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[])",
    "INSERT INTO outbox SELECT * FROM unnest($1::int8[], $2::bytea[])",
    "UPDATE balance b SET amount = b.amount + n.amount FROM unnest($1::int8[], $2::int8[]) AS n (account, amount)
     WHERE b.account = n.account",
];

/// A connection that is driven by the current runtime.
pub async fn connect(store: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(store, NoTls).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Makes the tables and the accounts.
pub async fn make(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(TABLES).await?;
    let accounts = format!("INSERT INTO balance SELECT n, 0 FROM generate_series(0, {}) AS n", MERCHANTS + 1);
    client.batch_execute(&accounts).await
}

pub async fn writer(store: &str) -> Result<impl FnMut(Receiver<Work>, Told) + Send + 'static, Fault> {
    make(&connect(store).await?).await?;
    let store = store.to_owned();
    Ok(move |works: Receiver<Work>, told: Told| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let prepared = runtime.block_on(async {
            let client = connect(&store).await?;
            let pinned = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
                          SET enable_mergejoin = off";
            client.batch_execute(pinned).await?;
            let mut statements = Vec::new();
            for sql in STATEMENTS {
                statements.push(client.prepare(sql).await?);
            }
            Ok::<_, tokio_postgres::Error>((client, statements))
        });
        let Ok((client, statements)) = prepared else { return };
        while let Some(batch) = batch(&works) {
            let committed = runtime.block_on(commit(&client, &statements, &batch));
            if committed.is_err() || told.send(batch).is_err() {
                return;
            }
        }
    })
}

async fn commit(
    client: &Client,
    statements: &[Statement],
    batch: &[Work],
) -> Result<(), tokio_postgres::Error> {
    let bodies = [0, 1].map(|which| vec![7u8; COMMIT_BYTES[which] - COLUMNS_BYTES[which]]);
    let of =
        |is_outcome| batch.iter().filter(move |work| work.is_outcome == is_outcome).map(|work| work.payment);
    let new: Vec<i64> = of(false).map(|payment| payment.id).collect();
    let merchants: Vec<i64> = of(false).map(|payment| payment.merchant).collect();
    let amounts: Vec<i64> = of(false).map(|payment| payment.amount).collect();
    let intents = vec![&bodies[0][..]; new.len()];
    let ended: Vec<i64> = of(true).map(|payment| payment.id).collect();
    let outcomes = vec![&bodies[1][..]; ended.len()];
    let legs: Vec<(i64, (i64, i64))> =
        of(true).flat_map(|payment| payment.legs().map(|leg| (payment.id, leg))).collect();
    let leg_payments: Vec<i64> = legs.iter().map(|(payment, _)| *payment).collect();
    let leg_accounts: Vec<i64> = legs.iter().map(|(_, (account, _))| *account).collect();
    let leg_amounts: Vec<i64> = legs.iter().map(|(_, (_, amount))| *amount).collect();
    let (accounts, changes): (Vec<i64>, Vec<i64>) = sums(batch).into_iter().unzip();
    type Bound<'a> = &'a [&'a (dyn ToSql + Sync)];
    let intent: Bound<'_> = &[&new, &merchants, &amounts, &intents];
    let outcome: Bound<'_> = &[&ended];
    let ledger: Bound<'_> = &[&leg_payments, &leg_accounts, &leg_amounts];
    let outbox: Bound<'_> = &[&ended, &outcomes];
    let balances: Bound<'_> = &[&accounts, &changes];
    let run =
        async |which: usize, bound: Bound<'_>| client.execute(&statements[which], bound).await.map(drop);
    tokio::try_join!(
        biased;
        client.batch_execute("BEGIN"),
        run(0, intent),
        run(1, outcome),
        run(2, ledger),
        run(3, outbox),
        run(4, balances),
        client.batch_execute("COMMIT")
    )
    .map(drop)
}
