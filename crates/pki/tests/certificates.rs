//! Issuing and believing certificates. The cases against the verifier are those that were tried against webpki alone, with
//! the verdict that ours must give where webpki's default is another.

mod world;

use futures_util::FutureExt as _;
use pki::chain::verify_issuing_ca;
use pki::issue::Request;
use pki::profile::{BACKDATE_MS, DAY_MS};
use pki::{
    Anchor, Certificate, ChainError, Csr, CsrError, Curve, Draft, Intent, IssueError, IssuingCa, KeyPair,
    Profile, Purpose, Register, RegisterError, Serial, Signer, Subject,
};
use types::Timestamp;
use world::{Forgetful, NOW, World, key};

fn verify(anchor: &Anchor, leaf: &Certificate, purpose: Purpose, now: Timestamp) -> Result<(), ChainError> {
    anchor.verify(leaf, purpose, now, &pki::chain::RefusedSet::default())
}

#[test]
fn a_certificate_says_what_its_profile_says() {
    let world = World::new();
    let leaf = world.leaf(Profile::MerchantSign);
    assert_eq!(leaf.id_of_kind("merchant"), None);
    assert_eq!(leaf.uri(), Some("urn:lian:test:one"));
    assert_eq!(leaf.id_of_kind("test"), Some("one"));
    assert_eq!(leaf.not_before(), NOW.plus_ms(-BACKDATE_MS));
    assert_eq!(leaf.not_after(), NOW.plus_ms(30 * DAY_MS));
    assert_eq!(leaf.renew_from(), NOW.plus_ms((30 * DAY_MS + BACKDATE_MS) / 3 * 2 - BACKDATE_MS));
    assert!(leaf.may_sign() && !leaf.may_agree() && !leaf.is_ca());
    assert_eq!(leaf.authority_key_id(), world.certificate(IssuingCa::Merchant).subject_key_id());
    assert_eq!(Certificate::from_pem(&leaf.pem()).unwrap(), [leaf]);
}

#[test]
fn each_leaf_is_good_for_its_own_purpose_under_its_own_issuer_and_for_nothing_else() {
    let world = World::new();
    let leaves = [Profile::NodeTls, Profile::NodeEncryption, Profile::MerchantSign, Profile::WalletServer];
    for profile in leaves {
        let leaf = world.leaf(profile);
        for ca in IssuingCa::ALL {
            for purpose in Purpose::ALL {
                let good = profile.rules().issuer == Some(ca) && profile.rules().purposes.contains(&purpose);
                let verdict = verify(&world.anchor(ca), &leaf, purpose, NOW);
                assert_eq!(verdict.is_ok(), good, "{profile:?} under {ca} for {purpose:?}: {verdict:?}");
            }
        }
    }
    let merchant = world.leaf(Profile::MerchantSign);
    let verdict = verify(&world.anchor(IssuingCa::Wallet), &merchant, Purpose::RequestSigning, NOW);
    assert_eq!(verdict, Err(ChainError::UnknownIssuer));
    let verdict = verify(&world.anchor(IssuingCa::Merchant), &merchant, Purpose::ClientAuth, NOW);
    assert_eq!(verdict, Err(ChainError::WrongPurpose));
}

#[test]
fn the_root_is_no_anchor_and_an_issuing_ca_no_identity() {
    let world = World::new();
    assert_eq!(Anchor::issuing_ca(world.root.clone()).unwrap_err(), ChainError::Invalid);
    assert_eq!(Anchor::issuing_ca(world.leaf(Profile::NodeTls)).unwrap_err(), ChainError::Invalid);
    let node_ca = world.certificate(IssuingCa::Node);
    let verdict = verify(&world.anchor(IssuingCa::Node), &node_ca, Purpose::ServerAuth, NOW);
    assert_eq!(verdict, Err(ChainError::IsCa));
    assert_eq!(verify_issuing_ca(&world.root, &node_ca, NOW), Ok(()));
    assert_eq!(
        verify_issuing_ca(&node_ca, &world.certificate(IssuingCa::Wallet), NOW),
        Err(ChainError::UnknownIssuer)
    );
    let late = NOW.plus_ms(3 * 365 * DAY_MS + 1000);
    assert_eq!(verify_issuing_ca(&world.root, &node_ca, late), Err(ChainError::Expired));
}

