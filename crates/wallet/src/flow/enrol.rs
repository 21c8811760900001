//! Enrol: a card that has just paid gets a passkey, the passkey gets a certificate, and both become a wallet.
//!
//! | step | what                                                                                       |
//! |------|--------------------------------------------------------------------------------------------|
//! | 1    | the PCS keeps the card and gives a token; the offer travels to the browser, sealed             |
//! | 2    | the browser makes a passkey                                                                  |
//! | 3    | the passkey signs a challenge that names it and its holder: the proof of possession             |
//! | 4    | the wallet CA verifies the proof and certifies the passkey's own key                            |
//! | 5    | the wallet is recorded                                                                        |

use order::{OrderInformation, Recipient};
use pki::b64;
use pki::sha256::sha256_of;
use pki::webauthn::{Assertion, Registered, Registration, verify_registration};
use serde::{Deserialize, Serialize};
use types::{CheckoutSessionId, WalletId};

use super::PasskeyOptions;
use super::guest::GuestCard;
use crate::account::{Account, Passkey, holder};
use crate::accounts::Written;
use crate::error::WalletError;
use crate::port::NewPasskey;
use crate::server::Wallet;
use crate::ticket::Purpose;
use crate::wire::{NewPaymentMethod, Session, StoredCard};

/// How long an offer stands, in milliseconds.
const OFFER_MS: i64 = 30 * 60_000;
/// How long a browser may take for one ceremony, in milliseconds.
const PATIENCE_MS: i64 = 5 * 60_000;
/// Domain of the challenge that proves possession.
const POSSESSION: &[u8] = b"lian/pop/v1\0";

/// A kept card that waits for a passkey.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    wallet: WalletId,
    card: StoredCard,
}

/// A registration that waits for its passkey.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolling {
    offer: Offer,
    #[serde(with = "pki::b64::array")]
    challenge: [u8; 32],
}

/// A new passkey that waits for its proof.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proving {
    offer: Offer,
    registered: Registered,
    #[serde(with = "pki::b64::array")]
    challenge: [u8; 32],
}

/// What a page's script hands to `navigator.credentials.create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolOptions {
    /// Comes back with the registration.
    pub ticket: String,
    /// The challenge, base64url.
    pub challenge: String,
    /// The relying party id.
    pub rp_id: String,
    /// The relying party's name.
    pub rp_name: String,
    /// The user handle: the wallet, base64url.
    pub user_id: String,
    /// What a passkey manager shows.
    pub user_name: String,
}

impl Wallet {
    /// Step 1: has the card kept, without its security code, and offers a passkey for it.
    pub(crate) async fn offer(
        &self,
        session: &Session,
        form_token: &str,
        order: &OrderInformation,
        card: &GuestCard,
        recipient: &Recipient,
    ) -> Result<String, WalletError> {
        let wallet = WalletId::new(self.now(), &*self.entropy);
        // The same form that the PCS opens for payments. It names the payment that has just been made, so it can pay for
        // nothing more, and without a LINK that holds its hash nobody could act on it anyway.
        let sealed = order::prepare(order, card.instrument(None), recipient, self.now(), &*self.entropy)?;
        let request =
            NewPaymentMethod { payment: session.payment, holder: holder(wallet), envelope: sealed.envelope };
        let card = self.pcs.store_card(&format!("{form_token}-card"), &request).await?;
        let expires = self.now().plus_ms(OFFER_MS);
        let offer = Offer { wallet, card };
        Ok(self.tickets.seal(Purpose::Offer, &session.id.to_string(), &offer, expires, &*self.entropy)?)
    }

    /// The card of an offer that still stands.
    pub fn offered(&self, session: CheckoutSessionId, offer: &str) -> Option<StoredCard> {
        let offer =
            self.tickets.open::<Offer>(Purpose::Offer, &session.to_string(), offer, self.now()).ok()?;
        Some(offer.card)
    }

