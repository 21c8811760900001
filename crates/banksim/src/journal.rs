//! The bank's log: one JSON line an event, written before the answer leaves, read again at the start.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use crate::record::Event;

/// An open log.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
}

impl Journal {
    /// Opens the log and returns its events. A last line that was torn by a crash is cut off: no answer to it left.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Event>)> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut reader = BufReader::new(&file);
        let (mut events, mut good) = (Vec::new(), 0u64);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            match serde_json::from_slice(&line) {
                Ok(event) if line.ends_with(b"\n") => events.push(event),
                // Only the last line can be torn. A bad line with others behind it is damage, not a crash.
                Ok(_) | Err(_) if reader.fill_buf()?.is_empty() => break,
                Ok(_) | Err(_) => {
                    let number = events.len() + 1;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {number} is damaged")));
                }
            }
            good += length as u64;
        }
        drop(reader);
        file.set_len(good)?;
        let mut journal = Self { file };
        journal.file.seek(SeekFrom::End(0))?;
        Ok((journal, events))
    }

    /// Appends an event in one write. It survives the end of the process; a simulator does not wait for the disk.
    pub fn append(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}
