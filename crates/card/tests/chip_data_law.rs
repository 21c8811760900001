//! The law of the chip data that is kept for offline sales, for the fuzzer and for its corpus in a normal test run.

use card::Pan;
use card::chip_data::of_offline_sale;
use types::{Currency, Money};

const PAN: &str = "4242424242424242";

fn sale() -> Money {
    Money::new(12_50, Currency::CNY).expect("12.50 CNY")
}

/// Whatever a terminal sends: no panic; what is kept is part of it, in its order, is taken as it is when it is read again, and has
/// neither the card number nor what looks like a track of it.
pub fn holds(data: &[u8]) {
    let pan = Pan::parse(PAN).expect("a test card");
    let Ok(kept) = of_offline_sale(data, &pan, sale()) else { return };
    assert!(kept.len() <= data.len() && is_part_of(&kept, data));
    assert_eq!(
        of_offline_sale(&kept, &pan, sale()).as_deref(),
        Ok(&*kept),
        "what is kept has nothing more to lose"
    );
    let packed: String = kept.iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(!packed.contains(PAN));
    assert!(!kept.windows(PAN.len()).any(|part| part == PAN.as_bytes()));
}

/// Whether one is the other with bytes left out.
fn is_part_of(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|byte| rest.any(|other| other == byte))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_corpus_obeys_the_law() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/chip_data");
        let pan = Pan::parse(PAN).unwrap();
        let (mut kept, mut refused) = (0, 0);
        for entry in std::fs::read_dir(corpus).expect("the corpus is in the repository") {
            let data = std::fs::read(entry.unwrap().path()).unwrap();
            if of_offline_sale(&data, &pan, sale()).is_ok() {
                kept += 1
            } else {
                refused += 1
            }
            for at in 0..data.len() {
                holds(&data[..at]);
                let mut disturbed = data.clone();
                disturbed[at] ^= 0x11;
                holds(&disturbed);
            }
            holds(&data);
        }
        assert!(kept >= 3 && refused >= 5, "{kept} are kept, {refused} refused");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_obey_the_law(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            holds(&data);
        }
    }
}
