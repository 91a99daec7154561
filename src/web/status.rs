//! `/healthz`, `/readyz`, `/metrics`: what supervisors and monitors ask.

use super::problem::Problem;
use super::{Ctx, auth};
use crate::rules::{EMERGENCY, NONE};
use crate::store::{Dropped, LevelRow, Reader};
use crate::telemetry::{self, Metrics, PartReport, StoreFigures};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// The state of the whole and of its parts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Status {
    /// `ok`, `degraded` (a part is not as it should be) or `down`.
    status: &'static str,
    /// Every part.
    parts: Vec<PartReport>,
}

/// Whether the process lives: every loop has turned in time.
#[utoipa::path(
    get, path = "/healthz", tag = "operation",
    responses(
        (status = 200, description = "It lives", body = Status),
        (status = 503, description = "A loop is stuck; only a restart helps", body = Status),
    )
)]
pub async fn healthz(State(ctx): State<Arc<Ctx>>, headers: HeaderMap) -> Response {
    let alive = ctx.health.stuck(Instant::now()).is_empty();
    status(&ctx, &headers, alive)
}

/// Whether the store is open and the intake takes messages. A broker, receiver
/// or database that is away is shown, and the daemon stays ready.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        (status = 200, description = "It is ready", body = Status),
        (status = 503, description = "It is not", body = Status),
    )
)]
pub async fn readyz(State(ctx): State<Arc<Ctx>>, headers: HeaderMap) -> Response {
    let ready = ctx.health.ready(Instant::now());
    status(&ctx, &headers, ready)
}

/// Reasons may name hosts: only those who may read see them.
fn status(ctx: &Ctx, headers: &HeaderMap, good: bool) -> Response {
    let mut parts = ctx.health.report(Instant::now());
    let degraded = parts.iter().any(|p| p.state != "ok" || p.stuck);
    if !auth::reads(ctx, headers) {
        parts.iter_mut().for_each(|p| p.why = None);
    }
    let (code, status) = match (good, degraded) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        (true, true) => (StatusCode::OK, "degraded"),
        (true, false) => (StatusCode::OK, "ok"),
    };
    (code, Json(Status { status, parts })).into_response()
}

/// Every metric, in OpenMetrics text.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"))
)]
pub async fn metrics(State(ctx): State<Arc<Ctx>>) -> Result<Response, Problem> {
    let metrics = ctx.metrics.clone();
    let figures = ctx.read(|ctx, reader, _| figures(ctx, reader)).await?;
    Ok(metrics_text(&metrics, &figures))
}

/// Every metric that needs no store.
pub async fn metrics_without_store(State(ctx): State<Arc<Ctx>>) -> Response {
    metrics_text(&ctx.metrics, &StoreFigures::default())
}

fn metrics_text(metrics: &Metrics, figures: &StoreFigures) -> Response {
    let media = [(header::CONTENT_TYPE, telemetry::MEDIA_TYPE)];
    (media, metrics.render(figures)).into_response()
}

fn figures(ctx: &Ctx, reader: &Reader) -> Result<StoreFigures, Problem> {
    let mut outbox: BTreeMap<String, (u64, u64)> =
        ctx.settings.receivers.iter().map(|r| (r.id.clone(), (0, 0))).collect();
    for (receiver, state, n) in reader.outbox_counts()? {
        let (pending, dead) = outbox.entry(receiver).or_default();
        match state.as_str() {
            "pending" => *pending = n,
            "dead" => *dead = n,
            _ => {}
        }
    }
    let last = reader.committed()?;
    let mut forward = Vec::new();
    for target in &ctx.settings.influxdb {
        let sent = reader.cursor(&target.name)?;
        let behind = |ours: i64, theirs: i64| u64::try_from(ours - theirs).unwrap_or(0);
        let rows = behind(last.journal, sent.journal)
            + behind(last.change, sent.change)
            + behind(last.hour, sent.hour);
        forward.push((target.name.clone(), rows));
    }
    let of = |d: Dropped| (d.tier.to_owned(), d.beyond.to_owned(), d.count);
    Ok(StoreFigures {
        dropped: reader.dropped()?.into_iter().map(of).collect(),
        bytes: vec![("database".to_owned(), reader.bytes())],
        levels: reader.levels()?.iter().flat_map(|l| level_figures(ctx, l)).collect(),
        outbox: outbox.into_iter().map(|(receiver, (p, d))| (receiver, p, d)).collect(),
        forward,
        incidents: reader.incidents_open()?,
    })
}

/// One figure for each level that the ladder, condition or threshold has.
fn level_figures(ctx: &Ctx, l: &LevelRow) -> Vec<(String, String, String, bool)> {
    let versions = ctx.settings.rulesets.values().flatten();
    let mut names: BTreeSet<&str> = versions
        .filter_map(|ruleset| ruleset.scale(&l.ladder))
        .flat_map(|scale| scale.levels)
        .map(|(name, _)| name)
        .collect();
    if ctx.settings.thresholds.iter().any(|t| t.id == l.ladder) {
        names.insert(EMERGENCY);
    }
    names.extend([NONE, l.level.as_str()]);
    let figure = |name: &str| (l.ladder.clone(), l.scope.clone(), name.to_owned(), name == l.level);
    names.into_iter().map(figure).collect()
}
