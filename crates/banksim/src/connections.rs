//! The connections that are open, by the numbers they got as they came.

use tokio::sync::mpsc::UnboundedSender;

use crate::desk::Action;

#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Vec<(usize, UnboundedSender<Action>)>,
    came: usize,
}

impl Connections {
    /// A connection has come; its number is never used again.
    pub fn open(&mut self, to: UnboundedSender<Action>) -> usize {
        self.came += 1;
        self.open.push((self.came - 1, to));
        self.came - 1
    }

    pub fn close(&mut self, number: usize) {
        self.open.retain(|(open, _)| *open != number);
    }

    /// The way to one connection.
    pub fn get(&self, number: usize) -> Option<UnboundedSender<Action>> {
        self.open.iter().find(|(open, _)| *open == number).map(|(_, to)| to.clone())
    }

    /// The way to the oldest connection that is not this one.
    pub fn another(&self, number: usize) -> Option<UnboundedSender<Action>> {
        self.open.iter().find(|(open, _)| *open != number).map(|(_, to)| to.clone())
    }

    pub fn all(&self) -> impl Iterator<Item = &UnboundedSender<Action>> {
        self.open.iter().map(|(_, to)| to)
    }
}
