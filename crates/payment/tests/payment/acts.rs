//! What can happen to a payment and to the messages under way, and how often.

use proptest::prelude::*;

use crate::bank::Mind;

/// What somebody does, or what happens. Numbers choose among what is there.
#[derive(Clone, Debug)]
pub enum Act {
    Attach,
    Confirm,
    Capture(u8),
    Increment(u8),
    /// Have a sale come to more, in 255ths of what was agreed on.
    Adjust(u8),
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
    /// People have talked to the bank about an offline sale: it stands, or it does not.
    People(bool),
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
    /// It never left, and there is another bank to ask.
    NeverLeftHere,
}

pub fn act() -> impl Strategy<Value = Act> {
    let fate = prop_oneof![
        4 => Just(Fate::Answered), 2 => Just(Fate::AnswerLost), 1 => Just(Fate::Delayed), 1 => Just(Fate::NeverLeft),
        1 => Just(Fate::NeverLeftHere)
    ];
    let mind = || prop_oneof![6 => Just(Mind::Approves), 1 => Just(Mind::Declines), 1 => Just(Mind::Differs)];
    prop_oneof![
        1 => Just(Act::Attach),
        2 => Just(Act::Confirm),
        // Mostly all of it, so that a second try asks for what the first asked for.
        5 => prop_oneof![3 => Just(250), 1 => any::<u8>()].prop_map(Act::Capture),
        2 => any::<u8>().prop_map(Act::Increment),
        3 => any::<u8>().prop_map(Act::Adjust),
        2 => Just(Act::Void),
        1 => Just(Act::Expire),
        1 => Just(Act::Abandon),
        5 => any::<u8>().prop_map(Act::Refund),
        14 => (any::<usize>(), fate, mind()).prop_map(|(which, fate, mind)| Act::Meet(which, fate, mind)),
        4 => any::<usize>().prop_map(Act::TakeUp),
        2 => (any::<usize>(), mind()).prop_map(|(which, mind)| Act::Arrive(which, mind)),
        6 => any::<usize>().prop_map(Act::HearAgain),
        1 => any::<bool>().prop_map(Act::People),
        1 => Just(Act::NextDay),
    ]
}
