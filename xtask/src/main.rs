//! Tests, checks and code generation of this repository: `cargo xtask <task>`.

mod codegen;
mod setup;
mod step;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <task>

  test [arguments]  set up what the tests need, run them all, and count; with arguments: those of `cargo test`,
                    for example `cargo xtask test -p vault`
  setup             only set up what the tests need, and print the environment for `cargo test`
  tidy              check layers, dependencies, file lengths and forbidden words
  codegen           write docs/reference/openapi.json anew
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = root();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test", rest @ ..] => test::run(&root, rest),
        ["setup"] => setup::run(&root).map(|tools| tools.print()),
        ["tidy"] => tidy::run(&root),
        ["codegen"] => codegen::run(&root),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The directory of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
