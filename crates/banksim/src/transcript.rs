//! The latest messages, masked, for people.

use std::collections::VecDeque;

use types::Timestamp;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the gateway to the bank.
    Received,
    /// From the bank to the gateway.
    Sent,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptLine {
    /// When.
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// Message type and fields, card data masked.
    pub text: String,
}

/// Keeps the latest lines.
#[derive(Debug)]
pub(crate) struct Transcript {
    lines: VecDeque<TranscriptLine>,
    /// The received messages in short: `0400 stan=000002`.
    received: VecDeque<String>,
    capacity: usize,
}

impl Transcript {
    pub const fn new(capacity: usize) -> Self {
        Self { lines: VecDeque::new(), received: VecDeque::new(), capacity }
    }

    /// Whether lines are kept at all; making one is not free.
    pub const fn is_on(&self) -> bool {
        self.capacity > 0
    }

    pub fn push(&mut self, line: TranscriptLine, short: Option<String>) {
        self.lines.push_back(line);
        self.received.extend(short);
        while self.lines.len() > self.capacity {
            self.lines.pop_front();
        }
        while self.received.len() > self.capacity {
            self.received.pop_front();
        }
    }

    pub fn lines(&self) -> Vec<TranscriptLine> {
        self.lines.iter().cloned().collect()
    }

    pub fn received(&self) -> Vec<String> {
        self.received.iter().cloned().collect()
    }
}
