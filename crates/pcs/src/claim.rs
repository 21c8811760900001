//! One idempotency key, one effect. A key is looked up before any work, guarded in this process while its request runs,
//! claimed in the same commit as the first effect, and answered in the same commit as the last.

use std::sync::Arc;

use store::{Answer, Claim};

use crate::hash::short_hash;
use crate::resource::{from_bytes, to_bytes};
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs};

/// A key whose request runs in this process. Dropping it lets the key's next request look at the stored answer.
pub(crate) struct Running {
    pcs: Arc<Pcs>,
    /// Scope and key, hashed.
    key: [u8; 16],
    digest: [u8; 32],
}

/// What is known of a key.
pub(crate) enum Begun {
    /// Never seen: do the work.
    New(Running),
    /// Ended before: this is its answer.
    Answered(Done),
    /// Claimed before and not answered: a crash or a bank's silence came in between. The object tells the truth.
    Unanswered {
        /// The payment's or refund's number.
        subject: u128,
    },
}

impl Pcs {
    /// Looks a key up and, if it is new, guards it.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        caller: &Caller,
        key: &IdempotencyKey,
    ) -> Result<Begun, CommandError> {
        let running = self.guard(caller, key)?;
        match self.store.idempotency(self.shard(caller.merchant), running.key).await? {
            None => Ok(Begun::New(running)),
            Some(known) if known.digest != running.digest => Err(CommandError::KeyReused),
            Some(known) => match known.answer {
                Some(answer) => Ok(Begun::Answered(from_bytes(&answer.body)?)),
                None => Ok(Begun::Unanswered { subject: known.subject }),
            },
        }
    }

    fn guard(self: &Arc<Self>, caller: &Caller, key: &IdempotencyKey) -> Result<Running, CommandError> {
        let short = key_hash(caller, &key.key);
        if !self.running.lock().insert(short) {
            return Err(CommandError::InProgress);
        }
        Ok(Running { pcs: Arc::clone(self), key: short, digest: key.fingerprint })
    }

    /// What is known of a key: its answer, if there is one. None when the key was never used.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn idempotency_key(
        &self,
        caller: &Caller,
        key: &str,
    ) -> Result<Option<Option<Done>>, CommandError> {
        let known = self.store.idempotency(self.shard(caller.merchant), key_hash(caller, key)).await?;
        match known {
            None => Ok(None),
            Some(known) => Ok(Some(known.answer.map(|answer| from_bytes(&answer.body)).transpose()?)),
        }
    }
}

/// Keys are scoped to their merchant. (Test and live never share an installation yet, so the mode is not part of it.)
fn key_hash(caller: &Caller, key: &str) -> [u8; 16] {
    short_hash(&["idempotency", &caller.merchant.to_string(), key])
}

impl Running {
    /// The claim for the first commit.
    pub fn claim(&self, subject: u128) -> Claim {
        Claim { key: self.key, digest: self.digest, subject }
    }

    /// The answer for the last commit.
    pub fn answer(&self, done: &Done) -> Result<Answer, CommandError> {
        Ok(Answer { key: self.key, status: 0, body: to_bytes(done)? })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pcs.running.lock().remove(&self.key);
    }
}

impl From<Done> for Completed {
    fn from(done: Done) -> Self {
        Self { done, replayed: false }
    }
}
