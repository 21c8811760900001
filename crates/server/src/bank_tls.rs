//! TLS on links to banks, around the connection that `hostlink` opens: version 1.3, the bank's certificate from an authority
//! that the operator names and no other, our own certificate where the bank wants one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hostlink::{Connect, Connecting, Stream, TcpConnect};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsConnector;

use crate::fault::{Fault, Tried as _};

/// Whom a link believes, and as whom it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankTls {
    /// The authorities, PEM, that may have signed the bank's certificate. The machine's own list is not looked at: a bank's
    /// link has one far end.
    pub ca_file: PathBuf,
    /// Our certificate with its chain, and its key, both PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name in the bank's certificate; none: the host of the address.
    pub server_name: Option<String>,
}

impl BankTls {
    /// What opens connections to `host:port`.
    pub fn connect_to(&self, address: &str) -> Result<Arc<dyn Connect>, Fault> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
        let name = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).tried(format!("{name} is no name of a server"))?;
        let connector = TlsConnector::from(Arc::new(self.client()?));
        Ok(Arc::new(TlsConnect { tcp: TcpConnect::new(address), name, connector }))
    }

    fn client(&self) -> Result<ClientConfig, Fault> {
        let believed = roots(&self.ca_file)?;
        let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_root_certificates(believed);
        match &self.identity {
            None => Ok(config.with_no_client_auth()),
            Some((chain, key)) => {
                let config = config.with_client_auth_cert(certificates(chain)?, private_key(key)?);
                config.tried(format!("{} and its key", chain.display()))
            }
        }
    }
}

/// TLS at a simulated bank: its certificate and key, and the authority of those who may call, where it wants to know.
pub fn far_end(chain: &Path, key: &Path, client_ca: Option<&Path>) -> Result<Arc<ServerConfig>, Fault> {
    let config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let config = match client_ca {
        None => config.with_no_client_auth(),
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots(path)?)).build();
            config
                .with_client_cert_verifier(verifier.tried(format!("the certificates of {}", path.display()))?)
        }
    };
    let config = config.with_single_cert(certificates(chain)?, private_key(key)?);
    Ok(Arc::new(config.tried(format!("{} and its key", chain.display()))?))
}

fn roots(path: &Path) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).tried(format!("a certificate of {}", path.display()))?;
    }
    Ok(roots)
}

/// The certificates of a file; at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let all = all.tried(format!("cannot read {}", path.display()))?;
    if all.is_empty() {
        Err(Fault::plain(format!("{} holds no certificate", path.display())))
    } else {
        Ok(all)
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_file(path).tried(format!("cannot read {}", path.display()))
}

