//! One step of a set-up: a spinner on a terminal, a line elsewhere, and what the program said when it fails.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Runs a program to its end, without input, and keeps what it says unless it fails.
///
/// # Errors
/// Names the program and repeats the end of what it said.
pub fn run(what: &str, command: &mut Command) -> Result<(), String> {
    let spinner = start(what);
    let output = command.stdin(Stdio::null()).output();
    match spinner {
        Some(spinner) => spinner.finish_and_clear(),
        None => eprintln!("xtask: {what}"),
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output.map_err(|error| format!("{what}: cannot start {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let end = lines[lines.len().saturating_sub(30)..].join("\n    ");
    Err(format!("{what}: {program} failed ({}):\n    {end}", output.status))
}

fn start(what: &str) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    Some(spinner)
}
