//! Who may read: on a loopback address, or if the operator said `public`,
//! everyone; elsewhere whoever shows the token of the operator or of a party. Who
//! may change something: whoever shows the operator's, wherever from; on the
//! hotline also whoever shows a party's.

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

/// Whose token somebody shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The operator's.
    Operator,
    /// That of the party of this id.
    Party(String),
}

/// Whose token the headers carry; without one, or with another, the problem.
pub fn role(ctx: &Ctx, headers: &HeaderMap) -> Result<Role, Problem> {
    let (operator, parties) = (&ctx.settings.http.operator_token, &ctx.settings.party_tokens);
    if operator.as_ref().is_some_and(|t| shows(headers, t)) {
        return Ok(Role::Operator);
    }
    let party = parties.iter().find(|(_, token)| shows(headers, token));
    party.map(|(id, _)| Role::Party(id.clone())).ok_or_else(|| {
        match operator.is_none() && parties.is_empty() {
            false => Problem::new(
                StatusCode::UNAUTHORIZED,
                "acting needs the header `Authorization: Bearer <token of a party or http.operator_token>`",
            ),
            true => Problem::new(
                StatusCode::FORBIDDEN,
                "nobody can act over HTTP until a party has a token or http.operator_token is set",
            ),
        }
    })
}

/// Whether the sender of these headers may read.
pub fn reads(ctx: &Ctx, headers: &HeaderMap) -> bool {
    ctx.open || role(ctx, headers).is_ok()
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
