//! RFC 9421's own vectors, then our requests and answers, and every way to break them.

use std::cell::RefCell;
use std::collections::HashSet;

use types::{Entropy, Timestamp};

use super::fields::Input;
use super::*;
use crate::key::{KeyPair, Signer};
use crate::public_key::{Curve, PublicKey};

const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_000);
const BODY: &[u8] = br#"{"amount":1250}"#;
const TAG: &str = "lian-merchant-v1";
const POLICY: Policy<'static> = Policy { tag: TAG, now: NOW };

struct Fixed(u8);
impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn key() -> KeyPair {
    KeyPair::generate(Curve::P256, &Fixed(7)).unwrap()
}

const SIGNING: Signing<'static> = Signing { tag: TAG, now: NOW, nonce: [9; 16] };
const HEADERS: [(&str, &str); 2] = [("Content-Type", "application/json"), ("Idempotency-Key", "order-1")];
const PARTS: RequestParts<'static> = RequestParts {
    method: "POST",
    authority: "pay.example",
    path: "/v1/payments",
    query: "expand=refunds",
    headers: &HEADERS,
};

/// The headers as they travel: the request's own and the signature's.
fn travelling<'a>(own: &[(&'a str, &'a str)], signed: &'a SignatureHeaders) -> Vec<(&'a str, &'a str)> {
    own.iter().copied().chain(signed.pairs()).collect()
}

fn verdict(parts: &RequestParts<'_>, body: &[u8]) -> Result<VerifiedSignature, SignatureError> {
    verify_request(parts, body, &POLICY, |_| Some(key().public_key().clone()), |_, _, _| true)
}

/// RFC 9421 appendix B.2.4, "Signing a Response Using ecdsa-p256-sha256", with the key of appendix B.1.3.
#[test]
fn the_response_of_appendix_b_2_4_verifies() {
    let spki = crate::b64::decode_standard(
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50V\
         GGdldkkDXZCnTNnoXQ==",
    )
    .unwrap();
    let key = PublicKey::from_spki(&spki).unwrap();
    let digest =
        "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
    let headers =
        [("Content-Type", "application/json"), ("Content-Digest", digest), ("Content-Length", "23")];
    let response = ResponseParts { status: 200, headers: &headers };
    let header = r#"sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#;
    let dictionary: sfv::Dictionary = sfv::Parser::new(header).parse().unwrap();
    let input = Input::read(dictionary.get("sig-b24").unwrap()).unwrap();

    let base = signature_base(&Message::Response(&response, None), &input).unwrap();

    let expected = format!(
        "\"@status\": 200\n\"content-type\": application/json\n\"content-digest\": {digest}\n\"content-length\": 23\n\
         \"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\""
    );
    assert_eq!(base, expected);
    let signature = crate::b64::decode_standard(
        "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==",
    )
    .unwrap();
    key.verify_fixed(base.as_bytes(), &signature).unwrap();
    assert!(key.verify_fixed(base.replace("200", "201").as_bytes(), &signature).is_err());
}

/// RFC 9421 section 2.2: the derived components of a request, as its examples write them.
#[test]
fn derived_components_are_written_as_in_section_2_2() {
    let request = RequestParts {
        method: "POST",
        authority: "WWW.Example.com",
        path: "",
        query: "",
        headers: &[("X-A", " 1 "), ("x-a", "2")],
    };
    let components = ["@method", "@authority", "@path", "@query", "x-a"].map(Component::own);
    let input = Input::make(components.to_vec(), vec![]).unwrap();
    let base = signature_base(&Message::Request(&request), &input).unwrap();
    assert_eq!(
        base,
        "\"@method\": POST\n\"@authority\": www.example.com\n\"@path\": /\n\"@query\": ?\n\"x-a\": 1, 2\n\
         \"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"@query\" \"x-a\")"
    );
}

#[test]
fn a_signed_request_is_believed_once() {
    let key = key();
    let signed = sign_request(&PARTS, BODY, &SIGNING, &key).unwrap();
    let headers = travelling(&HEADERS, &signed);
    let parts = RequestParts { headers: &headers, ..PARTS };
    let seen = RefCell::new(HashSet::new());
    let verify = || {
        verify_request(
            &parts,
            BODY,
            &POLICY,
            |id| (*id == key.public_key().id()).then(|| key.public_key().clone()),
            |id, nonce, _| seen.borrow_mut().insert((*id, nonce.to_owned())),
        )
    };
    let verified = verify().unwrap();
    assert_eq!((verified.key, verified.expires), (key.public_key().id(), NOW.plus_ms(300_000)));
    assert_eq!(verify(), Err(SignatureError::NonceReplayed));
}