#[test]
fn validity_is_a_matter_of_the_instant() {
    let world = World::new();
    let leaf = world.leaf(Profile::NodeTls);
    let anchor = world.anchor(IssuingCa::Node);
    for (later_ms, verdict) in [
        (-BACKDATE_MS - 1000, Err(ChainError::IssuerExpired)),
        (-BACKDATE_MS, Ok(())),
        (DAY_MS, Ok(())),
        (DAY_MS + 1000, Err(ChainError::Expired)),
        (4 * 365 * DAY_MS, Err(ChainError::IssuerExpired)),
    ] {
        assert_eq!(verify(&anchor, &leaf, Purpose::ServerAuth, NOW.plus_ms(later_ms)), verdict, "{later_ms}");
    }
}

#[test]
fn what_is_revoked_is_refused_from_that_moment() {
    let world = World::new();
    let leaf = world.leaf(Profile::NodeTls);
    let refused = pki::chain::RefusedSet::default();
    let anchor = world.anchor(IssuingCa::Node);
    assert_eq!(anchor.verify(&leaf, Purpose::ClientAuth, NOW, &refused), Ok(()));
    refused.refuse(leaf.serial());
    assert_eq!(anchor.verify(&leaf, Purpose::ClientAuth, NOW, &refused), Err(ChainError::Revoked));
}

#[test]
fn no_byte_of_a_certificate_can_be_changed() {
    let world = World::new();
    let leaf = world.leaf(Profile::NodeTls);
    let anchor = world.anchor(IssuingCa::Node);
    let refused = pki::chain::RefusedSet::default();
    for place in 0..leaf.der().len() {
        let mut altered = leaf.der().to_vec();
        altered[place] ^= 0x01;
        let verdict = anchor.verify_der(&altered, Purpose::ServerAuth, NOW, &refused);
        assert!(verdict.is_err(), "byte {place} may be changed");
    }
    for len in 0..leaf.der().len() {
        assert!(Certificate::from_der(&leaf.der()[..len]).is_err(), "cut at {len}");
    }
}

/// Foreign certificates, made with rcgen as a careless CA would: under the right key, against our rules.
#[test]
fn a_careless_certificate_of_the_right_issuer_is_refused() {
    let world = World::new();
    let anchor = world.anchor(IssuingCa::Node);
    let verdict = |der: &[u8], purpose| {
        anchor.verify_der(der, purpose, NOW, &pki::chain::RefusedSet::default()).map(|_| ())
    };
    use rcgen::ExtendedKeyUsagePurpose::{Any, ServerAuth};
    let good = world.careless(|params| params.extended_key_usages = vec![ServerAuth]);
    assert_eq!(verdict(&good, Purpose::ServerAuth), Ok(()));
    assert_eq!(verdict(&good, Purpose::ClientAuth), Err(ChainError::WrongPurpose));
    // webpki lets these two pass as a client.
    assert_eq!(verdict(&world.careless(|_| {}), Purpose::ClientAuth), Err(ChainError::WrongPurpose));
    let any = world.careless(|params| params.extended_key_usages = vec![Any]);
    assert_eq!(verdict(&any, Purpose::ClientAuth), Err(ChainError::WrongPurpose));
    // An unknown critical extension.
    let critical = world.careless(|params| {
        params.extended_key_usages = vec![ServerAuth];
        let mut extension =
            rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 9], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    });
    assert_eq!(verdict(&critical, Purpose::ServerAuth), Err(ChainError::Invalid));
    // Two identities.
    let two = world.careless(|params| {
        params.extended_key_usages = vec![ServerAuth];
        let uri = |text: &str| rcgen::SanType::URI(text.try_into().unwrap());
        params.subject_alt_names = vec![uri("urn:lian:node:a"), uri("urn:lian:node:b")];
    });
    assert_eq!(verdict(&two, Purpose::ServerAuth).unwrap_err().code(), "certificate_extension_malformed");
    // A serial number that we never give.
    let serial = world.careless(|params| params.serial_number = Some(rcgen::SerialNumber::from(7)));
    assert_eq!(verdict(&serial, Purpose::ServerAuth).unwrap_err().code(), "certificate_serial_foreign");
}

