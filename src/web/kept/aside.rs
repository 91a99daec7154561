//! `POST /api/v1/quarantine/{id}/retry` and `/drop`: what an operator does about
//! messages that were set aside. Answered once it is on disk.

use super::super::Ctx;
use super::super::problem::Problem;
use super::number;
use crate::flow::{AsideAct, AsideHandled, Command};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// What became of a message that was set aside.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Left {
    /// The number that it had.
    id: i64,
    /// Where it ends in the ledger now: `stored`, `duplicate` or `ignored`.
    bucket: &'static str,
    /// New readings and revisions that it brought.
    readings: u64,
}

/// Reads a message again that was set aside, by today's configuration. Its readings
/// enter as late data; in the ledger it moves within the hour it was received in.
#[utoipa::path(
    post, path = "/api/v1/quarantine/{id}/retry", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "It is set aside no more", body = Left),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It cannot be understood this time either, and stays", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn retry(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<Left>, Problem> {
    act(&ctx, &id, AsideAct::Retry).await
}

/// Drops a message that was set aside, with its bytes. In the ledger it is ignored
/// from then on.
#[utoipa::path(
    post, path = "/api/v1/quarantine/{id}/drop", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "It is gone", body = Left),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn give_up(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<Left>, Problem> {
    act(&ctx, &id, AsideAct::Drop).await
}

async fn act(
    ctx: &Arc<Ctx>,
    id: &str,
    of: impl FnOnce(i64) -> AsideAct,
) -> Result<Json<Left>, Problem> {
    let none = || {
        Problem::not_found(format!("nothing set aside as {id:?}; /api/v1/quarantine lists what is"))
    };
    let id = number(id).ok_or_else(none)?;
    let (act, at) = (of(id), ctx.clock.now());
    let stopping = "stopping; look whether it is still set aside, and ask again";
    match ctx.ask(|reply| Command::Aside { act, at, reply }, stopping).await? {
        AsideHandled::Left { bucket, readings } => Ok(Json(Left { id, bucket, readings })),
        AsideHandled::Again { reason, detail } => {
            let detail = format!("{id} cannot be understood this time either: {reason}: {detail}");
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        AsideHandled::NoSource => {
            let detail = format!(
                "the source of {id} is not in the configuration, which says how to read it"
            );
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        AsideHandled::Absent => Err(none()),
    }
}
