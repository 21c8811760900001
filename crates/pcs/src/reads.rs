//! Reads: objects by id, lists, look-ups by the merchant's own number, and the life of a payment from the journal.

use std::sync::Arc;

use payment::{Exchange, Payment, Refund};
use store::{AliasChange, Listing, RowKey, Table};
use types::{Id, Kind, MerchantId, PaymentId, PaymentMethodId, RefundId};

use crate::bank::SecretCard;
use crate::hash::short_hash;
use crate::history::HistoryItem;
use crate::model::{JournalEvent, Merchant, PaymentMethod};
use crate::resource::{Resource, from_bytes};
use crate::{CommandError, Listed, Page, Pcs};

/// Alias spaces: second keys that are unique. A number is never reused.
pub(crate) const PAYMENT_REFERENCE: u8 = 1;
pub(crate) const REFUND_REFERENCE: u8 = 2;
pub(crate) const SECRET_KEY: u8 = 3;
pub(crate) const SESSION: u8 = 4;
pub(crate) const SESSION_REFERENCE: u8 = 5;
pub(crate) const WALLET_PAYMENT: u8 = 6;
pub(crate) const TERMINAL_NUMBER: u8 = 7;

/// The alias key of a merchant's own number.
pub(crate) fn reference_key(merchant: MerchantId, reference: &str) -> [u8; 16] {
    short_hash(&["reference", &merchant.to_string(), reference])
}

