//! Who may read: on a loopback address, or if the operator said `public`,
//! everyone; elsewhere whoever shows the operator's token. Who may change
//! something: whoever shows that token, wherever from.

use super::Ctx;
use super::problem::Problem;
use crate::config::Secret;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Lets a request through if its sender may read.
pub async fn may_read(State(ctx): State<Arc<Ctx>>, request: Request, next: Next) -> Response {
    if reads(&ctx, request.headers()) {
        return next.run(request).await;
    }
    let detail = match &ctx.settings.http.operator_token {
        Some(_) => {
            "reading from here needs the header `Authorization: Bearer <http.operator_token>`"
        }
        None => {
            "this server listens beyond loopback and has no token: set http.operator_token, or http.public = true to let everyone read"
        }
    };
    Problem::new(StatusCode::UNAUTHORIZED, detail).into_response()
}

/// Lets a request through if its sender may change what an operator may.
pub async fn may_operate(State(ctx): State<Arc<Ctx>>, request: Request, next: Next) -> Response {
    let (status, detail) = match &ctx.settings.http.operator_token {
        Some(token) if shows(request.headers(), token) => return next.run(request).await,
        Some(_) => (
            StatusCode::UNAUTHORIZED,
            "changing something needs the header `Authorization: Bearer <http.operator_token>`",
        ),
        None => (
            StatusCode::FORBIDDEN,
            "nothing can be changed over HTTP until http.operator_token is set",
        ),
    };
    Problem::new(status, detail).into_response()
}

/// Whether the sender of these headers may read.
pub fn reads(ctx: &Ctx, headers: &HeaderMap) -> bool {
    ctx.open || ctx.settings.http.operator_token.as_ref().is_some_and(|t| shows(headers, t))
}

/// Whether the headers carry the token. Digests are compared, so that the time
/// it takes says nothing about the token.
fn shows(headers: &HeaderMap, token: &Secret) -> bool {
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    shown.is_some_and(|s| Sha256::digest(s) == Sha256::digest(token.reveal()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        shows(&headers, &Secret::new("s3cret"))
    }

    #[test]
    fn only_the_very_token_as_a_bearer_is_taken() {
        assert!(shown("Bearer s3cret"));
        assert!(shown("bearer  s3cret"));
        for wrong in
            ["Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cretx", "Basic s3cret", "s3cret"]
        {
            assert!(!shown(wrong), "{wrong}");
        }
        assert!(!shows(&HeaderMap::new(), &Secret::new("")));
    }
}
