//! What each kind of certificate says, in one table.
//!
//! Kinds are kept apart by issuer and by extended key usage, both required present. Identity is a URI among the subject
//! alternative names, `urn:lian:<kind>:<id>`; no name of a person stands in any certificate.

use std::fmt;

use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use serde::{Deserialize, Serialize};

/// One hour, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// One day, in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// Certificates start this long before they are made, for clocks that run late.
pub const BACKDATE_MS: i64 = 5 * 60_000;

/// The arc of our own object identifiers: RFC 5612's documentation arc, until the project has its own number.
const OUR_ARC: [u64; 7] = [1, 3, 6, 1, 4, 1, 32473];

/// The online issuing CAs. Each listener and each verifier trusts exactly one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuingCa {
    /// Our own servers: TLS between them, and keys that open envelopes.
    Node,
    /// Merchants' request signing.
    Merchant,
    /// Customers' passkeys, and wallet servers.
    Wallet,
    /// Operators and finance staff.
    Staff,
    /// Both ends of a bank link, where the bank lets us choose.
    BankLink,
}

impl IssuingCa {
    /// Every issuing CA.
    pub const ALL: [Self; 5] = [Self::Node, Self::Merchant, Self::Wallet, Self::Staff, Self::BankLink];

    /// Its name in files and subjects.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Merchant => "merchant",
            Self::Wallet => "wallet",
            Self::Staff => "staff",
            Self::BankLink => "bank_link",
        }
    }
}

impl fmt::Display for IssuingCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a certificate may be used for: one extended key usage (RFC 5280 section 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The server of a TLS connection.
    ServerAuth,
    /// The client of a TLS connection.
    ClientAuth,
    /// Receives sealed payment instructions.
    InstructionRecipient,
    /// Signs HTTP requests as a merchant.
    RequestSigning,
    /// A customer's passkey, consenting to payments.
    MandatePasskey,
    /// A wallet server, witnessing a customer's consent.
    MandateWitness,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::ServerAuth,
        Self::ClientAuth,
        Self::InstructionRecipient,
        Self::RequestSigning,
        Self::MandatePasskey,
        Self::MandateWitness,
    ];

    /// The content of the object identifier in DER.
    pub const fn oid_der(self) -> &'static [u8] {
        match self {
            Self::ServerAuth => &[0x2b, 6, 1, 5, 5, 7, 3, 1],
            Self::ClientAuth => &[0x2b, 6, 1, 5, 5, 7, 3, 2],
            Self::InstructionRecipient => &[0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 1, 1],
            Self::RequestSigning => &[0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 1, 2],
            Self::MandatePasskey => &[0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 1, 3],
            Self::MandateWitness => &[0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 1, 4],
        }
    }

    pub(crate) fn to_rcgen(self) -> ExtendedKeyUsagePurpose {
        let ours = |last| ExtendedKeyUsagePurpose::Other([&OUR_ARC[..], &[1, last]].concat());
        match self {
            Self::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
            Self::ClientAuth => ExtendedKeyUsagePurpose::ClientAuth,
            Self::InstructionRecipient => ours(1),
            Self::RequestSigning => ours(2),
            Self::MandatePasskey => ours(3),
            Self::MandateWitness => ours(4),
        }
    }
}

/// The identifier of the extension that says which credential a customer's certificate certifies.
pub(crate) const CREDENTIAL_OID: [u64; 9] = [1, 3, 6, 1, 4, 1, 32473, 2, 1];

/// The kinds of certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The offline root: P-384, twelve years, path length 1.
    Root,
    /// An issuing CA: P-256, three years, path length 0.
    IssuingCa(IssuingCa),
    /// TLS of one of our servers, both ends: 24 hours.
    NodeTls,
    /// The key to which payment instructions are sealed: seven days.
    NodeEncryption,
    /// A merchant's request signing: 30 days.
    MerchantSign,
    /// A customer's passkey: one year.
    Customer,
    /// A wallet server, as TLS client and as witness: seven days.
    WalletServer,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Who issues it; the root issues itself and the issuing CAs.
    pub issuer: Option<IssuingCa>,
    /// How long it lives, in milliseconds.
    pub life_ms: i64,
    /// `Some(path length)` for a CA.
    pub ca: Option<u8>,
    /// Agrees on keys instead of signing.
    pub agrees: bool,
    /// Its purposes. A CA has none of its own.
    pub purposes: &'static [Purpose],
}

impl Profile {
    /// The row of the table for this kind.
    #[rustfmt::skip]
    pub const fn rules(self) -> Rules {
        use IssuingCa::*;
        use Purpose::*;
        match self {
            Self::Root           => Rules { issuer: None,           life_ms: 12 * 365 * DAY_MS, ca: Some(1), agrees: false, purposes: &[] },
            Self::IssuingCa(_)   => Rules { issuer: None,           life_ms: 3 * 365 * DAY_MS,  ca: Some(0), agrees: false, purposes: &[] },
            Self::NodeTls        => Rules { issuer: Some(Node),     life_ms: DAY_MS,            ca: None,    agrees: false, purposes: &[ServerAuth, ClientAuth] },
            Self::NodeEncryption => Rules { issuer: Some(Node),     life_ms: 7 * DAY_MS,        ca: None,    agrees: true,  purposes: &[InstructionRecipient] },
            Self::MerchantSign   => Rules { issuer: Some(Merchant), life_ms: 30 * DAY_MS,       ca: None,    agrees: false, purposes: &[RequestSigning] },
            Self::Customer       => Rules { issuer: Some(Wallet),   life_ms: 365 * DAY_MS,      ca: None,    agrees: false, purposes: &[MandatePasskey] },
            Self::WalletServer   => Rules { issuer: Some(Wallet),   life_ms: 7 * DAY_MS,        ca: None,    agrees: false, purposes: &[MandateWitness, ClientAuth] },
        }
    }

    pub(crate) fn key_usages(self) -> Vec<KeyUsagePurpose> {
        let rules = self.rules();
        match (rules.ca, rules.agrees) {
            (Some(_), _) => vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            (None, true) => vec![KeyUsagePurpose::KeyAgreement],
            (None, false) => vec![KeyUsagePurpose::DigitalSignature],
        }
    }
}

/// Whom a certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Common name, 1 to 64 printable ASCII characters: for people who read certificates, never for decisions.
    pub common_name: String,
    /// The identity, `urn:lian:<kind>:<id>`. Every leaf has one.
    pub uri: Option<String>,
    /// Host names, for TLS servers.
    pub dns: Vec<String>,
}

impl Subject {
    /// A subject known by its URI, `urn:lian:<kind>:<id>`; the id is its common name too.
    pub fn named(kind: &str, id: &str) -> Self {
        Self { common_name: id.to_owned(), uri: Some(format!("urn:lian:{kind}:{id}")), dns: Vec::new() }
    }

    /// The same, with host names.
    #[must_use]
    pub fn with_dns(mut self, dns: &[&str]) -> Self {
        self.dns = dns.iter().map(|name| (*name).to_owned()).collect();
        self
    }
}
