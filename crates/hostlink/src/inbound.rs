//! What the bank sends: checked, matched, delivered; or counted and told, never guessed.

use iso8583::{Fields, Message};
use tracing::{debug, error, warn};

use crate::card_fields::for_the_chip;
use crate::framing::Frame;
use crate::key::MatchKey;
use crate::outcome::{LateReason, LateReply, MaybeSent, Outcome, Reply};
use crate::pending::{Ended, Found, Slot, SlotId, Waiter};
use crate::profile::CodeOutcome;
use crate::session::{End, Session};

impl Session<'_> {
    pub fn on_frame(&mut self, frame: Frame) {
        let shared = self.shared;
        let profile = &shared.parts.profile;
        let (envelope, body) = match frame {
            Frame::Message { envelope, body } => (envelope, body),
            Frame::KeepAlive => return,
            Frame::Malformed => return self.not_understood("frame_malformed"),
        };
        if profile.framing().demands_sign_on(&envelope) {
            self.wants_sign_on = true;
        }
        let message = match profile.dialect().decode(&body) {
            Ok(message) => message,
            Err(problem) => {
                warn!(
                    bank.name = profile.name(),
                    "Cannot decode a message of {} bytes: {problem}",
                    body.len()
                );
                return self.not_understood(problem.code());
            }
        };
        self.undecodable = 0;
        // Requests and advices have even functions, answers odd ones.
        if message.mti().function().is_multiple_of(2) {
            shared.counters.unsolicited.add();
            return self.tell_late(LateReason::Unsolicited, &message);
        }
        let found = match MatchKey::of(&message, profile.match_fields(message.mti().class())) {
            Ok(key) => self.pending.find(&key, self.now),
            Err(_) => Found::Nothing,
        };
        match found {
            // A request of which no byte has left cannot have been answered.
            Found::Request(id) if self.pending.get(id).is_some_and(|slot| slot.maybe_sent) => {
                self.on_answer(id, &message);
            }
            Found::Request(_) | Found::Nothing => {
                shared.counters.unmatched.add();
                self.tell_late(LateReason::Unmatched, &message);
            }
            Found::Ended(Ended::Answered) => {
                shared.counters.duplicate.add();
                self.tell_late(LateReason::Duplicate, &message);
            }
            Found::Ended(Ended::Unanswered) => {
                shared.counters.late.add();
                self.tell_late(LateReason::Late, &message);
            }
        }
    }

    /// A message that cannot be read costs nobody else's request, unless nothing can be read any more.
    fn not_understood(&mut self, code: &'static str) {
        self.shared.counters.undecodable.add();
        self.undecodable += 1;
        debug!(code, in_a_row = self.undecodable, "Counted a message that cannot be read");
        if self.undecodable >= self.shared.parts.profile.limits().max_undecodable {
            self.end = Some(End::Lost("nothing the bank sends can be read"));
        }
    }

    fn is_authentic(&self, message: &Message<'_>) -> bool {
        if !self.shared.parts.profile.is_protected(message.mti()) {
            return true;
        }
        message.mac().is_some_and(|(input, mac)| self.shared.parts.security.verify(input, &mac))
    }

    fn on_answer(&mut self, id: SlotId, message: &Message<'_>) {
        let shared = self.shared;
        let profile = &shared.parts.profile;
        let Some(slot) = self.pending.get(id) else { return };
        if !self.is_authentic(message) {
            shared.counters.bad_mac.add();
            error!(bank.name = profile.name(), mti = %message.mti(), "Answer with a wrong MAC: taken as no answer");
            // The likeliest cause is that the two ends have different keys, and then a sign-on mends it.
            self.wants_sign_on = true;
            return self.fail(id, MaybeSent::BadMac);
        }
        let violations = profile.dialect().check_response(&slot.request, message);
        if !violations.is_empty() {
            shared.counters.mismatch.add();
            let rules: Vec<String> = violations.iter().map(ToString::to_string).collect();
            error!(bank.name = profile.name(), mti = %message.mti(), "Answer that does not fit: {}", rules.join("; "));
            return self.fail(id, MaybeSent::Mismatch(violations));
        }
        let Some(slot) = self.pending.finish(id, Ended::Answered, self.now) else { return };
        let Slot { waiter, framed_at, .. } = slot;
        match waiter {
            Waiter::Caller(transaction, reply) => {
                shared.counters.matched.add();
                let fields = message.to_fields();
                let issuer_data = fields.get_bytes(55).and_then(|data| for_the_chip(&data));
                let fields = profile.without_cardholder_data(fields);
                let answer = Reply { fields, issuer_data, elapsed: self.now - framed_at };
                let outcome = profile.outcome(transaction, answer.response_code()).outcome;
                if outcome == CodeOutcome::RetryAfterSignOn {
                    self.wants_sign_on = true;
                }
                if reply.send(Outcome::Reply(answer)).is_err() {
                    self.tell_late(LateReason::Unclaimed, message);
                }
            }
            Waiter::SignOn(step) => self.on_sign_on(step, message),
            Waiter::Echo => self.echo_answered(),
            Waiter::SignOff => self.shut_down(),
        }
    }

    /// An answer that is none: the caller learns that the message may have arrived.
    fn fail(&mut self, id: SlotId, why: MaybeSent) {
        if self.pending.get(id).is_some_and(|slot| slot.waiter.is_caller()) {
            self.conclude(id, Ended::Unanswered, Outcome::MaybeSent(why));
        } else {
            self.end = Some(End::Lost("the bank's answer to a message of the link's own cannot be used"));
        }
    }

    fn on_sign_on(&mut self, step: usize, message: &Message<'_>) {
        let shared = self.shared;
        let profile = &shared.parts.profile;
        let Some(exchange) = profile.sign_on.get(step) else { return };
        let code = message.get(39).map(|value| value.to_text());
        if !exchange.accepts(code.as_deref()) {
            let code = code.as_deref().unwrap_or("none");
            error!(bank.name = profile.name(), code, "{} refused the {}", profile.name(), exchange.name());
            self.end = Some(End::Lost("the bank refused the sign-on"));
            return;
        }
        exchange.read_facts(message, &mut self.facts);
        if let Some(key_field) = &exchange.keys {
            let fields: Fields = message.to_fields();
            let Some(keys) = key_field.read(&fields) else {
                error!(
                    bank.name = profile.name(),
                    "Field {} holds no keys of the agreed form", key_field.field
                );
                self.end = Some(End::Refused);
                return;
            };
            if let Err(problem) = shared.parts.security.install_working_keys(&keys) {
                error!(
                    bank.name = profile.name(),
                    code = problem.code(),
                    "Refused the bank's keys: {problem}"
                );
                self.end = Some(End::Refused);
                return;
            }
        }
        match step + 1 {
            next if next < profile.sign_on.len() => self.sign_on(next),
            _ => self.signed_on(),
        }
    }

    fn tell_late(&self, reason: LateReason, message: &Message<'_>) {
        let profile = &self.shared.parts.profile;
        let authentic = self.is_authentic(message);
        warn!(bank.name = profile.name(), ?reason, mti = %message.mti(), authentic, "An answer nobody waits for");
        let fields = profile.without_cardholder_data(message.to_fields());
        // Without listeners there is nobody to tell; the counters know.
        let _ = self.shared.late.send(LateReply { reason, fields, authentic });
    }
}
