//! An authority is made, rests in its files, comes back, and issues; and remembers what a crash left unfinished.

mod support;

use std::sync::Arc;

use ca::{
    Authority, AuthorityError, AuthorityFile, MemoryRegister, PasskeyEnrolment, RootFile, SealError, Settings,
};
use futures_util::FutureExt as _;
use pki::chain::RefusedSet;
use pki::webauthn::authenticator::SoftwareAuthenticator;
use pki::webauthn::verify_registration;
use pki::{AgreementKey, Certificate, Csr, Intent, IssuingCa, Purpose, Register, RegisterError, Signer};
use support::{At, NOW, RP, Seeded, Xor, authority, created, created_from, csr, key};
use types::{CustomerId, MerchantId};

#[test]
fn each_kind_of_certificate_is_good_where_it_belongs() {
    let authority = authority();
    let refused = RefusedSet::default();
    let good = |leaf: &Certificate, ca, purpose| {
        authority.anchor(ca).unwrap().verify(leaf, purpose, NOW, &refused).unwrap();
    };
    let node = authority.issue_node(&["pcs.internal", "pcs"], &csr(1)).now_or_never().unwrap().unwrap();
    good(&node, IssuingCa::Node, Purpose::ServerAuth);
    good(&node, IssuingCa::Node, Purpose::ClientAuth);
    assert_eq!(
        (node.id_of_kind("node"), node.dns()),
        (Some("pcs.internal"), &["pcs.internal".into(), "pcs".into()][..])
    );

    let sealed_to = AgreementKey::generate(&Seeded::new(9)).unwrap();
    let request = Csr::from_der(&sealed_to.csr().unwrap()).unwrap();
    let recipient = authority.issue_node_encryption(&request).now_or_never().unwrap().unwrap();
    good(&recipient, IssuingCa::Node, Purpose::InstructionRecipient);
    assert_eq!(recipient.id_of_kind("enc"), Some(&sealed_to.id().to_string()[..]));

    let id = MerchantId::from_u128(5);
    let merchant = authority.issue_merchant(id, &csr(2)).now_or_never().unwrap().unwrap();
    good(&merchant, IssuingCa::Merchant, Purpose::RequestSigning);
    assert_eq!(merchant.id_of_kind("merchant").unwrap().parse(), Ok(id));

    let wallet = authority.issue_wallet_server("w1", &csr(3)).now_or_never().unwrap().unwrap();
    good(&wallet, IssuingCa::Wallet, Purpose::MandateWitness);
    good(&wallet, IssuingCa::Wallet, Purpose::ClientAuth);

    assert_eq!(authority.register().certificates().len(), 1 + 5 + 4);
    assert_eq!(authority.unfinished().now_or_never().unwrap().unwrap(), []);
    let nobody = authority.issue_node(&[], &csr(4)).now_or_never().unwrap();
    assert!(matches!(nobody, Err(AuthorityError::NoHostName)));
}

#[test]
fn a_customer_is_certified_only_with_the_passkey_in_hand() {
    let authority = authority();
    let customer = CustomerId::from_u128(7);
    let mut phone = SoftwareAuthenticator::new(RP.id, RP.origins[0], &Seeded::new(1)).unwrap();
    let mut other = SoftwareAuthenticator::new(RP.id, RP.origins[0], &Seeded::new(2)).unwrap();
    let registered = verify_registration(&phone.register(b"create"), b"create", &RP).unwrap();
    let challenge = [5; 32];
    let proof = phone.assert(&challenge).unwrap();
    let enrolment =
        PasskeyEnrolment { registered: &registered, proof: &proof, challenge: &challenge, relying_party: RP };

    let certificate = authority.issue_customer(customer, &enrolment).now_or_never().unwrap().unwrap();
    assert_eq!(certificate.id_of_kind("customer").unwrap().parse(), Ok(customer));
    assert_eq!(certificate.public_key(), &registered.public_key);
    assert_eq!(certificate.credential(), Some(&registered.certified()));

    let refuse = |enrolment: &PasskeyEnrolment<'_>| {
        authority.issue_customer(customer, enrolment).now_or_never().unwrap().unwrap_err().code()
    };
    let stale = PasskeyEnrolment { challenge: &[6; 32], ..enrolment };
    assert_eq!(refuse(&stale), "assertion_invalid_challenge");
    let foreign = other.assert(&challenge).unwrap();
    assert_eq!(refuse(&PasskeyEnrolment { proof: &foreign, ..enrolment }), "assertion_invalid_credential");
    let mut posing = foreign;
    posing.credential_id = registered.credential_id.clone();
    assert_eq!(refuse(&PasskeyEnrolment { proof: &posing, ..enrolment }), "assertion_invalid_signature");
    assert_eq!(authority.register().certificates().len(), 1 + 5 + 1);
}

