//! The wallet role of the demo: pages for shoppers, mutual TLS and signed requests to the PCS, certificates from the CA.

mod accounts;
mod certifier;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use pki::chain::RefusedSet;
use pki::tls;
use store::Store;
use types::{Clock, Entropy};
use vault::{Purpose, Record, Vault};
use wallet::{Identity, PcsClient, Setup, TicketKeys, Wallet};
use zeroize::Zeroizing;

use super::data_dir::DataDir;
use super::pki_files::{DemoAuthority, NodeKeys};
use crate::fault::{Fault, Tried as _};
use crate::wallet_gate::{Gate, Nonces, router};

/// Where the role lives.
pub struct Site {
    /// Where the PCS takes wallets' requests.
    pub pcs_address: SocketAddr,
    /// Where shoppers come.
    pub wallet_url: String,
}

/// What the role is made of.
pub struct Parts<'a> {
    pub dir: &'a DataDir,
    pub pcs: &'a Arc<pcs::Pcs>,
    pub store: Store,
    pub vault: &'a Vault,
    pub authority: DemoAuthority,
    pub keys: NodeKeys,
    pub refused: Arc<RefusedSet>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// The two ends, ready to be served.
pub struct Roles {
    /// The PCS's door for wallets.
    pub gate: Router,
    /// Its TLS.
    pub tls: Arc<rustls::ServerConfig>,
    /// The wallet's pages.
    pub pages: Router,
}

/// Joins wallet and PCS by mutual TLS on loopback, as if they were two machines.
pub fn start(parts: Parts<'_>, site: Site) -> Result<Roles, Fault> {
    let failed = "cannot set up the wallet role";
    let Parts { dir, pcs, store, vault, authority, keys, refused, clock, entropy } = parts;
    let NodeKeys { pcs: (pcs_certificate, pcs_key), wallet: (wallet_certificate, wallet_key), .. } = keys;
    let server = tls::Identity {
        certificate: &pcs_certificate,
        key: &pcs_key,
        peer: Arc::clone(&keys.wallet_ca),
        refused: Arc::clone(&refused) as _,
        clock: Arc::clone(&clock),
    };
    let server_tls = tls::server(&server).tried(failed)?;
    let client = tls::Identity {
        certificate: &wallet_certificate,
        key: &wallet_key,
        peer: Arc::clone(&keys.node_ca),
        refused: Arc::clone(&refused) as _,
        clock: Arc::clone(&clock),
    };
    let client_tls = tls::client(&client).tried(failed)?;

    let gate = Gate {
        pcs: Arc::clone(pcs),
        recipient_certificate: keys.recipient.der().to_vec(),
        nonces: Nonces::default(),
    };
    let wallet_key = Arc::new(wallet_key);
    let identity = |certificate| Identity { certificate, key: Arc::clone(&wallet_key) as _ };
    let address = format!("https://localhost:{}", site.pcs_address.port());
    let own = Arc::new(identity(wallet_certificate.clone()));
    let client =
        PcsClient::new(&address, client_tls, own, Arc::clone(&clock), Arc::clone(&entropy)).tried(failed)?;
    let wallet = Wallet::new(Setup {
        pcs: Arc::new(client),
        accounts: Arc::new(accounts::StoreAccounts { store, clock: Arc::clone(&clock) }),
        certifier: Arc::new(certifier::Certifier(authority)),
        tickets: TicketKeys::new(&ticket_secret(dir, vault, &*entropy)?),
        identity: identity(wallet_certificate),
        node_ca: keys.node_ca,
        refused,
        site: wallet::Site {
            rp_id: "localhost".to_owned(),
            rp_name: "Lian".to_owned(),
            origin: site.wallet_url,
        },
        clock,
        entropy,
    });
    let checkout = web::checkout::Checkout::new(Arc::new(wallet));
    let pages = web::checkout::router(checkout);
    Ok(Roles { gate: router(Arc::new(gate)), tls: Arc::new(server_tls), pages })
}

/// The secret under the wallet's tickets and form tokens: made once, kept sealed, so that a restart forgets no browser.
fn ticket_secret(dir: &DataDir, vault: &Vault, entropy: &dyn Entropy) -> Result<Zeroizing<[u8; 32]>, Fault> {
    let path = dir.join("wallet-tickets.sealed");
    let record = Record::named("wallet/tickets");
    let mut secret = Zeroizing::new([0; 32]);
    if let Ok(sealed) = std::fs::read(&path) {
        let opened =
            vault.open_bytes(Purpose::NodeKey, record, &sealed).tried("cannot open the wallet's secret")?;
        if opened.expose().len() != secret.len() {
            return Err(Fault::plain(format!("{} is damaged", path.display())));
        }
        secret.copy_from_slice(opened.expose());
        return Ok(secret);
    }
    entropy.fill(&mut secret[..]);
    let sealed =
        vault.seal_bytes(Purpose::NodeKey, record, &secret[..]).tried("cannot seal the wallet's secret")?;
    super::data_dir::write_private(&path, &sealed)?;
    Ok(secret)
}
