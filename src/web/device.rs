//! `GET /api/v1/devices/{id}`: how a device has been over days.

use super::Ctx;
use super::answer::Answer;
use super::hours::coverage;
use super::ledger::Span;
use super::network::{LatestShape, Values, latest_values};
use super::params::Params;
use super::pool::Deadline;
use super::problem::Problem;
use super::readings::open_hours;
use super::shape::{self, Time};
use crate::air::reading::TimeSource;
use crate::air::{Hour, Stamp};
use crate::store::{DeviceId, Kept, LedgerLine, Reader};
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Days shown unless asked otherwise, and at most.
const DAYS: (i32, i32) = (7, 31);
const DAY_HOURS: i32 = 24;

/// A device with its last days.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeviceHealth {
    /// Its identity.
    id: String,
    /// The station where it stands.
    station: String,
    /// The source that it was last heard through.
    source: Option<String>,
    /// The kind of particle sensor that the configuration says it has.
    model: Option<&'static str>,
    /// When its last message with readings came in.
    last_heard: Option<Time>,
    /// Since when its station's hours disagree with those of its neighbours, by
    /// zone and quantity.
    disagrees_since: BTreeMap<String, Time>,
    /// Its latest values by quantity; variants as `pm2_5__cf1`.
    #[schema(value_type = BTreeMap<String, LatestShape>)]
    latest: Values,
    /// Its days in UTC, the earliest first; days without a reading are there too.
    days: Vec<Day>,
}

/// One day of a device.
#[derive(Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Day {
    /// The day, UTC.
    #[schema(example = "2022-01-08")]
    day: String,
    /// Values of that day, revised ones included.
    readings: u64,
    /// … by flag.
    #[schema(value_type = BTreeMap<String, u64>)]
    flags: BTreeMap<u8, u64>,
    /// … by reason.
    reasons: BTreeMap<&'static str, u64>,
    /// The share of the day that is covered by values that count, by main quantity;
    /// of hours that are closed.
    coverage: BTreeMap<&'static str, f64>,
    /// Values received on that day that were there already.
    duplicates: u64,
    /// How far the device's clock was behind ours when its messages came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<Clock>,
}

/// Time of receipt less the device's own time: delay on the way, and skew of the
/// clock. Negative: the device is ahead.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Clock {
    /// The least, seconds: the nearest to the skew alone.
    least: f64,
    /// The median, seconds.
    median: f64,
    /// The most, seconds: the longest backlog.
    most: f64,
}

