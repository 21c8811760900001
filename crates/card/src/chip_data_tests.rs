//! What is kept of a chip's word, and what is refused.

use super::*;

const PAN: &str = "4242424242424242";
const CRYPTOGRAM_ITSELF: &[u8] = &[0x9F, 0x26, 8, 1, 2, 3, 4, 5, 6, 7, 8];
const APPROVED: &[u8] = &[0x9F, 0x27, 1, 0x40];
const COUNTED: &[u8] = &[0x9F, 0x36, 2, 0, 1];
/// Verification results, and the issuer's own.
const OTHERS: &[u8] = &[0x95, 5, 0, 0, 0, 0, 0, 0x9F, 0x10, 3, 1, 2, 3];

/// 12.50 CNY.
fn sale() -> Money {
    Money::new(12_50, types::Currency::CNY).unwrap()
}

fn keep(parts: &[&[u8]]) -> Result<Vec<u8>, ChipDataError> {
    of_offline_sale(&parts.concat(), &Pan::parse(PAN).unwrap(), sale()).map(|kept| kept.to_vec())
}

#[test]
fn what_the_bank_needs_stays_as_it_came_and_nothing_else_does() {
    let one_byte = (0x40..=0xFF_u32).filter(|tag| tag & 0x1F != 0x1F);
    let two_bytes = (0x5F00..=0xDFFF_u32).filter(|tag| tag >> 8 & 0x1F == 0x1F && tag & 0x80 == 0);
    let judged = [CRYPTOGRAM, INFORMATION, COUNTER, AMOUNT, CURRENCY];
    let (mut kept, mut left_out) = (0, 0);
    // Every tag there is that has no structure of its own.
    for tag in one_byte.chain(two_bytes).filter(|tag| !judged.contains(tag)) {
        let bytes: Vec<u8> = tag.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        if bytes[0] & 0x20 != 0 {
            continue;
        }
        let element = [&bytes[..], &[2, 1, 2]].concat();
        let said = keep(&[CRYPTOGRAM_ITSELF, &element, APPROVED, COUNTED]).unwrap();
        if said == [CRYPTOGRAM_ITSELF, &element, APPROVED, COUNTED].concat() {
            kept += 1;
        } else {
            assert_eq!(said, [CRYPTOGRAM_ITSELF, APPROVED, COUNTED].concat(), "{tag:X}");
            left_out += 1;
        }
    }
    assert_eq!(kept, KEPT.len() - judged.len());
    assert!(left_out > 400, "{left_out}");
}

#[test]
fn account_data_cardholder_data_and_what_is_somebodys_own_is_left_out() {
    let number = [0x5A, 8, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42];
    let track = [0x57, 3, 0x42, 0x42, 0xD3];
    let name = [0x5F, 0x20, 3, b'J', b'O', b'Y'];
    let long_name = [0x9F, 0x0B, 0x81, 3, b'J', b'O', b'Y'];
    let others = [
        [0x56, 1, 1].as_slice(),
        &[0x99, 1, 1],
        // Track data in parts.
        &[0x9F, 0x1F, 1, 1],
        &[0x9F, 0x20, 1, 1],
        &[0x9F, 0x6B, 1, 1],
        // Expiry, service code, payment account reference, the holder's document and its kind, somebody's own.
        &[0x5F, 0x24, 3, 0x30, 0x12, 0x31],
        &[0x5F, 0x30, 2, 2, 0x20],
        &[0x9F, 0x24, 1, b'V'],
        &[0x9F, 0x61, 2, b'1', b'1'],
        &[0x9F, 0x62, 1, 0],
        &[0xDF, 0x31, 1, 1],
    ];
    let parts =
        [&[CRYPTOGRAM_ITSELF, &number, APPROVED, &track, &name, COUNTED, &long_name, OTHERS], &others[..]]
            .concat();
    assert_eq!(keep(&parts), Ok([CRYPTOGRAM_ITSELF, APPROVED, COUNTED, OTHERS].concat()));
}

