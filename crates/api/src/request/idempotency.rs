//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header), quoted or bare, and the fingerprint of the
//! request that it came with.

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::{HeaderMap, Method};

use crate::problem::{Code, Problem};
use crate::request::json::Json;

const HEADER: &str = "idempotency-key";

/// The key as the client means it: quotes and escapes removed. `None` when there is no header.
///
/// # Errors
/// `parameter_invalid`: two headers, or not 1 to 255 visible ASCII characters.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid("is sent twice"));
    }
    let text = value.to_str().map_err(|_| invalid("must consist of visible ASCII characters"))?.trim();
    let key = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted).ok_or_else(|| invalid("is not a well-formed quoted string"))?,
        None => text.to_owned(),
    };
    if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("must have 1 to 255 visible ASCII characters"));
    }
    Ok(Some(key))
}

fn invalid(rule: &str) -> Problem {
    Problem::with_param(Code::ParameterInvalid, "Idempotency-Key", format!("Idempotency-Key {rule}"))
}

/// The rest of an sf-string after its first quote (RFC 9651 section 4.2.5).
fn unquote(rest: &str) -> Option<String> {
    let mut key = String::new();
    let mut letters = rest.chars();
    loop {
        match letters.next()? {
            '"' => return letters.as_str().is_empty().then_some(key),
            '\\' => key.push(letters.next().filter(|letter| matches!(letter, '"' | '\\'))?),
            letter => key.push(letter),
        }
    }
}

/// SHA-256 of method, path, API version and canonical body: equal for equal requests.
pub fn fingerprint(method: &Method, path: &str, version: &str, body: &Json) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [method.as_str(), path, version, &body.canonical()] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Option<String>, Code> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, value.parse().unwrap());
        key(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn quoted_and_bare_keys_are_the_same_key() {
        assert_eq!(read("order-7"), Ok(Some("order-7".to_owned())));
        assert_eq!(read("\"order-7\""), Ok(Some("order-7".to_owned())));
        assert_eq!(read(r#""a\"b\\c""#), Ok(Some(r#"a"b\c"#.to_owned())));
        assert_eq!(key(&HeaderMap::new()).map_err(|problem| problem.code()), Ok(None));
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for value in ["", "\"\"", "two words", "\"open", "\"a\" b", r#""\n""#, &"k".repeat(256)] {
            assert_eq!(read(value), Err(Code::ParameterInvalid), "{value}");
        }
    }

    #[test]
    fn the_same_request_written_differently_has_the_same_fingerprint() {
        let of = |path: &str, body: &str| {
            fingerprint(&Method::POST, path, "v", &Json::parse(body.as_bytes()).unwrap())
        };
        let first = of("/v1/payments", r#"{"amount": 100, "currency": "CNY"}"#);
        assert_eq!(first, of("/v1/payments", r#"{"currency":"CNY","amount":1e2}"#));
        assert_ne!(first, of("/v1/payments", r#"{"currency":"CNY","amount":101}"#));
        assert_ne!(first, of("/v1/refunds", r#"{"amount": 100, "currency": "CNY"}"#));
    }
}
