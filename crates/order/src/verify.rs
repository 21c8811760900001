//! What each party verifies before it believes.

use pki::sha256::sha256;
use pki::webauthn::{AssertionFacts, RelyingParty, verify_assertion};
use pki::{Anchor, Certificate, KeyId, Purpose, Refused};
use types::{CustomerId, MerchantId, Money, PaymentId, Timestamp};

use crate::envelope::{EnvelopeError, Recipients, open};
use crate::error::InstructionError;
use crate::evidence::Evidence;
use crate::hash::{Digest, Salt};
use crate::information::OrderInformation;
use crate::instruction::{Instruction, Mandate};
use crate::link::Link;
use crate::secret_payment::{Instrument, PaymentInstruction};
use crate::witness::signed_bytes;

/// Whom a verifier trusts.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The wallet CA: issuer of customers' and wallet servers' certificates.
    pub wallet_ca: &'a Anchor,
    /// What was revoked.
    pub refused: &'a dyn Refused,
    /// The wallet's relying party id and origins.
    pub relying_party: RelyingParty<'a>,
    /// The instant of verification.
    pub now: Timestamp,
}

/// What the PCS knows from the merchant, against which the customer's consent is held.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The payment.
    pub payment: PaymentId,
    /// The payee.
    pub merchant: MerchantId,
    /// The merchant's amount.
    pub amount: Money,
    /// h(OI) of the merchant's order.
    pub h_oi: Digest,
    /// The key that the sender showed in TLS and in its HTTP signature. `None` only where wallet and PCS are one process.
    pub sender: Option<KeyId>,
}

/// How the customer consented, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// With a passkey.
    Passkey {
        /// The customer whom the certificate names.
        customer: CustomerId,
        /// The certificate's key: the passkey.
        key: KeyId,
        /// The credential id.
        credential_id: Vec<u8>,
        /// Flags and counter.
        facts: AssertionFacts,
    },
    /// As a guest.
    Guest,
}

/// A mandate that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedMandate {
    /// What was consented to.
    pub link: Link,
    /// How.
    pub consent: Consent,
    /// The key of the wallet server that witnessed it.
    pub witness: KeyId,
}

/// An instruction that was believed, opened.
#[derive(Debug)]
pub struct Verified {
    /// The mandate.
    pub mandate: VerifiedMandate,
    /// With what the customer pays.
    pub instruction: PaymentInstruction,
}

impl Verified {
    /// The nonce of LINK, used up by now.
    pub const fn nonce(&self) -> &Salt {
        &self.mandate.link.nonce
    }
}

/// Verifies what everybody can verify: that LINK is current, the customer consented to it, and a wallet server of ours
/// witnessed that.
///
/// # Errors
/// [`InstructionError`] names the first check that fails.
pub fn verify_mandate(mandate: &Mandate, trust: &Trust<'_>) -> Result<VerifiedMandate, InstructionError> {
    if !mandate.link.is_current(trust.now) {
        return Err(InstructionError::LinkExpired);
    }
    let wallet = trust
        .wallet_ca
        .verify_der(&mandate.witness.certificate, Purpose::MandateWitness, trust.now, trust.refused)
        .map_err(InstructionError::WitnessCertificate)?;
    wallet
        .public_key()
        .verify_fixed(&signed_bytes(&mandate.link, &mandate.evidence), &mandate.witness.signature)
        .map_err(|_| InstructionError::WitnessInvalid)?;
    let consent = verify_consent(mandate, trust)?;
    Ok(VerifiedMandate { link: mandate.link.link().clone(), consent, witness: wallet.public_key().id() })
}

fn verify_consent(mandate: &Mandate, trust: &Trust<'_>) -> Result<Consent, InstructionError> {
    let Evidence::Passkey { assertion, certificate } = &mandate.evidence else {
        return Ok(Consent::Guest);
    };
    let certificate = trust
        .wallet_ca
        .verify_der(certificate, Purpose::MandatePasskey, trust.now, trust.refused)
        .map_err(InstructionError::CustomerCertificate)?;
    let customer = customer_of(&certificate).ok_or(InstructionError::CustomerIdentity)?;
    let facts = verify_assertion(
        assertion,
        &mandate.link.challenge(),
        &trust.relying_party,
        certificate.public_key(),
    )
    .map_err(InstructionError::Assertion)?;
    // The key agrees already; that the certificate names this credential keeps its revocation meaningful, and the backup
    // flag of a credential never changes.
    let named = certificate.credential().filter(|credential| {
        credential.credential_id_hash == sha256(&assertion.credential_id)
            && credential.rp_id == trust.relying_party.id
            && credential.backup_eligible == facts.flags.backup_eligible
    });
    named.ok_or(InstructionError::CustomerIdentity)?;
    let credential_id = assertion.credential_id.clone();
    Ok(Consent::Passkey { customer, key: certificate.public_key().id(), credential_id, facts })
}

