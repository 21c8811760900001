//! Every dependency is said why of, once: docs/decisions/dependencies.md.

use std::collections::BTreeSet;

use super::manifest::{Manifest, Table};
use super::{Findings, Source};

const PAGE: &str = "docs/decisions/dependencies.md";

pub fn check(manifests: &[Manifest], sources: &[Source], findings: &mut Findings) {
    let Some(page) = sources.iter().find(|source| source.path == PAGE) else {
        findings.defects.push(format!("{PAGE} is missing"));
        return;
    };
    let explained: BTreeSet<&str> = page.text.lines().filter_map(row_name).collect();
    let in_table = |wanted: fn(Table) -> bool| {
        let all = manifests.iter().flat_map(|manifest| &manifest.dependencies);
        all.filter(move |dependency| wanted(dependency.table))
    };
    let ours: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.package.as_str()).collect();
    let outside = |name: &&str| !ours.contains(name);

    let listed: BTreeSet<&str> = in_table(|table| table == Table::Workspace)
        .filter(|dependency| !dependency.local)
        .map(|dependency| dependency.name.as_str())
        .collect();
    let used: BTreeSet<&str> = in_table(|table| table != Table::Workspace)
        .map(|dependency| dependency.name.as_str())
        .filter(outside)
        .collect();

    for name in listed.union(&used).filter(|name| !explained.contains(*name)) {
        findings.defects.push(format!("{PAGE}: no line says what {name} is for"));
    }
    for name in explained.iter().filter(|name| !listed.contains(*name) && !used.contains(*name)) {
        findings.defects.push(format!("{PAGE}: {name} is no dependency any more"));
    }
    for name in listed.difference(&used) {
        findings.remarks.push(format!("Cargo.toml: no crate uses {name}"));
    }
    for manifest in manifests.iter().filter(|manifest| !is_fuzz(manifest)) {
        for dependency in &manifest.dependencies {
            if dependency.table != Table::Workspace && !dependency.inherited {
                let (path, name) = (&manifest.path, &dependency.name);
                findings.defects.push(format!(
                    "{path}: {name} must be `{name}.workspace = true`, so that all crates use one version"
                ));
            }
        }
    }
}

/// Fuzz targets are workspaces of their own, as cargo-fuzz wants them.
fn is_fuzz(manifest: &Manifest) -> bool {
    manifest.path.ends_with("/fuzz/Cargo.toml")
}

/// The name in a table row of the form ``| `name` | … |``.
fn row_name(line: &str) -> Option<&str> {
    let (name, reason) = line.strip_prefix("| `")?.split_once("` |")?;
    if reason.trim_matches([' ', '|']).is_empty() { None } else { Some(name) }
}

#[cfg(test)]
mod tests {
    use super::super::manifest;
    use super::*;

    fn defects(page: &str, crate_line: &str) -> Vec<String> {
        let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        let sources = [
            source(
                "Cargo.toml",
                "[workspace.dependencies]\nserde = \"1\"\nours = { path = \"crates/ours\" }\n",
            ),
            source(
                "crates/ours/Cargo.toml",
                &format!("[package]\nname = \"ours\"\n[dependencies]\n{crate_line}\n"),
            ),
            source(PAGE, page),
        ];
        let manifests = manifest::read_all(&sources).unwrap();
        let mut findings = Findings::default();
        check(&manifests, &sources, &mut findings);
        findings.defects
    }

    #[test]
    fn each_dependency_needs_its_line_and_each_line_its_dependency() {
        let serde = "| `serde` | reads and writes |";
        assert_eq!(defects(serde, "serde.workspace = true"), [""; 0]);
        assert_eq!(defects("", "serde.workspace = true").len(), 1);
        assert_eq!(defects("| `serde` |  |", "serde.workspace = true").len(), 1, "a line without a reason");
        assert_eq!(defects(&format!("{serde}\n| `gone` | was here |"), "serde.workspace = true").len(), 1);
    }

    #[test]
    fn versions_stand_in_one_place() {
        let page = "| `serde` | reads and writes |";
        assert_eq!(
            defects(page, "serde = \"1\""),
            [
                "crates/ours/Cargo.toml: serde must be `serde.workspace = true`, so that all crates use one version"
            ]
        );
    }

    #[test]
    fn a_crate_of_ours_needs_no_line() {
        assert_eq!(defects("| `serde` | reads and writes |", "ours.workspace = true"), [""; 0]);
    }
}
