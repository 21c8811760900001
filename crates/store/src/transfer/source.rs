//! The store that is moved: a SQLite file that nobody else writes to meanwhile.

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::rows::Cell;
use super::tables::Table;
use crate::sqlite::{SqliteEngine, SqliteOptions, open, reader, shards_of};
use crate::{Head, Reads, Shard, StoreError};

/// A row, and where it lies, so that a read can go on behind it.
pub(super) type Placed = (Vec<Cell>, Vec<Cell>);

pub(super) struct Source {
    connection: Connection,
    pub heads: Vec<Head>,
    /// Holds the file's lock: whoever would serve it is refused.
    _engine: SqliteEngine,
}

impl Source {
    /// Takes the file over and brings its tables forward.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Open(format!("there is no store at {}", path.display())));
        }
        let options = SqliteOptions { shards: shards_of(path)?, ..SqliteOptions::default() };
        let (engine, reads): (SqliteEngine, Arc<dyn Reads>) = open(path, &options)?;
        let heads = (0..reads.shards()).map(|shard| reads.head(Shard(shard))).collect::<Result<_, _>>()?;
        Ok(Self { connection: reader(path)?, heads, _engine: engine })
    }

    pub fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        self.connection
            .query_row(&sql, [], |row| row.get::<_, i64>(0))
            .map(|rows| rows as u64)
            .map_err(read_error)
    }

    /// Some rows behind `after`, in the order of their keys.
    pub fn rows(&self, table: &Table, after: &[Cell], limit: usize) -> Result<Vec<Placed>, StoreError> {
        let keys = table.sqlite_key.split(", ").count();
        let marks: Vec<String> = (1..=keys).map(|mark| format!("?{mark}")).collect();
        let behind = if after.is_empty() {
            String::new()
        } else {
            format!("WHERE ({}) > ({})", table.sqlite_key, marks.join(", "))
        };
        let sql = format!(
            "SELECT {}, {key} FROM {} {behind} ORDER BY {key} LIMIT {limit}",
            table.sqlite,
            table.name,
            key = table.sqlite_key
        );
        let mut select = self.connection.prepare_cached(&sql).map_err(read_error)?;
        let bound: Vec<Value> = after.iter().map(value).collect();
        let columns = table.columns.len();
        let read = |row: &rusqlite::Row<'_>| {
            let cells = (0..columns + keys).map(|column| row.get_ref(column).map(cell));
            let mut cells = cells.collect::<Result<Vec<Cell>, _>>()?;
            let key = cells.split_off(columns);
            Ok((cells, key))
        };
        let rows = select.query_map(params_from_iter(bound), read).map_err(read_error)?;
        rows.collect::<Result<_, _>>().map_err(read_error)
    }
}

fn read_error(error: rusqlite::Error) -> StoreError {
    StoreError::Read(error.to_string())
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Number(number),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        // The tables are strict, and no column holds a fraction.
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Real(number) => Cell::Text(number.to_string()),
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(number) => Value::Integer(*number),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
        Cell::Text(text) => Value::Text(text.clone()),
    }
}
