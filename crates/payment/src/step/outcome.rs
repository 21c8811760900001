//! What a line of the table leads to.

use ledger::Entry;

use crate::{Money64, Notice, Stat, State, Statistic, Undo};

/// The next state, and what is committed with it.
pub(super) struct Outcome {
    pub state: State,
    pub entry: Option<Entry>,
    pub notices: Vec<Notice>,
    pub stats: Vec<Stat>,
}

pub(super) fn to(state: State) -> Outcome {
    Outcome { state, entry: None, notices: Vec::new(), stats: Vec::new() }
}

/// What the bank may have done is undone. The merchant hears of a doubt once, when it begins.
pub(super) fn reversing(undo: Undo, was_in_doubt: bool) -> Outcome {
    let outcome = to(State::Reversing { undo });
    if was_in_doubt { outcome } else { outcome.notice(Notice::InDoubt) }
}

impl Outcome {
    pub(super) fn entry(mut self, entry: Entry) -> Self {
        self.entry = Some(entry);
        self
    }

    pub(super) fn notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }

    /// One more of a statistic.
    pub(super) fn more(mut self, statistic: Statistic, amount: Money64) -> Self {
        self.stats.push(Stat::more(statistic, amount));
        self
    }

    /// One less of a statistic.
    pub(super) fn less(mut self, statistic: Statistic, amount: Money64) -> Self {
        self.stats.push(Stat::less(statistic, amount));
        self
    }

    /// A statistic with another amount.
    pub(super) fn changed(mut self, statistic: Statistic, from: Money64, to: Money64) -> Self {
        self.stats.push(Stat::changed(statistic, from, to));
        self
    }

    /// The end of a doubt, if there was one.
    pub(super) fn resolved(self, was_in_doubt: bool) -> Self {
        if was_in_doubt { self.notice(Notice::InDoubtResolved) } else { self }
    }
}
