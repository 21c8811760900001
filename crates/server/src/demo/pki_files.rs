//! The demo's certificate authority, made at the first start and kept sealed, and the keys of its servers, made at every
//! start and kept nowhere.

use std::sync::Arc;

use ca::{Authority, AuthorityFile, Created, KeySealer, SealError, Settings};
use pki::{AgreementKey, Anchor, Certificate, Csr, Curve, IssuingCa, KeyPair};
use types::{Clock, Entropy, Secret};
use vault::{Purpose, Record, Vault};

use super::data_dir::{DataDir, write_private};
use crate::fault::{Fault, Tried as _};
use crate::register::StoreRegister;

/// The authority of this installation.
pub type DemoAuthority = Authority<StoreRegister>;

/// Opens the authority, or holds its ceremony at the first start.
pub async fn authority(
    dir: &DataDir,
    register: StoreRegister,
    vault: &Vault,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<DemoAuthority, Fault> {
    let path = dir.join("ca.json");
    let sealer = VaultSealer(vault);
    if path.exists() {
        let text = std::fs::read_to_string(&path).tried(format!("cannot read {}", path.display()))?;
        let file = AuthorityFile::from_json(&text).tried(format!("{} is damaged", path.display()))?;
        return Authority::open(&file, register, clock, entropy, &sealer)
            .tried("cannot open the certificate authority");
    }
    let settings = Settings { installation: "Lian demo".to_owned(), instance: 1 };
    let created = Authority::create(&settings, register, clock, entropy, &sealer).await;
    let Created { authority, file, root } = created.tried("cannot make the certificate authority")?;
    write_private(&dir.join("ca-root.json"), root.to_json().as_bytes())?;
    // Written last: a start that was cut short before holds the ceremony again.
    write_private(&path, file.to_json().as_bytes())?;
    std::fs::write(dir.join("ca-root.pem"), authority.root().pem()).tried("cannot write ca-root.pem")?;
    Ok(authority)
}

/// What the roles of this process show of themselves. Certificates of servers live for hours or days, so a start makes new
/// ones.
pub struct NodeKeys {
    /// The PCS's TLS.
    pub pcs: (Certificate, KeyPair),
    /// The wallet server, as TLS client and as witness.
    pub wallet: (Certificate, KeyPair),
    /// The certificate of the key that opens instructions.
    pub recipient: Certificate,
    /// The keys that open instructions. Those of earlier starts are gone: a browser has to begin its consent again.
    pub recipients: Vec<AgreementKey>,
    /// The node CA.
    pub node_ca: Arc<Anchor>,
    /// The wallet CA.
    pub wallet_ca: Arc<Anchor>,
}

impl NodeKeys {
    pub async fn issue(authority: &DemoAuthority, host: &str, entropy: &dyn Entropy) -> Result<Self, Fault> {
        let failed = "cannot issue the certificates of this node";
        let pcs_key = KeyPair::generate(Curve::P256, entropy).tried(failed)?;
        let csr = request(&pcs_key)?;
        let pcs = authority.issue_node(&[host], &csr).await.tried(failed)?;
        let wallet_key = KeyPair::generate(Curve::P256, entropy).tried(failed)?;
        let csr = request(&wallet_key)?;
        let wallet = authority.issue_wallet_server("demo", &csr).await.tried(failed)?;
        let recipient_key = AgreementKey::generate(entropy).tried(failed)?;
        let csr = Csr::from_der(&recipient_key.csr().tried(failed)?).tried(failed)?;
        let recipient = authority.issue_node_encryption(&csr).await.tried(failed)?;
        Ok(Self {
            pcs: (pcs, pcs_key),
            wallet: (wallet, wallet_key),
            recipient,
            recipients: vec![recipient_key],
            node_ca: authority.anchor(IssuingCa::Node).tried(failed)?,
            wallet_ca: authority.anchor(IssuingCa::Wallet).tried(failed)?,
        })
    }
}

fn request(key: &KeyPair) -> Result<Csr, Fault> {
    let failed = "cannot ask for a certificate";
    Csr::from_der(&Csr::build(key).tried(failed)?).tried(failed)
}

/// The vault, as the authority asks for it.
struct VaultSealer<'a>(&'a Vault);

impl KeySealer for VaultSealer<'_> {
    fn seal(&self, name: &str, key: &[u8]) -> Result<Vec<u8>, SealError> {
        let record = Record::named(&format!("ca/{name}"));
        self.0.seal_bytes(Purpose::CaKey, record, key).map_err(|error| SealError(error.to_string()))
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let record = Record::named(&format!("ca/{name}"));
        self.0.open_bytes(Purpose::CaKey, record, sealed).map_err(|error| SealError(error.to_string()))
    }
}
