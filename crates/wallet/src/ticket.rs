//! What a wallet server hands to a browser and takes back: sealed, bound to its purpose, with an end.
//!
//! So that any wallet server can take up what another began, nothing of a checkout is kept in memory: a consent that
//! waits for its gesture, a registration half done and a recognised device travel as tickets.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::{CheckoutSessionId, Entropy, PaymentId, Timestamp};
use zeroize::Zeroizing;

/// What a ticket is for. One purpose's tickets are no use for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A consent that waits for its assertion.
    Consent,
    /// A sign-in that waits for its assertion.
    Enter,
    /// A kept card that waits for a passkey.
    Offer,
    /// A registration that waits for its passkey.
    Enrol,
    /// A new passkey that waits for its proof.
    Proof,
    /// A device that a wallet was used on.
    Device,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Enter => "enter",
            Self::Offer => "offer",
            Self::Enrol => "enrol",
            Self::Proof => "proof",
            Self::Device => "device",
        }
    }
}

/// A ticket that is not one of ours, is for something else, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ticket is not valid here and now")]
pub struct BadTicket;

/// The keys that seal tickets and make form tokens: the same on every wallet server of an installation.
pub struct TicketKeys {
    seal: LessSafeKey,
    form: hmac::Key,
}

impl TicketKeys {
    /// Derives the keys from one secret of 32 bytes.
    pub fn new(secret: &Zeroizing<[u8; 32]>) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &secret[..]);
        let seal = hmac::sign(&root, b"lian/wallet/ticket/v1");
        let form = hmac::sign(&root, b"lian/wallet/form/v1");
        // An HMAC-SHA256 has the 32 bytes that AES-256 takes, so there is nothing that could fail.
        let unbound = UnboundKey::new(&AES_256_GCM, seal.as_ref()).expect("32 bytes are an AES-256 key");
        Self { seal: LessSafeKey::new(unbound), form: hmac::Key::new(hmac::HMAC_SHA256, form.as_ref()) }
    }

    /// Seals a value until `expires`. `context` is what it belongs to, and must be given again to open it.
    ///
    /// # Errors
    /// [`BadTicket`] for a value that JSON cannot hold.
    pub fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        context: &str,
        value: &T,
        expires: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String, BadTicket> {
        let mut sealed = expires.ms().to_be_bytes().to_vec();
        serde_json::to_writer(&mut sealed, value).map_err(|_| BadTicket)?;
        let mut nonce = [0; 12];
        entropy.fill(&mut nonce);
        self.seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad(purpose, context)),
                &mut sealed,
            )
            .map_err(|_| BadTicket)?;
        Ok(pki::b64::encode(&[&nonce[..], &sealed].concat()))
    }

    /// Opens a ticket.
    ///
    /// # Errors
    /// [`BadTicket`]; one error for all reasons, for a browser can do nothing about any of them.
    pub fn open<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        context: &str,
        ticket: &str,
        now: Timestamp,
    ) -> Result<T, BadTicket> {
        // Larger than a header or a form of ours may be.
        if ticket.len() > 16 * 1024 {
            return Err(BadTicket);
        }
        let bytes = pki::b64::decode(ticket).map_err(|_| BadTicket)?;
        let (nonce, sealed) = bytes.split_first_chunk::<12>().ok_or(BadTicket)?;
        let mut sealed = sealed.to_vec();
        let opened = self
            .seal
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad(purpose, context)),
                &mut sealed,
            )
            .map_err(|_| BadTicket)?;
        let (expires, value) = opened.split_first_chunk::<8>().ok_or(BadTicket)?;
        if i64::from_be_bytes(*expires) <= now.ms() {
            return Err(BadTicket);
        }
        serde_json::from_slice(value).map_err(|_| BadTicket)
    }

    /// The token of the forms that pay this payment of this session. It is the same in every tab and after every reload,
    /// and it becomes the idempotency key: however often a form is sent, there is one payment.
    pub fn form_token(&self, session: CheckoutSessionId, payment: PaymentId) -> String {
        let tag = hmac::sign(&self.form, format!("{session}|{payment}").as_bytes());
        pki::b64::encode(&tag.as_ref()[..18])
    }

    /// Whether a form was made for this payment of this session.
    pub fn is_form_token(&self, session: CheckoutSessionId, payment: PaymentId, token: &str) -> bool {
        pki::sha256::equal(self.form_token(session, payment).as_bytes(), token.as_bytes())
    }
}

impl std::fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketKeys")
    }
}

fn aad(purpose: Purpose, context: &str) -> Vec<u8> {
    format!("lian/ticket/v1|{}|{context}", purpose.name()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn keys(byte: u8) -> (TicketKeys, Counting) {
        (TicketKeys::new(&Zeroizing::new([byte; 32])), Counting(0.into()))
    }

    #[test]
    fn a_ticket_opens_for_its_purpose_its_context_and_its_time_only() {
        let (keys, entropy) = keys(1);
        let (now, end) = (Timestamp::from_ms(1_000), Timestamp::from_ms(2_000));
        let ticket = keys.seal(Purpose::Consent, "cs_1", &"value", end, &entropy).unwrap();
        let open = |purpose, context, at| keys.open::<String>(purpose, context, &ticket, at);
        assert_eq!(open(Purpose::Consent, "cs_1", now).as_deref(), Ok("value"));
        assert_eq!(open(Purpose::Enter, "cs_1", now), Err(BadTicket));
        assert_eq!(open(Purpose::Consent, "cs_2", now), Err(BadTicket));
        assert_eq!(open(Purpose::Consent, "cs_1", end), Err(BadTicket));
        assert_eq!(self::keys(2).0.open::<String>(Purpose::Consent, "cs_1", &ticket, now), Err(BadTicket));
    }

    #[test]
    fn a_changed_ticket_does_not_open() {
        let (keys, entropy) = keys(1);
        let end = Timestamp::from_ms(2_000);
        let ticket = keys.seal(Purpose::Device, "", &7u32, end, &entropy).unwrap();
        let bytes = pki::b64::decode(&ticket).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let changed = pki::b64::encode(&changed);
            assert_eq!(keys.open::<u32>(Purpose::Device, "", &changed, Timestamp::default()), Err(BadTicket));
        }
        assert_eq!(keys.open::<u32>(Purpose::Device, "", "", Timestamp::default()), Err(BadTicket));
    }

    #[test]
    fn a_form_token_is_for_one_payment_of_one_session() {
        let (keys, _) = keys(1);
        let (session, payment) = (CheckoutSessionId::from_u128(1), PaymentId::from_u128(2));
        let token = keys.form_token(session, payment);
        assert!(keys.is_form_token(session, payment, &token));
        assert!(!keys.is_form_token(session, PaymentId::from_u128(3), &token));
        assert!(!keys.is_form_token(CheckoutSessionId::from_u128(4), payment, &token));
        assert!(!keys.is_form_token(session, payment, ""));
    }
}
