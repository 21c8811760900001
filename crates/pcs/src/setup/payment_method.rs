//! Stored cards: sealed by the vault, known by a token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use card::{Expiry, Pan};
use payment::CardSummary;
use types::{CustomerId, MerchantId, PaymentMethodId};
use vault::Record;

use crate::bank::SecretCard;
use crate::model::{Actor, PaymentMethod, PaymentMethodStatus};
use crate::{Caller, CommandError, Pcs};

impl Pcs {
    /// Seals a card under a new token. Nothing is stored yet: the row goes with the caller's commit.
    pub(crate) fn seal_card(
        &self,
        pan: &Pan,
        expiry: Expiry,
        merchant: Option<MerchantId>,
        customer: Option<CustomerId>,
        status: PaymentMethodStatus,
    ) -> Result<PaymentMethod, CommandError> {
        let id: PaymentMethodId = self.new_id();
        let owner = merchant.map_or(0, |merchant| merchant.to_u128());
        let sealed = self
            .vault
            .seal_card(pan, expiry, Record::of(owner, id.to_u128()))
            .map_err(|error| CommandError::Internal(Box::new(error)))?;
        let card = CardSummary {
            brand: pan.brand().map_or("unknown", |brand| brand.code()).to_owned(),
            last4: pan.last4().to_owned(),
            bin: pan.bin().as_str().to_owned(),
            exp_month: expiry.month(),
            exp_year: expiry.year(),
        };
        Ok(PaymentMethod {
            id,
            merchant,
            version: 1,
            created: self.clock.now(),
            customer,
            card,
            fingerprint: sealed.fingerprint.to_string(),
            status,
            sealed: STANDARD.encode(&sealed.bytes),
        })
    }

    /// Opens a stored card, for a bank message only.
    pub(crate) fn open_card(&self, method: &PaymentMethod) -> Result<SecretCard, CommandError> {
        let owner = method.merchant.map_or(0, |merchant| merchant.to_u128());
        let sealed =
            STANDARD.decode(&method.sealed).map_err(|error| CommandError::Internal(Box::new(error)))?;
        let (pan, expiry) = self
            .vault
            .open_card(&sealed, Record::of(owner, method.id.to_u128()))
            .map_err(|error| CommandError::Internal(Box::new(error)))?;
        Ok(SecretCard { pan, expiry, security_code: None, present: None })
    }

    /// Stores a card for a merchant's customer. The number comes from the vault's own people (the demo's seeds, a
    /// wallet's sealed instruction), never from the public API.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn store_card(
        &self,
        pan: &Pan,
        expiry: Expiry,
        merchant: Option<MerchantId>,
        customer: Option<CustomerId>,
    ) -> Result<PaymentMethod, CommandError> {
        let method = self.seal_card(pan, expiry, merchant, customer, PaymentMethodStatus::Active)?;
        let owner = merchant.unwrap_or(MerchantId::from_u128(0));
        let mut unit = self.unit(owner, self.clock.now());
        let note = format!("card {} ({} …{}) was stored", method.id, method.card.brand, method.card.last4);
        self.add_setup(&mut unit, &method, Actor::Gateway, note)?;
        self.commit(unit).await?;
        Ok(method)
    }

    /// A stored card of this merchant's customers.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn payment_method(
        &self,
        merchant: MerchantId,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, CommandError> {
        self.method_row(Some(merchant), id).await
    }

    /// Detaches a card: it can pay no more; refunds and reversals of its payments still can.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn detach_payment_method(
        &self,
        caller: &Caller,
        id: PaymentMethodId,
    ) -> Result<PaymentMethod, CommandError> {
        let missing = || CommandError::Missing { kind: "payment_method", id: id.to_string() };
        let mut method = self.method_row(Some(caller.merchant), id).await?.ok_or_else(missing)?;
        if method.status == PaymentMethodStatus::Detached {
            return Ok(method);
        }
        method.version += 1;
        method.status = PaymentMethodStatus::Detached;
        let written = self.write(caller, &method, format!("card {id} was detached")).await;
        // Whether or not it was written, what is remembered may be old.
        self.methods.forget(&(caller.merchant.to_u128(), id));
        written?;
        Ok(method)
    }
}
