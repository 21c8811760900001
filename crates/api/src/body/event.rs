//! Events, webhook endpoints, deliveries, and the timeline of a payment.

use ledger::{Leg, Movement, Side};
use pcs::model::{Actor, Delivery, DeliveryStatus, EndpointStatus, JournalEvent, WebhookEndpoint};
use pcs::{DescribedMessage, EventView, HistoryItem};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

use crate::body::{PaymentBody, PaymentStatus, RefundBody, payment_body, refund_body};

/// The object that an event is about, as it was after the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EventObject {
    /// Of `payment.…` events.
    Payment(Box<PaymentBody>),
    /// Of `refund.…` events.
    Refund(Box<RefundBody>),
}

/// What an event brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventData {
    /// The object as it was after the event; its `version` tells older from newer.
    #[schema(value_type = EventObject)]
    pub object: Option<EventObject>,
    /// The object's `metadata` is too long for a webhook and left out here: read the object for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub metadata_omitted: bool,
}

/// Something that happened: the body of a webhook, and of `GET /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    /// The event's id; the same over all tries of a webhook.
    #[schema(example = "evt_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `event`.
    #[schema(pattern = "^event$")]
    pub object: &'static str,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "payment.succeeded")]
    pub kind: &'static str,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The version of the API that the body follows.
    #[schema(example = "2026-12-01")]
    pub api_version: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// Grows with every record of this merchant; events may arrive in another order, and twice.
    pub sequence: u64,
    /// The merchant.
    pub merchant: String,
    /// What it is about.
    pub data: EventData,
}

/// An event as merchants are told of it.
pub fn event_body(view: &EventView, livemode: bool) -> EventBody {
    let kind = view.notice.name();
    let object = match &view.refund {
        Some(refund) if kind.starts_with("refund.") => {
            Some(EventObject::Refund(Box::new(refund_body(refund, livemode))))
        }
        _ => view.payment.as_ref().map(|p| EventObject::Payment(Box::new(payment_body(p, livemode)))),
    };
    EventBody {
        id: view.id.to_string(),
        object: "event",
        kind,
        timestamp: view.at,
        api_version: crate::VERSION,
        livemode,
        sequence: view.sequence,
        merchant: view.merchant.to_string(),
        data: EventData { object, metadata_omitted: false },
    }
}

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatusBody {
    /// Is told.
    Enabled,
    /// Is not told: by the merchant's wish, after an answer of 410, or after a whole schedule of failures.
    Disabled,
}

/// An address that is told of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct WebhookEndpointBody {
    /// The endpoint's id.
    #[schema(example = "we_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `webhook_endpoint`.
    #[schema(pattern = "^webhook_endpoint$")]
    pub object: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Where to.
    pub url: String,
    /// Event types; empty means all.
    pub enabled_events: Vec<String>,
    /// Free text.
    pub description: Option<String>,
    /// Whether it is told.
    pub status: EndpointStatusBody,
    /// The signing secret (`whsec_…`): shown only in the answer that makes or rotates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// An endpoint as the API shows it; `secret` only when it was just made.
