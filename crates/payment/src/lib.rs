//! The payment state machine and every decision about money, without I/O.
