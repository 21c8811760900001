//! One message at a time: understand it, check it, decide it, write it down, answer it.

mod totals;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hostlink::BankProfile;
use iso8583::{Fields, Message};
use tracing::error;
use types::{Clock, Entropy, Secret};

pub(crate) use self::totals::Upload;
use crate::books::Books;
use crate::cards::{Behaviour, cards};
use crate::chaos::Chaos;
use crate::fault::{Fault, Faults};
use crate::forms::Form;
use crate::forms::Said;
use crate::journal::Journal;
use crate::keys::{ConnectionKeys, WorkingKeys};
use crate::notice::Notice;
use crate::record::{Answer, Effect, Event};
use crate::request::{Asked, BatchKey, EnteredPin, LinkRequest, MoneyRequest, Request, TotalsRequest};
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
    /// End the connection.
    Close,
    /// Send this over another connection, if there is one.
    SendElsewhere(Vec<u8>),
    /// Say something of the bank's own accord.
    Announce(Notice),
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

/// The connection that a message came over.
pub(crate) struct Over<'a> {
    pub number: usize,
    /// What the header of the next answer demands.
    pub demand: &'a mut Option<u8>,
}

/// How something of the bank's own is said.
#[derive(Debug)]
pub(crate) enum Announced {
    Frame(Vec<u8>),
    /// With the header of the next answer.
    Demand(u8),
    Nothing,
}

/// What goes with an answer.
#[derive(Default)]
struct Extra {
    /// Fresh keys, their field and its bytes.
    keys: Option<FreshKeys>,
    /// The fault that the card itself brings.
    by_card: Option<Fault>,
    totals: Option<(TotalsRequest, bool)>,
    /// How many items of a batch have been told.
    uploaded: Option<usize>,
}

struct FreshKeys {
    keys: WorkingKeys,
    field: u8,
    bytes: Vec<u8>,
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
    pub chaos: Option<Chaos>,
    pub transcript: Transcript,
    /// Trace numbers of the bank's own messages.
    pub next_stan: u32,
    /// What the other side has said of its batches since they were compared last.
    pub uploads: HashMap<BatchKey, Upload>,
}

