//! A payment, its bank, and all that is under way between them: messages in flight, delayed ones, stale answers.

use payment::{CancellationReason, CaptureMethod, Event, RefundEvent, RefundState, State};
use types::AttemptId;

use crate::acts::{Act, Fate};
use crate::bank::{Answer, Ask, Bank, Mind};
use crate::desk::{ABANDON, Desk, approval, approved, attach, decline, declined};
use crate::laws::assert_laws;

#[derive(Clone, Copy, Debug)]
enum Of {
    Payment,
    Refund(usize),
}

#[derive(Clone, Copy, Debug)]
struct Message {
    of: Of,
    attempt: AttemptId,
    ask: Ask,
    is_reversal: bool,
}

#[derive(Clone, Debug)]
enum Heard {
    Payment(AttemptId, Box<Event>),
    Refund(usize, RefundEvent),
}

pub struct World {
    pub desk: Desk,
    bank: Bank,
    /// Whether this bank's dialect repeats a capture instead of reversing it.
    repeats: bool,
    /// Whether it is an offline sale, told until the bank has acknowledged it.
    offline: bool,
    in_flight: Vec<Message>,
    delayed: Vec<Message>,
    stale: Vec<Heard>,
    told: Vec<&'static str>,
}

impl World {
    pub fn new(amount: u64, method: CaptureMethod, repeats: bool, offline: bool) -> Self {
        Self {
            desk: Desk::new(amount, method),
            bank: Bank::default(),
            repeats,
            offline,
            in_flight: Vec::new(),
            delayed: Vec::new(),
            stale: Vec::new(),
            told: Vec::new(),
        }
    }

    pub fn act(&mut self, act: &Act) {
        let before = self.desk.payment.clone();
        let was_over = matches!(before.state, State::Failed | State::Canceled { .. });
        match *act {
            Act::Attach => drop(self.desk.tell(attach())),
            Act::Confirm => {
                let amount = before.terms.amount.minor();
                let event = if self.offline { self.desk.confirm_offline() } else { self.desk.confirm() };
                let ask = match before.terms.capture_method {
                    CaptureMethod::Automatic => Ask::Consume(amount),
                    CaptureMethod::Manual => Ask::Authorize(amount),
                };
                self.request(event, ask);
            }
            Act::Capture(part) => {
                let amount = before.authorized * u64::from(part) / 250;
                let event = self.desk.capture(amount);
                self.request(event, Ask::Capture(amount));
            }
            Act::Increment(part) => {
                let amount = before.terms.amount.minor() * u64::from(part) / 255;
                let event = self.desk.increment(amount);
                self.request(event, Ask::Increment(amount));
            }
            Act::Adjust(part) => {
                let agreed = before.terms.amount.minor();
                let to = agreed + agreed * u64::from(part) / 255;
                let event = self.desk.adjust(to);
                self.request(event, Ask::Adjust(to));
            }
            Act::Void | Act::Expire => {
                let event = if matches!(act, Act::Void) { self.desk.void() } else { self.desk.expire() };
                let ask = match before.state {
                    State::Captured => Ask::VoidSale(before.captured),
                    _ => Ask::VoidHold(before.authorized),
                };
                self.request(event, ask);
            }
            Act::Abandon => drop(self.desk.tell(ABANDON)),
            Act::Refund(part) => {
                let amount = before.captured * u64::from(part) / 255;
                if let Ok(index) = self.desk.refund((part > 0).then_some(amount)) {
                    let refund = &self.desk.refunds[index];
                    let (attempt, ask) = (refund.exchange.attempt, Ask::Refund(refund.amount));
                    self.in_flight.push(Message { of: Of::Refund(index), attempt, ask, is_reversal: false });
                }
            }
            Act::Meet(which, fate, mind) => {
                if !self.in_flight.is_empty() {
                    let message = self.in_flight.swap_remove(which % self.in_flight.len());
                    self.meet(message, fate, mind);
                }
            }
            Act::TakeUp(which) => {
                if let Some(message) = pick(&self.in_flight, which).filter(|message| !message.is_reversal) {
                    let silence = self.silence(message);
                    self.hear(message, silence);
                }
            }
            Act::Arrive(which, mind) => {
                if !self.delayed.is_empty() {
                    let message = self.delayed.swap_remove(which % self.delayed.len());
                    let heard = self.arrive(message, mind);
                    self.stale.push(heard);
                }
            }
            Act::HearAgain(which) => {
                if let Some(heard) = pick(&self.stale, which) {
                    self.take(heard);
                }
            }
            Act::People(stands) => self.people(stands),
            Act::NextDay => self.desk.next_day(),
        }
        if was_over {
            assert_eq!(self.desk.payment, before, "{act:?} changed a payment that was over");
        }
        assert_laws(&mut self.desk, &mut self.told);
    }

