//! The card form: what was typed, read leniently and judged strictly, without repeating a digit of it.

use card::{Brand, Expiry, Pan, PanError, SecurityCode};
use types::Timestamp;
use wallet::flow::guest::GuestCard;

use crate::amount::example_expiry;
use crate::form::Form;
use crate::locale::Locale;
use crate::text::fill;

/// As many letters as a card carries, and some more.
const NAME_MAX: usize = 80;

/// One thing that is wrong, in the shopper's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The field's id; none for the whole form.
    pub field: Option<&'static str>,
    /// What to do about it.
    pub text: String,
}

/// What is wrong, and what may be shown again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// In the order of the fields. Never empty after a failed reading.
    pub list: Vec<Mistake>,
    /// The expiry date, when it is one.
    pub expiry: String,
    /// The name, when it holds no digits.
    pub name: String,
    /// Whether the box was ticked.
    pub save: bool,
}

/// A card form that can be paid with.
pub struct CardForm {
    /// The card.
    pub card: GuestCard,
    /// Whether the shopper wants to keep it.
    pub save: bool,
}

impl CardForm {
    /// Reads the form. `accepted` are the codes of the brands that the merchant takes.
    ///
    /// # Errors
    /// [`Mistakes`], all of them at once.
    pub fn read(form: &Form, accepted: &[String], now: Timestamp, locale: Locale) -> Result<Self, Mistakes> {
        let reader = Reader { accepted, now, locale };
        let name = form.get("ccname").trim();
        let pan = reader.number(form.get("cardnumber"));
        let expiry = reader.expiry(form.get("exp-date"));
        let brand = pan.as_ref().ok().and_then(|pan| Brand::of_digits(pan.expose().as_bytes()));
        let code = reader.code(form.get("cvc"), brand);
        let named = reader.name(name);
        let save = form.ticked("save");
        match (pan, expiry, code, named) {
            (Ok(pan), Ok(expiry), Ok(security_code), Ok(())) => {
                Ok(Self { card: GuestCard { pan, expiry, security_code }, save })
            }
            (pan, expiry, code, named) => {
                // Only what reads as a date and what has no digit goes back: a number or code typed into the wrong field
                // must not come up on the page again.
                let shown_name = if named.is_ok() { name.to_owned() } else { String::new() };
                let shown_expiry = expiry.as_ref().map_or_else(|_| String::new(), ToString::to_string);
                let wrong = [
                    pan.err().map(|text| ("cardnumber", text)),
                    expiry.err().map(|text| ("exp-date", text)),
                    code.err().map(|text| ("cvc", text)),
                    named.err().map(|text| ("ccname", text)),
                ];
                let list = wrong.into_iter().flatten();
                let list = list.map(|(field, text)| Mistake { field: Some(field), text }).collect();
                Err(Mistakes { list, expiry: shown_expiry, name: shown_name, save })
            }
        }
    }
}

struct Reader<'a> {
    accepted: &'a [String],
    now: Timestamp,
    locale: Locale,
}

impl Reader<'_> {
    fn number(&self, typed: &str) -> Result<Pan, String> {
        let t = self.locale.texts();
        if typed.trim().is_empty() {
            return Err(t.number_missing.to_owned());
        }
        let pan = Pan::parse_lenient(typed).map_err(|error| match error {
            PanError::Missing => t.number_missing.to_owned(),
            PanError::Length { .. } | PanError::BrandLength { .. } => t.number_length.to_owned(),
            PanError::NotDigits | PanError::CheckDigit => t.number_invalid.to_owned(),
        })?;
        match Brand::of_digits(pan.expose().as_bytes()) {
            Some(brand) if self.accepted.iter().any(|code| code == brand.code()) => Ok(pan),
            Some(brand) => Err(fill(t.brand_unsupported, "brand", brand_name(brand, self.locale))),
            None => Err(t.brand_unknown.to_owned()),
        }
    }

    fn expiry(&self, typed: &str) -> Result<Expiry, String> {
        let t = self.locale.texts();
        if typed.trim().is_empty() {
            return Err(t.expiry_missing.to_owned());
        }
        let expiry =
            Expiry::parse(typed).map_err(|_| fill(t.expiry_invalid, "example", &example_expiry(self.now)))?;
        if expiry.is_past(self.now) { Err(t.expiry_past.to_owned()) } else { Ok(expiry) }
    }

    fn code(&self, typed: &str, brand: Option<Brand>) -> Result<SecurityCode, String> {
        let t = self.locale.texts();
        if typed.trim().is_empty() {
            return Err(t.code_missing.to_owned());
        }
        let code = SecurityCode::parse(typed).map_err(|_| t.code_invalid.to_owned())?;
        match brand {
            Some(brand) if !code.fits(brand) => {
                let text = fill(t.code_digits, "brand", brand_name(brand, self.locale));
                Err(fill(&text, "digits", &brand.security_code_digits().to_string()))
            }
            _ => Ok(code),
        }
    }

    /// Any script, any order of names, but no digits: what has digits is a number in the wrong field.
    fn name(&self, typed: &str) -> Result<(), String> {
        let t = self.locale.texts();
        if typed.chars().any(char::is_numeric) {
            Err(t.name_digits.to_owned())
        } else if typed.chars().count() > NAME_MAX {
            Err(t.name_long.to_owned())
        } else {
            Ok(())
        }
    }
}

