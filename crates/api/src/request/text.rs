//! Rules for text that merchants send.

use crate::problem::{Code, Flaw};
use crate::request::json::{Json, push_pointer};

/// How long a text may be, in characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextRule {
    least: usize,
    most: usize,
    /// Only visible ASCII.
    ascii: bool,
}

impl TextRule {
    pub const METADATA_KEY: Self = Self::of(1, 40);
    pub const METADATA_VALUE: Self = Self::of(0, 500);
    pub const NAME: Self = Self::of(1, 200);
    pub const OPTIONAL_NAME: Self = Self::of(0, 200);
    pub const EMAIL: Self = Self::of(0, 254);
    pub const DESCRIPTION: Self = Self::of(1, 500);
    pub const OPTIONAL_DESCRIPTION: Self = Self::of(0, 500);
    pub const TERMINAL: Self = Self::ascii(8, 8);
    pub const ACCEPTOR: Self = Self::ascii(15, 15);
    pub const MTI: Self = Self::ascii(4, 4);
    pub const URL: Self = Self::ascii(1, 2_048);
    pub const REFERENCE: Self = Self::ascii(1, 64);
    pub const EVENT_TYPE: Self = Self::ascii(1, 60);

    const fn of(least: usize, most: usize) -> Self {
        Self { least, most, ascii: false }
    }

    pub const fn ascii(least: usize, most: usize) -> Self {
        Self { least, most, ascii: true }
    }

    /// Which rule the text breaks, in words that follow the field's name.
    pub fn check(self, text: &str) -> Result<(), String> {
        let (least, most) = (self.least, self.most);
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters".to_owned());
        }
        if self.ascii && !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must consist of visible ASCII characters".to_owned());
        }
        if (least..=most).contains(&text.chars().count()) {
            Ok(())
        } else {
            Err(format!("must have {least} to {most} characters"))
        }
    }
}

/// An absolute address that a browser or a webhook can be sent to.
pub(crate) fn check_url(text: &str) -> Result<(), &'static str> {
    let url = reqwest::Url::parse(text)
        .map_err(|_| "must be an absolute URL such as https://shop.example/thanks")?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err("must be an https or http URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password");
    }
    Ok(())
}

/// Finds what looks like a card number anywhere in a body: in a value, in a key, even in a number.
pub(crate) fn find_card_numbers(json: &Json, pointer: &mut String, flaws: &mut Vec<Flaw>) {
    let holds = match json {
        Json::Null | Json::Bool(_) => false,
        Json::Text(text) => card::contains_pan(text),
        Json::Whole(number) => card::contains_pan(&number.to_string()),
        Json::Fraction(number) => card::contains_pan(&number.to_string()),
        Json::List(items) => {
            for (place, item) in items.iter().enumerate() {
                within(pointer, &place.to_string(), |pointer| find_card_numbers(item, pointer, flaws));
            }
            false
        }
        Json::Object(members) => {
            for (key, value) in members {
                within(pointer, &card::mask_pans(key), |pointer| {
                    if card::contains_pan(key) {
                        flaws.push(card_number(pointer));
                    }
                    find_card_numbers(value, pointer, flaws);
                });
            }
            false
        }
    };
    if holds {
        flaws.push(card_number(pointer));
    }
}

fn within(pointer: &mut String, key: &str, visit: impl FnOnce(&mut String)) {
    let length = pointer.len();
    push_pointer(pointer, key);
    visit(pointer);
    pointer.truncate(length);
}

fn card_number(pointer: &str) -> Flaw {
    Flaw {
        pointer: pointer.to_owned(),
        code: Code::PanNotAllowedHere,
        detail: "this looks like a card number; card numbers are entered on the hosted checkout".to_owned(),
        allowed: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_found_wherever_it_hides() {
        let body = br#"{"metadata": {"note": "4000 0000 0000 0002", "4242424242424242": "x"}, "lines": [{"n": 4242424242424242}]}"#;
        let mut flaws = Vec::new();
        find_card_numbers(&Json::parse(body).unwrap(), &mut String::new(), &mut flaws);
        let pointers: Vec<&str> = flaws.iter().map(|flaw| flaw.pointer.as_str()).collect();
        assert_eq!(pointers, ["/metadata/note", "/metadata/************4242", "/lines/0/n"]);
    }

    #[test]
    fn addresses_are_absolute_and_carry_no_password() {
        assert_eq!(check_url("https://shop.example/thanks?order=7"), Ok(()));
        assert!(check_url("/thanks").is_err());
        assert!(check_url("javascript:alert(1)").is_err());
        assert!(check_url("https://user:secret@shop.example/").is_err());
    }
}
