//! One change at a time for one payment, within this process. The store's compare-and-set is what keeps changes safe;
//! taking turns only keeps a thousand racing refunds from reloading one another's work for ever.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

#[derive(Default)]
pub(crate) struct Turns {
    waiting: Mutex<HashMap<u128, Arc<AsyncMutex<()>>>>,
}

/// The right to change one object; given back on drop.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    id: u128,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the turn to change the object with this number. Turns are given in the order of asking.
    pub async fn take(&self, id: u128) -> Turn<'_> {
        let lock = Arc::clone(self.waiting.lock().entry(id).or_default());
        Turn { turns: self, id, guard: Some(lock.lock_owned().await) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut waiting = self.turns.waiting.lock();
        self.guard = None;
        // Ours is the map's own reference only: nobody waits, so the entry can go.
        if waiting.get(&self.id).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            waiting.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_taken_one_by_one_and_leave_nothing_behind() {
        let turns = Arc::new(Turns::default());
        let count = Arc::new(Mutex::new((0, 0)));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (turns, count) = (Arc::clone(&turns), Arc::clone(&count));
                tokio::spawn(async move {
                    let _turn = turns.take(7).await;
                    let before = count.lock().0;
                    tokio::task::yield_now().await;
                    *count.lock() = (before + 1, 0);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(count.lock().0, 50);
        assert!(turns.waiting.lock().is_empty());
    }
}
