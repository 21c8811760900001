//! FROZEN. Appends to a file that was written before: one `fdatasync` a batch.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::Receiver;

use super::{Fault, Told, Work, batch};

/// The file begins again from the start when it is full.
const FILE_BYTES: usize = 256 << 20;

/// A file that is really there: written once, so that later writes find its blocks.
fn preallocated(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
    let block = vec![0u8; 1 << 20];
    for _ in 0..FILE_BYTES.div_ceil(block.len()) {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(file)
}

pub fn writer(store: &str) -> Result<impl FnMut(Receiver<Work>, Told) + Send + 'static, Fault> {
    let file = preallocated(Path::new(store))?;
    let block = vec![7u8; 64 << 10];
    let mut place = 0;
    Ok(move |works: Receiver<Work>, told: Told| {
        while let Some(batch) = batch(&works) {
            let mut left: usize = batch.iter().map(Work::bytes).sum();
            while left > 0 {
                let now = left.min(block.len());
                if place + now > FILE_BYTES {
                    place = 0;
                }
                if file.write_all_at(&block[..now], place as u64).is_err() {
                    return;
                }
                (place, left) = (place + now, left - now);
            }
            if file.sync_data().is_err() || told.send(batch).is_err() {
                return;
            }
        }
    })
}
