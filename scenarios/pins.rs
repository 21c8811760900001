//! A PIN from a terminal to the bank, through the real `lian serve` over a file: the operator gives the terminal its key on the
//! command line, and nothing that the gateway leaves behind has the PIN's block in it.

#[path = "support/town.rs"]
mod town;

use serde_json::{Value, json};
use testkit::PinPad;
use testkit::pin_pad::{PROTECTION_KEY, bytes, wrong_block};
use town::{Town, files_with, fresh_key, lian, write_private};

const CARD: &str = "4242424242424242";

/// The town's first node over a file of its own, with an operator and a protection key.
fn configure(town: &mut Town) {
    town.store_url = "sqlite:gateway.db".to_owned();
    town.configure("one", 0);
    let path = town.dir.path().join("one.toml");
    let text = std::fs::read_to_string(&path).expect("a configuration");
    let text = text.replace("shards = 2", "").replace(
        "[api]",
        "pin_key_protection_key_file = \"kbpk\"\n[api]\noperator_key_file = \"operator.key\"",
    );
    std::fs::write(path, text).expect("a configuration");
    write_private(&town.dir.path().join("kbpk"), PROTECTION_KEY);
    let config = town.dir.path().join("one.toml");
    let created = lian(&["merchant", "create", "--sends-card-data", "--config"], &config);
    town.merchant = serde_json::from_str(&created).expect("a line of JSON");
}

async fn post(url: &str, key: &str, path: &str, body: &Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let request = http.post(format!("{url}{path}")).header("Idempotency-Key", fresh_key()).json(body);
    let answer = request.bearer_auth(key).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn sale(terminal: &str, block: &str) -> Value {
    json!({
        "amount": 1250, "currency": "EUR", "confirm": true, "terminal": terminal,
        "payment_method_data": {
            "entry_mode": "magnetic_stripe", "track2": format!("{CARD}=30121010000000000"),
            "pin": { "block": block, "format": "iso_0" },
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_checked_by_the_bank_and_left_nowhere() {
    let mut town = Town::found().await;
    configure(&mut town);
    let node = town.start("one");
    let path = |name: &str| town.dir.path().join(name);
    let operator = std::fs::read_to_string(path("operator.key")).expect("the operator's key");
    let terminal = json!({
        "merchant": town.merchant["merchant"], "label": "Till 2", "bank": "iso87-ascii", "number": "20009001",
        "acceptor": "EU0000000000001",
    });
    let (status, made) = post(&node.url, operator.trim(), "/v1/terminals", &terminal).await;
    assert_eq!(status, 201, "{made}");
    let terminal = made["id"].as_str().expect("an id");

    let key_block = PinPad::Tpk.key_block();
    std::fs::write(path("till2.tr31"), &key_block).expect("a key block");
    let merchant = town.merchant["merchant"].as_str().expect("an id");
    let (operator_key, block) = (path("operator.key"), path("till2.tr31"));
    let arguments = [
        "terminal",
        "--url",
        &node.url,
        "--operator-key-file",
        operator_key.to_str().expect("text"),
        "pin-key",
        terminal,
        "--merchant",
        merchant,
        "--key-block-file",
    ];
    let told = lian(&arguments, &block);
    assert_eq!(told.trim(), format!("{terminal} has a PIN key (tpk, triple_des) with check value 832754."));

    let (right, wrong) = (PinPad::Tpk.block(CARD, 1), wrong_block(CARD));
    let (status, paid) = post(&node.url, town.secret_key(), "/v1/payments", &sale(terminal, right)).await;
    assert_eq!((status, paid["status"].as_str()), (201, Some("succeeded")), "{paid} {}", town.log());
    let (status, declined) = post(&node.url, town.secret_key(), "/v1/payments", &sale(terminal, wrong)).await;
    assert_eq!((status, &declined["decline_code"]), (402, &json!("incorrect_pin")), "{declined}");
    // Another card's block: the vault cannot read it, and says so to the log.
    let strange = PinPad::Tpk.block("5555555555554444", 1);
    let (_, failed) = post(&node.url, town.secret_key(), "/v1/payments", &sale(terminal, strange)).await;
    assert_eq!(failed["decline_code"], "incorrect_pin", "{failed}");
    assert!(town.log().contains("A PIN was not translated"), "{}", town.log());

    // While it runs, with the write-ahead log beside the store, and after it has ended.
    std::fs::remove_file(&block).expect("the key block's file goes");
    let digits = [right, wrong, strange];
    let mut wanted: Vec<Vec<u8>> = digits.iter().map(|digits| bytes(digits)).collect();
    wanted
        .extend(digits.iter().flat_map(|digits| [digits.to_lowercase().into(), digits.as_bytes().to_vec()]));
    wanted.push(key_block.into_bytes());
    assert_eq!(files_with(town.dir.path(), &wanted), Vec::<String>::new());
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    assert_eq!(files_with(town.dir.path(), &wanted), Vec::<String>::new());
    // The search finds what is there.
    let there = files_with(town.dir.path(), &[b"20009001".to_vec()]);
    assert!(there.iter().any(|file| file.contains("gateway.db")), "{there:?}");
}
