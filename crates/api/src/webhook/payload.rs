//! The body of a webhook: the event as `GET /v1/events/{id}` shows it, below 20 KB.

use pcs::EventView;

use crate::body::{EventBody, EventObject, event_body};

/// Receivers may refuse more (Standard Webhooks, "payload size").
const MAX_BYTES: usize = 20_000;

/// The body's text. The same event always gives the same text, so each try signs the same bytes.
///
/// # Errors
/// Only when a body cannot be written as JSON, which is a fault of ours.
pub fn payload(event: &EventView, livemode: bool) -> Result<String, serde_json::Error> {
    let mut body = event_body(event, livemode);
    let text = serde_json::to_string(&body)?;
    if text.len() <= MAX_BYTES {
        return Ok(text);
    }
    // Only a merchant's own metadata can be that long; it can be read from the object.
    leave_metadata_out(&mut body);
    serde_json::to_string(&body)
}

fn leave_metadata_out(body: &mut EventBody) {
    body.data.metadata_omitted = true;
    match &mut body.data.object {
        Some(EventObject::Payment(payment)) => payment.metadata.clear(),
        Some(EventObject::Refund(refund)) => refund.metadata.clear(),
        None => {}
    }
}