impl Desk {
    /// Serves one message. `keys` are those of the connection it came on.
    pub fn serve(&mut self, keys: &mut ConnectionKeys, over: Over<'_>, inbound: &Inbound) -> Vec<Action> {
        let profile = Arc::clone(&self.profile);
        let message = match profile.decode(&inbound.body) {
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
        let set = if inbound.released {
            None
        } else {
            let set = self.faults.take(message.mti(), pan.as_deref(), over.number);
            // What was set on purpose goes before what happens by chance.
            set.or_else(|| self.chaos.as_mut().and_then(|chaos| chaos.choose(&message)))
        };
        match set {
            Some(Fault::NotReceived) => return Vec::new(),
            Some(Fault::HeldRequest) => {
                return vec![Action::HoldRequest(Inbound { released: true, ..inbound.clone() })];
            }
            _ => {}
        }
        let (answer, extra) = self.decide(keys, &message, set.as_ref());
        let Some(mut answer) = answer else { return Vec::new() };
        if let Some(FreshKeys { keys: fresh, field, mut bytes }) =
            extra.keys.filter(|_| set != Some(Fault::NoKeys))
        {
            if set == Some(Fault::WrongCheckValue)
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 0xff;
            }
            if answer.set_bytes(field, &bytes).is_err() {
                error!(field, "The bank's keys do not fit their field");
            }
            keys.replace(fresh);
        }
        let fault = set.or(extra.by_card);
        distort(&mut answer, fault.as_ref());
        let envelope = self.demanding(&inbound.envelope, over.demand.take());
        let frame = self.encode(keys.current.as_ref(), &answer, fault.as_ref()).and_then(|body| {
            let mut frame = Vec::with_capacity(body.len() + 16);
            let framed = self.profile.framing().write_reply(&envelope, &body, &mut frame);
            framed.inspect_err(|problem| error!("The simulator cannot frame its answer: {problem}")).ok()?;
            Some(frame)
        });
        let Some(frame) = frame else { return Vec::new() };
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

    /// The answer's fields, and what goes with them.
    fn decide(
        &mut self,
        keys: &ConnectionKeys,
        message: &Message<'_>,
        set: Option<&Fault>,
    ) -> (Option<Fields>, Extra) {
        let read = self.admit(keys, message).and_then(|keys| {
            let mut request = self.form.read(message)?;
            if let (Request::Money(money), Some(block)) = (&mut request, message.get(52)) {
                let block = iso8583::parse_hex(&block.to_text()).unwrap_or_default();
                money.pin = Some(entered(keys, &block, money.card));
            }
            Ok(request)
        });
        let mut extra = Extra::default();
        let day = self.books.day(self.clock.now());
        let coded = |code: &str| Answer::of_code(code, NO_RRN.to_owned());
        let answer = match (read, set) {
            (Err(code), _) => coded(code),
            (Ok(Request::Link(_) | Request::Totals(_) | Request::Upload(_)), Some(Fault::Decline(code))) => {
                coded(code)
            }
            (Ok(Request::Link(request)), _) => {
                extra.keys = self.keys_for(request);
                coded("00")
            }
            (Ok(Request::Totals(request)), _) => {
                let (own, in_balance) = self.compare(&request);
                self.note_totals(&request);
                extra.totals = Some((TotalsRequest { claimed: own, ..request }, in_balance));
                coded("00")
            }
            (Ok(Request::Upload(request)), _) => {
                let Some((code, uploaded)) = self.take_upload(&request) else {
                    return (None, Extra::default());
                };
                extra.uploaded = uploaded;
                coded(code)
            }
            // The message was made in a batch that is closed: its sender has to sign on for the next.
            (Ok(Request::Money(request)), _) if self.is_of_another_batch(&request, message, day.batch) => {
                coded("77")
            }
            (Ok(Request::Money(mut request)), set) => {
                request.day.clone_from(&day.settlement_date);
                extra.by_card = self.fault_of_card(&request);
                let Some(answer) = self.settle(&request, set) else { return (None, Extra::default()) };
                answer
            }
        };
        let mut fields = self.form.answer(message, &answer, &day, self.clock.as_ref());
        if let (Some(fields), Some((own, in_balance))) = (&mut fields, &extra.totals) {
            self.form.totals(fields, &own.claimed, *in_balance);
        }
        if let (Some(fields), Some(items)) = (&mut fields, extra.uploaded) {
            self.form.uploaded(fields, items);
        }
        (fields, extra)
    }

    /// Repeats and what undoes or follows an earlier message may name its batch.
    fn is_of_another_batch(&self, request: &MoneyRequest, message: &Message<'_>, open: u32) -> bool {
        let named = self.form.batch(message);
        request.asked != Asked::Reverse
            && named.is_some_and(|batch| batch != u64::from(open))
            && !self.books.has_answered(request)
    }

    /// Whether the message is in order: the dialect's rules, and its MAC. Gives the keys that it was made with, if it has one.
    fn admit<'k>(
        &self,
        keys: &'k ConnectionKeys,
        message: &Message<'_>,
    ) -> Result<Option<&'k WorkingKeys>, &'static str> {
        let made_with = if self.profile.is_protected(message.mti()) {
            let signed = message.mac().and_then(|(input, mac)| keys.of(input, mac));
            Some(signed.ok_or("A0")?)
        } else {
            None
        };
        if message.dialect().check(message).is_empty() { Ok(made_with) } else { Err("30") }
    }

    fn keys_for(&self, request: LinkRequest) -> Option<FreshKeys> {
        let brings_keys = match (self.form, request) {
            (Form::Cups, LinkRequest::SignOn) | (Form::Iso87 | Form::Iso93, LinkRequest::KeyExchange) => true,
            (Form::Cups | Form::Iso87 | Form::Iso93, _) => false,
        };
        if brings_keys { self.fresh_keys() } else { None }
    }

