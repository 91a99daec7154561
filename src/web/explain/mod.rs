//! `GET /api/v1/changes/{id}` and the page `/changes/{id}`: one change explained.
//!
//! ```text
//!  change ─┬─ the version of the rules that it names    settings
//!          ├─ each hour that it rests on, by station    store: hours, zone_hours
//!          ├─ the change before and the one after       store: changes
//!          └─ who was told, and how far that is         store: outbox
//! ```
//!
//! The change itself is as it was recorded. What stands behind it is what the
//! store has now: data that came late may have moved an hour since, and then the
//! zone's hour is shown as it was and as it is.

mod behind;
mod html;
mod inputs;
mod page;
mod words;

pub use html::escaped;

use super::Ctx;
use super::judged::{self, Change};
use super::params;
use super::pool::Deadline;
use super::problem::Problem;
use super::shape::Time;
use crate::air::Names;
use crate::config::Settings;
use crate::rules::{NONE, Ruleset, Sure};
use crate::store::{ChangeRow, Notice, Reader};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use behind::HourBehind;
use serde::Serialize;
use std::sync::Arc;

/// A change, and everything that explains it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Explained {
    /// The change as it was recorded.
    #[serde(flatten)]
    change: Change,
    /// What stands behind it.
    explanation: Explanation,
}

/// What stands behind a change.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Explanation {
    /// What a change does not mean, by language.
    caution: Names,
    /// What the ladder or threshold is called, by language.
    title: Names,
    /// What the level left is called, by language.
    from_title: Names,
    /// What the level reached is called, by language.
    to_title: Names,
    /// The version of the rules; absent for a threshold, and where the
    /// configuration no longer names that version.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<RulesShape>,
    /// Each hour of the zone that it rests on, with what its stations had.
    hours: Vec<HourBehind>,
    /// The change of this ladder before it, in the order of `at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Neighbour>,
    /// The change of this ladder after it, in the order of `at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Neighbour>,
    /// Who had to be told, and how far that is.
    notices: Vec<NoticeFact>,
}

/// A version of a ruleset.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RulesShape {
    /// The ruleset and its version.
    ruleset: String,
    /// What it is called, by language.
    title: Names,
    /// ISO 3166-1 code of where it applies.
    jurisdiction: String,
    /// The legal text.
    source: String,
    /// Where the figures were read.
    links: Vec<String>,
    /// How sure the least certain figure is.
    #[schema(value_type = String)]
    sure: Sure,
    /// What a reader should know of the figures.
    note: String,
    /// First instant in force.
    from: Time,
    /// First instant no longer in force.
    until: Option<Time>,
    /// The zone in which its dates are meant.
    time_zone: String,
}

/// Another change of the same ladder.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Neighbour {
    /// Its identity.
    id: String,
    /// The level left.
    from: String,
    /// The level reached.
    to: String,
    /// What the level left is called, by language.
    from_title: Names,
    /// What the level reached is called, by language.
    to_title: Names,
    /// When its criterion was met.
    at: Time,
}

/// A notice of the change.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NoticeFact {
    /// Its number: `/api/v1/outbox/{id}`.
    id: i64,
    /// The receiver.
    receiver: String,
    /// `pending`, `delivered` or `dead`.
    state: &'static str,
    /// Attempts that ended.
    attempts: u32,
    /// When it was written.
    created: Time,
    /// When it was delivered or given up.
    done: Option<Time>,
    /// What the last attempt said.
    last: Option<String>,
}

impl From<Notice> for NoticeFact {
    fn from(n: Notice) -> NoticeFact {
        NoticeFact {
            id: n.id,
            receiver: n.receiver,
            state: n.state.name(),
            attempts: n.attempts,
            created: Time(n.created),
            done: n.done.map(Time),
            last: n.last,
        }
    }
}

impl From<&Ruleset> for RulesShape {
    fn from(r: &Ruleset) -> RulesShape {
        RulesShape {
            ruleset: r.reference(),
            title: r.title.clone(),
            jurisdiction: r.jurisdiction.clone(),
            source: r.source.clone(),
            links: r.links.clone(),
            sure: r.sure,
            note: r.note.trim().to_owned(),
            from: Time(r.from),
            until: r.until.map(Time),
            time_zone: r.time_zone.clone(),
        }
    }
}

