//! One idempotency key, one effect. A key is looked up before any work, guarded in this process while its request runs,
//! claimed in the same commit as the first effect, and answered in the same commit as the last.

use std::sync::Arc;
use std::time::Duration;

use payment::{Payment, Refund};
use serde::{Deserialize, Serialize};
use store::{Answer, Claim};
use tokio::sync::OwnedSemaphorePermit;
use types::{MerchantId, PaymentId, RefundId};

use crate::hash::short_hash;
use crate::model::JournalEvent;
use crate::resource::{from_bytes, to_bytes};
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs};

/// How long a request waits for a place before it is turned away.
const PATIENCE: Duration = Duration::from_millis(500);

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
        work: impl FnOnce(Running) -> W + Send + 'static,
    ) -> Result<Completed, CommandError>
    where
        W: Future<Output = Result<Done, CommandError>> + Send + 'static,
    {
        let ended = self.once_uncounted(caller, key, work).await;
        self.counted.ended(match &ended {
            Ok(completed) if completed.replayed => "replayed",
            Ok(_) => "done",
            Err(error) => error.code(),
        });
        ended
    }

    async fn once_uncounted<W>(
        self: &Arc<Self>,
        caller: &Caller,
        key: &IdempotencyKey,
        work: impl FnOnce(Running) -> W + Send + 'static,
    ) -> Result<Completed, CommandError>
    where
        W: Future<Output = Result<Done, CommandError>> + Send + 'static,
    {
        let running = self.guard(caller, key)?;
        let place = self.place().await?;
        // Over a network the look-up would cost every new key a journey, to save one to those who come twice: those are
        // found when their claim is refused, or whatever else they meet.
        if self.store.reads_are_local()
            && let Some(completed) = self.known(caller, key).await?
        {
            return Ok(completed);
        }
        let task = tokio::spawn(async move {
            // On the heap before it is first polled: a task is moved several times while it is made, and a payment's whole
            // flow is tens of kilobytes.
            let done = Box::pin(work(running)).await;
            drop(place);
            done
        });
        let error = match task.await {
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
            Some(answer) => self.as_it_ended(caller.merchant, &answer).await?,
            None => self.as_it_is(caller.merchant, known.subject).await?,
        };
        Ok(Some(Completed { done, replayed: true }))
    }

    /// The payment or refund as a command has left it.
    async fn as_it_ended(&self, merchant: MerchantId, answer: &Answer) -> Result<Done, CommandError> {
        Ok(match from_bytes(&answer.body)? {
            Ended::Payment { payment, version } => {
                Done::Payment(Box::new(self.payment_at(merchant, payment, version).await?))
            }
            Ended::ActionRefused { payment, version } => {
                Done::ActionRefused(Box::new(self.payment_at(merchant, payment, version).await?))
            }
            Ended::Refund { payment, refund, version } => {
                Done::Refund(Box::new(self.refund_at(merchant, payment, refund, version).await?))
            }
        })
    }

    /// A payment at one of its versions: as it is, or else as the journal has kept it.
    async fn payment_at(
        &self,
        merchant: MerchantId,
        id: PaymentId,
        version: u32,
    ) -> Result<Payment, CommandError> {
        let now = self.must_load(merchant, id).await?;
        if now.version == version {
            return Ok(now);
        }
        let found = self.find_in_history(merchant, id, |event| {
            event.payment.filter(|payment| payment.version == version)
        });
        Ok(*found.await?)
    }

    /// A refund at one of its versions.
    async fn refund_at(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
        id: RefundId,
        version: u32,
    ) -> Result<Refund, CommandError> {
        let now = self.must_load_refund(merchant, id).await?;
        if now.version == version {
            return Ok(now);
        }
        let found = self.find_in_history(merchant, payment, |event| {
            event.refund.filter(|refund| refund.id == id && refund.version == version)
        });
        Ok(*found.await?)
    }

    /// What `pick` finds first in a payment's records, oldest first; it must be there.
    pub(crate) async fn find_in_history<T>(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
        pick: impl Fn(JournalEvent) -> Option<T>,
    ) -> Result<T, CommandError> {
        for record in self.store.history(self.shard(merchant), payment.to_u128()).await? {
            if let Some(found) = pick(from_bytes(&record.record.event)?) {
                return Ok(found);
            }
        }
        let lost = format!("the journal does not tell what a stored answer or task says of {payment}");
        Err(CommandError::Internal(lost.into()))
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

    /// One of the places for requests that move money. When all are taken the request waits for a moment, unanswered: who
    /// is refused at once comes back at once. At three times what two cores carry, over 4,096 connections, refusing at once left
    /// a third of the payments, waiting two thirds.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, CommandError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(CommandError::Overloaded),
        }
    }

    fn guard(self: &Arc<Self>, caller: &Caller, key: &IdempotencyKey) -> Result<Running, CommandError> {
        let short = key_hash(caller, &key.key);
        let mut running = self.running.lock();
        if running.contains(&short) {
            return Err(CommandError::InProgress);
        }
        running.insert(short);
        drop(running);
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
            let done = self.as_it_ended(caller.merchant, &answer).await?;
            return Ok(Some(KnownKey { is_answered: true, done }));
        }
        let done = self.as_it_is(caller.merchant, known.subject).await?;
        Ok(Some(KnownKey { is_answered: false, done }))
    }
}

/// How a command ended, as it is kept for its key: which version of which object. What that version said is in the
/// journal, so it is not written twice.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "done", rename_all = "snake_case")]
enum Ended {
    Payment { payment: PaymentId, version: u32 },
    ActionRefused { payment: PaymentId, version: u32 },
    Refund { payment: PaymentId, refund: RefundId, version: u32 },
}

impl From<&Done> for Ended {
    fn from(done: &Done) -> Self {
        match done {
            Done::Payment(payment) => Self::Payment { payment: payment.id, version: payment.version },
            Done::ActionRefused(payment) => {
                Self::ActionRefused { payment: payment.id, version: payment.version }
            }
            Done::Refund(refund) => {
                Self::Refund { payment: refund.payment, refund: refund.id, version: refund.version }
            }
        }
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
        Ok(Answer { key: self.key, status: 0, body: to_bytes(&Ended::from(done))? })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pcs.running.lock().remove(&self.key);
    }
}