#[test]
fn every_part_of_a_request_is_covered() {
    let signed = sign_request(&PARTS, BODY, &SIGNING, &key()).unwrap();
    let good = travelling(&HEADERS, &signed);
    let parts = RequestParts { headers: &good, ..PARTS };
    assert!(verdict(&parts, BODY).is_ok());

    let code = |parts: &RequestParts<'_>, body: &[u8]| verdict(parts, body).unwrap_err().code();
    assert_eq!(code(&RequestParts { method: "PUT", ..parts }, BODY), "signature_invalid");
    assert_eq!(code(&RequestParts { authority: "pay.example.evil", ..parts }, BODY), "signature_invalid");
    assert_eq!(code(&RequestParts { path: "/v1/refunds", ..parts }, BODY), "signature_invalid");
    assert_eq!(code(&RequestParts { query: "", ..parts }, BODY), "signature_invalid");
    assert_eq!(code(&parts, b"{\"amount\":9999}"), "digest_mismatch");
    for (name, value) in [("Content-Type", "text/plain"), ("Idempotency-Key", "order-2")] {
        let headers: Vec<_> =
            good.iter().map(|&(n, v)| if n == name { (n, value) } else { (n, v) }).collect();
        assert_eq!(code(&RequestParts { headers: &headers, ..PARTS }, BODY), "signature_invalid", "{name}");
    }
    // Body and digest changed together: the digest is right, the signature no longer.
    let other = content_digest(b"{}");
    let headers: Vec<_> =
        good.iter().map(|&(n, v)| if n == "content-digest" { (n, &other[..]) } else { (n, v) }).collect();
    assert_eq!(code(&RequestParts { headers: &headers, ..PARTS }, b"{}"), "signature_invalid");
}

#[test]
fn a_signature_that_covers_less_or_says_less_is_refused() {
    let signed = sign_request(&PARTS, BODY, &SIGNING, &key()).unwrap();
    let code_with = |input: &str, signature: &str| {
        let headers: Vec<_> = HEADERS
            .into_iter()
            .chain([
                ("content-digest", &signed.content_digest[..]),
                ("signature-input", input),
                ("signature", signature),
            ])
            .collect();
        verdict(&RequestParts { headers: &headers, ..PARTS }, BODY).unwrap_err().code()
    };
    let with = |from: &str, to: &str| {
        let input = signed.signature_input.replace(from, to);
        assert_ne!(input, signed.signature_input, "{from} is not there");
        code_with(&input, &signed.signature)
    };
    for name in
        ["@method", "@authority", "@path", "@query", "content-digest", "content-type", "idempotency-key"]
    {
        assert_eq!(with(&format!("\"{name}\""), "\"@x\""), "component_missing", "{name}");
    }
    assert_eq!(with(";nonce=\"CQkJCQkJCQkJCQkJCQkJCQ\"", ""), "signature_parameter_missing");
    assert_eq!(with("\"CQkJCQkJCQkJCQkJCQkJCQ\"", "\"CQ\""), "signature_parameter_missing");
    assert_eq!(with("ecdsa-p256-sha256", "hmac-sha256"), "signature_algorithm_unsupported");
    assert_eq!(with(TAG, "another-tag"), "signature_missing");
    assert_eq!(with("\"@path\"", "\"@path\";sf"), "component_unsupported");
    assert_eq!(with("\"@path\"", "\"@path\" \"@path\""), "signature_malformed");
    assert_eq!(with("\"@path\"", "\"@path\" \"@signature-params\""), "signature_malformed");
    assert_eq!(with("\"@path\"", "\"@path\" \"x-not-there\""), "component_missing");
    assert_eq!(with("\"@path\"", "\"@path\" \"@method\";req"), "component_missing");
    assert_eq!(with("sig=(", "sig=((("), "signature_malformed");
    assert_eq!(with("created=1796113800", "created=1796113860"), "signature_invalid");
    assert_eq!(with("created=1796113800", "created=1796113861"), "signature_not_current");
    assert_eq!(with("created=1796113800", "created=1796113739"), "signature_not_current");
    assert_eq!(with("expires=1796114100", "expires=1796113800"), "signature_expired");
    assert_eq!(with("expires=1796114100", "expires=1796114101"), "signature_expired");
    let twice = format!("{}, {}", signed.signature_input, signed.signature_input.replacen("sig", "sig2", 1));
    assert_eq!(code_with(&twice, &signed.signature), "signature_ambiguous");
    assert_eq!(code_with(&signed.signature_input, "other=:AA==:"), "signature_missing");
    assert_eq!(code_with(&signed.signature_input, "sig=\"AA==\""), "signature_malformed");
    assert_eq!(code_with(&signed.signature_input, "sig=:AA==:"), "signature_invalid");
    assert_eq!(verdict(&PARTS, BODY).unwrap_err().code(), "signature_missing");
}

