//! How the tour and `explain` print: plain text, narrow enough for a terminal, coloured only on one.

use std::io::IsTerminal as _;

use serde_json::Value;

/// Prints a line. A reader that has gone away (`| head`) ends the program quietly.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        if writeln!(std::io::stdout(), $($text)*).is_err() {
            std::process::exit(0);
        }
    }};
}

fn colour(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// A chapter of the tour.
pub fn chapter(number: usize, title: &str) {
    say!("\n{}", colour("1;36", &format!("{number}. {title}")));
}

/// What was asked.
pub fn asked(text: &str) {
    say!("   {} {text}", colour("33", "→"));
}

/// What came back.
pub fn got(text: &str) {
    say!("   {} {text}", colour("32", "←"));
}

/// A remark.
pub fn note(text: &str) {
    say!("     {}", colour("2", text));
}

/// The payment in one line: status, amounts, doubts.
pub fn payment_line(payment: &Value) -> String {
    let text = |name: &str| payment[name].as_str().unwrap_or("-").to_owned();
    let amount = |name: &str| payment[name].as_u64().unwrap_or(0);
    let currency = text("currency");
    let mut line = format!(
        "{} {}: authorized {}, captured {}, refunded {} {currency}",
        text("id"),
        colour("1", &text("status")),
        amount("amount_authorized"),
        amount("amount_captured"),
        amount("amount_refunded"),
    );
    if payment["in_doubt"].as_bool() == Some(true) {
        line.push_str(", in doubt");
    }
    if let Some(reason) = payment["cancellation_reason"].as_str() {
        line.push_str(&format!(" ({reason})"));
    }
    line
}

/// A payment's life, from `GET /v1/payments/{id}/timeline`.
pub fn timeline(items: &Value) {
    for item in items["data"].as_array().into_iter().flatten() {
        let text = |name: &str| item[name].as_str().unwrap_or("");
        let events: Vec<&str> =
            item["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        say!(
            "     {} {} {}",
            colour("2", &format!("#{} {}", item["sequence"], text("at"))),
            text("summary"),
            colour("35", &events.join(" ")),
        );
        for message in item["messages"].as_array().into_iter().flatten() {
            let direction = message["direction"].as_str().unwrap_or("");
            let arrow = if direction == "sent" { "to bank  ▶" } else { "from bank ◀" };
            say!("       {}", colour("34", arrow));
            for line in message["text"].as_str().unwrap_or("").lines() {
                say!("         {line}");
            }
        }
        for leg in item["entry"].as_array().into_iter().flatten() {
            let text = |name: &str| leg[name].as_str().unwrap_or("");
            say!(
                "       {:7} {:6} {:>12}  {}",
                text("movement"),
                text("side"),
                leg["amount"],
                text("account")
            );
        }
    }
}
