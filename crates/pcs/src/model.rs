//! What the gateway keeps besides payments and refunds: one file per resource.

mod checkout_session;
mod customer;
mod event;
mod merchant;
mod parameters;
mod payment_method;
mod reconciliation;
mod terminal;
mod webhook;

pub use checkout_session::{CheckoutSession, LineItem, SessionStatus};
pub use customer::Customer;
pub use event::{Actor, JournalEvent, NoticeEvent};
pub use merchant::{ApiKey, Merchant, MerchantStatus};
pub use parameters::Parameters;
pub use payment_method::{PaymentMethod, PaymentMethodStatus};
pub use reconciliation::{Figures, Reconciliation, Sum, Upload, Verdict};
pub use terminal::{PinKey, Terminal, TerminalStatus};
pub use webhook::{Delivery, DeliveryStatus, EndpointStatus, SealedSecret, WebhookEndpoint};
