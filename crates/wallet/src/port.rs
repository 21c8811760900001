//! What a wallet server needs from others, as traits: the PCS, and the CA that certifies passkeys.

use std::future::Future;
use std::pin::Pin;

use pki::Certificate;
use pki::webauthn::{Assertion, Registered, RelyingParty};
use types::{CheckoutSessionId, CustomerId, PaymentId};

use crate::wire::{NewInstruction, NewPaymentMethod, PaymentResult, Session, StoredCard};

/// A future behind a trait object.
pub type Eventually<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why the PCS gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PcsError {
    /// The request never left: nothing happened.
    #[error("the PCS cannot be reached: {0}")]
    NotSent(String),
    /// The request may have arrived. What became of it can only be learnt by asking.
    #[error("the PCS did not answer: {0}")]
    MaybeSent(String),
    /// The PCS refused.
    #[error("the PCS refused with {status} {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable code of the problem.
        code: String,
    },
}

impl PcsError {
    /// Whether a refusal may only say that an earlier request with the same key or LINK is, or was, on its way: then what
    /// that one did is not known yet.
    pub fn may_be_about_an_earlier_request(&self) -> bool {
        match self {
            Self::Refused { status, code } => {
                *status == 409
                    || matches!(code.as_str(), "idempotency_key_reused" | "link_replayed" | "session_expired")
            }
            Self::NotSent(_) | Self::MaybeSent(_) => false,
        }
    }
}

/// The PCS, as the wallet calls it.
pub trait Pcs: Send + Sync {
    /// A checkout session; none when there is no such session.
    fn session(&self, id: CheckoutSessionId) -> Eventually<'_, Result<Option<Session>, PcsError>>;

    /// Acts on a consent, once per `idempotency_key`.
    fn instruct<'a>(
        &'a self,
        idempotency_key: &'a str,
        instruction: &'a NewInstruction,
    ) -> Eventually<'a, Result<PaymentResult, PcsError>>;

    /// A payment; none when no instruction for it ever arrived.
    fn payment(&self, id: PaymentId) -> Eventually<'_, Result<Option<PaymentResult>, PcsError>>;

    /// Keeps a card, once per `idempotency_key`.
    fn store_card<'a>(
        &'a self,
        idempotency_key: &'a str,
        card: &'a NewPaymentMethod,
    ) -> Eventually<'a, Result<StoredCard, PcsError>>;
}

/// The CA did not certify a passkey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the CA did not certify the passkey: {0}")]
pub struct CertifierError(pub String);

/// A passkey to certify, with the proof that its key is in the customer's hand.
#[derive(Clone, Copy, Debug)]
pub struct NewPasskey<'a> {
    /// Whom the certificate will name.
    pub holder: CustomerId,
    /// The passkey as it was registered.
    pub registered: &'a Registered,
    /// An assertion by it.
    pub proof: &'a Assertion,
    /// The challenge of that assertion.
    pub challenge: &'a [u8],
    /// The relying party.
    pub relying_party: RelyingParty<'a>,
}

/// Certifies passkeys: the wallet CA. It verifies the proof itself and trusts no word of the wallet server about it.
pub trait CustomerCertifier: Send + Sync {
    /// Issues the customer's certificate over the passkey's own key.
    fn certify<'a>(&'a self, passkey: NewPasskey<'a>) -> Eventually<'a, Result<Certificate, CertifierError>>;
}
