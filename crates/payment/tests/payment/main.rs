//! The payment state machine: stories of each flow, the table of all states and events, and the laws of the books.

mod acts;
mod adjusting;
mod advising;
mod bank;
mod books;
mod desk;
mod doubt;
mod laws;
mod paying;
mod records;
mod refunding;
mod routing;
mod routing_laws;
mod table;
mod voiding;
mod world;
