//! Merchants are told: signed, in order of need, again when they fail, and never into our own network.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use api::webhook::{Courier, Dispatcher};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::post;
use standardwebhooks::Webhook;
use testkit::Seeded;
use tokio::sync::{Semaphore, mpsc};
use types::{Clock as _, SystemClock};

use crate::GOOD;
use crate::desk::{Answer, Desk};

/// What an endpoint received.
struct Received {
    headers: HeaderMap,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn kind(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["type"].as_str().unwrap().to_owned()
    }
}

/// A merchant's receiver on this machine; `answer` decides by how many came before.
async fn receiver<A, F>(answer: A) -> (String, mpsc::UnboundedReceiver<Received>)
where
    A: Fn(usize) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = axum::response::Response> + Send,
{
    let (seen, received) = mpsc::unbounded_channel();
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let hook = move |headers: HeaderMap, body: String| {
        let (seen, answer, count) = (seen.clone(), answer.clone(), Arc::clone(&count));
        async move {
            let before = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = seen.send(Received { headers, body });
            answer(before).await
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(hook.clone())).route("/elsewhere", post(hook));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

async fn always(status: StatusCode) -> (String, mpsc::UnboundedReceiver<Received>) {
    receiver(move |_| async move { status.into_response() }).await
}

/// A world on the real clock, so that libraries which look at the time can verify, and its dispatcher.
async fn telling(seed: u64) -> (Desk, Arc<Dispatcher>) {
    let desk = Desk::with_webhooks(seed).await;
    desk.world.clock.jump_ms(SystemClock.now().ms_since(desk.world.now()));
    let dispatcher = Dispatcher::new(
        Arc::clone(desk.world.pcs()),
        Courier::new(true).unwrap(),
        Arc::new(Seeded::new(seed)),
        false,
    );
    (desk, dispatcher)
}

impl Desk {
    async fn endpoint(&self, url: &str, events: &str) -> Answer {
        let made = self
            .post("/v1/webhook_endpoints", &format!(r#"{{"url": "{url}", "enabled_events": [{events}]}}"#))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        made
    }

    async fn paid(&self, key: &str) -> Answer {
        let paid = self.sale(key, GOOD).await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        paid
    }

    async fn only_delivery(&self) -> Answer {
        let all = self.get("/v1/deliveries").await;
        assert_eq!(all.body["data"].as_array().unwrap().len(), 1, "{}", all.text);
        self.get(&format!("/v1/deliveries/{}", all.at("/data/0/id"))).await
    }
}

#[tokio::test]
async fn an_event_arrives_signed_and_other_libraries_verify_it() {
    let python = std::env::var("LIAN_TEST_PYTHON").expect(
        "LIAN_TEST_PYTHON names a Python with the packages of xtask/requirements.txt; `cargo xtask test` sets it up",
    );
    let (desk, dispatcher) = telling(270).await;
    let (url, mut received) = always(StatusCode::NO_CONTENT).await;
    let secret = desk.endpoint(&url, r#""payment.succeeded""#).await.at("/secret").to_owned();
    let paid = desk.paid("order-1").await;
    assert_eq!(dispatcher.step().await.unwrap(), 1);

    let told = received.recv().await.unwrap();
    Webhook::new(&secret).unwrap().verify(told.body.as_bytes(), &told.headers).unwrap();
    let event: serde_json::Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(
        (event["type"].as_str(), event["id"].as_str()),
        (Some("payment.succeeded"), Some(told.header("webhook-id")))
    );
    assert_eq!(event["data"]["object"], paid.body);
    assert_eq!(desk.get(&format!("/v1/events/{}", told.header("webhook-id"))).await.body, event);
    assert!(!told.body.contains(GOOD) && told.body.len() < 20_000);
    let delivery = desk.only_delivery().await;
    assert_eq!((delivery.at("/status"), &delivery.body["response_status"]), ("succeeded", &204.into()));

    let headers: serde_json::Map<String, serde_json::Value> =
        ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .into_iter()
            .map(|name| (name.to_owned(), told.header(name).into()))
            .collect();
    let input = serde_json::json!({"secret": secret, "headers": headers, "body": told.body});
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/verify_webhook.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Python");
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "verified");
}

#[tokio::test]
async fn while_a_secret_rotates_both_verify() {
    let (desk, dispatcher) = telling(271).await;
    let (url, mut received) = always(StatusCode::OK).await;
    let made = desk.endpoint(&url, r#""payment.succeeded""#).await;
    let path = made.header("location");
    let rotated = desk.post(&format!("{path}/rotate_secret"), "").await;
    assert_ne!(rotated.at("/secret"), made.at("/secret"));
    assert_eq!(desk.get(path).await.body.get("secret"), None);
    desk.paid("order-1").await;
    dispatcher.step().await.unwrap();
    let told = received.recv().await.unwrap();
    for secret in [made.at("/secret"), rotated.at("/secret")] {
        Webhook::new(secret).unwrap().verify(told.body.as_bytes(), &told.headers).unwrap();
    }
}

#[tokio::test]
async fn a_failure_is_tried_again_with_the_same_id_and_bytes() {
    let (desk, dispatcher) = telling(272).await;
    let (url, mut received) = receiver(|before| async move {
        match before {
            0 => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")]).into_response(),
            _ => StatusCode::OK.into_response(),
        }
    })
    .await;
    let secret = desk.endpoint(&url, r#""payment.succeeded""#).await.at("/secret").to_owned();
    desk.paid("order-1").await;
    assert_eq!(dispatcher.step().await.unwrap(), 1);
    let first = received.recv().await.unwrap();
    let waiting = desk.only_delivery().await;
    assert_eq!(
        (waiting.at("/status"), &waiting.body["attempts"]),
        ("retrying", &1.into()),
        "{}",
        waiting.text
    );
    desk.world.clock.jump_ms(50_000);
    assert_eq!(dispatcher.step().await.unwrap(), 0, "before Retry-After");
    desk.world.clock.jump_ms(15_000);
    assert_eq!(dispatcher.step().await.unwrap(), 1);
    let second = received.recv().await.unwrap();
    assert_eq!((first.header("webhook-id"), &first.body), (second.header("webhook-id"), &second.body));
    assert_ne!(first.header("webhook-timestamp"), second.header("webhook-timestamp"));
    Webhook::new(&secret).unwrap().verify(second.body.as_bytes(), &second.headers).unwrap();
    let delivered = desk.only_delivery().await;
    assert_eq!((delivered.at("/status"), &delivered.body["attempts"]), ("succeeded", &2.into()));
    desk.world.clock.jump_ms(86_400_000);
    assert_eq!(dispatcher.step().await.unwrap(), 0);

    // A merchant may have it again.
    let again = desk.post(&format!("/v1/deliveries/{}/resend", delivered.at("/id")), "").await;
    assert_eq!((again.status, again.at("/status")), (200, "pending"), "{}", again.text);
    assert_eq!(dispatcher.step().await.unwrap(), 1);
    assert_eq!(received.recv().await.unwrap().body, first.body);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_never_answers_well_is_disabled() {
    let (desk, dispatcher) = telling(273).await;
    let (gone, _gone) = always(StatusCode::GONE).await;
    let (broken, _broken) = always(StatusCode::INTERNAL_SERVER_ERROR).await;
    let gone = desk.endpoint(&gone, r#""payment.succeeded""#).await.header("location").to_owned();
    let broken = desk.endpoint(&broken, r#""payment.succeeded""#).await.header("location").to_owned();
    desk.paid("order-1").await;
    assert_eq!(dispatcher.step().await.unwrap(), 2);
    assert_eq!(desk.get(&gone).await.at("/status"), "disabled");
    for tries in 2..=10 {
        assert_eq!(desk.get(&broken).await.at("/status"), "enabled");
        desk.world.clock.jump_ms(2 * 86_400_000);
        assert_eq!(dispatcher.step().await.unwrap(), 1, "try {tries}");
    }
    assert_eq!(desk.get(&broken).await.at("/status"), "disabled");
    desk.world.clock.jump_ms(2 * 86_400_000);
    assert_eq!(dispatcher.step().await.unwrap(), 0);
    desk.paid("order-2").await;
    assert_eq!(dispatcher.step().await.unwrap(), 0, "a disabled endpoint is told nothing new");
    let enabled = desk.post(&gone, r#"{"status": "enabled"}"#).await;
    assert_eq!(enabled.at("/status"), "enabled");
}

#[tokio::test]
async fn a_slow_endpoint_only_delays_itself() {
    let (desk, dispatcher) = telling(274).await;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let (slow, mut slow_received) = receiver(move |_| {
        let gate = Arc::clone(&held);
        async move {
            let _permit = gate.acquire().await.unwrap();
            StatusCode::OK.into_response()
        }
    })
    .await;
    let (quick, mut quick_received) = always(StatusCode::OK).await;
    desk.endpoint(&slow, r#""payment.succeeded""#).await;
    desk.endpoint(&quick, r#""payment.succeeded""#).await;
    let running = tokio::spawn(dispatcher.run());
    for number in 0..12 {
        desk.paid(&format!("order-{number}")).await;
    }
    for _ in 0..12 {
        assert_eq!(quick_received.recv().await.unwrap().kind(), "payment.succeeded");
    }
    // Not one answer of the slow one has come, and it has no more than four on their way.
    for _ in 0..4 {
        slow_received.recv().await.unwrap();
    }
    assert!(slow_received.try_recv().is_err());
    gate.add_permits(12);
    for _ in 4..12 {
        slow_received.recv().await.unwrap();
    }
    running.abort();
}

#[tokio::test]
async fn every_event_is_told_once_though_two_dispatchers_work() {
    let (desk, first) = telling(275).await;
    let second = Dispatcher::new(
        desk.world.second_process(),
        Courier::new(true).unwrap(),
        Arc::new(Seeded::new(9)),
        false,
    );
    let (url, mut received) = always(StatusCode::OK).await;
    desk.endpoint(&url, "").await;
    for number in 0..5 {
        desk.paid(&format!("order-{number}")).await;
    }
    loop {
        let (one, other) = tokio::join!(first.step(), second.step());
        // The slower one loses the race for the journal's cursor, and finds out what is left when it looks again.
        let sent = [one, other].map(|step| match step {
            Err(pcs::CommandError::Busy) => 1,
            step => step.unwrap(),
        });
        if sent == [0, 0] {
            break;
        }
    }
    let mut kinds = Vec::new();
    while let Ok(told) = received.try_recv() {
        kinds.push(told.kind());
    }
    kinds.sort();
    assert_eq!(kinds, [["payment.created"; 5], ["payment.succeeded"; 5]].concat());
    let listed = desk.get("/v1/deliveries").await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (desk, dispatcher) = telling(276).await;
    let (url, mut received) = receiver(|_| async { Redirect::temporary("/elsewhere").into_response() }).await;
    desk.endpoint(&url, r#""payment.succeeded""#).await;
    desk.paid("order-1").await;
    dispatcher.step().await.unwrap();
    assert!(received.recv().await.is_some());
    assert!(received.try_recv().is_err());
    let delivery = desk.only_delivery().await;
    assert_eq!((delivery.at("/status"), &delivery.body["response_status"]), ("retrying", &307.into()));
}

#[tokio::test]
async fn our_own_network_is_out_of_reach() {
    let desk = Desk::seeded(277).await;
    for url in [
        "http://127.0.0.1:9/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://169.254.169.254/",
        "ftp://a.example/",
    ] {
        let refused = desk.post("/v1/webhook_endpoints", &format!(r#"{{"url": "{url}"}}"#)).await;
        assert_eq!((refused.problem(), refused.at("/param")), ("parameter_invalid", "/url"), "{url}");
    }
    // A name is judged again when it is resolved, and an address again when it is used.
    let (url, mut received) = always(StatusCode::OK).await;
    let courier = Courier::new(false).unwrap();
    for url in [
        url.clone(),
        url.replace("http:", "https:"),
        url.replace("127.0.0.1", "localhost").replace("http:", "https:"),
    ] {
        let reply = courier.send(&url, "evt_1", 1, "v1,", "{}".to_owned()).await;
        assert!(!reply.is_success() && reply.status.is_none(), "{url}: {reply:?}");
        assert!(!reply.error.unwrap().contains("127.0.0.1"));
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_test_event_is_sent_at_once_and_its_fate_is_told() {
    let (desk, _) = telling(278).await;
    let (url, mut received) =
        receiver(
            |before| async move { [StatusCode::OK, StatusCode::NOT_FOUND][before.min(1)].into_response() },
        )
        .await;
    let made = desk.endpoint(&url, "").await;
    let test = format!("{}/test", made.header("location"));
    let sent = desk.post(&test, "").await;
    assert_eq!(
        (&sent.body["delivered"], &sent.body["response_status"]),
        (&true.into(), &200.into()),
        "{}",
        sent.text
    );
    let told = received.recv().await.unwrap();
    Webhook::new(made.at("/secret")).unwrap().verify(told.body.as_bytes(), &told.headers).unwrap();
    assert_eq!((told.kind().as_str(), told.header("webhook-id")), ("webhook_endpoint.test", sent.at("/id")));
    let failed = desk.post(&test, "").await;
    assert_eq!(
        (&failed.body["delivered"], failed.at("/error")),
        (&false.into(), "the endpoint answered 404")
    );
}

#[tokio::test]
async fn event_types_are_those_that_exist() {
    let desk = Desk::with_webhooks(279).await;
    let body = r#"{"url": "https://shop.example/", "enabled_events": ["payment.imagined"]}"#;
    let refused = desk.post("/v1/webhook_endpoints", body).await;
    assert_eq!((refused.problem(), refused.at("/param")), ("parameter_invalid", "/enabled_events"));
    let allowed = refused.body["errors"][0]["allowed"].as_array().unwrap();
    assert!(allowed.iter().any(|kind| kind == "payment.in_doubt"));
}
