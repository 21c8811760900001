//! The database that a store is moved to. A table of its own says how far the move has come and that it has not ended: until it
//! has, nobody serves what is there.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::rows::{Cell, Checksum};
use super::tables::{Kind, TABLES, Table};
use crate::postgres::{Conn, PostgresOptions, Target as Database, migrate, read_error};
use crate::{Head, StoreError};

/// Rows that are read at once for a checksum.
const READ_AT_ONCE: usize = 5_000;

/// How far a move has come: which table, and behind which row of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub table: usize,
    pub after: Vec<Cell>,
}

pub(super) struct Target {
    conn: Conn,
}

impl Target {
    /// Makes the tables of an empty database, or goes on where a move of the same source has stopped.
    pub async fn open(url: &str, heads: &[Head]) -> Result<(Self, Progress), StoreError> {
        let options = PostgresOptions { shards: heads.len() as u16, ..PostgresOptions::default() };
        let mut conn = Database::parse(url, &options)?.open().await?;
        migrate(&mut conn, options.shards, true).await?;
        let mut target = Self { conn };
        let place = target.begin(&names(heads)).await?;
        Ok((target, place))
    }

    async fn begin(&mut self, heads: &[u8]) -> Result<Progress, StoreError> {
        let change = self.conn.client.transaction().await.map_err(read_error)?;
        if crate::postgres::is_moving(&change).await? {
            let row =
                change.query_one("SELECT heads, step, after FROM moving", &[]).await.map_err(read_error)?;
            if row.get::<_, &[u8]>(0) != heads {
                return Err(StoreError::Open(
                    "the database holds the beginning of a move from another store, or from this one before it went on; \
                     empty the database and start again"
                        .to_owned(),
                ));
            }
            let (table, after) = (row.get::<_, i32>(1) as usize, decode(row.get(2)));
            return Ok(Progress { table, after });
        }
        for table in TABLES.iter().map(|table| table.name) {
            let some =
                change.query(&format!("SELECT 1 FROM {table} LIMIT 1"), &[]).await.map_err(read_error)?;
            if !some.is_empty() {
                return Err(StoreError::Open(format!(
                    "the database is in use: its table {table} is not empty; a store is moved to an empty one"
                )));
            }
        }
        let made = "CREATE TABLE moving (one smallint PRIMARY KEY CHECK (one = 1), heads bytea NOT NULL,
                    step integer NOT NULL, after bytea NOT NULL)";
        change.batch_execute(made).await.map_err(read_error)?;
        let first = "INSERT INTO moving (one, heads, step, after) VALUES (1, $1, 0, '')";
        change.execute(first, &[&heads]).await.map_err(read_error)?;
        change.commit().await.map_err(read_error)?;
        Ok(Progress::default())
    }

    /// Adds rows to a table and moves the place, together.
    pub async fn add(
        &mut self,
        table: &Table,
        rows: &[Vec<Cell>],
        place: &Progress,
    ) -> Result<(), StoreError> {
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        let arrays = table.columns.iter().enumerate();
        let arrays: Vec<String> =
            arrays.map(|(at, (_, kind))| format!("${}::{}[]", at + 1, kind.postgres())).collect();
        let sql = format!(
            "INSERT INTO {} ({}) SELECT * FROM unnest({})",
            table.name,
            names.join(", "),
            arrays.join(", ")
        );
        let columns = table.columns.iter().enumerate();
        let columns: Vec<Box<dyn ToSql + Sync + Send>> =
            columns.map(|(at, (_, kind))| kind.array(rows.iter().map(|row| &row[at]))).collect();
        let bound: Vec<&(dyn ToSql + Sync)> =
            columns.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect();
        let change = self.conn.client.transaction().await.map_err(read_error)?;
        change.execute(&sql, &bound).await.map_err(read_error)?;
        let moved = "UPDATE moving SET step = $1, after = $2";
        let (step, after) = (place.table as i32, encode(&place.after));
        change.execute(moved, &[&step, &after]).await.map_err(read_error)?;
        change.commit().await.map_err(read_error)
    }

    /// What a table holds, read back.
    pub async fn checksum(
        &mut self,
        table: &Table,
        mut told: impl FnMut(u64),
    ) -> Result<Checksum, StoreError> {
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        let change = self.conn.client.transaction().await.map_err(read_error)?;
        let declared =
            format!("DECLARE rows NO SCROLL CURSOR FOR SELECT {} FROM {}", names.join(", "), table.name);
        change.batch_execute(&declared).await.map_err(read_error)?;
        let fetch = change.prepare(&format!("FETCH {READ_AT_ONCE} FROM rows")).await.map_err(read_error)?;
        let mut sum = Checksum::default();
        loop {
            let rows = change.query(&fetch, &[]).await.map_err(read_error)?;
            for row in &rows {
                sum.add(&cells(table, row).map_err(read_error)?);
            }
            told(rows.len() as u64);
            if rows.len() < READ_AT_ONCE {
                return Ok(sum);
            }
        }
    }

    /// Ends the move: from now on the database is a store.
    pub async fn end(&mut self, heads: &[Head]) -> Result<(), StoreError> {
        let change = self.conn.client.transaction().await.map_err(read_error)?;
        for (shard, head) in heads.iter().enumerate() {
            let moved = "UPDATE shard_head SET seq = $1, hash = $2, turn = turn + 1 WHERE shard = $3";
            let bound: &[&(dyn ToSql + Sync)] = &[&(head.seq as i64), &&head.hash[..], &(shard as i16)];
            change.execute(moved, bound).await.map_err(read_error)?;
        }
        change.batch_execute("DROP TABLE moving").await.map_err(read_error)?;
        change.commit().await.map_err(read_error)
    }
}

