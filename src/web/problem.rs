//! Errors as RFC 9457 problem details.

use crate::store::StoreError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type of [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong with a request, and what to do about it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened here, and what to do.
    detail: String,
    /// The query parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    parameter: Option<Box<str>>,
    /// What was given for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    given: Option<Box<str>>,
    /// What is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    allowed: Option<Box<str>>,
}

impl Problem {
    /// A problem of this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            parameter: None,
            given: None,
            allowed: None,
        }
    }

    /// What happened, and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Nothing is under that name.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// A query parameter is wrong.
    pub fn parameter(name: &str, given: &str, allowed: impl Into<String>) -> Problem {
        let allowed = allowed.into();
        let given: String = given.chars().take(200).collect();
        let mut problem = Problem::new(
            StatusCode::BAD_REQUEST,
            format!("query parameter {name}={given:?}: {allowed}"),
        );
        problem.parameter = Some(name.into());
        problem.given = Some(given.into());
        problem.allowed = Some(allowed.into());
        problem
    }

    /// The request takes longer than any may.
    pub fn too_slow() -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "this takes too long; ask for a shorter time range, one device, or fewer at a time (limit)",
        )
    }
}

impl From<StoreError> for Problem {
    fn from(e: StoreError) -> Problem {
        tracing::error!(error = %e, "a request could not read the store");
        let status = match e {
            StoreError::Damaged { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, e.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
