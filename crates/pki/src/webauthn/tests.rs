//! A passkey's life with the software authenticator, and every lie that a client could tell.

use proptest::prelude::*;
use types::Entropy;

use super::authenticator::SoftwareAuthenticator;
use super::*;

const RP: RelyingParty<'static> = RelyingParty { id: "pay.example", origins: &["https://pay.example"] };
const CHALLENGE: [u8; 32] = [7; 32];

struct Counting;
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().zip(1..).for_each(|(byte, number)| *byte = number);
    }
}

fn authenticator() -> SoftwareAuthenticator {
    SoftwareAuthenticator::new("pay.example", "https://pay.example", &Counting).unwrap()
}

fn registered(authenticator: &SoftwareAuthenticator) -> Registered {
    verify_registration(&authenticator.register(&CHALLENGE), &CHALLENGE, &RP).unwrap()
}

#[test]
fn a_passkey_is_registered_and_then_consents() {
    let mut phone = authenticator();
    let passkey = registered(&phone);
    assert_eq!(passkey.credential_id, phone.credential_id());

    let assertion = phone.assert(&CHALLENGE).unwrap();
    let facts = verify_assertion(&assertion, &CHALLENGE, &RP, &passkey.public_key).unwrap();

    assert_eq!(facts.sign_count, 1);
    assert!(!facts.counter_went_back(0) && facts.counter_went_back(1));
    let json = serde_json::to_string(&assertion).unwrap();
    assert_eq!(serde_json::from_str::<Assertion>(&json).unwrap(), assertion);
}

/// Each lie is rightly signed by the right key, so that only the check named can find it.
#[test]
fn every_lie_of_a_client_is_named() {
    let mut phone = authenticator();
    let key = registered(&phone).public_key;
    let good = String::from_utf8(phone.client_data(Ceremony::Get, &CHALLENGE)).unwrap();
    let data = |phone: &SoftwareAuthenticator| phone.data(0b101);
    let says = |phone: &SoftwareAuthenticator, text: &str| {
        phone.sign(text.as_bytes().to_vec(), data(phone)).unwrap()
    };
    let shows =
        |phone: &SoftwareAuthenticator, data: Vec<u8>| phone.sign(good.clone().into_bytes(), data).unwrap();
    let verdict = |assertion: &Assertion| verify_assertion(assertion, &CHALLENGE, &RP, &key).map(|_| ());

    assert_eq!(verdict(&says(&phone, &good)), Ok(()));
    use WebauthnError::*;
    for (from, to, error) in [
        ("webauthn.get", "webauthn.create", Type),
        ("webauthn.get", "payment.get", Type),
        ("\"BwcH", "\"CAcH", Challenge),
        ("Bw\"", "Bw=\"", Challenge),
        ("https://pay.example", "https://pay.example.evil", Origin),
        ("https://pay.example", "http://pay.example", Origin),
        ("https://pay.example", "https://pay.example:443", Origin),
        ("\"crossOrigin\":false", "\"crossOrigin\":true", CrossOrigin),
        ("\"crossOrigin\":false", "\"topOrigin\":\"https://shop.example\"", CrossOrigin),
        ("\"crossOrigin\":false", "\"challenge\":\"AAAA\"", ClientData),
        ("\"crossOrigin\":false", "\"x\":1,\"x\":2", ClientData),
        ("\"crossOrigin\":false}", "\"crossOrigin\":false}}", ClientData),
        ("{\"type\"", "\u{feff}{\"type\"", ClientData),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "the lie {to} was not told");
        assert_eq!(verdict(&says(&phone, &text)), Err(error), "{to}");
    }

    for (flags, error) in [
        (0b100, UserPresence),
        (0b001, UserVerification),
        (0b1_0101, AuthenticatorData),
        (0b111, AuthenticatorData),
    ] {
        assert_eq!(verdict(&shows(&phone, phone.data(flags))), Err(error), "{flags:b}");
    }
    assert_eq!(verdict(&shows(&phone, [data(&phone), vec![0]].concat())), Err(AuthenticatorData));
    assert_eq!(verdict(&shows(&phone, data(&phone)[..36].to_vec())), Err(AuthenticatorData));
    let mut elsewhere = data(&phone);
    elsewhere[0] ^= 1;
    assert_eq!(verdict(&shows(&phone, elsewhere)), Err(RelyingParty));

    let mut forged = phone.assert(&CHALLENGE).unwrap();
    forged.signature[10] ^= 1;
    assert_eq!(verdict(&forged), Err(Signature));
    let stranger =
        SoftwareAuthenticator::new("pay.example", "https://pay.example", &types_test::Other).unwrap();
    assert_eq!(verdict(&says(&stranger, &good)), Err(Signature));
}

#[test]
fn a_registration_is_no_assertion_and_the_other_way_round() {
    let mut phone = authenticator();
    let passkey = registered(&phone);
    let assertion = phone.assert(&CHALLENGE).unwrap();
    let registration = phone.register(&CHALLENGE);

    let as_registration =
        Registration { client_data_json: assertion.client_data_json, ..registration.clone() };
    assert_eq!(verify_registration(&as_registration, &CHALLENGE, &RP), Err(WebauthnError::Type));
    let as_assertion = phone.sign(registration.client_data_json, assertion.authenticator_data).unwrap();
    assert_eq!(
        verify_assertion(&as_assertion, &CHALLENGE, &RP, &passkey.public_key),
        Err(WebauthnError::Type)
    );
}

#[test]
fn an_attestation_object_is_read_to_its_end_and_no_further() {
    let good = authenticator().register(&CHALLENGE);
    let verdict = |object: Vec<u8>| {
        let registration = Registration { attestation_object: object, ..good.clone() };
        verify_registration(&registration, &CHALLENGE, &RP).map(|_| ())
    };
    assert_eq!(verdict(good.attestation_object.clone()), Ok(()));
    for len in 0..good.attestation_object.len() {
        assert!(verdict(good.attestation_object[..len].to_vec()).is_err(), "cut at {len}");
    }
    assert_eq!(verdict([&good.attestation_object[..], &[0]].concat()), Err(WebauthnError::Attestation));
    // A fourth pair, and a key of another curve point: the last byte is the end of y.
    let mut more = good.attestation_object.clone();
    more[0] = 0xa4;
    assert_eq!(verdict(more), Err(WebauthnError::Attestation));
    let mut off_curve = good.attestation_object;
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(verdict(off_curve), Err(WebauthnError::Key));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = AuthenticatorData::read(&bytes);
        let _ = ClientData::read(&bytes);
        let registration = Registration { attestation_object: bytes, ..authenticator().register(&CHALLENGE) };
        prop_assert!(verify_registration(&registration, &CHALLENGE, &RP).is_err());
    }
}

mod types_test {
    pub struct Other;
    impl types::Entropy for Other {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x42);
        }
    }
}
