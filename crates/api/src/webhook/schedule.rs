//! When a webhook is tried again, and what an answer means (Standard Webhooks 1.0.0). Pure.

use pcs::model::{Delivery, DeliveryStatus};
use types::Timestamp;

/// Pauses before each try, in milliseconds: at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
const PAUSES_MS: [i64; 10] = [
    0,
    5_000,
    300_000,
    1_800_000,
    7_200_000,
    18_000_000,
    36_000_000,
    50_400_000,
    72_000_000,
    86_400_000,
];

const DAY_MS: i64 = 86_400_000;

/// How a try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// `Retry-After` in seconds.
    pub retry_after_s: Option<u32>,
    /// Why it failed, in plain words; never the address or the body.
    pub error: Option<String>,
    /// How long it took.
    pub elapsed_ms: u32,
}

impl Reply {
    /// 2xx only: a redirect is a failure.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What an answer means for the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is told as before.
    Keep,
    /// It said 410: it wants no more.
    Gone,
    /// It failed for the whole schedule.
    Exhausted,
}

/// The pause before the try after `attempts` failed ones; `None` after the last. `jitter` spreads it by up to a tenth,
/// so that endpoints that failed together do not return together; `retry_after_s` can only lengthen it, to a day at most.
pub fn pause_ms(attempts: u32, retry_after_s: Option<u32>, jitter: u16) -> Option<i64> {
    let pause = *PAUSES_MS.get(usize::try_from(attempts).ok()?)?;
    let spread = pause / 10 * i64::from(jitter) / i64::from(u16::MAX);
    let asked = (i64::from(retry_after_s.unwrap_or(0)) * 1_000).min(DAY_MS);
    Some((pause + spread).max(asked))
}

/// The delivery after a try.
pub fn after(delivery: &Delivery, reply: &Reply, now: Timestamp, jitter: u16) -> (Delivery, Fate) {
    let attempts = delivery.attempts.saturating_add(1);
    let (status, next_at, fate) = if reply.is_success() {
        (DeliveryStatus::Succeeded, None, Fate::Keep)
    } else if reply.status == Some(410) {
        (DeliveryStatus::Failed, None, Fate::Gone)
    } else {
        match pause_ms(attempts, reply.retry_after_s, jitter) {
            Some(pause) => (DeliveryStatus::Retrying, Some(now.plus_ms(pause)), Fate::Keep),
            None => (DeliveryStatus::Failed, None, Fate::Exhausted),
        }
    };
    let after = Delivery {
        version: delivery.version + 1,
        status,
        attempts,
        next_at,
        response_status: reply.status,
        error: reply.error.clone(),
        elapsed_ms: Some(reply.elapsed_ms),
        ..delivery.clone()
    };
    (after, fate)
}

#[cfg(test)]
mod tests {
    use types::{DeliveryId, EventId, MerchantId, WebhookEndpointId};

    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            id: DeliveryId::from_u128(1),
            merchant: MerchantId::from_u128(2),
            version: 1,
            created: Timestamp::from_ms(0),
            endpoint: WebhookEndpointId::from_u128(3),
            event: EventId::from_u128(4),
            event_type: "payment.succeeded".to_owned(),
            sequence: 5,
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_at: Some(Timestamp::from_ms(0)),
            response_status: None,
            error: None,
            elapsed_ms: None,
        }
    }

    fn reply(status: u16) -> Reply {
        Reply { status: Some(status), retry_after_s: None, error: None, elapsed_ms: 7 }
    }

    #[test]
    fn the_schedule_is_that_of_the_specification_and_takes_three_days() {
        let pauses: Vec<i64> = (0..).map_while(|attempts| pause_ms(attempts, None, 0)).map(|ms| ms / 1_000).collect();
        assert_eq!(pauses, [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(pauses.iter().sum::<i64>() / 3_600, 75);
    }

    #[test]
    fn jitter_lengthens_by_at_most_a_tenth_and_retry_after_only_lengthens() {
        assert_eq!(pause_ms(1, None, u16::MAX), Some(5_500));
        assert_eq!(pause_ms(1, Some(60), 0), Some(60_000));
        assert_eq!(pause_ms(3, Some(60), 0), Some(1_800_000));
        assert_eq!(pause_ms(1, Some(u32::MAX), 0), Some(DAY_MS));
    }

    #[test]
    fn an_endpoint_that_always_fails_is_tried_ten_times_and_given_up() {
        let (mut now, mut delivery) = (Timestamp::from_ms(0), delivery());
        for attempt in 1..=9 {
            let (after, fate) = super::after(&delivery, &reply(500), now, 0);
            assert_eq!((after.status, after.attempts, fate), (DeliveryStatus::Retrying, attempt, Fate::Keep));
            now = after.next_at.unwrap();
            delivery = after;
        }
        let (after, fate) = super::after(&delivery, &reply(500), now, 0);
        assert_eq!((after.status, after.attempts, after.next_at), (DeliveryStatus::Failed, 10, None));
        assert_eq!(fate, Fate::Exhausted);
    }

    #[test]
    fn only_2xx_is_a_success_and_410_is_the_end() {
        for (status, expected, fate) in [
            (200, DeliveryStatus::Succeeded, Fate::Keep),
            (204, DeliveryStatus::Succeeded, Fate::Keep),
            (301, DeliveryStatus::Retrying, Fate::Keep),
            (404, DeliveryStatus::Retrying, Fate::Keep),
            (410, DeliveryStatus::Failed, Fate::Gone),
            (503, DeliveryStatus::Retrying, Fate::Keep),
        ] {
            let (after, told) = super::after(&delivery(), &reply(status), Timestamp::from_ms(0), 0);
            assert_eq!((after.status, told), (expected, fate), "{status}");
            assert_eq!(after.version, 2);
        }
    }
}
