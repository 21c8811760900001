//! The edge: every response has a request id, every problem is rendered, no panic reaches the outside.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use types::RequestId;

use crate::problem::{Code, Edge, Language, Problem};
use crate::{ApiState, VERSION};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const GATEWAY_VERSION: HeaderName = HeaderName::from_static("gateway-version");

/// Wraps every route and every fallback.
pub(crate) async fn edge(State(api): State<Arc<ApiState>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = RequestId::new(api.clock.now(), &*api.entropy).to_string();
    let path = shown(request.uri().path());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let language = Language::of(request.headers());
    let method = request.method().clone();

    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!(request.id = %request_id, "A handler panicked");
        Problem::new(Code::InternalError, "the request met a fault").into_response()
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        let docs_base = &api.config.public_url;
        response = problem.render(&Edge { docs_base, path: &path, request_id: &request_id, language });
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(GATEWAY_VERSION, HeaderValue::from_static(VERSION));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if api.pcs.is_draining() {
        // The client's next request comes over a new connection, which whoever distributes them leads elsewhere.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let elapsed_ms = started.elapsed().as_millis();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    tracing::debug!(request.id = %request_id, %method, route, status = response.status().as_u16(), elapsed_ms, "Answered");
    response
}

/// No such path.
pub(crate) async fn no_route(request: Request) -> Problem {
    let path = shown(request.uri().path());
    let short: String = path.chars().take(200).collect();
    Problem::new(Code::ResourceMissing, format!("there is no path {short}; GET /v1 lists what there is"))
}

/// The path exists, for other methods.
pub(crate) async fn no_method(request: Request) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{} is not allowed on this path", request.method()))
}

/// A path as it may be repeated: not at all when it holds something that nobody should read again, such as a card number,
/// escapes that could hide one, or a secret key.
pub(crate) fn shown(path: &str) -> String {
    let is_plain = !path.contains('%') && !path.contains("_sk_") && !card::contains_pan(path);
    if is_plain { path.to_owned() } else { "(not shown)".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_path_that_could_hide_a_secret_is_not_repeated() {
        assert_eq!(shown("/v1/payments/pay_01k"), "/v1/payments/pay_01k");
        for path in ["/nope/4242424242424242", "/nope/42424242%34242%34242", "/v1/payments/lian_test_sk_abc"]
        {
            assert_eq!(shown(path), "(not shown)", "{path}");
        }
    }
}