/// A device's health over days: coverage, flags, clock, duplicates.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}", tag = "network",
    params(
        ("id" = String, Path, description = "Its identity."),
        ("days" = Option<i32>, Query, description = "So many days, today included, 1 to 31; 7 unless given."),
    ),
    responses(
        (status = 200, description = "The device", body = DeviceHealth),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one_device(
    State(ctx): State<Arc<Ctx>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Answer, Problem> {
    let params = Params::read(&uri, &["days"])?;
    let days = match params.text("days") {
        None => DAYS.0,
        Some(text) => {
            let number = text.parse().ok().filter(|n| (1..=DAYS.1).contains(n));
            number.ok_or_else(|| {
                Problem::parameter("days", text, format!("a whole number from 1 to {}", DAYS.1))
            })?
        }
    };
    let now = ctx.clock.now();
    ctx.answer(move |ctx, reader, deadline| health(ctx, reader, deadline, &name, (now, days))).await
}

fn health(
    ctx: &Ctx,
    reader: &mut Reader,
    deadline: Deadline,
    name: &str,
    (now, days): (Stamp, i32),
) -> Result<DeviceHealth, Problem> {
    reader.refresh_names()?;
    let id = reader.device_id(name).ok_or_else(|| {
        Problem::not_found(format!("no device {name:?} has reported; /api/v1/devices lists all"))
    })?;
    let latest = ctx.view.latest(reader, ctx.committed(), &[id])?;
    let latest = latest.first().map(|known| known.latest.clone()).unwrap_or_default();
    let source = latest.source.map(|s| shape::source_name(reader, s)).transpose()?;
    let today = now.hour().0.div_euclid(DAY_HOURS);
    let first = today - days + 1;
    let mut shown = Vec::new();
    for day in first..=today {
        deadline.check()?;
        let hours = (Hour(day * DAY_HOURS), Hour((day + 1) * DAY_HOURS));
        shown.push(one_day(ctx, reader, id, hours)?);
    }
    let own = source.as_deref().and_then(|n| ctx.settings.sources.iter().find(|s| s.name == n));
    let station = ctx.places.station(name).to_owned();
    let model = ctx.places.named(name).and_then(|s| s.model).or(own.and_then(|s| s.model));
    Ok(DeviceHealth {
        id: name.to_owned(),
        source,
        model: model.map(|m| m.name()),
        last_heard: latest.heard.map(Time),
        disagrees_since: disagreements(reader, &station)?,
        station,
        latest: latest_values([&latest]),
        days: shown,
    })
}

/// Conditions of a station against its neighbours that hold now.
fn disagreements(reader: &Reader, station: &str) -> Result<BTreeMap<String, Time>, Problem> {
    let mut found = BTreeMap::new();
    for (kind, subject, since, _) in reader.conditions()? {
        // Zone, quantity, station: only the last can have a slash in it.
        let mut parts = subject.splitn(3, '/');
        let (zone, quantity) = (parts.next(), parts.next());
        if let ("station_disagrees", Some(zone), Some(quantity), true) =
            (kind.as_str(), zone, quantity, parts.next() == Some(station))
        {
            found.insert(format!("{zone}/{quantity}"), Time(since));
        }
    }
    Ok(found)
}

/// One day, from the rows of the device, its closed hours and the ledger.
fn one_day(
    ctx: &Ctx,
    reader: &mut Reader,
    id: DeviceId,
    (from, to): (Hour, Hour),
) -> Result<Day, Problem> {
    let day = from.start().to_string().chars().take(10).collect();
    let mut shown = Day { day, ..Day::default() };
    let mut lags = Vec::new();
    for (hour, head) in heads(ctx, reader, id, (from, to))? {
        for row in reader.chain((id, hour), head)? {
            shown.count(&row);
            if row.time_source == TimeSource::Device {
                lags.push(row.received.since(row.observed));
            }
        }
    }
    shown.clock = clock(lags);
    for row in reader.device_hours(id, from, to)?.iter().filter(|row| row.label == 0) {
        *shown.coverage.entry(row.quantity.name()).or_default() +=
            coverage(row) / f64::from(DAY_HOURS);
    }
    let span = ctx.view.index(reader, ctx.committed(), |index| {
        Span::new(index, Some(from.start()), Some(to.start()))
    })?;
    let mut line = reader.ledger_of(id, from, to)?;
    for (_, running) in span.running().filter(|(key, _)| key.device == id.0) {
        line.readings.merge(&running.readings);
    }
    let LedgerLine { readings, .. } = line;
    shown.duplicates = readings.duplicate;
    Ok(shown)
}

/// The heads of the hours of a device in `[from, to)`. One of a closed hour was read
/// after those of open hours, so it is at least as new.
fn heads(
    ctx: &Ctx,
    reader: &mut Reader,
    id: DeviceId,
    (from, to): (Hour, Hour),
) -> Result<BTreeMap<Hour, i64>, Problem> {
    let open = open_hours(ctx, reader, Some(&[id]))?.into_iter().flat_map(|(_, open)| open);
    let mut heads: BTreeMap<Hour, i64> = open.filter(|(h, _)| (from..to).contains(h)).collect();
    let closed = reader.closed_hours(id, from, to)?;
    heads.extend(closed.iter().map(|closed| (closed.hour, closed.head)));
    Ok(heads)
}

impl Day {
    fn count(&mut self, row: &Kept) {
        for m in &row.values {
            self.readings += 1;
            *self.flags.entry(m.flag.code()).or_default() += 1;
            for reason in m.reasons.iter() {
                *self.reasons.entry(reason.name()).or_default() += 1;
            }
        }
    }
}

/// Least, median and most of the lags, milliseconds; `None` without any.
fn clock(mut lags: Vec<i64>) -> Option<Clock> {
    lags.sort_unstable();
    let seconds = |ms: &i64| *ms as f64 / 1_000.0;
    Some(Clock {
        least: lags.first().map(seconds)?,
        median: lags.get(lags.len() / 2).map(seconds)?,
        most: lags.last().map(seconds)?,
    })
}
