//! One idempotency key, one effect. A key is looked up before any work, guarded in this process while its request runs,
//! claimed in the same commit as the first effect, and answered in the same commit as the last.

use std::sync::Arc;

use store::{Answer, Claim};
use types::{MerchantId, PaymentId, RefundId};

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

impl Pcs {
    /// Does a request's work once for its key, in a task of its own: a client that hangs up cancels nothing. A key that
    /// was used before gets what came of it then.
    pub(crate) async fn once<W>(
        self: &Arc<Self>,
        caller: &Caller,
        key: &IdempotencyKey,
        work: impl FnOnce(Running) -> W,
    ) -> Result<Completed, CommandError>
    where
        W: Future<Output = Result<Done, CommandError>> + Send + 'static,
    {
        let running = self.guard(caller, key)?;
        if let Some(completed) = self.known(caller, key).await? {
            return Ok(completed);
        }
        let error = match tokio::spawn(work(running)).await {
            Ok(Ok(done)) => return Ok(Completed { done, replayed: false }),
            Ok(Err(error)) => error,
            Err(fault) => CommandError::Internal(Box::new(fault)),
        };
        match error {
            // Whatever was written is found by the next try; a store that is in trouble is not asked more.
            CommandError::Unavailable(_) | CommandError::Overloaded => Err(error),
            // Another process may have been asked the same and been faster: then its answer is the answer.
            error => self.known(caller, key).await?.ok_or(error),
        }
    }

    /// What came of a key: its stored answer, or, if a crash or a bank's silence came in between, its object as it is
    /// by now. None when the key is new.
    async fn known(&self, caller: &Caller, key: &IdempotencyKey) -> Result<Option<Completed>, CommandError> {
        let short = key_hash(caller, &key.key);
        let Some(known) = self.store.idempotency(self.shard(caller.merchant), short).await? else {
            return Ok(None);
        };
        if known.digest != key.fingerprint {
            return Err(CommandError::KeyReused);
        }
        let done = match known.answer {
            Some(answer) => from_bytes(&answer.body)?,
            None => self.as_it_is(caller.merchant, known.subject).await?,
        };
        Ok(Some(Completed { done, replayed: true }))
    }

    /// The payment or refund with this number, as it is by now.
    async fn as_it_is(&self, merchant: MerchantId, number: u128) -> Result<Done, CommandError> {
        match self.payment(merchant, PaymentId::from_u128(number)).await? {
            Some(payment) => Ok(Done::Payment(Box::new(payment))),
            None => {
                let refund = self.must_load_refund(merchant, RefundId::from_u128(number)).await?;
                Ok(Done::Refund(Box::new(refund)))
            }
        }
    }

    fn guard(self: &Arc<Self>, caller: &Caller, key: &IdempotencyKey) -> Result<Running, CommandError> {
        let short = key_hash(caller, &key.key);
        if !self.running.lock().insert(short) {
            return Err(CommandError::InProgress);
        }
        Ok(Running { pcs: Arc::clone(self), key: short, digest: key.fingerprint })
    }

    /// What is known of a key; none when it was never used. A request that met a bank's silence or a crash has no stored
    /// answer: then its object is given as it is by now.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn idempotency_key(
        &self,
        caller: &Caller,
        key: &str,
    ) -> Result<Option<KnownKey>, CommandError> {
        let shard = self.shard(caller.merchant);
        let Some(known) = self.store.idempotency(shard, key_hash(caller, key)).await? else {
            return Ok(None);
        };
        if let Some(answer) = known.answer {
            return Ok(Some(KnownKey { is_answered: true, done: from_bytes(&answer.body)? }));
        }
        let payment = self.payment(caller.merchant, PaymentId::from_u128(known.subject)).await?;
        let done = match payment {
            Some(payment) => Done::Payment(Box::new(payment)),
            None => {
                let refund =
                    self.must_load_refund(caller.merchant, RefundId::from_u128(known.subject)).await?;
                Done::Refund(Box::new(refund))
            }
        };
        Ok(Some(KnownKey { is_answered: false, done }))
    }
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// Whether its first request has ended with an answer that was stored.
    pub is_answered: bool,
    /// That answer; or the object as it is by now.
    pub done: Done,
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
