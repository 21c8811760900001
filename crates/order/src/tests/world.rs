//! A small installation: wallet CA, node CA, a wallet server, a PCS, a customer with a phone.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use pki::chain::RefusedSet;
use pki::issue::Request;
use pki::webauthn::authenticator::SoftwareAuthenticator;
use pki::webauthn::{RelyingParty, verify_registration};
use pki::{
    AgreementKey, Anchor, Certificate, Curve, Draft, Intent, IssuingCa, KeyId, KeyPair, Profile, PublicKey,
    Register, RegisterError, Serial, Signer, Subject,
};
use types::{
    Currency, CustomerId, Entropy, MerchantId, Money, PaymentId, PaymentMethodId, Secret, Timestamp,
};

use crate::canonical::V1;
use crate::{
    Evidence, Expected, Instruction, InstructionError, Instrument, Line, OrderInformation, Prepared,
    Recipient, Salt, Trust, Verified, prepare, verify_instruction,
};

pub const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_000);
pub const RP: RelyingParty<'static> = RelyingParty { id: "pay.example", origins: &["https://pay.example"] };

/// Numbers that never repeat: SHA-256 of a counter.
#[derive(Default)]
pub struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&pki::sha256::sha256(&count.to_be_bytes())[..chunk.len()]);
        }
    }
}

/// Remembers nothing; issuing has tests of its own.
struct Forgetful;

impl Register for Forgetful {
    async fn record_intent(&self, _: &Intent) -> Result<(), RegisterError> {
        Ok(())
    }
    async fn record_certificate(&self, _: &Certificate) -> Result<(), RegisterError> {
        Ok(())
    }
}

pub struct Ca {
    pub anchor: Anchor,
    key: KeyPair,
}

pub struct World {
    pub entropy: Seeded,
    pub wallet_ca: Ca,
    pub node_ca: Ca,
    pub wallet: (Certificate, KeyPair),
    pub pcs: Vec<AgreementKey>,
    pub recipient: Recipient,
    pub customer: CustomerId,
    pub phone: SoftwareAuthenticator,
    pub customer_certificate: Certificate,
    pub refused: RefusedSet,
}

impl World {
    pub fn new() -> Self {
        let entropy = Seeded::default();
        let root_key = KeyPair::generate(Curve::P384, &entropy).unwrap();
        let subject = Subject { common_name: "test root".to_owned(), uri: None, dns: vec![] };
        let draft = Draft::root(&subject, root_key.public_key(), Serial::new(1, &entropy), NOW).unwrap();
        let root = sign(draft, &root_key);
        let ca = |ca| {
            let key = KeyPair::generate(Curve::P256, &entropy).unwrap();
            let certificate =
                issue(&entropy, &root, &root_key, Profile::IssuingCa(ca), &ca_subject(ca), key.public_key());
            Ca { anchor: Anchor::issuing_ca(certificate).unwrap(), key }
        };
        let (wallet_ca, node_ca) = (ca(IssuingCa::Wallet), ca(IssuingCa::Node));
        let wallet_key = KeyPair::generate(Curve::P256, &entropy).unwrap();
        let wallet = wallet_ca.issue(&entropy, Profile::WalletServer, "wallet", wallet_key.public_key());
        let pcs = AgreementKey::generate(&entropy).unwrap();
        let pcs_certificate = node_ca.issue(&entropy, Profile::NodeEncryption, "enc", pcs.public_key());
        let refused = RefusedSet::default();
        let recipient = Recipient::new(&pcs_certificate, &node_ca.anchor, NOW, &refused).unwrap();
        let customer = CustomerId::from_u128(77);
        let phone = SoftwareAuthenticator::new(RP.id, RP.origins[0], &entropy).unwrap();
        let customer_certificate = wallet_ca.certify(&entropy, &phone, customer);
        Self {
            entropy,
            wallet_ca,
            node_ca,
            wallet: (wallet, wallet_key),
            pcs: vec![pcs],
            recipient,
            customer,
            phone,
            customer_certificate,
            refused,
        }
    }

    pub fn order(&self, what: &str, amount: u64) -> OrderInformation {
        OrderInformation {
            v: V1,
            payment: PaymentId::new(NOW, &self.entropy),
            merchant: MerchantId::from_u128(5),
            reference: format!("order for {what}"),
            lines: vec![Line { description: what.to_owned(), quantity: 1, amount }],
            amount,
            currency: Currency::EUR,
            salt: Salt::new(&self.entropy),
        }
    }

