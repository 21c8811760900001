//! Rules that a compiler does not keep: `cargo xtask tidy`, and the tests of this crate.

mod dependencies;
mod layers;
mod manifest;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// What was found. Defects fail the check; remarks are printed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub defects: Vec<String>,
    pub remarks: Vec<String>,
}

/// A file of the repository: its path from the root with `/` between names, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

/// Checks the repository and prints what was found.
///
/// # Errors
/// When there is a defect, or a file cannot be read.
pub fn run(root: &Path) -> Result<(), String> {
    let findings = check(root)?;
    for remark in &findings.remarks {
        println!("remark: {remark}");
    }
    for defect in &findings.defects {
        println!("defect: {defect}");
    }
    match findings.defects.len() {
        0 => Ok(()),
        defects => Err(format!("{defects} defects; the rules are in xtask/src/tidy")),
    }
}

/// Applies every rule to the repository at `root`.
///
/// # Errors
/// When a file cannot be read.
pub fn check(root: &Path) -> Result<Findings, String> {
    let sources = sources(root)?;
    let manifests = manifest::read_all(&sources)?;
    let mut findings = Findings::default();
    words::check(&sources, &mut findings);
    layers::check(&manifests, &mut findings);
    dependencies::check(&manifests, &sources, &mut findings);
    Ok(findings)
}

/// Ends of the names of files that people write here. Data (recorded messages, fuzz corpora) is left as it is.
const KINDS: &[&str] = &[".rs", ".toml", ".md", ".sql", ".html", ".css", ".js", ".py", ".sh", ".ci/run"];

/// Directories that hold no source.
const PASSED_BY: &[&str] = &[".git", "target", "lian-data", "node_modules", "corpus"];

fn sources(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let unreadable = |error| format!("cannot read {}: {error}", directory.display());
        for entry in fs::read_dir(&directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            // Links are not followed: what they point to is checked in its own place.
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                if !PASSED_BY.iter().any(|name| entry.file_name() == *name) {
                    directories.push(path);
                }
            } else if kind.is_file() {
                let name = relative(root, &path);
                if KINDS.iter().any(|end| name.ends_with(end)) {
                    let text =
                        fs::read_to_string(&path).map_err(|error| format!("cannot read {name}: {error}"))?;
                    sources.push(Source { path: name, text });
                }
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn relative(root: &Path, path: &Path) -> String {
    let below: PathBuf = path.strip_prefix(root).unwrap_or(path).to_owned();
    below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_is_tidy() {
        let findings = check(&crate::root()).unwrap();
        assert!(findings.defects.is_empty(), "\n{}\n", findings.defects.join("\n"));
    }

    #[test]
    fn every_crate_and_its_sources_are_looked_at() {
        let sources = sources(&crate::root()).unwrap();
        for path in ["Cargo.toml", "crates/types/src/money.rs", "xtask/src/tidy/mod.rs", ".ci/run"] {
            assert!(sources.iter().any(|source| source.path == path), "{path}");
        }
        assert!(!sources.iter().any(|source| source.path.starts_with("target/")));
    }
}
