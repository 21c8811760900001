//! How a bank has answered of late, as one number.

use types::Timestamp;

/// Thousandths of a point.
const FULL: i32 = 100_000;
/// An answer moves the number by this part of the way to its own.
const PART: i32 = 16;
/// In this time half of what is missing is forgiven: a bank that gets no payments must come back to be asked again.
const HALF_LIFE_MS: i64 = 30_000;

/// How a bank has answered of late: from 100, well, down to 0. Kept by whoever asks it; time is a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is missing from 100, in thousandths.
    missing: i32,
    at: Timestamp,
}

/// What a bank has done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It said yes.
    Approved,
    /// It said no. Now and then that is the payer's matter; a bank that says nothing else is half ill.
    Declined,
    /// It said that it cannot now, or the message could not be brought to it.
    Unavailable,
    /// It said nothing that can be believed.
    Silent,
}

impl Health {
    /// Of a bank that nothing is known of: well.
    pub const fn new(now: Timestamp) -> Self {
        Self { missing: 0, at: now }
    }

    /// After one more message.
    pub fn after(self, seen: Seen, now: Timestamp) -> Self {
        let target = match seen {
            Seen::Approved => 0,
            Seen::Declined => FULL / 2,
            Seen::Unavailable | Seen::Silent => FULL,
        };
        let missing = self.missing_at(now);
        Self { missing: missing + (target - missing) / PART, at: now }
    }

    /// From 0 to 100.
    pub fn score(self, now: Timestamp) -> u8 {
        ((FULL - self.missing_at(now)) / 1_000) as u8
    }

    fn missing_at(self, now: Timestamp) -> i32 {
        // A clock that was set back forgives nothing.
        let half_lives = now.ms_since(self.at).max(0) / HALF_LIFE_MS;
        self.missing >> half_lives.min(31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_ms(1_767_268_800_000);

    fn after(many: usize, seen: Seen) -> Health {
        (0..many).fold(Health::new(START), |health, _| health.after(seen, START))
    }

    #[test]
    fn silence_makes_ill_and_approvals_or_time_make_well() {
        assert_eq!(after(1_000, Seen::Approved).score(START), 100);
        assert_eq!(after(1, Seen::Silent).score(START), 93);
        assert!(after(16, Seen::Silent).score(START) < 40);
        let ill = after(1_000, Seen::Unavailable);
        assert_eq!(ill.score(START), 0);
        assert_eq!(ill.score(START.plus_ms(HALF_LIFE_MS)), 50);
        assert_eq!(ill.score(START.plus_ms(-HALF_LIFE_MS)), 0, "a clock that was set back");
        assert_eq!(ill.score(START.plus_ms(10 * HALF_LIFE_MS)), 99);
        let asked_again = (0..48).fold(ill, |health, _| health.after(Seen::Approved, START));
        assert!(asked_again.score(START) > 90);
    }

    #[test]
    fn ordinary_declines_are_no_illness_and_nothing_but_declines_is_half_of_one() {
        let mut health = Health::new(START);
        for number in 0..1_000 {
            health = health.after(if number % 6 == 0 { Seen::Declined } else { Seen::Approved }, START);
        }
        assert!(health.score(START) > 85, "{health:?}");
        assert_eq!(after(1_000, Seen::Declined).score(START), 50);
    }
}