    /// Everything under way comes to its end: what is in flight is answered, what was delayed arrives.
    pub fn settle(&mut self) {
        let mut rounds = 0;
        while !self.in_flight.is_empty() || !self.delayed.is_empty() {
            rounds += 1;
            assert!(rounds < 1_000, "doubt is never resolved: {:?}", self.desk.payment.state);
            self.act(&Act::Meet(0, Fate::Answered, Mind::Approves));
            self.act(&Act::Arrive(0, Mind::Approves));
            self.act(&Act::People(rounds % 2 == 0));
        }
        for heard in self.stale.clone() {
            self.take(heard);
            assert_laws(&mut self.desk, &mut self.told);
        }
    }

    /// After the last doubt the bank's own totals are ours.
    pub fn assert_bank_agrees(&self) {
        let (payment, books) = (&self.desk.payment, &self.desk.books);
        let is_waiting = payment.state.processing_reason().is_some() || books.promised() > 0;
        assert!(!is_waiting, "nothing is under way, and yet {payment:?} waits");
        assert_eq!(books.held(), self.bank.held as i64, "holds at {:?}", payment.state);
        let owed = i128::from(self.bank.captured) - i128::from(self.bank.refunded);
        assert_eq!(books.due_from_bank(), owed, "what the bank owes at {:?}", payment.state);
    }

    /// People end, together with the bank, an offline sale that it has refused or acknowledged otherwise.
    fn people(&mut self, stands: bool) {
        let payment = &self.desk.payment;
        let (State::Advising { in_doubt: true }, Some(_)) = (payment.state, &payment.needs_operator) else {
            return;
        };
        let (amount, attempt) = (payment.terms.amount.minor(), payment.awaited().unwrap().attempt);
        let event = if stands { approved(amount) } else { Event::GivenUp(decline()) };
        self.bank.captured = if stands { amount } else { 0 };
        self.desk.hear(attempt, event).unwrap();
    }

    fn request(&mut self, event: Event, ask: Ask) {
        if self.desk.tell(event).is_ok() {
            let attempt = self.desk.payment.awaited().unwrap().attempt;
            self.in_flight.push(Message { of: Of::Payment, attempt, ask, is_reversal: false });
        }
    }

    fn meet(&mut self, message: Message, fate: Fate, mind: Mind) {
        match fate {
            Fate::Answered => {
                let heard = self.arrive(message, mind);
                self.follow(message, heard);
            }
            Fate::AnswerLost => {
                let late = self.arrive(message, mind);
                self.stale.push(late);
                let silence = self.silence(message);
                self.hear(message, silence);
            }
            Fate::Delayed => {
                self.delayed.push(message);
                let silence = self.silence(message);
                self.hear(message, silence);
            }
            Fate::NeverLeft => {
                let heard = match message.of {
                    Of::Payment => Heard::Payment(message.attempt, Box::new(Event::NeverLeft)),
                    Of::Refund(index) => Heard::Refund(index, RefundEvent::NeverLeft),
                };
                self.hear(message, heard);
            }
            Fate::NeverLeftHere => {
                let reroute = self.desk.reroute();
                let is_original = matches!(message.ask, Ask::Authorize(_) | Ask::Consume(_));
                if is_original && self.desk.hear(message.attempt, reroute).is_ok() {
                    let attempt = self.desk.payment.awaited().unwrap().attempt;
                    self.in_flight.push(Message { attempt, ..message });
                } else {
                    self.meet(message, Fate::NeverLeft, mind);
                }
            }
        }
    }