#[test]
fn only_a_chip_that_approved_by_itself_is_believed() {
    // A request for its bank's word, a decline, and a referral are no approval.
    for information in [0x80, 0x00, 0xC0] {
        let says = [0x9F, 0x27, 1, information];
        assert_eq!(keep(&[CRYPTOGRAM_ITSELF, &says, COUNTED]), Err(ChipDataError::NotApproved));
    }
    // The reason in its last bits is the chip's affair.
    assert!(keep(&[CRYPTOGRAM_ITSELF, &[0x9F, 0x27, 1, 0x48], COUNTED]).is_ok());
    for parts in [[APPROVED, COUNTED], [CRYPTOGRAM_ITSELF, COUNTED], [CRYPTOGRAM_ITSELF, APPROVED]] {
        assert_eq!(keep(&parts), Err(ChipDataError::Missing));
    }
    let short = [0x9F, 0x26, 4, 1, 2, 3, 4];
    assert_eq!(keep(&[&short, APPROVED, COUNTED]), Err(ChipDataError::Missing));
}

#[test]
fn the_chip_has_approved_this_sale_and_no_other() {
    let amount = |digits: [u8; 6]| [&[0x9F, 0x02, 6][..], &digits].concat();
    let currency = |code: [u8; 2]| [&[0x5F, 0x2A, 2][..], &code].concat();
    let said = |parts: &[&[u8]]| keep(&[&[CRYPTOGRAM_ITSELF, APPROVED, COUNTED], parts].concat()).err();
    let own = (amount([0, 0, 0, 0, 0x12, 0x50]), currency([0x01, 0x56]));
    assert_eq!(said(&[&own.0, &own.1]), None);
    for other in [[0, 0, 0, 0, 0x12, 0x51], [0x10, 0, 0, 0, 0x12, 0x50], [0, 0, 0, 0, 0x04, 0xE2]] {
        assert_eq!(said(&[&amount(other), &own.1]), Some(ChipDataError::OtherAmount), "{other:02X?}");
    }
    assert_eq!(said(&[&[0x9F, 0x02, 2, 0x12, 0x50]]), Some(ChipDataError::OtherAmount));
    for other in [[0x09, 0x78], [0x01, 0x5A], [0x00, 0x9C]] {
        assert_eq!(said(&[&own.0, &currency(other)]), Some(ChipDataError::OtherCurrency), "{other:02X?}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let whole = [CRYPTOGRAM_ITSELF, APPROVED, COUNTED].concat();
    assert!(keep(&[&whole]).is_ok());
    for wrong in [
        &[][..],
        // Twice: which of the two is it?
        &[&whole, APPROVED].concat(),
        // Within another could be a card number.
        &[&whole, &[0x70, 3, 0x5A, 1, 0x42][..]].concat(),
        // Padding, a tag of three bytes, a length of two bytes, one that is not there, and a value that is cut.
        &[&whole, &[0][..]].concat(),
        &[&whole, &[0x9F, 0x81, 0x01, 0][..]].concat(),
        &[&whole, &[0x95, 0x82, 0, 1, 1][..]].concat(),
        &[&whole, &[0x95][..]].concat(),
        &[&whole, &[0x95, 5, 0][..]].concat(),
        &[0; 256],
    ] {
        assert_eq!(keep(&[wrong]), Err(ChipDataError::Form), "{wrong:02X?}");
    }
}

#[test]
fn a_card_number_in_another_tag_is_found_however_it_stands_there() {
    let packed = [0x42; 8];
    let shifted = [0x04, 0x24, 0x24, 0x24, 0x24, 0x24, 0x24, 0x24, 0x2F];
    for number in [&packed[..], &shifted, PAN.as_bytes()] {
        let own = [&[0x9F, 0x10, number.len() as u8], number].concat();
        assert_eq!(
            keep(&[CRYPTOGRAM_ITSELF, APPROVED, COUNTED, &own]),
            Err(ChipDataError::CardNumber),
            "{number:02X?}"
        );
    }
    let other = [0x9F, 0x10, 8, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x41];
    assert!(keep(&[CRYPTOGRAM_ITSELF, APPROVED, COUNTED, &other]).is_ok());
}
