//! The certificates of a small installation, and a shopper with a passkey.

use std::sync::Arc;

use futures_util::FutureExt as _;
use order::{Evidence, Instruction, Instrument, OrderInformation, Prepared, Recipient, Recipients, prepare};
use pcs::{Custodian, WalletIdentity};
use pki::chain::RefusedSet;
use pki::issue::Request;
use pki::webauthn::authenticator::SoftwareAuthenticator;
use pki::webauthn::{RelyingParty, verify_registration};
use pki::{
    AgreementKey, Anchor, Certificate, Curve, Draft, Intent, IssuingCa, KeyId, KeyPair, Profile, PublicKey,
    Register, RegisterError, Serial, Signer as _, Subject,
};
use types::{CustomerId, Entropy, Secret, Timestamp};

const RP_ID: &str = "pay.example";
const ORIGIN: &str = "https://pay.example";
/// Certificates of tests are issued by many small authorities; each serial is random, so one instance number is enough.
const INSTANCE: u8 = 1;

/// Wallet CA, node CA, a wallet server, the PCS's key for instructions.
pub struct Installation {
    wallet_ca: Arc<Anchor>,
    wallet_ca_key: KeyPair,
    wallet: (Certificate, KeyPair),
    recipient_keys: Arc<Vec<AgreementKey>>,
    recipient: Recipient,
    /// What was revoked.
    pub refused: Arc<RefusedSet>,
    entropy: Arc<dyn Entropy>,
}

/// A shopper's phone: a passkey and the certificate that names it.
pub struct Phone {
    /// The shopper.
    pub customer: CustomerId,
    authenticator: SoftwareAuthenticator,
    certificate: Certificate,
}

struct Keys(Arc<Vec<AgreementKey>>);

impl Recipients for Keys {
    fn key(&self, id: &KeyId) -> Option<&AgreementKey> {
        self.0.key(id)
    }
}

/// Issuing has tests of its own.
struct Forgetful;

impl Register for Forgetful {
    async fn record_intent(&self, _: &Intent) -> Result<(), RegisterError> {
        Ok(())
    }

    async fn record_certificate(&self, _: &Certificate) -> Result<(), RegisterError> {
        Ok(())
    }
}

impl Installation {
    /// Issues everything.
    pub fn new(now: Timestamp, entropy: Arc<dyn Entropy>) -> Self {
        let chance = &*entropy;
        let root_key = KeyPair::generate(Curve::P384, chance).unwrap();
        let subject = Subject { common_name: "test root".to_owned(), uri: None, dns: Vec::new() };
        let draft = Draft::root(&subject, root_key.public_key(), Serial::new(INSTANCE, chance), now).unwrap();
        let root = sign(draft, &root_key);
        let issuing = |ca: IssuingCa| {
            let key = KeyPair::generate(Curve::P256, chance).unwrap();
            let subject = Subject { common_name: format!("test {ca} CA"), uri: None, dns: Vec::new() };
            let issuer = (&root, &root_key);
            let certificate = issue(chance, now, issuer, Profile::IssuingCa(ca), &subject, key.public_key());
            (Anchor::issuing_ca(certificate).unwrap(), key)
        };
        let (wallet_ca, wallet_ca_key) = issuing(IssuingCa::Wallet);
        let (node_ca, node_ca_key) = issuing(IssuingCa::Node);
        let wallet_key = KeyPair::generate(Curve::P256, chance).unwrap();
        let by_wallet_ca = (wallet_ca.certificate(), &wallet_ca_key);
        let subject = Subject::named("wallet", "one");
        let wallet =
            issue(chance, now, by_wallet_ca, Profile::WalletServer, &subject, wallet_key.public_key());
        let recipient_key = AgreementKey::generate(chance).unwrap();
        let by_node_ca = (node_ca.certificate(), &node_ca_key);
        let subject = Subject::named("enc", "one");
        let key = recipient_key.public_key();
        let certificate = issue(chance, now, by_node_ca, Profile::NodeEncryption, &subject, key);
        let refused = Arc::new(RefusedSet::default());
        let recipient = Recipient::new(&certificate, &node_ca, now, &*refused).unwrap();
        Self {
            wallet_ca: Arc::new(wallet_ca),
            wallet_ca_key,
            wallet: (wallet, wallet_key),
            recipient_keys: Arc::new(vec![recipient_key]),
            recipient,
            refused,
            entropy,
        }
    }

