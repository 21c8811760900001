//! Consent: payee, amount and card are shown, and one gesture of the passkey agrees to exactly these.
//!
//! | step | what                                                                                     |
//! |------|------------------------------------------------------------------------------------------|
//! | 1    | OI, PI and LINK are made; the challenge is h(LINK); all of it travels sealed to the browser  |
//! | 2    | the passkey signs                                                                          |
//! | 3    | the assertion is verified under the customer's certificate                                  |
//! | 4    | LINK and assertion are signed as witness and sent, once per form token                       |

use order::{Evidence, Instrument, Prepared, SealedLink};
use pki::b64;
use pki::webauthn::{Assertion, verify_assertion};
use serde::{Deserialize, Serialize};
use types::{PaymentMethodId, WalletId};

use super::PasskeyOptions;
use crate::account::Account;
use crate::accounts::Written;
use crate::error::WalletError;
use crate::server::{Wallet, order_of};
use crate::ticket::Purpose;
use crate::wire::{PaymentResult, Session};

/// A consent that waits for its gesture. The card is in it only as an envelope that the PCS opens.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    wallet: WalletId,
    link: SealedLink,
    envelope: String,
}

impl Wallet {
    /// Steps 1 and 2: what the passkey is asked to sign.
    ///
    /// # Errors
    /// [`WalletError`].
    pub fn begin_consent(
        &self,
        session: &Session,
        form_token: &str,
        account: &Account,
        card: PaymentMethodId,
    ) -> Result<PasskeyOptions, WalletError> {
        self.must_be_current(session, form_token)?;
        let card = account
            .cards
            .iter()
            .find(|known| known.payment_method == card)
            .ok_or(WalletError::Unknown("card"))?;
        let order = order_of(session)?;
        let instrument = Instrument::PaymentMethod { id: card.payment_method, security_code: None };
        let prepared =
            order::prepare(&order, instrument, &self.recipient(session)?, self.now(), &*self.entropy)?;
        let challenge = b64::encode(&prepared.challenge());
        // The ticket ends with its LINK.
        let expires = types::Timestamp::from_ms(prepared.link.link().exp.saturating_mul(1000));
        let waiting = Waiting { wallet: account.id, link: prepared.link, envelope: prepared.envelope };
        let ticket = self.tickets.seal(
            Purpose::Consent,
            &session.id.to_string(),
            &waiting,
            expires,
            &*self.entropy,
        )?;
        let credentials =
            account.passkeys.iter().map(|passkey| b64::encode(&passkey.credential_id)).collect();
        Ok(PasskeyOptions { ticket, challenge, rp_id: self.site().rp_id.clone(), credentials })
    }

    /// Steps 3 and 4: pays with what was consented to.
    ///
    /// # Errors
    /// [`WalletError`]; only when [`WalletError::may_have_paid`] can something have been paid.
    pub async fn consent(
        &self,
        session: &Session,
        form_token: &str,
        ticket: &str,
        assertion: Assertion,
    ) -> Result<PaymentResult, WalletError> {
        self.must_be_current(session, form_token)?;
        let waiting: Waiting =
            self.tickets.open(Purpose::Consent, &session.id.to_string(), ticket, self.now())?;
        // A ticket of an earlier try of this session names another payment.
        if waiting.link.link().payment != session.payment {
            return Err(WalletError::StaleForm);
        }
        let account = self.accounts.get(waiting.wallet).await?.ok_or(WalletError::Unknown("wallet"))?;
        let passkey = account.passkey(&assertion.credential_id).ok_or(WalletError::Unknown("passkey"))?;
        let certificate = passkey.read_certificate().map_err(pki::ChainError::from)?;
        let facts = self.with_relying_party(|site| {
            verify_assertion(&assertion, &waiting.link.challenge(), site, certificate.public_key())
        })?;
        if facts.counter_went_back(passkey.sign_count) {
            // A copied authenticator, or one that resets its counter: a signal for the risk rules, not a verdict.
            tracing::warn!(wallet = %account.id, "A passkey's counter went back in wallet {}", account.id);
        }
        let evidence = Evidence::Passkey { assertion, certificate: certificate.der().to_vec() };
        let prepared = Prepared { link: waiting.link, envelope: waiting.envelope };
        let result = self.instruct(session, form_token, prepared, evidence).await?;
        let certified = certificate.serial();
        self.remember_counter(account, facts.sign_count, |passkey| {
            passkey.read_certificate().is_ok_and(|found| found.serial() == certified)
        })
        .await;
        Ok(result)
    }

    /// Remembers a passkey's counter. The payment is made, so a failure is only logged.
    async fn remember_counter(
        &self,
        mut account: Account,
        sign_count: u32,
        used: impl Fn(&crate::account::Passkey) -> bool,
    ) {
        let Some(passkey) = account.passkeys.iter_mut().find(|passkey| used(passkey)) else { return };
        if passkey.sign_count == sign_count {
            return;
        }
        passkey.sign_count = sign_count;
        account.version += 1;
        let wallet = account.id;
        match self.accounts.put(account).await {
            // Another gesture of the same wallet was faster and has remembered a counter of its own.
            Ok(Written::Done | Written::Stale) => {}
            Err(error) => tracing::warn!(%wallet, %error, "A passkey's counter was not remembered"),
        }
    }
}
