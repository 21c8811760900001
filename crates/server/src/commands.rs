//! Commands that look and do not serve.

pub mod backup;
pub mod doubt;
pub mod explain;
pub mod iso;
pub mod migrate;
pub mod route;
pub mod verify;
mod verify_rows;