/// One change, with everything that explains it: the rules and their source, each
/// station's hours behind the zone's, the changes around it, and who was told.
#[utoipa::path(
    get, path = "/api/v1/changes/{id}", tag = "judged",
    params(("id" = String, Path, description = "The identity of the change.")),
    responses(
        (status = 200, description = "The change and its explanation", body = Explained),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one_change(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
) -> Result<Json<Explained>, Problem> {
    explained(ctx, id).await.map(Json)
}

/// The same for people: a page that can be printed. The `url` of a notice.
#[utoipa::path(
    get, path = "/changes/{id}", tag = "judged",
    params(
        ("id" = String, Path, description = "The identity of the change."),
        ("lang" = Option<String>, Query, description = "`ko`, `zh` or `en`; else what the browser prefers."),
    ),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
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
    let instance = ctx.settings.instance.clone();
    let explained = explained(ctx, id).await?;
    Ok(page::response(&explained, language, &instance))
}

async fn explained(ctx: Arc<Ctx>, id: String) -> Result<Explained, Problem> {
    let none = Problem::not_found(format!("no change {id:?}; /api/v1/changes lists them"));
    let read = move |ctx: &Ctx, reader: &mut Reader, deadline: Deadline| {
        let Some(row) = reader.change(&id)? else { return Ok(None) };
        Ok(Some(Explained {
            explanation: explain(ctx, reader, &row, deadline)?,
            change: judged::change(row),
        }))
    };
    ctx.read(read).await?.ok_or(none)
}

fn explain(
    ctx: &Ctx,
    reader: &mut Reader,
    row: &ChangeRow,
    deadline: Deadline,
) -> Result<Explanation, Problem> {
    let rules = version(&ctx.settings, row);
    let notices = reader.notices_of(&row.uid)?;
    Ok(Explanation {
        caution: words::caution(),
        title: ladder_title(rules, &row.ladder),
        from_title: level_title(rules, row, &row.from),
        to_title: level_title(rules, row, &row.to),
        rules: rules.map(RulesShape::from),
        hours: behind::hours(ctx, reader, row, deadline)?,
        before: reader.change_before(row)?.map(|c| neighbour(&ctx.settings, c)),
        after: reader.change_after(row)?.map(|c| neighbour(&ctx.settings, c)),
        notices: notices.into_iter().map(NoticeFact::from).collect(),
    })
}

fn neighbour(settings: &Settings, row: ChangeRow) -> Neighbour {
    let rules = version(settings, &row);
    Neighbour {
        from_title: level_title(rules, &row, &row.from),
        to_title: level_title(rules, &row, &row.to),
        id: row.uid,
        from: row.from,
        to: row.to,
        at: Time(row.at),
    }
}

/// The version that a change names, such as `kr-air-alert@2018-07-01`.
fn version<'a>(settings: &'a Settings, row: &ChangeRow) -> Option<&'a Ruleset> {
    let (id, version) = row.data.get("ruleset")?.as_str()?.split_once('@')?;
    settings.rulesets.get(id)?.iter().find(|r| r.version == version)
}

/// What a ladder or condition is called.
fn ladder_title(rules: Option<&Ruleset>, id: &str) -> Names {
    let scale = rules.and_then(|r| r.scale(id));
    scale.map_or_else(|| Names::plain(id), |scale| scale.title.clone())
}

/// What a level is called: by the rules, by the change itself, or by its name.
fn level_title(rules: Option<&Ruleset>, row: &ChangeRow, level: &str) -> Names {
    if level == NONE {
        return words::none();
    }
    let scale = rules.and_then(|r| r.scale(&row.ladder));
    let by_rules = scale.and_then(|scale| scale.level_title(level).cloned());
    let by_change = || {
        let told = if row.to == NONE { &row.from } else { &row.to };
        let title = row.data.get("level").filter(|_| told == level)?;
        serde_json::from_value(title.clone()).ok()
    };
    by_rules.or_else(by_change).unwrap_or_else(|| words::level(level))
}
