//! The public HTTP API and its webhooks: requests become commands of the PCS, objects become JSON, refusals become
//! problems of RFC 9457. No decision about money is taken here.

mod answer;
pub mod body;
mod edge;
mod metrics;
mod openapi;
pub mod problem;
pub mod request;
mod routes;
mod state;
pub mod webhook;

pub use metrics::metrics_router;
pub use openapi::openapi;
pub use routes::router;
pub use state::{ApiState, Config, Fault, FaultRefused, TestBank, TestCard, TestHelpers};

/// The version of the API. Until 1.0 there is one, and it only grows.
pub const VERSION: &str = "2026-12-01";
