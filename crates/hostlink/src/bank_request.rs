//! Requests and advices of the bank's own: echo, cut-over, key change, and what else its profile names.
//!
//! Only a request form is answered, and never more than a few answers wait to be written, so that two ends cannot wake
//! each other for ever and a bank that reads nothing costs no memory.

use std::sync::Arc;

use iso8583::{Fields, Message};
use tracing::{error, info};
use zeroize::Zeroizing;

use crate::event::LinkEvent;
use crate::link::LinkState;
use crate::outcome::LateReason;
use crate::pending::NO_SLOT;
use crate::profile::{BankRequest, BankWants};
use crate::session::{Phase, Session};

/// How many frames may wait on the wire before the bank's own requests are no longer answered.
const ANSWERS_WAITING: usize = 1024;

impl Session<'_> {
    /// What the header of a frame demands of us.
    pub fn on_demand(&mut self, envelope: &[u8]) {
        let framing = self.shared.parts.profile.framing();
        if framing.demands_sign_on(envelope) {
            self.wants_sign_on = true;
        }
        if framing.demands_parameters(envelope) {
            self.shared.tell(LinkEvent::ParametersWanted { link: self.shared.index });
        }
    }

    pub fn on_bank_request(&mut self, envelope: &[u8], message: &Message<'_>) {
        let shared = self.shared;
        let profile = Arc::clone(&shared.parts.profile);
        let authentic = shared.is_authentic(message);
        let known = profile.bank_requests().iter().find(|request| request.is(message));
        // What breaks the rules of its own type is not understood, and so not done.
        let in_order = authentic && message.dialect().check(message).is_empty();
        let Some(request) = known.filter(|_| in_order && self.out.len() < ANSWERS_WAITING) else {
            shared.counters.unsolicited.add();
            return shared.tell_late(LateReason::Unsolicited, message, authentic);
        };
        info!(bank.name = profile.name(), "{} sent a {}", profile.name(), request.name());
        let code = if self.act(request, message) { request.accepted() } else { request.refused() };
        if let Some(answer) = request.answer(message, code) {
            self.answer_bank(envelope, &answer);
        }
    }

    /// Does what the bank wants. False refuses it.
    fn act(&mut self, request: &BankRequest, message: &Message<'_>) -> bool {
        let link = self.shared.index;
        match request.wants() {
            BankWants::Echo => {}
            BankWants::CutOver { settlement_date } => {
                let date = settlement_date.and_then(|field| message.get(field));
                match date.map(|value| value.to_text().to_string()) {
                    // Told by the date's change; the same notice over a second link changes nothing.
                    Some(date) => self.on_settlement_date(date),
                    None => self.shared.tell(LinkEvent::CutOver { settlement_date: None }),
                }
            }
            BankWants::TakeKeys(key_field) => return self.take_keys(key_field, message).is_ok(),
            BankWants::KeyExchange => self.wants_keys = true,
            BankWants::SignOn => self.wants_sign_on = true,
            BankWants::SignOff => {
                if self.phase == Phase::Up && !self.is_draining() {
                    self.phase = Phase::BankSignedOff;
                    self.shared.set_state(LinkState::SigningOn);
                }
                self.wants_sign_on = true;
                self.shared.tell(LinkEvent::BankSignedOff { link });
            }
            BankWants::Parameters => self.shared.tell(LinkEvent::ParametersWanted { link }),
        }
        true
    }

    fn answer_bank(&mut self, envelope: &[u8], answer: &Fields) {
        let parts = &self.shared.parts;
        let profile = &parts.profile;
        let mut body = Zeroizing::new(Vec::with_capacity(128));
        let encoded = if profile.is_protected(answer.mti()) {
            let mac = |input: &[u8]| parts.security.mac(input);
            profile.dialect().encode_with_mac(answer, &mut body, mac).map_err(|error| error.to_string())
        } else {
            profile.dialect().encode(answer, &mut body).map_err(|error| error.to_string())
        };
        let mut frame = Zeroizing::new(Vec::with_capacity(body.len() + 32));
        let framed = encoded.and_then(|()| {
            let framed = profile.framing().write_reply(envelope, &body, &mut frame);
            framed.map_err(|error| error.to_string())
        });
        match framed {
            Ok(()) => {
                self.shared.counters.bank_requests.add();
                self.out.push(NO_SLOT, frame);
            }
            Err(problem) => {
                error!(bank.name = profile.name(), "Cannot answer a request of the bank's own: {problem}");
            }
        }
    }
}