    /// Step 2: what the browser makes a passkey from.
    ///
    /// # Errors
    /// [`WalletError::Ticket`] when the offer does not stand.
    pub fn begin_enrol(&self, session: CheckoutSessionId, offer: &str) -> Result<EnrolOptions, WalletError> {
        let context = session.to_string();
        let offer: Offer = self.tickets.open(Purpose::Offer, &context, offer, self.now())?;
        let mut challenge = [0; 32];
        self.entropy.fill(&mut challenge);
        let user_id = b64::encode(&offer.wallet.to_u128().to_be_bytes());
        let user_name = display_name(&offer.card);
        let expires = self.now().plus_ms(PATIENCE_MS);
        let enrolling = Enrolling { offer, challenge };
        let ticket = self.tickets.seal(Purpose::Enrol, &context, &enrolling, expires, &*self.entropy)?;
        let site = self.site();
        Ok(EnrolOptions {
            ticket,
            challenge: b64::encode(&challenge),
            rp_id: site.rp_id.clone(),
            rp_name: site.rp_name.clone(),
            user_id,
            user_name,
        })
    }

    /// Step 3: reads the new passkey and asks it for its proof.
    ///
    /// # Errors
    /// [`WalletError`].
    pub fn begin_proof(
        &self,
        session: CheckoutSessionId,
        ticket: &str,
        registration: &Registration,
    ) -> Result<PasskeyOptions, WalletError> {
        let context = session.to_string();
        let Enrolling { offer, challenge } =
            self.tickets.open(Purpose::Enrol, &context, ticket, self.now())?;
        let registered =
            self.with_relying_party(|site| verify_registration(registration, &challenge, site))?;
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        // Every part but the last has a fixed length.
        let holder = offer.wallet.to_u128().to_be_bytes();
        let challenge = sha256_of(&[POSSESSION, &nonce, &holder, registered.public_key.point()]);
        let credentials = vec![b64::encode(&registered.credential_id)];
        let expires = self.now().plus_ms(PATIENCE_MS);
        let proving = Proving { offer, registered, challenge };
        let ticket = self.tickets.seal(Purpose::Proof, &context, &proving, expires, &*self.entropy)?;
        let challenge = b64::encode(&challenge);
        Ok(PasskeyOptions { ticket, challenge, rp_id: self.site().rp_id.clone(), credentials })
    }

    /// Steps 4 and 5: certifies the passkey and records the wallet. A form that is sent twice makes one wallet.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn enrol(
        &self,
        session: CheckoutSessionId,
        ticket: &str,
        proof: &Assertion,
    ) -> Result<Account, WalletError> {
        let Proving { offer, registered, challenge } =
            self.tickets.open(Purpose::Proof, &session.to_string(), ticket, self.now())?;
        if let Some(account) = self.accounts.get(offer.wallet).await? {
            return enrolled_before(account, &registered);
        }
        let site = self.site();
        let origins = [site.origin.as_str()];
        let passkey = NewPasskey {
            holder: holder(offer.wallet),
            registered: &registered,
            proof,
            challenge: &challenge,
            relying_party: pki::webauthn::RelyingParty { id: &site.rp_id, origins: &origins },
        };
        let certificate = self.certifier.certify(passkey).await?;
        if certificate.public_key() != &registered.public_key {
            return Err(crate::CertifierError("the certificate is over another key".to_owned()).into());
        }
        let now = self.now();
        let account = Account {
            id: offer.wallet,
            version: 1,
            created: now,
            display_name: display_name(&offer.card),
            passkeys: vec![Passkey {
                credential_id: registered.credential_id.clone(),
                certificate: certificate.der().to_vec(),
                rp_id: registered.rp_id.clone(),
                backup_eligible: registered.backup_eligible,
                sign_count: registered.sign_count,
                created: now,
            }],
            cards: vec![offer.card],
        };
        match self.accounts.put(account.clone()).await? {
            Written::Done => Ok(account),
            Written::Stale => {
                let stored = self.accounts.get(account.id).await?.ok_or(WalletError::Unknown("wallet"))?;
                enrolled_before(stored, &registered)
            }
        }
    }
}

/// The wallet of this offer exists: by this very passkey, or the offer was used for another one.
fn enrolled_before(account: Account, registered: &Registered) -> Result<Account, WalletError> {
    match account.passkey(&registered.credential_id) {
        Some(_) => Ok(account),
        None => Err(crate::BadTicket.into()),
    }
}

/// What a passkey manager lists the wallet as; the last four digits may be shown.
fn display_name(card: &StoredCard) -> String {
    let brand =
        card::Brand::from_code(&card.brand).map_or_else(|| card.brand.clone(), |brand| brand.to_string());
    format!("{brand} …{}", card.last4)
}
