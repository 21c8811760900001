//! What travels: the mandate, which everybody may see, and the instruction, which the wallet sends to the PCS.

use serde::{Deserialize, Serialize};

use crate::canonical::V1;
use crate::evidence::Evidence;
use crate::link::SealedLink;
use crate::witness::Witness;

/// The customer's consent: LINK, how it was given, and who witnessed it. Holds neither order nor card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mandate {
    /// LINK.
    pub link: SealedLink,
    /// How the customer consented.
    pub evidence: Evidence,
    /// The wallet server's signature.
    pub witness: Witness,
}

/// What the wallet sends to the PCS: the mandate, and the payment instruction sealed to the PCS's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instruction {
    /// Version of the form.
    pub v: V1,
    /// The mandate.
    pub mandate: Mandate,
    /// PI as JWE, compact.
    pub envelope: String,
}
