//! Reads the fields of a JSON object, each by its rule, and remembers everything that is wrong, not only the first.

use std::collections::BTreeMap;

use types::{Currency, Id, Kind, Money, Timestamp};

use crate::problem::{Code, Flaw, Problem};
use crate::request::json::{Json, push_pointer};
use crate::request::text::{self, TextRule};

/// A request's body, by its fields.
pub(crate) trait FromFields: Sized {
    /// Takes every field that it knows. `None` only when a flaw was noted.
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self>;
}

/// The fields of one object.
pub(crate) struct Fields<'j> {
    members: &'j [(String, Json)],
    pointer: String,
    known: Vec<&'static str>,
    /// Known, and refused wherever it stands.
    forbidden: Vec<&'static str>,
    flaws: Vec<Flaw>,
}

/// Reads a whole body.
///
/// # Errors
/// One problem with every flaw: card numbers first, then the flaws of the fields, then unknown fields.
pub(crate) fn read<T: FromFields>(body: &Json) -> Result<T, Problem> {
    let Json::Object(members) = body else {
        return Err(Problem::new(
            Code::BodyInvalid,
            format!("the body must be a JSON object, not {}", body.kind()),
        ));
    };
    let mut flaws = Vec::new();
    text::find_card_numbers(body, &mut String::new(), &mut flaws);
    let mut fields = Fields::new(members, String::new());
    let value = T::from_fields(&mut fields);
    flaws.extend(fields.into_flaws());
    match value {
        Some(value) if flaws.is_empty() => Ok(value),
        _ => Err(Problem::of_flaws(flaws)),
    }
}

/// Reads an object that was taken out of a body, where it stood as `name`. Its card numbers are meant.
///
/// # Errors
/// One problem with every flaw.
pub(crate) fn read_within<T: FromFields>(name: &str, object: &Json) -> Result<T, Problem> {
    let Json::Object(members) = object else {
        let rule = format!("{name} must be an object, not {}", object.kind());
        return Err(Problem::with_param(Code::ParameterInvalid, format!("/{name}"), rule));
    };
    let mut fields = Fields::new(members, format!("/{name}"));
    let value = T::from_fields(&mut fields);
    let flaws = fields.into_flaws();
    match value {
        Some(value) if flaws.is_empty() => Ok(value),
        _ => Err(Problem::of_flaws(flaws)),
    }
}

impl<'j> Fields<'j> {
    fn new(members: &'j [(String, Json)], pointer: String) -> Self {
        Self { members, pointer, known: Vec::new(), forbidden: Vec::new(), flaws: Vec::new() }
    }

    /// Notes a flaw of one field.
    pub fn flaw(&mut self, name: &str, code: Code, detail: impl Into<String>) {
        let mut pointer = self.pointer.clone();
        push_pointer(&mut pointer, name);
        self.flaws.push(Flaw { pointer, code, detail: detail.into(), allowed: Vec::new() });
    }

    /// Notes a flaw of one field that must be one of a list of words.
    pub fn flaw_among(&mut self, name: &str, detail: &str, allowed: &[&str]) {
        self.flaw(name, Code::ParameterInvalid, detail);
        if let Some(flaw) = self.flaws.last_mut() {
            flaw.allowed = allowed.iter().map(|&word| word.to_owned()).collect();
        }
    }

    /// The field's value; `null` is as good as absent.
    fn get(&mut self, name: &'static str) -> Option<&'j Json> {
        self.known.push(name);
        let found = self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        found.filter(|value| **value != Json::Null)
    }

    /// Whether the field was sent.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(key, value)| key == name && *value != Json::Null)
    }

