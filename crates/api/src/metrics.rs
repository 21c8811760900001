//! `GET /metrics`, on a listener of its own: what monitoring looks at, in Prometheus' text format (0.0.4). It tells how
//! much is paid, by whom not, and never which card: still it is the operator's, so the public API does not have it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pcs::{BUCKETS_MS, BankState, Histogram, LinkStatus, Measures, Pcs, StoredMeasures};

use crate::webhook::CONSUMER;

/// Serves nothing but `/metrics`.
pub fn metrics_router(pcs: Arc<Pcs>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(pcs)
}

async fn metrics(State(pcs): State<Arc<Pcs>>) -> Response {
    let media_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (media_type, text(&pcs.measures(CONSUMER).await)).into_response()
}

/// The states of a link, each a series of its own: exactly one is 1.
const STATES: [&str; 8] =
    ["down", "connecting", "signing_on", "up", "draining", "out_of_service", "refused", "closed"];

/// Everything, in Prometheus' text format.
fn text(measures: &Measures) -> String {
    let mut page = Page::default();
    gateway(&mut page, measures);
    payments(&mut page, measures);
    banks(&mut page, measures);
    links(&mut page, measures);
    if let Some(measures) = &measures.stored {
        stored(&mut page, measures);
    }
    page.0
}

fn gateway(page: &mut Page, measures: &Measures) {
    page.family("lian_ready", "gauge", "1: payments can be made");
    page.line("lian_ready", &[], f64::from(measures.is_ready));
    page.family("lian_store_ready", "gauge", "1: the store takes commits");
    page.line("lian_store_ready", &[], f64::from(measures.store_is_ready));
    let written = &measures.written;
    for (name, help, value) in [
        ("lian_store_units_total", "Units of work that were committed", written.units as f64),
        ("lian_store_commits_total", "Transactions that they were committed in", written.batches as f64),
        ("lian_store_commit_seconds_total", "How long these took", written.took.as_secs_f64()),
    ] {
        page.family(name, "counter", help);
        page.line(name, &[], value);
    }
    page.family("lian_requests_under_way", "gauge", "Requests that move money, under way now");
    page.line("lian_requests_under_way", &[], count(measures.under_way));
    page.family("lian_requests_at_once", "gauge", "How many may be under way before others are turned away");
    page.line("lian_requests_at_once", &[], count(measures.at_once));
}

/// What the store tells: nothing of it stands on the page while the store cannot be read.
fn stored(page: &mut Page, measures: &StoredMeasures) {
    page.family(
        "lian_exchanges_unfinished",
        "gauge",
        "Messages to banks that are recorded and have no outcome yet",
    );
    page.line("lian_exchanges_unfinished", &[], measures.unfinished as f64);
    page.family(
        "lian_batches_open",
        "gauge",
        "Batches whose totals have not been compared with their banks yet",
    );
    page.line("lian_batches_open", &[], measures.open_batches as f64);
    page.family("lian_journal_records", "gauge", "The last record of a shard's journal");
    for journal in &measures.journals {
        page.line("lian_journal_records", &[("shard", &journal.shard.to_string())], journal.head as f64);
    }
    page.family("lian_journal_untold", "gauge", "Records that webhooks have still to be made of");
    for journal in &measures.journals {
        page.line("lian_journal_untold", &[("shard", &journal.shard.to_string())], journal.untold as f64);
    }
    page.family(
        "lian_doubts_open",
        "gauge",
        "Messages whose outcome is not known, or whose effect is being undone",
    );
    for (bank, doubts) in &measures.doubts {
        page.line("lian_doubts_open", &[("bank", bank)], doubts.open as f64);
    }
    page.family("lian_doubts_oldest_seconds", "gauge", "The age of the oldest of them");
    for (bank, doubts) in &measures.doubts {
        page.line("lian_doubts_oldest_seconds", &[("bank", bank)], doubts.oldest_ms as f64 / 1_000.0);
    }
}

fn payments(page: &mut Page, measures: &Measures) {
    page.family("lian_payments_total", "counter", "Payments and refunds by how they ended");
    for ((outcome, currency), tally) in &measures.payments {
        let labels = [("outcome", *outcome), ("currency", currency.alpha())];
        page.line("lian_payments_total", &labels, tally.count as f64);
    }
    page.family("lian_payments_minor_units_total", "counter", "The same in minor units of their currency");
    for ((outcome, currency), tally) in &measures.payments {
        let labels = [("outcome", *outcome), ("currency", currency.alpha())];
        page.line("lian_payments_minor_units_total", &labels, tally.amount as f64);
    }
    page.family(
        "lian_commands_total",
        "counter",
        "Requests that move money: done, replayed, or their error's code",
    );
    for (how, many) in &measures.commands {
        page.line("lian_commands_total", &[("result", how)], *many as f64);
    }
}

