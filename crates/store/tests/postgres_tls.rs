//! The line to PostgreSQL under TLS: the server's own `ssl`, certificates of an authority of the test's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgserver::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use store::{
    PostgresOptions, Settings, Shard, Store, StoreError, Unit, open_postgres, open_postgres_read_only,
};
use tempfile::TempDir;
use types::Timestamp;

/// An authority, with files of what it signs.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// A certificate for this name, and its key.
    fn signs(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "lian");
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// A server with a certificate for `name`. Its files are gone with it.
fn server(authority: &Authority, name: &str, wants_ours: bool) -> (Server, TempDir) {
    let parent = std::env::temp_dir();
    let (certificate, key) = authority.signs(name);
    let ca = authority.issuer.pem();
    // Over TCP nobody comes in without TLS, so that a line in plain text would be refused and not just unnoticed.
    let ours = if wants_ours { "trust clientcert=verify-full" } else { "trust" };
    let hba = format!("hostssl all all 127.0.0.1/32 {ours}\n");
    let files = [("cert.pem", &*certificate), ("key.pem", &*key), ("ca.pem", &*ca), ("hba.conf", &*hba)];
    let kept = Server::keep(&parent, &files).unwrap();
    let at = |file: &str| kept.path().join(file).display().to_string();
    let settings = [
        "shared_buffers=64MB".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", at("cert.pem")),
        format!("ssl_key_file={}", at("key.pem")),
        format!("ssl_ca_file={}", at("ca.pem")),
        format!("hba_file={}", at("hba.conf")),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    (Server::start(&parent, &settings).unwrap(), kept)
}

fn url(server: &Server, root: &Path, more: &str) -> String {
    format!("{}?sslmode=verify-full&sslrootcert={}{more}", server.url("postgres"), root.display())
}

fn refusal(url: &str) -> String {
    match open_postgres(url, &PostgresOptions::default()) {
        Err(StoreError::Open(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{url} was opened"),
    }
}

#[test]
fn a_store_works_over_a_line_whose_far_end_has_proved_itself() {
    let authority = Authority::new();
    let (server, _files) = server(&authority, "127.0.0.1", false);
    let url = url(&server, &authority.ca(), "");
    let (engine, reads) = open_postgres(&url, &PostgresOptions::default()).unwrap();
    let store = Store::start(engine, Arc::clone(&reads), Settings::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime.block_on(store.reserve([1; 16], 5)).unwrap();
    assert_eq!((first, runtime.block_on(store.reserve([1; 16], 5)).unwrap()), (0, 5));
    let empty = runtime.block_on(store.commit(Unit::new(Shard(0), Timestamp::from_ms(0)))).unwrap();
    assert_eq!(empty.last_seq, 0);
    assert_eq!(open_postgres_read_only(&url).unwrap().head(Shard(0)).unwrap().seq, 0);
}

#[test]
fn a_line_in_plain_text_a_strangers_authority_and_another_name_are_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (server_here, _files) = server(&authority, "127.0.0.1", false);
    let text = refusal(&server_here.url("postgres"));
    assert!(text.contains("no encryption"), "the server takes nobody in plain text: {text}");
    let text = refusal(&url(&server_here, &stranger.ca(), ""));
    assert!(text.contains("UnknownIssuer") || text.contains("certificate"), "{text}");
    let (elsewhere, _files) = server(&authority, "db.example", false);
    let text = refusal(&url(&elsewhere, &authority.ca(), ""));
    assert!(text.contains("not valid for name") || text.contains("NotValidForName"), "{text}");
}

#[test]
fn a_server_that_wants_our_certificate_is_shown_it() {
    let authority = Authority::new();
    let (server, _files) = server(&authority, "127.0.0.1", true);
    let text = refusal(&url(&server, &authority.ca(), ""));
    assert!(text.contains("certificate"), "{text}");
    let (certificate, key) = authority.signs("lian");
    let (certificate, key) = (authority.file("us.pem", &certificate), authority.file("us-key.pem", &key));
    let more = format!("&sslcert={}&sslkey={}", certificate.display(), key.display());
    let (_engine, reads) =
        open_postgres(&url(&server, &authority.ca(), &more), &PostgresOptions::default()).unwrap();
    assert_eq!(reads.shards(), 1);
}
