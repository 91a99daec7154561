//! `GET /api/v1/quarantine`, `/outbox`: what was set aside, and what receivers
//! must be told.

pub mod acts;
pub mod aside;
pub mod refused;

use super::Ctx;
use super::params::{Params, cursor};
use super::problem::Problem;
use super::shape::Time;
use crate::air::mask::{mask, mask_bytes};
use crate::store::{Notice, NoticeState, QuarantineRow};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// A message that was set aside.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Quarantined {
    /// Its number.
    id: i64,
    /// When it came in.
    at: Time,
    /// The source.
    source: String,
    /// The topic, as far as it is text, with secrets masked.
    topic: String,
    /// A fixed name of the reason.
    reason: String,
    /// What, where and what to do next.
    detail: String,
    /// Bytes of the body.
    size: usize,
    /// The body, as far as it is text, with secrets masked.
    payload: String,
    /// The body with secrets masked, in base64; to the last bit it is shown to the
    /// operator of the machine only.
    payload_base64: String,
}

/// A page of what was set aside.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Quarantine {
    /// In the order of receipt.
    quarantine: Vec<Quarantined>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A notice: what one receiver must be told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NoticeShape {
    /// Its number.
    id: i64,
    /// The `webhook-id` of every attempt.
    webhook_id: String,
    /// The receiver.
    receiver: String,
    /// `pending`, `delivered` or `dead`.
    state: &'static str,
    /// Attempts that ended.
    attempts: u32,
    /// When it was written.
    created: Time,
    /// Not to be tried before this, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt: Option<Time>,
    /// What the last attempt said.
    last: Option<String>,
    /// When it was delivered or given up.
    done: Option<Time>,
    /// What it is about: CloudEvents type.
    #[serde(rename = "type")]
    kind: String,
    /// CloudEvents subject.
    subject: String,
    /// When that was decided.
    time: Time,
    /// CloudEvents data, without the text: its fields are those of `type`.
    #[schema(value_type = BTreeMap<String, Value>)]
    data: Value,
}

/// A page of the outbox.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Outbox {
    /// In the order of writing.
    outbox: Vec<NoticeShape>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<QuarantineRow> for Quarantined {
    fn from(q: QuarantineRow) -> Quarantined {
        let size = q.payload.len();
        Quarantined { size, ..Quarantined::raw(masked(q)) }
    }
}

impl Quarantined {
    /// As it came, secrets and all: for the operator of the machine.
    pub fn raw(q: QuarantineRow) -> Quarantined {
        Quarantined {
            id: q.id,
            at: Time(q.at),
            source: q.source,
            topic: String::from_utf8_lossy(&q.topic).into_owned(),
            reason: q.reason,
            detail: q.detail,
            size: q.payload.len(),
            payload: String::from_utf8_lossy(&q.payload).into_owned(),
            payload_base64: STANDARD.encode(&q.payload),
        }
    }
}

/// What was set aside, with secrets masked.
pub fn masked(q: QuarantineRow) -> QuarantineRow {
    QuarantineRow {
        topic: mask_bytes(&q.topic),
        payload: mask_bytes(&q.payload),
        detail: mask(&q.detail),
        ..q
    }
}

impl From<Notice> for NoticeShape {
    fn from(n: Notice) -> NoticeShape {
        NoticeShape {
            id: n.id,
            webhook_id: n.uid,
            receiver: n.receiver,
            state: n.state.name(),
            attempts: n.attempts,
            created: Time(n.created),
            next_attempt: (n.state == NoticeState::Pending).then_some(Time(n.next)),
            last: n.last,
            done: n.done.map(Time),
            kind: n.event.kind,
            subject: n.event.subject,
            time: Time(n.event.time),
            data: n.event.data,
        }
    }
}

/// Messages that could not be decoded or believed.
#[utoipa::path(
    get, path = "/api/v1/quarantine", tag = "kept",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given, and fewer if bodies are large."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of them", body = Quarantine))
)]
pub async fn quarantine(
    State(ctx): State<Arc<Ctx>>,
    uri: Uri,
) -> Result<Json<Quarantine>, Problem> {
    let params = Params::read(&uri, &["limit", "after"])?;
    let (limit, after) = (params.limit()?, params.after::<i64>()?.unwrap_or(0));
    let read = move |_: &Ctx, reader: &mut crate::store::Reader, _| {
        bounded(limit, |after, n| Ok(reader.quarantine(after, n)?), after)
    };
    let (rows, more) = ctx.read(read).await?;
    let next = rows.last().filter(|_| more).map(|q| cursor(&q.id));
    Ok(Json(Quarantine { quarantine: rows.into_iter().map(Quarantined::from).collect(), next }))
}

