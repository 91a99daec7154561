//! `/api/v1/quarantine/refused`: points that databases refused, and what an operator
//! does about them.

use super::super::Ctx;
use super::super::params::{Params, cursor};
use super::super::problem::Problem;
use super::super::shape::Time;
use super::number;
use crate::air::mask::mask;
use crate::flow::{Command, Refused, RefusedAct, RefusedHandled};
use crate::store::{Reader, RefusedRow};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde::Serialize;
use std::sync::Arc;

/// A point that a database refused. The readings in it are stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RefusedShape {
    /// Its number.
    pub id: i64,
    /// The database.
    pub target: String,
    /// When it refused the point last.
    pub at: Time,
    /// `air`, `air_hour` or `air_change`.
    pub measurement: String,
    /// The source; absent where the point has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The device; absent where the point has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// The names of its fields; of a change its ladder and scope.
    pub series: String,
    /// The time of the point.
    pub time: Time,
    /// The status and the database's words.
    pub why: String,
    /// The line as it was sent, its first 1000 bytes if it is longer, with secrets
    /// masked.
    pub line: String,
}

/// A page of refused points.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RefusedPage {
    /// In the order in which they were refused first.
    refused: Vec<RefusedShape>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What is done about a refused point.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RefusedLeft {
    /// Its number.
    id: i64,
    /// The replay that sends it once more; absent if it was dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<i64>,
}

impl From<RefusedRow> for RefusedShape {
    fn from(row: RefusedRow) -> RefusedShape {
        let shape = RefusedShape::raw(row);
        RefusedShape {
            device: mask(&shape.device),
            why: mask(&shape.why),
            line: mask(&shape.line),
            ..shape
        }
    }
}

impl RefusedShape {
    /// With whatever secrets are in the line: for the operator of the machine.
    pub fn raw(row: RefusedRow) -> RefusedShape {
        let (key, point) = (row.point.key, row.point.line);
        RefusedShape {
            id: row.id,
            target: row.target,
            at: Time(row.at),
            measurement: key.measurement,
            source: key.source,
            device: key.device,
            series: key.series,
            time: Time(key.time),
            why: row.point.why,
            line: point,
        }
    }
}

/// Points that databases refused, with their words.
#[utoipa::path(
    get, path = "/api/v1/quarantine/refused", tag = "kept",
    params(
        ("target" = Option<String>, Query, description = "Only what this database refused."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of them", body = RefusedPage))
)]
pub async fn list(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<RefusedPage>, Problem> {
    let params = Params::read(&uri, &["target", "limit", "after"])?;
    let target = params.text("target").map(str::to_owned);
    let (limit, after) = (params.limit()?, params.after::<i64>()?.unwrap_or(0));
    let read = move |_: &Ctx, reader: &mut Reader, _| {
        Ok(reader.refused(target.as_deref(), after, limit + 1)?)
    };
    let mut rows = ctx.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| cursor(&row.id));
    Ok(Json(RefusedPage { refused: rows.into_iter().map(RefusedShape::from).collect(), next }))
}

/// One point that a database refused.
#[utoipa::path(
    get, path = "/api/v1/quarantine/refused/{id}", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "The point", body = RefusedShape),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<RefusedShape>, Problem> {
    found(&ctx, &id).await.map(|row| Json(row.into()))
}

/// Has the database sent the point once more, as it is in the store now, by a replay
/// of its instant. Once the database takes it, it leaves the list.
#[utoipa::path(
    post, path = "/api/v1/quarantine/refused/{id}/retry", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "It is noted; `GET /api/v1/forward` shows how far the replay is", body = RefusedLeft),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It cannot be sent once more, or not yet", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn retry(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<RefusedLeft>, Problem> {
    let target = found(&ctx, &id).await?.target;
    if !ctx.settings.target_names().contains(&target) {
        let detail = format!("database {target:?} is not in the configuration any more; drop {id}");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    act(&ctx, &id, RefusedAct::Retry).await
}

/// Takes a refused point off the list. What it was made of stays in the store.
#[utoipa::path(
    post, path = "/api/v1/quarantine/refused/{id}/drop", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "It is off the list", body = RefusedLeft),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn give_up(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<RefusedLeft>, Problem> {
    act(&ctx, &id, RefusedAct::Drop).await
}

fn none(id: &str) -> Problem {
    Problem::not_found(format!(
        "no refused point {id:?}; /api/v1/quarantine/refused lists what there is"
    ))
}

async fn found(ctx: &Arc<Ctx>, id: &str) -> Result<RefusedRow, Problem> {
    let Some(number) = number(id) else { return Err(none(id)) };
    let read = move |_: &Ctx, reader: &mut Reader, _| Ok(reader.refused(None, number - 1, 1)?);
    let rows = ctx.clone().read(read).await?;
    rows.into_iter().find(|row| row.id == number).ok_or_else(|| none(id))
}

async fn act(
    ctx: &Arc<Ctx>,
    id: &str,
    of: impl FnOnce(i64) -> RefusedAct,
) -> Result<Json<RefusedLeft>, Problem> {
    let number = number(id).ok_or_else(|| none(id))?;
    let (act, at) = (of(number), ctx.clock.now());
    let stopping = "stopping; look whether it is still listed, and ask again";
    let command = |reply| Command::Refused(Refused::Act { act, at, reply });
    let handled = ctx.ask(command, stopping).await?;
    match (handled, handled.why_not()) {
        (RefusedHandled::Absent, _) => Err(none(id)),
        (_, Some(why)) => Err(Problem::new(StatusCode::CONFLICT, format!("{id}: {why}"))),
        (RefusedHandled::Asked(replay), None) => {
            Ok(Json(RefusedLeft { id: number, replay: Some(replay) }))
        }
        (_, None) => Ok(Json(RefusedLeft { id: number, replay: None })),
    }
}
