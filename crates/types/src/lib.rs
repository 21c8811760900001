//! Words everybody uses: money, currencies, ids, time, chance, secrets.
//!
//! Nothing here does I/O. Time and chance are traits, so that the whole gateway can run in a seeded simulation.

pub mod clock;
pub mod currency;
pub mod entropy;
pub mod id;
pub mod money;
pub mod secret;

pub use clock::{Clock, SystemClock, Timestamp};
pub use currency::Currency;
pub use entropy::Entropy;
pub use id::{
    AttemptId, CheckoutSessionId, CustomerId, DeliveryId, EventId, Id, IdError, Kind, MerchantId,
    ParametersId, PaymentId, PaymentMethodId, ReconciliationId, RefundId, RequestId, TerminalId, WalletId,
    WebhookEndpointId,
};
pub use money::{Money, MoneyError};
pub use secret::Secret;
