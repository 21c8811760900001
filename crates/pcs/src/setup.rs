//! What merchants and the operator set up, and what they are told: one file per resource.

mod checkout_session;
mod customer;
mod events;
mod merchant;
mod outbox;
mod payment_method;
mod pin_key;
mod terminal;
mod webhook;

pub use events::{EventView, Stretch, Unread};
pub use merchant::{MerchantUpdate, NewMerchant, SecretKey};
pub use outbox::DueDelivery;
pub use pin_key::NewPinKey;
pub use terminal::NewTerminal;
pub use webhook::{EndpointChange, NewEndpoint};
