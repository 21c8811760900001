//! TLS to the database: asked for in the URL by libpq's names, and then always checked.
//!
//! | setting | here |
//! |---|---|
//! | `sslmode` | `disable`, or left out: no TLS. `verify-full`, `verify-ca` and `require`: TLS, and all three check certificate and name |
//! | `sslrootcert` | PEM file of the authorities that may have signed the server's certificate; asks for TLS also without `sslmode` |
//! | `sslcert`, `sslkey` | our certificate with its chain, and its key, where the server wants them |

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// What a URL says of TLS.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    mode: Option<String>,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Splits a URL into what the driver reads, and how TLS is spoken; none: not at all.
pub(super) fn split(url: &str) -> Result<(String, Option<MakeRustlsConnect>), StoreError> {
    let (url, said) = take(url)?;
    Ok((url, said.connector()?))
}

/// Takes the settings of TLS out of a URL.
fn take(url: &str) -> Result<(String, Said), StoreError> {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut said, mut others) = (Said::default(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "sslmode" => said.mode = Some(value.to_owned()),
            "sslrootcert" => said.root = Some(file(name, value)?),
            "sslcert" => said.certificate = Some(file(name, value)?),
            "sslkey" => said.key = Some(file(name, value)?),
            _ => others.push(pair),
        }
    }
    let url = if others.is_empty() { before.to_owned() } else { format!("{before}?{}", others.join("&")) };
    Ok((url, said))
}

/// A process may be started anywhere, so a file is named from the root.
fn file(name: &str, value: &str) -> Result<PathBuf, StoreError> {
    let path = value.replace("%2F", "/").replace("%2f", "/");
    if path.starts_with('/') && !path.contains('%') {
        return Ok(PathBuf::from(path));
    }
    let rule = "must be an absolute path, with no other escape than %2F";
    Err(StoreError::Open(format!("{name} in the URL of the database {rule}; it is {value}")))
}

impl Said {
    fn connector(self) -> Result<Option<MakeRustlsConnect>, StoreError> {
        let rule = |text: &str| Err(StoreError::Open(format!("the URL of the database: {text}")));
        match self.mode.as_deref() {
            Some("disable") if self.root.is_some() || self.certificate.is_some() => {
                return rule("sslmode=disable and certificates contradict each other");
            }
            Some("disable") => return Ok(None),
            None if self.root.is_none() && self.certificate.is_none() && self.key.is_none() => {
                return Ok(None);
            }
            None | Some("require" | "verify-ca" | "verify-full") => {}
            Some("allow" | "prefer") => {
                return rule("sslmode=allow and prefer fall back to plain text: say verify-full, or disable");
            }
            Some(_) => return rule("sslmode is disable, require, verify-ca or verify-full"),
        }
        let Some(root) = self.root else {
            return rule(
                "TLS needs sslrootcert, the authority of the server's certificate: whoever sits on the \
                         line could show a certificate of their own",
            );
        };
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| StoreError::Open(error.to_string()))?
            .with_root_certificates(roots(&root)?);
        let config = match (self.certificate, self.key) {
            (None, None) => config.with_no_client_auth(),
            (Some(chain), Some(key)) => config
                .with_client_auth_cert(certificates(&chain)?, private_key(&key)?)
                .map_err(|error| StoreError::Open(format!("{} and its key: {error}", chain.display())))?,
            _ => return rule("sslcert and sslkey belong together"),
        };
        Ok(Some(MakeRustlsConnect::new(config)))
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Open(format!("cannot read {}: {error}", path.display()))
}

fn roots(path: &Path) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unreadable(path, &error))?;
    }
    Ok(roots)
}

/// The certificates of a file; at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let all = all.map_err(|error| unreadable(path, &error))?;
    if all.is_empty() { Err(unreadable(path, &"it holds no certificate")) } else { Ok(all) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, StoreError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_tls_is_taken_out_of_the_url() {
        let (url, said) =
            take("postgres://a@h/db?sslmode=verify-full&application_name=x&sslrootcert=%2Fetc/ca.pem")
                .unwrap();
        assert_eq!(url, "postgres://a@h/db?application_name=x");
        assert_eq!(
            (said.mode.as_deref(), said.root.as_deref()),
            (Some("verify-full"), Some(Path::new("/etc/ca.pem")))
        );
        assert_eq!(take("postgres://a@h/db").unwrap(), ("postgres://a@h/db".to_owned(), Said::default()));
    }

    /// The driver would take what stands behind the second question mark for its own.
    #[test]
    fn a_password_with_a_question_mark_does_not_lose_the_settings() {
        let options = super::super::PostgresOptions::default();
        let refused =
            super::super::connect::Target::parse("postgres://u:a?b@db/lian?sslmode=require", &options);
        assert!(matches!(refused, Err(StoreError::Open(_))));
    }

    #[test]
    fn whoever_asks_for_less_than_a_checked_line_is_told_why_not() {
        let refused = |query: &str| match split(&format!("postgres://a@h/db?{query}")) {
            Err(StoreError::Open(text)) => text,
            other => panic!("{query}: {:?}", other.map(|(url, tls)| (url, tls.is_some()))),
        };
        for (query, word) in [
            ("sslmode=require", "sslrootcert"),
            ("sslmode=prefer", "plain text"),
            ("sslmode=allow", "plain text"),
            ("sslmode=maybe", "sslmode is"),
            ("sslmode=disable&sslrootcert=/ca.pem", "contradict"),
            ("sslrootcert=ca.pem", "absolute"),
            ("sslrootcert=/etc/my%20ca.pem", "escape"),
            ("sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
            ("sslcert=/a.pem&sslkey=/b.pem", "sslrootcert"),
        ] {
            assert!(refused(query).contains(word), "{query}: {}", refused(query));
        }
        for plain in ["", "sslmode=disable", "connect_timeout=3"] {
            assert!(split(&format!("postgres://a@h/db?{plain}")).unwrap().1.is_none(), "{plain}");
        }
    }
}
