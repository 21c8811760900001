//! Rules about the text of files, one line at a time.

use super::{Findings, Source};

/// Longer files are worth a look.
const REMARKABLE_LINES: usize = 300;
/// Longer files have to be parted, unless their shape is flat.
const MAX_LINES: usize = 800;
/// Files that may be longer, because they are one table.
const TABLES: &[&str] = &[];

/// Words that must not stand in Rust code, and why. Joined at compile time, so that this file does not hold them.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("to", "do!("), "unfinished code"),
    (concat!("unimpl", "emented!("), "unfinished code"),
    (concat!("db", "g!("), "a look inside that was left behind"),
    (concat!("#[ig", "nore"), "a test that does not run proves nothing"),
    (concat!("/// ```ig", "nore"), "an example that is not compiled goes stale"),
    (concat!("//! ```ig", "nore"), "an example that is not compiled goes stale"),
];

/// Crates with SQL: the store, the floors that are measured beside it, and the private server of the tests.
const MAY_SPEAK_SQL: &[&str] = &["store", "floor", "pgserver"];
/// Beginnings of SQL statements, which stand there and in `migrations` alone.
const SQL: &[&str] = &[
    concat!("SEL", "ECT "),
    concat!("INS", "ERT INTO "),
    concat!("INS", "ERT OR "),
    concat!("UPD", "ATE "),
    concat!("DEL", "ETE FROM "),
    concat!("CREATE", " TABLE "),
    concat!("CREATE", " INDEX "),
    concat!("ALTER", " TABLE "),
    concat!("PRA", "GMA "),
];

/// Sockets, and the crates that never open one.
const SOCKETS: &[&str] = &[
    concat!("Tcp", "Stream"),
    concat!("Tcp", "Listener"),
    concat!("Udp", "Socket"),
    concat!("Unix", "Stream"),
];
const NO_SOCKETS: &[&str] =
    &["types", "card", "iso8583", "pki", "order", "ledger", "payment", "vault", "store", "pcs", "ca"];

pub fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources {
        check_form(source, findings);
        if source.path.ends_with(".rs") {
            check_length(source, findings);
            check_words(source, findings);
        }
    }
}

fn check_form(source: &Source, findings: &mut Findings) {
    let path = &source.path;
    for (number, line) in source.text.lines().enumerate().map(|(place, line)| (place + 1, line)) {
        if line.contains('\t') {
            findings.defects.push(format!("{path}:{number}: a tab"));
        }
        if line.ends_with([' ', '\t', '\r']) {
            findings.defects.push(format!("{path}:{number}: white space at the end of the line"));
        }
    }
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        findings.defects.push(format!("{path}: no end of line at the end of the file"));
    }
}

fn check_length(source: &Source, findings: &mut Findings) {
    let lines = source.text.lines().count();
    let path = &source.path;
    if lines > MAX_LINES && !TABLES.contains(&path.as_str()) {
        findings.defects.push(format!("{path}: {lines} lines; part it (at most {MAX_LINES}, most near 150)"));
    } else if lines > REMARKABLE_LINES {
        findings.remarks.push(format!("{path}: {lines} lines"));
    }
}

fn check_words(source: &Source, findings: &mut Findings) {
    let path = &source.path;
    let krate = path.strip_prefix("crates/").and_then(|below| below.split('/').next()).unwrap_or_default();
    let in_library =
        path.strip_prefix("crates/").is_some_and(|below| below[krate.len()..].starts_with("/src/"));
    let mut in_tests = false;
    for (number, line) in source.text.lines().enumerate().map(|(place, line)| (place + 1, line)) {
        let trimmed = line.trim_start();
        in_tests |= trimmed.starts_with("#[cfg(test)]");
        let is_comment = trimmed.starts_with("//");
        for (word, reason) in FORBIDDEN {
            // A rule for comments looks at comments, a rule for code at code.
            if is_comment == word.starts_with("//") && line.contains(word) {
                findings.defects.push(format!("{path}:{number}: `{word}`: {reason}"));
            }
        }
        if is_comment {
            continue;
        }
        if !MAY_SPEAK_SQL.contains(&krate)
            && let Some(word) = SQL.iter().find(|word| line.contains(*word))
        {
            findings
                .defects
                .push(format!("{path}:{number}: `{}`: SQL is for the store alone", word.trim_end()));
        }
        if in_library
            && !in_tests
            && NO_SOCKETS.contains(&krate)
            && let Some(word) = SOCKETS.iter().find(|word| line.contains(*word))
        {
            findings.defects.push(format!("{path}:{number}: `{word}`: {krate} opens no sockets"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Findings {
        let mut findings = Findings::default();
        check(&[Source { path: path.to_owned(), text: text.to_owned() }], &mut findings);
        findings
    }

    fn defects(path: &str, text: &str) -> usize {
        findings(path, text).defects.len()
    }

    #[test]
    fn unfinished_code_and_sleeping_tests_are_found() {
        for (word, _) in FORBIDDEN {
            assert_eq!(defects("crates/pcs/src/lib.rs", &format!("    {word}\n")), 1, "{word}");
        }
        let mentioned = format!("// Never {}.\n", FORBIDDEN[0].0);
        assert_eq!(defects("crates/pcs/src/lib.rs", &mentioned), 0, "a comment may speak of it");
    }

    #[test]
    fn sql_stands_in_the_store_alone() {
        for word in SQL {
            let line = format!("let statement = \"{word}x\";\n");
            assert_eq!(defects("crates/pcs/src/lib.rs", &line), 1, "{word}");
            assert_eq!(defects("crates/store/src/lib.rs", &line), 0, "{word}");
        }
    }

    #[test]
    fn sockets_stand_where_they_belong() {
        for word in SOCKETS {
            let line = format!("use tokio::net::{word};\n");
            assert_eq!(defects("crates/pcs/src/bank.rs", &line), 1, "{word}");
            assert_eq!(defects("crates/pcs/tests/bank.rs", &line), 0, "{word} in a test");
            assert_eq!(
                defects("crates/pcs/src/bank.rs", &format!("#[cfg(test)]\n{line}")),
                0,
                "{word} in a test"
            );
            assert_eq!(defects("crates/hostlink/src/link.rs", &line), 0, "{word}");
        }
    }

    #[test]
    fn the_form_of_a_file_is_checked() {
        assert_eq!(defects("a.md", "fine\n"), 0);
        assert_eq!(defects("a.md", "a\ttab\n"), 1);
        assert_eq!(defects("a.md", "space \n"), 1);
        assert_eq!(defects("a.md", "no end"), 1);
        assert_eq!(defects("a.md", ""), 0);
        let long = findings("crates/pcs/src/lib.rs", &"line\n".repeat(REMARKABLE_LINES + 1));
        assert_eq!((long.defects.len(), long.remarks.len()), (0, 1));
        assert_eq!(defects("crates/pcs/src/lib.rs", &"line\n".repeat(MAX_LINES + 1)), 1);
    }
}