fn customer_of(certificate: &Certificate) -> Option<CustomerId> {
    certificate.id_of_kind("customer")?.parse().ok()
}

/// The PCS's verification: everything of [`verify_mandate`], that the customer consented to what the merchant asks, and
/// that the envelope holds the very instruction that was consented to.
///
/// `first_use` is asked last: it answers whether this nonce was never seen before, and must remember it. A caller whose
/// memory is the commit that follows may answer by reading, and let the commit decide a race.
///
/// # Errors
/// [`InstructionError`] names the first check that fails.
pub fn verify_instruction(
    instruction: &Instruction,
    expected: &Expected,
    trust: &Trust<'_>,
    recipients: &dyn Recipients,
    first_use: impl FnOnce(&Salt) -> bool,
) -> Result<Verified, InstructionError> {
    let mandate = verify_mandate(&instruction.mandate, trust)?;
    if expected.sender.is_some_and(|sender| sender != mandate.witness) {
        return Err(InstructionError::WitnessNotSender);
    }
    compare(&mandate.link, expected.payment, expected.merchant, expected.amount, expected.h_oi)?;
    let payment = open_instruction(&instruction.envelope, &mandate.link, recipients)?;
    if mandate.consent == Consent::Guest && matches!(payment.instrument, Instrument::PaymentMethod { .. }) {
        return Err(InstructionError::GuestInstrument);
    }
    if !first_use(&mandate.link.nonce) {
        return Err(InstructionError::LinkReplayed);
    }
    Ok(Verified { mandate, instruction: payment })
}

/// The merchant's verification: everything of [`verify_mandate`], and that the customer consented to this order.
///
/// # Errors
/// [`InstructionError`] names the first check that fails.
pub fn verify_as_merchant(
    mandate: &Mandate,
    order: &OrderInformation,
    trust: &Trust<'_>,
) -> Result<VerifiedMandate, InstructionError> {
    let verified = verify_mandate(mandate, trust)?;
    let amount = Money::new(order.amount, order.currency).map_err(|_| InstructionError::AmountMismatch)?;
    compare(&verified.link, order.payment, order.merchant, amount, order.digest())?;
    Ok(verified)
}

fn compare(
    link: &Link,
    payment: PaymentId,
    merchant: MerchantId,
    amount: Money,
    h_oi: Digest,
) -> Result<(), InstructionError> {
    match () {
        () if link.merchant != merchant => Err(InstructionError::MerchantMismatch),
        () if link.payment != payment => Err(InstructionError::PaymentMismatch),
        () if link.currency != amount.currency() => Err(InstructionError::CurrencyMismatch),
        () if link.amount != amount.minor() => Err(InstructionError::AmountMismatch),
        () if link.h_oi != h_oi => Err(InstructionError::OrderDigestMismatch),
        () => Ok(()),
    }
}

fn open_instruction(
    envelope: &str,
    link: &Link,
    recipients: &dyn Recipients,
) -> Result<PaymentInstruction, InstructionError> {
    // LINK names the key before the envelope does, so that an envelope for another PCS cannot be put beside it.
    recipients.key(&link.pcs).ok_or(InstructionError::WrongRecipient)?;
    let opened = open(envelope, recipients).map_err(|error| match error {
        EnvelopeError::WrongRecipient => InstructionError::WrongRecipient,
        EnvelopeError::Form | EnvelopeError::Sealed | EnvelopeError::Library => {
            InstructionError::EnvelopeInvalid
        }
    })?;
    if opened.kid != link.pcs {
        return Err(InstructionError::WrongRecipient);
    }
    if opened.payment != link.payment {
        return Err(InstructionError::PaymentMismatch);
    }
    if opened.h_pi != link.h_pi || PaymentInstruction::digest_of(&opened.plain) != link.h_pi {
        return Err(InstructionError::InstructionDigestMismatch);
    }
    let payment = PaymentInstruction::from_canonical(&opened.plain)
        .map_err(|_| InstructionError::InstructionMalformed)?;
    let contradiction = |what| Err(InstructionError::InstructionContradictsLink(what));
    match () {
        () if payment.payment != link.payment => contradiction("payment"),
        () if payment.merchant != link.merchant => contradiction("merchant"),
        () if payment.amount != link.amount => contradiction("amount"),
        () if payment.currency != link.currency => contradiction("currency"),
        () => Ok(payment),
    }
}
