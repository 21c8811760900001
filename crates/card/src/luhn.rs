//! The check digit of ISO/IEC 7812-1 annex B, known as the Luhn formula.

/// Whether the last of these digit values (0 to 9) is the check digit of those before it.
pub fn is_valid(digits: &[u8]) -> bool {
    !digits.is_empty() && sum(digits, false) == 0
}

/// The digit value (0 to 9) that completes these digit values.
pub fn check_digit(payload: &[u8]) -> u8 {
    (10 - sum(payload, true)) % 10
}

/// The weighted sum modulo 10; the rightmost digit counts double when `double_last` is set.
fn sum(digits: &[u8], double_last: bool) -> u8 {
    let mut double = double_last;
    let mut total = 0;
    for &digit in digits.iter().rev() {
        let weighted = if double { digit * 2 } else { digit };
        total = (total + weighted / 10 + weighted % 10) % 10;
        double = !double;
    }
    total
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_worked_example_of_the_patent_holds() {
        // US patent 2950048 (H. P. Luhn, 1960) and every textbook since: payload 7992739871, check digit 3.
        assert_eq!(check_digit(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1]), 3);
        assert!(is_valid(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3]));
        assert!(!is_valid(&[]));
    }

    proptest! {
        #[test]
        fn a_check_digit_completes_and_any_single_change_is_seen(
            payload in prop::collection::vec(0u8..10, 1..19),
            place: prop::sample::Index,
            by in 1u8..10,
        ) {
            let mut digits = payload.clone();
            digits.push(check_digit(&payload));
            prop_assert!(is_valid(&digits));
            let place = place.index(digits.len());
            digits[place] = (digits[place] + by) % 10;
            prop_assert!(!is_valid(&digits));
        }
    }
}
