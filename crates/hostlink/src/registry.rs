//! The keys of a host: which request an answer belongs to, whichever of the host's links it comes over.
//!
//! Pure: time comes in as a parameter. One registry for all links of a host, because the host tells requests apart by
//! their keys and not by the sockets they came over. A key is inserted only where it is free; and for the length of the
//! late window a key is not given to another request, so that an answer that comes late is never taken for the answer
//! to something else.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::key::MatchKey;
use crate::parted::Parted;
use crate::pending::SlotId;

/// A request by the link that has it and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub link: usize,
    pub id: SlotId,
}

/// How a request ended, as far as later answers with its key are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Answered,
    Unanswered,
}

/// Why a key is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    InFlight,
    Recently,
}

/// Whose key an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Request(Owner),
    Ended(Ended),
    Nothing,
}

struct Grave {
    ended: Ended,
    fingerprint: u64,
    until: Instant,
}

enum Place {
    InFlight(Owner),
    Grave(Grave),
}

pub(crate) struct Registry {
    by_key: Parted<MatchKey, Place>,
    graves: VecDeque<(Instant, MatchKey)>,
    late_window: Duration,
}

impl Registry {
    pub fn new(late_window: Duration) -> Self {
        Self { by_key: Parted::new(), graves: VecDeque::new(), late_window }
    }

    /// Gives a key to a request: from now on an answer can find it.
    pub fn claim(
        &mut self,
        key: &MatchKey,
        owner: Owner,
        fingerprint: u64,
        now: Instant,
    ) -> Result<(), Taken> {
        match self.by_key.get(key) {
            Some(Place::InFlight(_)) => return Err(Taken::InFlight),
            // Only the same message may use the key again: its answers say the same, whichever copy they answer.
            Some(Place::Grave(grave)) if grave.until > now && grave.fingerprint != fingerprint => {
                return Err(Taken::Recently);
            }
            Some(Place::Grave(_)) | None => {}
        }
        self.by_key.insert(key.clone(), Place::InFlight(owner));
        Ok(())
    }

    /// Whose key this is.
    pub fn find(&self, key: &MatchKey, now: Instant) -> Found {
        match self.by_key.get(key) {
            Some(Place::InFlight(owner)) => Found::Request(*owner),
            Some(Place::Grave(grave)) if grave.until > now => Found::Ended(grave.ended),
            Some(Place::Grave(_)) | None => Found::Nothing,
        }
    }

    /// The key of a request of which nothing left is free at once.
    pub fn free(&mut self, key: &MatchKey) {
        self.by_key.remove(key);
    }

    /// The key of a request that may have left is remembered for the late window.
    pub fn end(&mut self, key: MatchKey, ended: Ended, fingerprint: u64, now: Instant) {
        let until = now + self.late_window;
        self.by_key.insert(key.clone(), Place::Grave(Grave { ended, fingerprint, until }));
        self.graves.push_back((until, key));
    }

    /// Forgets keys whose late window is over.
    pub fn bury(&mut self, now: Instant) {
        while self.graves.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, key)) = self.graves.pop_front() else { return };
            // The same message may have used the key again meanwhile, and its grave is younger.
            if matches!(self.by_key.get(&key), Some(Place::Grave(grave)) if grave.until <= now) {
                self.by_key.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Owner = Owner { link: 0, id: 1 };
    const TWO: Owner = Owner { link: 1, id: 1 };
    const WINDOW: Duration = Duration::from_secs(300);

    #[test]
    fn a_key_in_flight_over_one_link_is_taken_on_all_and_leads_back_to_its_link() {
        let (now, key) = (Instant::now(), MatchKey::of_text("7"));
        let mut registry = Registry::new(WINDOW);
        assert_eq!(registry.claim(&key, ONE, 11, now), Ok(()));
        assert_eq!(registry.claim(&key, TWO, 11, now), Err(Taken::InFlight));
        assert_eq!(registry.find(&key, now), Found::Request(ONE));
        registry.free(&key);
        assert_eq!(registry.find(&key, now), Found::Nothing);
        assert_eq!(registry.claim(&key, TWO, 22, now), Ok(()));
    }

    #[test]
    fn a_key_that_ended_is_for_its_own_message_only_until_the_late_window_is_over() {
        let (now, key) = (Instant::now(), MatchKey::of_text("7"));
        let mut registry = Registry::new(WINDOW);
        registry.claim(&key, ONE, 11, now).unwrap();
        registry.end(key.clone(), Ended::Unanswered, 11, now);
        assert_eq!(registry.claim(&key, TWO, 22, now), Err(Taken::Recently));
        assert_eq!(registry.find(&key, now), Found::Ended(Ended::Unanswered));
        assert_eq!(registry.claim(&key, TWO, 11, now), Ok(()));
        registry.end(key.clone(), Ended::Answered, 11, now + Duration::from_secs(1));
        registry.bury(now + WINDOW);
        assert_eq!(registry.find(&key, now + WINDOW), Found::Ended(Ended::Answered));
        registry.bury(now + WINDOW + Duration::from_secs(1));
        assert_eq!(registry.find(&key, now + WINDOW), Found::Nothing);
    }
}
