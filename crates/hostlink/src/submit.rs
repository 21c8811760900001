//! The way of a request onto the wire: admitted, given its key, framed.

use iso8583::{Fields, MacEncodeError};
use tracing::{error, warn};
use zeroize::Zeroizing;

use crate::card_fields::PinToSend;
use crate::key::MatchKey;
use crate::link::LinkParts;
use crate::outcome::{NotSent, Outcome, Rejection};
use crate::pending::{Slot, SlotId, Waiter};
use crate::registry::{Ended, Taken};
use crate::security::SecurityError;
use crate::session::{Phase, Session};
use crate::shared::Submit;

/// Why a request did not get onto the wire.
pub(crate) enum Unframed {
    NotSent(NotSent),
    Rejected(Rejection),
}

impl Session<'_> {
    /// Takes a caller's request in, or refuses it at once.
    pub fn admit(&mut self, submit: Submit) {
        let Submit { transaction, fields, pin, fingerprint, deadline, reply } = submit;
        let refusal = if self.is_draining() {
            Some(NotSent::Draining)
        } else if deadline <= self.now {
            Some(NotSent::Expired)
        } else if self.waiting.len() >= self.shared.parts.profile.limits().queue {
            Some(NotSent::Busy)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.shared.counters.not_sent.add();
            // The caller may have gone; nothing was begun.
            reply.send(Outcome::NotSent(refusal));
            return;
        }
        let waiter = Waiter::Caller(transaction, reply);
        let mut slot = Slot::new(waiter, fields, deadline, fingerprint, self.now);
        slot.pin = pin;
        let id = self.pending.admit(slot);
        self.waiting.push_back(id);
    }

    /// Frames waiting requests while the link is up and the bank takes more.
    pub fn fill_wire(&mut self) {
        let limit = self.shared.parts.profile.limits().max_in_flight;
        while self.phase == Phase::Up && self.end.is_none() && self.pending.on_wire() < limit {
            let Some(id) = self.waiting.pop_front() else { return };
            let outcome = match self.frame(id) {
                Ok(()) => continue,
                Err(Unframed::NotSent(why)) => {
                    self.shared.counters.not_sent.add();
                    Outcome::NotSent(why)
                }
                Err(Unframed::Rejected(why)) => Outcome::Rejected(why),
            };
            self.conclude(id, Ended::Unanswered, outcome);
        }
    }

    /// Encodes a request with the keys of now, gives it its key and puts its frame on the wire's queue.
    pub fn frame(&mut self, id: SlotId) -> Result<(), Unframed> {
        let parts = &self.shared.parts;
        let profile = &parts.profile;
        let pin = self.pending.take_pin(id);
        let Some(slot) = self.pending.get(id) else { return Ok(()) };
        let with_pin = pin.map(|pin| with_pin(parts, &slot.request, &pin)).transpose()?;
        let request = with_pin.as_ref().unwrap_or(&slot.request);
        let mut message = Zeroizing::new(Vec::with_capacity(512));
        if profile.is_protected(request.mti()) {
            let mac = |input: &[u8]| parts.security.mac(input);
            let encoded = profile.dialect_of(request.mti()).encode_with_mac(request, &mut message, mac);
            encoded.map_err(|error| match error {
                MacEncodeError::Encode(error) => Unframed::Rejected(Rejection::Encode(error)),
                MacEncodeError::Mac(error) => unsecured(profile.name(), error),
            })?;
        } else {
            let encoded = profile.dialect_of(request.mti()).encode(request, &mut message);
            encoded.map_err(|error| Unframed::Rejected(Rejection::Encode(error)))?;
        }
        // The key comes from the bytes that are sent, so that padding is the same in the answer's key.
        let key = {
            let sent = profile.decode(&message);
            let sent = sent.map_err(|_| Unframed::Rejected(Rejection::MatchFieldMissing(1)))?;
            let match_fields = profile.match_fields(sent.mti());
            MatchKey::of(&sent, match_fields)
                .map_err(|field| Unframed::Rejected(Rejection::MatchFieldMissing(field)))?
        };
        let mut frame = Zeroizing::new(Vec::with_capacity(message.len() + 32));
        let framed = profile.framing().write(&message, &mut frame);
        framed.map_err(|_| Unframed::Rejected(Rejection::TooLong))?;
        let is_caller = slot.waiter.is_caller();
        self.pending.bind(id, key, self.now).map_err(|taken| {
            Unframed::NotSent(match taken {
                Taken::InFlight => NotSent::DuplicateInFlight,
                Taken::Recently => NotSent::KeyNotFree,
            })
        })?;
        if is_caller {
            self.shared.counters.sent.add();
        }
        self.out.push(id, frame);
        Ok(())
    }
}

/// The message with its PIN under the key of this link: the block is nowhere but in here and in the frame.
fn with_pin(parts: &LinkParts, request: &Fields, pin: &PinToSend) -> Result<Fields, Unframed> {
    let profile = &parts.profile;
    let block = parts.security.translate_pin(&pin.pin, &pin.pan, profile.pin_format());
    let block = block.map_err(|error| {
        if error.is_of_the_pin() {
            warn!(bank.name = profile.name(), code = error.code(), "A PIN was not translated: {error}");
            Unframed::Rejected(Rejection::Pin(error))
        } else {
            error!(bank.name = profile.name(), "Cannot translate a PIN for {}: {error}", profile.name());
            Unframed::NotSent(NotSent::Security(error))
        }
    })?;
    let mut full = request.clone();
    full.set_bytes(52, &block).map_err(|_| Unframed::Rejected(Rejection::CardDataMissing("PIN block")))?;
    Ok(full)
}

fn unsecured(bank: &str, error: SecurityError) -> Unframed {
    error!(bank.name = bank, "Cannot compute a MAC for {bank}: {error}");
    Unframed::NotSent(NotSent::Security(error))
}
