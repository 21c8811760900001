//! The hosted checkout, `/c/{session}`.
//!
//! | request                         | answer                                                                |
//! |---------------------------------|-----------------------------------------------------------------------|
//! | `GET /c/{s}`                    | the form, the passkey page, or what became of the session's payment     |
//! | `POST /c/{s}/card`              | pays with a typed card; 303 to the payment's page, 422 with the mistakes |
//! | `POST /c/{s}/passkey/options`   | JSON: what the passkey signs                                            |
//! | `POST /c/{s}/passkey`           | pays; 303 to the payment's page                                         |
//! | `POST /c/{s}/enter[/options]`   | recognises a wallet on a new device; 303 to the session                  |
//! | `POST /c/{s}/forget`            | forgets the device; 303 to the session                                  |
//! | `GET /c/{s}/p/{payment}`        | what became of a payment: receipt, decline, waiting                      |
//! | `GET /c/{s}/p/{payment}/status` | JSON `{"pending": …}` for the waiting page's script                      |
//! | `POST /c/{s}/enrol[/options,/key]` | a passkey for the card that just paid                                |
//!
//! Every POST must come from a page of our own origin. Sending a form again, from any tab and at any time, leads to the one
//! payment: the form token is its idempotency key.

mod answer;
mod card_form;
mod ceremony;
mod context;
mod pay;
mod result;
mod routes;
pub mod view;

pub use card_form::{CardForm, Mistake, Mistakes};
pub(crate) use routes::asset;
pub use routes::router;

use std::sync::Arc;

use axum::http::HeaderValue;
use wallet::Wallet;

/// What the handlers share.
#[derive(Clone)]
pub struct Checkout {
    wallet: Arc<Wallet>,
    /// Whether the origin is `https:`; cookies then carry `Secure` and its name prefixes.
    secure: bool,
    policy: HeaderValue,
}

impl Checkout {
    /// The checkout pages of a wallet server.
    pub fn new(wallet: Arc<Wallet>) -> Self {
        let secure = wallet.site().origin.starts_with("https://");
        let policy = HeaderValue::from_str(&crate::headers::content_security_policy(&[]))
            .unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { wallet, secure, policy }
    }
}
