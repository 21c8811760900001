//! Handshakes in memory: who gets past, who does not, and that nobody comes back on an old ticket.

mod world;

use std::sync::Arc;

use pki::chain::RefusedSet;
use pki::tls::{Identity, client, server};
use pki::{Certificate, IssuingCa, KeyPair, Profile, Signer, Subject};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, HandshakeKind, ServerConnection};
use types::{Clock, Timestamp};
use world::{NOW, World, key};

struct At(Timestamp);
impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

struct End {
    certificate: Certificate,
    key: KeyPair,
    peer: IssuingCa,
}

fn node(world: &World, seed: u64, host: &str, peer: IssuingCa) -> End {
    let key = key(seed);
    let subject = Subject::named("node", host).with_dns(&[host]);
    End { certificate: world.leaf_for(Profile::NodeTls, &subject, key.public_key()), key, peer }
}

fn wallet(world: &World, seed: u64) -> End {
    let key = key(seed);
    let subject = Subject::named("wallet", "w1");
    let certificate = world.leaf_for(Profile::WalletServer, &subject, key.public_key());
    End { certificate, key, peer: IssuingCa::Node }
}

fn identity<'a>(world: &World, end: &'a End, refused: &Arc<RefusedSet>, now: Timestamp) -> Identity<'a> {
    Identity {
        certificate: &end.certificate,
        key: &end.key,
        peer: Arc::new(world.anchor(end.peer)),
        refused: refused.clone(),
        clock: Arc::new(At(now)),
    }
}

/// Shakes hands in memory; the server's view of the peer, or the first error.
fn shake(
    client_config: &Arc<rustls::ClientConfig>,
    server_config: &Arc<rustls::ServerConfig>,
    name: &str,
) -> Result<(Vec<u8>, HandshakeKind), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(client_config.clone(), name).unwrap();
    let mut server = ServerConnection::new(server_config.clone()).unwrap();
    for _ in 0..8 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((server.peer_certificates().unwrap()[0].to_vec(), server.handshake_kind().unwrap()))
}

fn meet(
    world: &World,
    left: &End,
    right: &End,
    name: &str,
    now: Timestamp,
    refused: &Arc<RefusedSet>,
) -> Result<(), rustls::Error> {
    let client = Arc::new(client(&identity(world, left, refused, now)).unwrap());
    let server = Arc::new(server(&identity(world, right, refused, now)).unwrap());
    shake(&client, &server, name).map(|_| ())
}

#[test]
fn a_wallet_meets_the_pcs_and_is_known_each_time_anew() {
    let world = World::new();
    let refused = Arc::new(RefusedSet::default());
    let (wallet, pcs) = (wallet(&world, 1), node(&world, 2, "pcs.internal", IssuingCa::Wallet));
    let client = Arc::new(client(&identity(&world, &wallet, &refused, NOW)).unwrap());
    let server = Arc::new(server(&identity(&world, &pcs, &refused, NOW)).unwrap());

    for _ in 0..3 {
        let (peer, kind) = shake(&client, &server, "pcs.internal").unwrap();
        assert_eq!(peer, wallet.certificate.der());
        assert_ne!(kind, HandshakeKind::Resumed);
    }
    // Revoked: the very next connection fails, for there is no session to come back to.
    refused.refuse(wallet.certificate.serial());
    let error = shake(&client, &server, "pcs.internal").unwrap_err();
    assert_eq!(error, rustls::Error::InvalidCertificate(rustls::CertificateError::Revoked));
}

/// Either end alone keeps old sessions away, whatever the other offers.
#[test]
fn neither_end_resumes_with_a_peer_that_would() {
    let world = World::new();
    let refused = Arc::new(RefusedSet::default());
    let (wallet, pcs) = (wallet(&world, 1), node(&world, 2, "pcs.internal", IssuingCa::Wallet));
    let client = || client(&identity(&world, &wallet, &refused, NOW)).unwrap();
    let server = || server(&identity(&world, &pcs, &refused, NOW)).unwrap();
    let mut offering = server();
    offering.send_tls13_tickets = 2;
    offering.session_storage = rustls::server::ServerSessionMemoryCache::new(32);
    let mut keeping = client();
    keeping.resumption = rustls::client::Resumption::in_memory_sessions(32);
    let (offering, keeping) = (Arc::new(offering), Arc::new(keeping));

    let second_meeting = |client: &Arc<rustls::ClientConfig>, server: &Arc<rustls::ServerConfig>| {
        shake(client, server, "pcs.internal").unwrap();
        shake(client, server, "pcs.internal").unwrap().1
    };
    // Both careless: this is what would happen, and why it must not.
    assert_eq!(second_meeting(&keeping, &offering), HandshakeKind::Resumed);
    assert_ne!(second_meeting(&Arc::new(client()), &offering), HandshakeKind::Resumed);
    let fresh = Arc::new({
        let mut config = client();
        config.resumption = rustls::client::Resumption::in_memory_sessions(32);
        config
    });
    assert_ne!(second_meeting(&fresh, &Arc::new(server())), HandshakeKind::Resumed);
}

#[test]
fn only_the_right_kind_of_peer_at_the_right_time_gets_past() {
    let world = World::new();
    let refused = Arc::new(RefusedSet::default());
    let pcs = node(&world, 2, "pcs.internal", IssuingCa::Wallet);
    let wallet = wallet(&world, 1);
    let meet = |left: &End, right: &End, name: &str, now| meet(&world, left, right, name, now, &refused);
    assert_eq!(meet(&wallet, &pcs, "pcs.internal", NOW), Ok(()));

    use rustls::CertificateError as Tls;
    use rustls::Error::InvalidCertificate;
    let other_node = node(&world, 3, "other.internal", IssuingCa::Node);
    assert_eq!(meet(&other_node, &pcs, "pcs.internal", NOW), Err(InvalidCertificate(Tls::UnknownIssuer)));
    assert_eq!(meet(&wallet, &pcs, "other.internal", NOW), Err(InvalidCertificate(Tls::NotValidForName)));
    let tomorrow = NOW.plus_ms(25 * 3_600_000);
    assert_eq!(meet(&wallet, &pcs, "pcs.internal", tomorrow), Err(InvalidCertificate(Tls::Expired)));

    // A wallet's certificate is no server's, whatever it trusts.
    let posing = End { peer: IssuingCa::Wallet, ..node(&world, 4, "pcs.internal", IssuingCa::Wallet) };
    let server_wallet = End { peer: IssuingCa::Node, ..wallet };
    assert!(meet(&posing, &server_wallet, "pcs.internal", NOW).is_err());
}

#[test]
fn a_client_without_a_certificate_does_not_get_past() {
    let world = World::new();
    let refused = Arc::new(RefusedSet::default());
    let pcs = node(&world, 2, "pcs.internal", IssuingCa::Wallet);
    let server = Arc::new(server(&identity(&world, &pcs, &refused, NOW)).unwrap());
    let wallet = wallet(&world, 1);
    let mut bare = client(&identity(&world, &wallet, &refused, NOW)).unwrap();
    bare.client_auth_cert_resolver = Arc::new(Nothing);
    let error = shake(&Arc::new(bare), &server, "pcs.internal").unwrap_err();
    assert_eq!(error, rustls::Error::NoCertificatesPresented);
}

/// Shows nothing.
#[derive(Debug)]
struct Nothing;

impl rustls::client::ResolvesClientCert for Nothing {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }
    fn has_certs(&self) -> bool {
        false
    }
}
