//! `GET /api/v1/forward`, `POST /api/v1/forward/{target}/replay`: how far databases
//! are, and sending them a stretch of time once more.

use super::Ctx;
use super::problem::Problem;
use super::shape::Time;
use crate::air::Stamp;
use crate::flow::{Command, FORWARDING_HELD, Redrive};
use crate::store::{Reader, Replay, StoreError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Replays that are shown at most.
const REPLAYS_MAX: usize = 100;

/// Databases that get a copy, and what they are sent once more.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Forwarding {
    /// In the order of the configuration.
    pub targets: Vec<TargetShape>,
    /// The latest, the newest first.
    pub replays: Vec<ReplayShape>,
}

/// How far a database is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TargetShape {
    /// Its name.
    pub target: String,
    /// Rows of the journal that it does not have yet.
    pub pending: u64,
    /// Whether it takes nothing until its configuration is mended.
    pub held: bool,
    /// Points that it refused, which are in the quarantine.
    pub refused: u64,
    /// The first hour that was not yet read back; absent if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back: Option<Time>,
}

/// A stretch of time that a database is sent once more.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReplayShape {
    /// Its number.
    pub id: i64,
    /// The database.
    pub target: String,
    /// Points from this time on …
    pub from: Time,
    /// … and before this one.
    pub to: Time,
    /// Points sent so far.
    pub points: u64,
    /// When it was asked for.
    pub asked: Time,
    /// When all of it was taken; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Time>,
}

/// A stretch of time.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// Points from this time on (RFC 3339) …
    #[schema(value_type = String)]
    from: String,
    /// … and before this one.
    #[schema(value_type = String)]
    to: String,
}

/// How far the databases of these names are, and the latest replays.
///
/// # Errors
/// If the store cannot be read.
pub fn forwarding(reader: &Reader, targets: &[String]) -> Result<Forwarding, StoreError> {
    let last = reader.committed()?.journal;
    let conditions = reader.conditions()?;
    let shape = |target: &String| -> Result<TargetShape, StoreError> {
        let pending = last.saturating_sub(reader.cursor(target)?.journal).max(0) as u64;
        let is_held = |kind: &str, subject: &str| kind == FORWARDING_HELD && subject == target;
        let held = conditions.iter().any(|(kind, subject, ..)| is_held(kind, subject));
        let refused = reader.refused_count(target)?;
        let read_back = reader.read_back(target)?.map(Time::from);
        Ok(TargetShape { target: target.clone(), pending, held, refused, read_back })
    };
    let targets = targets.iter().map(shape).collect::<Result<_, _>>()?;
    let replays = reader.replays(REPLAYS_MAX)?.into_iter().map(replay).collect();
    Ok(Forwarding { targets, replays })
}

fn replay((target, r): (String, Replay)) -> ReplayShape {
    ReplayShape {
        id: r.id,
        target,
        from: Time(r.from),
        to: Time(r.to),
        points: r.points,
        asked: Time(r.asked),
        done: r.done.map(Time),
    }
}

/// How far the databases are that get a copy.
#[utoipa::path(
    get, path = "/api/v1/forward", tag = "kept",
    responses((status = 200, description = "The databases, and the latest replays", body = Forwarding))
)]
pub async fn status(State(ctx): State<Arc<Ctx>>) -> Result<Json<Forwarding>, Problem> {
    let targets = ctx.settings.target_names();
    ctx.read(move |_, reader, _| Ok(forwarding(reader, &targets)?)).await.map(Json)
}

/// Sends a database the points of closed hours of a stretch of time once more, beside
/// the live ones. What it has already is the same point again.
#[utoipa::path(
    post, path = "/api/v1/forward/{target}/replay", tag = "kept",
    params(("target" = String, Path, description = "Its name.")),
    request_body = Stretch,
    responses(
        (status = 200, description = "It is noted; `GET /api/v1/forward` shows how far it is", body = ReplayShape),
        (status = 400, description = "The stretch is none", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn ask_replay(
    State(ctx): State<Arc<Ctx>>,
    Path(target): Path<String>,
    body: Bytes,
) -> Result<Json<ReplayShape>, Problem> {
    if !ctx.settings.influxdb.iter().any(|t| t.name == target) {
        let detail = format!("no database {target:?}; /api/v1/forward lists them");
        return Err(Problem::not_found(detail));
    }
    let (from, to) = stretch(&body)?;
    let at = ctx.clock.now();
    let stopping = "stopping; look at /api/v1/forward whether it was noted";
    let name = target.clone();
    let asked = |reply| Command::Redrive(Redrive::Asked { target: name, from, to, at, reply });
    let id = ctx.ask(asked, stopping).await?;
    let (points, asked, done) = (0, Time(at), None);
    Ok(Json(ReplayShape { id, target, from: Time(from), to: Time(to), points, asked, done }))
}

fn stretch(body: &[u8]) -> Result<(Stamp, Stamp), Problem> {
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    let wanted = r#"give {"from": "…", "to": "…"} as RFC 3339 times"#;
    let said: Stretch = serde_json::from_slice(body).map_err(|e| bad(format!("{e}; {wanted}")))?;
    let time = |text: &str| {
        Stamp::parse(text).ok_or_else(|| bad(format!("{text:?} is not a time; {wanted}")))
    };
    let (from, to) = (time(&said.from)?, time(&said.to)?);
    if from >= to {
        return Err(bad(format!("{from} is not before {to}")));
    }
    Ok((from, to))
}
