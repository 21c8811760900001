//! Order information, payment instruction, LINK and the dual signature: the contract of merchant, wallet and PCS.
//!
//! SET's idea with today's means. The merchant sees the order and not the card, the PCS sees the card and not the order,
//! and one gesture of the customer binds both:
//!
//! ```text
//! OI    = order information, salted              merchant and customer know it
//! PI    = payment instruction, salted            customer and PCS know it
//! LINK  = {payment, merchant, amount, currency, pcs, h(OI), h(PI), nonce, iat, exp}     everybody sees it
//! A     = passkey assertion whose challenge is h(LINK)          or, for a guest, nothing
//! W     = the wallet server's signature over LINK and A, as witness
//! E     = PI sealed to the PCS's key
//! ```
//!
//! Everything that is hashed is canonical JSON (RFC 8785) and is refused when it does not re-serialise to the very bytes
//! that came. Each hash has its own domain, so none can be taken for another. Amounts are decimal strings of minor units.

pub mod canonical;
pub mod envelope;
mod error;
pub mod evidence;
pub mod hash;
pub mod information;
pub mod instruction;
pub mod link;
pub mod minor;
mod prepare;
pub mod secret_payment;
mod verify;
pub mod witness;

pub use canonical::NotCanonical;
pub use envelope::{EnvelopeError, Recipient, Recipients};
pub use error::InstructionError;
pub use evidence::Evidence;
pub use hash::{Digest, Salt};
pub use information::{Line, OrderInformation};
pub use instruction::{Instruction, Mandate};
pub use link::{Link, SealedLink};
pub use prepare::{PrepareError, Prepared, prepare};
pub use secret_payment::{Instrument, PaymentInstruction};
pub use verify::{
    Consent, Expected, Trust, Verified, VerifiedMandate, verify_as_merchant, verify_instruction,
    verify_mandate,
};
pub use witness::Witness;

#[cfg(test)]
mod tests;
