//! Which tags a walk has seen, so that each occurrence has its number.

use super::{Kind, MAX_PARTS};
use crate::content_error::ContentErrorKind;

/// The tags seen so far, each with the one it lies in. Bounded, and on the stack.
pub(super) struct Seen {
    keys: [u32; MAX_PARTS],
    parents: [u8; MAX_PARTS],
    count: usize,
}

impl Seen {
    pub const fn new() -> Self {
        Self { keys: [0; MAX_PARTS], parents: [0; MAX_PARTS], count: 0 }
    }

    /// Notes a tag inside `parent` (0 for the field itself) and tells its own number, by which it can be a parent, and which
    /// of its kind it is, counted from 1.
    pub fn note(&mut self, key: u32, parent: u8, may_repeat: bool) -> Result<(u8, u8), ContentErrorKind> {
        let before = self.keys[..self.count].iter().zip(&self.parents);
        let occurrence = before.filter(|&(&k, &p)| k == key && p == parent).count() + 1;
        // Two parts with one tag would leave it to each reader which of them counts.
        if occurrence > 1 && !may_repeat {
            return Err(Kind::PartRepeated);
        }
        if self.count == MAX_PARTS {
            return Err(Kind::TooManyParts);
        }
        self.keys[self.count] = key;
        self.parents[self.count] = parent;
        self.count += 1;
        // Neither is above MAX_PARTS.
        Ok((self.count as u8, occurrence as u8))
    }
}
