//! FROZEN. How ordinary gateways write: a pool of connections, each statement a journey, the intent in a transaction of its own, the
//! outcome in another one over accounts that all payments change.

use tokio::sync::{Mutex, mpsc};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use super::postgres::{COLUMNS_BYTES, connect, make};
use super::{COMMIT_BYTES, Fault, Payment};

/// Connections of the pool.
const POOL: usize = 16;
const STATEMENTS: [&str; 5] = [
    "INSERT INTO payment VALUES ($1, $2, $3, 0, $4)",
    "UPDATE payment SET state = 1 WHERE id = $1",
    "INSERT INTO ledger (payment, account, amount) VALUES ($1, $2, $3)",
    "INSERT INTO outbox VALUES ($1, $2)",
    "UPDATE balance SET amount = amount + $2 WHERE account = $1",
];

struct Session {
    client: Client,
    statements: Vec<Statement>,
}

impl Session {
    async fn run(&self, which: usize, bound: &[&(dyn ToSql + Sync)]) -> Result<(), Error> {
        self.client.execute(&self.statements[which], bound).await.map(drop)
    }
}

pub struct Ordinary {
    back: mpsc::Sender<Session>,
    idle: Mutex<mpsc::Receiver<Session>>,
    bodies: [Vec<u8>; 2],
}

impl Ordinary {
    pub async fn open(store: &str) -> Result<Self, Fault> {
        make(&connect(store).await?).await?;
        let (back, idle) = mpsc::channel(POOL);
        for _ in 0..POOL {
            let client = connect(store).await?;
            let mut statements = Vec::new();
            for sql in STATEMENTS {
                statements.push(client.prepare(sql).await?);
            }
            back.try_send(Session { client, statements })?;
        }
        let bodies = [0, 1].map(|which| vec![7u8; COMMIT_BYTES[which] - COLUMNS_BYTES[which]]);
        Ok(Self { back, idle: Mutex::new(idle), bodies })
    }

    async fn with<T>(&self, work: impl AsyncFnOnce(&Session) -> Result<T, Error>) -> Result<T, Fault> {
        let session = self.idle.lock().await.recv().await.ok_or("the pool is gone")?;
        let done = work(&session).await;
        // As many as there are fit.
        let _ = self.back.try_send(session);
        Ok(done?)
    }

    pub async fn intent(&self, payment: Payment) -> Result<(), Fault> {
        let Payment { id, merchant, amount } = payment;
        self.with(async |session| session.run(0, &[&id, &merchant, &amount, &self.bodies[0]]).await).await
    }

    pub async fn outcome(&self, payment: Payment) -> Result<(), Fault> {
        self.with(async |session| {
            session.client.batch_execute("BEGIN").await?;
            session.run(1, &[&payment.id]).await?;
            for (account, amount) in payment.legs() {
                session.run(2, &[&payment.id, &account, &amount]).await?;
            }
            session.run(3, &[&payment.id, &self.bodies[1]]).await?;
            // Always in the same order, or two of them would wait for each other.
            let mut legs = payment.legs();
            legs.sort_unstable();
            for (account, amount) in legs {
                session.run(4, &[&account, &amount]).await?;
            }
            session.client.batch_execute("COMMIT").await
        })
        .await
    }
}