#[test]
fn an_authority_comes_back_from_its_file_and_its_keys_are_never_in_clear() {
    let made = created(MemoryRegister::default());
    let text = made.file.to_json();
    let read = AuthorityFile::from_json(&text).unwrap();
    assert_eq!(read, made.file);
    assert_eq!(RootFile::from_json(&made.root.to_json()).unwrap(), made.root);

    let open = |file: &AuthorityFile, sealer: &Xor| {
        Authority::open(file, MemoryRegister::default(), Arc::new(At(NOW)), Arc::new(Seeded::new(50)), sealer)
    };
    let opened = open(&read, &Xor(0x5a)).unwrap();
    let leaf = opened.issue_wallet_server("w1", &csr(3)).now_or_never().unwrap().unwrap();
    let anchor = made.authority.anchor(IssuingCa::Wallet).unwrap();
    anchor.verify(&leaf, Purpose::ClientAuth, NOW, &RefusedSet::default()).unwrap();

    // PKCS#8 says which algorithm it holds: these bytes are in no file.
    let ec_key = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    for sealed in made.file.issuing.values().chain([&made.root.root]) {
        assert!(!sealed.sealed_key.windows(ec_key.len()).any(|window| window == ec_key));
    }

    // Another sealer, an exchanged key, a CA taken away, another version, an unknown key.
    assert_eq!(open(&read, &Xor(0x5b)).unwrap_err().code(), "authority_key_sealed");
    let mut swapped = read.clone();
    let merchant_key = swapped.issuing[&IssuingCa::Merchant].sealed_key.clone();
    swapped.issuing.get_mut(&IssuingCa::Wallet).unwrap().sealed_key = merchant_key;
    assert_eq!(open(&swapped, &Xor(0x5a)).unwrap_err().code(), "authority_key_sealed");
    let mut less = read.clone();
    less.issuing.remove(&IssuingCa::Node);
    assert_eq!(open(&less, &Xor(0x5a)).unwrap_err().code(), "authority_incomplete");
    let mut foreign = read;
    foreign.root = created_from(2, MemoryRegister::default()).file.root;
    assert_eq!(open(&foreign, &Xor(0x5a)).unwrap_err().code(), "certificate_unknown_issuer");
    for bad in
        [text.replace("\"version\": 1", "\"version\": 2"), text.replacen("{", "{\"x\":1,", 1), String::new()]
    {
        assert!(AuthorityFile::from_json(&bad).is_err());
    }
}

/// Records intents, then fails: a crash between signing and recording.
#[derive(Default)]
struct Crashing(MemoryRegister, std::sync::atomic::AtomicBool);

impl Register for Crashing {
    async fn record_intent(&self, intent: &Intent) -> Result<(), RegisterError> {
        self.0.record_intent(intent).await
    }
    async fn record_certificate(&self, certificate: &Certificate) -> Result<(), RegisterError> {
        if self.1.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(RegisterError("the disk is gone".to_owned()));
        }
        self.0.record_certificate(certificate).await
    }
}

impl ca::CertificateRegister for Crashing {
    async fn unfinished(&self) -> Result<Vec<Intent>, RegisterError> {
        self.0.unfinished().await
    }
}

#[test]
fn what_a_crash_left_unfinished_is_visible_and_handed_to_nobody() {
    let authority = created(Crashing::default()).authority;
    authority.register().1.store(true, std::sync::atomic::Ordering::Relaxed);

    let error =
        authority.issue_merchant(MerchantId::from_u128(5), &csr(2)).now_or_never().unwrap().unwrap_err();

    assert_eq!(error.code(), "issue_register_unavailable");
    let unfinished = authority.unfinished().now_or_never().unwrap().unwrap();
    let [intent] = &unfinished[..] else { panic!("one intent, not {unfinished:?}") };
    assert_eq!(intent.key, key(2).public_key().id());
    assert_eq!(intent.subject, format!("urn:lian:merchant:{}", MerchantId::from_u128(5)));
    let json = serde_json::to_string(intent).unwrap();
    assert_eq!(&serde_json::from_str::<Intent>(&json).unwrap(), intent);
}

#[test]
fn a_serial_number_is_used_once() {
    let register = MemoryRegister::default();
    let settings = Settings { installation: "twice".to_owned(), instance: 1 };
    // Entropy that repeats itself would give the root and the first issuing CA the same serial number.
    struct Stuck;
    impl types::Entropy for Stuck {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }
    let made = Authority::create(&settings, register, Arc::new(At(NOW)), Arc::new(Stuck), &Xor(1))
        .now_or_never()
        .unwrap();
    assert_eq!(made.err().unwrap().code(), "issue_register_unavailable");
}

#[test]
fn a_sealer_that_fails_stops_the_ceremony() {
    struct Broken;
    impl ca::KeySealer for Broken {
        fn seal(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, SealError> {
            Err(SealError("no key-encrypting key".to_owned()))
        }
        fn open(&self, _: &str, _: &[u8]) -> Result<types::Secret<Vec<u8>>, SealError> {
            Err(SealError("no key-encrypting key".to_owned()))
        }
    }
    let settings = Settings { installation: "broken".to_owned(), instance: 1 };
    let made = Authority::create(
        &settings,
        MemoryRegister::default(),
        Arc::new(At(NOW)),
        Arc::new(Seeded::new(1)),
        &Broken,
    );
    assert_eq!(made.now_or_never().unwrap().err().unwrap().code(), "authority_key_sealed");
}

/// The futures may be spawned: everything that they hold across a wait may move between threads.
#[test]
fn issuing_may_run_in_a_task_of_its_own() {
    const fn spawnable<T: Send>(_: &T) {}
    let settings = Settings { installation: "Lian test".to_owned(), instance: 1 };
    let (clock, entropy) = (Arc::new(At(NOW)), Arc::new(Seeded::new(1)));
    let create = Authority::create(&settings, MemoryRegister::default(), clock, entropy, &Xor(1));
    spawnable(&create);
    let authority = create.now_or_never().unwrap().unwrap().authority;
    let request = csr(1);
    let issue = authority.issue_merchant(MerchantId::from_u128(1), &request);
    spawnable(&issue);
    issue.now_or_never().unwrap().unwrap();
}
