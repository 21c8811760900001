//! What faults do: to the answer, and to how it is sent.

use std::time::Duration;

use iso8583::Fields;
use tracing::error;

use super::{Action, Desk, Inbound};
use crate::cards::{Behaviour, cards};
use crate::fault::Fault;
use crate::request::MoneyRequest;

impl Desk {
    /// How a frame is sent, or what happens instead.
    pub(super) fn actions(&self, inbound: &Inbound, frame: Vec<u8>, fault: Option<Fault>) -> Vec<Action> {
        match fault {
            Some(Fault::NoAnswer | Fault::NotReceived | Fault::HeldRequest) => Vec::new(),
            Some(Fault::HeldAnswer) => vec![Action::HoldAnswer(frame)],
            Some(Fault::Delay(by)) => vec![Action::SendAfter(by, frame)],
            Some(Fault::DuplicateAnswer) => vec![Action::Send(frame.clone()), Action::Send(frame)],
            Some(Fault::HalfFrame) => vec![Action::SendAndClose(frame[..frame.len() / 2].to_vec())],
            Some(Fault::Reset) => vec![Action::Reset],
            Some(Fault::OtherLink) => vec![Action::SendElsewhere(frame)],
            Some(Fault::GarbageBefore) => {
                let mut garbage = Vec::new();
                let written = self.profile.framing().write_reply(
                    &inbound.envelope,
                    b"\xff not a message",
                    &mut garbage,
                );
                if written.is_err() {
                    garbage.clear();
                }
                vec![Action::Send(garbage), Action::Send(frame)]
            }
            Some(
                Fault::WrongMac
                | Fault::WrongTerminal
                | Fault::WrongStan
                | Fault::WrongAmount
                | Fault::WrongCheckValue
                | Fault::NoKeys
                | Fault::NotBooked
                | Fault::Decline(_),
            )
            | None => vec![Action::Send(frame)],
        }
    }

    /// Cards misbehave when money is taken; what undoes or gives back always works.
    pub(super) fn fault_of_card(&self, request: &MoneyRequest) -> Option<Fault> {
        if !request.asked.is_first() {
            return None;
        }
        match cards()[request.card?].behaviour {
            Behaviour::Approve | Behaviour::Decline(_) | Behaviour::DefectiveSuccess => None,
            Behaviour::NeverAnswers => Some(Fault::NoAnswer),
            Behaviour::LateAnswer => {
                Some(Fault::Delay(self.profile.timers().reply_timeout + Duration::from_secs(5)))
            }
            Behaviour::DuplicateAnswer => Some(Fault::DuplicateAnswer),
            Behaviour::WrongMac => Some(Fault::WrongMac),
            Behaviour::WrongTerminal => Some(Fault::WrongTerminal),
            Behaviour::HalfFrame => Some(Fault::HalfFrame),
            Behaviour::Reset => Some(Fault::Reset),
            Behaviour::Slow => Some(Fault::Delay(Duration::from_secs(2))),
        }
    }
}

/// Faults within the answer itself.
pub(super) fn distort(answer: &mut Fields, fault: Option<&Fault>) {
    let changed = match fault {
        Some(Fault::WrongTerminal) => Some((41, "99999999")),
        Some(Fault::WrongStan) => Some((11, "999999")),
        Some(Fault::WrongAmount) => Some((4, "000000000007")),
        _ => None,
    };
    if let Some((de, value)) = changed
        && answer.set(de, value).is_err()
    {
        error!(field = de, "The simulator made a value that is no text");
    }
}
