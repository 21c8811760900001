//! One message at a time: understand it, check it, decide it, write it down, answer it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hostlink::BankProfile;
use iso8583::{Fields, Message};
use tracing::error;
use types::{Clock, Entropy, Secret};

use crate::books::Books;
use crate::cards::{Behaviour, cards};
use crate::fault::{Fault, Faults};
use crate::forms::Form;
use crate::journal::Journal;
use crate::keys::WorkingKeys;
use crate::record::Answer;
use crate::request::{LinkRequest, MoneyRequest, Request};
use crate::transcript::{Direction, Transcript, What};

/// Where nothing was booked.
const NO_RRN: &str = "000000000000";

/// What the server does next on a connection.
#[derive(Debug)]
pub(crate) enum Action {
    Send(Vec<u8>),
    SendAfter(Duration, Vec<u8>),
    /// Send these bytes, then end the connection.
    SendAndClose(Vec<u8>),
    Reset,
    /// Keep the answer until it is released.
    HoldAnswer(Vec<u8>),
    /// Keep the message until it is released, then serve it.
    HoldRequest(Inbound),
    /// Serve this message now: it was held.
    Serve(Inbound),
}

/// A message with the TPDU and header it came with.
#[derive(Clone, Debug)]
pub(crate) struct Inbound {
    pub envelope: Bytes,
    pub body: Bytes,
    /// Faults do not happen to it again: it has been held.
    pub released: bool,
}

/// Everything that the bank is, connections apart.
pub(crate) struct Desk {
    pub profile: Arc<BankProfile>,
    pub form: Form,
    pub tmk: Secret<[u8; 16]>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub books: Books,
    pub journal: Option<Journal>,
    pub faults: Faults,
    pub transcript: Transcript,
}

