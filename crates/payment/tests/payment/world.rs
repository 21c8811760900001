//! A payment, its bank, and all that is under way between them: messages in flight, delayed ones, stale answers.

use ledger::AccountCode;
use payment::{
    CancellationReason, CaptureMethod, Event, Held, Notice, RefundEvent, RefundState, State, Statistic, Undo,
};
use proptest::prelude::*;
use types::AttemptId;

use crate::bank::{Answer, Ask, Bank, Mind};
use crate::desk::{ABANDON, Desk, approval, attach, decline};
use crate::records::assert_readable;
use crate::table::accepted;

/// What somebody does, or what happens. Numbers choose among what is there.
#[derive(Clone, Debug)]
pub enum Act {
    Attach,
    Confirm,
    Capture(u8),
    Void,
    Expire,
    Abandon,
    /// Give a part back, in 255ths of what was captured; more than is left is tried too.
    Refund(u8),
    /// A message in flight meets its fate.
    Meet(usize, Fate, Mind),
    /// Another process takes a message in flight for lost, while it is still in flight.
    TakeUp(usize),
    /// A delayed message arrives at the bank after all.
    Arrive(usize, Mind),
    /// Something that was heard before, or comes from a process that fell asleep, is heard again.
    HearAgain(usize),
    NextDay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// The bank acted on it; its answer comes too late, if ever.
    AnswerLost,
    /// It has not arrived yet, and may still.
    Delayed,
    NeverLeft,
}

pub fn act() -> impl Strategy<Value = Act> {
    let fate = prop_oneof![
        4 => Just(Fate::Answered), 2 => Just(Fate::AnswerLost), 1 => Just(Fate::Delayed), 1 => Just(Fate::NeverLeft)
    ];
    let mind = || prop_oneof![6 => Just(Mind::Approves), 1 => Just(Mind::Declines), 1 => Just(Mind::Differs)];
    prop_oneof![
        1 => Just(Act::Attach),
        2 => Just(Act::Confirm),
        4 => any::<u8>().prop_map(Act::Capture),
        2 => Just(Act::Void),
        1 => Just(Act::Expire),
        1 => Just(Act::Abandon),
        5 => any::<u8>().prop_map(Act::Refund),
        14 => (any::<usize>(), fate, mind()).prop_map(|(which, fate, mind)| Act::Meet(which, fate, mind)),
        2 => any::<usize>().prop_map(Act::TakeUp),
        2 => (any::<usize>(), mind()).prop_map(|(which, mind)| Act::Arrive(which, mind)),
        3 => any::<usize>().prop_map(Act::HearAgain),
        1 => Just(Act::NextDay),
    ]
}

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
    Payment(AttemptId, Event),
    Refund(usize, RefundEvent),
}

pub struct World {
    pub desk: Desk,
    bank: Bank,
    /// Whether this bank's dialect repeats a capture instead of reversing it.
    repeats: bool,
    in_flight: Vec<Message>,
    delayed: Vec<Message>,
    stale: Vec<Heard>,
    doubts: i32,
    told: Vec<&'static str>,
}

impl World {
    pub fn new(amount: u64, method: CaptureMethod, repeats: bool) -> Self {
        Self {
            desk: Desk::new(amount, method),
            bank: Bank::default(),
            repeats,
            in_flight: Vec::new(),
            delayed: Vec::new(),
            stale: Vec::new(),
            doubts: 0,
            told: Vec::new(),
        }
    }

