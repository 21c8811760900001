//! Enter: a passkey is used on a device that we don't recognise, and tells whose wallet it is.
//!
//! Entering shows the wallet's cards, masked; it pays nothing. Paying asks for the passkey again, over the payment.

use pki::b64;
use pki::webauthn::{Assertion, verify_assertion};
use types::WalletId;

use super::PasskeyOptions;
use crate::account::Account;
use crate::error::WalletError;
use crate::server::Wallet;
use crate::ticket::Purpose;

/// How long a browser may take to answer, in milliseconds.
const PATIENCE_MS: i64 = 5 * 60_000;

impl Wallet {
    /// A random challenge for any passkey of ours.
    ///
    /// # Errors
    /// [`WalletError::Ticket`].
    pub fn begin_enter(&self) -> Result<PasskeyOptions, WalletError> {
        let mut challenge = [0; 32];
        self.entropy.fill(&mut challenge);
        let challenge = b64::encode(&challenge);
        let expires = self.now().plus_ms(PATIENCE_MS);
        let ticket = self.tickets.seal(Purpose::Enter, "", &challenge, expires, &*self.entropy)?;
        Ok(PasskeyOptions { ticket, challenge, rp_id: self.site().rp_id.clone(), credentials: Vec::new() })
    }

    /// The wallet of the passkey that answered. `user_handle` is what the authenticator keeps beside the key: the wallet.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn enter(
        &self,
        ticket: &str,
        user_handle: &str,
        assertion: &Assertion,
    ) -> Result<Account, WalletError> {
        let challenge: String = self.tickets.open(Purpose::Enter, "", ticket, self.now())?;
        let challenge = b64::decode(&challenge).map_err(|_| crate::BadTicket)?;
        let wallet: [u8; 16] = b64::decode_array(user_handle).map_err(|_| WalletError::Unknown("wallet"))?;
        let wallet = WalletId::from_u128(u128::from_be_bytes(wallet));
        let account = self.accounts.get(wallet).await?.ok_or(WalletError::Unknown("wallet"))?;
        let passkey = account.passkey(&assertion.credential_id).ok_or(WalletError::Unknown("passkey"))?;
        let certificate = passkey.read_certificate().map_err(pki::ChainError::from)?;
        self.with_relying_party(|site| {
            verify_assertion(assertion, &challenge, site, certificate.public_key())
        })?;
        Ok(account)
    }
}
