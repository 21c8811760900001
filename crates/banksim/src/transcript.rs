//! The latest messages, masked, for people.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use iso8583::Fields;
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

/// Keeps the latest messages. They are written out, masked, only for whoever asks.
#[derive(Debug)]
pub(crate) struct Transcript {
    kept: VecDeque<Kept>,
    capacity: usize,
}

#[derive(Debug)]
struct Kept {
    at: Timestamp,
    direction: Direction,
    what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Message(Fields),
    /// Something that is no message, in words.
    Words(String),
}

impl What {
    fn text(&self) -> String {
        match self {
            Self::Message(fields) => fields.to_string(),
            Self::Words(words) => words.clone(),
        }
    }

    /// `0400 stan=000002`.
    fn short(&self) -> Option<String> {
        let Self::Message(fields) = self else { return None };
        Some(match fields.get(11) {
            Some(stan) => format!("{} stan={stan}", fields.mti()),
            None => fields.mti().to_string(),
        })
    }
}

impl Transcript {
    pub const fn new(capacity: usize) -> Self {
        Self { kept: VecDeque::new(), capacity }
    }

    /// Whether messages are kept at all; taking one apart is not free.
    pub const fn is_on(&self) -> bool {
        self.capacity > 0
    }

    pub fn push(&mut self, at: Timestamp, direction: Direction, what: What) {
        self.kept.push_back(Kept { at, direction, what });
        while self.kept.len() > self.capacity {
            self.kept.pop_front();
        }
    }

    pub fn lines(&self) -> Vec<TranscriptLine> {
        let line =
            |kept: &Kept| TranscriptLine { at: kept.at, direction: kept.direction, text: kept.what.text() };
        self.kept.iter().map(line).collect()
    }

    /// The received messages with chip data, in short, and a number that is the same for the same chip data.
    pub fn received_with_chip_data(&self) -> Vec<(String, u64)> {
        let received = self.kept.iter().filter(|kept| kept.direction == Direction::Received);
        let with_chip_data = |kept: &Kept| {
            let What::Message(fields) = &kept.what else { return None };
            let mut hasher = DefaultHasher::new();
            fields.get_bytes(55)?.hash(&mut hasher);
            Some((kept.what.short()?, hasher.finish()))
        };
        received.filter_map(with_chip_data).collect()
    }

    /// The received messages in short: `0400 stan=000002`.
    pub fn received(&self) -> Vec<String> {
        let received = self.kept.iter().filter(|kept| kept.direction == Direction::Received);
        received.filter_map(|kept| kept.what.short()).collect()
    }
}
