//! The bank's own books: who holds what, who is owed what. Pure; the state is what its events make it.

use std::collections::{BTreeMap, HashMap, HashSet};

use types::Currency;

use crate::cards::{Behaviour, CREDIT_LINE, cards};
use crate::record::{Answer, Effect, Event, Record, RecordKind, Reference};
use crate::request::{Asked, EnteredPin, MoneyRequest};

/// The largest balance that twelve digits can show.
const MOST_SHOWN: u64 = 999_999_999_999;

/// The wrong PIN in a row after which no further one of the card is looked at, until the accounting day ends.
const MOST_WRONG_PINS: u32 = 3;

/// Holds, sales, refunds, and the answers given.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub records: BTreeMap<u64, Record>,
    // Trees, because a large hash map is now and then made anew while everybody waits, and a bench takes that for the gateway's
    // doing.
    by_reference: BTreeMap<Reference, u64>,
    answered: BTreeMap<Reference, (String, u64, Answer)>,
    killed: HashSet<Reference>,
    used: HashMap<(usize, Currency), u64>,
    last_event: u64,
    /// Wrong PINs in a row, by the card's last four digits.
    wrong_pins: HashMap<String, u32>,
    /// How many accounting days have ended.
    pub cut_overs: u32,
}

impl Books {
    /// Decides a request. The same request again gets the answer of the first time, and no event.
    pub fn decide(&self, request: &MoneyRequest) -> Result<Event, Answer> {
        if request.asked == Asked::Inquire {
            return Err(self.inquire(request));
        }
        if let Some((kind, amount, answer)) = self.answered.get(&request.reference) {
            let same = kind == request.asked.name() && *amount == request.amount;
            return Err(if same { answer.clone() } else { refusal("94", answer.rrn.clone()) });
        }
        let number = self.next_event();
        let rrn = format!("{number:012}");
        let decided = if self.killed.contains(&request.reference) {
            // Its reversal came first. It must not take effect any more.
            Err("12")
        } else {
            self.judge(request, number)
        };
        let (answer, effect) = match decided {
            Ok(effect) => {
                let authorization_code = match &effect {
                    Effect::Open { record, .. } => Some(record.authorization_code.clone()),
                    Effect::Adjust { number, .. } => {
                        self.records.get(number).map(|record| record.authorization_code.clone())
                    }
                    Effect::Nothing | Effect::Reverse { .. } | Effect::Kill { .. } | Effect::CutOver => None,
                };
                let flagged =
                    request.card.is_some_and(|card| cards()[card].behaviour == Behaviour::DefectiveSuccess);
                let taken = matches!(request.asked, Asked::Authorize | Asked::Consume);
                let code = match &effect {
                    Effect::Kill { .. } => "25",
                    Effect::Open { .. } if flagged && taken => "A2",
                    Effect::Open { .. }
                    | Effect::Adjust { .. }
                    | Effect::Reverse { .. }
                    | Effect::Nothing
                    | Effect::CutOver => "00",
                };
                let balance = request.card.filter(|_| request.asked == Asked::Balance).map(|card| {
                    (
                        request.currency,
                        CREDIT_LINE.saturating_sub(self.used(card, request.currency)).min(MOST_SHOWN),
                    )
                });
                (Answer { authorization_code, balance, ..Answer::of_code(code, rrn) }, effect)
            }
            Err(code) => (refusal(code, rrn), Effect::Nothing),
        };
        Ok(self.event(number, request, answer, effect))
    }

    /// A refusal that was ordered from outside: nothing is done. Where the request has an answer already, that stays the
    /// answer to its next repeat, and the refusal is no event.
    pub fn refuse(&self, request: &MoneyRequest, code: &str) -> Result<Event, Answer> {
        let number = self.next_event();
        let refused = refusal(code, format!("{number:012}"));
        if self.answered.contains_key(&request.reference) {
            return Err(refused);
        }
        Ok(self.event(number, request, refused, Effect::Nothing))
    }

    /// What a message has left in the books.
    pub fn record_of(&self, reference: &Reference) -> Option<(u64, &Record)> {
        let number = self.by_reference.get(reference)?;
        self.records.get(number).map(|record| (*number, record))
    }

