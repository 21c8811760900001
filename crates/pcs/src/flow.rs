//! One flow, one file.

mod capture;
mod exchange;
mod expire;
mod instruct;
mod pursue;
mod refund;
mod resume;
mod submit;
mod void;
