//! Deliveries that are due, and what the dispatcher of webhooks does with endpoints.

use serde::{Deserialize, Serialize};
use store::TaskChange;
use types::{DeliveryId, EventId, MerchantId, WebhookEndpointId};

use super::events::EventView;
use crate::model::{Actor, Delivery, DeliveryStatus, EndpointStatus};
use crate::resource::{from_bytes, to_bytes};
use crate::{Caller, CommandError, Pcs};

/// Deliveries to try when they are due; see the kinds in `task.rs`.
const DELIVERY: u8 = 4;

/// A delivery that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDelivery {
    /// Whose.
    pub merchant: MerchantId,
    /// Which.
    pub delivery: DeliveryId,
    /// To which endpoint.
    pub endpoint: WebhookEndpointId,
}

/// The to-do that goes with a delivery's row: none once it has ended.
pub(super) fn due(delivery: &Delivery) -> Result<TaskChange, CommandError> {
    let open = matches!(delivery.status, DeliveryStatus::Pending | DeliveryStatus::Retrying);
    let put = match delivery.next_at {
        Some(next_at) if open => {
            let (merchant, endpoint) = (delivery.merchant, delivery.endpoint);
            Some((next_at, to_bytes(&DueDelivery { merchant, delivery: delivery.id, endpoint })?))
        }
        _ => None,
    };
    Ok(TaskChange { kind: DELIVERY, id: delivery.id.to_u128(), put })
}

impl Pcs {
    /// Up to `limit` deliveries that are due, the earliest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn due_deliveries(&self, limit: usize) -> Result<Vec<DueDelivery>, CommandError> {
        let tasks = self.store.tasks(DELIVERY, Some(self.clock.now()), limit).await?;
        tasks.iter().map(|task| from_bytes(&task.body)).collect()
    }

    /// The event at a place in its merchant's journal.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn event_at(
        &self,
        merchant: MerchantId,
        sequence: u64,
        id: EventId,
    ) -> Result<Option<EventView>, CommandError> {
        let stretch = self.stretch_from(self.shard(merchant).0, sequence, 1).await?;
        let Some(record) = stretch.records.first().filter(|record| record.merchant() == merchant) else {
            return Ok(None);
        };
        Ok(record.events()?.into_iter().find(|event| event.id == id))
    }

    /// Makes a delivery due now, with a whole schedule before it, whatever became of it.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn resend_delivery(&self, caller: &Caller, id: DeliveryId) -> Result<Delivery, CommandError> {
        let missing = || CommandError::Missing { kind: "delivery", id: id.to_string() };
        let mut delivery = self.delivery(caller.merchant, id).await?.ok_or_else(missing)?;
        delivery.version += 1;
        delivery.status = DeliveryStatus::Pending;
        delivery.attempts = 0;
        delivery.next_at = Some(self.clock.now());
        self.save_delivery(&delivery).await?;
        Ok(delivery)
    }

    /// Tells an endpoint nothing more: it answered 410, or failed for a whole schedule.
    ///
    /// # Errors
    /// [`CommandError::Busy`] when it changed in between.
    pub async fn disable_webhook_endpoint(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        why: &str,
    ) -> Result<(), CommandError> {
        let mut endpoint = self.must_have_endpoint(merchant, id).await?;
        if endpoint.status == EndpointStatus::Disabled {
            return Ok(());
        }
        endpoint.version += 1;
        endpoint.status = EndpointStatus::Disabled;
        let mut unit = self.unit(merchant, self.clock.now());
        self.add_setup(
            &mut unit,
            &endpoint,
            Actor::Gateway,
            format!("webhook endpoint {id} was disabled: {why}"),
        )?;
        self.commit(unit).await.map(drop)
    }
}