impl Pcs {
    /// A payment of this merchant.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn payment(
        &self,
        merchant: MerchantId,
        id: PaymentId,
    ) -> Result<Option<Payment>, CommandError> {
        self.row(Table::Payment, merchant.to_u128(), id).await
    }

    /// A merchant's payments, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn payments(&self, merchant: MerchantId, page: Page) -> Result<Listed<Payment>, CommandError> {
        self.list(Table::Payment, merchant.to_u128(), page).await
    }

    /// The payment with the merchant's own number.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn payment_by_reference(
        &self,
        merchant: MerchantId,
        reference: &str,
    ) -> Result<Option<Payment>, CommandError> {
        let key = reference_key(merchant, reference);
        match self.store.alias(self.shard(merchant), PAYMENT_REFERENCE, key).await? {
            Some(found) => self.payment(merchant, PaymentId::from_u128(found.id)).await,
            // A checkout's payments carry the reference of their checkout: the latest one answers.
            None => match self.store.alias(self.shard(merchant), SESSION_REFERENCE, key).await? {
                Some(found) => {
                    let session = self
                        .checkout_session(merchant, types::CheckoutSessionId::from_u128(found.id))
                        .await?;
                    let payment = session.map(|session| session.payment);
                    match payment {
                        Some(id) => self.payment(merchant, id).await,
                        None => Ok(None),
                    }
                }
                None => Ok(None),
            },
        }
    }

    /// A checkout's payment by its id alone, for the wallet that asked for it.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn payment_for_wallet(&self, id: PaymentId) -> Result<Option<Payment>, CommandError> {
        let key = short_hash(&["payment", &id.to_string()]);
        for shard in 0..self.shards {
            if let Some(found) = self.store.alias(store::Shard(shard), WALLET_PAYMENT, key).await? {
                return self.payment(MerchantId::from_u128(found.owner), id).await;
            }
        }
        Ok(None)
    }

    /// A refund of this merchant.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn refund(&self, merchant: MerchantId, id: RefundId) -> Result<Option<Refund>, CommandError> {
        self.row(Table::Refund, merchant.to_u128(), id).await
    }

    /// A merchant's refunds, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn refunds(&self, merchant: MerchantId, page: Page) -> Result<Listed<Refund>, CommandError> {
        self.list(Table::Refund, merchant.to_u128(), page).await
    }

    /// The refunds of one payment, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn refunds_of(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
    ) -> Result<Vec<Refund>, CommandError> {
        let mut latest = std::collections::BTreeMap::new();
        for record in self.store.history(self.shard(merchant), payment.to_u128()).await? {
            let event: JournalEvent = from_bytes(&record.record.event)?;
            if let Some(refund) = event.refund {
                latest.insert(refund.id, *refund);
            }
        }
        Ok(latest.into_values().rev().collect())
    }

    /// The life of a payment, oldest first: every change with its message, its entry and its notices.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn history(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
    ) -> Result<Vec<HistoryItem>, CommandError> {
        let records = self.store.history(self.shard(merchant), payment.to_u128()).await?;
        let dialect = |bank: &str| self.banks.get(bank).map(|bank| Arc::clone(bank.profile().dialect()));
        records.into_iter().map(|record| HistoryItem::read(record, &dialect)).collect()
    }

    pub(crate) async fn row<R: Resource, K: Kind>(
        &self,
        table: Table,
        owner: u128,
        id: Id<K>,
    ) -> Result<Option<R>, CommandError> {
        let shard = self.shard(MerchantId::from_u128(owner));
        let row = self.store.get(shard, RowKey { table, owner, id: id.to_u128() }).await?;
        row.map(|row| from_bytes(&row.body)).transpose()
    }

    pub(crate) async fn list<R: Resource>(
        &self,
        table: Table,
        owner: u128,
        page: Page,
    ) -> Result<Listed<R>, CommandError> {
        let shard = self.shard(MerchantId::from_u128(owner));
        let listing = Listing { after: page.after, before: page.before, limit: usize::from(page.limit) + 1 };
        let mut rows = self.store.list(shard, table, owner, listing).await?;
        let has_more = rows.len() > usize::from(page.limit);
        if has_more && page.before.is_some() {
            // Going back towards newer objects, the one too many is the newest.
            rows.remove(0);
        }
        rows.truncate(usize::from(page.limit));
        let data = rows.iter().map(|row| from_bytes(&row.body)).collect::<Result<_, _>>()?;
        Ok(Listed { data, has_more })
    }

    pub(crate) async fn must_load(
        &self,
        merchant: MerchantId,
        id: PaymentId,
    ) -> Result<Payment, CommandError> {
        let missing = || CommandError::Missing { kind: "payment", id: id.to_string() };
        self.payment(merchant, id).await?.ok_or_else(missing)
    }

    pub(crate) async fn must_load_refund(
        &self,
        merchant: MerchantId,
        id: RefundId,
    ) -> Result<Refund, CommandError> {
        let missing = || CommandError::Missing { kind: "refund", id: id.to_string() };
        self.refund(merchant, id).await?.ok_or_else(missing)
    }

    pub(crate) async fn merchant_row(&self, id: MerchantId) -> Result<Arc<Merchant>, CommandError> {
        let now = self.clock.now();
        if let Some(merchant) = self.merchants.get(&id, now) {
            return Ok(merchant);
        }
        let missing = || CommandError::Missing { kind: "merchant", id: id.to_string() };
        let merchant: Merchant = self.row(Table::Merchant, 0, id).await?.ok_or_else(missing)?;
        Ok(self.merchants.keep(id, merchant, now))
    }

    /// A stored card: the merchant's own, or (for `None` and as a second look) one of a shopper's wallet.
    pub(crate) async fn method_row(
        &self,
        merchant: Option<MerchantId>,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, CommandError> {
        let owner = merchant.map_or(0, |merchant| merchant.to_u128());
        self.row(Table::PaymentMethod, owner, id).await
    }

    /// A merchant's stored card as it was a moment ago, for paying with it.
    pub(crate) async fn remembered_method(
        &self,
        merchant: MerchantId,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, CommandError> {
        let (name, now) = ((merchant.to_u128(), id), self.clock.now());
        if let Some(method) = self.methods.get(&name, now) {
            return Ok(Some((*method).clone()));
        }
        let method = self.method_row(Some(merchant), id).await?;
        Ok(method.map(|method| (*self.methods.keep(name, method, now)).clone()))
    }

    /// The card of a payment that has one already, for the messages that follow the first.
    pub(crate) async fn card_of(&self, payment: &Payment) -> Result<SecretCard, CommandError> {
        let id = payment.payment_method.ok_or_else(|| CommandError::Missing {
            kind: "payment_method",
            id: format!("of {}", payment.id),
        })?;
        let missing = || CommandError::Missing { kind: "payment_method", id: id.to_string() };
        let method = match self.method_row(Some(payment.merchant), id).await? {
            Some(method) => method,
            None => self.method_row(None, id).await?.ok_or_else(missing)?,
        };
        self.open_card(&method)
    }

    pub(crate) fn original_of(
        &self,
        payment: &Payment,
        event: &'static str,
    ) -> Result<Exchange, CommandError> {
        payment.original.as_deref().cloned().ok_or_else(|| {
            CommandError::refused(payment, payment::Refused::InvalidState { state: payment.state, event })
        })
    }

    pub(crate) fn reference_alias(&self, payment: &Payment, reference: &str) -> AliasChange {
        AliasChange {
            space: PAYMENT_REFERENCE,
            key: reference_key(payment.merchant, reference),
            target: Some(payment.key()),
        }
    }
}

/// Leads from a checkout's payment to its row: a wallet knows the payment's id and not its merchant.
pub(crate) fn wallet_alias(payment: &Payment) -> AliasChange {
    let key = short_hash(&["payment", &payment.id.to_string()]);
    AliasChange { space: WALLET_PAYMENT, key, target: Some(payment.key()) }
}

/// The public id of a row.
pub(crate) fn name_of(key: RowKey) -> String {
    match key.table {
        Table::Payment => PaymentId::from_u128(key.id).to_string(),
        Table::Refund => RefundId::from_u128(key.id).to_string(),
        Table::Terminal => types::TerminalId::from_u128(key.id).to_string(),
        Table::CheckoutSession => types::CheckoutSessionId::from_u128(key.id).to_string(),
        _ => "another object".to_owned(),
    }
}
