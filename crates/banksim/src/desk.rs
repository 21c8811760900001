//! One message at a time: understand it, check it, decide it, write it down, answer it.

mod announce;
mod decide;
mod faults;
mod keys;
mod totals;

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hostlink::BankProfile;
use iso8583::{Fields, Message};
use tracing::error;
use types::{Clock, Entropy, Secret};

pub(crate) use self::announce::Announced;
use self::faults::distort;
pub(crate) use self::totals::Upload;
use crate::books::Books;
use crate::chaos::Chaos;
use crate::fault::{Fault, Faults};
use crate::forms::Form;
use crate::journal::Journal;
use crate::keys::{ConnectionKeys, WorkingKeys};
use crate::notice::Notice;
use crate::record::Event;
use crate::request::{BatchKey, ParameterSet};
use crate::transcript::{Direction, Transcript, What};

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
    /// What the other side can fetch, in pieces.
    pub parameters: BTreeMap<ParameterSet, Vec<Vec<u8>>>,
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
        if let Some(fresh) = extra.keys.filter(|_| set != Some(Fault::NoKeys)) {
            fresh.hand_out(&mut answer, keys, set == Some(Fault::WrongCheckValue));
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