/// TLS over TCP. The link limits how long both handshakes may take together.
struct TlsConnect {
    tcp: TcpConnect,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Connect for TlsConnect {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let stream = self.tcp.connect().await?;
            let stream = self.connector.connect(self.name.clone(), stream).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hostlink::{Host, LinkParts, LinkState, shipped_bank};
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use tempfile::TempDir;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use types::{Secret, SystemClock};
    use vault::{SystemEntropy, Vault};

    use super::*;
    use crate::links;

    const TMK: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";

    /// An authority, and a certificate of it for `localhost`, in files.
    struct Files(TempDir);

    impl Files {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut authority = CertificateParams::new(Vec::new()).unwrap();
            authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
            let key = KeyPair::generate().unwrap();
            let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            let leaf = leaf.signed_by(&key, &authority).unwrap();
            std::fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
            std::fs::write(dir.path().join("cert.pem"), leaf.pem()).unwrap();
            std::fs::write(dir.path().join("key.pem"), key.serialize_pem()).unwrap();
            Self(dir)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn identity(&self) -> Option<(PathBuf, PathBuf)> {
            Some((self.path("cert.pem"), self.path("key.pem")))
        }
    }

    /// A simulated bank behind TLS; returns its port.
    async fn bank(files: &Files, client_ca: Option<&Path>) -> u16 {
        let bank = banksim::Bank::start(banksim::BankConfig {
            profile: Arc::new(shipped_bank("iso87-ascii").unwrap()),
            tmk: Secret::new(TMK),
            listen: None,
            log: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            transcript_lines: 0,
        });
        let bank = bank.await.unwrap();
        let config = far_end(&files.path("cert.pem"), &files.path("key.pem"), client_ca).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Who is not let in has to find out by himself.
                if let Ok(stream) = acceptor.accept(stream).await {
                    bank.take(stream);
                }
            }
        });
        port
    }

    /// A link, once it is up or its first connection was refused.
    async fn link(tls: &BankTls, port: u16) -> (Host, LinkState) {
        let profile = Arc::new(shipped_bank("iso87-ascii").unwrap());
        let connect = tls.connect_to(&format!("127.0.0.1:{port}")).unwrap();
        let first = connect.connect().await.map(drop);
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open_or_create(&dir.path().join("vault.key"), Arc::new(SystemEntropy)).unwrap();
        let keys = links::MasterKey::tdes(&Secret::new(TMK)).unwrap().keys(&profile).unwrap();
        let host = Host::start(
            LinkParts {
                terminal: "00000001".to_owned(),
                acceptor: "000000000000001".to_owned(),
                security: Arc::new(pcs::LinkKeys::new(keys, Arc::new(vault))),
                profile,
                connect,
                clock: Arc::new(SystemClock),
                entropy: Arc::new(SystemEntropy),
            },
            Vec::new(),
        );
        if first.is_err() {
            return (host.clone(), host.state());
        }
        let up = tokio::time::timeout(Duration::from_secs(20), host.until(|state| state == LinkState::Up));
        let state = up.await.unwrap_or(host.state());
        (host, state)
    }

    fn believing(files: &Files) -> BankTls {
        let server_name = Some("localhost".to_owned());
        BankTls { ca_file: files.path("ca.pem"), identity: None, server_name }
    }

    #[tokio::test]
    async fn a_link_signs_on_over_tls_with_its_own_certificate() {
        let (at_bank, ours) = (Files::new(), Files::new());
        let port = bank(&at_bank, Some(&ours.path("ca.pem"))).await;
        let tls = BankTls { identity: ours.identity(), ..believing(&at_bank) };
        let (host, state) = link(&tls, port).await;
        assert_eq!(state, LinkState::Up);
        assert_eq!(host.counters().key_exchanges, 1, "the keys came over it");
    }

    #[tokio::test]
    async fn a_far_end_of_another_authority_or_name_is_not_spoken_to() {
        let (at_bank, other) = (Files::new(), Files::new());
        let port = bank(&at_bank, None).await;
        let address = format!("127.0.0.1:{port}");
        for tls in [
            believing(&other),
            BankTls { server_name: Some("bank.example".to_owned()), ..believing(&at_bank) },
            // The address itself is no name of the certificate.
            BankTls { server_name: None, ..believing(&at_bank) },
        ] {
            let error = tls.connect_to(&address).unwrap().connect().await.err().unwrap().to_string();
            assert!(error.starts_with("invalid peer certificate"), "{error}");
        }
        assert_eq!(link(&believing(&at_bank), port).await.1, LinkState::Up);
    }

    #[test]
    fn what_is_wrong_with_the_files_is_named() {
        let files = Files::new();
        let refused = |tls: BankTls| tls.connect_to("localhost:9583").err().unwrap().to_string();
        assert!(
            refused(BankTls { ca_file: files.path("key.pem"), ..believing(&files) })
                .contains("no certificate")
        );
        assert!(
            refused(BankTls { ca_file: files.path("none.pem"), ..believing(&files) }).contains("none.pem")
        );
        let other = Files::new();
        let identity = Some((files.path("cert.pem"), other.path("key.pem")));
        assert!(refused(BankTls { identity, ..believing(&files) }).contains("cert.pem and its key"));
    }
}
