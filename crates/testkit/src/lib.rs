//! A whole gateway in one process, for tests: the real PCS over the store's memory engine, real links to simulated
//! banks, a vault, a certificate authority, a wallet with a passkey. Nothing is mocked but time, chance and the wire.
//!
//! Tests run under tokio's paused clock (`#[tokio::test(start_paused = true)]`): half a minute of a bank's silence takes
//! no time, and [`World`]'s wall clock goes with it. A story ends with [`World::audit`], which holds the books against
//! what the banks themselves have counted.
//!
//! Everything here panics where a test should fail.

mod audit;
mod bank;
#[cfg(feature = "browser")]
pub mod browser;
mod chance;
mod clock;
mod installation;
pub mod pin_pad;
mod shop;
mod till;
mod world;

pub use bank::SimulatedBank;
pub use chance::Seeded;
pub use clock::WorldClock;
pub use installation::{Installation, Phone};
pub use pin_pad::PinPad;
pub use shop::{FLOOR_LIMIT, Shop};
pub use till::CHIP_DATA;
pub use world::{REPLY_TIMEOUT, TWIN, World, cny, eur, gbp, payment_of, refund_of};
