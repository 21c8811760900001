//! `/v1/webhook_endpoints`, `/v1/deliveries` and `/v1/events`.

use std::sync::Arc;

use axum::extract::State;
use pcs::model::EndpointStatus;
use pcs::{EndpointChange, NewEndpoint};
use types::id::{DeliveryKind, EventKind, WebhookEndpointKind};
use types::{DeliveryId, EventId, WebhookEndpointId};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, created, ok};
use crate::body::{
    DeletedBody, DeliveryBody, EndpointStatusBody, EventBody, ListBody, TestEventBody, WebhookEndpointBody,
    delivery_body, event_body, webhook_endpoint_body,
};
use crate::problem::{Code, Problem};
use crate::request::query::PAGE;
use crate::request::{Call, Fields, FromFields, TextRule};
use crate::webhook::guard;

/// A webhook endpoint to make.
#[derive(Debug, ToSchema)]
pub(crate) struct CreateWebhookEndpointRequest {
    /// Where to send events: an `https` address on the public Internet.
    #[schema(example = "https://shop.example/webhooks", max_length = 2048)]
    url: String,
    /// Event types; all unless given.
    #[schema(example = json!(["payment.succeeded", "refund.succeeded"]))]
    enabled_events: Option<Vec<String>>,
    /// Free text.
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
}

impl FromFields for CreateWebhookEndpointRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let url = fields.url("url");
        let url = fields.required("url", url);
        let enabled_events = enabled_events(fields);
        let description = fields.text("description", TextRule::DESCRIPTION);
        Some(Self { url: url?, enabled_events, description })
    }
}

/// What to change of a webhook endpoint. What is not sent stays as it is.
#[derive(Debug, ToSchema)]
pub(crate) struct UpdateWebhookEndpointRequest {
    /// Where to send events.
    #[schema(example = "https://shop.example/webhooks", max_length = 2048)]
    url: Option<String>,
    /// Event types; an empty list means all.
    enabled_events: Option<Vec<String>>,
    /// Free text; an empty text removes it.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Whether it is told.
    #[schema(value_type = Option<EndpointStatusBody>)]
    status: Option<EndpointStatus>,
}

impl FromFields for UpdateWebhookEndpointRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let statuses = [("enabled", EndpointStatus::Enabled), ("disabled", EndpointStatus::Disabled)];
        Some(Self {
            url: fields.url("url"),
            enabled_events: enabled_events(fields),
            description: fields.text("description", TextRule::OPTIONAL_DESCRIPTION),
            status: fields.choice("status", &statuses),
        })
    }
}

fn enabled_events(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let events = fields.texts("enabled_events", 50, TextRule::EVENT_TYPE)?;
    let known: Vec<&str> = crate::webhook::EVENT_TYPES.iter().map(|notice| notice.name()).collect();
    if events.iter().any(|event| !known.contains(&event.as_str())) {
        fields.flaw_among("enabled_events", "each of enabled_events must be an event type", &known);
        return None;
    }
    Some(events)
}

/// The address's own words for what is wrong: the same rule holds again whenever a webhook is sent.
fn check_target(api: &ApiState, url: &str) -> Result<(), Problem> {
    guard::check_url(url, api.config.allow_private_networks)
        .map(drop)
        .map_err(|refused| Problem::with_param(Code::ParameterInvalid, "/url", format!("url {refused}")))
}

/// Make a webhook endpoint. The answer is the only place that shows its signing secret.
#[utoipa::path(post, path = "/v1/webhook_endpoints", operation_id = "createWebhookEndpoint", tag = "Webhooks",
    request_body = CreateWebhookEndpointRequest,
    responses((status = 201, description = "The endpoint, with its secret.", body = WebhookEndpointBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let request: CreateWebhookEndpointRequest = call.read()?;
    check_target(&api, &request.url)?;
    let new = NewEndpoint {
        url: request.url,
        enabled_events: request.enabled_events.unwrap_or_default(),
        description: request.description,
    };
    let (endpoint, secret) = api.pcs.create_webhook_endpoint(&call.caller, new).await?;
    let body = webhook_endpoint_body(&endpoint, Some(secret.expose().clone()), api.config.livemode);
    created(format!("/v1/webhook_endpoints/{}", endpoint.id), body)
}

/// List webhook endpoints.
#[utoipa::path(get, path = "/v1/webhook_endpoints", operation_id = "listWebhookEndpoints", tag = "Webhooks",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "Newest first.", body = ListBody<WebhookEndpointBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(PAGE)?;
    let page = call.query.page::<WebhookEndpointKind>()?;
    let listed = api.pcs.webhook_endpoints(call.caller.merchant, page).await?;
    let data = listed
        .data
        .iter()
        .map(|endpoint| webhook_endpoint_body(endpoint, None, api.config.livemode))
        .collect();
    ok(ListBody::<WebhookEndpointBody>::new("/v1/webhook_endpoints", data, listed.has_more))
}

/// Read a webhook endpoint.
#[utoipa::path(get, path = "/v1/webhook_endpoints/{id}", operation_id = "getWebhookEndpoint", tag = "Webhooks",
    params(("id" = String, Path, description = "An endpoint's id.")),
    responses((status = 200, description = "The endpoint.", body = WebhookEndpointBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let endpoint = find(&api, &call).await?;
    ok(webhook_endpoint_body(&endpoint, None, api.config.livemode))
}

/// Change a webhook endpoint.
#[utoipa::path(post, path = "/v1/webhook_endpoints/{id}", operation_id = "updateWebhookEndpoint", tag = "Webhooks",
    params(("id" = String, Path, description = "An endpoint's id.")),
    request_body = UpdateWebhookEndpointRequest,
    responses((status = 200, description = "The endpoint.", body = WebhookEndpointBody)))]
