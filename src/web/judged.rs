//! `GET /api/v1/levels`, `/changes`: what was judged.

use super::Ctx;
use super::params::{Params, cursor};
use super::problem::Problem;
use super::shape::Time;
use crate::rules::{ChangeData, Input};
use crate::store::{ChangeRow, Filter, LevelRow};
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// The present level of one ladder or threshold in one scope.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LevelShape {
    /// The ladder's or threshold's id.
    ladder: String,
    /// `zone/<id>` or `station/<id>`.
    scope: String,
    /// The level's name; `none` at the bottom.
    level: String,
    /// Since when.
    since: Time,
    /// The value last judged, in the quantity's unit.
    value: Option<f64>,
    /// The inputs of the last judgement.
    #[schema(value_type = Vec<Input>)]
    inputs: Value,
    /// The ruleset and its version.
    ruleset: String,
    /// Whether too little data came for a judgement.
    unknown: bool,
    /// Since when, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_since: Option<Time>,
}

/// Every present level.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Levels {
    /// By ladder, then scope.
    levels: Vec<LevelShape>,
}

/// A step of a ladder or threshold: the `data` of its webhook, without the text, with
/// its identity.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Change {
    /// Its identity.
    pub(super) id: String,
    /// Whether late data brought it out after the fact.
    pub(super) late: bool,
    /// The rest, as in the webhook.
    #[serde(flatten)]
    #[schema(value_type = ChangeData)]
    pub(super) data: Value,
}

/// A page of changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Changes {
    /// In the order of decision.
    changes: Vec<Change>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The present level of every ladder and threshold.
#[utoipa::path(
    get, path = "/api/v1/levels", tag = "judged",
    responses((status = 200, description = "Every present level", body = Levels))
)]
pub async fn levels(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<Levels>, Problem> {
    Params::read(&uri, &[])?;
    let read = |_: &Ctx, reader: &mut crate::store::Reader, _| Ok(reader.levels()?);
    let levels = ctx.read(read).await?;
    Ok(Json(Levels { levels: levels.into_iter().map(level).collect() }))
}

fn level(l: LevelRow) -> LevelShape {
    LevelShape {
        ladder: l.ladder,
        scope: l.scope,
        level: l.level,
        since: Time(l.since),
        value: l.value,
        inputs: l.inputs,
        ruleset: l.ruleset,
        unknown: l.unknown_since.is_some(),
        unknown_since: l.unknown_since.map(Time),
    }
}

/// Changes with their inputs and ruleset versions.
#[utoipa::path(
    get, path = "/api/v1/changes", tag = "judged",
    params(
        ("zone" = Option<String>, Query, description = "Only of this zone."),
        ("from" = Option<String>, Query, description = "Criterion met at or after this time (RFC 3339)."),
        ("to" = Option<String>, Query, description = "Criterion met before this time (RFC 3339)."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of changes", body = Changes),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn changes(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<Changes>, Problem> {
    let params = Params::read(&uri, &["zone", "from", "to", "limit", "after"])?;
    let (from, to) = params.range()?;
    let (limit, after) = (params.limit()?, params.after::<i64>()?.unwrap_or(0));
    let zone = params.text("zone").map(str::to_owned);
    let filter = Filter { from, to, zone, limit: limit + 1, ..Filter::default() };
    let mut rows = ctx.read(move |_, reader, _| Ok(reader.changes(&filter, after)?)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|c| cursor(&c.id));
    Ok(Json(Changes { changes: rows.into_iter().map(change).collect(), next }))
}

/// The stored data with what the row itself says, which counts.
pub(super) fn change(c: ChangeRow) -> Change {
    let mut data = match c.data {
        Value::Object(data) => data,
        _ => serde_json::Map::new(),
    };
    data.insert("ladder".to_owned(), c.ladder.into());
    data.insert("from".to_owned(), c.from.into());
    data.insert("to".to_owned(), c.to.into());
    data.insert("at".to_owned(), c.at.to_string().into());
    data.entry("scope").or_insert_with(|| c.scope.into());
    for own in ["id", "late"] {
        data.remove(own);
    }
    Change { id: c.uid, late: c.late, data: Value::Object(data) }
}