impl Desk {
    /// Serves one message. `keys` are those of the connection it came on.
    pub fn serve(&mut self, keys: &mut Option<WorkingKeys>, inbound: &Inbound) -> Vec<Action> {
        let profile = Arc::clone(&self.profile);
        let message = match profile.dialect().decode(&inbound.body) {
            Ok(message) => message,
            Err(problem) => {
                let words = format!("cannot be decoded: {problem}");
                self.transcript.push(self.clock.now(), Direction::Received, What::Words(words));
                return Vec::new();
            }
        };
        if !inbound.released {
            self.note_message(Direction::Received, &message);
        }
        if !message.mti().function().is_multiple_of(2) {
            return Vec::new();
        }
        let pan = message.get(2).map(|value| value.to_text());
        let set = if inbound.released { None } else { self.faults.take(message.mti(), pan.as_deref()) };
        match set {
            Some(Fault::NotReceived) => return Vec::new(),
            Some(Fault::HeldRequest) => {
                return vec![Action::HoldRequest(Inbound { released: true, ..inbound.clone() })];
            }
            _ => {}
        }
        let (answer, new_keys, by_card) = self.decide(keys.as_ref(), &message, set.as_ref());
        let Some(mut answer) = answer else { return Vec::new() };
        if let Some((fresh, field, mut bytes)) = new_keys {
            if set == Some(Fault::WrongCheckValue)
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 0xff;
            }
            if answer.set_bytes(field, &bytes).is_err() {
                error!(field, "The bank's keys do not fit their field");
            }
            *keys = Some(fresh);
        }
        let fault = set.or(by_card);
        distort(&mut answer, fault.as_ref());
        let Some(frame) = self.encode(keys.as_ref(), inbound, &answer, fault.as_ref()) else {
            return Vec::new();
        };
        if self.transcript.is_on() {
            self.transcript.push(self.clock.now(), Direction::Sent, What::Message(answer));
        }
        self.actions(inbound, frame, fault)
    }

    fn actions(&self, inbound: &Inbound, frame: Vec<u8>, fault: Option<Fault>) -> Vec<Action> {
        match fault {
            Some(Fault::NoAnswer | Fault::NotReceived | Fault::HeldRequest) => Vec::new(),
            Some(Fault::HeldAnswer) => vec![Action::HoldAnswer(frame)],
            Some(Fault::Delay(by)) => vec![Action::SendAfter(by, frame)],
            Some(Fault::DuplicateAnswer) => vec![Action::Send(frame.clone()), Action::Send(frame)],
            Some(Fault::HalfFrame) => vec![Action::SendAndClose(frame[..frame.len() / 2].to_vec())],
            Some(Fault::Reset) => vec![Action::Reset],
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
                | Fault::Decline(_),
            )
            | None => vec![Action::Send(frame)],
        }
    }

    /// The answer's fields; fresh keys if they go with it; and the fault that the card itself brings.
    #[expect(clippy::type_complexity, reason = "three things that only this function's caller takes apart")]
    fn decide(
        &mut self,
        keys: Option<&WorkingKeys>,
        message: &Message<'_>,
        set: Option<&Fault>,
    ) -> (Option<Fields>, Option<(WorkingKeys, u8, Vec<u8>)>, Option<Fault>) {
        let read = self.admit(keys, message).and_then(|()| self.form.read(message));
        let mut by_card = None;
        let mut new_keys = None;
        let answer = match read {
            Err(code) => Answer::of_code(code, NO_RRN.to_owned()),
            Ok(Request::Link(request)) => {
                let code = match set {
                    Some(Fault::Decline(code)) => code.clone(),
                    _ => {
                        new_keys = self.keys_for(request);
                        "00".to_owned()
                    }
                };
                Answer::of_code(&code, NO_RRN.to_owned())
            }
            Ok(Request::Money(request)) => {
                by_card = self.fault_of_card(&request);
                let Some(answer) = self.settle(&request, set) else { return (None, None, None) };
                answer
            }
        };
        (self.form.answer(message, &answer, self.clock.as_ref()), new_keys, by_card)
    }

    /// Whether the message is in order: the dialect's rules, and its MAC.
    fn admit(&self, keys: Option<&WorkingKeys>, message: &Message<'_>) -> Result<(), &'static str> {
        let protected = self.profile.is_protected(message.mti());
        if protected {
            let signed = message.mac().zip(keys).is_some_and(|((input, mac), keys)| keys.mac(input) == mac);
            if !signed {
                return Err("A0");
            }
        }
        if self.profile.dialect().check(message).is_empty() { Ok(()) } else { Err("30") }
    }

    fn keys_for(&self, request: LinkRequest) -> Option<(WorkingKeys, u8, Vec<u8>)> {
        let form = self.profile.key_field()?;
        let brings_keys = match (self.form, request) {
            (Form::Cups, LinkRequest::SignOn) | (Form::Iso87, LinkRequest::KeyExchange) => true,
            (Form::Cups | Form::Iso87, _) => false,
        };
        brings_keys.then(|| {
            let algorithm = self.profile.mac().algorithm;
            let (fresh, wrapped) = WorkingKeys::fresh(&self.tmk, form, algorithm, self.entropy.as_ref());
            (fresh, form.field, form.write(&wrapped).to_vec())
        })
    }

    /// Decides a money request and writes the decision down. No answer where that fails: what is not written down has
    /// not happened.
    fn settle(&mut self, request: &MoneyRequest, set: Option<&Fault>) -> Option<Answer> {
        let decided = match set {
            Some(Fault::Decline(code)) => self.books.refuse(request, code),
            _ => self.books.decide(request),
        };
        let event = match decided {
            Ok(event) => event,
            Err(stored) => return Some(stored),
        };
        if let Some(journal) = &mut self.journal
            && let Err(problem) = journal.append(&event)
        {
            error!(%problem, "The bank cannot write its log and does not answer");
            return None;
        }
        self.books.apply(&event);
        Some(event.answer)
    }

    /// Cards misbehave when money is taken; what undoes or gives back always works.
    fn fault_of_card(&self, request: &MoneyRequest) -> Option<Fault> {
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

    fn encode(
        &self,
        keys: Option<&WorkingKeys>,
        inbound: &Inbound,
        answer: &Fields,
        fault: Option<&Fault>,
    ) -> Option<Vec<u8>> {
        let mut body = Vec::with_capacity(512);
        let encoded = match keys.filter(|_| self.profile.is_protected(answer.mti())) {
            Some(keys) => {
                let sign = |input: &[u8]| {
                    let mut mac = keys.mac(input);
                    if fault == Some(&Fault::WrongMac) {
                        mac[0] ^= 1;
                    }
                    Ok::<_, Infallible>(mac)
                };
                self.profile
                    .dialect()
                    .encode_with_mac(answer, &mut body, sign)
                    .map_err(|problem| problem.to_string())
            }
            None => self.profile.dialect().encode(answer, &mut body).map_err(|problem| problem.to_string()),
        };
        let mut frame = Vec::with_capacity(body.len() + 16);
        let framed = self.profile.framing().write_reply(&inbound.envelope, &body, &mut frame);
        match (encoded, framed) {
            (Ok(()), Ok(())) => Some(frame),
            (Err(problem), _) => {
                error!("The simulator cannot encode its answer: {problem}");
                None
            }
            (_, Err(problem)) => {
                error!("The simulator cannot frame its answer: {problem}");
                None
            }
        }
    }

    fn note_message(&mut self, direction: Direction, message: &Message<'_>) {
        if self.transcript.is_on() {
            self.transcript.push(self.clock.now(), direction, What::Message(message.to_fields()));
        }
    }
}

/// Faults within the answer itself.
fn distort(answer: &mut Fields, fault: Option<&Fault>) {
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
