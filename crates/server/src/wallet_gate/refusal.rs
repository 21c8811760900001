//! Refusals of the door: problem documents (RFC 9457) with a stable code.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use payment::routing::NoRoute;
use pcs::CommandError;

/// A refusal.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: Option<String>,
}

impl Refusal {
    pub const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code, detail: None }
    }

    pub fn missing(kind: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "resource_missing").because(format!("no such {kind}"))
    }

    pub fn because(mut self, detail: String) -> Self {
        self.detail = Some(detail);
        self
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        let status = match &error {
            CommandError::Missing { .. } => StatusCode::NOT_FOUND,
            CommandError::Invalid { .. } | CommandError::Limit(_) => StatusCode::BAD_REQUEST,
            CommandError::MerchantSuspended | CommandError::Route(NoRoute::Excluded) => StatusCode::FORBIDDEN,
            CommandError::Route(NoRoute::NotOffered { .. } | NoRoute::EntryNotTaken) => {
                StatusCode::BAD_REQUEST
            }
            CommandError::CardExpired => StatusCode::PAYMENT_REQUIRED,
            CommandError::Refused { .. }
            | CommandError::InProgress
            | CommandError::DuplicateReference { .. }
            | CommandError::Busy => StatusCode::CONFLICT,
            CommandError::KeyReused | CommandError::Instruction { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            CommandError::SessionClosed { .. } => StatusCode::GONE,
            CommandError::Route(NoRoute::Unreachable | NoRoute::Full)
            | CommandError::Overloaded
            | CommandError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            CommandError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(error = &error as &dyn std::error::Error, "A wallet's request failed");
        }
        Self { status, code: error.code(), detail: Some(error.to_string()) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "title": self.status.canonical_reason().unwrap_or("Refused"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}
