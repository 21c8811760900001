//! A request as a handler sees it: who calls, with which body, query and key.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::RequestExt;
use axum::body::Body;
use axum::extract::{FromRequest, Query as QueryPairs, RawPathParams, Request};
use axum::http::{HeaderMap, Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use pcs::{Caller, IdempotencyKey};
use types::{Id, Kind};

use crate::problem::{Code, Problem};
use crate::request::fields::{self, FromFields};
use crate::request::idempotency;
use crate::request::json::Json;
use crate::request::query::Query;
use crate::{ApiState, VERSION};

/// The largest body that is read.
const MAX_BODY: usize = 64 * 1024;
/// Longer than any key that we make.
const MAX_SECRET_KEY: usize = 200;

/// Who may call.
pub(crate) trait Authority: Sized + Send {
    /// Finds the caller out, or says why not.
    fn of(headers: &HeaderMap, api: &ApiState) -> impl Future<Output = Result<Self, Problem>> + Send;
}

impl Authority for Arc<Caller> {
    async fn of(headers: &HeaderMap, api: &ApiState) -> Result<Self, Problem> {
        let key = bearer(headers)?;
        api.pcs.authenticate(key).await?.ok_or_else(unknown_key)
    }
}

/// The operator of the gateway, by the operator's key.
pub(crate) struct Operator;

impl Authority for Operator {
    async fn of(headers: &HeaderMap, api: &ApiState) -> Result<Self, Problem> {
        let Some(known) = &api.config.operator_key_sha256 else {
            return Err(Problem::new(
                Code::ResourceMissing,
                "this gateway has no operator key, so this path does not exist",
            ));
        };
        let sent = digest(&SHA256, bearer(headers)?.as_bytes());
        verify_slices_are_equal(sent.as_ref(), known).map(|()| Operator).map_err(|_| unknown_key())
    }
}

fn unknown_key() -> Problem {
    Problem::new(Code::ApiKeyInvalid, "the API key is unknown, incomplete or expired")
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing =
        || Problem::new(Code::ApiKeyMissing, "send the header Authorization: Bearer lian_test_sk_…");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, key) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    let key = key.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || key.is_empty() {
        return Err(missing());
    }
    if key.len() > MAX_SECRET_KEY { Err(unknown_key()) } else { Ok(key) }
}

/// A request, read and checked as far as possible without the gateway's data.
pub(crate) struct Call<A = Arc<Caller>> {
    pub caller: A,
    pub query: Query,
    method: Method,
    path: String,
    params: Vec<(String, String)>,
    key: Option<String>,
    body: Json,
}

impl<A: Authority> FromRequest<Arc<ApiState>> for Call<A> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, api: &Arc<ApiState>) -> Result<Self, Problem> {
        let caller = A::of(request.headers(), api).await?;
        check_version(request.headers())?;
        let params = request
            .extract_parts::<RawPathParams>()
            .await
            .map_err(|_| Problem::new(Code::ResourceMissing, "the path is not well-formed"))?;
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let pairs = QueryPairs::<Vec<(String, String)>>::try_from_uri(request.uri())
            .map_err(|_| Problem::new(Code::ParameterInvalid, "the query is not well-formed"))?;
        let key = idempotency::key(request.headers())?;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = match method {
            Method::POST => read_body(request).await?,
            _ => Json::Object(Vec::new()),
        };
        Ok(Self { caller, query: Query::new(pairs.0), method, path, params, key, body })
    }
}

fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("gateway-version") {
        Some(version) if version.as_bytes() != VERSION.as_bytes() => {
            let rule = format!("the only version is {VERSION}");
            Err(Problem::with_param(Code::VersionUnsupported, "Gateway-Version", rule))
        }
        _ => Ok(()),
    }
}

async fn read_body(request: Request) -> Result<Json, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).cloned();
    let too_large = || Problem::new(Code::BodyTooLarge, format!("the body is larger than {MAX_BODY} bytes"));
    let body: Body = request.into_body();
    let bytes = match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => return Err(Problem::new(Code::BodyInvalid, "the body broke off")),
    };
    // An action such as a full capture needs no body, and then no media type either.
    if bytes.is_empty() {
        return Ok(Json::Object(Vec::new()));
    }
    let media_type = media_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            Code::MediaTypeUnsupported,
            "send the body as Content-Type: application/json",
        ));
    }
    Json::parse(&bytes)
}

impl<A> Call<A> {
    /// The id in the path. Something that is no id of this kind names no object of this kind.
    pub fn id<K: Kind>(&self, kind: &str) -> Result<Id<K>, Problem> {
        let text = self.param("id");
        text.parse().map_err(|_| Problem::missing(kind, text))
    }

    /// A part of the path.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The body, by its fields. An action or object that takes no query refuses one.
    pub fn read<T: FromFields>(&self) -> Result<T, Problem> {
        self.query.only(&[])?;
        fields::read(&self.body)
    }

    /// Whether the body has a field.
    pub fn has(&self, name: &str) -> bool {
        matches!(&self.body, Json::Object(members) if members.iter().any(|(key, _)| key == name))
    }

    /// Takes one field out of the body, so that neither its reader nor the fingerprint sees it.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        let Json::Object(members) = &mut self.body else { return None };
        let place = members.iter().position(|(key, value)| key == name && *value != Json::Null)?;
        Some(members.remove(place).1)
    }

    /// Nothing but the path is allowed.
    pub fn nothing_else(&self) -> Result<(), Problem> {
        self.read::<Nothing>().map(drop)
    }

    /// The request's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The idempotency key of a request that can move money.
    pub fn money_key(&self) -> Result<IdempotencyKey, Problem> {
        self.optional_key().ok_or_else(|| {
            let rule = "this request can move money: send an Idempotency-Key, unique for the intended operation, and \
                        the same one when you retry it";
            Problem::with_param(Code::IdempotencyKeyRequired, "Idempotency-Key", rule)
        })
    }

    /// The idempotency key, if there is one.
    pub fn optional_key(&self) -> Option<IdempotencyKey> {
        let key = self.key.clone()?;
        let fingerprint = idempotency::fingerprint(&self.method, &self.path, VERSION, &self.body);
        Some(IdempotencyKey { key, fingerprint })
    }
}

struct Nothing;

impl FromFields for Nothing {
    fn from_fields(_: &mut fields::Fields<'_>) -> Option<Self> {
        Some(Nothing)
    }
}
