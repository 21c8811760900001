//! What the bank sends: checked, matched, delivered; or counted and told, never guessed.

use iso8583::Message;
use tracing::{debug, warn};

use crate::answer::{Heard, deliver};
use crate::framing::Frame;
use crate::key::MatchKey;
use crate::outcome::LateReason;
use crate::pending::SlotId;
use crate::registry::{Ended, Found};
use crate::session::{End, Session};
use crate::shared::Crossed;

impl Session<'_> {
    pub fn on_frame(&mut self, frame: Frame) {
        let shared = self.shared;
        let profile = &shared.parts.profile;
        let (envelope, body) = match frame {
            Frame::Message { envelope, body } => (envelope, body),
            Frame::KeepAlive => return,
            Frame::Malformed => return self.not_understood("frame_malformed"),
        };
        self.on_demand(&envelope);
        let message = match profile.decode(&body) {
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
            return self.on_bank_request(&envelope, &message);
        }
        let key = MatchKey::of(&message, profile.match_fields(message.mti()));
        if let Some(id) = key.as_ref().ok().and_then(|key| self.pending.find_own(key)) {
            return self.on_answer(id, &message, shared.is_authentic(&message));
        }
        let found = match &key {
            Ok(key) => shared.host.registry.lock().find(key, self.now),
            Err(_) => Found::Nothing,
        };
        let authentic = shared.is_authentic(&message);
        match found {
            Found::Request(owner) if owner.link != shared.index => {
                // The request left by another link of the host. That link's task owns it.
                let crossed = Crossed { body: body.clone(), authentic };
                match shared.host.crossings.get(owner.link).map(|way| way.try_send(crossed)) {
                    Some(Ok(())) => shared.counters.crossed.add(),
                    // A bank that sends more answers than it has requests; its first ones are on their way.
                    Some(Err(_)) | None => self.on_stray(Found::Nothing, &message, authentic),
                }
            }
            found => self.on_found(found, &message, authentic),
        }
    }

    /// An answer that came over another link.
    pub fn on_crossed(&mut self, crossed: &Crossed) {
        let shared = self.shared;
        let profile = &shared.parts.profile;
        let Ok(message) = profile.decode(&crossed.body) else { return };
        let Ok(key) = MatchKey::of(&message, profile.match_fields(message.mti())) else { return };
        let found = shared.host.registry.lock().find(&key, self.now);
        let authentic = crossed.authentic || shared.is_authentic(&message);
        self.on_found(found, &message, authentic);
    }

    fn on_found(&mut self, found: Found, message: &Message<'_>, authentic: bool) {
        match found {
            Found::Request(owner)
                if owner.link == self.shared.index && self.pending.is_answerable(owner.id) =>
            {
                self.on_answer(owner.id, message, authentic);
            }
            found => self.on_stray(found, message, authentic),
        }
    }

    fn on_stray(&self, found: Found, message: &Message<'_>, authentic: bool) {
        stray(self.shared, found, message, authentic);
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

    fn on_answer(&mut self, id: SlotId, message: &Message<'_>, authentic: bool) {
        let profile = &self.shared.parts.profile;
        let date = profile.settlement_date_field().filter(|_| authentic).and_then(|de| message.get(de));
        if let Some(date) = date.map(|date| date.to_text().to_string()) {
            self.on_settlement_date(date);
        }
        match deliver(self.shared, self.pending, id, message, authentic, self.now) {
            Heard::Told => {}
            Heard::SignOnWanted => self.wants_sign_on = true,
            Heard::Own(waiter) => self.on_own(waiter, message),
            Heard::OwnUnusable => {
                self.end = Some(End::Lost("the bank's answer to a message of the link's own cannot be used"));
            }
        }
    }
}

/// An answer without a request that waits for it.
pub(crate) fn stray(shared: &crate::shared::Shared, found: Found, message: &Message<'_>, authentic: bool) {
    let (counter, reason) = match found {
        // A request of which no byte has left cannot have been answered.
        Found::Request(_) | Found::Nothing => (&shared.counters.unmatched, LateReason::Unmatched),
        Found::Ended(Ended::Answered) => (&shared.counters.duplicate, LateReason::Duplicate),
        Found::Ended(Ended::Unanswered) => (&shared.counters.late, LateReason::Late),
    };
    counter.add();
    shared.tell_late(reason, message, authentic);
}
