//! How messages stand in a TCP stream: a length, an optional TPDU, an optional application header, the message.
//!
//! | bytes         | what                                                                                  |
//! |---------------|---------------------------------------------------------------------------------------|
//! | 2 or 4        | length of what follows (or of the whole frame, where the bank counts it `inclusive`)  |
//! | 5, if any     | TPDU: `60`, destination, origin; the answer has the two addresses swapped             |
//! | 0 to 32       | application header, for UnionPay POS six bytes (twelve BCD digits)                    |
//! | the rest      | the ISO 8583 message, from its message type identifier                                |
//!
//! A length is checked against the bank's maximum before anything is allocated for it. A frame of length zero is a
//! keep-alive; it is never answered, so that two ends cannot wake each other for ever.

use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;

/// How the length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LengthForm {
    /// Two bytes, big-endian.
    Binary2,
    /// Four bytes, big-endian.
    Binary4,
    /// Two bytes of packed decimal digits.
    Bcd2,
    /// Four ASCII decimal digits.
    Ascii4,
    /// Four ASCII hexadecimal digits, upper or lower case.
    Hex4,
}

impl LengthForm {
    const fn width(self) -> usize {
        match self {
            Self::Binary2 | Self::Bcd2 => 2,
            Self::Binary4 | Self::Ascii4 | Self::Hex4 => 4,
        }
    }

    /// The largest number that can be written.
    pub(crate) const fn most(self) -> usize {
        match self {
            Self::Binary2 | Self::Hex4 => 0xffff,
            Self::Binary4 => 0x7fff_ffff,
            Self::Bcd2 | Self::Ascii4 => 9999,
        }
    }

    fn write(self, length: usize, out: &mut Vec<u8>) {
        match self {
            Self::Binary2 => out.extend_from_slice(&(length as u16).to_be_bytes()),
            Self::Binary4 => out.extend_from_slice(&(length as u32).to_be_bytes()),
            Self::Bcd2 => {
                let pair = |n: usize| (((n / 10 % 10) << 4) | (n % 10)) as u8;
                out.extend_from_slice(&[pair(length / 100), pair(length)]);
            }
            Self::Ascii4 => out.extend_from_slice(format!("{length:04}").as_bytes()),
            Self::Hex4 => out.extend_from_slice(format!("{length:04X}").as_bytes()),
        }
    }

    fn read(self, bytes: &[u8]) -> Option<usize> {
        let digit = |base: u32| {
            move |n: usize, digit: u32| (digit < base).then(|| n * base as usize + digit as usize)
        };
        match self {
            Self::Binary2 | Self::Binary4 => {
                Some(bytes.iter().fold(0, |n, &byte| (n << 8) | usize::from(byte)))
            }
            Self::Bcd2 => {
                bytes.iter().flat_map(|&b| [u32::from(b >> 4), u32::from(b & 15)]).try_fold(0, digit(10))
            }
            Self::Ascii4 => bytes.iter().map(|&b| u32::from(b.wrapping_sub(b'0'))).try_fold(0, digit(10)),
            Self::Hex4 => {
                bytes.iter().map(|&b| char::from(b).to_digit(16).unwrap_or(99)).try_fold(0, digit(16))
            }
        }
    }
}

/// The framing of one bank, from the `[framing]` table of its `bank.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    /// How the length is written.
    pub length: LengthForm,
    /// Whether the length counts its own bytes.
    pub inclusive: bool,
    /// The TPDU of our messages, if the bank wants one: `60`, destination, origin.
    pub tpdu: Option<[u8; 5]>,
    /// The application header of our messages; empty if the bank wants none.
    pub header: Vec<u8>,
    /// The longest frame in bytes, without its length; longer ones end the connection.
    pub max_bytes: usize,
    /// The value of the header's processing-demand digit (the sixth digit) that orders us to sign on again.
    pub sign_on_demand: Option<u8>,
    /// The value of the same digit that orders us to fetch the bank's parameters.
    pub parameters_demand: Option<u8>,
}

/// Why a stream of bytes is not a stream of frames. After either, the place of the next frame is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length's bytes are not digits, or it does not count itself though it should.
    #[error("the length before the frame is not a length")]
    LengthInvalid,
    /// The length is over the bank's maximum.
    #[error("a frame of {length} bytes; at most {max} are allowed")]
    TooLong {
        /// What the length says, in bytes.
        length: usize,
        /// What is allowed, in bytes.
        max: usize,
    },
}

