//! What monitoring sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use banksim::Notice;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::desk::Desk;
use crate::{GOOD, POOR, SILENT};

/// The page's series with their values. Every line must be a comment or a series of a family that was announced.
async fn scraped(desk: &Desk) -> BTreeMap<String, f64> {
    let request = Request::builder().uri("/metrics").body(Body::empty()).unwrap();
    let answer = api::metrics_router(Arc::clone(desk.world.pcs())).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let mut families = Vec::new();
    let mut series = BTreeMap::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(!families.contains(&name.to_owned()), "{name} is announced twice");
            families.push(name.to_owned());
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let family = families.last().unwrap();
            assert!(name.starts_with(family.as_str()), "{line} stands under {family}");
            assert!(series.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name} stands twice");
        }
    }
    series
}

#[tokio::test(start_paused = true)]
async fn payments_banks_links_doubts_and_the_journal_are_counted() {
    let desk = Desk::seeded(730).await;
    let before = scraped(&desk).await;
    assert_eq!(before["lian_ready"], 1.0);
    assert_eq!(before[r#"lian_link_state{bank="iso87-ascii",link="1",state="up"}"#], 1.0);
    assert_eq!(before[r#"lian_doubts_open{bank="iso87-ascii"}"#], 0.0);

    desk.sale("order-1", GOOD).await;
    desk.sale("order-1", GOOD).await;
    desk.sale("order-2", POOR).await;
    desk.sale("order-3", SILENT).await;
    let after = scraped(&desk).await;
    for (series, value) in [
        (r#"lian_payments_total{outcome="captured",currency="EUR"}"#, 1.0),
        (r#"lian_payments_minor_units_total{outcome="captured",currency="EUR"}"#, 1250.0),
        (r#"lian_payments_total{outcome="declined",currency="EUR"}"#, 1.0),
        (r#"lian_bank_exchange_seconds_count{bank="iso87-ascii",heard="approved"}"#, 1.0),
        (r#"lian_bank_exchange_seconds_bucket{bank="iso87-ascii",heard="silent",le="30"}"#, 1.0),
        (r#"lian_doubts_open{bank="iso87-ascii"}"#, 1.0),
        (r#"lian_link_events_total{bank="iso87-ascii",link="1",event="sent"}"#, 3.0),
        ("lian_requests_under_way", 0.0),
        ("lian_batches_open", 1.0),
    ] {
        assert_eq!(after.get(series), Some(&value), "{series}");
    }
    // The webhooks' dispatcher does not run here, so nobody has been told anything yet.
    assert_eq!(after[r#"lian_journal_untold{shard="0"}"#], after[r#"lian_journal_records{shard="0"}"#]);

    desk.world.settle().await;
    desk.world.bank("iso87-ascii").announce(Notice::WrongKeys);
    desk.world.pass_ms(1_000).await;
    let stopped = scraped(&desk).await;
    assert_eq!(stopped[r#"lian_link_state{bank="iso87-ascii",link="1",state="refused"}"#], 1.0);
    assert_eq!(stopped[r#"lian_bank_up{bank="iso87-ascii"}"#], 0.0);
    assert_eq!(stopped[r#"lian_payments_total{outcome="reversed",currency="EUR"}"#], 1.0);
    // It is nothing for merchants.
    assert_eq!(desk.get("/metrics").await.status, 404);
}