    /// What a PCS believes and opens.
    pub fn custodian(&self) -> Custodian {
        Custodian {
            wallet_ca: Arc::clone(&self.wallet_ca),
            refused: Arc::clone(&self.refused) as _,
            rp_id: RP_ID.to_owned(),
            origins: vec![ORIGIN.to_owned()],
            recipients: Box::new(Keys(Arc::clone(&self.recipient_keys))),
        }
    }

    /// The wallet server, as the PCS's listener sees it.
    pub fn wallet_identity(&self) -> WalletIdentity {
        let key = self.wallet.1.public_key().id();
        WalletIdentity { key, certificate_serial: "0001".to_owned() }
    }

    /// Another sender than the wallet server that witnesses.
    pub fn stranger(&self) -> WalletIdentity {
        let key = KeyPair::generate(Curve::P256, &*self.entropy).unwrap();
        WalletIdentity { key: key.public_key().id(), certificate_serial: "0666".to_owned() }
    }

    /// A shopper who has registered a passkey.
    pub fn phone(&self, customer: CustomerId, now: Timestamp) -> Phone {
        let authenticator = SoftwareAuthenticator::new(RP_ID, ORIGIN, &*self.entropy).unwrap();
        let site = RelyingParty { id: RP_ID, origins: &[ORIGIN] };
        let registration = authenticator.register(b"challenge");
        let registered = verify_registration(&registration, b"challenge", &site).unwrap();
        let request = Request {
            profile: Profile::Customer,
            subject: &Subject::named("customer", &customer.to_string()),
            public_key: &registered.public_key,
            credential: Some(&registered.certified()),
            not_after: None,
        };
        let serial = Serial::new(INSTANCE, &*self.entropy);
        let draft = Draft::new(&request, self.wallet_ca.certificate(), serial, now).unwrap();
        Phone { customer, authenticator, certificate: sign(draft, &self.wallet_ca_key) }
    }

    /// A card as a guest types it.
    pub fn typed_card(&self, pan: &str) -> Instrument {
        Instrument::Card {
            pan: Secret::from(pan),
            expiry: Secret::from("2030-12"),
            security_code: Some(Secret::from("123")),
        }
    }

    /// The wallet joins an order and an instrument.
    pub fn prepare(&self, order: &OrderInformation, instrument: Instrument, now: Timestamp) -> Prepared {
        prepare(order, instrument, &self.recipient, now, &*self.entropy).unwrap()
    }

    /// The wallet witnesses what was prepared: for the shopper's gesture, or for a guest.
    pub fn witness(&self, prepared: Prepared, phone: Option<&mut Phone>) -> Instruction {
        let evidence = match phone {
            Some(phone) => Evidence::Passkey {
                assertion: phone.authenticator.assert(&prepared.challenge()).unwrap(),
                certificate: phone.certificate.der().to_vec(),
            },
            None => Evidence::Guest {},
        };
        prepared.witness(evidence, &self.wallet.0, &self.wallet.1).unwrap()
    }
}

fn issue(
    entropy: &dyn Entropy,
    now: Timestamp,
    (issuer, issuer_key): (&Certificate, &KeyPair),
    profile: Profile,
    subject: &Subject,
    public_key: &PublicKey,
) -> Certificate {
    let request = Request { profile, subject, public_key, credential: None, not_after: None };
    sign(Draft::new(&request, issuer, Serial::new(INSTANCE, entropy), now).unwrap(), issuer_key)
}

fn sign(draft: Draft, key: &KeyPair) -> Certificate {
    draft.issue(key, &Forgetful).now_or_never().expect("the register answers at once").unwrap()
}
