//! The demo's API: the public one, the demo shop, and what only simulated banks can offer.

mod balance;
mod faults;

use std::sync::Arc;

use api::webhook::{Courier, Dispatcher};
use api::{ApiState, Config};
use axum::Router;
use pcs::Pcs;
use types::SystemClock;
use vault::SystemEntropy;

use super::banks::DemoBank;
use super::data_dir::DemoFile;
use crate::fault::{Fault, Tried as _};

/// The API, ready to be served, and the webhook dispatcher beside it.
pub struct Api {
    pub router: Router,
    pub webhooks: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
}

pub fn api(
    pcs: &Arc<Pcs>,
    file: &DemoFile,
    banks: &Arc<Vec<DemoBank>>,
    operator_key: [u8; 32],
) -> Result<Api, Fault> {
    let config = Config {
        public_url: file.api_url.clone(),
        checkout_url: file.wallet_url.clone(),
        livemode: false,
        allow_private_networks: true,
        operator_key_sha256: Some(operator_key),
    };
    let state = Arc::new(ApiState {
        pcs: Arc::clone(pcs),
        config,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        courier: Courier::new(true).tried("cannot set up webhooks")?,
        test_helpers: Some(Arc::new(faults::Helpers { banks: Arc::clone(banks), file: file.clone() })),
    });
    let shop = web::shop::router(web::shop::Setup {
        api_url: file.api_url.clone(),
        secret_key: file.secret_key.clone().into(),
        shop_url: file.shop_url.clone(),
        checkout_url: file.wallet_url.clone(),
        entropy: Arc::new(SystemEntropy),
    });
    let shop = shop.tried("cannot make the demo shop")?;
    let balance = balance::router(Arc::clone(pcs), Arc::clone(banks));
    let router = api::router(Arc::clone(&state)).merge(balance).nest("/shop", shop);
    let courier = Courier::new(true).tried("cannot set up webhooks")?;
    let dispatcher = Dispatcher::new(Arc::clone(pcs), courier, Arc::new(SystemEntropy), false);
    Ok(Api { router, webhooks: Box::pin(dispatcher.run()) })
}
