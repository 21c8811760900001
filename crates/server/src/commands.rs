//! Commands that look and do not serve.

pub mod backup;
pub mod bank;
pub mod doubt;
pub mod explain;
pub mod iso;
pub mod key;
pub mod migrate;
mod operator_api;
pub mod route;
pub mod terminal;
pub mod verify;
mod verify_rows;
