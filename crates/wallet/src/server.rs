//! The wallet server: what its flows work with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use order::{OrderInformation, Recipient};
use pki::webauthn::RelyingParty;
use pki::{Anchor, Certificate, Refused, Signer};
use types::{CheckoutSessionId, Clock, Entropy, PaymentId, Timestamp, WalletId};

use crate::account::Account;
use crate::accounts::Accounts;
use crate::error::WalletError;
use crate::port::{CustomerCertifier, Pcs};
use crate::ticket::{Purpose, TicketKeys};
use crate::wire::{PaymentResult, Session, SessionStatus};

/// How long a device is recognised, in milliseconds. Recognition pays nothing: the passkey is asked for each time.
const DEVICE_MS: i64 = 180 * 24 * 3_600_000;

/// Where the wallet's pages live. Passkeys are bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The WebAuthn relying party id: the pages' host name.
    pub rp_id: String,
    /// What passkey managers call us.
    pub rp_name: String,
    /// The one origin of the pages: `https://pay.example`.
    pub origin: String,
}

/// Who the wallet server is: its certificate, and the key under it.
pub struct Identity {
    /// Issued by the wallet CA, as TLS client and as witness.
    pub certificate: Certificate,
    /// Its key.
    pub key: Arc<dyn Signer>,
}

/// What a wallet server is made of.
pub struct Setup {
    /// The PCS.
    pub pcs: Arc<dyn Pcs>,
    /// Where wallets are kept.
    pub accounts: Arc<dyn Accounts>,
    /// The CA that certifies passkeys.
    pub certifier: Arc<dyn CustomerCertifier>,
    /// Seals what travels through browsers.
    pub tickets: TicketKeys,
    /// Who this server is.
    pub identity: Identity,
    /// The issuing CA of the PCS's keys.
    pub node_ca: Arc<Anchor>,
    /// What was revoked.
    pub refused: Arc<dyn Refused>,
    /// Where the pages live.
    pub site: Site,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Salts, nonces and ids.
    pub entropy: Arc<dyn Entropy>,
}

/// A wallet server. Shared by all requests; keeps no state of its own.
pub struct Wallet {
    pub(crate) pcs: Arc<dyn Pcs>,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) certifier: Arc<dyn CustomerCertifier>,
    pub(crate) tickets: TicketKeys,
    pub(crate) identity: ArcSwap<Identity>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    node_ca: Arc<Anchor>,
    refused: Arc<dyn Refused>,
    site: Site,
}

impl Wallet {
    /// A wallet server.
    pub fn new(setup: Setup) -> Self {
        let Setup { pcs, accounts, certifier, tickets, identity, node_ca, refused, site, clock, entropy } =
            setup;
        let identity = ArcSwap::from_pointee(identity);
        Self { pcs, accounts, certifier, tickets, identity, clock, entropy, node_ca, refused, site }
    }

    /// Takes up a renewed certificate.
    pub fn renew(&self, identity: Identity) {
        self.identity.store(Arc::new(identity));
    }

    /// Where the pages live.
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A checkout session; none when there is no such session.
    ///
    /// # Errors
    /// [`WalletError::Pcs`].
    pub async fn session(&self, id: CheckoutSessionId) -> Result<Option<Session>, WalletError> {
        Ok(self.pcs.session(id).await?)
    }

    /// A payment of this session; none when there is no such payment, or it is of another session.
    ///
    /// # Errors
    /// [`WalletError::Pcs`].
    pub async fn payment(
        &self,
        session: CheckoutSessionId,
        payment: PaymentId,
    ) -> Result<Option<PaymentResult>, WalletError> {
        Ok(self.pcs.payment(payment).await?.filter(|result| result.session == session))
    }

    /// The token of the forms that pay for this session now.
    pub fn form_token(&self, session: &Session) -> String {
        self.tickets.form_token(session.id, session.payment)
    }

    /// What lets a browser be recognised as a device of this wallet.
    ///
    /// # Errors
    /// [`WalletError::Ticket`].
    pub fn recognise(&self, wallet: WalletId) -> Result<String, WalletError> {
        let expires = self.now().plus_ms(DEVICE_MS);
        Ok(self.tickets.seal(Purpose::Device, "", &wallet, expires, &*self.entropy)?)
    }

    /// The wallet of a recognised device; none when it is not (any more) recognised, or the wallet is gone.
    ///
    /// # Errors
    /// [`WalletError::Accounts`].
    pub async fn recognised(&self, device: &str) -> Result<Option<Account>, WalletError> {
        match self.tickets.open::<WalletId>(Purpose::Device, "", device, self.now()) {
            Ok(wallet) => Ok(self.accounts.get(wallet).await?),
            Err(_) => Ok(None),
        }
    }

    /// Calls `use_it` with the relying party of our pages.
    pub(crate) fn with_relying_party<T>(&self, use_it: impl FnOnce(&RelyingParty<'_>) -> T) -> T {
        let origins = [self.site.origin.as_str()];
        use_it(&RelyingParty { id: &self.site.rp_id, origins: &origins })
    }

    /// The PCS's key for a session's instruction, believed only under the node CA and for this purpose.
    pub(crate) fn recipient(&self, session: &Session) -> Result<Recipient, WalletError> {
        let certificate =
            Certificate::from_der(&session.recipient_certificate).map_err(pki::ChainError::from)?;
        Ok(Recipient::new(&certificate, &self.node_ca, self.now(), &*self.refused)?)
    }

    /// Refuses what is not for the payment that an open session waits for.
    pub(crate) fn must_be_current(&self, session: &Session, form_token: &str) -> Result<(), WalletError> {
        if !self.tickets.is_form_token(session.id, session.payment, form_token) {
            return Err(WalletError::StaleForm);
        }
        if session.status != SessionStatus::Open || session.expires_at <= self.now() {
            return Err(WalletError::SessionClosed);
        }
        Ok(())
    }
}

/// Reads the order information, and compares it with what the page shows: the shopper consents to one order, not to two.
pub(crate) fn order_of(session: &Session) -> Result<OrderInformation, WalletError> {
    let order = OrderInformation::from_canonical(session.order_information.as_bytes())
        .map_err(|_| WalletError::Order("its form"))?;
    match () {
        () if order.payment != session.payment => Err(WalletError::Order("payment")),
        () if order.merchant != session.merchant => Err(WalletError::Order("merchant")),
        () if order.amount != session.amount => Err(WalletError::Order("amount")),
        () if order.currency != session.currency => Err(WalletError::Order("currency")),
        () => Ok(order),
    }
}