impl FrameError {
    /// A stable code; never renamed, never reused.
    pub const fn code(self) -> &'static str {
        match self {
            Self::LengthInvalid => "frame_length_invalid",
            Self::TooLong { .. } => "frame_too_long",
        }
    }
}

/// What came in one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message; `envelope` is the TPDU and header before it.
    Message {
        /// The TPDU and the application header, as received.
        envelope: Bytes,
        /// The message, from its message type identifier.
        body: Bytes,
    },
    /// A frame of length zero.
    KeepAlive,
    /// A frame too short for its TPDU and header, or with a TPDU that is none. The next frame is where it should be.
    Malformed,
}

impl Framing {
    /// Appends `body` as a frame with our own TPDU and header.
    ///
    /// # Errors
    /// [`FrameError::TooLong`]; `out` is then as it was.
    pub fn write(&self, body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        self.frame(self.tpdu.as_ref().map_or(&[][..], |tpdu| &tpdu[..]), &self.header, body, out)
    }

    /// Appends `body` as the answer to a frame that came with `envelope`: the TPDU's addresses swapped, the header as
    /// it came.
    ///
    /// # Errors
    /// [`FrameError::TooLong`]; `out` is then as it was.
    pub fn write_reply(&self, envelope: &[u8], body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        match (self.tpdu, envelope) {
            (Some(_), [id, to0, to1, from0, from1, header @ ..]) => {
                self.frame(&[*id, *from0, *from1, *to0, *to1], header, body, out)
            }
            (Some(_) | None, header) => self.frame(&[], header, body, out),
        }
    }

    fn frame(&self, tpdu: &[u8], header: &[u8], body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        let length = tpdu.len() + header.len() + body.len();
        let counted = if self.inclusive { length + self.length.width() } else { length };
        let max = self.max_bytes;
        if length > max || counted > self.length.most() {
            return Err(FrameError::TooLong { length, max });
        }
        self.length.write(counted, out);
        out.extend_from_slice(tpdu);
        out.extend_from_slice(header);
        out.extend_from_slice(body);
        Ok(())
    }

    const fn envelope_bytes(&self) -> usize {
        self.header.len() + if self.tpdu.is_some() { 5 } else { 0 }
    }

    /// Whether the header of a received frame orders us to sign on again.
    pub fn demands_sign_on(&self, envelope: &[u8]) -> bool {
        self.demands(self.sign_on_demand, envelope)
    }

    /// Whether the header of a received frame orders us to fetch the bank's parameters.
    pub fn demands_parameters(&self, envelope: &[u8]) -> bool {
        self.demands(self.parameters_demand, envelope)
    }

    fn demands(&self, demand: Option<u8>, envelope: &[u8]) -> bool {
        let at = if self.tpdu.is_some() { 5 } else { 0 };
        match (demand, envelope.get(at + 2)) {
            (Some(demand), Some(status)) => status & 15 == demand,
            (Some(_), None) | (None, _) => false,
        }
    }
}

/// Collects received bytes and gives them back as frames. Holds no more than one frame and one read.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: BytesMut,
}

impl FrameReader {
    /// How many bytes one read may bring.
    pub const READ_BYTES: usize = 16 * 1024;

