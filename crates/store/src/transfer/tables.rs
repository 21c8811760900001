//! What a store consists of, table by table, in the columns that both engines share. Projections are left out: they are folded
//! anew. A test compares this with the tables that the migrations make.

/// What lies in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 16 bits.
    Small,
    /// 32 bits.
    Int,
    /// 64 bits.
    Big,
    Bytes,
    Text,
}

/// A table. Columns have the same names in both engines unless `sqlite` says otherwise.
pub(crate) struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
    /// The columns' expressions on SQLite.
    pub sqlite: &'static str,
    /// What SQLite's rows are read in the order of, so that a read can go on behind any of them.
    pub sqlite_key: &'static str,
}

use Kind::{Big, Bytes, Int, Small, Text};

/// Every table but the heads, which are moved last.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "journal",
        columns: &[("shard", Small), ("seq", Big), ("hash", Bytes), ("record", Bytes)],
        sqlite: "id >> 48, id & 281474976710655, hash, record",
        sqlite_key: "id",
    },
    Table {
        name: "object",
        columns: &[
            ("shard", Small),
            ("tab", Small),
            ("owner", Bytes),
            ("id", Bytes),
            ("version", Big),
            ("body", Bytes),
            ("seq", Big),
            ("at", Int),
            ("len", Int),
        ],
        sqlite: "shard, tab, owner, id, version, body, record & 281474976710655, at, len",
        sqlite_key: "num",
    },
    Table {
        name: "alias",
        columns: &[
            ("shard", Small),
            ("space", Small),
            ("key", Bytes),
            ("tab", Small),
            ("owner", Bytes),
            ("id", Bytes),
        ],
        sqlite: "shard, space, key, tab, owner, id",
        sqlite_key: "shard, space, key",
    },
    Table {
        name: "claim",
        columns: &[
            ("shard", Small),
            ("day", Int),
            ("number", Big),
            ("key", Bytes),
            ("digest", Bytes),
            ("subject", Bytes),
        ],
        sqlite: "shard, day, number, key, digest, subject",
        sqlite_key: "shard, day, number",
    },
    Table {
        name: "answer",
        columns: &[("shard", Small), ("day", Int), ("number", Big), ("status", Int), ("body", Bytes)],
        sqlite: "shard, day, number, status, body",
        sqlite_key: "shard, day, number",
    },
    Table {
        name: "balance",
        columns: &[
            ("shard", Small),
            ("account", Bytes),
            ("debits_pending", Big),
            ("credits_pending", Big),
            ("debits_posted", Big),
            ("credits_posted", Big),
        ],
        sqlite: "shard, account, debits_pending, credits_pending, debits_posted, credits_posted",
        sqlite_key: "shard, account",
    },
    Table {
        name: "rollup",
        columns: &[
            ("shard", Small),
            ("owner", Bytes),
            ("day", Int),
            ("currency", Small),
            ("metric", Int),
            ("count", Big),
            ("amount", Big),
        ],
        sqlite: "shard, owner, day, currency, metric, count, amount",
        sqlite_key: "shard, owner, day, currency, metric",
    },
    Table {
        name: "task",
        columns: &[("shard", Small), ("kind", Small), ("id", Bytes), ("due", Big), ("body", Bytes)],
        sqlite: "shard, kind, id, due, body",
        sqlite_key: "shard, kind, id",
    },
    Table {
        name: "consumer",
        columns: &[("shard", Small), ("name", Text), ("seq", Big)],
        sqlite: "shard, name, seq",
        sqlite_key: "shard, name",
    },
    Table {
        name: "counter",
        columns: &[("shard", Small), ("name", Bytes), ("number", Big)],
        sqlite: "shard, name, number",
        sqlite_key: "shard, name",
    },
];

/// What is not moved row by row: how the store was made, and the heads.
#[cfg(test)]
pub(crate) const APART: &[&str] = &["store", "shard_head"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SqliteOptions, open_sqlite};

    /// A migration that adds a table or a column must be told to whoever moves stores.
    #[test]
    fn every_table_and_column_of_the_embedded_store_is_known_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        drop(open_sqlite(&path, &SqliteOptions::default()).unwrap());
        let connection = rusqlite::Connection::open(&path).unwrap();
        let names = |sql: &str| -> Vec<String> {
            let mut select = connection.prepare(sql).unwrap();
            let names = select.query_map([], |row| row.get(0)).unwrap();
            names.collect::<Result<_, _>>().unwrap()
        };
        let mut known: Vec<&str> =
            TABLES.iter().map(|table| table.name).chain(APART.iter().copied()).collect();
        known.sort_unstable();
        assert_eq!(names("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"), known);
        for table in TABLES {
            assert_eq!(table.sqlite.split(", ").count(), table.columns.len(), "{}", table.name);
            for column in names(&format!("SELECT name FROM pragma_table_info('{}')", table.name)) {
                let told = format!("{}, {}", table.sqlite, table.sqlite_key);
                assert!(told.split([' ', ',']).any(|word| word == column), "{}.{column}", table.name);
            }
        }
    }
}
