//! `GET` and `POST /api/v1/forecasts`: what issuers expect.

use super::Ctx;
use super::params::{Params, cursor};
use super::problem::{self, Problem};
use super::shape::Time;
use crate::air::Cause;
use crate::decode::Refused;
use crate::decode::forecast::{self, ForecastFault, ForecastZone, Forecasts};
use crate::flow::{Command, Taken};
use crate::store::{ForecastFilter, ForecastRow};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

/// The largest body of forecasts, bytes: as large as a broker's message may be.
pub const BODY_MAX: usize = crate::decode::PAYLOAD_MAX;

/// A forecast.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastShape {
    /// Who issued it; `dustline` is our own simple one.
    issuer: String,
    /// When it was issued.
    issued_at: Time,
    /// The zone's id.
    zone: String,
    /// The quantity or index.
    quantity: &'static str,
    /// The local day, if the period is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// The first instant of the period.
    from: Time,
    /// The first instant after it.
    until: Time,
    /// The mean over the period in the quantity's unit, or the index.
    value: f64,
    /// What brings it, if the issuer has said: `dust` or `wildfire`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    /// When it came in, by our clock.
    received_at: Time,
    /// Which value of this very issue it is, from 0.
    revision: u32,
    /// Whether its issuer has neither revised it nor issued a later one.
    counts: bool,
}

/// A page of forecasts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastList {
    /// In the order in which they came in.
    forecasts: Vec<ForecastShape>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One field of one element that cannot be taken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RefusedField {
    /// Where: a JSON Pointer such as `/3/day`, or `line 4, day`.
    place: String,
    /// What was found and what is allowed.
    detail: String,
}

impl From<ForecastFault> for RefusedField {
    fn from(f: ForecastFault) -> RefusedField {
        RefusedField { place: f.place, detail: f.detail }
    }
}

/// What became of the forecasts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastsTaken {
    /// How many are kept now: new, revised and duplicate together.
    taken: usize,
    /// Those that were not there.
    new: usize,
    /// Those that correct what the same issue said before.
    revised: usize,
    /// Those that were there already.
    duplicate: usize,
    /// What is wrong with the others.
    refused: Vec<RefusedField>,
}

/// Not one forecast could be taken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastsRefused {
    /// The problem.
    #[serde(flatten)]
    problem: Problem,
    /// What is wrong, field by field.
    refused: Vec<RefusedField>,
}

/// Forecasts for zones. Of several issues of one issuer for one period the latest counts.
#[utoipa::path(
    get, path = "/api/v1/forecasts", tag = "judged",
    params(
        ("zone" = Option<String>, Query, description = "For this zone."),
        ("issuer" = Option<String>, Query, description = "By this issuer."),
        ("from" = Option<String>, Query, description = "For periods that end after this time (RFC 3339)."),
        ("to" = Option<String>, Query, description = "For periods that begin before this time (RFC 3339)."),
        ("all" = Option<bool>, Query, description = "Also earlier issues and revised values; false unless given."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of forecasts", body = ForecastList),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<ForecastList>, Problem> {
    let known = ["zone", "issuer", "from", "to", "all", "limit", "after"];
    let params = Params::read(&uri, &known)?;
    let (from, to) = params.range()?;
    let (limit, after) = (params.limit()?, params.after::<i64>()?.unwrap_or(0));
    let text = |name| params.text(name).map(str::to_owned);
    let filter = ForecastFilter {
        zone: text("zone"),
        issuer: text("issuer"),
        from,
        to,
        all: params.flag("all")?,
        limit: limit + 1,
    };
    let zones = ctx.settings.forecast_zones.clone();
    let mut rows = ctx.read(move |_, reader, _| Ok(reader.forecasts(&filter, after)?)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| cursor(&row.seq));
    Ok(Json(ForecastList { forecasts: rows.into_iter().map(|r| shape(r, &zones)).collect(), next }))
}

fn shape(row: ForecastRow, zones: &[ForecastZone]) -> ForecastShape {
    let f = row.forecast;
    let zone = zones.iter().find(|z| z.id == f.zone);
    let day = zone.and_then(|z| forecast::day_of(f.from, f.until, &z.time_zone));
    ForecastShape {
        issuer: f.issuer,
        issued_at: Time(f.issued_at),
        zone: f.zone,
        quantity: f.of.name(),
        day: day.map(|d| d.to_string()),
        from: Time(f.from),
        until: Time(f.until),
        value: f.value,
        cause: f.cause.map(Cause::name),
        received_at: Time(row.received),
        revision: row.revision,
        counts: row.counts,
    }
}

/// Takes forecasts: an object, an array of them, or CSV. What cannot be taken
/// never keeps the rest out. Answered once everything is on disk.
#[utoipa::path(
    post, path = "/api/v1/forecasts", tag = "judged",
    request_body(content = Object, description = "`{\"issuer\",\"issued_at\",\"zone\",\"quantity\",\"day\",\"value\"}` or an array; `from` and `until` may take the place of `day`; `cause` is `dust` or `wildfire`"),
    responses(
        (status = 200, description = "What was taken, what was there already, what is refused", body = ForecastsTaken),
        (status = 400, description = "Neither JSON nor CSV of forecasts", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Nothing may be changed here", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not one forecast can be taken", body = ForecastsRefused, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn post(
    State(ctx): State<Arc<Ctx>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|e| Problem::new(e.status(), e.body_text()))?;
    let now = ctx.clock.now();
    let found = forecast::read(&body, &ctx.settings.forecast_zones, now).map_err(not_read)?;
    if found.taken.is_empty() && !found.faults.is_empty() {
        return Ok(none_taken(found));
    }
    let forecasts = found.taken;
    let stopping = "stopping; send it again, what is there already changes nothing";
    let taken = ctx.ask(|reply| Command::Forecasts { forecasts, at: now, reply }, stopping).await?;
    let count = |what: Taken| taken.iter().filter(|t| **t == what).count();
    let answer = ForecastsTaken {
        taken: taken.len(),
        new: count(Taken::New),
        revised: count(Taken::Revised),
        duplicate: count(Taken::Duplicate),
        refused: found.faults.into_iter().map(RefusedField::from).collect(),
    };
    Ok(Json(answer).into_response())
}

fn not_read(refused: Refused) -> Problem {
    let detail = match refused {
        Refused::Malformed { detail, .. } => detail,
        Refused::Ignored(policy) => policy.to_owned(),
    };
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn none_taken(found: Forecasts) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let detail = format!("no forecast can be taken: {}", forecast::told(&found.faults));
    let body = ForecastsRefused {
        problem: Problem::new(status, detail),
        refused: found.faults.into_iter().map(RefusedField::from).collect(),
    };
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE))];
    (status, kind, Json(body)).into_response()
}