pub(crate) async fn update(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id: WebhookEndpointId = call.id("webhook endpoint")?;
    let request: UpdateWebhookEndpointRequest = call.read()?;
    if let Some(url) = &request.url {
        check_target(&api, url)?;
    }
    let change = EndpointChange {
        url: request.url,
        enabled_events: request.enabled_events,
        description: request.description.map(|text| Some(text).filter(|text| !text.is_empty())),
        status: request.status,
    };
    let endpoint = api.pcs.update_webhook_endpoint(&call.caller, id, change).await?;
    ok(webhook_endpoint_body(&endpoint, None, api.config.livemode))
}

/// Remove a webhook endpoint.
#[utoipa::path(delete, path = "/v1/webhook_endpoints/{id}", operation_id = "deleteWebhookEndpoint", tag = "Webhooks",
    params(("id" = String, Path, description = "An endpoint's id.")),
    responses((status = 200, description = "It is gone.", body = DeletedBody)))]
pub(crate) async fn delete(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: WebhookEndpointId = call.id("webhook endpoint")?;
    api.pcs.delete_webhook_endpoint(&call.caller, id).await?;
    ok(DeletedBody { id: id.to_string(), object: "webhook_endpoint", deleted: true })
}

/// Give a webhook endpoint a new signing secret. The old one signs beside it for 24 hours.
#[utoipa::path(post, path = "/v1/webhook_endpoints/{id}/rotate_secret", operation_id = "rotateWebhookSecret",
    tag = "Webhooks", params(("id" = String, Path, description = "An endpoint's id.")),
    responses((status = 200, description = "The endpoint, with its new secret.", body = WebhookEndpointBody)))]
pub(crate) async fn rotate_secret(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: WebhookEndpointId = call.id("webhook endpoint")?;
    let (endpoint, secret) = api.pcs.rotate_webhook_secret(&call.caller, id).await?;
    ok(webhook_endpoint_body(&endpoint, Some(secret.expose().clone()), api.config.livemode))
}

/// Send a signed test event to a webhook endpoint now, once, and tell how it went.
#[utoipa::path(post, path = "/v1/webhook_endpoints/{id}/test", operation_id = "testWebhookEndpoint", tag = "Webhooks",
    params(("id" = String, Path, description = "An endpoint's id.")),
    responses((status = 200, description = "How the endpoint answered.", body = TestEventBody)))]
pub(crate) async fn test(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let endpoint = find(&api, &call).await?;
    let secrets = api.pcs.endpoint_secrets(&endpoint, api.clock.now())?;
    ok(crate::webhook::send_test(&api, &endpoint, &secrets).await)
}

/// List deliveries of all endpoints.
#[utoipa::path(get, path = "/v1/deliveries", operation_id = "listDeliveries", tag = "Webhooks",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "Newest first.", body = ListBody<DeliveryBody>)))]
pub(crate) async fn list_deliveries(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(PAGE)?;
    let listed = api.pcs.deliveries(call.caller.merchant, call.query.page::<DeliveryKind>()?).await?;
    let data = listed.data.iter().map(delivery_body).collect();
    ok(ListBody::<DeliveryBody>::new("/v1/deliveries", data, listed.has_more))
}

/// Read a delivery.
#[utoipa::path(get, path = "/v1/deliveries/{id}", operation_id = "getDelivery", tag = "Webhooks",
    params(("id" = String, Path, description = "A delivery's id.")),
    responses((status = 200, description = "The delivery.", body = DeliveryBody)))]
pub(crate) async fn get_delivery(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: DeliveryId = call.id("delivery")?;
    let found = api.pcs.delivery(call.caller.merchant, id).await?;
    let delivery = found.ok_or_else(|| Problem::missing("delivery", &id.to_string()))?;
    ok(delivery_body(&delivery))
}

/// Send a delivery once more, whatever became of it. It keeps the event's id.
#[utoipa::path(post, path = "/v1/deliveries/{id}/resend", operation_id = "resendDelivery", tag = "Webhooks",
    params(("id" = String, Path, description = "A delivery's id.")),
    responses((status = 200, description = "The delivery, due now.", body = DeliveryBody)))]
pub(crate) async fn resend(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: DeliveryId = call.id("delivery")?;
    let delivery = api.pcs.resend_delivery(&call.caller, id).await?;
    ok(delivery_body(&delivery))
}

/// List events.
#[utoipa::path(get, path = "/v1/events", operation_id = "listEvents", tag = "Events",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "Newest first.", body = ListBody<EventBody>)))]
pub(crate) async fn list_events(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(PAGE)?;
    let listed = api.pcs.events(call.caller.merchant, call.query.page::<EventKind>()?).await?;
    let data = listed.data.iter().map(|event| event_body(event, api.config.livemode)).collect();
    ok(ListBody::<EventBody>::new("/v1/events", data, listed.has_more))
}

/// Read an event.
#[utoipa::path(get, path = "/v1/events/{id}", operation_id = "getEvent", tag = "Events",
    params(("id" = String, Path, description = "An event's id.")),
    responses((status = 200, description = "The event, as webhooks bring it.", body = EventBody)))]
pub(crate) async fn get_event(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: EventId = call.id("event")?;
    let found = api.pcs.event(call.caller.merchant, id).await?;
    let event = found.ok_or_else(|| Problem::missing("event", &id.to_string()))?;
    ok(event_body(&event, api.config.livemode))
}

async fn find(api: &ApiState, call: &Call) -> Result<pcs::model::WebhookEndpoint, Problem> {
    let id: WebhookEndpointId = call.id("webhook endpoint")?;
    let found = api.pcs.webhook_endpoint(call.caller.merchant, id).await?;
    found.ok_or_else(|| Problem::missing("webhook endpoint", &id.to_string()))
}