impl Kind {
    const fn postgres(self) -> &'static str {
        match self {
            Self::Small => "int2",
            Self::Int => "int4",
            Self::Big => "int8",
            Self::Bytes => "bytea",
            Self::Text => "text",
        }
    }

    /// A column of some rows. What does not fit its kind is no row of a store, and becomes NULL, which the table refuses.
    fn array<'a>(self, cells: impl Iterator<Item = &'a Cell>) -> Box<dyn ToSql + Sync + Send> {
        fn numbers<'a, T: TryFrom<i64>>(cells: impl Iterator<Item = &'a Cell>) -> Vec<Option<T>> {
            cells
                .map(|cell| if let Cell::Number(number) = cell { T::try_from(*number).ok() } else { None })
                .collect()
        }
        match self {
            Self::Small => Box::new(numbers::<i16>(cells)),
            Self::Int => Box::new(numbers::<i32>(cells)),
            Self::Big => Box::new(numbers::<i64>(cells)),
            Self::Bytes => {
                let bytes =
                    |cell: &Cell| if let Cell::Bytes(bytes) = cell { Some(bytes.clone()) } else { None };
                Box::new(cells.map(bytes).collect::<Vec<Option<Vec<u8>>>>())
            }
            Self::Text => {
                let text = |cell: &Cell| if let Cell::Text(text) = cell { Some(text.clone()) } else { None };
                Box::new(cells.map(text).collect::<Vec<Option<String>>>())
            }
        }
    }
}

fn cells(table: &Table, row: &Row) -> Result<Vec<Cell>, tokio_postgres::Error> {
    let number = |number: Option<i64>| number.map_or(Cell::Null, Cell::Number);
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(at, (_, kind))| {
            Ok(match kind {
                Kind::Small => number(row.try_get::<_, Option<i16>>(at)?.map(i64::from)),
                Kind::Int => number(row.try_get::<_, Option<i32>>(at)?.map(i64::from)),
                Kind::Big => number(row.try_get(at)?),
                Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(at)?.map_or(Cell::Null, Cell::Bytes),
                Kind::Text => row.try_get::<_, Option<String>>(at)?.map_or(Cell::Null, Cell::Text),
            })
        })
        .collect()
}

/// The heads of the source, by which a move knows it again.
fn names(heads: &[Head]) -> Vec<u8> {
    heads.iter().flat_map(|head| head.seq.to_be_bytes().into_iter().chain(head.hash)).collect()
}

/// A key, so that it can be kept: a number or a length and its bytes, behind a tag.
fn encode(key: &[Cell]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for cell in key {
        let (tag, said): (u8, &[u8]) = match cell {
            Cell::Null => (0, &[]),
            Cell::Number(number) => {
                bytes.push(1);
                bytes.extend(number.to_be_bytes());
                continue;
            }
            Cell::Bytes(said) => (2, said),
            Cell::Text(said) => (3, said.as_bytes()),
        };
        bytes.push(tag);
        bytes.extend((said.len() as u64).to_be_bytes());
        bytes.extend(said);
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Vec<Cell> {
    let mut key = Vec::new();
    while let Some((tag, rest)) = bytes.split_first()
        && let Some((number, rest)) = rest.split_first_chunk::<8>()
    {
        let number = u64::from_be_bytes(*number);
        if *tag == 1 {
            key.push(Cell::Number(number as i64));
            bytes = rest;
            continue;
        }
        let (said, rest) = rest.split_at(rest.len().min(number as usize));
        key.push(match tag {
            2 => Cell::Bytes(said.to_vec()),
            3 => Cell::Text(String::from_utf8_lossy(said).into_owned()),
            _ => Cell::Null,
        });
        bytes = rest;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_as_it_is() {
        let key = vec![
            Cell::Number(-3),
            Cell::Bytes(vec![0, 255]),
            Cell::Text("webhooks".to_owned()),
            Cell::Bytes(vec![]),
        ];
        assert_eq!(decode(&encode(&key)), key);
        assert!(decode(&encode(&[])).is_empty());
    }
}