pub fn webhook_endpoint_body(
    endpoint: &WebhookEndpoint,
    secret: Option<String>,
    livemode: bool,
) -> WebhookEndpointBody {
    WebhookEndpointBody {
        id: endpoint.id.to_string(),
        object: "webhook_endpoint",
        livemode,
        created: endpoint.created,
        url: endpoint.url.clone(),
        enabled_events: endpoint.enabled_events.clone(),
        description: endpoint.description.clone(),
        status: match endpoint.status {
            EndpointStatus::Enabled => EndpointStatusBody::Enabled,
            EndpointStatus::Disabled => EndpointStatusBody::Disabled,
        },
        secret,
    }
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatusBody {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryBody {
    /// The delivery's id.
    #[schema(example = "dlv_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `delivery`.
    #[schema(pattern = "^delivery$")]
    pub object: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// To which endpoint.
    pub webhook_endpoint: String,
    /// Of which event.
    pub event: String,
    /// The event's type.
    pub event_type: String,
    /// Where it is.
    pub status: DeliveryStatusBody,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// HTTP status of the last answer.
    pub response_status: Option<u16>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// How long the last try took, in milliseconds.
    pub elapsed_ms: Option<u32>,
}

/// A delivery as the API shows it.
pub fn delivery_body(delivery: &Delivery) -> DeliveryBody {
    DeliveryBody {
        id: delivery.id.to_string(),
        object: "delivery",
        created: delivery.created,
        webhook_endpoint: delivery.endpoint.to_string(),
        event: delivery.event.to_string(),
        event_type: delivery.event_type.clone(),
        status: match delivery.status {
            DeliveryStatus::Pending => DeliveryStatusBody::Pending,
            DeliveryStatus::Succeeded => DeliveryStatusBody::Succeeded,
            DeliveryStatus::Retrying => DeliveryStatusBody::Retrying,
            DeliveryStatus::Failed => DeliveryStatusBody::Failed,
        },
        attempts: delivery.attempts,
        next_at: delivery.next_at,
        response_status: delivery.response_status,
        error: delivery.error.clone(),
        elapsed_ms: delivery.elapsed_ms,
    }
}

/// How a test event went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TestEvent)]
pub struct TestEventBody {
    /// Always `test_event`.
    #[schema(pattern = "^test_event$")]
    pub object: &'static str,
    /// The `webhook-id` that was sent.
    pub id: String,
    /// Whether the endpoint answered 2xx.
    pub delivered: bool,
    /// HTTP status of its answer.
    pub response_status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u32,
}

/// One record of a payment's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TimelineItem)]
pub struct TimelineItemBody {
    /// Its place in the journal.
    pub sequence: u64,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who caused it: `api_key`, `wallet`, `bank` or `gateway`.
    pub actor: &'static str,
    /// The payment's status afterwards.
    pub status: Option<PaymentStatus>,
    /// The payment's version afterwards.
    pub version: Option<u32>,
    /// The refund, when the record is about one.
    pub refund: Option<String>,
    /// The event types that merchants were told.
    pub events: Vec<&'static str>,
    /// What happened, for people.
    pub summary: String,
    /// The bank messages of this record, field by field and masked.
    pub messages: Vec<MessageBody>,
    /// What it did to the books.
    pub entry: Vec<LegBody>,
}

/// One line of a ledger entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LedgerLeg)]
pub struct LegBody {
    /// Which account.
    #[schema(example = "merchant_payable/mer_01kbt3m2x4e5f8g9hajbkcmdpe/CNY")]
    pub account: String,
    /// Which side of it.
    #[schema(pattern = "^(debit|credit)$")]
    pub side: &'static str,
    /// What happened: promised, promise over, or moved.
    #[schema(pattern = "^(hold|release|post)$")]
    pub movement: &'static str,
    /// Minor units.
    pub amount: u64,
}

/// A bank message, decoded and masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BankMessage)]
pub struct MessageBody {
    /// `sent` by the gateway or `received` from the bank.
    #[schema(pattern = "^(sent|received)$")]
    pub direction: &'static str,
    /// One line a field: number, name, masked value.
    pub text: String,
}

/// A journal record as the timeline shows it.
pub fn timeline_item(item: &HistoryItem) -> TimelineItemBody {
    let event = &item.event;
    TimelineItemBody {
        sequence: item.seq,
        at: item.at,
        actor: match event.actor {
            Actor::ApiKey { .. } => "api_key",
            Actor::Wallet { .. } => "wallet",
            Actor::Bank { .. } => "bank",
            Actor::Operator { .. } => "operator",
            Actor::Gateway => "gateway",
        },
        status: event.payment.as_ref().map(|payment| payment.state.status().into()),
        version: event.payment.as_ref().map(|payment| payment.version),
        refund: event.refund.as_ref().map(|refund| refund.id.to_string()),
        events: event.notices.iter().map(|notice| notice.notice.name()).collect(),
        summary: summary(event),
        messages: item.messages.iter().map(message).collect(),
        entry: item.entry.iter().flat_map(|entry| entry.legs()).map(leg).collect(),
    }
}

fn leg(leg: &Leg) -> LegBody {
    LegBody {
        account: leg.account.to_string(),
        side: match leg.side {
            Side::Debit => "debit",
            Side::Credit => "credit",
        },
        movement: match leg.movement {
            Movement::Hold => "hold",
            Movement::Release => "release",
            Movement::Post => "post",
        },
        amount: leg.amount,
    }
}

fn message(message: &DescribedMessage) -> MessageBody {
    let direction = if message.is_sent { "sent" } else { "received" };
    MessageBody { direction, text: message.text.clone() }
}

fn summary(event: &JournalEvent) -> String {
    let mut facts = Vec::new();
    if let Some(note) = &event.note {
        facts.push(note.clone());
    }
    let latest = match (&event.refund, &event.payment) {
        (Some(refund), _) => Some(refund.exchange.clone()),
        (None, Some(payment)) => {
            let all = [&payment.original, &payment.completion, &payment.void];
            all.into_iter()
                .flatten()
                .max_by_key(|exchange| exchange.sent_at)
                .map(|exchange| (**exchange).clone())
        }
        (None, None) => None,
    };
    if let Some(exchange) = latest {
        if let Some(sent) = &event.sent {
            // A reversal goes under the name and STAN of what it undoes; its message type tells it apart.
            let is_reversal = sent.mti().class() == 4 && exchange.transaction != "reversal";
            let what = if is_reversal { "reversal of " } else { "" };
            facts.push(format!(
                "{what}{} asked of {} as STAN {:06}",
                exchange.transaction, exchange.bank, exchange.stan
            ));
        }
        if event.received.is_some() {
            let code = exchange.response_code.as_deref().unwrap_or("no response code");
            facts.push(match exchange.answered_at {
                Some(at) => {
                    format!("{} answered {code} after {} ms", exchange.bank, at.ms_since(exchange.sent_at))
                }
                None => format!("{} answered", exchange.bank),
            });
        }
    }
    if facts.is_empty() {
        facts.extend(event.notices.iter().map(|notice| notice.notice.name().to_owned()));
    }
    if facts.is_empty() { "recorded".to_owned() } else { facts.join("; ") }
}
