//! TLS 1.3 between our own servers: both ends show a certificate, each trusts one issuing CA. Configurations, no sockets.
//!
//! Resumption is off on both sides: a resumed session would skip the verifier, and with it revocation.

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use types::{Clock, Timestamp};
use webpki::EndEntityCert;

use crate::certificate::Certificate;
use crate::chain::{Anchor, ChainError, Refused, to_chain_error};
use crate::key::KeyPair;
use crate::profile::Purpose;

/// A TLS configuration that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key could not be handed to the TLS library.
    #[error(transparent)]
    Key(#[from] crate::KeyError),
    /// The TLS library refused, for example because key and certificate don't belong together.
    #[error("TLS: {0}")]
    Library(#[from] rustls::Error),
}

/// Who we are on a connection, and whom we accept at its other end.
pub struct Identity<'a> {
    /// Our certificate.
    pub certificate: &'a Certificate,
    /// Its key.
    pub key: &'a KeyPair,
    /// The one issuing CA of the other end.
    pub peer: Arc<Anchor>,
    /// What was revoked.
    pub refused: Arc<dyn Refused>,
    /// Tells the instant at which certificates must be valid.
    pub clock: Arc<dyn Clock>,
}

/// The server's side: a client without a good certificate does not get past the handshake.
///
/// # Errors
/// [`TlsError`] when key and certificate cannot be used.
pub fn server(identity: &Identity<'_>) -> Result<ServerConfig, TlsError> {
    let provider = provider();
    let verifier = Arc::new(PeerVerifier::new(identity, &provider));
    let (chain, key) = own(identity)?;
    let mut config = ServerConfig::builder_with_details(provider, time(identity))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The client's side: shows our certificate, accepts only a server of the one issuing CA that names the host called.
///
/// # Errors
/// [`TlsError`] when key and certificate cannot be used.
pub fn client(identity: &Identity<'_>) -> Result<ClientConfig, TlsError> {
    let provider = provider();
    let verifier = Arc::new(PeerVerifier::new(identity, &provider));
    let (chain, key) = own(identity)?;
    let mut config = ClientConfig::builder_with_details(provider, time(identity))
        .with_protocol_versions(&[&TLS13])?
        // "dangerous" is the library's word for a verifier that is not its own; ours asks more, not less.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(chain, key)?;
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn own(identity: &Identity<'_>) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let pkcs8 = identity.key.to_pkcs8()?;
    let key = PrivatePkcs8KeyDer::from(pkcs8.expose().clone());
    Ok((vec![CertificateDer::from(identity.certificate.der().to_vec())], key.into()))
}

fn time(identity: &Identity<'_>) -> Arc<dyn TimeProvider> {
    Arc::new(ClockTime(identity.clock.clone()))
}

struct ClockTime(Arc<dyn Clock>);

impl fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockTime")
    }
}

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        crate::chain::unix_time(self.0.now()).ok()
    }
}

/// Verifies the other end, as [`Anchor::verify`] does.
#[derive(Debug)]
struct PeerVerifier {
    anchor: Arc<Anchor>,
    refused: Arc<dyn Refused>,
    provider: Arc<CryptoProvider>,
}

impl PeerVerifier {
    fn new(identity: &Identity<'_>, provider: &Arc<CryptoProvider>) -> Self {
        Self { anchor: identity.peer.clone(), refused: identity.refused.clone(), provider: provider.clone() }
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let now = Timestamp::from_ms(seconds.saturating_mul(1000));
        self.anchor.verify_der(leaf, purpose, now, &*self.refused).map(|_| ()).map_err(to_tls_error)
    }

    fn signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }
}

/// TLS 1.2 is never negotiated, so its signatures are refused.
fn no_tls12() -> Result<HandshakeSignatureValid, rustls::Error> {
    Err(rustls::Error::General("TLS 1.2 is not spoken here".to_owned()))
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.verify(end_entity, Purpose::ClientAuth, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verify(end_entity, Purpose::ServerAuth, now)?;
        let entity =
            EndEntityCert::try_from(end_entity).map_err(|error| to_tls_error(to_chain_error(error)))?;
        entity
            .verify_is_valid_for_subject_name(server_name)
            .map_err(|error| to_tls_error(to_chain_error(error)))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// The alert that the other end gets to see, and the reason that our log gets.
fn to_tls_error(error: ChainError) -> rustls::Error {
    use rustls::CertificateError as Tls;
    rustls::Error::InvalidCertificate(match error {
        ChainError::Certificate(_) => Tls::BadEncoding,
        ChainError::UnknownIssuer | ChainError::IssuerExpired => Tls::UnknownIssuer,
        ChainError::BadSignature => Tls::BadSignature,
        ChainError::NotYetValid => Tls::NotValidYet,
        ChainError::Expired => Tls::Expired,
        ChainError::WrongPurpose | ChainError::IsCa => Tls::InvalidPurpose,
        ChainError::Revoked => Tls::Revoked,
        ChainError::WrongName => Tls::NotValidForName,
        ChainError::Invalid => Tls::ApplicationVerificationFailure,
    })
}