#[test]
fn an_unknown_key_and_a_weak_digest_are_refused() {
    let signed = sign_request(&PARTS, BODY, &SIGNING, &key()).unwrap();
    let headers = travelling(&HEADERS, &signed);
    let parts = RequestParts { headers: &headers, ..PARTS };
    let with_key = |found: Option<PublicKey>| {
        verify_request(&parts, BODY, &POLICY, |_| found, |_, _, _| true).unwrap_err().code()
    };
    assert_eq!(with_key(None), "key_unknown");
    let other = KeyPair::generate(Curve::P256, &Fixed(8)).unwrap();
    assert_eq!(with_key(Some(other.public_key().clone())), "key_unknown");

    for (digest, error) in [
        ("md5=:AA==:", SignatureError::DigestMissing),
        ("sha-256=AA", SignatureError::Malformed("Content-Digest")),
        ("sha-256=:AA==:", SignatureError::DigestMismatch),
        ("sha-256=(", SignatureError::Malformed("Content-Digest")),
    ] {
        assert_eq!(verify_content_digest(digest, BODY), Err(error), "{digest}");
    }
    // RFC 9530 appendix B.1: the digest of {"hello": "world"} and a line feed.
    let hello = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    assert_eq!(verify_content_digest(hello, b"{\"hello\": \"world\"}\n"), Ok(()));
}

#[test]
fn an_answer_belongs_to_its_request() {
    let (client, server) = (key(), KeyPair::generate(Curve::P256, &Fixed(8)).unwrap());
    let signed = sign_request(&PARTS, BODY, &SIGNING, &client).unwrap();
    let headers = travelling(&HEADERS, &signed);
    let request = RequestParts { headers: &headers, ..PARTS };
    let own = [("content-type", "application/json")];
    let response = ResponseParts { status: 201, headers: &own };
    let signed = sign_response(&response, b"{}", &request, &SIGNING, &server).unwrap();
    let response_headers = travelling(&own, &signed);
    let response = ResponseParts { status: 201, headers: &response_headers };
    let verify = |response: &ResponseParts<'_>, request: &RequestParts<'_>| {
        let known = |_: &crate::KeyId| Some(server.public_key().clone());
        verify_response(response, b"{}", request, &POLICY, known).map_err(|error| error.code())
    };
    assert!(verify(&response, &request).is_ok());
    assert_eq!(verify(&ResponseParts { status: 402, ..response }, &request), Err("signature_invalid"));

    // The same request signed again has another signature, so the answer is not one to it.
    let again = sign_request(&PARTS, BODY, &Signing { nonce: [1; 16], ..SIGNING }, &client).unwrap();
    let headers = travelling(&HEADERS, &again);
    assert_eq!(verify(&response, &RequestParts { headers: &headers, ..PARTS }), Err("signature_invalid"));
    // A request cannot pass for an answer, nor an answer without `;req` for one with it.
    assert_eq!(
        sign_response(&response, b"{}", &PARTS, &SIGNING, &server).unwrap_err().code(),
        "component_missing"
    );
}

#[test]
fn a_line_feed_cannot_speak_for_another_component() {
    let headers = [("Idempotency-Key", "a\n\"@path\": /v1/refunds"), ("Content-Type", "application/json")];
    let parts = RequestParts { headers: &headers, ..PARTS };
    assert_eq!(sign_request(&parts, BODY, &SIGNING, &key()).unwrap_err().code(), "component_missing");
}