fn banks(page: &mut Page, measures: &Measures) {
    page.family(
        "lian_bank_exchange_seconds",
        "histogram",
        "How long banks took to answer, by what they said",
    );
    for ((bank, heard), took) in &measures.exchanges {
        page.histogram("lian_bank_exchange_seconds", &[("bank", bank), ("heard", heard)], took);
    }
    page.family("lian_bank_up", "gauge", "1: a link of the bank is signed on");
    for bank in &measures.banks {
        page.line("lian_bank_up", &[("bank", &bank.name)], f64::from(bank.state == BankState::Up));
    }
    page.family(
        "lian_bank_parameters_wanted",
        "gauge",
        "1: the bank has ordered its parameters to be fetched",
    );
    for bank in &measures.banks {
        let wanted = bank.told.parameters_wanted_at.is_some();
        page.line("lian_bank_parameters_wanted", &[("bank", &bank.name)], f64::from(wanted));
    }
    page.family("lian_bank_late_answers_total", "counter", "Answers that nobody waited for");
    for bank in &measures.banks {
        page.line("lian_bank_late_answers_total", &[("bank", &bank.name)], bank.told.late_answers as f64);
    }
}

fn links(page: &mut Page, measures: &Measures) {
    let mut each = |name: &str,
                    kind: &str,
                    help: &str,
                    value: &dyn Fn(&LinkStatus) -> Vec<(&'static str, f64)>,
                    by: &str| {
        page.family(name, kind, help);
        for bank in &measures.banks {
            for link in &bank.links {
                for (what, value) in value(link) {
                    let number = link.number.to_string();
                    let labels = [("bank", bank.name.as_str()), ("link", number.as_str()), (by, what)];
                    let many = if by.is_empty() { 2 } else { 3 };
                    page.line(name, &labels[..many], value);
                }
            }
        }
    };
    let state = |link: &LinkStatus| STATES.map(|it| (it, f64::from(it == link.state.name()))).to_vec();
    each("lian_link_state", "gauge", "1 for the state that the link is in", &state, "state");
    let load = |link: &LinkStatus| vec![("", count(link.load))];
    each("lian_link_in_flight", "gauge", "Requests that have no outcome yet", &load, "");
    let suspect = |link: &LinkStatus| vec![("", f64::from(link.is_suspect))];
    each("lian_link_suspect", "gauge", "1: the link loses too many of its requests", &suspect, "");
    let seen = |link: &LinkStatus| {
        let seen = &link.counters;
        let seen = [
            ("sent", seen.sent),
            ("matched", seen.matched),
            ("not_sent", seen.not_sent),
            ("no_reply", seen.no_reply),
            ("late", seen.late),
            ("duplicate", seen.duplicate),
            ("unmatched", seen.unmatched),
            ("bad_mac", seen.bad_mac),
            ("mismatch", seen.mismatch),
            ("undecodable", seen.undecodable),
            ("unsolicited", seen.unsolicited),
            ("bank_requests", seen.bank_requests),
            ("echoes", seen.echoes),
            ("sign_ons", seen.sign_ons),
            ("key_exchanges", seen.key_exchanges),
            ("connects", seen.connects),
            ("losses", seen.losses),
        ];
        seen.map(|(what, many)| (what, many as f64)).to_vec()
    };
    each("lian_link_events_total", "counter", "What the link has seen since its start", &seen, "event");
}

fn count(many: usize) -> f64 {
    many as f64
}

/// A page of the text format.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}.\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(text));
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut so_far = 0;
        let bounds = BUCKETS_MS.iter().map(|ms| Duration::from_millis(*ms).as_secs_f64().to_string());
        for (bound, many) in bounds.chain(["+Inf".to_owned()]).zip(histogram.buckets) {
            so_far += many;
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            self.line(&format!("{name}_bucket"), &labels, so_far as f64);
        }
        self.line(&format!("{name}_sum"), labels, histogram.sum.as_secs_f64());
        self.line(&format!("{name}_count"), labels, so_far as f64);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_up_and_a_label_is_escaped() {
        let mut page = Page::default();
        let mut histogram = Histogram::default();
        (histogram.buckets[0], histogram.buckets[13]) = (2, 1);
        histogram.sum = Duration::from_millis(61_500);
        page.histogram("took_seconds", &[("bank", "a\"b\\c\nd")], &histogram);
        let bank = r#"bank="a\"b\\c\nd""#;
        assert!(page.0.starts_with(&format!("took_seconds_bucket{{{bank},le=\"0.005\"}} 2\n")), "{}", page.0);
        assert!(page.0.contains(&format!("took_seconds_bucket{{{bank},le=\"60\"}} 2\n")), "{}", page.0);
        let end = format!(
            "took_seconds_bucket{{{bank},le=\"+Inf\"}} 3\ntook_seconds_sum{{{bank}}} 61.5\ntook_seconds_count{{{bank}}} 3\n"
        );
        assert!(page.0.ends_with(&end), "{}", page.0);
    }
}
