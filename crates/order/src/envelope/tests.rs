//! The envelope against RFC 7518's vector, against another library's envelopes, and against every bit of its own.

use pki::{AgreementKey, b64};
use types::PaymentId;

use super::kdf::concat_kdf;
use super::{EnvelopeError, Opened, Recipient, open, seal};
use crate::hash::Digest;
use crate::secret_payment::PaymentInstruction;
use crate::tests::world::Seeded;

fn key(d: &str) -> AgreementKey {
    AgreementKey::from_scalar(&b64::decode_array(d).unwrap()).unwrap()
}

/// RFC 7518 appendix C: the keys of Alice and Bob.
const ALICE: &str = "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo";
const BOB: &str = "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw";

/// RFC 7518 appendix C, "Example ECDH-ES Key Agreement Computation".
#[test]
fn the_key_agreement_of_rfc_7518_appendix_c() {
    let (alice, bob) = (key(ALICE), key(BOB));
    let x = "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0";
    assert_eq!(b64::encode(alice.public_key().coordinates().0), x);
    let secret = alice.agree(bob.public_key()).unwrap();
    assert_eq!(&secret[..4], [158, 86, 217, 29]);
    assert_eq!(secret, bob.agree(alice.public_key()).unwrap());
    let derived = concat_kdf(&secret, "A128GCM", b"Alice", b"Bob", 128);
    assert_eq!(b64::encode(&derived), "VqqN6vgjbSBcIijNcacQGg");
}

fn jwcrypto(name: &str) -> &'static str {
    let vectors = include_str!("../../vectors/jwcrypto.txt");
    let line = vectors.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect("a vector of this name")
}

#[test]
fn an_envelope_of_another_library_opens() {
    let opened = open(jwcrypto("good"), &vec![key(BOB)]).unwrap();
    let instruction = PaymentInstruction::from_canonical(&opened.plain).unwrap();
    assert_eq!((instruction.payment, instruction.amount), (opened.payment, 12_50));
    assert_eq!(opened.h_pi, PaymentInstruction::digest_of(&opened.plain));
}

/// Other algorithms, compression, and headers that would lead elsewhere.
#[test]
fn headers_that_play_games_are_refused() {
    for name in ["zip", "a128kw", "direct", "a128gcm", "apu", "jku"] {
        assert_eq!(refusal(jwcrypto(name), &[key(BOB)]), EnvelopeError::Form, "{name}");
    }
    assert_eq!(refusal(jwcrypto("good"), &[key(ALICE)]), EnvelopeError::WrongRecipient);
    assert_eq!(refusal(jwcrypto("good"), &[]), EnvelopeError::WrongRecipient);
}

fn refusal(envelope: &str, keys: &[AgreementKey]) -> EnvelopeError {
    struct Keys<'a>(&'a [AgreementKey]);
    impl super::Recipients for Keys<'_> {
        fn key(&self, id: &pki::KeyId) -> Option<&AgreementKey> {
            super::Recipients::key(self.0, id)
        }
    }
    open(envelope, &Keys(keys)).map(|_| ()).unwrap_err()
}

#[test]
fn what_is_sealed_opens_and_no_letter_of_it_can_be_changed() {
    let entropy = Seeded::default();
    let own = vec![key(BOB)];
    let recipient = Recipient::unchecked(own[0].public_key().clone());
    let (payment, h_pi) = (PaymentId::from_u128(1), Digest::from_bytes([3; 32]));
    let envelope = seal(b"secret", &recipient, &payment, &h_pi, &entropy).unwrap();
    let Opened { plain, kid, payment: named, h_pi: hash } = open(&envelope, &own).unwrap();
    assert_eq!((&plain[..], kid, named, hash), (&b"secret"[..], own[0].id(), payment, h_pi));

    for place in 0..envelope.len() {
        let mut altered = envelope.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        assert!(open(std::str::from_utf8(&altered).unwrap(), &own).is_err(), "letter {place}");
        assert!(open(&envelope[..place], &own).is_err(), "cut at {place}");
    }
    assert!(open(&format!("{envelope}."), &own).is_err());
    // Sealed twice, nothing repeats but the header's fixed members.
    let again = seal(b"secret", &recipient, &payment, &h_pi, &entropy).unwrap();
    let parts = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    assert!(parts(&envelope).iter().zip(parts(&again)).all(|(left, right)| *left != right));
}

/// An ephemeral key off the curve would give the private key away, bit by bit (invalid curve attack).
#[test]
fn an_ephemeral_key_off_the_curve_is_refused() {
    let envelope = jwcrypto("good");
    let (protected, rest) = envelope.split_once('.').unwrap();
    let header = String::from_utf8(b64::decode(protected).unwrap()).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&header).unwrap();
    let mut y: [u8; 32] = b64::decode_array(json["epk"]["y"].as_str().unwrap()).unwrap();
    y[31] ^= 1;
    json["epk"]["y"] = b64::encode(&y).into();
    let forged = format!("{}.{rest}", b64::encode(json.to_string().as_bytes()));
    assert_eq!(refusal(&forged, &[key(BOB)]), EnvelopeError::Form);
    // A duplicate member, of which two readers would take different ones.
    let twice = header.replacen('{', r#"{"alg":"none","#, 1);
    assert_eq!(
        refusal(&format!("{}.{rest}", b64::encode(twice.as_bytes())), &[key(BOB)]),
        EnvelopeError::Form
    );
}
