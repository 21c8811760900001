//! Webhook endpoints and the deliveries to them.

use serde::{Deserialize, Serialize};
use types::{DeliveryId, EventId, MerchantId, Timestamp, WebhookEndpointId};

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// Is told.
    Enabled,
    /// Is not told: the merchant said so, it answered 410, or it failed for the whole schedule.
    Disabled,
}

/// An address that is told of a merchant's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// The endpoint's id.
    pub id: WebhookEndpointId,
    /// Whose endpoint.
    pub merchant: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// Where to.
    pub url: String,
    /// Event types; empty means all.
    #[serde(default)]
    pub enabled_events: Vec<String>,
    /// Free text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is told.
    pub status: EndpointStatus,
    /// The signing secrets, newest first, sealed by the vault; base64. More than one while a rotation lasts.
    pub sealed_secrets: Vec<SealedSecret>,
}

/// A signing secret and its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// Sealed by the vault; base64.
    pub sealed: String,
    /// When it stops signing; none for the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Not tried yet.
    Pending,
    /// The endpoint answered 2xx.
    Succeeded,
    /// Failed so far; tried again at `next_at`.
    Retrying,
    /// Given up.
    Failed,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The delivery's id.
    pub id: DeliveryId,
    /// Whose.
    pub merchant: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// To which endpoint.
    pub endpoint: WebhookEndpointId,
    /// Of which event.
    pub event: EventId,
    /// The event's type.
    pub event_type: String,
    /// The event's place in the journal.
    pub sequence: u64,
    /// Where it is.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// HTTP status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// Why the last try failed, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long the last try took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u32>,
}