    /// The message reaches the bank; what it says.
    fn arrive(&mut self, message: Message, mind: Mind) -> Heard {
        if message.is_reversal {
            self.bank.reverse(message.attempt);
            return Heard::Payment(message.attempt, Box::new(Event::ReversalAccepted));
        }
        match (message.of, self.bank.receive(message.attempt, message.ask, mind)) {
            (Of::Payment, Answer::Yes(amount)) => Heard::Payment(message.attempt, Box::new(approved(amount))),
            (Of::Payment, Answer::No) => Heard::Payment(message.attempt, Box::new(declined())),
            (Of::Refund(index), Answer::Yes(amount)) => {
                Heard::Refund(index, RefundEvent::Approved(approval(amount)))
            }
            (Of::Refund(index), Answer::No) => Heard::Refund(index, RefundEvent::Declined(decline())),
        }
    }

    fn silence(&self, message: Message) -> Heard {
        let repeat = self.repeats && matches!(message.ask, Ask::Capture(_) | Ask::Adjust(_));
        match message.of {
            Of::Payment => Heard::Payment(message.attempt, Box::new(Event::Silent { repeat })),
            Of::Refund(index) => Heard::Refund(index, RefundEvent::Silent),
        }
    }

    /// What a message's own sender hears. A reversal or a repeated advice without an answer is sent again.
    fn hear(&mut self, message: Message, heard: Heard) {
        if message.is_reversal {
            self.in_flight.push(message);
        } else {
            self.follow(message, heard);
        }
    }

    fn follow(&mut self, message: Message, heard: Heard) {
        self.stale.push(heard.clone());
        self.take(heard);
        let is_repeated = match message.of {
            Of::Refund(index) => self.desk.refunds[index].state == RefundState::InDoubt,
            Of::Payment => {
                let awaits_it =
                    self.desk.payment.awaited().is_some_and(|awaited| awaited.attempt == message.attempt);
                awaits_it
                    && matches!(
                        self.desk.payment.state,
                        State::Advising { in_doubt: true }
                            | State::Capturing { in_doubt: true, .. }
                            | State::Adjusting { in_doubt: true, .. }
                    )
            }
        };
        let again = |other: &Message| other.attempt == message.attempt;
        if is_repeated && !self.in_flight.iter().any(again) {
            self.in_flight.push(message);
        }
    }

    /// Commits what is heard, or refuses it; a doubt that begins sends a reversal.
    fn take(&mut self, heard: Heard) {
        let before = self.desk.payment.state;
        match heard {
            Heard::Payment(attempt, event) => drop(self.desk.hear(attempt, *event)),
            Heard::Refund(index, event) => drop(self.desk.tell_refund(index, event)),
        }
        let payment = &self.desk.payment;
        if matches!(payment.state, State::Reversing { .. }) && payment.state != before {
            let attempt = payment.awaited().unwrap().attempt;
            let ask = Ask::Consume(0);
            self.in_flight.push(Message { of: Of::Payment, attempt, ask, is_reversal: true });
        }
        let expired = State::Canceled { reason: CancellationReason::Expired };
        if payment.state == expired && before != expired {
            self.bank.lapse();
        }
    }
}

fn pick<T: Clone>(from: &[T], which: usize) -> Option<T> {
    if from.is_empty() { None } else { Some(from[which % from.len()].clone()) }
}
