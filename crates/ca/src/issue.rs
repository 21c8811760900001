//! Issuing: one function for each kind of certificate.

use pki::issue::Request;
use pki::webauthn::{Assertion, Registered, RelyingParty, verify_assertion};
use pki::{Certificate, Csr, Draft, IssueError, Profile, Serial, Subject};
use types::{CustomerId, MerchantId};

use crate::authority::Authority;
use crate::error::AuthorityError;
use crate::register::CertificateRegister;

/// A customer's passkey, and the proof that its key is in the customer's hand. A passkey cannot sign a PKCS #10 request; an
/// assertion over a fresh challenge proves the same (the RA-verified proof of RFC 4211 section 4).
#[derive(Clone, Copy, Debug)]
pub struct PasskeyEnrolment<'a> {
    /// The passkey as it was registered.
    pub registered: &'a Registered,
    /// An assertion of it.
    pub proof: &'a Assertion,
    /// The challenge of that assertion: made by the wallet server, used once. The challenge of a first payment will do.
    pub challenge: &'a [u8],
    /// The relying party.
    pub relying_party: RelyingParty<'a>,
}

impl<R: CertificateRegister> Authority<R> {
    /// TLS of one of our servers, both ends: 24 hours.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn issue_node(&self, hosts: &[&str], csr: &Csr) -> Result<Certificate, AuthorityError> {
        let first = hosts.first().ok_or(AuthorityError::NoHostName)?;
        self.issue(Profile::NodeTls, &Subject::named("node", first).with_dns(hosts), csr).await
    }

    /// The key to which payment instructions are sealed: seven days.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn issue_node_encryption(&self, csr: &Csr) -> Result<Certificate, AuthorityError> {
        let subject = Subject::named("enc", &csr.public_key().id().to_string());
        self.issue(Profile::NodeEncryption, &subject, csr).await
    }

    /// A merchant's request signing: 30 days.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn issue_merchant(
        &self,
        merchant: MerchantId,
        csr: &Csr,
    ) -> Result<Certificate, AuthorityError> {
        self.issue(Profile::MerchantSign, &Subject::named("merchant", &merchant.to_string()), csr).await
    }

    /// A wallet server, as TLS client and as witness: seven days.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn issue_wallet_server(&self, name: &str, csr: &Csr) -> Result<Certificate, AuthorityError> {
        self.issue(Profile::WalletServer, &Subject::named("wallet", name), csr).await
    }

    /// A customer's passkey: one year. Certifies the passkey's own key, so no private key of a customer is on any server.
    ///
    /// # Errors
    /// [`AuthorityError::Possession`] when the assertion is not one of this passkey over this challenge.
    pub async fn issue_customer(
        &self,
        customer: CustomerId,
        enrolment: &PasskeyEnrolment<'_>,
    ) -> Result<Certificate, AuthorityError> {
        let PasskeyEnrolment { registered, proof, challenge, relying_party } = enrolment;
        if proof.credential_id != registered.credential_id || relying_party.id != registered.rp_id {
            return Err(pki::webauthn::WebauthnError::CredentialId.into());
        }
        verify_assertion(proof, challenge, relying_party, &registered.public_key)?;
        let subject = Subject::named("customer", &customer.to_string());
        let credential = registered.certified();
        let request = Request {
            profile: Profile::Customer,
            subject: &subject,
            public_key: &registered.public_key,
            credential: Some(&credential),
            not_after: None,
        };
        self.carry_out(&request).await
    }

    async fn issue(
        &self,
        profile: Profile,
        subject: &Subject,
        csr: &Csr,
    ) -> Result<Certificate, AuthorityError> {
        let request =
            Request { profile, subject, public_key: csr.public_key(), credential: None, not_after: None };
        self.carry_out(&request).await
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<Certificate, AuthorityError> {
        let ca = request.profile.rules().issuer.ok_or(IssueError::Issuer("no issuing CA issues this"))?;
        let issuing = self.issuing(ca)?;
        let serial = Serial::new(self.instance, &*self.entropy);
        let draft = Draft::new(request, issuing.anchor.certificate(), serial, self.clock.now())?;
        Ok(draft.issue(&issuing.key, &self.register).await?)
    }
}
