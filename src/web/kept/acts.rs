//! `POST /api/v1/outbox/{id}/retry` and `/drop`, `/api/v1/receivers/{id}/enable`:
//! what an operator does about notices. Answered once it is on disk.

use super::super::Ctx;
use super::super::problem::Problem;
use super::{NoticeShape, number};
use crate::flow::{Command, Handled, OutboxAct};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use std::sync::Arc;

/// Has a dead notice tried again, from the start of the schedule. It goes to the
/// end of the outbox under a new number, with the same `webhook_id`.
#[utoipa::path(
    post, path = "/api/v1/outbox/{id}/retry", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "The notice as it is now", body = NoticeShape),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not dead", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn retry(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<NoticeShape>, Problem> {
    notice(&ctx, &id, OutboxAct::Retry, "only dead ones are tried again").await
}

/// Gives a pending notice up.
#[utoipa::path(
    post, path = "/api/v1/outbox/{id}/drop", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "The notice as it is now", body = NoticeShape),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not pending", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn give_up(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<NoticeShape>, Problem> {
    notice(&ctx, &id, OutboxAct::Drop, "only pending ones can be given up").await
}

/// Lets a receiver be tried again that answered 410. Its dead notices stay dead
/// until each is tried again.
#[utoipa::path(
    post, path = "/api/v1/receivers/{id}/enable", tag = "kept",
    params(("id" = String, Path, description = "Its id.")),
    responses(
        (status = 204, description = "It is enabled"),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "It is not disabled", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn enable(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    match act(&ctx, OutboxAct::Enable(id.clone())).await? {
        Handled::Done { .. } => Ok(StatusCode::NO_CONTENT),
        _ => Err(Problem::not_found(format!("no receiver {id:?} is disabled"))),
    }
}

async fn notice(
    ctx: &Arc<Ctx>,
    id: &str,
    of: impl FnOnce(i64) -> OutboxAct,
    unfit: &str,
) -> Result<Json<NoticeShape>, Problem> {
    let none = || Problem::not_found(format!("no notice {id:?}; /api/v1/outbox lists them"));
    let now = match act(ctx, of(number(id).ok_or_else(none)?)).await? {
        Handled::Done { notice } => notice,
        Handled::Unfit { state } => {
            let detail = format!("notice {id} is {state}; {unfit}");
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        Handled::Absent => return Err(none()),
    };
    let found = ctx.clone().read(move |_, reader, _| Ok(reader.notice(now)?)).await?;
    found.map(|n| Json(n.into())).ok_or_else(none)
}

/// Has the intake commit it.
async fn act(ctx: &Arc<Ctx>, act: OutboxAct) -> Result<Handled, Problem> {
    let at = ctx.clock.now();
    let stopping = "stopping; look at what has become of it, and ask again";
    ctx.ask(|reply| Command::Outbox { act, at, reply }, stopping).await
}
