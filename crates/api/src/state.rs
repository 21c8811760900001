//! What the API is given.

use std::sync::Arc;

use pcs::Pcs;
use serde::Serialize;
use types::{Clock, Entropy};
use utoipa::ToSchema;

use crate::webhook::Courier;

/// Settings of the API.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where this API is reached from outside, without a slash at the end; empty makes links relative.
    pub public_url: String,
    /// Where hosted checkouts are, without a slash at the end.
    pub checkout_url: String,
    /// Whether real money moves.
    pub livemode: bool,
    /// Webhooks may go to private and loopback addresses, and over plain `http`. For a demo only.
    pub allow_private_networks: bool,
    /// SHA-256 of the operator's key, which may take merchants on; none closes `/v1/merchants`.
    pub operator_key_sha256: Option<[u8; 32]>,
}

/// What the handlers share.
pub struct ApiState {
    /// The payment control server.
    pub pcs: Arc<Pcs>,
    /// Settings.
    pub config: Config,
    /// The clock, for request ids.
    pub clock: Arc<dyn Clock>,
    /// Chance, for request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Sends test events of webhooks.
    pub courier: Courier,
    /// Test cards and faults of simulated banks; only the demo has them.
    pub test_helpers: Option<Arc<dyn TestHelpers>>,
}

/// What only a gateway with simulated banks can offer.
pub trait TestHelpers: Send + Sync {
    /// The cards that the simulated banks know.
    fn cards(&self) -> Vec<TestCard>;

    /// The simulated banks.
    fn banks(&self) -> Vec<TestBank>;

    /// Makes a simulated bank misbehave.
    ///
    /// # Errors
    /// [`FaultRefused`] names what is wrong.
    fn inject(&self, bank: &str, fault: Fault) -> Result<(), FaultRefused>;
}

/// A card of a simulated bank. Its number is made up and works nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TestCard {
    /// The whole number, to be typed into the checkout.
    pub number: String,
    /// `unionpay`, `visa`, …
    pub brand: String,
    /// The simulated bank that issues it.
    pub bank: String,
    /// What happens to its payments, for people.
    #[schema(example = "declined with 51, insufficient funds")]
    pub behaviour: String,
    /// The currencies it can pay in.
    pub currencies: Vec<String>,
}

/// A simulated bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TestBank {
    /// Its name in the gateway's configuration.
    pub name: String,
    /// The faults it can show.
    #[schema(example = json!(["silent", "late"]))]
    pub faults: Vec<String>,
}

/// A fault to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One of the bank's `faults`.
    pub fault: String,
    /// How many messages it meets; none meets all until the bank is told `none`.
    pub count: Option<u32>,
    /// Only messages of this type, for example `0200`.
    pub mti: Option<String>,
}

/// Why a fault was not injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultRefused {
    /// No simulated bank has this name.
    UnknownBank,
    /// The bank does not know the fault; it knows these.
    UnknownFault(Vec<String>),
}
