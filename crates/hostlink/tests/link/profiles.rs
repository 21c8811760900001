//! The banks of this repository, and what a bank's document may not say.

use hostlink::{
    BankProfile, CodeOutcome, OnSilence, ProfileError, SHIPPED_BANKS, Transaction, TransactionData,
    shipped_bank, shipped_file,
};
use types::{Money, Timestamp};

fn read(text: &str) -> Result<BankProfile, ProfileError> {
    BankProfile::from_toml(text, |path| shipped_file(path).map(str::to_owned))
}

/// Where the document breaks and what is said, after one change to a good one.
fn after(bank: &str, from: &str, to: &str) -> String {
    let text = shipped_file(&format!("{bank}/bank.toml")).unwrap();
    assert!(text.contains(from), "nothing to change: {from}");
    read(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn every_shipped_bank_is_in_order_and_its_names_agree() {
    for name in SHIPPED_BANKS {
        let profile = shipped_bank(name).unwrap();
        assert_eq!((profile.name(), profile.dialect().name()), (name, name));
    }
    assert!(shipped_bank("north").unwrap_err().to_string().contains("cups-pos"));
}

/// What a bank has undone counts in its totals; what it never knew of does not.
#[test]
fn every_bank_tells_an_undone_transaction_from_one_it_never_knew() {
    for (name, undone, unknown) in
        [("cups-pos", "00", "25"), ("iso87-ascii", "00", "25"), ("iso93-bcd", "400", "914")]
    {
        let bank = shipped_bank(name).unwrap();
        let row = |code| bank.outcome(Transaction::Reversal, code);
        for (code, found_nothing) in [(undone, false), (unknown, true)] {
            assert!(matches!(row(code).outcome, CodeOutcome::Approve { .. }), "{name} {code}");
            assert_eq!(row(code).found_nothing, found_nothing, "{name} {code}");
        }
        let sale = bank.outcome(Transaction::Consume, unknown);
        assert!(!matches!(sale.outcome, CodeOutcome::Approve { .. }), "{name}: {unknown} approves no sale");
    }
}

#[test]
fn a_mistake_in_a_document_is_named_with_its_place() {
    for (from, to, place, rule) in [
        ("echo_idle_ms = 60000", "echo_idle_s = 60", "echo_idle_s", "unknown field"),
        ("echo_idle_ms = 60000", "echo_idle_ms = 150000", "timers.dead_after_ms", "longer than"),
        ("length = \"binary2\"", "length = \"binary3\"", "length", "unknown variant"),
        ("tpdu = \"60 00 03 00 00\"", "tpdu = \"60 00 03\"", "framing.tpdu", "five bytes"),
        ("60 = \"10{batch}000\"", "60 = \"10{bach}000\"", "transactions.authorize.fields.60", "{bach}"),
        ("22 = \"{entry}\"", "22 = \"01x\"", "transactions.authorize.fields", "22"),
        ("ecommerce = { mode = \"01\" }\n", "", "entry.ecommerce", "Internet"),
        ("chip = { mode = \"05\" }", "chip = { mode = \"5\" }", "entry.chip", "two digits"),
        ("on_silence = \"ignore\"", "on_silence = \"reverse\"", "balance_inquiry.on_silence", "only asks"),
        ("4 = \"{amount}\"\n", "", "transactions.authorize.fields", "field 4"),
        ("3 = \"030000\"", "300 = \"030000\"", "transactions.authorize.fields.300", "2 to 128"),
        (
            "[transactions.refund]\nmti = \"0220\"\non_silence = \"repeat\"",
            "[transactions.refund]\nmti = \"0220\"\non_silence = \"reverse\"",
            "refund.on_silence",
            "never reversed",
        ),
        (
            "[transactions.capture_advice]\nmti = \"0220\"\non_silence = \"repeat\"",
            "[transactions.capture_advice]\nmti = \"0220\"\non_silence = \"reverse\"",
            "capture_advice.on_silence",
            "not reversed",
        ),
        (
            "\"25\" = { outcome = \"approve\", found_nothing = true }",
            "\"25\" = { outcome = \"unknown\", found_nothing = true }",
            "25",
            "only what approves",
        ),
        ("of = \"terminal\"", "of = \"till\"", "document", "unknown variant"),
        ("\"1\" = [11, 41, 42]", "\"1\" = [41, 42]", "matching.1", "field 11"),
        ("\"1\" = [11, 41, 42]", "\"1\" = [11, 37]", "transactions.authorize.fields.37", "matched by"),
        ("\"0800\", \"0810\"", "\"0810\"", "mac.unprotected", "before there is a key"),
        ("mti = \"0500\"", "mti = \"0600\"", "reconciliation.mti", "class 5"),
        ("standing_debits.amount:12", "sales.amount:12", "reconciliation.fields", "sales"),
        ("\"5\" = \"cups-pos/totals.toml\"", "\"9\" = \"cups-pos/totals.toml\"", "dialects.9", "1 to 8"),
        ("\"5\" = \"cups-pos/totals", "\"5\" = \"iso87-ascii/dialect", "dialects.5", "writes message types"),
        ("\"3\" = \"cups-pos/upload.toml\"\n", "", "reconciliation.upload.fields", "message type"),
        ("items_per_message = 8", "items_per_message = 0", "items_per_message", "at least 1"),
        ("items_per_message = 8", "items_per_message = 9", "reconciliation.upload.fields", "48"),
        ("{pan:20}", "{pan:10}", "reconciliation.upload.fields", "amount"),
        ("48 = \"{count:2}{items}\"", "48 = \"{count:2}\"", "reconciliation.upload.fields", "{items}"),
        ("48 = \"{count:4}\"", "48 = \"{items}\"", "reconciliation.upload.fields", "no items"),
        ("\"0800\" = [11, 41, 42]\n", "", "matching", "row of its own"),
        ("most_pieces = 64", "most_pieces = 0", "parameters[0]", "1 to 9999"),
        ("value = \"361\" }", "value = \"360\" }", "parameters[0].last", "the last piece"),
        ("\"62\" = \"{piece}\"", "\"63\" = \"{piece}{x}\"", "parameters[0].fields", "{x}"),
        ("in_balance = {", "balance = {", "document", "unknown field"),
        ("[transactions.refund]", "[transactions.chargeback]", "chargeback", "unknown variant"),
        (
            "\"25\" = { outcome = \"approve\", found_nothing = true }",
            "\"25\" = { outcome = \"decline\" }",
            "reversal.code.25",
            "decline_code",
        ),
        ("codes = \"base/", "codes = \"bass/", "codes", "no file"),
        ("name = \"cups-pos\"", "name = \"a-name-that-is-too-long\"", "name", "16"),
    ] {
        let said = after("cups-pos", from, to);
        assert!(said.contains(place) && said.contains(rule), "{to}: {said}");
    }
    let said = after("iso87-ascii", "acquirer = \"00000412345\"", "acquirer_id = \"00000412345\"");
    assert!(said.contains("fields.32") && said.contains("acquirer"), "{said}");
}

#[test]
fn response_codes_mean_what_the_table_says_and_an_unknown_one_is_never_a_yes() {
    let profile = shipped_bank("cups-pos").unwrap();
    let meaning = |code| profile.outcome(Transaction::Consume, code);
    assert_eq!(meaning("00").outcome, CodeOutcome::Approve { flagged: false });
    assert_eq!(meaning("A2").outcome, CodeOutcome::Approve { flagged: true });
    assert_eq!(meaning("96").outcome, CodeOutcome::Unknown);
    assert_eq!(meaning("77").outcome, CodeOutcome::RetryAfterSignOn);
    assert_eq!(meaning("90").outcome, CodeOutcome::RetryLater);
    for (code, decline, retry) in [("51", "insufficient_funds", true), ("41", "lost_card", false)] {
        let CodeOutcome::Decline { decline_code, may_retry, .. } = meaning(code).outcome else {
            panic!("{code}")
        };
        assert_eq!((decline_code.as_str(), may_retry), (decline, retry));
    }
    for code in ["ZZ", "04 ", "", "??"] {
        let row = meaning(code);
        assert!(matches!(row.outcome, CodeOutcome::Decline { .. }) && row.alarm, "{code}");
    }
    // A pick-up order is no approval, whatever some copied tables say.
    assert!(matches!(meaning("04").outcome, CodeOutcome::Decline { may_retry: false, .. }));
    // "Original not found" ends a reversal well and a refund badly.
    let of = |transaction| profile.outcome(transaction, "25").outcome;
    assert_eq!(of(Transaction::Reversal), CodeOutcome::Approve { flagged: false });
    assert!(matches!(of(Transaction::Refund), CodeOutcome::Decline { .. }));
}

#[test]
fn silence_is_reversed_where_money_was_taken_and_repeated_where_it_was_given() {
    for name in SHIPPED_BANKS {
        let profile = shipped_bank(name).unwrap();
        for transaction in [Transaction::Authorize, Transaction::Consume, Transaction::VoidConsume] {
            assert_eq!(profile.on_silence(transaction), OnSilence::Reverse);
        }
        assert_eq!(profile.on_silence(Transaction::Refund), OnSilence::Repeat);
        assert_eq!(profile.on_silence(Transaction::Reversal), OnSilence::Repeat);
    }
}

#[test]
fn the_gateways_reference_number_tells_year_day_hour_and_trace_number() {
    let at = Timestamp::from_ms(1_796_113_800_000);
    assert_eq!(shipped_bank("iso87-ascii").unwrap().rrn(at, 42).as_deref(), Some("633508000042"));
    assert_eq!(shipped_bank("cups-pos").unwrap().rrn(at, 42), None);
}

#[test]
fn a_message_from_unfit_data_says_what_is_missing() {
    let profile = shipped_bank("cups-pos").unwrap();
    let good = TransactionData {
        amount: Money::new(100, types::Currency::CNY).unwrap(),
        stan: 1,
        at: Timestamp::from_ms(1_796_113_800_000),
        rrn: None,
        terminal: "00000001".to_owned(),
        acceptor: "104110045110012".to_owned(),
        batch: None,
        original: None,
        reason: None,
        entry: card::Entry::default(),
        offline: None,
    };
    let say = |transaction, data| profile.message(transaction, &data).unwrap_err().to_string();
    assert_eq!(say(Transaction::Consume, good.clone()), "field 60 needs batch, which was not given");
    let with_batch = TransactionData { batch: Some("000001".to_owned()), ..good.clone() };
    assert!(say(Transaction::Refund, with_batch.clone()).contains("original"));
    let euro = Money::new(1, types::Currency::EUR).unwrap();
    assert_eq!(
        say(Transaction::Consume, TransactionData { amount: euro, ..good.clone() }),
        "the bank takes no EUR"
    );
    assert!(say(Transaction::Consume, TransactionData { stan: 1_000_000, ..with_batch }).contains("999999"));
    let nothing = Money::zero(types::Currency::CNY);
    assert!(say(Transaction::Consume, TransactionData { amount: nothing, ..good }).contains("not zero"));
}
