//! The law of what a bank may send of its own accord, for the fuzzer and for its corpus in a normal test run.

use std::sync::LazyLock;
use std::time::Duration;

use hostlink::{BankProfile, BankWants, ParameterStep, Reply, SHIPPED_BANKS, shipped_bank};

static BANKS: LazyLock<Vec<BankProfile>> =
    LazyLock::new(|| SHIPPED_BANKS.iter().map(|name| shipped_bank(name).expect("a shipped bank")).collect());

/// The first byte chooses the bank, the rest is a message. Whatever it is, reading it neither panics nor makes up what is
/// not there; a request that is in order has an answer that is in order, to it and to nothing else.
pub fn holds(data: &[u8]) {
    let [choice, body @ ..] = data else { return };
    let profile = &BANKS[usize::from(*choice) % BANKS.len()];
    let Ok(message) = profile.decode(body) else { return };
    let fields = message.to_fields();
    // The result of batch totals, whatever stands in its field.
    let reply =
        Reply { fields: fields.clone(), issuer_data: None, parameters: None, elapsed: Duration::ZERO };
    let _ = (profile.in_balance(&reply), profile.bank_totals(&reply), profile.upload_answer(&reply, true));
    for set in profile.parameters() {
        let _ = profile.parameter_answer(set, ParameterStep::Piece(1), &reply);
    }
    // What is kept of an upload is less than what was sent, and never its items.
    assert!(profile.upload().is_none() || profile.without_items(fields.clone()).get(48).is_none());
    if let Some(keys) = profile.key_field().and_then(|form| form.read(&fields)) {
        let bytes: usize = keys.iter().map(|key| key.bytes.len() + key.check_value.len()).sum();
        let form = profile.key_field().expect("it was read by it");
        assert_eq!(bytes, form.layout.iter().map(|(_, key, check)| key + check).sum());
    }
    let dialect = profile.dialect_of(message.mti());
    for request in profile.bank_requests().iter().filter(|request| request.is(&message)) {
        if let BankWants::TakeKeys(form) = request.wants() {
            let _ = form.read(&fields);
        }
        for code in [request.accepted(), request.refused()] {
            let answer = request.answer(&message, code).expect("only requests are named");
            assert_eq!(Some(answer.mti()), message.mti().response());
            if !dialect.check(&message).is_empty() {
                continue;
            }
            let mut encoded = Vec::new();
            dialect.encode(&answer, &mut encoded).expect("what was read can be written");
            let read = profile.decode(&encoded).expect("what was written can be read");
            let broken = dialect.check_response(&fields, &read);
            assert!(broken.is_empty(), "{broken:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_corpus_obeys_the_law() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/bank_request");
        let (mut files, mut requests) = (0, [0; SHIPPED_BANKS.len()]);
        for entry in std::fs::read_dir(corpus).expect("the corpus is in the repository") {
            let data = std::fs::read(entry.unwrap().path()).unwrap();
            holds(&data);
            files += 1;
            let choice = usize::from(data[0]) % BANKS.len();
            let profile = &BANKS[choice];
            let message = profile.decode(&data[1..]);
            requests[choice] += usize::from(
                message
                    .is_ok_and(|message| profile.bank_requests().iter().any(|request| request.is(&message))),
            );
        }
        // One seed at least for each thing that a bank may send.
        let all_are_there =
            BANKS.iter().zip(requests).all(|(bank, seeds)| seeds >= bank.bank_requests().len());
        assert!(files >= 10 && all_are_there, "{requests:?} requests in {files} files");
    }

    proptest::proptest! {
        /// Each file of the corpus with bytes changed, cut and added, too.
        #[test]
        fn any_change_to_the_corpus_obeys_the_law(
            which: proptest::sample::Index, at: proptest::sample::Index, byte: u8, cut: proptest::sample::Index,
        ) {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/bank_request");
            let mut paths: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            let mut data = std::fs::read(which.get(&paths)).unwrap();
            let place = at.index(data.len());
            data[place] = byte;
            holds(&data);
            data.truncate(cut.index(data.len() + 1));
            holds(&data);
        }

        #[test]
        fn any_bytes_obey_the_law(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            holds(&data);
        }
    }
}
