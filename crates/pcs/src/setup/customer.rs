//! A merchant's customers.

use std::collections::BTreeMap;

use store::{RowChange, Table};
use types::{CustomerId, MerchantId};

use crate::model::{Actor, Customer, PaymentMethod, PaymentMethodStatus};
use crate::resource::Resource;
use crate::{Caller, CommandError, Listed, Page, Pcs};

impl Pcs {
    /// Makes a customer.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn create_customer(
        &self,
        caller: &Caller,
        name: Option<String>,
        email: Option<String>,
        metadata: BTreeMap<String, String>,
    ) -> Result<Customer, CommandError> {
        let now = self.clock.now();
        let id: CustomerId = self.new_id();
        let customer =
            Customer { id, merchant: caller.merchant, version: 1, created: now, name, email, metadata };
        self.write(caller, &customer, format!("customer {id} was made")).await?;
        Ok(customer)
    }

    /// A customer of this merchant.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn customer(
        &self,
        merchant: MerchantId,
        id: CustomerId,
    ) -> Result<Option<Customer>, CommandError> {
        self.row(Table::Customer, merchant.to_u128(), id).await
    }

    /// A merchant's customers, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn customers(
        &self,
        merchant: MerchantId,
        page: Page,
    ) -> Result<Listed<Customer>, CommandError> {
        self.list(Table::Customer, merchant.to_u128(), page).await
    }

    /// Changes a customer; `None` leaves a field as it is.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn update_customer(
        &self,
        caller: &Caller,
        id: CustomerId,
        name: Option<Option<String>>,
        email: Option<Option<String>>,
        metadata: Option<BTreeMap<String, String>>,
    ) -> Result<Customer, CommandError> {
        let mut customer = self.must_have_customer(caller.merchant, id).await?;
        customer.version += 1;
        customer.name = name.unwrap_or(customer.name);
        customer.email = email.unwrap_or(customer.email);
        customer.metadata = metadata.unwrap_or(customer.metadata);
        self.write(caller, &customer, format!("customer {id} was changed")).await?;
        Ok(customer)
    }

    /// Erases a customer's personal data and detaches its cards. Payments keep the id and nothing else.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn delete_customer(&self, caller: &Caller, id: CustomerId) -> Result<(), CommandError> {
        let customer = self.must_have_customer(caller.merchant, id).await?;
        for method in self.payment_methods_of(caller.merchant, id).await? {
            self.detach_payment_method(caller, method.id).await?;
        }
        let mut unit = self.unit(caller.merchant, self.clock.now());
        let row = RowChange { key: customer.key(), expected: Some(customer.version), body: None };
        let actor = Actor::ApiKey { key: caller.key_id.clone() };
        self.add_setup_row(&mut unit, row, customer.version + 1, actor, format!("customer {id} was erased"))?;
        self.commit(unit).await.map(drop)
    }

    /// The cards that a customer can use, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn payment_methods_of(
        &self,
        merchant: MerchantId,
        customer: CustomerId,
    ) -> Result<Vec<PaymentMethod>, CommandError> {
        let mut found = Vec::new();
        let mut page = Page { limit: 100, after: None, before: None };
        loop {
            let methods: Listed<PaymentMethod> =
                self.list(Table::PaymentMethod, merchant.to_u128(), page).await?;
            page.after = methods.data.last().map(|method| method.id.to_u128());
            found.extend(methods.data.into_iter().filter(|method| {
                method.customer == Some(customer) && method.status == PaymentMethodStatus::Active
            }));
            if !methods.has_more {
                return Ok(found);
            }
        }
    }

    pub(crate) async fn must_have_customer(
        &self,
        merchant: MerchantId,
        id: CustomerId,
    ) -> Result<Customer, CommandError> {
        let missing = || CommandError::Missing { kind: "customer", id: id.to_string() };
        self.customer(merchant, id).await?.ok_or_else(missing)
    }

    pub(crate) async fn write<R: Resource>(
        &self,
        caller: &Caller,
        resource: &R,
        note: String,
    ) -> Result<(), CommandError> {
        let mut unit = self.unit(caller.merchant, self.clock.now());
        let actor = Actor::ApiKey { key: caller.key_id.clone() };
        self.add_setup(&mut unit, resource, actor, note)?;
        self.commit(unit).await.map(drop)
    }
}
