//! The wallet's side: order and instrument become LINK and envelope, then consent makes them an instruction.

use pki::{Certificate, SignError, Signer};
use types::{Entropy, Timestamp};

use crate::canonical::V1;
use crate::envelope::{self, EnvelopeError, Recipient};
use crate::evidence::Evidence;
use crate::hash::Salt;
use crate::information::OrderInformation;
use crate::instruction::{Instruction, Mandate};
use crate::link::{Link, MAX_LIFE_S, SealedLink};
use crate::secret_payment::{Instrument, InstrumentError, PaymentInstruction};
use crate::witness::Witness;

/// An instruction that cannot be prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The instrument breaks a rule.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The envelope cannot be sealed.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// What waits for the customer's consent. Holds the card only sealed, so it may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What the customer consents to. The page shows payee, amount and currency from here and from nowhere else.
    pub link: SealedLink,
    /// PI, sealed.
    pub envelope: String,
}

/// Seals the instrument for the PCS and joins it to the order.
///
/// # Errors
/// [`PrepareError`] when the instrument breaks a rule, or the library fails.
pub fn prepare(
    order: &OrderInformation,
    instrument: Instrument,
    recipient: &Recipient,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Prepared, PrepareError> {
    let OrderInformation { payment, merchant, amount, currency, .. } = *order;
    let instruction =
        PaymentInstruction { payment, merchant, amount, currency, instrument, salt: Salt::new(entropy) };
    let canonical = instruction.to_canonical()?;
    let h_pi = PaymentInstruction::digest_of(&canonical);
    let envelope = envelope::seal(&canonical, recipient, &payment, &h_pi, entropy)?;
    let iat = now.seconds();
    let link = SealedLink::new(Link {
        v: V1,
        payment,
        merchant,
        pcs: recipient.id(),
        amount,
        currency,
        h_oi: order.digest(),
        h_pi,
        nonce: Salt::new(entropy),
        iat,
        exp: iat.saturating_add(MAX_LIFE_S),
    });
    Ok(Prepared { link, envelope })
}

impl Prepared {
    /// The challenge that the passkey signs.
    pub fn challenge(&self) -> [u8; 32] {
        self.link.challenge()
    }

    /// Signs as witness and completes the instruction.
    ///
    /// # Errors
    /// [`SignError`] when the key cannot sign.
    pub fn witness(
        self,
        evidence: Evidence,
        certificate: &Certificate,
        key: &dyn Signer,
    ) -> Result<Instruction, SignError> {
        let witness = Witness::sign(&self.link, &evidence, certificate, key)?;
        let mandate = Mandate { link: self.link, evidence, witness };
        Ok(Instruction { v: V1, mandate, envelope: self.envelope })
    }
}
