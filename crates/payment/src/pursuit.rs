//! When a doubt that is being pursued needs people.

/// How often a bank may refuse the same reversal or advice before somebody has to talk to it.
const REFUSALS: u32 = 3;
/// How long a doubt may last before somebody has to look: a bank that is away comes back sooner.
const HOURS: i64 = 4;
/// How long a doubt that people have to end is left alone between two tries.
const STUCK_PAUSE_MS: i64 = 15 * 60_000;

/// How a pursuit has gone so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pursued<'a> {
    /// How often the message has, or may have, left.
    pub attempts: u32,
    /// How often the bank refused it.
    pub refusals: u32,
    /// Whether the bank is told of what has happened already, and cannot be undone: then its first refusal is somebody's.
    pub has_happened: bool,
    /// What it last answered (DE 39), where it refused.
    pub refused_with: Option<&'a str>,
    /// What stands in the way on our side, where something does.
    pub trouble: Option<&'a str>,
    /// The batch that it was sent in, where the bank has closed that and refuses what names it.
    pub closed_batch: Option<&'a str>,
    /// Milliseconds since the doubt began.
    pub age_ms: i64,
}

impl Pursued<'_> {
    /// Why people have to end this doubt, if they have to.
    pub fn needs_operator(&self) -> Option<String> {
        if self.refusals >= if self.has_happened { 1 } else { REFUSALS } {
            let with = self.refused_with.map_or(String::new(), |code| format!(" with response code {code}"));
            return Some(match (self.trouble, self.refusals) {
                // What it said was a no in other words.
                (Some(trouble), _) if self.has_happened => trouble.to_owned(),
                (_, 1) => format!("the bank has refused it{with}"),
                (_, many) => format!("the bank has refused it {many} times, last{with}"),
            });
        }
        if let Some(batch) = self.closed_batch {
            // Whether a copy of it came before the batch was closed, the refusal does not say; sent as a new one it could move
            // the money twice. Waiting changes nothing.
            return Some(format!("batch closed: the bank takes nothing of its batch {batch} any more"));
        }
        if self.age_ms < HOURS * 3_600_000 {
            return None;
        }
        let hours = self.age_ms / 3_600_000;
        Some(match self.trouble {
            Some(trouble) => format!("for {hours} hours the gateway could not ask the bank: {trouble}"),
            None => format!("the bank has not answered it for {hours} hours"),
        })
    }

    /// How long to wait before the next try: doubling from one second to about a minute, then a quarter of an hour once
    /// people have to look. Each try to tell for the first time what has happened is recorded, so it is the doubt's age that doubles there. The same step always waits the same time; spreading the load of many is the link's queue's work.
    pub fn pause_ms(&self) -> i64 {
        match self.needs_operator() {
            Some(_) => STUCK_PAUSE_MS,
            None if self.has_happened && self.attempts == 0 => self.age_ms.clamp(1_000, 64_000),
            None => 1_000i64 << self.attempts.min(6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Pursued<'_> = Pursued {
        attempts: 1,
        refusals: 0,
        has_happened: false,
        refused_with: None,
        trouble: None,
        closed_batch: None,
        age_ms: 2_000,
    };

    #[test]
    fn a_bank_that_is_slow_is_given_time_and_one_that_refuses_is_not_asked_for_ever() {
        assert_eq!((FRESH.needs_operator(), FRESH.pause_ms()), (None, 2_000));
        assert_eq!(Pursued { attempts: 60, ..FRESH }.pause_ms(), 64_000);
        let refused = Pursued { refusals: 3, refused_with: Some("22"), ..FRESH };
        assert_eq!(
            refused.needs_operator().as_deref(),
            Some("the bank has refused it 3 times, last with response code 22")
        );
        assert_eq!(refused.pause_ms(), 900_000);
        let once = Pursued { refusals: 1, refused_with: Some("22"), ..FRESH };
        assert_eq!(once.needs_operator(), None);
        let told = Pursued { has_happened: true, ..once };
        assert_eq!(told.needs_operator().as_deref(), Some("the bank has refused it with response code 22"));
        let other = Pursued { trouble: Some("the bank has acknowledged another amount"), ..told };
        assert_eq!(other.needs_operator().as_deref(), other.trouble);
        // A reversal that was refused is told as that, whatever stood in its way afterwards.
        let refused = Pursued { trouble: Some("the link is down"), ..refused };
        assert!(refused.needs_operator().unwrap().starts_with("the bank has refused it 3 times"));
    }

    #[test]
    fn what_has_happened_and_does_not_leave_is_tried_more_and_more_rarely() {
        let pause_ms = |age_ms| Pursued { attempts: 0, has_happened: true, age_ms, ..FRESH }.pause_ms();
        assert_eq!([0, 1_000, 3_000, 3_600_000].map(pause_ms), [1_000, 1_000, 3_000, 64_000]);
        let reversal = Pursued { attempts: 0, age_ms: 3_600_000, ..FRESH };
        assert_eq!(reversal.pause_ms(), 1_000);
    }

    #[test]
    fn what_names_a_closed_batch_is_somebodys_to_look_into_at_once() {
        let closed = Pursued { closed_batch: Some("000001"), ..FRESH };
        assert!(closed.needs_operator().unwrap().starts_with("batch closed"));
        assert_eq!(closed.pause_ms(), 900_000);
    }

    #[test]
    fn a_doubt_of_four_hours_is_somebodys_to_look_into() {
        let old = Pursued { age_ms: 5 * 3_600_000, ..FRESH };
        assert_eq!(old.needs_operator().as_deref(), Some("the bank has not answered it for 5 hours"));
        let ours = Pursued { trouble: Some("the key is missing"), ..old };
        assert!(ours.needs_operator().unwrap().ends_with("could not ask the bank: the key is missing"));
    }
}
