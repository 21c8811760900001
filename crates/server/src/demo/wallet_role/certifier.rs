//! The wallet CA, as the wallet asks for it.

use ca::PasskeyEnrolment;
use pki::Certificate;
use wallet::{CertifierError, CustomerCertifier, Eventually, NewPasskey};

use crate::demo::pki_files::DemoAuthority;

/// Certifies customers' passkeys. The authority verifies the proof of possession itself.
pub struct Certifier(pub DemoAuthority);

impl CustomerCertifier for Certifier {
    fn certify<'a>(&'a self, passkey: NewPasskey<'a>) -> Eventually<'a, Result<Certificate, CertifierError>> {
        Box::pin(async move {
            let enrolment = PasskeyEnrolment {
                registered: passkey.registered,
                proof: passkey.proof,
                challenge: passkey.challenge,
                relying_party: passkey.relying_party,
            };
            let issued = self.0.issue_customer(passkey.holder, &enrolment).await;
            issued.map_err(|error| CertifierError(error.to_string()))
        })
    }
}
