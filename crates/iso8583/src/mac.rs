//! Encoding a message together with its authentication code, over exactly the bytes that are sent.

use std::fmt;

use crate::dialect::Dialect;
use crate::encode::push_hex;
use crate::encode_error::{EncodeError, EncodeErrorKind as Kind};
use crate::fields::Fields;
use crate::layout::Encoding;

/// Why a message could not be encoded with a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacEncodeError<E> {
    /// The fields cannot be encoded.
    Encode(EncodeError),
    /// The MAC could not be computed.
    Mac(E),
}

impl Dialect {
    /// Appends the message with these fields and its MAC to `out`.
    ///
    /// The MAC goes into field 64, or into 128 where there is a field above 64. `mac` gets the bytes it covers:
    /// from the message type identifier, the bitmap already announcing the MAC, to the last byte before it. The
    /// eight bytes it returns are written in the dialect's form, as they are or in hexadecimal.
    ///
    /// # Errors
    /// [`MacEncodeError::Encode`] if the fields cannot be encoded or already hold a MAC, and
    /// [`MacEncodeError::Mac`] with the error of `mac`. `out` is then as it was.
    pub fn encode_with_mac<E>(
        &self,
        fields: &Fields,
        out: &mut Vec<u8>,
        mac: impl FnOnce(&[u8]) -> Result<[u8; 8], E>,
    ) -> Result<(), MacEncodeError<E>> {
        let start = out.len();
        let result = self.encode_and_append_mac(fields, out, start, mac);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn encode_and_append_mac<E>(
        &self,
        fields: &Fields,
        out: &mut Vec<u8>,
        start: usize,
        mac: impl FnOnce(&[u8]) -> Result<[u8; 8], E>,
    ) -> Result<(), MacEncodeError<E>> {
        let mut announced = fields.numbers();
        let de = if announced.last() > Some(64) { 128 } else { 64 };
        let refuse = |kind, de| MacEncodeError::Encode(EncodeError::field(kind, de));
        if let Some(present) = [64, 128].into_iter().find(|&de| announced.contains(de)) {
            return Err(refuse(Kind::MacPresent, present));
        }
        let layout = self.layout(de).ok_or(refuse(Kind::FieldUndefined, de))?;
        announced.insert(de);
        self.encode_parts(fields, announced, out, start).map_err(MacEncodeError::Encode)?;
        let code = mac(&out[start..]).map_err(MacEncodeError::Mac)?;
        match layout.encoding {
            Encoding::Hex => code.iter().for_each(|&byte| push_hex(byte, out)),
            Encoding::Ascii | Encoding::Ebcdic | Encoding::Bcd | Encoding::Binary => {
                out.extend_from_slice(&code)
            }
        }
        if out.len() - start > usize::from(u16::MAX) {
            return Err(refuse(Kind::MessageTooLong, de));
        }
        Ok(())
    }
}

impl<E: fmt::Display> fmt::Display for MacEncodeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Mac(error) => write!(f, "computing the MAC: {error}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for MacEncodeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Mac(error) => Some(error),
        }
    }
}

impl<E> From<EncodeError> for MacEncodeError<E> {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
