//! The shopper's side of a payment: enrolment, consent, sealed instructions to the PCS.
//!
//! A wallet server shows payee, amount and card, takes the shopper's consent and witnesses it. It holds no card number: a
//! card that is typed in is sealed to the PCS at once, a card that is kept is a token there. It holds no customer's key: a
//! passkey signs, and its certificate comes from the wallet CA. And it keeps nothing of a checkout in memory: what waits
//! for the browser travels sealed ([`ticket`]), what lasts is in [`accounts`].
//!
//! | flow                    | from                       | to                                              |
//! |-------------------------|----------------------------|-------------------------------------------------|
//! | [`flow::guest`]         | a card form                | an instruction witnessed by the wallet alone     |
//! | [`flow::consent`]       | a card and a passkey       | an instruction that the passkey signed           |
//! | [`flow::enter`]         | a passkey on a new device  | the wallet that it belongs to                    |
//! | [`flow::enrol`]         | a card just used           | a passkey with its certificate, and a wallet      |

pub mod account;
pub mod accounts;
pub mod client;
mod error;
pub mod flow;
pub mod port;
mod server;
pub mod ticket;
pub mod wire;

pub use account::{Account, Passkey};
pub use accounts::{Accounts, AccountsError, MemoryAccounts, Written};
pub use client::PcsClient;
pub use error::WalletError;
pub use port::{CertifierError, CustomerCertifier, Eventually, NewPasskey, Pcs, PcsError};
pub use server::{Identity, Setup, Site, Wallet};
pub use ticket::{BadTicket, TicketKeys};
