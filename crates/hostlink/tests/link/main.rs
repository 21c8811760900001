//! A link against a simulated bank, and against peers that misbehave as no bank would.
//!
//! Most stories run on an in-memory connection with tokio's paused clock, so that waiting costs nothing and every run
//! is the same; those about sockets run over real TCP.

mod chaos;
mod cut;
mod faults;
mod hosts;
mod interop;
mod lifecycle;
mod management;
mod matching;
mod offline;
mod payments;
mod profiles;
mod restart;
mod support;
mod terminals;
