//! Connections: where the server is, how a session is set, statements prepared once.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, NoTls, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{PostgresOptions, tls};
use crate::StoreError;

/// How long one host is tried.
const CONNECT: Duration = Duration::from_secs(3);
/// The oldest server that is taken.
const OLDEST: i32 = 150_000;

/// A database, and how to talk to it.
#[derive(Clone)]
pub(crate) struct Target {
    config: Config,
    /// None: in plain text.
    tls: Option<MakeRustlsConnect>,
    statement_ms: u32,
}

impl Target {
    /// Reads a URL (`postgres://user@host:port/database`, several hosts separated by commas) or a list of settings.
    pub fn parse(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        // The URL may hold a password, so it is not repeated.
        let (url, tls) = tls::split(url)?;
        let mut config = Config::from_str(&url).map_err(|error| {
            StoreError::Open(format!("the URL of the database is not well-formed: {error}"))
        })?;
        let mode = if tls.is_some() { SslMode::Require } else { SslMode::Disable };
        config.ssl_mode(mode).application_name("lian").connect_timeout(CONNECT).keepalives(true);
        // After a fail-over the list of hosts still names the old one; only a server that takes writes will do.
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        Ok(Self { config, tls, statement_ms: options.statement_ms })
    }

    /// A new session on the current runtime, which must go on being driven.
    pub async fn connect(&self) -> Result<Conn, tokio_postgres::Error> {
        let client = match &self.tls {
            None => driven(self.config.connect(NoTls).await?),
            Some(tls) => driven(self.config.connect(tls.clone()).await?),
        };
        // A plan made for a young, small table is ruinous on a full one: the keys' indexes are always right here.
        let settings = format!(
            "SET statement_timeout = {}; SET synchronous_commit = on; SET plan_cache_mode = force_generic_plan;
             SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
             SET enable_bitmapscan = off; SET enable_material = off; SET default_transaction_isolation = 'read committed'",
            self.statement_ms
        );
        client.batch_execute(&settings).await?;
        Ok(Conn { client, uses: AtomicU64::new(0), prepared: Mutex::default() })
    }

    /// A new session on a server that is new enough.
    pub async fn open(&self) -> Result<Conn, StoreError> {
        let conn = self.connect().await.map_err(|error| cannot(&error))?;
        let row = conn.client.query_one("SELECT current_setting('server_version_num')::int4", &[]).await;
        let version: i32 = row.map_err(|error| cannot(&error))?.get(0);
        if version < OLDEST {
            return Err(StoreError::Open(format!(
                "PostgreSQL {} is too old; 15 or newer is needed",
                version / 10_000
            )));
        }
        Ok(conn)
    }
}

/// Drives a connection. It ends when its client is dropped or the server goes; the client's calls say which.
fn driven<T>((client, connection): (Client, Connection<Socket, T>)) -> Client
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move { drop(connection.await) });
    client
}

fn cannot(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Open(format!("cannot reach the database: {}", words(error)))
}

/// An error with what lies beneath it.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A session. Shared by tasks: what they ask is pipelined.
pub(crate) struct Conn {
    pub client: Client,
    uses: AtomicU64,
    prepared: Mutex<HashMap<&'static str, Statement>>,
}

/// What is bound to a statement.
pub(super) type Bound<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Conn {
    /// Counts a batch or read. A plan is made for the size that its tables have at that moment and kept; a plan for tables that
    /// were empty then scans them once they are full. So plans are made anew after 8, 64, 512 … uses.
    pub async fn renew_plans(&self) -> Result<(), tokio_postgres::Error> {
        let uses = self.uses.fetch_add(1, Ordering::Relaxed) + 1;
        if uses > 1 && uses.is_power_of_two() && uses.trailing_zeros().is_multiple_of(3) {
            return self.client.batch_execute("DISCARD PLANS").await;
        }
        Ok(())
    }

    /// The statement, prepared the first time.
    pub async fn prepare(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        let known = self.prepared.lock().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.lock().insert(sql, statement.clone());
        Ok(statement)
    }

    pub async fn query(
        &self,
        sql: &'static str,
        bound: Bound<'_>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let statement = self.prepare(sql).await?;
        self.client.query(&statement, bound).await
    }

    pub async fn execute(&self, sql: &'static str, bound: Bound<'_>) -> Result<u64, tokio_postgres::Error> {
        let statement = self.prepare(sql).await?;
        self.client.execute(&statement, bound).await
    }
}
