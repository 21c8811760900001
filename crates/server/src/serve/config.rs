//! The file of `lian serve`. Every key is known or the start is refused; paths are below the file's own folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use payment::routing::RoutingTable;
use serde::{Deserialize, Deserializer};
use types::Secret;

use super::bank_section::{BankConfig, BankSection};
use crate::fault::{Fault, Tried as _};
use crate::store_url::StoreUrl;

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    role: String,
    /// A folder of this process's own: its lock, its certificates.
    data: PathBuf,
    store: StoreSection,
    vault: VaultSection,
    api: ApiSection,
    #[serde(default)]
    runtime: RuntimeSection,
    metrics: Option<MetricsSection>,
    #[serde(default)]
    bank: Vec<BankSection>,
    #[serde(default)]
    routing: RoutingTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreSection {
    url: Url,
    #[serde(default = "one_shard")]
    shards: u16,
    answer_ms: Option<u32>,
}

/// May hold a password.
#[derive(Debug)]
struct Url(Secret<String>);

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(text.into()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultSection {
    key_file: PathBuf,
    pin_key_protection_key_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiSection {
    listen: SocketAddr,
    public_url: Option<String>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    operator_key_file: Option<PathBuf>,
    #[serde(default = "at_once")]
    at_once: usize,
    #[serde(default = "drain_ms")]
    drain_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsSection {
    listen: SocketAddr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuntimeSection {
    workers: usize,
}

impl Default for RuntimeSection {
    fn default() -> Self {
        Self { workers: 1 }
    }
}

const fn one_shard() -> u16 {
    1
}

/// Long enough for a proxy that asks every second.
const fn at_once() -> usize {
    pcs::AT_ONCE
}

const fn drain_ms() -> u64 {
    2_000
}

/// The least that a database is given to answer.
const LEAST_ANSWER_MS: u32 = 1_000;

/// What a process of role `pcs` is told.
#[derive(Debug)]
pub struct Config {
    pub data: PathBuf,
    pub store: StoreUrl,
    pub shards: u16,
    /// How long a database may take to answer, in milliseconds; none: the store's own.
    pub answer_ms: Option<u32>,
    pub vault_key_file: PathBuf,
    /// The key under which the PIN keys of terminals come.
    pub pin_key_protection_key_file: Option<PathBuf>,
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    /// Certificate chain and private key, both PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The operator's key; made if there is none. Without it the operator's paths do not exist.
    pub operator_key_file: Option<PathBuf>,
    /// Requests that move money under way at once.
    pub at_once: usize,
    /// From the first sign of a stop until connections are no longer taken, in milliseconds.
    pub drain_ms: u64,
    /// Where monitoring finds `/metrics`; none: nowhere.
    pub metrics: Option<SocketAddr>,
    /// 1: everything but the store on one thread, which is fastest on two cores.
    pub workers: usize,
    pub banks: Vec<BankConfig>,
    /// How payments are brought to them.
    pub routing: RoutingTable,
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path).tried(format!("cannot read {}", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base).tried(path.display().to_string())
    }

    fn parse(text: &str, base: &Path) -> Result<Self, Fault> {
        let document: Document = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        if document.role != "pcs" {
            let rule = "role: only \"pcs\" runs apart yet; the wallet and its pages run in `lian demo`";
            return Err(Fault::plain(rule));
        }
        let tls = match (document.api.tls_certificate, document.api.tls_key) {
            (Some(certificate), Some(key)) => Some((base.join(certificate), base.join(key))),
            (None, None) => None,
            _ => return Err(Fault::plain("api.tls_certificate and api.tls_key come together or not at all")),
        };
        if tls.is_none() && !document.api.listen.ip().is_loopback() {
            let rule = "api.listen: without api.tls_certificate only a loopback address is taken; secret keys are sent there";
            return Err(Fault::plain(rule));
        }
        if document.runtime.workers == 0 {
            return Err(Fault::plain("runtime.workers must be at least 1"));
        }
        if document.store.answer_ms.is_some_and(|wait| wait < LEAST_ANSWER_MS) {
            let rule =
                "store.answer_ms must be at least 1000: a database that is only busy would be given up";
            return Err(Fault::plain(rule));
        }
        if document.api.at_once == 0 {
            return Err(Fault::plain("api.at_once must be at least 1"));
        }
        let names: Vec<&str> = document.bank.iter().map(|bank| bank.name.as_str()).collect();
        if let Some(name) =
            names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name))
        {
            return Err(Fault::plain(format!("bank.name: {name} stands twice")));
        }
        document.routing.check(&names).tried("the routing table does not hold")?;
        let banks =
            document.bank.into_iter().map(|bank| bank.checked(base)).collect::<Result<Vec<_>, Fault>>()?;
        Ok(Self {
            data: base.join(document.data),
            store: StoreUrl::parse(document.store.url.0.expose(), base).tried("store.url")?,
            shards: document.store.shards,
            answer_ms: document.store.answer_ms,
            vault_key_file: base.join(document.vault.key_file),
            pin_key_protection_key_file: document
                .vault
                .pin_key_protection_key_file
                .map(|file| base.join(file)),
            listen: document.api.listen,
            public_url: document.api.public_url,
            operator_key_file: document.api.operator_key_file.map(|file| base.join(file)),
            tls,
            at_once: document.api.at_once,
            drain_ms: document.api.drain_ms,
            metrics: document.metrics.map(|metrics| metrics.listen),
            workers: document.runtime.workers,
            banks,
            routing: document.routing,
        })
    }
}

/// What is wrong and where, without the line itself: it may hold a password.
fn unreadable(text: &str, error: &toml::de::Error) -> Fault {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
    Fault::plain(format!("line {line}: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use super::super::bank_section::MasterKeyPlace;
    use super::*;
    use crate::bank_tls::BankTls;

    const GOOD: &str = r#"
        role = "pcs"
        data = "node1"
        [store]
        url = "sqlite:lian.db"
        [vault]
        key_file = "vault.key"
        [api]
        listen = "127.0.0.1:0"
        [[bank]]
        name = "iso87-ascii"
        address = "127.0.0.1:9583"
        terminal_master_key_file = "iso87.tmk"
    "#;

    fn refused(from: &str, to: &str) -> String {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD);
        Config::parse(&text, Path::new("/x")).unwrap_err().to_string()
    }

    #[test]
    fn paths_lie_below_the_files_folder() {
        let config = Config::parse(GOOD, Path::new("/x")).unwrap();
        assert_eq!(config.data, Path::new("/x/node1"));
        assert_eq!(config.banks[0].master_key, MasterKeyPlace::File("/x/iso87.tmk".into()));
        assert_eq!((config.banks[0].addresses.len(), config.banks[0].links), (1, 1));
        assert_eq!((config.workers, config.shards, config.drain_ms), (1, 1, 2_000));
        assert_eq!(config.answer_ms, None);
        let patient = GOOD.replace("[vault]", "answer_ms = 30000\n [vault]");
        assert_eq!(Config::parse(&patient, Path::new("/x")).unwrap().answer_ms, Some(30_000));
    }

    #[test]
    fn a_bank_may_have_several_addresses_and_several_links_to_each() {
        let several = "address = [\"192.0.2.1:9583\", \"192.0.2.2:9583\"]\n links = 2";
        let text = GOOD.replace("address = \"127.0.0.1:9583\"", several);
        let config = Config::parse(&text, Path::new("/x")).unwrap();
        assert_eq!((config.banks[0].addresses.len(), config.banks[0].links), (2, 2));
    }

    #[test]
    fn a_banks_links_may_go_over_tls_and_monitoring_has_a_place_of_its_own() {
        let tls = "[bank.tls]\n ca_file = \"bank-ca.pem\"\n";
        let config = Config::parse(&format!("{GOOD}{tls}"), Path::new("/x")).unwrap();
        let expected = BankTls { ca_file: "/x/bank-ca.pem".into(), identity: None, server_name: None };
        assert_eq!(config.banks[0].tls, Some(expected));
        let whole = format!(
            "{GOOD}{tls} certificate_file = \"c\"\n key_file = \"k\"\n server_name = \"bank.example\""
        );
        let config = Config::parse(&whole, Path::new("/x")).unwrap();
        assert_eq!(config.banks[0].tls.as_ref().unwrap().identity, Some(("/x/c".into(), "/x/k".into())));
        let half = format!("{GOOD}{tls} key_file = \"k\"");
        assert!(Config::parse(&half, Path::new("/x")).unwrap_err().to_string().contains("come together"));

        assert_eq!(config.metrics, None);
        let text = GOOD.replace("[vault]", "[metrics]\n listen = \"127.0.0.1:9464\"\n [vault]");
        let config = Config::parse(&text, Path::new("/x")).unwrap();
        assert_eq!(config.metrics, Some("127.0.0.1:9464".parse().unwrap()));
    }

    #[test]
    fn a_banks_key_lies_in_a_file_a_key_block_or_a_token() {
        let key = "terminal_master_key_file = \"iso87.tmk\"";
        let place = |text: &str| {
            let config = Config::parse(&GOOD.replace(key, text), Path::new("/x")).unwrap();
            config.banks.into_iter().next().unwrap().master_key
        };
        let block = "terminal_master_key_block_file = \"b\"\n key_block_protection_key_file = \"p\"";
        let wanted = MasterKeyPlace::KeyBlock { block: "/x/b".into(), protection: "/x/p".into() };
        assert_eq!(place(block), wanted);
        let token = "[bank.pkcs11]\n module = \"/lib/hsm.so\"\n token_label = \"t\"\n pin_file = \"pin\"\n key_label = \"k\"";
        let wanted = MasterKeyPlace::Token {
            module: "/lib/hsm.so".into(),
            token_label: "t".to_owned(),
            pin_file: "/x/pin".into(),
            key_label: "k".to_owned(),
        };
        assert_eq!(place(token), wanted);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refused("role = \"pcs\"", "role = \"wallet\"").contains("role"));
        assert!(refused("listen", "lisen").contains("unknown field `lisen`"));
        assert!(refused("127.0.0.1:0\"", "192.0.2.1:80\"").contains("loopback"));
        assert!(refused("[api]", "[api]\n tls_key = \"k\"").contains("come together"));
        assert!(refused("[api]", "[api]\n at_once = 0").contains("api.at_once"));
        assert!(refused("[vault]", "[runtime]\n workers = 0\n [vault]").contains("runtime.workers"));
        assert!(refused("[vault]", "answer_ms = 999\n [vault]").contains("store.answer_ms"));
        let address = "address = \"127.0.0.1:9583\"";
        assert!(refused(address, "address = []").contains("bank.address"));
        assert!(refused(address, &format!("{address}\n links = 0")).contains("bank.links"));
        assert!(refused("sqlite:", "nosql:").contains("store.url"));
        let twice = format!("{}\n[[bank]]", &GOOD[GOOD.find("[[bank]]").unwrap()..]);
        assert!(refused("[[bank]]", &twice).contains("stands twice"));
        let key = "terminal_master_key_file = \"iso87.tmk\"";
        assert!(refused(key, "").contains("bank iso87-ascii: one of"));
        let block = "terminal_master_key_block_file = \"b\"";
        assert!(refused(key, block).contains("come together"));
        let both = format!("{key}\n {block}\n key_block_protection_key_file = \"p\"");
        assert!(refused(key, &both).contains("more than one place"));
        assert!(refused(key, "[bank.pkcs11]\n module = \"m\"").contains("missing field"));
        let told = refused("url = \"sqlite:lian.db\"", "urll = \"postgres://lian:hidden@127.0.0.1/lian\"");
        assert!(told.contains("line 5") && told.contains("urll") && !told.contains("hidden"), "{told}");
    }

    /// As docs/operating/routing.md shows it.
    const RULES: &str = r#"
        [routing]
        strategy = "cheapest"
        min_health = 60
        [[routing.cost]]
        bank = "iso87-ascii"
        currency = "EUR"
        bps = 20
        fixed = 5
        [[routing.rule]]
        name = "small euros"
        when = { bin = ["4000-4999", "62"], currency = ["EUR"], amount_max = 2000, capture_method = "automatic" }
        weights = { iso87-ascii = 1 }
    "#;

    #[test]
    fn a_routing_table_is_read_and_what_is_wrong_with_it_is_named() {
        let parse = |rules: &str| Config::parse(&format!("{GOOD}{rules}"), Path::new("/x"));
        assert_eq!(parse("").unwrap().routing, RoutingTable::default());
        assert_eq!(parse(RULES).unwrap().routing.rules[0].when.bin.len(), 2);
        for (from, to, told) in [
            ("weights = { iso87-ascii", "weights = { north", "routing.rule \"small euros\".weights"),
            ("\"62\"", "\"x\"", "a BIN range is"),
            ("amount_max", "amount_maximum", "unknown field `amount_maximum`"),
            ("bps = 20", "bps = 20000", "routing.cost 1 (iso87-ascii).bps"),
        ] {
            let refused = parse(&RULES.replace(from, to)).unwrap_err().to_string();
            assert!(refused.contains(told), "{refused:?} does not say {told:?}");
        }
    }
}
