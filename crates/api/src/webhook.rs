//! Webhooks (Standard Webhooks 1.0.0): who is told, when, signed how, and where a webhook may go.

mod courier;
mod dispatcher;
mod endpoints;
pub mod guard;
mod payload;
mod schedule;
mod sign;

use payment::Notice;
use pcs::model::WebhookEndpoint;
use types::{EventId, Secret};

pub use courier::{Courier, CourierError};
pub(crate) use dispatcher::CONSUMER;
pub use dispatcher::Dispatcher;
pub use payload::payload;
pub use schedule::{Fate, Reply, after, pause_ms};
pub use sign::{NotASecret, signatures};

use crate::body::{EventBody, EventData, TestEventBody};
use crate::{ApiState, VERSION};

/// What merchants can be told of.
pub const EVENT_TYPES: &[Notice] = &[
    Notice::Created,
    Notice::Authorized,
    Notice::Incremented,
    Notice::Captured,
    Notice::Adjusted,
    Notice::Succeeded,
    Notice::Failed,
    Notice::Canceled,
    Notice::InDoubt,
    Notice::InDoubtResolved,
    Notice::ActionFailed,
    Notice::RefundCreated,
    Notice::RefundInDoubt,
    Notice::RefundSucceeded,
    Notice::RefundFailed,
];

/// Sends a test event once, and tells how it went. It is in no journal.
pub(crate) async fn send_test(
    api: &ApiState,
    endpoint: &WebhookEndpoint,
    secrets: &[Secret<String>],
) -> TestEventBody {
    let now = api.clock.now();
    let id = EventId::new(now, &*api.entropy).to_string();
    let event = EventBody {
        id: id.clone(),
        object: "event",
        kind: "webhook_endpoint.test",
        timestamp: now,
        api_version: VERSION,
        livemode: api.config.livemode,
        sequence: 0,
        merchant: endpoint.merchant.to_string(),
        data: EventData { object: None, metadata_omitted: false },
    };
    let body = serde_json::to_string(&event).unwrap_or_default();
    let reply = match signatures(secrets, &id, now.seconds(), &body) {
        Ok(signature) => api.courier.send(&endpoint.url, &id, now.seconds(), &signature, body).await,
        Err(NotASecret) => {
            let error = Some("the endpoint's secret cannot be used; rotate it".to_owned());
            Reply { status: None, retry_after_s: None, error, elapsed_ms: 0 }
        }
    };
    TestEventBody {
        object: "test_event",
        id,
        delivered: reply.is_success(),
        response_status: reply.status,
        error: reply.error,
        elapsed_ms: reply.elapsed_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The match has no `_`: a new notice does not compile until it is in the list.
    #[test]
    fn every_notice_is_an_event_type() {
        for &notice in EVENT_TYPES {
            match notice {
                Notice::Created
                | Notice::Authorized
                | Notice::Incremented
                | Notice::Captured
                | Notice::Adjusted
                | Notice::Succeeded
                | Notice::Failed
                | Notice::Canceled
                | Notice::InDoubt
                | Notice::InDoubtResolved
                | Notice::ActionFailed
                | Notice::RefundCreated
                | Notice::RefundInDoubt
                | Notice::RefundSucceeded
                | Notice::RefundFailed => {}
            }
        }
        assert_eq!(EVENT_TYPES.len(), 15);
    }
}
