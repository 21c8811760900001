//! From columns to words. A column of another type or length is damage, not a panic.

use ledger::{AccountId, Balance};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use types::Currency;

use crate::{Head, RowKey, StoreError, Table};

pub(super) fn at<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| StoreError::Damaged(format!("column {column}: {error}")))
}

/// Exactly `N` bytes.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = at(row, column)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("column {column} has {} bytes, not {N}", bytes.len())))
}

pub(super) fn u128_at(row: &Row, column: usize) -> Result<u128, StoreError> {
    Ok(u128::from_be_bytes(bytes(row, column)?))
}

/// An unsigned number that was stored as the signed one of the same bits.
pub(super) fn u64_at(row: &Row, column: usize) -> Result<u64, StoreError> {
    Ok(at::<i64>(row, column)? as u64)
}

/// A number that a wider column holds.
pub(super) fn small<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T, StoreError> {
    let wide: i64 = at(row, column)?;
    T::try_from(wide).map_err(|_| StoreError::Damaged(format!("column {column}: {wide} is out of range")))
}

/// Likewise, of an `integer` column.
pub(super) fn small4<T: TryFrom<i32>>(row: &Row, column: usize) -> Result<T, StoreError> {
    let wide: i32 = at(row, column)?;
    T::try_from(wide).map_err(|_| StoreError::Damaged(format!("column {column}: {wide} is out of range")))
}

/// Likewise, of a `smallint` column.
pub(super) fn small2<T: TryFrom<i16>>(row: &Row, column: usize) -> Result<T, StoreError> {
    let wide: i16 = at(row, column)?;
    T::try_from(wide).map_err(|_| StoreError::Damaged(format!("column {column}: {wide} is out of range")))
}

/// Columns table, owner, id, from `first` on.
pub(super) fn row_key(row: &Row, first: usize) -> Result<RowKey, StoreError> {
    let number: u8 = small2(row, first)?;
    let table = Table::from_number(number)
        .ok_or_else(|| StoreError::Damaged(format!("there is no table number {number}")))?;
    Ok(RowKey { table, owner: u128_at(row, first + 1)?, id: u128_at(row, first + 2)? })
}

/// The four counters, from `first` on.
pub(super) fn balance(row: &Row, first: usize) -> Result<Balance, StoreError> {
    Ok(Balance {
        debits_pending: at(row, first)?,
        credits_pending: at(row, first + 1)?,
        debits_posted: at(row, first + 2)?,
        credits_posted: at(row, first + 3)?,
    })
}

pub(super) fn account(row: &Row, column: usize) -> Result<AccountId, StoreError> {
    let bytes: [u8; AccountId::LEN] = bytes(row, column)?;
    AccountId::from_bytes(&bytes).map_err(|error| StoreError::Damaged(error.to_string()))
}

pub(super) fn currency(row: &Row, column: usize) -> Result<Currency, StoreError> {
    let numeric: u16 = small2(row, column)?;
    Currency::from_numeric(numeric)
        .ok_or_else(|| StoreError::Damaged(format!("there is no currency number {numeric}")))
}

/// Columns epoch, seq, hash, from `first` on.
pub(super) fn head(row: &Row, first: usize) -> Result<Head, StoreError> {
    Ok(Head { epoch: u64_at(row, first)?, seq: u64_at(row, first + 1)?, hash: bytes(row, first + 2)? })
}
