//! The layers of the gateway: a crate uses only what is to its left.
//!
//! ```text
//! types pgserver floor < card iso8583 pki ledger < order < payment < vault store hostlink < pcs wallet ca < api web < banksim < server
//! ```
//!
//! Within a group no crate uses another. `order` verifies signatures, so it stands right of `pki`; `server` runs the
//! simulated bank in `lian demo`, so it stands right of `banksim`. Tests may use anything (`[dev-dependencies]`), and
//! `testkit` is for tests only.

use super::Findings;
use super::manifest::{Dependency, Manifest, Table};

/// Left to right.
const GROUPS: &[&[&str]] = &[
    &["types", "pgserver", "floor"],
    &["card", "iso8583", "pki", "ledger"],
    &["order"],
    &["payment"],
    &["vault", "store", "hostlink"],
    &["pcs", "wallet", "ca"],
    &["api", "web"],
    &["banksim"],
    &["server"],
    &["testkit"],
];

/// The simulated bank is another party: it speaks the gateway's language and shares its framing, and never calls the
/// code it is there to check.
const BANKSIM_MAY_USE: &[&str] = &["types", "card", "iso8583", "hostlink"];

/// Crates that decide and compute, and so stay without I/O.
const PURE: &[&str] = &["types", "card", "iso8583", "pki", "order", "ledger", "payment"];

/// Outside crates that are for I/O.
const IMPURE_OUTSIDE: &[&str] = &[
    "axum",
    "fantoccini",
    "hyper",
    "hyper-util",
    "reqwest",
    "rusqlite",
    "tokio",
    "tokio-postgres",
    "tokio-rustls",
    "tower-http",
];

/// Outside crates that only one of ours may use, because it owns that kind of I/O.
/// The floors are measured beside `store`, with its libraries and none of its code.
const OWNED: &[(&str, &[&str])] =
    &[("rusqlite", &["store", "floor"]), ("tokio-postgres", &["store", "floor"])];

pub fn check(manifests: &[Manifest], findings: &mut Findings) {
    for manifest in manifests {
        let Some(package) = package_of(manifest) else { continue };
        if layer(package).is_none() {
            findings.defects.push(format!(
                "{}: crate {package} has no layer; give it one in xtask/src/tidy/layers.rs",
                manifest.path
            ));
        }
        for dependency in manifest.dependencies.iter().filter(|dependency| dependency.table == Table::Normal)
        {
            if let Some(reason) = refusal(package, dependency) {
                findings
                    .defects
                    .push(format!("{}: {package} may not use {}: {reason}", manifest.path, dependency.name));
            }
        }
    }
}

/// The name of one of the gateway's crates; fuzz targets and this tool are none.
fn package_of(manifest: &Manifest) -> Option<&str> {
    let below = manifest.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    if below.contains('/') { None } else { Some(&manifest.package) }
}

fn refusal(package: &str, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if name == "testkit" {
        return Some("testkit is for [dev-dependencies]".to_owned());
    }
    if PURE.contains(&package) && IMPURE_OUTSIDE.contains(&name) {
        return Some(format!("{package} is pure, and {name} is for I/O"));
    }
    if let Some((_, owners)) = OWNED.iter().find(|(owned, _)| *owned == name)
        && !owners.contains(&package)
    {
        return Some(format!("only {} does this kind of I/O", owners.join(", ")));
    }
    let (here, there) = (layer(package)?, layer(name)?);
    if there >= here {
        return Some("it is not to the left of it".to_owned());
    }
    if package == "banksim" && !BANKSIM_MAY_USE.contains(&name) {
        return Some("the simulated bank stays apart from the code it checks".to_owned());
    }
    None
}

fn layer(package: &str) -> Option<usize> {
    GROUPS.iter().position(|group| group.contains(&package))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defects(package: &str, table: Table, name: &str) -> Vec<String> {
        let dependency = Dependency { name: name.to_owned(), table, inherited: true, local: false };
        let manifest = Manifest {
            path: format!("crates/{package}/Cargo.toml"),
            package: package.to_owned(),
            dependencies: vec![dependency],
        };
        let mut findings = Findings::default();
        check(&[manifest], &mut findings);
        findings.defects
    }

    #[test]
    fn to_the_left_is_allowed() {
        for (package, name) in [
            ("order", "pki"),
            ("vault", "card"),
            ("server", "banksim"),
            ("banksim", "hostlink"),
            ("store", "rusqlite"),
        ] {
            assert_eq!(defects(package, Table::Normal, name), [""; 0], "{package} uses {name}");
        }
        assert_eq!(defects("hostlink", Table::Dev, "banksim"), [""; 0], "tests may use anything");
    }

    #[test]
    fn to_the_right_and_sideways_are_refused() {
        for (package, name) in [
            ("types", "card"),
            ("pki", "order"),
            ("vault", "hostlink"),
            ("store", "pcs"),
            ("pcs", "wallet"),
            ("banksim", "vault"),
            ("banksim", "ledger"),
            ("server", "testkit"),
            ("payment", "tokio"),
            ("pcs", "rusqlite"),
        ] {
            assert_eq!(defects(package, Table::Normal, name).len(), 1, "{package} uses {name}");
        }
    }

    #[test]
    fn a_crate_without_a_layer_is_refused() {
        assert_eq!(defects("newcomer", Table::Normal, "types").len(), 1);
    }
}
