//! The two written forms of an ECDSA signature: DER (X.509, WebAuthn) and `r || s` (JWS, RFC 9421).

use crate::der;
use crate::public_key::Curve;

/// The bytes are not an ECDSA signature of the form and curve that were wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed ECDSA signature")]
pub struct MalformedSignature;

/// Turns `SEQUENCE { INTEGER r, INTEGER s }` into `r || s`, each as long as the curve's order.
///
/// # Errors
/// [`MalformedSignature`] for anything but minimal DER of two positive integers that fit the curve.
pub fn der_to_fixed(signature: &[u8], curve: Curve) -> Result<Vec<u8>, MalformedSignature> {
    let size = curve.coordinate_len();
    let body = der::read_exactly(der::SEQUENCE, signature).ok_or(MalformedSignature)?;
    let (r, rest) = der::read(der::INTEGER, body).ok_or(MalformedSignature)?;
    let s = der::read_exactly(der::INTEGER, rest).ok_or(MalformedSignature)?;
    let mut fixed = vec![0; 2 * size];
    for (integer, place) in [r, s].into_iter().zip(fixed.chunks_exact_mut(size)) {
        let digits = positive(integer).ok_or(MalformedSignature)?;
        let start = size.checked_sub(digits.len()).ok_or(MalformedSignature)?;
        place[start..].copy_from_slice(digits);
    }
    Ok(fixed)
}

/// Turns `r || s` into `SEQUENCE { INTEGER r, INTEGER s }`.
///
/// # Errors
/// [`MalformedSignature`] when the length is not that of the curve.
pub fn fixed_to_der(signature: &[u8], curve: Curve) -> Result<Vec<u8>, MalformedSignature> {
    let size = curve.coordinate_len();
    if signature.len() != 2 * size {
        return Err(MalformedSignature);
    }
    let integers: Vec<u8> = signature.chunks_exact(size).flat_map(der::unsigned_integer).collect();
    Ok(der::tlv(der::SEQUENCE, &integers))
}

/// The digits of a minimal, positive DER integer, without the zero byte that keeps it positive.
fn positive(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [] | [0] => None,
        [0, next, ..] => (*next >= 0x80).then_some(&integer[1..]),
        [first, ..] => (*first < 0x80).then_some(integer),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_minimal_positive_integers_are_read() {
        let good = [0x30, 6, 2, 1, 1, 2, 1, 2];
        assert!(der_to_fixed(&good, Curve::P256).is_ok());
        for bad in [
            &[0x30, 6, 2, 1, 0, 2, 1, 2][..],   // r = 0
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 2],    // r with a needless zero
            &[0x30, 6, 2, 1, 0x81, 2, 1, 2],    // negative r
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 2], // length in a long form it does not need
            &[0x30, 6, 2, 1, 1, 2, 1, 2, 0],    // something behind it
            &[0x30, 8, 2, 1, 1, 2, 1, 2, 5, 0], // something within it
            &[0x30, 3, 2, 1, 1],                // no s
            &[],
        ] {
            assert_eq!(der_to_fixed(bad, Curve::P256), Err(MalformedSignature), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same(mut fixed in proptest::collection::vec(any::<u8>(), 64)) {
            fixed[31] |= 1;
            fixed[63] |= 1;
            let der = fixed_to_der(&fixed, Curve::P256).unwrap();
            prop_assert_eq!(der_to_fixed(&der, Curve::P256).unwrap(), fixed);
        }
    }
}
