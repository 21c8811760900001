//! Instants and the clock that tells them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Prints and parses as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `ms` milliseconds after the Unix epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant `ms` milliseconds later (earlier when negative); the ends of time saturate.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; negative when `earlier` is later.
    pub const fn ms_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Calendar fields in UTC, for ISO 8583 dates, receipts and rollups.
    pub fn utc(self) -> Civil {
        let zoned = self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC);
        Civil {
            year: zoned.year(),
            month: zoned.month().unsigned_abs(),
            day: zoned.day().unsigned_abs(),
            hour: zoned.hour().unsigned_abs(),
            minute: zoned.minute().unsigned_abs(),
            second: zoned.second().unsigned_abs(),
            day_of_year: zoned.day_of_year().unsigned_abs(),
        }
    }

    fn to_jiff(self) -> jiff::Timestamp {
        // Clamping only matters for instants thousands of years away, which no caller produces.
        let (min, max) = (jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
        jiff::Timestamp::from_millisecond(self.0.clamp(min, max)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

/// Calendar fields of an instant in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, for example 2026.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 1 to 366.
    pub day_of_year: u16,
}

impl Civil {
    /// `YYYY-MM-DD`.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

/// The text is not an RFC 3339 instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 instant such as 2026-12-01T08:30:00.000Z")]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        Ok(Self(instant.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Tells the time. Simulations bring their own.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock. May jump when the machine's clock is set.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_with_milliseconds_and_reads_back() {
        let instant = Timestamp::from_ms(1_796_113_800_007);
        assert_eq!(instant.to_string(), "2026-12-01T08:30:00.007Z");
        assert_eq!("2026-12-01T08:30:00.007Z".parse(), Ok(instant));
        assert_eq!("2026-12-01T16:30:00.007+08:00".parse(), Ok(instant));
        assert_eq!("yesterday".parse::<Timestamp>(), Err(TimestampError));
    }

    #[test]
    fn calendar_fields_are_utc() {
        let civil = Timestamp::from_ms(1_796_113_800_007).utc();
        assert_eq!((civil.date().as_str(), civil.hour, civil.minute), ("2026-12-01", 8, 30));
        assert_eq!(civil.day_of_year, 335);
    }
}
