//! Commands that look and do not serve.

pub mod backup;
pub mod explain;
pub mod iso;
pub mod key;
pub mod migrate;
pub mod verify;
mod verify_rows;
