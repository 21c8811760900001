//! All tests, with what they need, counted.

use std::io::{self, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::setup;

/// Sets up the tools and runs `cargo test`, on the whole workspace when no arguments are given.
///
/// # Errors
/// When a tool cannot be set up, a test fails or is ignored, or nothing was tested at all.
pub fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let begin = Instant::now();
    let tools = setup::run(root)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("test").current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped());
    command.args(if arguments.is_empty() { &["--workspace", "--no-fail-fast"] } else { arguments });
    for (name, value) in tools.environment() {
        command.env(name, value);
    }

    let mut child = command.spawn().map_err(|error| format!("cannot start cargo: {error}"))?;
    let counted =
        child.stdout.take().ok_or_else(|| "cargo has no output to read".to_owned()).and_then(|output| {
            pass_on(BufReader::new(output)).map_err(|error| format!("cannot read what cargo says: {error}"))
        });
    let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))?;
    let counts = counted?;

    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    println!(
        "\n{} passed, {} failed, {} ignored in {} test programs; {minutes:.1} minutes",
        counts.passed, counts.failed, counts.ignored, counts.programs
    );
    if !status.success() {
        Err(format!("the tests failed ({status})"))
    } else if counts.ignored > 0 {
        Err("an ignored test proves nothing: repair it or remove it".to_owned())
    } else if counts.passed == 0 {
        Err("no test ran".to_owned())
    } else {
        Ok(())
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
    programs: u64,
}

/// Passes each line on as it comes, and adds up the results.
fn pass_on(mut output: impl io::BufRead) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut line = Vec::new();
    let mut stdout = io::stdout().lock();
    while output.read_until(b'\n', &mut line)? > 0 {
        counts.add(&String::from_utf8_lossy(&line));
        stdout.write_all(&line)?;
        stdout.flush()?;
        line.clear();
    }
    Ok(counts)
}

impl Counts {
    /// Reads `test result: ok. 4 passed; 0 failed; 0 ignored; …`; other lines count nothing.
    fn add(&mut self, line: &str) {
        // The test programs may colour the word after the colon, so it is not looked at.
        let Some((_, result)) = line.split_once("test result:") else { return };
        let Some((_, numbers)) = result.split_once(". ") else { return };
        self.programs += 1;
        for part in numbers.split(';') {
            match part.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.ignored += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up_over_all_test_programs() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 10 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 2.00s",
            "test result: \u{1b}[32mok\u{1b}[0m. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test the_result_is_passed ... ok",
        ] {
            counts.add(line);
        }
        assert_eq!(counts, Counts { passed: 17, failed: 2, ignored: 1, programs: 3 });
    }
}
