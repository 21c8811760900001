//! A copy of a store as it is in one moment, taken while it is written to.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::open::{check_application, pin, reader};
use super::read_error;
use crate::StoreError;

/// Pages that are copied at once.
const PAGES_AT_ONCE: i32 = 512;

/// Copies a store to a new file that only its owner can read, durably. `told` hears how many pages are copied, and of how many. The one moment is held by a
/// read transaction: the writer goes on, and its write-ahead log grows meanwhile.
///
/// # Errors
/// [`StoreError::Open`]: there is no store, or the new file exists or cannot be made. [`StoreError::Read`]: the copy failed.
pub fn copy(from: &Path, to: &Path, mut told: impl FnMut(u64, u64)) -> Result<(), StoreError> {
    let source = reader(from)?;
    check_application(from, &source)?;
    pin(&source)?;
    let cannot =
        |error: &dyn std::fmt::Display| StoreError::Open(format!("cannot write {}: {error}", to.display()));
    // Nobody else's from its first byte on.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(to) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(StoreError::Open(format!("{} exists already", to.display())));
        }
        Err(error) => return Err(cannot(&error)),
    }
    let mut target = Connection::open(to).map_err(|error| cannot(&error))?;
    let backup = Backup::new(&source, &mut target).map_err(read_error)?;
    loop {
        let step = backup.step(PAGES_AT_ONCE).map_err(read_error)?;
        let progress = backup.progress();
        let all = progress.pagecount.max(0) as u64;
        told(all - (progress.remaining.max(0) as u64).min(all), all);
        // Anything else means that there is more: the file is new, and nobody else holds it.
        if step == StepResult::Done {
            break;
        }
    }
    drop(backup);
    target.close().map_err(|(_, error)| read_error(error))?;
    std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(|error| cannot(&error))
}