    pub fn card(&self) -> Instrument {
        Instrument::Card {
            pan: Secret::from("4242424242424242"),
            expiry: Secret::from("2031-12"),
            security_code: Some(Secret::from("123")),
        }
    }

    pub fn stored_card(&self) -> Instrument {
        Instrument::PaymentMethod { id: PaymentMethodId::from_u128(3), security_code: None }
    }

    pub fn prepare(&self, order: &OrderInformation, instrument: Instrument) -> Prepared {
        prepare(order, instrument, &self.recipient, NOW, &self.entropy).unwrap()
    }

    pub fn consent(&mut self, prepared: &Prepared) -> Evidence {
        let assertion = self.phone.assert(&prepared.challenge()).unwrap();
        Evidence::Passkey { assertion, certificate: self.customer_certificate.der().to_vec() }
    }

    pub fn witness(&self, prepared: Prepared, evidence: Evidence) -> Instruction {
        prepared.witness(evidence, &self.wallet.0, &self.wallet.1).unwrap()
    }

    pub fn pay(&mut self, order: &OrderInformation, instrument: Instrument) -> Instruction {
        let prepared = self.prepare(order, instrument);
        let evidence = self.consent(&prepared);
        self.witness(prepared, evidence)
    }

    pub fn pay_as_guest(&self, order: &OrderInformation, instrument: Instrument) -> Instruction {
        self.witness(self.prepare(order, instrument), Evidence::Guest {})
    }

    pub fn expected(&self, order: &OrderInformation) -> Expected {
        Expected {
            payment: order.payment,
            merchant: order.merchant,
            amount: Money::new(order.amount, order.currency).unwrap(),
            h_oi: order.digest(),
            sender: Some(self.wallet.1.public_key().id()),
        }
    }

    pub fn trust(&self) -> Trust<'_> {
        Trust { wallet_ca: &self.wallet_ca.anchor, refused: &self.refused, relying_party: RP, now: NOW }
    }

    pub fn verify(
        &self,
        instruction: &Instruction,
        expected: &Expected,
    ) -> Result<Verified, InstructionError> {
        self.verify_at(instruction, expected, 0)
    }

    pub fn verify_at(
        &self,
        instruction: &Instruction,
        expected: &Expected,
        later_ms: i64,
    ) -> Result<Verified, InstructionError> {
        let trust = Trust { now: NOW.plus_ms(later_ms), ..self.trust() };
        verify_instruction(instruction, expected, &trust, &self.pcs, |_| true)
    }

    /// The code of the refusal of what should never be believed.
    pub fn refusal(&self, instruction: &Instruction, order: &OrderInformation) -> &'static str {
        self.verify(instruction, &self.expected(order)).unwrap_err().code()
    }

    pub fn stranger(&self) -> KeyId {
        KeyPair::generate(Curve::P256, &self.entropy).unwrap().public_key().id()
    }
}

impl Ca {
    pub fn issue(&self, entropy: &Seeded, profile: Profile, kind: &str, key: &PublicKey) -> Certificate {
        let subject = Subject::named(kind, "one");
        issue(entropy, self.anchor.certificate(), &self.key, profile, &subject, key)
    }

    pub fn certify(
        &self,
        entropy: &Seeded,
        phone: &SoftwareAuthenticator,
        customer: CustomerId,
    ) -> Certificate {
        let registered = verify_registration(&phone.register(b"challenge"), b"challenge", &RP).unwrap();
        let request = Request {
            profile: Profile::Customer,
            subject: &Subject::named("customer", &customer.to_string()),
            public_key: &registered.public_key,
            credential: Some(&registered.certified()),
            not_after: None,
        };
        let draft = Draft::new(&request, self.anchor.certificate(), Serial::new(1, entropy), NOW).unwrap();
        sign(draft, &self.key)
    }
}

fn ca_subject(ca: IssuingCa) -> Subject {
    Subject { common_name: format!("test {ca} CA"), uri: None, dns: vec![] }
}

fn issue(
    entropy: &Seeded,
    issuer: &Certificate,
    issuer_key: &KeyPair,
    profile: Profile,
    subject: &Subject,
    public_key: &PublicKey,
) -> Certificate {
    let request = Request { profile, subject, public_key, credential: None, not_after: None };
    sign(Draft::new(&request, issuer, Serial::new(1, entropy), NOW).unwrap(), issuer_key)
}

fn sign(draft: Draft, key: &KeyPair) -> Certificate {
    draft.issue(key, &Forgetful).now_or_never().expect("the register answers at once").unwrap()
}
