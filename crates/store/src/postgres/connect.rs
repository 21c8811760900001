//! Connections: where the server is, how a session is set, statements prepared once.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, NoTls, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::queries::read_error;
use super::{PostgresOptions, tls};
use crate::StoreError;

/// How long one host is tried: until it takes a connection, and until a session is open and set.
const CONNECT: Duration = Duration::from_secs(3);
const SESSION: Duration = Duration::from_secs(4);
/// The oldest server that is taken.
const OLDEST: i32 = 150_000;

/// A database, and how to talk to it.
#[derive(Clone)]
pub(crate) struct Target {
    /// One for each host, in the order of the URL. One that takes connections and then says nothing must not keep us from
    /// the next.
    hosts: Vec<Config>,
    /// None: in plain text.
    tls: Option<MakeRustlsConnect>,
    statement_ms: u32,
    /// How long a question may go without an answer.
    pub patience: Duration,
}

impl Target {
    /// Reads a URL (`postgres://user@host:port/database`, several hosts separated by commas) or a list of settings.
    pub fn parse(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        // The URL may hold a password, so it is not repeated.
        let (url, tls) = tls::split(url)?;
        let mut config = Config::from_str(&url).map_err(|error| {
            StoreError::Open(format!("the URL of the database is not well-formed: {error}"))
        })?;
        if config.get_ssl_mode() != Config::new().get_ssl_mode() {
            let rule = "a ? before the settings of the URL of the database must be written as %3F";
            return Err(StoreError::Open(rule.to_owned()));
        }
        let mode = if tls.is_some() { SslMode::Require } else { SslMode::Disable };
        config.ssl_mode(mode).application_name("lian").connect_timeout(CONNECT).keepalives(true);
        // After a fail-over the list of hosts still names the old one; only a server that takes writes will do.
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        let many = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
        let hosts = (0..many).map(|place| only(&config, place)).collect();
        let patience = Duration::from_millis(options.batch_ms.into());
        Ok(Self { hosts, tls, statement_ms: options.statement_ms, patience })
    }

    /// A new session on the current runtime, which must go on being driven: of the first host that gives one.
    pub async fn connect(&self) -> Result<Conn, String> {
        let mut last = "the URL of the database names no host".to_owned();
        for host in &self.hosts {
            match tokio::time::timeout(self.patience.min(SESSION), self.session(host)).await {
                Ok(Ok(conn)) => return Ok(conn),
                Ok(Err(error)) => last = words(&error),
                Err(_) => "the database takes connections and does not answer".clone_into(&mut last),
            }
        }
        Err(last)
    }

    async fn session(&self, host: &Config) -> Result<Conn, tokio_postgres::Error> {
        let (client, driver) = match &self.tls {
            None => driven(host.connect(NoTls).await?),
            Some(tls) => driven(host.connect(tls.clone()).await?),
        };
        // A plan made for a young, small table is ruinous on a full one: the keys' indexes are always right here.
        let settings = format!(
            "SET statement_timeout = {}; SET synchronous_commit = on; SET plan_cache_mode = force_generic_plan;
             SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
             SET enable_bitmapscan = off; SET enable_material = off; SET default_transaction_isolation = 'read committed'",
            self.statement_ms
        );
        client.batch_execute(&settings).await?;
        Ok(Conn {
            client,
            driver,
            patience: self.patience,
            is_silent: AtomicBool::new(false),
            uses: AtomicU64::new(0),
            prepared: Mutex::default(),
        })
    }

    /// A new session on a server that is new enough.
    pub async fn open(&self) -> Result<Conn, StoreError> {
        let unreachable = |error| StoreError::Open(format!("cannot reach the database: {error}"));
        let conn = self.connect().await.map_err(unreachable)?;
        let asking = conn.client.query_one("SELECT current_setting('server_version_num')::int4", &[]);
        let version: i32 = conn.within(asking).await.map_err(|error| unreachable(error.to_string()))?.get(0);
        if version < OLDEST {
            return Err(StoreError::Open(format!(
                "PostgreSQL {} is too old; 15 or newer is needed",
                version / 10_000
            )));
        }
        Ok(conn)
    }
}