    fn fresh_keys(&self) -> Option<FreshKeys> {
        let form = self.profile.key_field()?;
        let algorithm = self.profile.mac().algorithm;
        let (keys, wrapped) = WorkingKeys::fresh(&self.tmk, form, algorithm, self.entropy.as_ref());
        Some(FreshKeys { keys, field: form.field, bytes: form.write(&wrapped).to_vec() })
    }

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
            && let Some(FreshKeys { keys: fresh, field, mut bytes }) = self.fresh_keys()
        {
            if *notice == Notice::WrongKeys
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 0xff;
            }
            if fields.set_bytes(field, &bytes).is_err() {
                error!(field, "The bank's keys do not fit their field");
            }
            keys.replace(fresh);
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

    fn write_down(&mut self, event: &Event) -> bool {
        let written = self.journal.as_mut().map_or(Ok(()), |journal| journal.append(event));
        written.inspect_err(|problem| error!(%problem, "The bank cannot write its log")).is_ok()
    }

    /// The envelope of a message with a demand in the sixth digit of its application header.
    fn demanding(&self, envelope: &Bytes, demand: Option<u8>) -> Bytes {
        let at = if self.profile.framing().tpdu.is_some() { 5 + 2 } else { 2 };
        let Some(demand) = demand.filter(|_| envelope.len() > at) else { return envelope.clone() };
        let mut changed = envelope.to_vec();
        changed[at] = (changed[at] & 0xf0) | demand;
        changed.into()
    }

    /// Decides a money request and writes the decision down. No answer where that fails: what is not written down has
    /// not happened.
    fn settle(&mut self, request: &MoneyRequest, set: Option<&Fault>) -> Option<Answer> {
        let decided = match set {
            Some(Fault::Decline(code)) => self.books.refuse(request, code),
            _ => self.books.decide(request),
        };
        let mut event = match decided {
            Ok(event) => event,
            Err(stored) => return Some(stored),
        };
        if set == Some(&Fault::NotBooked) {
            event.effect = Effect::Nothing;
        }
        if !self.write_down(&event) {
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

    fn encode(&self, keys: Option<&WorkingKeys>, answer: &Fields, fault: Option<&Fault>) -> Option<Vec<u8>> {
        let mut body = Vec::with_capacity(512);
        let dialect = self.profile.dialect_of(answer.mti());
        let encoded = match keys.filter(|_| self.profile.is_protected(answer.mti())) {
            Some(keys) => {
                let sign = |input: &[u8]| {
                    let mut mac = keys.mac(input);
                    if fault == Some(&Fault::WrongMac) {
                        mac[0] ^= 1;
                    }
                    Ok::<_, Infallible>(mac)
                };
                dialect.encode_with_mac(answer, &mut body, sign).map_err(|problem| problem.to_string())
            }
            None => dialect.encode(answer, &mut body).map_err(|problem| problem.to_string()),
        };
        encoded.inspect_err(|problem| error!("The simulator cannot encode its answer: {problem}")).ok()?;
        Some(body)
    }

    fn note_message(&mut self, direction: Direction, message: &Message<'_>) {
        if self.transcript.is_on() {
            self.transcript.push(self.clock.now(), direction, What::Message(message.to_fields()));
        }
    }
}

/// Holds a PIN against the card's.
fn entered(keys: Option<&WorkingKeys>, block: &[u8], card: Option<usize>) -> EnteredPin {
    let card = card.and_then(|card| cards().get(card));
    let pin = card.and_then(|card| keys?.open_pin(block, card.pan));
    match (pin, card) {
        (Some(pin), Some(card)) if pin.as_str() == card.pin => EnteredPin::Right,
        (Some(_), _) => EnteredPin::Wrong,
        (None, _) => EnteredPin::Unreadable,
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
