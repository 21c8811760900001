//! The signature base: the exact text that is signed (RFC 9421 section 2.5).

use std::fmt::Write as _;

use sfv::{BareItem, FieldType, InnerList, Item, Key, List, ListEntry, Parameters};

use super::error::SignatureError;
use super::parts::{Message, RequestParts, header};

/// One covered component: a derived one such as `@method` or a header in lower case, of the message itself or, with
/// `;req`, of the request that it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// `@method`, `content-digest`.
    pub name: String,
    /// Whether it is taken from the request that is answered.
    pub of_request: bool,
}

impl Component {
    /// A component of the message itself.
    pub fn own(name: &str) -> Self {
        Self { name: name.to_owned(), of_request: false }
    }

    /// A component of the request that is answered.
    pub fn of_request(name: &str) -> Self {
        Self { name: name.to_owned(), of_request: true }
    }

    /// As it is written in the signature base and in `Signature-Input`: `"@method";req`.
    pub(super) fn identifier(&self) -> String {
        format!("\"{}\"{}", self.name, if self.of_request { ";req" } else { "" })
    }

    fn value(&self, message: &Message<'_>) -> Option<String> {
        if self.of_request {
            // `;req` only has a meaning in an answer.
            let Message::Response(_, Some(request)) = message else { return None };
            return request_component(&self.name, request);
        }
        match message {
            Message::Request(request) => request_component(&self.name, request),
            Message::Response(response, _) if self.name == "@status" => Some(response.status.to_string()),
            Message::Response(response, _) if !self.name.starts_with('@') => {
                header(response.headers, &self.name)
            }
            Message::Response(..) => None,
        }
    }
}

/// RFC 9421 section 2.2. `@target-uri` and `@scheme` are left out: behind a proxy the scheme is a guess.
fn request_component(name: &str, request: &RequestParts<'_>) -> Option<String> {
    match name {
        "@method" => Some(request.method.to_owned()),
        "@authority" => Some(request.authority.to_ascii_lowercase()),
        "@path" => Some(if request.path.is_empty() { "/".to_owned() } else { request.path.to_owned() }),
        "@query" => Some(format!("?{}", request.query)),
        derived if derived.starts_with('@') => None,
        field => header(request.headers, field),
    }
}

/// One entry of `Signature-Input`: what is covered, and the parameters, in the order of the header.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    list: InnerList,
    components: Vec<Component>,
}

impl Input {
    /// Reads one entry of a parsed `Signature-Input`.
    ///
    /// # Errors
    /// [`SignatureError`] for components that are malformed, repeated or not supported.
    pub(super) fn read(entry: &ListEntry) -> Result<Self, SignatureError> {
        let malformed = SignatureError::Malformed("Signature-Input");
        let ListEntry::InnerList(list) = entry else { return Err(malformed) };
        let mut components: Vec<Component> = Vec::with_capacity(list.items.len());
        for item in &list.items {
            let BareItem::String(name) = &item.bare_item else { return Err(malformed) };
            let name = name.as_str();
            if name.is_empty()
                || name == "@signature-params"
                || name.bytes().any(|byte| byte.is_ascii_uppercase())
            {
                return Err(malformed);
            }
            let of_request = match (item.params.len(), item.params.get("req")) {
                (0, None) => false,
                (1, Some(BareItem::Boolean(true))) => true,
                // `sf`, `bs`, `key`, `tr` and what may come later.
                _ => return Err(SignatureError::ComponentUnsupported),
            };
            let component = Component { name: name.to_owned(), of_request };
            // A component stands at most once (RFC 9421 section 2).
            if components.contains(&component) {
                return Err(malformed);
            }
            components.push(component);
        }
        Ok(Self { list: list.clone(), components })
    }

    /// Makes an entry; `parameters` in the order in which they are written.
    pub(super) fn make(
        components: Vec<Component>,
        parameters: Vec<(&'static str, BareItem)>,
    ) -> Result<Self, SignatureError> {
        let malformed = |_| SignatureError::Malformed("Signature-Input");
        let key = |name: &str| {
            Key::from_string(name.to_owned()).map_err(|_| SignatureError::Malformed("Signature-Input"))
        };
        let mut items = Vec::with_capacity(components.len());
        for component in &components {
            let mut params = Parameters::new();
            if component.of_request {
                params.insert(key("req")?, BareItem::Boolean(true));
            }
            let name = sfv::String::from_string(component.name.clone()).map_err(malformed)?;
            items.push(Item::with_params(BareItem::String(name), params));
        }
        let mut params = Parameters::new();
        for (name, value) in parameters {
            params.insert(key(name)?, value);
        }
        Ok(Self { list: InnerList::with_params(items, params), components })
    }

    /// What is covered.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether a component is covered.
    pub fn covers(&self, component: &Component) -> bool {
        self.components.contains(component)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, SignatureError> {
        match self.list.params.get(name) {
            Some(BareItem::String(text)) => Ok(text.as_str()),
            _ => Err(SignatureError::Parameter(name)),
        }
    }

    pub(super) fn integer(&self, name: &'static str) -> Result<i64, SignatureError> {
        match self.list.params.get(name) {
            Some(BareItem::Integer(number)) => Ok(i64::from(*number)),
            _ => Err(SignatureError::Parameter(name)),
        }
    }

    /// The entry as structured field text: `("@method" …);created=…`.
    pub(super) fn serialize(&self) -> Result<String, SignatureError> {
        let list: List = vec![ListEntry::InnerList(self.list.clone())];
        list.serialize().ok_or(SignatureError::Malformed("Signature-Input"))
    }
}

/// The text that is signed: one line per covered component, and the parameters.
///
/// # Errors
/// [`SignatureError::ComponentMissing`] names the component that the message does not have.
pub fn signature_base(message: &Message<'_>, input: &Input) -> Result<String, SignatureError> {
    let mut base = String::new();
    for component in &input.components {
        let identifier = component.identifier();
        let value = component
            .value(message)
            // A line feed in a value would let one component speak for another.
            .filter(|value| value.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\t'))
            .ok_or_else(|| SignatureError::ComponentMissing(component.name.clone()))?;
        // Writing to a `String` cannot fail.
        let _ = writeln!(base, "{identifier}: {value}");
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&input.serialize()?);
    Ok(base)
}
