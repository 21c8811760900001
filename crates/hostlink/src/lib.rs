//! The only bank sockets: framing, sign-on, pending requests, the four outcomes.
