//! Another implementation's verdict: `openssl` on our chains, and on a passkey's assertion under a customer's certificate.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ca::{MemoryRegister, PasskeyEnrolment};
use futures_util::FutureExt as _;
use pki::IssuingCa;
use pki::webauthn::authenticator::SoftwareAuthenticator;
use pki::webauthn::verify_registration;
use support::{NOW, RP, Seeded, created, csr};
use types::CustomerId;

/// A directory of its own for one test.
struct Files(PathBuf);

impl Files {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lian-ca-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of its temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn openssl(arguments: &[&str]) -> Output {
    Command::new("openssl")
        .args(arguments)
        .output()
        .expect("the openssl program must be installed for this test")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Verifies a leaf up to the root at the instant of the test; the program's verdict and its words.
fn verify(root: &Path, issuing: &Path, leaf: &Path, more: &[&str]) -> (bool, String) {
    let at = NOW.seconds().to_string();
    let mut arguments =
        vec!["verify", "-x509_strict", "-attime", &at, "-CAfile", text(root), "-untrusted", text(issuing)];
    arguments.extend(more);
    arguments.push(text(leaf));
    let output = openssl(&arguments);
    let words = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&words).into_owned())
}

#[test]
fn openssl_believes_our_chains_for_their_purposes_and_no_others() {
    let made = created(MemoryRegister::default());
    let authority = &made.authority;
    let files = Files::new("chains");
    let root = files.put("root.pem", authority.root().pem());
    let issuing = |ca| files.put(ca_file(ca), authority.anchor(ca).unwrap().certificate().pem());
    let (node_ca, wallet_ca) = (issuing(IssuingCa::Node), issuing(IssuingCa::Wallet));
    let node = authority.issue_node(&["pcs.internal"], &csr(1)).now_or_never().unwrap().unwrap();
    let node = files.put("node.pem", node.pem());
    let wallet = authority.issue_wallet_server("w1", &csr(2)).now_or_never().unwrap().unwrap();
    let wallet = files.put("wallet.pem", wallet.pem());

    for (issuing, leaf, more, good) in [
        (&node_ca, &node, &["-purpose", "sslserver", "-verify_hostname", "pcs.internal"][..], true),
        (&node_ca, &node, &["-purpose", "sslclient"], true),
        (&node_ca, &node, &["-purpose", "sslserver", "-verify_hostname", "other.internal"], false),
        (&wallet_ca, &wallet, &["-purpose", "sslclient"], true),
        (&wallet_ca, &wallet, &["-purpose", "sslserver"], false),
        (&wallet_ca, &node, &["-purpose", "sslserver"], false),
    ] {
        let (verdict, words) = verify(&root, issuing, leaf, more);
        assert_eq!(verdict, good, "{more:?}: {words}");
    }
    // An hour after its end the node's certificate is refused, and for that reason.
    let late = (NOW.seconds() + 25 * 3600).to_string();
    let output = openssl(&[
        "verify",
        "-attime",
        &late,
        "-CAfile",
        text(&root),
        "-untrusted",
        text(&node_ca),
        text(&node),
    ]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("certificate has expired"));
}

const fn ca_file(ca: IssuingCa) -> &'static str {
    match ca {
        IssuingCa::Node => "node-ca.pem",
        _ => "wallet-ca.pem",
    }
}

/// The idea of the e-wallet: no private key of the customer is on any server, and still any X.509 tool verifies the consent.
#[test]
fn openssl_verifies_a_passkey_s_consent_under_the_customer_s_certificate() {
    let made = created(MemoryRegister::default());
    let mut phone = SoftwareAuthenticator::new(RP.id, RP.origins[0], &Seeded::new(4)).unwrap();
    let registered = verify_registration(&phone.register(b"create"), b"create", &RP).unwrap();
    let proof = phone.assert(&[5; 32]).unwrap();
    let enrolment =
        PasskeyEnrolment { registered: &registered, proof: &proof, challenge: &[5; 32], relying_party: RP };
    let certificate =
        made.authority.issue_customer(CustomerId::from_u128(7), &enrolment).now_or_never().unwrap().unwrap();
    let consent = phone.assert(&[6; 32]).unwrap();

    let files = Files::new("consent");
    let root = files.put("root.pem", made.authority.root().pem());
    let issuing =
        files.put("wallet-ca.pem", made.authority.anchor(IssuingCa::Wallet).unwrap().certificate().pem());
    let leaf = files.put("customer.pem", certificate.pem());
    let (verdict, words) = verify(&root, &issuing, &leaf, &[]);
    assert!(verdict, "{words}");

    let key = openssl(&["x509", "-in", text(&leaf), "-noout", "-pubkey"]);
    let key = files.put("key.pem", key.stdout);
    let signature = files.put("signature.der", &consent.signature);
    let mut signed = consent.signed_bytes();
    let verify = |signed: &Path| {
        openssl(&["dgst", "-sha256", "-verify", text(&key), "-signature", text(&signature), text(signed)])
            .status
            .success()
    };
    assert!(verify(&files.put("signed", &signed)));
    signed[0] ^= 1;
    assert!(!verify(&files.put("altered", &signed)));
}

#[test]
fn openssl_reads_what_our_certificates_say() {
    let made = created(MemoryRegister::default());
    let leaf = made.authority.issue_node(&["pcs.internal"], &csr(1)).now_or_never().unwrap().unwrap();
    let files = Files::new("text");
    let chain = files.put("chain.pem", made.authority.chain_pem(&leaf, IssuingCa::Node).unwrap());
    let output = openssl(&["x509", "-in", text(&chain), "-noout", "-text"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for wanted in [
        "Issuer: CN = Lian test node CA",
        "Subject: CN = pcs.internal",
        "X509v3 Basic Constraints: critical",
        "CA:FALSE",
        "X509v3 Key Usage: critical",
        "Digital Signature",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "URI:urn:lian:node:pcs.internal, DNS:pcs.internal",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "ecdsa-with-SHA256",
    ] {
        assert!(said.contains(wanted), "{wanted} is not in {said}");
    }
}
