//! What can be made to go wrong, for how many messages and for which.

use std::time::Duration;

use iso8583::Mti;

/// A fault. Unless it says otherwise the bank has done what was asked; only its answer goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The message is lost on its way: nothing is done, nothing is answered.
    NotReceived,
    /// No answer.
    NoAnswer,
    /// The answer is kept until [`crate::Bank::release`].
    HeldAnswer,
    /// The message is kept, undone, until [`crate::Bank::release`]: later messages overtake it.
    HeldRequest,
    /// The answer is late by this much.
    Delay(Duration),
    /// The answer comes twice.
    DuplicateAnswer,
    /// The answer's MAC is wrong.
    WrongMac,
    /// The answer carries another terminal's number.
    WrongTerminal,
    /// The answer carries another trace number.
    WrongStan,
    /// The answer carries another amount.
    WrongAmount,
    /// The connection ends after half of the answer's frame.
    HalfFrame,
    /// The connection is reset instead of an answer.
    Reset,
    /// A frame that is no message goes before the answer.
    GarbageBefore,
    /// Nothing is done; the answer has this response code.
    Decline(String),
    /// At a key exchange: the check value of the MAC key is wrong.
    WrongCheckValue,
    /// At a key exchange: the answer brings no keys.
    NoKeys,
    /// The answer goes over another connection of the same bank, if there is one.
    OtherLink,
    /// The answer says yes, and nothing is booked: the bank has lost it by the end of its day.
    NotBooked,
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowMany {
    /// For the next messages in scope, this many.
    Next(u32),
    /// Until it is cleared.
    Always,
}

/// Which messages a fault happens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How often.
    pub how_many: HowMany,
    /// Only to this message type.
    pub mti: Option<Mti>,
    /// Only to cards that end in these four digits.
    pub last4: Option<String>,
    /// Only over this connection: they are numbered from 0 as they come.
    pub connection: Option<usize>,
}

impl Scope {
    /// The next message, of whatever type.
    pub const fn next() -> Self {
        Self { how_many: HowMany::Next(1), mti: None, last4: None, connection: None }
    }

    /// Every message until cleared.
    pub const fn always() -> Self {
        Self { how_many: HowMany::Always, mti: None, last4: None, connection: None }
    }

    /// The same, for one message type only.
    #[must_use]
    pub const fn of(mut self, mti: Mti) -> Self {
        self.mti = Some(mti);
        self
    }

    /// The same, for one connection only.
    #[must_use]
    pub const fn over(mut self, connection: usize) -> Self {
        self.connection = Some(connection);
        self
    }

    /// The same, for cards that end in these digits only.
    #[must_use]
    pub fn card(mut self, last4: &str) -> Self {
        self.last4 = Some(last4.to_owned());
        self
    }
}

/// Names a fault that was set, to clear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

/// The faults that are set.
#[derive(Default)]
pub(crate) struct Faults {
    set: Vec<(FaultId, Fault, Scope)>,
    next: u64,
}

impl Faults {
    pub fn set(&mut self, fault: Fault, scope: Scope) -> FaultId {
        self.next += 1;
        let id = FaultId(self.next);
        self.set.push((id, fault, scope));
        id
    }

    pub fn clear(&mut self, id: FaultId) {
        self.set.retain(|(set, _, _)| *set != id);
    }

    pub fn clear_all(&mut self) {
        self.set.clear();
    }

    /// The fault that happens to a message, the first set that is in scope.
    pub fn take(&mut self, mti: Mti, pan: Option<&str>, connection: usize) -> Option<Fault> {
        let index = self.set.iter().position(|(_, _, scope)| {
            let card = scope.last4.as_deref().is_none_or(|last4| pan.is_some_and(|pan| pan.ends_with(last4)));
            let over = scope.connection.is_none_or(|wanted| wanted == connection);
            card && over && scope.mti.is_none_or(|wanted| wanted == mti)
        })?;
        let fault = self.set[index].1.clone();
        let spent = match &mut self.set[index].2.how_many {
            HowMany::Always => false,
            HowMany::Next(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
        };
        if spent {
            self.set.remove(index);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_and_to_whom_it_is_meant() {
        let mut faults = Faults::default();
        let card =
            Scope { how_many: HowMany::Next(2), ..Scope::next() }.of(Mti::FINANCIAL_REQUEST).card("4242");
        faults.set(Fault::NoAnswer, card);
        let sale = Mti::FINANCIAL_REQUEST;
        assert_eq!(faults.take(Mti::AUTHORIZATION_REQUEST, Some("4242"), 0), None);
        assert_eq!(faults.take(sale, Some("9995"), 0), None);
        assert_eq!(faults.take(sale, Some("4242"), 0), Some(Fault::NoAnswer));
        assert_eq!(faults.take(sale, Some("4242"), 0), Some(Fault::NoAnswer));
        assert_eq!(faults.take(sale, Some("4242"), 0), None);
        let id = faults.set(Fault::Reset, Scope::always());
        assert_eq!(faults.take(sale, None, 0), Some(Fault::Reset));
        faults.clear(id);
        assert_eq!(faults.take(sale, None, 0), None);
    }
}
