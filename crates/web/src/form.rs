//! Forms as browsers send them, read into memory that is wiped.
//!
//! A card number passes through here, so the fields are not left to a general decoder that copies them about.

use zeroize::Zeroizing;

/// No form of ours is larger.
pub const MAX_BYTES: usize = 32 * 1024;
const MAX_FIELDS: usize = 32;

/// A form that was not sent by one of our pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a form of this page")]
pub struct NotAForm;

/// The fields of a form. Wiped on drop; no `Debug`, for it holds what was typed.
pub struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL section 5.1).
    ///
    /// # Errors
    /// [`NotAForm`] for a field that stands twice, text that is not UTF-8, or more than any form of ours has.
    pub fn read(body: &[u8]) -> Result<Self, NotAForm> {
        if body.len() > MAX_BYTES {
            return Err(NotAForm);
        }
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for pair in body.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
                Some(place) => (&pair[..place], &pair[place + 1..]),
                None => (pair, &[][..]),
            };
            let name = decode(name)?.to_string();
            if fields.len() == MAX_FIELDS || fields.iter().any(|(known, _)| *known == name) {
                return Err(NotAForm);
            }
            fields.push((name, decode(value)?));
        }
        Ok(Self(fields))
    }

    /// What was typed into a field; empty when the field was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }
}

fn decode(text: &[u8]) -> Result<Zeroizing<String>, NotAForm> {
    // Never longer than the input, so the bytes are never moved to a larger place and left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |found: Option<&u8>| {
                    found.and_then(|&byte| char::from(byte).to_digit(16)).ok_or(NotAForm)
                };
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).map_err(|_| NotAForm)?
            }
            plain => plain,
        });
    }
    String::from_utf8(std::mem::take(&mut bytes)).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        NotAForm
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_decoded_and_missing_ones_are_empty() {
        let form = Form::read(b"cardnumber=4242+4242&ccname=%E7%8E%8B%20%E8%8A%B3&save=1&empty=").unwrap();
        assert_eq!(form.get("cardnumber"), "4242 4242");
        assert_eq!(form.get("ccname"), "王 芳");
        assert!(form.ticked("save") && !form.ticked("empty") && !form.ticked("absent"));
    }

    #[test]
    fn what_no_page_of_ours_sends_is_refused() {
        for body in [&b"a=1&a=2"[..], b"a=%", b"a=%4", b"a=%zz", b"a=%ff", b"%=1"] {
            assert!(Form::read(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert!(Form::read(&vec![b'a'; MAX_BYTES + 1]).is_err());
        let many: String = (0..40).map(|place| format!("f{place}=1&")).collect();
        assert!(Form::read(many.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body: Vec<u8>) {
            let _ = Form::read(&body);
        }

        #[test]
        fn every_text_comes_through(text: String) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let form = Form::read(format!("field={encoded}").as_bytes()).unwrap();
            prop_assert_eq!(form.get("field"), text);
        }
    }
}
