//! An independent library on the other side: a bank written in Python with pyiso8583 and psec.

use std::process::Stdio;
use std::sync::Arc;

use hostlink::{HostLink, LinkState, TcpConnect, Transaction, TransactionRequest, shipped_bank};
use std::io::{BufRead, BufReader};
use tokio::time::Instant;

use crate::support::{Noon, card, parts, reply};

/// Kills the bank when the test ends, however it ends.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_bank_written_with_another_library_signs_us_on_and_approves_a_sale() {
    let python = std::env::var("LIAN_TEST_PYTHON").expect(
        "LIAN_TEST_PYTHON names a Python with the packages of xtask/requirements.txt; `cargo xtask test` sets it up",
    );
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/bank_pyiso8583.py");
    let mut child = Child(
        std::process::Command::new(python)
            .args(["-W", "ignore", script])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a Python"),
    );
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let port = lines.next().expect("the bank says where it listens").unwrap();

    let profile = Arc::new(shipped_bank("iso87-ascii").unwrap());
    let (parts, _) = parts(&profile, Arc::new(TcpConnect::new(format!("127.0.0.1:{port}"))));
    let link = HostLink::start(parts);
    link.state().wait_for(|state| *state == LinkState::Up).await.unwrap();
    assert_eq!(link.facts().settlement_date.as_deref(), Some("1201"));

    let data = hostlink::TransactionData {
        amount: types::Money::new(12_50, types::Currency::EUR).unwrap(),
        stan: 42,
        at: types::Clock::now(&Noon),
        rrn: None,
        terminal: "00000001".to_owned(),
        acceptor: "MERCHANT 1".to_owned(),
        batch: None,
        original: None,
        reason: None,
        entry: card::Entry::default(),
    };
    let fields = profile.message(Transaction::Consume, &data).unwrap();
    let request = TransactionRequest {
        transaction: Transaction::Consume,
        fields,
        card: Some(card("4242424242424242")),
    };
    let answer = reply(link.request(request, Instant::now() + profile.timers().reply_timeout).await);
    assert_eq!((answer.response_code(), answer.fields.get(38)), ("00", Some("654321")));
    // What the other library read: card, amount, expiry and security code arrived whole.
    let read = lines.next().expect("the bank says what it read").unwrap();
    assert_eq!(read, "4242424242424242 000000001250 3012 CV03123 978 633508000042");
}
