//! Generated files that are committed. A test in `api` compares them with what the code says.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes `docs/reference/openapi.json` from the `openapi` example of the `api` crate.
///
/// # Errors
/// Says which step failed; the file is then as it was.
pub fn run(root: &Path) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "api", "--example", "openapi"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("the openapi example of the api crate failed ({})", output.status));
    }
    if !output.stdout.trim_ascii_start().starts_with(b"{") {
        return Err("the openapi example of the api crate printed no JSON object".to_owned());
    }
    let path = root.join("docs/reference/openapi.json");
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &output.stdout));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    println!("wrote {} ({} bytes)", path.display(), output.stdout.len());
    Ok(())
}
