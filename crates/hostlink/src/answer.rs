//! An answer that has found its request: authentic and fitting, or none.

use iso8583::Message;
use tokio::time::Instant;
use tracing::error;

use crate::card_fields::for_the_chip;
use crate::outcome::{LateReason, MaybeSent, Outcome, Reply};
use crate::pending::{Pending, Slot, SlotId, Waiter};
use crate::profile::{CodeOutcome, ParameterPiece};
use crate::registry::Ended;
use crate::shared::Shared;

/// What is left for the link to do after an answer.
pub(crate) enum Heard {
    /// Nothing: the caller has been told.
    Told,
    /// The caller has been told, and the keys or the batch seem to be out of step.
    SignOnWanted,
    /// It is the answer to this message of the link's own.
    Own(Waiter),
    /// It answers a message of the link's own and cannot be used.
    OwnUnusable,
}

/// Judges an answer and tells the caller. `authentic` says whether its MAC is right.
pub(crate) fn deliver(
    shared: &Shared,
    pending: &mut Pending,
    id: SlotId,
    message: &Message<'_>,
    authentic: bool,
    now: Instant,
) -> Heard {
    let profile = &shared.parts.profile;
    let Some(slot) = pending.get(id) else { return Heard::Told };
    let is_caller = slot.waiter.is_caller();
    if !authentic {
        shared.counters.bad_mac.add();
        error!(bank.name = profile.name(), mti = %message.mti(), "Answer with a wrong MAC: taken as no answer");
        if !is_caller {
            return Heard::OwnUnusable;
        }
        pending.conclude(id, Ended::Unanswered, Outcome::MaybeSent(MaybeSent::BadMac), now);
        // The likeliest cause is that the two ends have different keys, and then a sign-on mends it.
        return Heard::SignOnWanted;
    }
    let violations = profile.dialect_of(slot.request.mti()).check_response(&slot.request, message);
    if !violations.is_empty() {
        shared.counters.mismatch.add();
        let rules: Vec<String> = violations.iter().map(ToString::to_string).collect();
        error!(bank.name = profile.name(), mti = %message.mti(), "Answer that does not fit: {}", rules.join("; "));
        if !is_caller {
            return Heard::OwnUnusable;
        }
        pending.conclude(id, Ended::Unanswered, Outcome::MaybeSent(MaybeSent::Mismatch(violations)), now);
        return Heard::Told;
    }
    let Some(slot) = pending.finish(id, Ended::Answered, now) else { return Heard::Told };
    let Slot { waiter, framed_at, .. } = slot;
    let Waiter::Caller(transaction, reply) = waiter else { return Heard::Own(waiter) };
    shared.counters.matched.add();
    shared.health.lock().observe(true, now);
    let fields = message.to_fields();
    let issuer_data = for_the_chip(message);
    // Only whoever asks for parameters sends such a message as a caller: a sign-on, whose answer has keys in the same field, is
    // the link's own.
    let place = profile.parameter_field(message.mti()).filter(|_| transaction.is_none());
    let parameters = place.and_then(|de| fields.get_bytes(de)).map(|bytes| ParameterPiece(bytes.to_vec()));
    let fields = profile.without_cardholder_data(fields);
    let answer = Reply { fields, issuer_data, parameters, elapsed: now - framed_at };
    let code = answer.response_code();
    let outcome = transaction.map(|transaction| profile.outcome(transaction, code).outcome);
    if !reply.send(Outcome::Reply(answer)) {
        shared.tell_late(LateReason::Unclaimed, message, true);
    }
    if outcome == Some(CodeOutcome::RetryAfterSignOn) { Heard::SignOnWanted } else { Heard::Told }
}