/// A brand as people of this language call it.
pub(super) fn brand_name(brand: Brand, locale: Locale) -> &'static str {
    match (brand, locale) {
        (Brand::UnionPay, Locale::En) => "UnionPay",
        (Brand::UnionPay, Locale::ZhCn) => "银联",
        (Brand::Visa, _) => "Visa",
        (Brand::Mastercard, _) => "Mastercard",
        (Brand::Jcb, _) => "JCB",
        (Brand::Amex, Locale::En) => "American Express",
        (Brand::Amex, Locale::ZhCn) => "美国运通",
        (Brand::Discover, _) => "Discover",
        (Brand::Diners, Locale::En) => "Diners Club",
        (Brand::Diners, Locale::ZhCn) => "大来",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-12-01.
    const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_007);

    fn read(body: &str, locale: Locale) -> Result<CardForm, Mistakes> {
        let accepted = ["visa", "unionpay"].map(str::to_owned);
        CardForm::read(&Form::read(body.as_bytes()).unwrap(), &accepted, NOW, locale)
    }

    fn mistakes(body: &str) -> Vec<(&'static str, String)> {
        let found = read(body, Locale::En).err().unwrap_or_default();
        found.list.into_iter().filter_map(|mistake| Some((mistake.field?, mistake.text))).collect()
    }

    #[test]
    fn a_card_is_read_as_people_type_it() {
        let form = read(
            "cardnumber=4242+4242-4242+4242&exp-date=12+%2F+28&cvc=123&ccname=%E7%8E%8B%E8%8A%B3&save=1",
            Locale::En,
        );
        let form = form.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        assert_eq!(form.card.pan.last4(), "4242");
        assert!(form.save);
    }

    #[test]
    fn every_mistake_is_named_at_once_and_links_to_its_field() {
        assert_eq!(
            mistakes(""),
            [
                ("cardnumber", "Enter your card number".to_owned()),
                ("exp-date", "Enter the expiry date".to_owned()),
                ("cvc", "Enter the security code".to_owned()),
            ]
        );
    }

    #[test]
    fn each_rule_has_its_words() {
        let rest = "&exp-date=12/28&cvc=123";
        for (number, words) in [
            ("4242424242424241", "Enter a valid card number"),
            ("424242424242", "Card number is not the correct length"),
            ("42", "Card number is not the correct length"),
            ("abcd", "Enter a valid card number"),
            ("5555555555554444", "Mastercard is not supported"),
        ] {
            assert_eq!(
                mistakes(&format!("cardnumber={number}{rest}")),
                [("cardnumber", words.to_owned())],
                "{number}"
            );
        }
        let with =
            |expiry, code| mistakes(&format!("cardnumber=4242424242424242&exp-date={expiry}&cvc={code}"));
        assert_eq!(with("10/26", "123"), [("exp-date", "Enter an expiry date in the future".to_owned())]);
        assert_eq!(with("13/28", "123")[0].1, "Enter the expiry date as month and year, for example 11/29");
        assert_eq!(with("12/28", "12"), [("cvc", "Enter a valid card security code".to_owned())]);
        assert_eq!(with("12/28", "1234"), [("cvc", "The security code of Visa has 3 digits".to_owned())]);
    }

    #[test]
    fn chinese_shoppers_read_chinese() {
        let wrong = read("cardnumber=5555555555554444&exp-date=01/20&cvc=1", Locale::ZhCn).err().unwrap();
        let texts: Vec<&str> = wrong.list.iter().map(|mistake| mistake.text.as_str()).collect();
        assert_eq!(texts, ["暂不支持 Mastercard", "有效期已过，请核对", "请输入正确的安全码"]);
    }

    #[test]
    fn a_number_in_the_wrong_field_is_not_shown_again() {
        let wrong = read("cardnumber=&exp-date=4242424242424242&cvc=&ccname=4242424242424242", Locale::En)
            .err()
            .unwrap();
        assert_eq!((wrong.expiry.as_str(), wrong.name.as_str()), ("", ""));
        let kept = read("cardnumber=&exp-date=1228&cvc=&ccname=Wang+Fang", Locale::En).err().unwrap();
        assert_eq!((kept.expiry.as_str(), kept.name.as_str()), ("12/28", "Wang Fang"));
    }
}