/// A configuration for one of its hosts, with everything else that the URL says. (In which order they are tried makes no
/// difference: one of them takes writes.)
fn only(all: &Config, place: usize) -> Config {
    // What stands once stands for all hosts.
    fn at<T: Clone>(of: &[T], place: usize) -> Option<T> {
        of.get(place).or_else(|| of.first().filter(|_| of.len() == 1)).cloned()
    }
    let mut one = Config::new();
    match at(all.get_hosts(), place) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        Some(Host::Unix(path)) => drop(one.host_path(path)),
        None => {}
    }
    if let Some(address) = at(all.get_hostaddrs(), place) {
        one.hostaddr(address);
    }
    if let Some(port) = at(all.get_ports(), place) {
        one.port(port);
    }
    for (value, set) in [
        (all.get_user(), Config::user as fn(&mut Config, String) -> &mut Config),
        (all.get_dbname(), Config::dbname),
        (all.get_options(), Config::options),
        (all.get_application_name(), Config::application_name),
    ] {
        if let Some(value) = value {
            set(&mut one, value.to_owned());
        }
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    one.ssl_mode(all.get_ssl_mode()).channel_binding(all.get_channel_binding());
    one.target_session_attrs(all.get_target_session_attrs()).connect_timeout(CONNECT);
    one.ssl_negotiation(all.get_ssl_negotiation());
    one.keepalives(all.get_keepalives()).keepalives_idle(all.get_keepalives_idle());
    if let Some(wait) = all.get_keepalives_interval() {
        one.keepalives_interval(wait);
    }
    if let Some(many) = all.get_keepalives_retries() {
        one.keepalives_retries(many);
    }
    if let Some(wait) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*wait);
    }
    one
}

/// Drives a connection. It ends when its client is dropped or the server goes; the client's calls say which.
fn driven<T>((client, connection): (Client, Connection<Socket, T>)) -> (Client, AbortHandle)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let driver = tokio::spawn(async move { drop(connection.await) }).abort_handle();
    (client, driver)
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
    driver: AbortHandle,
    /// How long a question may go without an answer: a server may vanish, or stand still, without a word.
    pub patience: Duration,
    is_silent: AtomicBool,
    uses: AtomicU64,
    prepared: Mutex<HashMap<&'static str, Statement>>,
}

/// What is bound to a statement.
pub(super) type Bound<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Drop for Conn {
    fn drop(&mut self) {
        // A driver waits for the answer to what was asked last, and this server gives none. Left alone, the session would stay
        // open at both ends, and the next ones beside it until the server takes no more.
        if self.is_silent.load(Ordering::Relaxed) {
            self.driver.abort();
        }
    }
}

impl Conn {
    /// It has not answered in time: it is not asked again, and closed without a good-bye once nobody holds it.
    pub fn give_up(&self) {
        self.is_silent.store(true, Ordering::Relaxed);
    }

    /// Whether it may be asked: it is open, and has answered so far.
    pub fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.is_silent.load(Ordering::Relaxed)
    }

    /// A question within its time. A session that does not answer is not asked again.
    pub async fn within<T>(
        &self,
        asking: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.patience, asking).await {
            Ok(answered) => answered.map_err(read_error),
            Err(_) => {
                self.give_up();
                Err(StoreError::Read("the database did not answer in time".to_owned()))
            }
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_gets_its_own_address_and_everything_that_is_said_of_all() {
        let settings = "application_name=x&options=-cgeqo%3Doff&keepalives_idle=7&keepalives_interval=8&keepalives_retries=9&\
                        tcp_user_timeout=10&channel_binding=require&target_session_attrs=read-write&connect_timeout=3";
        let url = |hosts: &str| format!("postgres://lian:secret@{hosts}/books?{settings}");
        let all = Config::from_str(&url("one:5001,two:5002")).unwrap();
        for (place, host) in ["one:5001", "two:5002"].into_iter().enumerate() {
            assert!(only(&all, place) == Config::from_str(&url(host)).unwrap(), "{host}");
        }
        let one_port = Config::from_str("host=one,two port=5003").unwrap();
        assert_eq!(only(&one_port, 1).get_ports(), [5003]);
    }
}
