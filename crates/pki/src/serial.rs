//! Serial numbers: 16 bytes, positive, never twice.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use types::Entropy;

/// A certificate's serial number: one byte for the instance of the CA (1 to 127), fifteen random bytes. The first byte
/// keeps it positive and always sixteen bytes long (RFC 5280 section 4.1.2.2 allows twenty).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; 16]);

/// The bytes or text are not a serial number of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a serial number of sixteen bytes whose first is 1 to 127")]
pub struct SerialError;

impl Serial {
    /// A new serial number of CA instance `instance` (1 to 127; its top bit is ignored, and 0 counts as 1).
    pub fn new(instance: u8, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        bytes[0] = (instance & 0x7f).max(1);
        Self(bytes)
    }

    /// The serial number with these bytes.
    ///
    /// # Errors
    /// [`SerialError`] when it is not sixteen bytes or its first byte is 0 or above 127.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SerialError> {
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| SerialError)?;
        if (1..=0x7f).contains(&bytes[0]) { Ok(Self(bytes)) } else { Err(SerialError) }
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, SerialError> {
        let lower = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
        if text.len() != 32 || !text.bytes().all(lower) {
            return Err(SerialError);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| SerialError)?;
        Self::from_bytes(&number.to_be_bytes())
    }
}

impl Serialize for Serial {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Serial {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_serial_number_is_positive_whatever_chance_says() {
        for (instance, first) in [(1, 1), (0, 1), (0xff, 0x7f), (0x80, 1)] {
            let serial = Serial::new(instance, &Fixed(0xff));
            assert_eq!(serial.as_bytes()[0], first);
            assert_eq!(serial.to_string().parse(), Ok(serial));
        }
        assert_eq!(Serial::from_bytes(&[0; 16]), Err(SerialError));
        assert_eq!(Serial::from_bytes(&[1; 15]), Err(SerialError));
        assert_eq!("01FF".repeat(8).parse::<Serial>(), Err(SerialError));
    }
}
