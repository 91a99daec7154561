//! `GET /api/v1/ledger/statements`: the daily statements, for whoever checks them.

use super::Ctx;
use super::params::{Params, cursor};
use super::problem::Problem;
use crate::statement::Day;
use crate::store::Reader;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// A page of statements.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Statements {
    /// By day, each as it was signed; `docs/statements.md` has the form.
    #[schema(value_type = Vec<BTreeMap<String, Value>>)]
    statements: Vec<Value>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The daily statements of the ledger, signed and chained.
#[utoipa::path(
    get, path = "/api/v1/ledger/statements", tag = "kept",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of them", body = Statements))
)]
pub async fn list(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<Statements>, Problem> {
    let params = Params::read(&uri, &["limit", "after"])?;
    let (limit, after) = (params.limit()?, params.after::<i32>()?.unwrap_or(i32::MIN));
    let read = move |_: &Ctx, reader: &mut Reader, _| Ok(reader.statements(after, limit + 1)?);
    let mut rows = ctx.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(day, _)| cursor(day));
    let statements = rows.into_iter().map(|(_, text)| json(&text)).collect();
    Ok(Json(Statements { statements, next }))
}

/// The statement of one day.
#[utoipa::path(
    get, path = "/api/v1/ledger/statements/{day}", tag = "kept",
    params(("day" = String, Path, description = "A UTC day such as 2024-01-10.")),
    responses(
        (status = 200, description = "The statement", body = BTreeMap<String, Value>),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one(
    State(ctx): State<Arc<Ctx>>,
    Path(day): Path<String>,
) -> Result<Json<Value>, Problem> {
    let none = || {
        let words = format!(
            "no statement of {day:?}; a day such as 2024-01-10 has one some minutes after its end"
        );
        Problem::not_found(words)
    };
    let wanted = Day::parse(&day).ok_or_else(none)?;
    let read = move |_: &Ctx, reader: &mut Reader, _| {
        Ok(reader.statements(wanted.0.saturating_sub(1), 1)?)
    };
    let found = ctx.read(read).await?.into_iter().find(|(day, _)| *day == wanted.0);
    found.map(|(_, text)| Json(json(&text))).ok_or_else(none)
}

/// As it is kept; `null` if the store was tampered with so that it is no JSON.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
