//! How each resource lies in the store: table, owner, number, version.

use std::ops::Range;

use payment::{Payment, Refund};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Body, RowChange, RowKey, Table};

use crate::CommandError;
use crate::model::{
    ApiKey, CheckoutSession, Customer, Delivery, Merchant, Parameters, PaymentMethod, Reconciliation,
    Terminal, WebhookEndpoint,
};

/// Something that is kept as one row, under compare-and-set of its version.
pub(crate) trait Resource: Serialize + DeserializeOwned {
    const TABLE: Table;
    /// The merchant's number; 0 for what belongs to the gateway.
    fn owner(&self) -> u128;
    fn number(&self) -> u128;
    /// The version this value will have once written; 1 for a new row.
    fn version(&self) -> u32;

    fn key(&self) -> RowKey {
        RowKey { table: Self::TABLE, owner: self.owner(), id: self.number() }
    }
}

macro_rules! resource {
    ($type:ty, $table:ident, $owner:expr) => {
        impl Resource for $type {
            const TABLE: Table = Table::$table;
            fn owner(&self) -> u128 {
                let owner: fn(&$type) -> u128 = $owner;
                owner(self)
            }
            fn number(&self) -> u128 {
                self.id.to_u128()
            }
            fn version(&self) -> u32 {
                self.version
            }
        }
    };
}

resource!(Payment, Payment, |payment| payment.merchant.to_u128());
resource!(Refund, Refund, |refund| refund.merchant.to_u128());
resource!(Merchant, Merchant, |_| 0);
resource!(Customer, Customer, |customer| customer.merchant.to_u128());
resource!(PaymentMethod, PaymentMethod, |method| method.merchant.map_or(0, |merchant| merchant.to_u128()));
resource!(CheckoutSession, CheckoutSession, |session| session.merchant.to_u128());
resource!(WebhookEndpoint, WebhookEndpoint, |endpoint| endpoint.merchant.to_u128());
resource!(Terminal, Terminal, |terminal| terminal.merchant.to_u128());
resource!(Reconciliation, Reconciliation, |it| crate::hash::bank_number(&it.bank));
// Under the bank: what the gateway keeps for itself in this table is under 0.
resource!(Parameters, Setting, |it| crate::hash::bank_number(&it.bank));
resource!(Delivery, Delivery, |delivery| delivery.merchant.to_u128());

impl Resource for ApiKey {
    const TABLE: Table = Table::ApiKey;
    fn owner(&self) -> u128 {
        self.merchant.to_u128()
    }
    fn number(&self) -> u128 {
        u128::from_be_bytes(crate::hash::short_hash(&[&self.id]))
    }
    fn version(&self) -> u32 {
        self.version
    }
}

/// Writes a value over the version before it.
pub(crate) fn put<R: Resource>(resource: &R) -> Result<RowChange, CommandError> {
    Ok(put_body(resource, Body::Own(to_bytes(resource)?)))
}

/// The same for a value that is told, as JSON, at a place within the event of a record of the unit.
pub(crate) fn put_told<R: Resource>(resource: &R, place: Range<usize>, record: usize) -> RowChange {
    put_body(resource, Body::InRecord { record, at: place.start, len: place.len() })
}

fn put_body<R: Resource>(resource: &R, body: Body) -> RowChange {
    let expected = resource.version().checked_sub(1).filter(|&before| before > 0);
    RowChange { key: resource.key(), expected, body: Some(body) }
}

pub(crate) fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, CommandError> {
    serde_json::to_vec(value).map_err(|error| CommandError::Internal(Box::new(error)))
}

pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CommandError> {
    serde_json::from_slice(bytes).map_err(|error| CommandError::Internal(Box::new(error)))
}
