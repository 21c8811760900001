//! A store by its URL: `sqlite:FILE` for one process, `postgres://…` for as many as there are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::{PostgresOptions, Reads, SqliteOptions, Store};
use types::Secret;

use crate::fault::{Fault, Tried as _};

/// Where a store is.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// A file of one process's own.
    Sqlite(PathBuf),
    /// A database that several processes may share. The URL may hold a password.
    Postgres(Secret<String>),
}

impl StoreUrl {
    /// Reads a URL; a file that is not absolute is looked for below `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Fault> {
        if let Some(file) = text.strip_prefix("sqlite:") {
            if file.is_empty() {
                return Err(Fault::plain("sqlite: must be followed by the name of a file"));
            }
            return Ok(Self::Sqlite(base.join(file)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.into()));
        }
        Err(Fault::plain("the URL of a store begins with sqlite: or postgres://"))
    }

    /// Whether several processes may write to it at once.
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Opens it for reading and writing. A database that does not answer within `answer_ms` is given up and tried anew.
    pub fn open(&self, shards: u16, answer_ms: Option<u32>) -> Result<Store, Fault> {
        let settings = store::Settings::default();
        let started = match self {
            Self::Sqlite(path) => {
                let options = SqliteOptions { shards, ..SqliteOptions::default() };
                let (engine, reads) = store::open_sqlite(path, &options).tried("cannot open the store")?;
                Store::start(engine, reads, settings)
            }
            Self::Postgres(url) => {
                let mut options = PostgresOptions { shards, ..PostgresOptions::default() };
                if let Some(wait) = answer_ms {
                    // The server breaks a statement off before the whole batch is given up.
                    (options.batch_ms, options.statement_ms) = (wait, wait / 3 * 2);
                }
                let (engine, reads) =
                    store::open_postgres(url.expose(), &options).tried("cannot open the store")?;
                Store::start(engine, reads, settings)
            }
        };
        started.tried("cannot start the store")
    }

    /// Opens it for reading, while others may write.
    pub fn open_read_only(&self) -> Result<Arc<dyn Reads>, Fault> {
        match self {
            Self::Sqlite(path) if !path.exists() => {
                Err(Fault::plain(format!("there is no store at {}", path.display())))
            }
            Self::Sqlite(path) => {
                store::open_sqlite_read_only(path).tried(format!("cannot open {}", path.display()))
            }
            Self::Postgres(url) => {
                store::open_postgres_read_only(url.expose()).tried("cannot open the store")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_the_store_is() {
        let base = Path::new("/etc/lian");
        let file = StoreUrl::parse("sqlite:data/lian.db", base).unwrap();
        assert!(matches!(&file, StoreUrl::Sqlite(path) if path == Path::new("/etc/lian/data/lian.db")));
        let database = StoreUrl::parse("postgres://lian:hidden@127.0.0.1/lian", base).unwrap();
        assert!(database.is_shared());
        assert!(!format!("{database:?}").contains("hidden"));
        for wrong in ["sqlite:", "lian.db", "mysql://x"] {
            assert!(StoreUrl::parse(wrong, base).is_err(), "{wrong}");
        }
    }
}