    /// Notes a flaw when a field that must be there is not.
    pub fn required<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has(name) {
            self.flaw(name, Code::ParameterMissing, format!("{name} is required"));
        }
        value
    }

    fn wrong_kind(&mut self, name: &'static str, wanted: &str, found: &Json) {
        self.flaw(name, Code::ParameterInvalid, format!("{name} must be {wanted}, not {}", found.kind()));
    }

    pub fn text(&mut self, name: &'static str, rule: TextRule) -> Option<String> {
        match self.get(name)? {
            Json::Text(value) => match rule.check(value) {
                Ok(()) => Some(value.clone()),
                Err(broken) => {
                    self.flaw(name, Code::ParameterInvalid, format!("{name} {broken}"));
                    None
                }
            },
            other => {
                self.wrong_kind(name, "a string", other);
                None
            }
        }
    }

    pub fn bool(&mut self, name: &'static str) -> Option<bool> {
        match self.get(name)? {
            Json::Bool(value) => Some(*value),
            other => {
                self.wrong_kind(name, "true or false", other);
                None
            }
        }
    }

    /// One of a list of words.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.get(name)?;
        let word = if let Json::Text(word) = value { word.as_str() } else { "" };
        let found = choices.iter().find(|(choice, _)| *choice == word).map(|(_, value)| *value);
        if found.is_none() {
            let allowed: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            self.flaw_among(name, &format!("{name} must be one of: {}", allowed.join(", ")), &allowed);
        }
        found
    }

    /// A count of minor units of at least `least`, at most twelve digits (ISO 8583 DE 4).
    pub fn minor_units(&mut self, name: &'static str, least: u64) -> Option<u64> {
        let most = Money::MAX_MESSAGE_MINOR;
        match self.get(name)? {
            Json::Whole(value) if *value < i128::from(least) => {
                self.flaw(name, Code::AmountTooSmall, format!("{name} must be at least {least}"));
                None
            }
            Json::Whole(value) => match u64::try_from(*value) {
                Ok(value) if value <= most => Some(value),
                _ => {
                    self.flaw(
                        name,
                        Code::AmountTooLarge,
                        format!("{name} must be at most {most} minor units"),
                    );
                    None
                }
            },
            Json::Fraction(_) => {
                let rule = "counts minor units and has no fraction: 12.50 EUR is 1250, 1250 JPY is 1250";
                self.flaw(name, Code::ParameterInvalidInteger, format!("{name} {rule}"));
                None
            }
            other => {
                let rule =
                    format!("{name} must be a JSON number that counts minor units, not {}", other.kind());
                self.flaw(name, Code::ParameterInvalidInteger, rule);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn whole(&mut self, name: &'static str, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let found = self.get(name)?;
        let value = match found {
            Json::Whole(value) => u32::try_from(*value).ok().filter(|value| bounds.contains(value)),
            _ => None,
        };
        if value.is_none() {
            let code = if matches!(found, Json::Whole(_)) {
                Code::ParameterInvalid
            } else {
                Code::ParameterInvalidInteger
            };
            let rule = format!("{name} must be a whole number from {} to {}", bounds.start(), bounds.end());
            self.flaw(name, code, rule);
        }
        value
    }

    pub fn currency(&mut self, name: &'static str) -> Option<Currency> {
        let value = self.get(name)?;
        let Json::Text(letters) = value else {
            self.wrong_kind(name, "an ISO 4217 code such as CNY", value);
            return None;
        };
        let found = letters.parse().ok();
        if found.is_none() {
            // The hint is only given for letters that are a currency: anything else is not repeated.
            let rule = match letters.to_ascii_uppercase().parse::<Currency>() {
                Ok(meant) => format!("{name} must be in upper case: {meant}"),
                Err(_) => format!("{name} must be a supported ISO 4217 code in upper case, such as CNY"),
            };
            self.flaw(name, Code::CurrencyUnsupported, rule);
        }
        found
    }

    /// `amount` and `currency`, both required.
    pub fn money(&mut self) -> Option<Money> {
        let currency = self.currency("currency");
        let currency = self.required("currency", currency);
        let before = self.flaws.len();
        let amount = self.minor_units("amount", 1);
        let amount = self.required("amount", amount);
        // A wrong amount is most often one of another exponent: say what this currency's is.
        if let (Some(currency), Some(flaw)) = (currency, self.flaws.get_mut(before)) {
            let places = currency.exponent();
            flaw.detail.push_str(&format!("; {currency} has {places} decimal places"));
        }
        Money::new(amount?, currency?).ok()
    }

    pub fn id<K: Kind>(&mut self, name: &'static str) -> Option<Id<K>> {
        let value = self.get(name)?;
        let found = if let Json::Text(text) = value { text.parse().ok() } else { None };
        if found.is_none() {
            let rule = format!("{name} must be an id of the form {}_ and 26 letters or digits", K::PREFIX);
            self.flaw(name, Code::ParameterInvalid, rule);
        }
        found
    }

    pub fn timestamp(&mut self, name: &'static str) -> Option<Timestamp> {
        let value = self.get(name)?;
        let found = if let Json::Text(text) = value { text.parse().ok() } else { None };
        if found.is_none() {
            let rule = format!("{name} must be an RFC 3339 instant such as 2026-12-01T08:30:00.000Z");
            self.flaw(name, Code::ParameterInvalid, rule);
        }
        found
    }

    /// An absolute `https` address, or `http` where the caller allows it.
    pub fn url(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name, TextRule::URL)?;
        match text::check_url(&text) {
            Ok(()) => Some(text),
            Err(rule) => {
                self.flaw(name, Code::ParameterInvalid, format!("{name} {rule}"));
                None
            }
        }
    }

    /// The merchant's own data: at most 50 keys of at most 40 characters, values of at most 500.
    pub fn metadata(&mut self) -> Option<BTreeMap<String, String>> {
        const NAME: &str = "metadata";
        let value = self.get(NAME)?;
        let Json::Object(members) = value else {
            self.wrong_kind(NAME, "an object of strings", value);
            return None;
        };
        let before = self.flaws.len();
        if members.len() > 50 {
            self.flaw(NAME, Code::ParameterInvalid, "metadata has at most 50 keys");
        }
        let mut metadata = BTreeMap::new();
        let mut inner = Fields::new(members, format!("{}/{NAME}", self.pointer));
        for (key, value) in members.iter().take(51) {
            if let Err(rule) = TextRule::METADATA_KEY.check(key) {
                inner.flaw(
                    &card::mask_pans(key),
                    Code::ParameterInvalid,
                    format!("a key of metadata {rule}"),
                );
            }
            match value {
                Json::Text(text) => match TextRule::METADATA_VALUE.check(text) {
                    Ok(()) => drop(metadata.insert(key.clone(), text.clone())),
                    Err(rule) => inner.flaw(
                        &card::mask_pans(key),
                        Code::ParameterInvalid,
                        format!("a value of metadata {rule}"),
                    ),
                },
                other => {
                    let rule = format!("a value of metadata must be a string, not {}", other.kind());
                    inner.flaw(&card::mask_pans(key), Code::ParameterInvalid, rule);
                }
            }
        }
        self.flaws.append(&mut inner.flaws);
        (self.flaws.len() == before).then_some(metadata)
    }

    /// An object.
    pub fn object<T: FromFields>(&mut self, name: &'static str) -> Option<T> {
        let value = self.get(name)?;
        let Json::Object(members) = value else {
            self.wrong_kind(name, "an object", value);
            return None;
        };
        let mut inner = Fields::new(members, format!("{}/{name}", self.pointer));
        let object = T::from_fields(&mut inner);
        self.flaws.append(&mut inner.into_flaws());
        object
    }

    /// A list of objects.
    pub fn objects<T: FromFields>(&mut self, name: &'static str, most: usize) -> Option<Vec<T>> {
        let items = self.items(name, most)?;
        let mut list = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let pointer = format!("{}/{name}/{place}", self.pointer);
            match item {
                Json::Object(members) => {
                    let mut fields = Fields::new(members, pointer);
                    list.extend(T::from_fields(&mut fields));
                    self.flaws.append(&mut fields.into_flaws());
                }
                other => {
                    let detail = format!("each of {name} must be an object, not {}", other.kind());
                    self.flaws.push(Flaw {
                        pointer,
                        code: Code::ParameterInvalid,
                        detail,
                        allowed: Vec::new(),
                    });
                }
            }
        }
        (list.len() == items.len()).then_some(list)
    }

    /// A list of strings.
    pub fn texts(&mut self, name: &'static str, most: usize, rule: TextRule) -> Option<Vec<String>> {
        let items = self.items(name, most)?;
        let mut list = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let broken = match item {
                Json::Text(text) => rule.check(text).err(),
                other => Some(format!("must be a string, not {}", other.kind())),
            };
            match (broken, item) {
                (None, Json::Text(text)) => list.push(text.clone()),
                (broken, _) => {
                    let pointer = format!("{}/{name}/{place}", self.pointer);
                    let detail = format!("each of {name} {}", broken.unwrap_or_default());
                    self.flaws.push(Flaw {
                        pointer,
                        code: Code::ParameterInvalid,
                        detail,
                        allowed: Vec::new(),
                    });
                }
            }
        }
        (list.len() == items.len()).then_some(list)
    }

    fn items(&mut self, name: &'static str, most: usize) -> Option<&'j [Json]> {
        match self.get(name)? {
            Json::List(items) if items.len() <= most => Some(items),
            Json::List(_) => {
                self.flaw(name, Code::ParameterInvalid, format!("{name} has at most {most} items"));
                None
            }
            other => {
                self.wrong_kind(name, "an array", other);
                None
            }
        }
    }

    /// A field that would bring card data: refused with a hint where card data belongs.
    pub fn no_card_data(&mut self, name: &'static str) {
        self.forbidden.push(name);
        if self.has(name) {
            let rule = "card data is entered on the hosted checkout; send a payment_method id here";
            self.flaw(name, Code::PanNotAllowedHere, rule);
        }
    }

    /// The same for a field that other merchants may send.
    pub fn no_card_data_of_this_merchant(&mut self, name: &'static str) {
        self.known.push(name);
        self.no_card_data(name);
    }

    fn into_flaws(mut self) -> Vec<Flaw> {
        let known = std::mem::take(&mut self.known);
        for (key, _) in self.members {
            if !known.contains(&key.as_str()) && !self.forbidden.contains(&key.as_str()) {
                let masked = card::mask_pans(key).into_owned();
                self.flaw_among(&masked, "this parameter is not known here", &known);
                if let Some(flaw) = self.flaws.last_mut() {
                    flaw.code = Code::ParameterUnknown;
                }
            }
        }
        self.flaws
    }
}
