//! Why an instruction is refused.

use pki::ChainError;
use pki::webauthn::WebauthnError;

/// Why an instruction, or a mandate, is refused. Each refusal has its own code; none repeats what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstructionError {
    /// LINK has ended, has not begun, or claims to live for more than 300 seconds.
    #[error("LINK is not valid now: it lives at most 300 seconds")]
    LinkExpired,
    /// The wallet's certificate is not good.
    #[error("the witness's certificate: {0}")]
    WitnessCertificate(#[source] ChainError),
    /// The wallet's signature is wrong.
    #[error("the witness's signature is wrong")]
    WitnessInvalid,
    /// The instruction came from another wallet than the one that signed it.
    #[error("the sender is not the witness")]
    WitnessNotSender,
    /// The customer's certificate is not good.
    #[error("the customer's certificate: {0}")]
    CustomerCertificate(#[source] ChainError),
    /// The customer's certificate names no customer, or not the passkey that was used.
    #[error("the customer's certificate does not name this passkey of a customer")]
    CustomerIdentity,
    /// The passkey's assertion is not good.
    #[error("the assertion: {0}")]
    Assertion(#[source] WebauthnError),
    /// LINK is for another payment.
    #[error("LINK is for another payment")]
    PaymentMismatch,
    /// LINK is for another merchant.
    #[error("LINK is for another merchant")]
    MerchantMismatch,
    /// The customer consented to another amount.
    #[error("the customer consented to another amount")]
    AmountMismatch,
    /// The customer consented to another currency.
    #[error("the customer consented to another currency")]
    CurrencyMismatch,
    /// The customer consented to another order.
    #[error("the customer consented to another order")]
    OrderDigestMismatch,
    /// The envelope is malformed or does not open.
    #[error("the envelope is malformed or does not open")]
    EnvelopeInvalid,
    /// LINK or envelope is for another PCS, or for a key that is no longer used.
    #[error("LINK and envelope must be for a key of this PCS")]
    WrongRecipient,
    /// The envelope holds another instruction than LINK names.
    #[error("the envelope holds another instruction than the one consented to")]
    InstructionDigestMismatch,
    /// The instruction in the envelope is malformed.
    #[error("the payment instruction is malformed")]
    InstructionMalformed,
    /// The instruction contradicts LINK although its hash agrees: the wallet built it wrongly.
    #[error("the payment instruction contradicts LINK in {0}")]
    InstructionContradictsLink(&'static str),
    /// A guest paid with a stored card: only its owner's passkey may.
    #[error("a stored payment method needs its owner's passkey")]
    GuestInstrument,
    /// This LINK was used before.
    #[error("this LINK was used before")]
    LinkReplayed,
}

impl InstructionError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LinkExpired => "link_expired",
            Self::WitnessCertificate(error) => error.code(),
            Self::WitnessInvalid => "witness_invalid",
            Self::WitnessNotSender => "witness_not_sender",
            Self::CustomerCertificate(error) => error.code(),
            Self::CustomerIdentity => "certificate_identity_mismatch",
            Self::Assertion(error) => error.code(),
            Self::PaymentMismatch => "payment_mismatch",
            Self::MerchantMismatch => "merchant_mismatch",
            Self::AmountMismatch => "amount_mismatch",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::OrderDigestMismatch => "order_digest_mismatch",
            Self::EnvelopeInvalid => "envelope_invalid",
            Self::WrongRecipient => "wrong_recipient",
            Self::InstructionDigestMismatch => "instruction_digest_mismatch",
            Self::InstructionMalformed => "instruction_malformed",
            Self::InstructionContradictsLink(_) => "instruction_contradicts_link",
            Self::GuestInstrument => "guest_instrument_not_allowed",
            Self::LinkReplayed => "link_replayed",
        }
    }
}