    pub fn act(&mut self, act: &Act) {
        let before = self.desk.payment.clone();
        let was_over = matches!(before.state, State::Failed | State::Canceled { .. });
        match *act {
            Act::Attach => drop(self.desk.tell(attach())),
            Act::Confirm => {
                let (event, amount) = (self.desk.confirm(), before.terms.amount.minor());
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
            Act::NextDay => self.desk.next_day(),
        }
        if was_over {
            assert_eq!(self.desk.payment, before, "{act:?} changed a payment that was over");
        }
        self.assert_laws();
    }

    /// Everything under way comes to its end: what is in flight is answered, what was delayed arrives.
    pub fn settle(&mut self) {
        let mut rounds = 0;
        while !self.in_flight.is_empty() || !self.delayed.is_empty() {
            rounds += 1;
            assert!(rounds < 1_000, "doubt is never resolved: {:?}", self.desk.payment.state);
            self.act(&Act::Meet(0, Fate::Answered, Mind::Approves));
            self.act(&Act::Arrive(0, Mind::Approves));
        }
        for heard in self.stale.clone() {
            self.take(heard);
            self.assert_laws();
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
                    Of::Payment => Heard::Payment(message.attempt, Event::NeverLeft),
                    Of::Refund(index) => Heard::Refund(index, RefundEvent::NeverLeft),
                };
                self.hear(message, heard);
            }
        }
    }

    /// The message reaches the bank; what it says.
    fn arrive(&mut self, message: Message, mind: Mind) -> Heard {
        if message.is_reversal {
            self.bank.reverse(message.attempt);
            return Heard::Payment(message.attempt, Event::ReversalAccepted);
        }
        match (message.of, self.bank.receive(message.attempt, message.ask, mind)) {
            (Of::Payment, Answer::Yes(amount)) => {
                Heard::Payment(message.attempt, crate::desk::approved(amount))
            }
            (Of::Payment, Answer::No) => Heard::Payment(message.attempt, crate::desk::declined()),
            (Of::Refund(index), Answer::Yes(amount)) => {
                Heard::Refund(index, RefundEvent::Approved(approval(amount)))
            }
            (Of::Refund(index), Answer::No) => Heard::Refund(index, RefundEvent::Declined(decline())),
        }
    }

    fn silence(&self, message: Message) -> Heard {
        let repeat = self.repeats && matches!(message.ask, Ask::Capture(_));
        match message.of {
            Of::Payment => Heard::Payment(message.attempt, Event::Silent { repeat }),
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
                awaits_it && matches!(self.desk.payment.state, State::Capturing { in_doubt: true, .. })
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
            Heard::Payment(attempt, event) => drop(self.desk.hear(attempt, event)),
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

    fn assert_laws(&mut self) {
        self.told.extend(self.desk.notices());
        let told = |notice: Notice| self.told.iter().filter(|name| **name == notice.name()).count() as i32;
        self.doubts = told(Notice::InDoubt) - told(Notice::InDoubtResolved);
        let (payment, books) = (self.desk.payment.clone(), &self.desk.books);
        assert!(books.balance_out());
        assert!(payment.captured <= payment.authorized && payment.authorized <= payment.terms.amount.minor());
        assert!(payment.refunded + payment.refund_pending <= payment.captured);
        assert!(payment.fee <= payment.captured);

        let has_hold = matches!(
            payment.state,
            State::Authorized
                | State::Capturing { .. }
                | State::Voiding { of: Held::Hold, .. }
                | State::Reversing { undo: Undo::Capture { .. } | Undo::Void { of: Held::Hold, .. } }
        );
        assert_eq!(books.held(), if has_hold { payment.authorized as i64 } else { 0 });
        assert_eq!(books.promised(), payment.refund_pending as i64);
        let merchant = books.balance(AccountCode::MerchantPayable);
        assert_eq!((merchant.credits_pending, merchant.debits_pending), (books.held(), books.promised()));

        let (captured, fee, refunded) =
            (payment.captured as i64, payment.fee as i64, payment.refunded as i64);
        assert_eq!(books.due_from_bank(), i128::from(captured - refunded));
        assert_eq!(books.due_to_merchant(), i128::from(captured - fee - refunded));
        assert_eq!(books.fees(), i128::from(fee));

        let amount = |statistic| books.counted(statistic).1;
        assert_eq!(amount(Statistic::Captured) - amount(Statistic::Voided), captured);
        assert_eq!(amount(Statistic::Fee), fee);
        assert_eq!(amount(Statistic::Refunded), refunded);

        let refunds = |wanted: &[RefundState]| {
            self.desk.refunds.iter().filter(|r| wanted.contains(&r.state)).map(|r| r.amount).sum::<u64>()
        };
        assert_eq!(refunds(&[RefundState::Succeeded]), payment.refunded);
        assert_eq!(refunds(&[RefundState::Pending, RefundState::InDoubt]), payment.refund_pending);

        assert_eq!(self.doubts, i32::from(payment.state.in_doubt()), "a doubt is told once, and its end too");
        assert_readable(&payment, &self.desk.refunds);
        assert_eq!(accepted(&mut self.desk), payment.allowed_actions(self.desk.now));
    }
}

fn pick<T: Clone>(from: &[T], which: usize) -> Option<T> {
    if from.is_empty() { None } else { Some(from[which % from.len()].clone()) }
}
