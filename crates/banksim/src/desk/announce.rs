//! What the bank says of its own accord, and the end of its day.

use super::Desk;
use crate::forms::Said;
use crate::keys::ConnectionKeys;
use crate::notice::Notice;
use crate::transcript::{Direction, What};

/// How something of the bank's own is said.
#[derive(Debug)]
pub(crate) enum Announced {
    Frame(Vec<u8>),
    /// With the header of the next answer.
    Demand(u8),
    Nothing,
}

impl Desk {
    /// Says something of the bank's own accord over the connection with these keys.
    pub fn announce(&mut self, keys: &mut ConnectionKeys, notice: &Notice) -> Announced {
        let day = self.books.day(self.clock.now());
        self.next_stan = self.next_stan % 999_999 + 1;
        let mut fields = match self.form.notice(*notice, self.next_stan, &day, self.clock.as_ref()) {
            Said::Message(fields) => fields,
            Said::Demand(demand) => return Announced::Demand(demand),
            Said::Nothing => return Announced::Nothing,
        };
        if matches!(notice, Notice::NewKeys | Notice::WrongKeys)
            && let Some(fresh) = self.fresh_keys()
        {
            fresh.hand_out(&mut fields, keys, *notice == Notice::WrongKeys);
        }
        let Some(body) = self.encode(keys.current.as_ref(), &fields, None) else { return Announced::Nothing };
        let mut frame = Vec::with_capacity(body.len() + 16);
        if self.profile.framing().write(&body, &mut frame).is_err() {
            return Announced::Nothing;
        }
        if self.transcript.is_on() {
            self.transcript.push(self.clock.now(), Direction::Sent, What::Message(fields));
        }
        Announced::Frame(frame)
    }

    /// Ends the accounting day, and writes that down.
    pub fn cut_over(&mut self) {
        let event = self.books.cut_over();
        if self.write_down(&event) {
            self.books.apply(&event);
        }
    }
}
