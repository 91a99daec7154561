//! `GET /`: one page, one file, nothing from elsewhere.
//!
//! Its style and script are inside it; the content security policy names them by
//! their hashes and allows nothing else. It shows no data of its own, it asks
//! the API, with the token that the reader enters where one is needed.

use super::Ctx;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The page.
const HTML: &str = include_str!("page.html");

/// The page's content security policy.
pub fn policy() -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("style"),
        hash("script")
    );
    // Only base64 is put into it, so it is a valid header.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The hash of what stands between the tags of an element.
fn hash(element: &str) -> String {
    let inside = HTML
        .split_once(&format!("<{element}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{element}>")))
        .map_or("", |(inside, _)| inside);
    format!("sha256-{}", STANDARD.encode(Sha256::digest(inside)))
}

/// The page.
pub async fn page(State(ctx): State<Arc<Ctx>>) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, ctx.page_policy.clone())], Html(HTML)).into_response()
}
