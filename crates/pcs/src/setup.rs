//! What merchants and the operator set up: one file per resource.

mod customer;
mod merchant;
mod payment_method;
mod webhook;

pub use merchant::{NewMerchant, SecretKey};
pub use webhook::{EndpointChange, NewEndpoint};
