//! What the bank says to a request, and what it writes down before it says it.

use iso8583::{Fields, Message};

use super::Desk;
use super::keys::FreshKeys;
use crate::cards::cards;
use crate::fault::Fault;
use crate::keys::{ConnectionKeys, WorkingKeys};
use crate::record::{Answer, Effect};
use crate::request::{Asked, EnteredPin, LinkRequest, MoneyRequest, ParameterSet, Request, TotalsRequest};

/// Where nothing was booked.
const NO_RRN: &str = "000000000000";

/// What goes with an answer.
#[derive(Default)]
pub(super) struct Extra {
    /// Fresh keys, their field and its bytes.
    pub keys: Option<FreshKeys>,
    /// The fault that the card itself brings.
    pub by_card: Option<Fault>,
    totals: Option<(TotalsRequest, bool)>,
    /// How many items of a batch have been told.
    uploaded: Option<usize>,
    /// A piece of parameters, and whether it is the last.
    piece: Option<(Vec<u8>, bool)>,
}

impl Desk {
    /// The answer's fields, and what goes with them.
    pub(super) fn decide(
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
            (Ok(Request::Link(LinkRequest::Parameters(set, piece))), _) => {
                extra.piece = self.piece(set, piece);
                // The end of the fetching has none.
                coded(if piece > 0 && extra.piece.is_none() { "12" } else { "00" })
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
        if let (Some(fields), Some((bytes, is_last))) = (&mut fields, &extra.piece) {
            self.form.parameters(fields, bytes, *is_last);
        }
        if let (Some(fields), Some(items)) = (&mut fields, extra.uploaded) {
            self.form.uploaded(fields, items);
        }
        (fields, extra)
    }

    /// A piece of parameters by its number, from 1, and whether it is the last.
    fn piece(&self, set: ParameterSet, number: u16) -> Option<(Vec<u8>, bool)> {
        let pieces = self.parameters.get(&set)?;
        let place = usize::from(number.checked_sub(1)?);
        pieces.get(place).map(|piece| (piece.clone(), place + 1 == pieces.len()))
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
