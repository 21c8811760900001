//! TLS of a public listener, from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::fault::{Fault, Tried as _};

/// TLS 1.3 with the given chain and key; clients show no certificate.
pub fn server(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, Fault> {
    let cannot = |path: &Path| format!("cannot read {}", path.display());
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(chain).and_then(Iterator::collect).tried(cannot(chain))?;
    let key_der = PrivateKeyDer::from_pem_file(key).tried(cannot(key))?;
    let config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(certificates, key_der);
    let mut config = config.tried("the TLS certificate and its key")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
