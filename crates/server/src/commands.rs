//! Commands that look and do not serve.

pub mod explain;
pub mod iso;
pub mod verify;
mod verify_rows;
