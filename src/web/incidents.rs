//! `GET /api/v1/incidents`: the hotline's cases and their transcripts; the page of
//! one is `/incidents/{id}`.

use super::Ctx;
use super::document::{self, Document};
use super::params::{self, Params, cursor};
use super::problem::Problem;
use super::sheet;
use crate::air::Stamp;
use crate::hotline::{Entry, Summary, Words};
use crate::store::{IncidentFilter, IncidentRow, Reader};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Where an incident stands, as it was kept with the last entry; beside each of the
/// measures `in_force`, whether it is now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Incident {
    #[serde(flatten)]
    #[schema(value_type = Summary)]
    state: Value,
}

/// An incident with everything that happened in it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Case {
    /// Where it stands.
    #[serde(flatten)]
    incident: Incident,
    /// Every entry, as its hash is of.
    #[schema(value_type = Vec<Entry>)]
    transcript: Vec<Value>,
}

/// A page of incidents.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Incidents {
    /// In the order in which they were opened first.
    incidents: Vec<Incident>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Incidents of the hotline and where they stand.
#[utoipa::path(
    get, path = "/api/v1/incidents", tag = "hotline",
    params(
        ("open" = Option<bool>, Query, description = "Only those that are open, or only those that are closed."),
        ("exercise" = Option<bool>, Query, description = "Only exercises, or only real ones."),
        ("from" = Option<String>, Query, description = "Opened at or after this time (RFC 3339)."),
        ("to" = Option<String>, Query, description = "Opened before this time (RFC 3339)."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of incidents", body = Incidents),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<Incidents>, Problem> {
    let params = Params::read(&uri, &["open", "exercise", "from", "to", "limit", "after"])?;
    let (from, to) = params.range()?;
    let (limit, after) = (params.limit()?, params.after::<i64>()?.unwrap_or(0));
    let (open, exercise) = (params.yes_or_no("open")?, params.yes_or_no("exercise")?);
    let filter = IncidentFilter { from, to, open, exercise, limit: limit + 1 };
    let now = ctx.clock.now();
    let mut rows = ctx.read(move |_, reader, _| Ok(reader.incidents(&filter, after)?)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| cursor(&row.row));
    Ok(Json(Incidents { incidents: rows.into_iter().map(|row| shape(row, now)).collect(), next }))
}

/// One incident, by its id or case number, with its transcript.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}", tag = "hotline",
    params(("id" = String, Path, description = "Its id or case number, such as 2026-0042.")),
    responses(
        (status = 200, description = "The incident and its transcript", body = Case),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<Case>, Problem> {
    let now = ctx.clock.now();
    let case = ctx.read(move |_, reader, _| {
        let (row, transcript) = found(reader, &id)?;
        Ok(Json(Case { incident: shape(row, now), transcript }))
    });
    case.await
}

/// An incident with its transcript by its id or case number.
fn found(reader: &Reader, id: &str) -> Result<(IncidentRow, Vec<Value>), Problem> {
    let none = || Problem::not_found(format!("no incident {id:?}; /api/v1/incidents lists them"));
    let row = reader.incident(id)?.ok_or_else(none)?;
    let transcript = reader.transcript(&row.id)?;
    Ok((row, transcript))
}

/// Where an incident stands, with which measures are in force now.
pub fn shape(row: IncidentRow, now: Stamp) -> Incident {
    let mut state = row.state;
    let measures = state.get_mut("measures").and_then(Value::as_array_mut);
    for measure in measures.into_iter().flatten().filter_map(Value::as_object_mut) {
        let time = |key: &str| Stamp::parse(measure.get(key)?.as_str()?);
        let ends = [time("until"), time("ended")].into_iter().flatten().min();
        let in_force =
            time("from").is_some_and(|from| from <= now) && ends.is_none_or(|end| now < end);
        measure.insert("in_force".to_owned(), in_force.into());
    }
    Incident { state }
}

/// An incident with its transcript, for people: to read and to print.
#[utoipa::path(
    get, path = "/incidents/{id}", tag = "hotline",
    params(
        ("id" = String, Path, description = "Its id or case number."),
        ("lang" = Option<String>, Query, description = "ko, zh or en; default: what the browser prefers."),
    ),
    responses(
        (status = 200, description = "A page", content_type = "text/html"),
        (status = 404, description = "No such incident", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn page(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = params::asked_language(&uri)?;
    let language = asked.unwrap_or_else(|| params::accepted_language(&headers));
    let page = ctx.read(move |ctx, reader, _| {
        let (row, transcript) = found(reader, &id)?;
        let plan = ctx.settings.hotline.clone().unwrap_or_default();
        let words = Words { language, time_zone: language.time_zone(), plan: &plan };
        Ok(Document::of(&row, transcript, &words).html())
    });
    let policy = [(header::CONTENT_SECURITY_POLICY, sheet::policy(document::STYLE, false))];
    Ok((policy, Html(page.await?)).into_response())
}