    /// An empty reader.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next read puts its bytes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(Self::READ_BYTES);
        &mut self.buffer
    }

    /// Appends received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the bytes so far end within a frame.
    pub fn is_mid_frame(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next complete frame, if its last byte has come.
    ///
    /// # Errors
    /// [`FrameError`]; the connection is then of no more use.
    pub fn next_frame(&mut self, framing: &Framing) -> Result<Option<Frame>, FrameError> {
        let width = framing.length.width();
        let Some(prefix) = self.buffer.get(..width) else { return Ok(None) };
        let counted = framing.length.read(prefix).ok_or(FrameError::LengthInvalid)?;
        let length = match (framing.inclusive, counted) {
            (false, length) => length,
            // Some banks that count inclusively still send a bare zero to keep the connection alive.
            (true, 0) => 0,
            (true, counted) => counted.checked_sub(width).ok_or(FrameError::LengthInvalid)?,
        };
        if length > framing.max_bytes {
            return Err(FrameError::TooLong { length, max: framing.max_bytes });
        }
        if self.buffer.len() < width + length {
            return Ok(None);
        }
        self.buffer.advance(width);
        let mut frame = self.buffer.split_to(length).freeze();
        if length == 0 {
            return Ok(Some(Frame::KeepAlive));
        }
        if length <= framing.envelope_bytes() || (framing.tpdu.is_some() && !matches!(frame[0], 0x60 | 0x68))
        {
            return Ok(Some(Frame::Malformed));
        }
        let envelope = frame.split_to(framing.envelope_bytes());
        Ok(Some(Frame::Message { envelope, body: frame }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framing(length: LengthForm, inclusive: bool, tpdu: bool) -> Framing {
        Framing {
            length,
            inclusive,
            tpdu: tpdu.then_some([0x60, 0x00, 0x03, 0x00, 0x00]),
            header: if tpdu { vec![0x60, 0x31, 0x00, 0x31, 0x12, 0x00] } else { Vec::new() },
            max_bytes: 2048,
            sign_on_demand: Some(3),
            parameters_demand: Some(1),
        }
    }

    const FORMS: [LengthForm; 5] =
        [LengthForm::Binary2, LengthForm::Binary4, LengthForm::Bcd2, LengthForm::Ascii4, LengthForm::Hex4];

    #[test]
    fn a_frame_stands_in_the_stream_as_the_bank_writes_it() {
        let mut out = Vec::new();
        framing(LengthForm::Binary2, false, true).write(b"0800", &mut out).unwrap();
        assert_eq!(out, [0, 15, 0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0x12, 0, b'0', b'8', b'0', b'0']);
        out.clear();
        framing(LengthForm::Ascii4, true, false).write(b"0800", &mut out).unwrap();
        assert_eq!(out, b"00080800");
        out.clear();
        framing(LengthForm::Bcd2, false, false).write(&[7; 123], &mut out).unwrap();
        assert_eq!(out[..2], [0x01, 0x23]);
    }

    #[test]
    fn an_answer_goes_back_to_where_its_request_came_from() {
        let framing = framing(LengthForm::Binary2, false, true);
        let mut out = Vec::new();
        framing.write_reply(&[0x60, 0, 3, 0, 9, 1, 2, 3, 4, 5, 6], b"x", &mut out).unwrap();
        assert_eq!(out[2..7], [0x60, 0, 9, 0, 3]);
        assert_eq!(out[7..13], [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_length_over_the_maximum_is_refused_before_its_bytes_arrive() {
        let framing = framing(LengthForm::Binary4, false, false);
        let mut reader = FrameReader::new();
        reader.push(&[0x7f, 0xff, 0xff, 0xff]);
        assert_eq!(reader.next_frame(&framing), Err(FrameError::TooLong { length: 0x7fff_ffff, max: 2048 }));
    }

    #[test]
    fn a_length_that_is_no_length_and_a_frame_without_room_for_its_header_are_told_apart() {
        let mut reader = FrameReader::new();
        reader.push(b"00x4");
        let ascii = framing(LengthForm::Ascii4, false, false);
        assert_eq!(reader.next_frame(&ascii), Err(FrameError::LengthInvalid));

        let mut reader = FrameReader::new();
        reader.push(&[0, 3, 0x60, 0, 0, 0, 0]);
        let nac = framing(LengthForm::Binary2, false, true);
        assert_eq!(reader.next_frame(&nac), Ok(Some(Frame::Malformed)));
        assert_eq!(reader.next_frame(&nac), Ok(Some(Frame::KeepAlive)));
        assert!(!reader.is_mid_frame());
    }

    #[test]
    fn the_header_can_order_a_sign_on() {
        let framing = framing(LengthForm::Binary2, false, true);
        assert!(framing.demands_sign_on(&[0x60, 0, 0, 0, 3, 0x60, 0x31, 0x03, 0x31, 0x12, 0x00]));
        assert!(!framing.demands_sign_on(&[0x60, 0, 0, 0, 3, 0x60, 0x31, 0x00, 0x31, 0x12, 0x00]));
    }

    proptest! {
        /// However the network cuts a stream, the same frames come out of it.
        #[test]
        fn frames_come_out_as_they_went_in_however_the_stream_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..6),
            cuts in prop::collection::vec(1usize..40, 1..60),
            form in 0usize..5, inclusive: bool, tpdu: bool,
        ) {
            let framing = framing(FORMS[form], inclusive, tpdu);
            let mut stream = Vec::new();
            for body in &bodies {
                framing.write(body, &mut stream).unwrap();
            }
            let (mut reader, mut seen, mut rest) = (FrameReader::new(), Vec::new(), &stream[..]);
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (head, tail) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                reader.push(head);
                rest = tail;
                while let Some(frame) = reader.next_frame(&framing).unwrap() {
                    let Frame::Message { body, .. } = frame else { panic!("{frame:?}") };
                    seen.push(body.to_vec());
                }
            }
            prop_assert_eq!(seen, bodies);
            prop_assert!(!reader.is_mid_frame());
        }
    }
}
