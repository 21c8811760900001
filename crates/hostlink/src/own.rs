//! Messages of the link's own: sign-on, key exchange, echo, sign-off.

use std::sync::Arc;

use iso8583::{Fields, Message};
use tracing::{error, info};

use crate::event::LinkEvent;
use crate::link::LinkState;
use crate::pending::{Slot, Waiter};
use crate::profile::{Exchange, KeyField, SessionFacts};
use crate::security::SecurityError;
use crate::session::{End, Phase, Session};
use crate::shared::Afterwards;

impl Session<'_> {
    /// Starts the sign-on's exchange with this index. Requests wait until the last one is answered, so that none leaves
    /// under a key that has not been proved.
    pub fn sign_on(&mut self, step: usize) {
        self.phase = Phase::SigningOn(step);
        if self.drain.is_none() {
            self.shared.set_state(LinkState::SigningOn);
        }
        self.wants_sign_on = false;
        self.wants_keys = false;
        self.times.signed_on_at = Some(self.now);
        self.send_own(Waiter::SignOn(step));
    }

    /// Fetches new keys: the sign-on from the exchange on that brings them.
    pub fn exchange_keys(&mut self) {
        match self.shared.parts.profile.key_step() {
            Some(step) => self.sign_on(step),
            None => self.wants_keys = false,
        }
    }

    /// The last exchange of the sign-on has been answered.
    fn signed_on(&mut self) {
        let profile = &self.shared.parts.profile;
        self.phase = Phase::Up;
        self.came_up = true;
        self.shared.counters.sign_ons.add();
        if self.batch.is_some() {
            self.shared.host.facts.send_modify(|facts| facts.batch.clone_from(&self.batch));
        }
        if self.drain.is_none() {
            self.shared.set_state(LinkState::Up);
        }
        let facts = self.shared.host.facts.borrow().clone();
        self.shared.tell(LinkEvent::SignedOn { link: self.shared.index, facts });
        let batch = self.batch.as_deref().unwrap_or("none");
        info!(bank.name = profile.name(), batch, "Signed on at {}", profile.name());
    }

    pub fn send_own(&mut self, waiter: Waiter) {
        let parts = &self.shared.parts;
        let profile = &parts.profile;
        let exchange = match &waiter {
            Waiter::SignOn(step) => profile.sign_on.get(*step),
            Waiter::Echo => Some(&profile.echo),
            Waiter::SignOff => profile.sign_off.as_ref(),
            Waiter::Caller(..) => None,
        };
        let Some(exchange) = exchange else { return };
        let stan = self.next_stan;
        self.next_stan = stan % 999_999 + 1;
        let identity = (parts.terminal.as_str(), parts.acceptor.as_str());
        let batch = self.batch.as_deref();
        match profile.link_message(exchange, identity, stan, batch, parts.clock.as_ref()) {
            Ok(fields) => self.submit_own(waiter, fields),
            Err(problem) => {
                error!(bank.name = profile.name(), "Cannot build the {}: {problem}", exchange.name());
                self.end = Some(End::Lost("a message of its own could not be built"));
            }
        }
    }

    fn submit_own(&mut self, waiter: Waiter, fields: Fields) {
        let deadline = self.now + self.shared.parts.profile.timers().reply_timeout;
        let slot = Slot::new(waiter, fields, deadline, 0, self.now);
        let id = self.pending.admit(slot);
        if self.frame(id).is_err() {
            self.end = Some(End::Lost("a message of its own could not be sent"));
        }
    }

    /// The answer to a message of the link's own.
    pub fn on_own(&mut self, waiter: Waiter, message: &Message<'_>) {
        match waiter {
            Waiter::SignOn(step) => self.on_sign_on(step, message),
            Waiter::Echo => self.echo_answered(),
            Waiter::SignOff => {
                let then = self.drain.as_ref().map_or(Afterwards::Close, |drain| drain.then);
                self.end.get_or_insert(End::Drained(then));
            }
            // Callers are told where their answers are judged.
            Waiter::Caller(..) => {}
        }
    }

    fn on_sign_on(&mut self, step: usize, message: &Message<'_>) {
        let profile = Arc::clone(&self.shared.parts.profile);
        let Some(exchange) = profile.sign_on.get(step) else { return };
        let code = message.get(39).map(|value| value.to_text());
        if !exchange.accepts(code.as_deref()) {
            let code = code.as_deref().unwrap_or("none");
            error!(bank.name = profile.name(), code, "{} refused the {}", profile.name(), exchange.name());
            self.end = Some(End::Lost("the bank refused the sign-on"));
            return;
        }
        self.read_facts(exchange, message);
        if let Some(key_field) = &exchange.keys
            && self.take_keys(key_field, message).is_err()
        {
            return;
        }
        match step + 1 {
            next if next < profile.sign_on.len() => self.sign_on(next),
            _ => self.signed_on(),
        }
    }

    fn read_facts(&mut self, exchange: &Exchange, message: &Message<'_>) {
        let mut told = SessionFacts::default();
        exchange.read_facts(message, &mut told);
        if told.batch.is_some() {
            self.batch = told.batch;
        }
        if let Some(date) = told.settlement_date {
            self.on_settlement_date(date);
        }
    }

    /// Proves and takes up the keys of a message. With a key that was not proved nothing may be sent, so the link stops
    /// where one is refused.
    pub fn take_keys(&mut self, key_field: &KeyField, message: &Message<'_>) -> Result<(), SecurityError> {
        let parts = &self.shared.parts;
        let keys = key_field.read(&message.to_fields()).ok_or(SecurityError::KeysMalformed);
        match keys.and_then(|keys| parts.security.install_working_keys(&keys)) {
            Ok(()) => {
                self.wants_keys = false;
                self.times.keys_at = Some(self.now);
                self.times.previous_keys_until = Some(self.now + parts.profile.timers().key_grace);
                self.shared.counters.key_exchanges.add();
                self.shared.tell(LinkEvent::KeysExchanged { link: self.shared.index });
                Ok(())
            }
            Err(why) => {
                let bank = parts.profile.name();
                error!(bank.name = bank, code = why.code(), "Refused the keys of {bank}: {why}");
                self.end = Some(End::Refused(why));
                Err(why)
            }
        }
    }

    /// The bank has told its accounting date. It never goes back: an answer of the old day may come after one of the new.
    pub fn on_settlement_date(&mut self, date: String) {
        let facts = &self.shared.host.facts;
        let known = facts.borrow().settlement_date.clone();
        if known.as_deref().is_some_and(|known| !is_later(known, &date)) {
            return;
        }
        facts.send_modify(|facts| facts.settlement_date = Some(date.clone()));
        if known.is_some() {
            self.shared.tell(LinkEvent::CutOver { settlement_date: Some(date) });
        }
    }
}

/// Whether a date is later than another: `MMDD` by less than half a year, `YYMMDD` by its month and day and the same. No accounting
/// day is half a year away from another.
fn is_later(known: &str, date: &str) -> bool {
    let day = |date: &str| {
        let mmdd = if date.len() == 6 { date.get(2..)? } else { date };
        let number: u32 = mmdd.parse().ok()?;
        Some(number / 100 * 31 + number % 100)
    };
    let (Some(known), Some(date)) = (day(known), day(date)) else { return false };
    let ahead = (date + 12 * 31 - known) % (12 * 31);
    (1..=6 * 31).contains(&ahead)
}

#[cfg(test)]
mod tests {
    use super::is_later;

    #[test]
    fn the_accounting_date_goes_forward_and_over_the_end_of_the_year() {
        assert!(is_later("1201", "1202") && is_later("1130", "1201") && is_later("1231", "0101"));
        assert!(is_later("261231", "270101") && !is_later("261202", "261201"));
        assert!(!is_later("1202", "1201") && !is_later("0101", "1231") && !is_later("1201", "1201"));
        assert!(!is_later("1201", "x") && !is_later("", "1201"));
    }
}
