//! Reads what a Cargo manifest says of dependencies. Only the forms used in this workspace, and strict about them: a
//! line that is not understood inside a dependency table is an error, not a dependency overlooked.

use super::Source;

/// The dependencies of one manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// From the root of the repository.
    pub path: String,
    /// The name of the package; empty for the root of the workspace.
    pub package: String,
    pub dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub name: String,
    pub table: Table,
    /// Taken over from `[workspace.dependencies]`.
    pub inherited: bool,
    /// Given by `path = "…"`: a crate of this workspace.
    pub local: bool,
}

/// Where a dependency stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `[workspace.dependencies]`.
    Workspace,
    /// `[dependencies]` or `[build-dependencies]`.
    Normal,
    /// `[dev-dependencies]`.
    Dev,
}

/// Every manifest among the sources.
pub fn read_all(sources: &[Source]) -> Result<Vec<Manifest>, String> {
    let manifests = sources.iter().filter(|source| source.path.rsplit('/').next() == Some("Cargo.toml"));
    manifests.map(read).collect()
}

fn read(source: &Source) -> Result<Manifest, String> {
    let mut manifest = Manifest { path: source.path.clone(), ..Manifest::default() };
    let mut section = String::new();
    // Open brackets of a value that goes on over several lines.
    let mut open = 0i32;
    for (number, line) in source.text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if open > 0 {
            open += brackets(line);
        } else if line.is_empty() || line.starts_with('#') {
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            if let Some((table, name)) = single(&section) {
                manifest.dependencies.push(Dependency { name, table, inherited: false, local: false });
            }
        } else {
            let Some((key, value)) = line.split_once('=') else {
                return Err(format!("{}:{}: not understood: {line}", source.path, number + 1));
            };
            open = brackets(value);
            manifest.take(&section, key.trim(), value.trim());
        }
    }
    Ok(manifest)
}

impl Manifest {
    fn take(&mut self, section: &str, key: &str, value: &str) {
        if section == "package" && key == "name" {
            self.package = value.trim_matches('"').to_owned();
        } else if let Some(table) = table(section) {
            let (name, field) = key.split_once('.').unwrap_or((key, ""));
            self.dependencies.push(Dependency {
                name: name.to_owned(),
                table,
                inherited: field == "workspace" || has_key(value, "workspace"),
                local: field == "path" || has_key(value, "path"),
            });
        } else if let (Some(_), Some(dependency)) = (single(section), self.dependencies.last_mut()) {
            dependency.inherited |= key == "workspace";
            dependency.local |= key == "path";
        }
    }
}

/// `[dependencies]`, also of one target.
fn table(section: &str) -> Option<Table> {
    match section.rsplit_once('.').map_or(section, |(_, last)| last) {
        "dependencies" if section == "workspace.dependencies" => Some(Table::Workspace),
        "dependencies" | "build-dependencies" => Some(Table::Normal),
        "dev-dependencies" => Some(Table::Dev),
        _ => None,
    }
}

/// `[dependencies.name]`: a table for one dependency.
fn single(section: &str) -> Option<(Table, String)> {
    let (outer, name) = section.rsplit_once('.')?;
    Some((table(outer)?, name.to_owned()))
}

/// Whether an inline table has this key.
fn has_key(value: &str, key: &str) -> bool {
    value.split(['{', ',']).any(|part| part.split_once('=').is_some_and(|(name, _)| name.trim() == key))
}

fn brackets(text: &str) -> i32 {
    text.chars()
        .map(|letter| i32::from(matches!(letter, '[' | '{')) - i32::from(matches!(letter, ']' | '}')))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_dependency_is_read() {
        let text = r#"
[package]
name = "sample"
version.workspace = true

[dependencies]
one.workspace = true # why
two = { path = "../two" }
three = { version = "1", features = [
    "a = b",
] }
four = "4"

[target.'cfg(unix)'.dependencies]
five = "5"

[dependencies.six]
workspace = true

[dev-dependencies]
seven.workspace = true

[build-dependencies]
eight = { workspace = true }

[workspace.dependencies]
nine = "9"

[[bin]]
name = "ten"
"#;
        let manifest = read(&Source { path: "Cargo.toml".to_owned(), text: text.to_owned() }).unwrap();
        assert_eq!(manifest.package, "sample");
        let read: Vec<_> = manifest
            .dependencies
            .iter()
            .map(|dependency| {
                (dependency.name.as_str(), dependency.table, dependency.inherited, dependency.local)
            })
            .collect();
        assert_eq!(
            read,
            [
                ("one", Table::Normal, true, false),
                ("two", Table::Normal, false, true),
                ("three", Table::Normal, false, false),
                ("four", Table::Normal, false, false),
                ("five", Table::Normal, false, false),
                ("six", Table::Normal, true, false),
                ("seven", Table::Dev, true, false),
                ("eight", Table::Normal, true, false),
                ("nine", Table::Workspace, false, false),
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let text = "[dependencies]\nsomething odd\n".to_owned();
        assert!(read(&Source { path: "Cargo.toml".to_owned(), text }).is_err());
    }
}
