//! A sale that a chip approved offline, through the real `lian serve` over a file: the bank is silent, the gateway is killed, and what it
//! has left on disk has the chip's word nowhere in clear. Started again it tells the bank the same, and the sealed word is gone.

#[path = "support/town.rs"]
mod town;

use banksim::{Fault, Scope};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iso8583::Mti;
use serde_json::{Value, json};
use types::{Clock as _, SystemClock};

use town::{Town, files_with, fresh_key, lian};

const CARD: &str = "4242424242424242";
/// Of the application cryptogram: no other bytes on this machine look like it.
const CRYPTOGRAM: [u8; 8] = [0xC0, 0xFF, 0xEE, 0xBA, 0xDC, 0x0D, 0xED, 0x01];

/// The town's first node over a file of its own, with an operator, and a merchant whose chips may approve fifty euros.
fn configure(town: &mut Town) {
    town.store_url = "sqlite:gateway.db".to_owned();
    town.configure("one", 0);
    let path = town.dir.path().join("one.toml");
    let text = std::fs::read_to_string(&path).expect("a configuration");
    let text = text.replace("shards = 2", "").replace("[api]", "[api]\noperator_key_file = \"operator.key\"");
    std::fs::write(path, text).expect("a configuration");
    let floor_limit = ["--offline-floor-limit", "5000", "--offline-currency", "EUR"];
    let arguments = [&["merchant", "create", "--sends-card-data"][..], &floor_limit, &["--config"]].concat();
    let created = lian(&arguments, &town.dir.path().join("one.toml"));
    town.merchant = serde_json::from_str(&created).expect("a line of JSON");
}

async fn post(url: &str, key: &str, path: &str, body: &Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let request = http.post(format!("{url}{path}")).header("Idempotency-Key", fresh_key()).json(body);
    let answer = request.bearer_auth(key).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn sale(terminal: &str) -> Value {
    let cryptogram: String = CRYPTOGRAM.iter().map(|byte| format!("{byte:02X}")).collect();
    json!({
        "amount": 4200, "currency": "EUR", "confirm": true, "terminal": terminal,
        "offline": { "approved_at": SystemClock.now().plus_ms(-60_000).to_string() },
        "payment_method_data": {
            "entry_mode": "chip", "number": CARD, "exp_month": 12, "exp_year": 2030,
            "chip_data": format!("9F2608{cryptogram}9F270140{}9F36020001", "5A084242424242424242"),
        },
    })
}

/// How bytes may stand in a file: as they are, in hexadecimal digits, in base64 wherever it begins.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let upper: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let base64 = (0..3).map(|skip| STANDARD.encode(&bytes[skip..bytes.len() - (bytes.len() - skip) % 3]));
    let mut forms: Vec<Vec<u8>> = base64.map(String::into_bytes).collect();
    forms.extend([bytes.to_vec(), upper.to_lowercase().into_bytes(), upper.into_bytes()]);
    forms
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_chip_said_is_on_disk_only_sealed_and_only_until_the_bank_has_heard() {
    let mut town = Town::found().await;
    configure(&mut town);
    let node = town.start("one");
    let operator = std::fs::read_to_string(town.dir.path().join("operator.key")).expect("the operator's key");
    let terminal = json!({
        "merchant": town.merchant["merchant"], "label": "Till 2", "bank": "iso87-ascii", "number": "20009001",
        "acceptor": "EU0000000000001",
    });
    let (status, made) = post(&node.url, operator.trim(), "/v1/terminals", &terminal).await;
    assert_eq!(status, 201, "{made}");
    let terminal = made["id"].as_str().expect("an id");
    for advice in ["0220", "0221"] {
        let mti = Mti::parse(advice).expect("a message type");
        town.bank.set_fault(Fault::NotReceived, Scope::always().of(mti));
    }
    let (status, told) = post(&node.url, town.secret_key(), "/v1/payments", &sale(terminal)).await;
    assert_eq!((status, told["status"].as_str()), (201, Some("processing")), "{told} {}", town.log());
    assert_eq!(told["in_doubt"], true, "{told}");

    // As the process leaves it when it is killed, with the write-ahead log beside the store, and its own log.
    node.kill();
    let mut clear = forms(&CRYPTOGRAM);
    clear.extend(forms(&[0x42; 8]));
    clear.push(CARD.as_bytes().to_vec());
    assert_eq!(files_with(town.dir.path(), &clear), Vec::<String>::new());
    // The search finds what is there: the terminal's number, and the to-do in which the sealed word stands.
    for there in [b"20009001".to_vec(), b"\"chip_data\":\"".to_vec()] {
        let files = files_with(town.dir.path(), std::slice::from_ref(&there));
        assert!(files.iter().any(|file| file.contains("gateway.db")), "{files:?}");
    }

    town.bank.clear_faults();
    let node = town.start("one");
    let payments = town.settled(&node.url).await;
    assert_eq!(
        payments[0]["status"], "succeeded",
        "the bank takes none without the chip's word: {payments:?}"
    );
    town.bank_agrees(&payments);
    let doubts = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let doubts = doubts.get(format!("{}/v1/doubts", node.url)).bearer_auth(operator.trim());
    let doubts: Value = doubts.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(doubts["data"], json!([]), "the to-do is gone, and the sealed word with it");
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    assert_eq!(files_with(town.dir.path(), &clear), Vec::<String>::new());
    lian(
        &["verify", "--store"],
        std::path::Path::new(&format!("sqlite:{}/gateway.db", town.dir.path().display())),
    );
}
