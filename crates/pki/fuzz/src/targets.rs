//! What the fuzzer feeds, and what must hold. The crate's own tests run the corpus through the same functions.
//!
//! ```text
//! cd crates/pki && cargo +nightly fuzz run certificate
//! ```

use pki::http::{Policy, RequestParts, SignatureError, verify_request};
use pki::webauthn::{
    AuthenticatorData, Ceremony, ClientData, Registration, RelyingParty, verify_registration,
};
use pki::{Certificate, Csr, PublicKey};
use types::Timestamp;

const RP: RelyingParty<'static> = RelyingParty { id: "pay.example", origins: &["https://pay.example"] };

/// What is accepted keeps its bytes, and has a life that can be reckoned with.
pub fn certificate(data: &[u8]) {
    let Ok(read) = Certificate::from_der(data) else { return };
    assert_eq!(read.der(), data);
    assert_eq!(Certificate::from_pem(&read.pem()).as_deref(), Ok(&[read.clone()][..]));
    let _ = (read.renew_from(), read.id_of_kind("node"), read.signed_by(read.public_key()));
}

/// What is accepted names a key that reads back.
pub fn csr(data: &[u8]) {
    let Ok(read) = Csr::from_der(data) else { return };
    assert_eq!(PublicKey::from_spki(read.public_key().spki()).as_ref(), Ok(read.public_key()));
}

/// What is accepted passes for one ceremony at most.
pub fn client_data(data: &[u8]) {
    let Ok(read) = ClientData::read(data) else { return };
    let passes = |ceremony| read.check(ceremony, &[7; 32], &RP).is_ok();
    assert!(!(passes(Ceremony::Create) && passes(Ceremony::Get)));
}

/// A registration whose client data is right never panics, and what it yields reads back.
pub fn attestation(data: &[u8]) {
    let challenge = pki::b64::encode(&[7; 32]);
    let client_data_json =
        format!(r#"{{"type":"webauthn.create","challenge":"{challenge}","origin":"https://pay.example"}}"#);
    let registration =
        Registration { client_data_json: client_data_json.into_bytes(), attestation_object: data.to_vec() };
    let Ok(registered) = verify_registration(&registration, &[7; 32], &RP) else { return };
    assert!((1..=1023).contains(&registered.credential_id.len()));
    assert_eq!(PublicKey::from_spki(registered.public_key.spki()), Ok(registered.public_key));
}

/// What is accepted has the bytes that its flags announce, and no more: any longer input is refused.
pub fn authenticator_data(data: &[u8]) {
    if AuthenticatorData::read(data).is_ok() {
        assert!(AuthenticatorData::read(&[data, &[0]].concat()).is_err());
    }
}

/// Nobody who does not have the key is believed: the data is `Signature-Input`, and after a line feed `Signature`.
pub fn signature_headers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (input, signature) = text.split_once('\n').unwrap_or((text, "sig=:AA==:"));
    let digest = pki::http::content_digest(b"{}");
    let headers = [("content-digest", &digest[..]), ("signature-input", input), ("signature", signature)];
    let parts =
        RequestParts { method: "POST", authority: "pay.example", path: "/v1", query: "", headers: &headers };
    let policy = Policy { tag: "lian-merchant-v1", now: Timestamp::from_ms(1_796_113_800_000) };
    let spki = pki::b64::decode(
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivAxzic30tMM4GF-hR6Dxh71Z50V\
         GGdldkkDXZCnTNnoXQ",
    );
    // The key of RFC 9421 appendix B.1.3.
    let key = spki.ok().and_then(|spki| PublicKey::from_spki(&spki).ok());
    let verdict = verify_request(&parts, b"{}", &policy, |_| key, |_, _, _| true);
    assert_ne!(verdict.as_ref().err(), Some(&SignatureError::NonceReplayed));
    assert!(verdict.is_err());
}
