//! COSE keys (RFC 9052 section 7, RFC 9053 section 7.1): ES256 and nothing else.

use super::cbor::Reader;
use super::error::WebauthnError;
use crate::public_key::PublicKey;

/// Reads an ES256 key: `{1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}`, in canonical order.
pub(super) fn read_es256(reader: &mut Reader<'_>) -> Result<PublicKey, WebauthnError> {
    read(reader).ok_or(WebauthnError::Key)
}

fn read(reader: &mut Reader<'_>) -> Option<PublicKey> {
    if reader.map().ok()? != 5 {
        return None;
    }
    for (label, value) in [(1, 2), (3, -7), (-1, 1)] {
        if (reader.integer().ok()?, reader.integer().ok()?) != (label, value) {
            return None;
        }
    }
    let mut coordinate = |label| {
        let found = (reader.integer().ok()?, reader.bytes().ok()?);
        if found.0 == label { <[u8; 32]>::try_from(found.1).ok() } else { None }
    };
    let (x, y) = (coordinate(-2)?, coordinate(-3)?);
    PublicKey::from_p256_coordinates(&x, &y).ok()
}

/// Writes an ES256 key.
pub(super) fn write_es256(key: &PublicKey) -> Vec<u8> {
    let (x, y) = key.coordinates();
    [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y].concat()
}
