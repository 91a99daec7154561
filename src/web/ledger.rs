//! `GET /api/v1/ledger`: every message in exactly one bucket.
//!
//! Hours of receipt that are over are in the table; the running hour is in the
//! fold over the journal. Time of receipt never runs backwards, so the table is
//! complete for every hour before that of the fold, and is read up to there.

use super::Ctx;
use super::answer::Answer;
use super::params::{Params, cursor};
use super::problem::Problem;
use super::shape::{self, CountsShape, Time};
use crate::air::{Hour, Stamp};
use crate::store::{DeviceId, Index, LedgerKey, LedgerLine, Reader, StoreError};
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;
use std::sync::Arc;

/// One line: a source, a device and an hour of receipt.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LineShape {
    /// The source.
    pub source: String,
    /// The device; null where none was recognised.
    pub device: Option<String>,
    /// The start of the hour of receipt.
    pub hour: Time,
    /// Messages.
    #[serde(flatten)]
    pub messages: CountsShape,
    /// The readings inside them.
    pub readings: CountsShape,
}

/// The ledger of a time range: received = stored + duplicate + quarantined + ignored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Ledger {
    /// Messages, over the whole range.
    #[serde(flatten)]
    messages: CountsShape,
    /// The readings inside them, over the whole range.
    readings: CountsShape,
    /// For each database how much of the readings stored it has, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<ShareShape>,
    /// Line by line, by hour, source and device; a page of them.
    by: Vec<LineShape>,
    /// Where the next page of `by` starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Of the readings stored: stored = forwarded + pending + held.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ShareShape {
    /// The database.
    pub target: String,
    /// It has taken them, or refused them line by line.
    pub forwarded: u64,
    /// It does not have them yet.
    pub pending: u64,
    /// It takes nothing until its configuration is mended.
    pub held: u64,
}

/// The ledger between two hours of receipt, as of the moment it was opened.
#[derive(Debug, Clone)]
pub struct Span {
    from: Hour,
    to: Hour,
    /// The table is read up to here.
    over: Hour,
    running: Vec<(LedgerKey, LedgerLine)>,
}

impl Span {
    /// The hours of receipt that start in `[from, to)`, as of an index.
    pub fn new(index: &Index, from: Option<Stamp>, to: Option<Stamp>) -> Span {
        let hour = |t: Stamp| if t.hour().start() < t { t.hour().next() } else { t.hour() };
        let from = from.map_or(Hour(i32::MIN), hour);
        let to = to.map_or(Hour(i32::MAX), hour);
        let mut running: Vec<_> = index.ledger.iter().map(|(k, l)| (*k, *l)).collect();
        running.retain(|(k, _)| (from..to).contains(&k.hour));
        running.sort_unstable_by_key(|(k, _)| order(k));
        Span { from, to, over: index.received.hour().min(to), running }
    }

    /// The lines of the running hour.
    pub(super) fn running(&self) -> impl Iterator<Item = &(LedgerKey, LedgerLine)> {
        self.running.iter()
    }

    /// The sum of all lines.
    pub fn sum(&self, reader: &Reader) -> Result<LedgerLine, StoreError> {
        let mut sum = reader.ledger_sum(self.from, self.over)?;
        for (_, line) in &self.running {
            sum.messages.merge(&line.messages);
            sum.readings.merge(&line.readings);
        }
        Ok(sum)
    }

    /// How much each target has of the readings stored, which `sum` says.
    pub fn shares(
        &self,
        reader: &mut Reader,
        targets: &[String],
        sum: &LedgerLine,
    ) -> Result<Vec<ShareShape>, StoreError> {
        let mut shares = Vec::new();
        for target in targets {
            let share = reader.share(target, (self.from, self.to), sum.readings.stored)?;
            shares.push(ShareShape {
                target: target.clone(),
                forwarded: share.forwarded,
                pending: share.pending,
                held: share.held,
            });
        }
        Ok(shares)
    }

    /// Lines after a key by hour, source and device, at most `limit`.
    pub fn page(
        &self,
        reader: &Reader,
        after: Option<LedgerKey>,
        limit: usize,
    ) -> Result<Vec<(LedgerKey, LedgerLine)>, StoreError> {
        let mut lines = reader.ledger_page(self.from, self.over, after, limit)?;
        let later = |k: &LedgerKey| after.is_none_or(|a| order(&a) < order(k));
        let running = self.running.iter().filter(|(k, _)| later(k)).copied();
        lines.extend(running.take(limit - lines.len()));
        Ok(lines)
    }
}

fn order(k: &LedgerKey) -> (Hour, u32, u32) {
    (k.hour, k.source, k.device)
}

/// Puts names to a line.
pub fn line(
    reader: &mut Reader,
    key: &LedgerKey,
    line: &LedgerLine,
) -> Result<LineShape, StoreError> {
    let device = match key.device {
        0 => None,
        id => Some(shape::device_name(reader, DeviceId(id))?),
    };
    Ok(LineShape {
        source: shape::source_name(reader, key.source)?,
        device,
        hour: key.hour.into(),
        messages: line.messages.into(),
        readings: line.readings.into(),
    })
}

/// What became of every message received in a time range.
#[utoipa::path(
    get, path = "/api/v1/ledger", tag = "kept",
    params(
        ("from" = Option<String>, Query, description = "Hours of receipt that start at or after this time (RFC 3339)."),
        ("to" = Option<String>, Query, description = "Hours of receipt that start before this time (RFC 3339)."),
        ("limit" = Option<usize>, Query, description = "At most so many lines in `by`, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
        ("targets" = Option<bool>, Query, description = "Also how much of it each database has; takes as long as reading what it does not have."),
    ),
    responses(
        (status = 200, description = "The sums, and a page of lines", body = Ledger),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Answer, Problem> {
    let params = Params::read(&uri, &["from", "to", "limit", "after", "targets"])?;
    let (from, to) = params.range()?;
    let (limit, after) = (params.limit()?, params.after::<LedgerKey>()?);
    let with_targets = params.flag("targets")?;
    ctx.answer(move |ctx, reader, _| {
        let span = ctx.view.index(reader, ctx.committed(), |index| Span::new(index, from, to))?;
        let sum = span.sum(reader)?;
        let mut lines = span.page(reader, after, limit + 1)?;
        let more = lines.len() > limit;
        lines.truncate(limit);
        let next = lines.last().filter(|_| more).map(|(key, _)| cursor(key));
        let by =
            lines.iter().map(|(k, l)| line(reader, k, l)).collect::<Result<_, StoreError>>()?;
        let targets = match with_targets {
            true => span.shares(reader, &ctx.settings.target_names(), &sum)?,
            false => Vec::new(),
        };
        let (messages, readings) = (sum.messages.into(), sum.readings.into());
        Ok(Ledger { messages, readings, targets, by, next })
    })
    .await
}