/// Bytes of bodies on one page of the quarantine, from where on it ends early.
const PAGE_BYTES: usize = 4 << 20;
/// Rows of the quarantine fetched in one step: bodies may have a MiB each.
const STEP: usize = 16;

/// At most `limit` rows, and fewer if their bodies are large; whether there are more.
fn bounded(
    limit: usize,
    mut fetch: impl FnMut(i64, usize) -> Result<Vec<QuarantineRow>, Problem>,
    mut after: i64,
) -> Result<(Vec<QuarantineRow>, bool), Problem> {
    let mut rows: Vec<QuarantineRow> = Vec::new();
    let mut bytes = 0;
    loop {
        let step = fetch(after, STEP)?;
        let last_step = step.len() < STEP;
        for row in step {
            if rows.len() == limit || (bytes > PAGE_BYTES && !rows.is_empty()) {
                return Ok((rows, true));
            }
            bytes += row.payload.len();
            after = row.id;
            rows.push(row);
        }
        if last_step {
            return Ok((rows, false));
        }
    }
}

/// One message that was set aside.
#[utoipa::path(
    get, path = "/api/v1/quarantine/{id}", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "The message", body = Quarantined),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one_quarantined(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<Quarantined>, Problem> {
    let none = Problem::not_found(format!(
        "nothing set aside as {id:?}; /api/v1/quarantine lists what is"
    ));
    let Some(id) = number(&id) else { return Err(none) };
    let read =
        move |_: &Ctx, reader: &mut crate::store::Reader, _| Ok(reader.quarantine(id - 1, 1)?);
    let found = ctx.read(read).await?.into_iter().find(|q| q.id == id);
    found.map(|q| Json(q.into())).ok_or(none)
}

/// The number of a row; rows count from one.
fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|n| *n > 0)
}

/// Notices and how far they are.
#[utoipa::path(
    get, path = "/api/v1/outbox", tag = "kept",
    params(
        ("state" = Option<String>, Query, description = "Only `pending`, `delivered` or `dead` ones."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of notices", body = Outbox),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn outbox(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<Outbox>, Problem> {
    let params = Params::read(&uri, &["state", "limit", "after"])?;
    let state = params.text("state").map(state).transpose()?;
    let (limit, after) = (params.limit()?, params.after::<i64>()?.unwrap_or(0));
    let read = move |_: &Ctx, reader: &mut crate::store::Reader, _| {
        Ok(reader.outbox(state, after, limit + 1)?)
    };
    let mut rows = ctx.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|n| cursor(&n.id));
    Ok(Json(Outbox { outbox: rows.into_iter().map(NoticeShape::from).collect(), next }))
}

fn state(text: &str) -> Result<NoticeState, Problem> {
    [NoticeState::Pending, NoticeState::Delivered, NoticeState::Dead]
        .into_iter()
        .find(|s| s.name() == text)
        .ok_or_else(|| Problem::parameter("state", text, "must be one of pending, delivered, dead"))
}

/// One notice.
#[utoipa::path(
    get, path = "/api/v1/outbox/{id}", tag = "kept",
    params(("id" = i64, Path, description = "Its number.")),
    responses(
        (status = 200, description = "The notice", body = NoticeShape),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one_notice(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<NoticeShape>, Problem> {
    let none = Problem::not_found(format!("no notice {id:?}; /api/v1/outbox lists them"));
    let Some(id) = number(&id) else { return Err(none) };
    let found = ctx.read(move |_, reader, _| Ok(reader.notice(id)?)).await?;
    found.map(|n| Json(n.into())).ok_or(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Stamp;

    fn row() -> QuarantineRow {
        QuarantineRow {
            id: 1,
            seq: 1,
            source: "city".to_owned(),
            topic: b"v1/token/abc".to_vec(),
            payload: br#"{"ssid":"Kim","pm":"x"}"#.to_vec(),
            reason: "not_json".to_owned(),
            detail: "mail kim@example.kr".to_owned(),
            at: Stamp(0),
        }
    }

    #[test]
    fn secrets_of_what_was_set_aside_are_masked_in_every_field_and_kept_in_the_raw_form() {
        let shown = serde_json::to_value(Quarantined::from(row())).unwrap();
        assert_eq!(shown["topic"], "v1/token/***");
        assert_eq!(shown["payload"], r#"{"ssid":"***","pm":"x"}"#);
        assert_eq!(shown["detail"], "mail ***");
        let masked = STANDARD.encode(r#"{"ssid":"***","pm":"x"}"#);
        assert_eq!((&shown["payload_base64"], &shown["size"]), (&masked.into(), &23.into()));
        let raw = serde_json::to_value(Quarantined::raw(row())).unwrap();
        assert_eq!(raw["payload"], r#"{"ssid":"Kim","pm":"x"}"#);
    }
}
