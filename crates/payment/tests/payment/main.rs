//! The payment state machine: stories of each flow, the table of all states and events, and the laws of the books.

mod books;
mod desk;
mod doubt;

mod paying;
mod records;
mod refunding;
mod table;
mod voiding;
