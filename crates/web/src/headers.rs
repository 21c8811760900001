//! What every answer carries, and what every request that changes something must show.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

/// Scripts and styles of our own only, no frames, forms to ourselves, no strings turned into script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The content security policy. `form_targets` are origins beside our own that a form's answer may redirect to:
/// Chromium applies `form-action` to redirects too.
pub fn content_security_policy(form_targets: &[&str]) -> String {
    let mut policy = format!("{POLICY}; form-action 'self'");
    for origin in form_targets {
        policy.push(' ');
        policy.push_str(origin);
    }
    policy
}

const FIXED: [(HeaderName, &str); 7] = [
    (
        HeaderName::from_static("permissions-policy"),
        "payment=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
];

/// Adds the security headers, and forbids keeping a copy unless the answer says otherwise.
pub fn protect(answer: &mut Response, policy: &HeaderValue) {
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The middleware that runs [`protect`] on every answer, errors included.
pub async fn protect_all(policy: HeaderValue, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    protect(&mut answer, &policy);
    answer
}

/// Whether a request may change something: it must come from a page of `origin`.
///
/// Browsers send `Sec-Fetch-Site` and, on a POST, `Origin`; a page of another site cannot choose either. What sends
/// neither is no browser of the last years, and a form that moves money is not for anything else.
pub fn same_origin(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(&HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    match text(&header::ORIGIN) {
        // With `Referrer-Policy: no-referrer` browsers send `Origin: null`, or none, on a form of our own.
        None | Some("null") => site == Some("same-origin"),
        Some(sent) => sent == origin,
    }
}

/// The value of a cookie of the request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_our_own_pages_may_post() {
        let ours = "https://pay.example";
        for (pairs, allowed) in [
            (&[("origin", "https://pay.example"), ("sec-fetch-site", "same-origin")][..], true),
            (&[("origin", "https://pay.example")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://pay.example"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://shop.pay.example"), ("sec-fetch-site", "same-site")], false),
            (&[("origin", "https://pay.example.evil.example")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ] {
            assert_eq!(same_origin(&Method::POST, &request(pairs), ours), allowed, "{pairs:?}");
        }
        assert!(same_origin(&Method::GET, &request(&[("sec-fetch-site", "cross-site")]), ours));
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = request(&[("cookie", "xlian=1; lian=2; lian_more=3")]);
        assert_eq!(cookie(&headers, "lian"), Some("2"));
        assert_eq!(cookie(&headers, "li"), None);
    }

    #[test]
    fn the_shop_may_send_its_form_on_to_the_checkout() {
        assert!(
            content_security_policy(&["https://pay.example"])
                .ends_with("form-action 'self' https://pay.example")
        );
    }
}
