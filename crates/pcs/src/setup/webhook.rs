//! Webhook endpoints, their secrets, and what became of each delivery.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::{RowChange, Table};
use types::{DeliveryId, MerchantId, Secret, Timestamp, WebhookEndpointId};
use vault::{Purpose, Record as VaultRecord};

use crate::model::{Actor, Delivery, EndpointStatus, SealedSecret, WebhookEndpoint};
use crate::resource::{Resource, put};
use crate::{Caller, CommandError, Listed, Page, Pcs};

/// How long an old secret still signs after a rotation.
const ROTATION_MS: i64 = 86_400_000;
/// Bytes of a signing secret (Standard Webhooks: 24 to 64).
const SECRET_LEN: usize = 32;

/// An endpoint to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where to.
    pub url: String,
    /// Event types; empty means all.
    pub enabled_events: Vec<String>,
    /// Free text for people.
    pub description: Option<String>,
}

/// What to change of an endpoint; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointChange {
    /// Where to.
    pub url: Option<String>,
    /// Event types.
    pub enabled_events: Option<Vec<String>>,
    /// Free text.
    pub description: Option<Option<String>>,
    /// Whether it is told.
    pub status: Option<EndpointStatus>,
}

impl Pcs {
    /// Makes an endpoint; its signing secret is shown here and on rotation only.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn create_webhook_endpoint(
        &self,
        caller: &Caller,
        new: NewEndpoint,
    ) -> Result<(WebhookEndpoint, Secret<String>), CommandError> {
        let id: WebhookEndpointId = self.new_id();
        let (sealed, secret) = self.new_webhook_secret(id)?;
        let endpoint = WebhookEndpoint {
            id,
            merchant: caller.merchant,
            version: 1,
            created: self.clock.now(),
            url: new.url,
            enabled_events: new.enabled_events,
            description: new.description,
            status: EndpointStatus::Enabled,
            sealed_secrets: vec![sealed],
        };
        self.write(caller, &endpoint, format!("webhook endpoint {id} was made")).await?;
        Ok((endpoint, secret))
    }

    /// An endpoint of this merchant.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn webhook_endpoint(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>, CommandError> {
        self.row(Table::WebhookEndpoint, merchant.to_u128(), id).await
    }

    /// A merchant's endpoints, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn webhook_endpoints(
        &self,
        merchant: MerchantId,
        page: Page,
    ) -> Result<Listed<WebhookEndpoint>, CommandError> {
        self.list(Table::WebhookEndpoint, merchant.to_u128(), page).await
    }

    /// Changes an endpoint.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn update_webhook_endpoint(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        change: EndpointChange,
    ) -> Result<WebhookEndpoint, CommandError> {
        let mut endpoint = self.must_have_endpoint(caller.merchant, id).await?;
        endpoint.version += 1;
        endpoint.url = change.url.unwrap_or(endpoint.url);
        endpoint.enabled_events = change.enabled_events.unwrap_or(endpoint.enabled_events);
        endpoint.description = change.description.unwrap_or(endpoint.description);
        endpoint.status = change.status.unwrap_or(endpoint.status);
        self.write(caller, &endpoint, format!("webhook endpoint {id} was changed")).await?;
        Ok(endpoint)
    }

    /// Removes an endpoint. Its deliveries stay as they are.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn delete_webhook_endpoint(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
    ) -> Result<(), CommandError> {
        let endpoint = self.must_have_endpoint(caller.merchant, id).await?;
        let mut unit = self.unit(caller.merchant, self.clock.now());
        let row = RowChange { key: endpoint.key(), expected: Some(endpoint.version), body: None };
        let actor = Actor::ApiKey { key: caller.key_id.clone() };
        let note = format!("webhook endpoint {id} was removed");
        self.add_setup_row(&mut unit, row, endpoint.version + 1, actor, note)?;
        self.commit(unit).await.map(drop)
    }

    /// Gives an endpoint a new secret. The old one signs beside it for 24 hours.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn rotate_webhook_secret(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
    ) -> Result<(WebhookEndpoint, Secret<String>), CommandError> {
        let now = self.clock.now();
        let mut endpoint = self.must_have_endpoint(caller.merchant, id).await?;
        let (sealed, secret) = self.new_webhook_secret(id)?;
        endpoint.version += 1;
        endpoint.sealed_secrets.retain(|old| old.expires_at.is_none_or(|end| end > now));
        for old in &mut endpoint.sealed_secrets {
            old.expires_at.get_or_insert(now.plus_ms(ROTATION_MS));
        }
        endpoint.sealed_secrets.insert(0, sealed);
        self.write(caller, &endpoint, format!("webhook endpoint {id} has a new secret")).await?;
        Ok((endpoint, secret))
    }

    /// The secrets that sign for an endpoint at `now`, newest first, as `whsec_…`.
    ///
    /// # Errors
    /// [`CommandError::Internal`] when the vault cannot open them.
    pub fn endpoint_secrets(
        &self,
        endpoint: &WebhookEndpoint,
        now: Timestamp,
    ) -> Result<Vec<Secret<String>>, CommandError> {
        let live =
            endpoint.sealed_secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > now));
        live.map(|secret| self.open_webhook_secret(endpoint.id, &secret.sealed)).collect()
    }

    /// What became of the deliveries, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn deliveries(
        &self,
        merchant: MerchantId,
        page: Page,
    ) -> Result<Listed<Delivery>, CommandError> {
        self.list(Table::Delivery, merchant.to_u128(), page).await
    }

    /// One delivery.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn delivery(
        &self,
        merchant: MerchantId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, CommandError> {
        self.row(Table::Delivery, merchant.to_u128(), id).await
    }

    /// Writes a delivery over the version before it. Not journaled: what is told about the journal is not the journal.
    ///
    /// # Errors
    /// [`CommandError::Busy`] when it changed in between.
    pub async fn save_delivery(&self, delivery: &Delivery) -> Result<(), CommandError> {
        let mut unit = self.unit(delivery.merchant, self.clock.now());
        unit.rows.push(put(delivery)?);
        unit.tasks.push(super::outbox::due(delivery)?);
        self.commit(unit).await.map(drop)
    }

    pub(crate) async fn must_have_endpoint(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
    ) -> Result<WebhookEndpoint, CommandError> {
        let missing = || CommandError::Missing { kind: "webhook_endpoint", id: id.to_string() };
        self.webhook_endpoint(merchant, id).await?.ok_or_else(missing)
    }

    fn new_webhook_secret(
        &self,
        id: WebhookEndpointId,
    ) -> Result<(SealedSecret, Secret<String>), CommandError> {
        let mut random = [0; SECRET_LEN];
        self.entropy.fill(&mut random);
        let record = VaultRecord::of(0, id.to_u128());
        let sealed = self
            .vault
            .seal_bytes(Purpose::WebhookSecret, record, &random)
            .map_err(|error| CommandError::Internal(Box::new(error)))?;
        let text = format!("whsec_{}", STANDARD.encode(random));
        Ok((SealedSecret { sealed: STANDARD.encode(sealed), expires_at: None }, Secret::new(text)))
    }

    fn open_webhook_secret(
        &self,
        id: WebhookEndpointId,
        sealed: &str,
    ) -> Result<Secret<String>, CommandError> {
        let internal = |error: Box<dyn std::error::Error + Send + Sync>| CommandError::Internal(error);
        let sealed = STANDARD.decode(sealed).map_err(|error| internal(Box::new(error)))?;
        let record = VaultRecord::of(0, id.to_u128());
        let opened = self
            .vault
            .open_bytes(Purpose::WebhookSecret, record, &sealed)
            .map_err(|error| internal(Box::new(error)))?;
        Ok(Secret::new(format!("whsec_{}", STANDARD.encode(opened.expose()))))
    }
}
