//! What the gateway must still do, kept in the store so that a crash forgets nothing.

use hostlink::Transaction;
use iso8583::Fields;
use payment::Exchange;
use serde::{Deserialize, Serialize};
use store::TaskChange;
use types::{AttemptId, MerchantId, Money, PaymentId, RefundId, Timestamp};

use crate::CommandError;
use crate::flow::offline::SealedChipData;
use crate::resource::to_bytes;

/// A message that is recorded and may be on the wire. Found after a crash, it is in doubt: never sent again as new.
pub const EXCHANGE: u8 = 1;
/// A reversal or an advice to repeat until the bank answers.
pub const PURSUIT: u8 = 2;
/// An authorization to give back at its end.
pub const EXPIRY: u8 = 3;
/// A bank's parameters to be fetched. (5 and 6 are in `batch.rs`.)
pub(crate) const PARAMETERS: u8 = 7;

/// How long what cannot be done now is left alone.
pub(crate) const LATER_MS: i64 = 60_000;

/// What a task is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub merchant: MerchantId,
    pub payment: PaymentId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    /// The message to send or repeat. Never holds a card number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Of an exchange that was just recorded: which. Its message is in the same commit's journal record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Of an offline sale that was just recorded: what its chip said. Later it is in the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip_data: Option<SealedChipData>,
    /// How often the message has, or may have, left.
    #[serde(default)]
    pub attempts: u32,
    /// How often the bank has refused it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refusals: u32,
    pub since: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A message to a bank, without its card, but for what the chip of an offline sale said, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub transaction: Transaction,
    pub amount: Money,
    pub exchange: Exchange,
    pub fields: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip_data: Option<SealedChipData>,
}

/// A message to a bank that the journal tells in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub attempt: AttemptId,
    pub transaction: Transaction,
    pub amount: Money,
}

impl Message {
    pub fn asked(&self) -> Asked {
        Asked { attempt: self.exchange.attempt, transaction: self.transaction, amount: self.amount }
    }
}

impl Task {
    /// One task of a kind for each exchange; an expiry is its payment's. A payment's next exchange has a number of its
    /// own, so that whoever still holds the task of an earlier one can never take the later one's off the list.
    pub fn number(&self) -> u128 {
        let asked = self.asked.or_else(|| self.message.as_ref().map(Message::asked));
        asked.map_or(self.payment.to_u128(), |asked| asked.attempt.to_u128())
    }

    pub fn put(&self, kind: u8, due: Timestamp) -> Result<TaskChange, CommandError> {
        Ok(TaskChange { kind, id: self.number(), put: Some((due, to_bytes(self)?)) })
    }
}

/// The task is done.
pub(crate) fn done(kind: u8, number: u128) -> TaskChange {
    TaskChange { kind, id: number, put: None }
}

/// When a message that has just left for the first time is sent once more.
pub(crate) const SECOND_TRY_MS: i64 = 2_000;