    /// What was answered to a message: its kind, its amount, the answer.
    pub fn answer_of(&self, reference: &Reference) -> Option<&(String, u64, Answer)> {
        self.answered.get(reference)
    }

    /// Whether the request is a repeat: it gets the answer of the first time.
    pub fn has_answered(&self, request: &MoneyRequest) -> bool {
        self.answered.contains_key(&request.reference)
    }

    pub const fn next_event(&self) -> u64 {
        self.last_event + 1
    }

    fn event(&self, number: u64, request: &MoneyRequest, answer: Answer, effect: Effect) -> Event {
        let pin = match (request.pin, answer.code.as_str()) {
            // Not looked at any more.
            (_, "54" | "59") | (Some(EnteredPin::Unreadable) | None, _) => None,
            (Some(EnteredPin::Right), "75") => None,
            (Some(entered), _) => Some(entered == EnteredPin::Right),
        };
        Event {
            number,
            reference: request.reference.clone(),
            kind: request.asked.name().to_owned(),
            amount: request.amount,
            last4: request.card.map(|card| cards()[card].last4().to_owned()),
            answer,
            pin,
            effect,
        }
    }

    fn judge(&self, request: &MoneyRequest, number: u64) -> Result<Effect, &'static str> {
        let card = request.card.ok_or("14")?;
        if request.amount == 0 && request.asked != Asked::Balance {
            return Err("13");
        }
        let open = |kind, target: Option<(u64, &Record)>| Effect::Open {
            number,
            record: Record {
                kind,
                card,
                currency: request.currency,
                amount: request.amount,
                acceptor: request.acceptor.clone(),
                terminal: request.terminal.clone(),
                day: request.day.clone(),
                authorization_code: match (target, &request.authorization_code) {
                    (Some((_, original)), _) => original.authorization_code.clone(),
                    // The terminal has given it one already.
                    (None, Some(code)) if request.asked == Asked::OfflineSale => code.clone(),
                    (None, _) => format!("{:06}", number % 1_000_000),
                },
                target: target.map(|(number, _)| number),
                live: false,
                reversed: false,
                refunded: 0,
                increments: 0,
                batch: 0,
            },
        };
        match request.asked {
            Asked::Authorize | Asked::Consume => {
                self.judge_card(request, card)?;
                let kind =
                    if request.asked == Asked::Authorize { RecordKind::Hold } else { RecordKind::Sale };
                Ok(open(kind, None))
            }
            Asked::OfflineSale => {
                // The chip's word binds its bank: neither the line nor how the card behaves is looked at any more.
                if !request.chip_approved {
                    return Err("30");
                }
                if request.expiry.as_deref().is_some_and(|expiry| expiry != cards()[card].expiry) {
                    return Err("54");
                }
                Ok(open(RecordKind::Sale, None))
            }
            Asked::Capture => {
                let hold = self.original(request, &[RecordKind::Hold])?;
                // This bank lets a completion take what was held and no more; what it leaves is given back.
                if request.amount > hold.1.amount {
                    return Err("61");
                }
                Ok(open(RecordKind::Completion, Some(hold)))
            }
            Asked::CancelAuthorization => {
                let hold = self.original(request, &[RecordKind::Hold])?;
                whole(request, hold.1)?;
                Ok(open(RecordKind::Cancel, Some(hold)))
            }
            Asked::Void => {
                let taken = self.original(request, &[RecordKind::Sale, RecordKind::Completion])?;
                whole(request, taken.1)?;
                if taken.1.refunded > 0 {
                    return Err("22");
                }
                Ok(open(RecordKind::Void, Some(taken)))
            }
            Asked::Refund => {
                let taken = self.original(request, &[RecordKind::Sale, RecordKind::Completion])?;
                if request.amount > taken.1.amount - taken.1.refunded {
                    return Err("61");
                }
                Ok(open(RecordKind::Refund, Some(taken)))
            }
            Asked::Reverse => self.judge_reversal(request),
            Asked::Balance => self.judge_card(request, card).map(|()| Effect::Nothing),
            Asked::Increment => {
                let hold = self.original(request, &[RecordKind::Hold])?;
                let used = self.used(card, request.currency);
                if request.amount > CREDIT_LINE.saturating_sub(used) {
                    return Err("51");
                }
                Ok(open(RecordKind::Increment, Some(hold)))
            }
            Asked::Adjust => {
                let (number, sale) = self.original(request, &[RecordKind::Sale])?;
                // A tip is at most a fifth of the sale, and nothing is adjusted that was given back.
                if sale.refunded > 0 || request.amount > sale.amount + sale.amount / 5 {
                    return Err("61");
                }
                Ok(Effect::Adjust { number, to: request.amount })
            }
            // Answered before it comes to this.
            Asked::Inquire => Ok(Effect::Nothing),
        }
    }

    /// What became of an earlier request: its own answer again, or that none is known. Nothing is booked.
    fn inquire(&self, request: &MoneyRequest) -> Answer {
        let original = request.original.as_ref();
        let known = original.and_then(|original| self.answered.get(original)).map(|(_, _, answer)| answer);
        match known {
            Some(answer) => answer.clone(),
            None => refusal("25", "000000000000".to_owned()),
        }
    }

    fn judge_card(&self, request: &MoneyRequest, card: usize) -> Result<(), &'static str> {
        let known = &cards()[card];
        if request.expiry.as_deref().is_some_and(|expiry| expiry != known.expiry) {
            return Err("54");
        }
        if request.security_code.as_deref().is_some_and(|code| code != known.security_code) {
            return Err("59");
        }
        let wrong = self.wrong_pins.get(known.last4()).copied().unwrap_or(0);
        match request.pin {
            Some(_) if wrong >= MOST_WRONG_PINS => return Err("75"),
            Some(EnteredPin::Wrong) if wrong + 1 == MOST_WRONG_PINS => return Err("75"),
            Some(EnteredPin::Wrong) => return Err("55"),
            Some(EnteredPin::Unreadable) => return Err("99"),
            Some(EnteredPin::Right) | None => {}
        }
        if let Behaviour::Decline(code) = known.behaviour {
            return Err(code);
        }
        let used = self.used.get(&(card, request.currency)).copied().unwrap_or(0);
        if request.amount > CREDIT_LINE.saturating_sub(used) { Err("51") } else { Ok(()) }
    }

    /// The record that a request refers to, if it is live, of the right kind, and the same card's and merchant's.
    fn original(&self, request: &MoneyRequest, kinds: &[RecordKind]) -> Result<(u64, &Record), &'static str> {
        let number =
            request.original.as_ref().and_then(|original| self.by_reference.get(original)).ok_or("25")?;
        let record = self.records.get(number).ok_or("25")?;
        let same = kinds.contains(&record.kind)
            && Some(record.card) == request.card
            && record.currency == request.currency
            && record.acceptor == request.acceptor;
        let authorized =
            request.authorization_code.as_deref().is_none_or(|code| code == record.authorization_code);
        if same && authorized && record.live { Ok((*number, record)) } else { Err("22") }
    }

    fn is_live(&self, number: Option<u64>) -> bool {
        number.and_then(|number| self.records.get(&number)).is_some_and(|record| record.live)
    }

    fn judge_reversal(&self, request: &MoneyRequest) -> Result<Effect, &'static str> {
        let original = request.original.clone().ok_or("30")?;
        let Some(number) = self.by_reference.get(&original) else {
            // Nothing to undo; and if the original is still on its way, it must not take effect when it arrives.
            return Ok(Effect::Kill { original });
        };
        let record = self.records.get(number).ok_or("25")?;
        if Some(record.card) != request.card || record.amount != request.amount {
            return Err("64");
        }
        match (record.live, record.reversed, record.kind) {
            (_, true, _) => Ok(Effect::Nothing),
            (_, false, RecordKind::Refund) => Err("12"),
            // A hold that was made larger is not undone below its increments, nor an increment after its hold has ended.
            (true, false, RecordKind::Hold) if record.increments > 0 => Err("22"),
            (true, false, RecordKind::Increment) if !self.is_live(record.target) => Err("22"),
            (true, false, _) if record.refunded > 0 => Err("22"),
            (true, false, _) => Ok(Effect::Reverse { number: *number }),
            // Something else has taken its place since: a completion, a cancel, a void.
            (false, false, _) => Err("22"),
        }
    }

    /// Takes an event over into the state. Also how the state is rebuilt from the log.
    pub fn apply(&mut self, event: &Event) {
        self.last_event = event.number;
        let stored = (event.kind.clone(), event.amount, event.answer.clone());
        self.answered.insert(event.reference.clone(), stored);
        match (event.pin, &event.last4) {
            (Some(true), Some(last4)) => drop(self.wrong_pins.remove(last4)),
            (Some(false), Some(last4)) => *self.wrong_pins.entry(last4.clone()).or_default() += 1,
            (Some(_), None) | (None, _) => {}
        }
        match &event.effect {
            Effect::Nothing => {}
            Effect::Open { number, record } => {
                self.by_reference.insert(event.reference.clone(), *number);
                let batch = if record.batch == 0 { self.cut_overs + 1 } else { record.batch };
                let opened = Record {
                    live: false,
                    reversed: false,
                    refunded: 0,
                    increments: 0,
                    batch,
                    ..record.clone()
                };
                self.records.insert(*number, opened);
                self.switch(*number, true);
            }
            Effect::Adjust { number, to } => {
                if let Some(sale) = self.records.get_mut(number) {
                    let (card, currency, before) = (sale.card, sale.currency, sale.amount);
                    sale.amount = *to;
                    self.use_credit(card, currency, before, false);
                    self.use_credit(card, currency, *to, true);
                }
            }
            Effect::Reverse { number } => {
                self.switch(*number, false);
                if let Some(record) = self.records.get_mut(number) {
                    record.reversed = true;
                }
            }
            Effect::Kill { original } => {
                self.killed.insert(original.clone());
            }
            Effect::CutOver => {
                self.cut_overs += 1;
                self.wrong_pins.clear();
            }
        }
    }

    /// Lets a record take or lose its effect, and what it stands on with it: a completion ends its hold, and undoing the
    /// completion brings the hold back. A void goes one step only: it does not bring back what its sale had ended.
    fn switch(&mut self, number: u64, live: bool) {
        let target = self.set_live(number, live);
        if let Some((RecordKind::Completion | RecordKind::Cancel | RecordKind::Void, target)) = target {
            self.set_live(target, !live);
        }
    }

    fn set_live(&mut self, number: u64, live: bool) -> Option<(RecordKind, u64)> {
        let record = self.records.get_mut(&number).filter(|record| record.live != live)?;
        record.live = live;
        let (kind, card, currency, amount, target) =
            (record.kind, record.card, record.currency, record.amount, record.target);
        match kind {
            RecordKind::Hold | RecordKind::Sale | RecordKind::Completion => {
                self.use_credit(card, currency, amount, live)
            }
            RecordKind::Refund => {
                self.use_credit(card, currency, amount, !live);
                if let Some(refunded) = target.and_then(|target| self.records.get_mut(&target)) {
                    refunded.refunded = if live {
                        refunded.refunded + amount
                    } else {
                        refunded.refunded.saturating_sub(amount)
                    };
                }
            }
            RecordKind::Increment => {
                self.use_credit(card, currency, amount, live);
                if let Some(hold) = target.and_then(|target| self.records.get_mut(&target)) {
                    hold.amount =
                        if live { hold.amount + amount } else { hold.amount.saturating_sub(amount) };
                    hold.increments =
                        if live { hold.increments + 1 } else { hold.increments.saturating_sub(1) };
                }
            }
            RecordKind::Cancel | RecordKind::Void => {}
        }
        Some((kind, target?))
    }

    fn use_credit(&mut self, card: usize, currency: Currency, amount: u64, more: bool) {
        let used = self.used.entry((card, currency)).or_default();
        *used = if more { *used + amount } else { used.saturating_sub(amount) };
    }

    /// What a card has used of its line, in minor units: holds and sales, less refunds.
    pub fn used(&self, card: usize, currency: Currency) -> u64 {
        self.used.get(&(card, currency)).copied().unwrap_or(0)
    }
}

fn whole(request: &MoneyRequest, original: &Record) -> Result<(), &'static str> {
    if request.amount == original.amount { Ok(()) } else { Err("64") }
}

fn refusal(code: &str, rrn: String) -> Answer {
    Answer::of_code(code, rrn)
}

#[cfg(test)]
#[path = "books_tests.rs"]
mod tests;