#[test]
fn a_request_gives_its_key_and_nothing_else() {
    let key = key(1);
    let request = Csr::build(&key).unwrap();
    assert_eq!(Csr::from_der(&request).unwrap().public_key(), key.public_key());
    assert_eq!(
        Csr::from_pem(&pki::pem::encode("CERTIFICATE REQUEST", &request)).unwrap().public_key(),
        key.public_key()
    );
    for place in 0..request.len() {
        let mut altered = request.clone();
        altered[place] ^= 1;
        // The algorithm identifier is the one part that the signature does not cover; nothing is taken from it.
        if let Ok(csr) = Csr::from_der(&altered) {
            assert_eq!(csr.public_key(), key.public_key(), "byte {place}");
        }
    }
    let mut forged = request;
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(Csr::from_der(&forged), Err(CsrError::NoPossession));
}

#[test]
fn a_request_that_breaks_its_profile_is_not_drafted() {
    let world = World::new();
    let (p256, p384) = (key(1), KeyPair::generate(Curve::P384, &world.entropy).unwrap());
    let named = Subject::named("node", "n1");
    let request = |profile, subject, key: &'static str| Request {
        profile,
        subject,
        public_key: if key == "p384" { p384.public_key() } else { p256.public_key() },
        credential: None,
        not_after: None,
    };
    let issuer = world.certificate(IssuingCa::Node);
    let refuse = |request: &Request<'_>, now| {
        Draft::new(request, &issuer, Serial::new(1, &world.entropy), now).unwrap_err().code()
    };
    let nameless = Subject { uri: None, ..named.clone() };
    let foreign = Subject { uri: Some("https://n1".to_owned()), ..named.clone() };
    let wild = Subject { dns: vec!["*.example".to_owned()], ..named.clone() };
    let long = Subject { common_name: "x".repeat(65), ..named.clone() };
    for subject in [&nameless, &foreign, &wild, &long] {
        assert_eq!(refuse(&request(Profile::NodeTls, subject, "p256"), NOW), "issue_subject_invalid");
    }
    assert_eq!(refuse(&request(Profile::NodeTls, &named, "p384"), NOW), "issue_key_unsupported");
    assert_eq!(refuse(&request(Profile::Customer, &named, "p256"), NOW), "issue_subject_invalid");
    assert_eq!(refuse(&request(Profile::Root, &named, "p256"), NOW), "issue_wrong_issuer");
    // A leaf of the root, and an issuing CA of an issuing CA.
    let named_ca = Subject { common_name: "rogue CA".to_owned(), uri: None, dns: vec![] };
    for (profile, subject, issuer) in
        [(Profile::NodeTls, &named, &world.root), (Profile::IssuingCa(IssuingCa::Wallet), &named_ca, &issuer)]
    {
        let request = request(profile, subject, "p256");
        let draft = Draft::new(&request, issuer, Serial::new(1, &world.entropy), NOW);
        assert_eq!(draft.unwrap_err().code(), "issue_wrong_issuer");
    }
    let almost = NOW.plus_ms(3 * 365 * DAY_MS - 60_000);
    assert_eq!(refuse(&request(Profile::NodeTls, &named, "p256"), almost), "issue_issuer_expires");

    // Nothing outlives its issuer.
    let late = NOW.plus_ms(3 * 365 * DAY_MS - DAY_MS / 2);
    let draft =
        Draft::new(&request(Profile::NodeTls, &named, "p256"), &issuer, Serial::new(1, &world.entropy), late);
    assert_eq!(draft.unwrap().intent().not_after, issuer.not_after());
}

/// A register that refuses to record.
struct Full;

impl Register for Full {
    async fn record_intent(&self, _: &Intent) -> Result<(), RegisterError> {
        Err(RegisterError("full".to_owned()))
    }
    async fn record_certificate(&self, _: &Certificate) -> Result<(), RegisterError> {
        Ok(())
    }
}

#[test]
fn nothing_is_signed_before_it_is_recorded_nor_with_another_key() {
    let world = World::new();
    let (subject, public) = (Subject::named("node", "n1"), key(1));
    let request = Request {
        profile: Profile::NodeTls,
        subject: &subject,
        public_key: public.public_key(),
        credential: None,
        not_after: None,
    };
    let draft = || {
        Draft::new(&request, &world.certificate(IssuingCa::Node), Serial::new(1, &world.entropy), NOW)
            .unwrap()
    };
    let refused = draft().record(&Full).now_or_never().unwrap();
    assert!(refused.is_err());
    let prepared = draft().record(&Forgetful).now_or_never().unwrap().unwrap();
    assert!(matches!(prepared.sign(&key(2)), Err(IssueError::WrongKey)));
}
