//! A shopper's wallet: passkeys, and the cards that they may use. No card number, no secret.

use pki::{Certificate, CertificateError};
use serde::{Deserialize, Serialize};
use types::{CustomerId, Timestamp, WalletId};

use crate::wire::StoredCard;

/// A wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The wallet.
    pub id: WalletId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// What the shopper's passkey manager calls it.
    pub display_name: String,
    /// Its passkeys.
    pub passkeys: Vec<Passkey>,
    /// Its cards, the newest first.
    pub cards: Vec<StoredCard>,
}

/// A passkey of a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// The WebAuthn credential id.
    #[serde(with = "pki::b64::bytes")]
    pub credential_id: Vec<u8>,
    /// The customer's certificate over the passkey's own key, DER.
    #[serde(with = "pki::b64::bytes")]
    pub certificate: Vec<u8>,
    /// The WebAuthn relying party.
    pub rp_id: String,
    /// Whether it may be synchronised between devices.
    pub backup_eligible: bool,
    /// How often it was used, where the authenticator counts. A risk signal, never a reason to refuse.
    pub sign_count: u32,
    /// When it was made.
    pub created: Timestamp,
}

impl Passkey {
    /// The certificate, read.
    ///
    /// # Errors
    /// [`CertificateError`] when what was stored is no certificate.
    pub fn read_certificate(&self) -> Result<Certificate, CertificateError> {
        Certificate::from_der(&self.certificate)
    }
}

impl Account {
    /// The passkey with this credential id.
    pub fn passkey(&self, credential_id: &[u8]) -> Option<&Passkey> {
        self.passkeys.iter().find(|passkey| passkey.credential_id == credential_id)
    }

    /// The customer as certificates and the PCS name it: the wallet's own number.
    pub const fn holder(&self) -> CustomerId {
        holder(self.id)
    }
}

/// The customer behind a wallet.
pub const fn holder(wallet: WalletId) -> CustomerId {
    CustomerId::from_u128(wallet.to_u128())
}
