//! From columns to words.

use ledger::{AccountId, Balance};
use rusqlite::Row;
use types::Currency;

use crate::{RowKey, StoreError, Table};

use super::read_error;

/// A blob of exactly `N` bytes.
pub(super) fn bytes<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; N]> {
    row.get(column)
}

pub(super) fn u128_at(row: &Row<'_>, column: usize) -> rusqlite::Result<u128> {
    Ok(u128::from_be_bytes(bytes(row, column)?))
}

/// An unsigned number that was stored as the signed one of the same bits.
pub(super) fn u64_at(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)? as u64)
}

/// Columns table, owner, id, from `first` on.
pub(super) fn row_key(row: &Row<'_>, first: usize) -> Result<RowKey, StoreError> {
    let number: u8 = row.get(first).map_err(read_error)?;
    let table = Table::from_number(number)
        .ok_or_else(|| StoreError::Damaged(format!("there is no table number {number}")))?;
    let owner = u128_at(row, first + 1).map_err(read_error)?;
    let id = u128_at(row, first + 2).map_err(read_error)?;
    Ok(RowKey { table, owner, id })
}

/// The four counters, from `first` on.
pub(super) fn balance(row: &Row<'_>, first: usize) -> rusqlite::Result<Balance> {
    Ok(Balance {
        debits_pending: row.get(first)?,
        credits_pending: row.get(first + 1)?,
        debits_posted: row.get(first + 2)?,
        credits_posted: row.get(first + 3)?,
    })
}

pub(super) fn account(row: &Row<'_>, column: usize) -> Result<AccountId, StoreError> {
    let bytes: [u8; AccountId::LEN] = bytes(row, column).map_err(read_error)?;
    AccountId::from_bytes(&bytes).map_err(|error| StoreError::Damaged(error.to_string()))
}

pub(super) fn currency(row: &Row<'_>, column: usize) -> Result<Currency, StoreError> {
    let numeric = row.get(column).map_err(read_error)?;
    Currency::from_numeric(numeric)
        .ok_or_else(|| StoreError::Damaged(format!("there is no currency number {numeric}")))
}
