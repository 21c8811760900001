//! Why a wallet's flow did not reach its end.

use pki::webauthn::WebauthnError;
use pki::{ChainError, SignError};

use crate::accounts::AccountsError;
use crate::port::{CertifierError, PcsError};
use crate::ticket::BadTicket;

/// Why a wallet's flow did not reach its end. Unless a variant says otherwise, nothing was sent that moves money.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// The form is of an earlier try, or of no page of ours.
    #[error("the form is not for the payment that this session waits for")]
    StaleForm,
    /// The session is not open.
    #[error("the session is not open")]
    SessionClosed,
    /// A ticket is not ours, is for something else, or has ended.
    #[error(transparent)]
    Ticket(#[from] BadTicket),
    /// The PCS contradicts itself: the order information is not that of the session.
    #[error("the order information contradicts the session in {0}")]
    Order(&'static str),
    /// The PCS's key is not certified: nothing may be sealed to it.
    #[error("the PCS's certificate: {0}")]
    Recipient(#[from] ChainError),
    /// The passkey's answer is not believed.
    #[error("the passkey: {0}")]
    Passkey(#[from] WebauthnError),
    /// No wallet, passkey or card of this kind.
    #[error("no such {0}")]
    Unknown(&'static str),
    /// The instruction could not be built.
    #[error("the instruction: {0}")]
    Instruction(String),
    /// The PCS gave no usable answer. [`PcsError::MaybeSent`] of an instruction is the one case in which something may
    /// have been sent.
    #[error(transparent)]
    Pcs(#[from] PcsError),
    /// The CA did not certify.
    #[error(transparent)]
    Certifier(#[from] CertifierError),
    /// The accounts cannot be read or written.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

impl WalletError {
    /// A stable code for logs and for the JSON answers of the passkey ceremonies.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StaleForm => "form_stale",
            Self::SessionClosed => "session_closed",
            Self::Ticket(_) => "ticket_invalid",
            Self::Order(_) => "order_contradiction",
            Self::Recipient(error) => error.code(),
            Self::Passkey(error) => error.code(),
            Self::Unknown(_) => "resource_missing",
            Self::Instruction(_) => "instruction_not_built",
            Self::Pcs(PcsError::NotSent(_)) => "pcs_unreachable",
            Self::Pcs(PcsError::MaybeSent(_)) => "pcs_silent",
            Self::Pcs(PcsError::Refused { .. }) => "pcs_refused",
            Self::Certifier(_) => "certifier_refused",
            Self::Accounts(_) => "accounts_unavailable",
        }
    }

    /// Whether an instruction may have reached the PCS although no answer came back.
    pub const fn may_have_paid(&self) -> bool {
        matches!(self, Self::Pcs(PcsError::MaybeSent(_)))
    }
}

impl From<SignError> for WalletError {
    fn from(error: SignError) -> Self {
        Self::Instruction(error.to_string())
    }
}

impl From<order::PrepareError> for WalletError {
    fn from(error: order::PrepareError) -> Self {
        Self::Instruction(error.to_string())
    }
}
