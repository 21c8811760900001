//! The bank as it really is behind the silence: what it executed, whatever we heard of it.

use std::collections::BTreeMap;

use types::AttemptId;

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Authorize(u64),
    Consume(u64),
    Capture(u64),
    Increment(u64),
    Adjust(u64),
    VoidHold(u64),
    VoidSale(u64),
    Refund(u64),
}

/// The bank's answer: yes to an amount, or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes(u64),
    No,
}

/// How the bank is minded when a message reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mind {
    Approves,
    Declines,
    /// Executes another amount than it was asked for, one less.
    Differs,
}

/// What the bank has, and what it had before each message, so that a reversal can undo it.
#[derive(Default)]
pub struct Bank {
    pub held: u64,
    pub captured: u64,
    pub refunded: u64,
    answers: BTreeMap<AttemptId, (Answer, Undo)>,
    reversed: Vec<AttemptId>,
}

/// What a reversal gives back to hold and sale.
#[derive(Clone, Copy, Default)]
struct Undo {
    held: i64,
    captured: i64,
}

impl Bank {
    /// A message arrives. One that arrived before gets the answer of the first time; one that was reversed before it
    /// arrived is refused; what makes no sense is refused.
    pub fn receive(&mut self, attempt: AttemptId, ask: Ask, mind: Mind) -> Answer {
        if let Some((answer, _)) = self.answers.get(&attempt) {
            return *answer;
        }
        let before = (self.held as i64, self.captured as i64);
        let answer = if self.reversed.contains(&attempt) || mind == Mind::Declines {
            Answer::No
        } else {
            self.execute(ask, mind)
        };
        let undo = Undo { held: before.0 - self.held as i64, captured: before.1 - self.captured as i64 };
        self.answers.insert(attempt, (answer, undo));
        answer
    }

    fn execute(&mut self, ask: Ask, mind: Mind) -> Answer {
        let executed = |asked: u64| if mind == Mind::Differs && asked > 1 { asked - 1 } else { asked };
        let is_sold = self.captured > 0;
        let amount = match ask {
            Ask::Authorize(amount) if self.held == 0 && !is_sold => {
                self.held = executed(amount);
                self.held
            }
            Ask::Consume(amount) if self.held == 0 && !is_sold => {
                self.captured = executed(amount);
                self.captured
            }
            Ask::Capture(amount) if amount <= self.held => {
                (self.held, self.captured) = (0, executed(amount));
                self.captured
            }
            Ask::Increment(amount) if self.held > 0 && !is_sold => {
                self.held += executed(amount);
                executed(amount)
            }
            Ask::Adjust(to) if self.captured > 0 && self.refunded == 0 => {
                self.captured = executed(to);
                self.captured
            }
            Ask::VoidHold(amount) if amount == self.held => {
                self.held = 0;
                executed(amount)
            }
            Ask::VoidSale(amount) if amount == self.captured && self.refunded == 0 => {
                self.captured = 0;
                executed(amount)
            }
            Ask::Refund(amount) if self.refunded + amount <= self.captured => {
                self.refunded += amount;
                amount
            }
            Ask::Authorize(_)
            | Ask::Consume(_)
            | Ask::Capture(_)
            | Ask::Increment(_)
            | Ask::Adjust(_)
            | Ask::VoidHold(_)
            | Ask::VoidSale(_)
            | Ask::Refund(_) => return Answer::No,
        };
        Answer::Yes(amount)
    }

    /// A reversal arrives. It undoes what was executed, once; there may be nothing to undo, now or ever after.
    pub fn reverse(&mut self, attempt: AttemptId) {
        if self.reversed.contains(&attempt) {
            return;
        }
        self.reversed.push(attempt);
        if let Some((Answer::Yes(_), undo)) = self.answers.get(&attempt) {
            self.held =
                self.held.checked_add_signed(undo.held).expect("a reversal takes back what was there");
            self.captured = self.captured.checked_add_signed(undo.captured).expect("and no more");
        }
    }

    /// The time of a hold is over.
    pub fn lapse(&mut self) {
        self.held = 0;
    }
}
