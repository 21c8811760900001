//! The CBOR of authenticators (CTAP2 canonical form): shortest heads, definite lengths, no tags, no floats. Borrowing, no
//! allocation, depth at most four.

const MAX_DEPTH: u8 = 4;

/// Reads items one after the other.
pub(super) struct Reader<'a> {
    input: &'a [u8],
}

/// The input is not CBOR of the form that authenticators write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl<'a> Reader<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self { input }
    }

    /// What has not been read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.input
    }

    /// The head of an item: major type and argument.
    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let (&first, rest) = self.input.split_first().ok_or(Malformed)?;
        self.input = rest;
        let (major, info) = (first >> 5, first & 0x1f);
        let (len, floor) = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(Malformed),
        };
        let argument = self.take(len)?.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        // One value has one encoding; and simple values and floats of major type 7 are not used by authenticators.
        if argument < floor || major == 7 { Err(Malformed) } else { Ok((major, argument)) }
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(len).map_err(|_| Malformed)?;
        let (taken, rest) = self.input.split_at_checked(len).ok_or(Malformed)?;
        self.input = rest;
        Ok(taken)
    }

    fn of(&mut self, wanted: u8) -> Result<u64, Malformed> {
        match self.head()? {
            (major, argument) if major == wanted => Ok(argument),
            _ => Err(Malformed),
        }
    }

    /// The number of pairs of a map.
    pub(super) fn map(&mut self) -> Result<u64, Malformed> {
        self.of(5)
    }

    /// A byte string.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.of(2)?;
        self.take(len)
    }

    /// A text string.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let len = self.of(3)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| Malformed)
    }

    /// A positive or negative integer.
    pub(super) fn integer(&mut self) -> Result<i64, Malformed> {
        let (major, argument) = self.head()?;
        let magnitude = i64::try_from(argument).map_err(|_| Malformed)?;
        match major {
            0 => Ok(magnitude),
            1 => Ok(-1 - magnitude),
            _ => Err(Malformed),
        }
    }

    /// Any item, whatever it is.
    pub(super) fn skip(&mut self) -> Result<(), Malformed> {
        self.skip_to(MAX_DEPTH)
    }

    fn skip_to(&mut self, depth: u8) -> Result<(), Malformed> {
        let (major, argument) = self.head()?;
        match major {
            0 | 1 => Ok(()),
            2 => self.take(argument).map(|_| ()),
            3 => self
                .take(argument)
                .and_then(|text| std::str::from_utf8(text).map(|_| ()).map_err(|_| Malformed)),
            4 | 5 => {
                let depth = depth.checked_sub(1).ok_or(Malformed)?;
                // Each item takes at least one byte, so a count that lies ends with the input.
                (0..argument.saturating_mul(u64::from(major) - 3)).try_for_each(|_| self.skip_to(depth))
            }
            // false and true; null and undefined are of no use here.
            7 if argument == 20 || argument == 21 => Ok(()),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_read_in_its_shortest_form_only() {
        for (bytes, number) in [
            (&[0x00][..], 0),
            (&[0x17], 23),
            (&[0x18, 24], 24),
            (&[0x19, 1, 0], 256),
            (&[0x20], -1),
            (&[0x39, 1, 0], -257),
        ] {
            assert_eq!(Reader::new(bytes).integer(), Ok(number));
        }
        for bytes in [
            &[0x18, 23][..],
            &[0x19, 0, 255],
            &[0x1a, 0, 0, 1, 0],
            &[0x1f],
            &[0x3b, 255, 255, 255, 255, 255, 255, 255, 255],
        ] {
            assert_eq!(Reader::new(bytes).integer(), Err(Malformed));
        }
    }

    #[test]
    fn lengths_that_lie_and_nests_that_are_too_deep_are_refused() {
        assert_eq!(Reader::new(&[0x5b, 255, 255, 255, 255, 255, 255, 255, 255]).bytes(), Err(Malformed));
        assert_eq!(Reader::new(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255]).skip(), Err(Malformed));
        assert_eq!(Reader::new(&[0x81, 0x81, 0x81, 0x81, 0x00]).skip(), Ok(()));
        assert_eq!(Reader::new(&[0x81, 0x81, 0x81, 0x81, 0x81, 0x00]).skip(), Err(Malformed));
        assert_eq!(Reader::new(&[0x61, 0xff]).text(), Err(Malformed));
    }
}
