//! `GET /api/v1/readings`: what counts as measured, by time.
//!
//! Each device is read from where the page begins, by time, and no further than the
//! page reaches by then: once it is full, to the last reading on it. So a page costs
//! what it shows, however much there is.

use super::Ctx;
use super::answer::{Answer, Items};
use super::params::{Params, cursor};
use super::pool::Deadline;
use super::problem::Problem;
use super::shape::{self, Time};
use crate::air::reading::{Label, TimeSource};
use crate::air::time::HOUR_MS;
use crate::air::{Hour, Quantity, Stamp};
use crate::store::{DeviceId, Point, Reader, Span};
use axum::extract::State;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest range without a device or station, ms.
const OPEN_RANGE_MAX: i64 = 31 * 24 * HOUR_MS;
/// The range if none is given and there is no device or station either, ms.
const OPEN_RANGE: i64 = 24 * HOUR_MS;
/// So many times a page is collected before it is cut to its length.
const SLACK: usize = 4;

/// One reading.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Reading<'a> {
    /// The device.
    device: &'a str,
    /// The station where it stands; a device that no station names is its own.
    station: &'a str,
    /// What was measured.
    #[schema(example = "pm2_5")]
    quantity: &'static str,
    /// Which sensing element of several.
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: &'a str,
    /// Which treatment of the raw number.
    #[serde(skip_serializing_if = "str::is_empty")]
    variant: &'a str,
    /// The number.
    value: f64,
    /// Its unit.
    #[schema(example = "ug/m3")]
    unit: &'static str,
    /// The time it is of.
    at: Time,
    /// When it came in.
    received_at: Time,
    /// Which clock says `at`.
    #[schema(value_type = String, example = "device")]
    time_source: TimeSource,
    /// Quality flag by QARTOD: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing.
    flag: u8,
    /// Why it did not simply pass.
    reasons: Vec<&'static str>,
}

/// A page of readings.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Readings<'a> {
    /// By time, the newest last; of several for one series and time the one that counts.
    #[schema(value_type = Vec<Reading<'a>>)]
    readings: Items<'a, Found, Reading<'a>>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A reading's place in the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    at: Stamp,
    device: DeviceId,
    quantity: u8,
    channel: String,
    variant: String,
}

/// A reading as found, before names are put to it.
pub struct Found {
    place: Place,
    point: Point,
}

/// What is asked.
struct Wanted {
    /// `None`: all.
    devices: Option<Vec<DeviceId>>,
    from: Stamp,
    to: Stamp,
    quantity: Option<Quantity>,
    after: Option<Place>,
    limit: usize,
}

/// Readings by time, the newest last.
#[utoipa::path(
    get, path = "/api/v1/readings", tag = "measured",
    params(
        ("device" = Option<String>, Query, description = "Only of this device."),
        ("station" = Option<String>, Query, description = "Only of the devices of this station."),
        ("quantity" = Option<String>, Query, description = "Only this quantity."),
        ("from" = Option<String>, Query, description = "Not before this time (RFC 3339). Without a device or station: 24 hours before `to` unless given, and at most 31 days before it."),
        ("to" = Option<String>, Query, description = "Before this time (RFC 3339)."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of readings", body = Readings),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Answer, Problem> {
    let known = ["device", "station", "quantity", "from", "to", "limit", "after"];
    let params = Params::read(&uri, &known)?;
    let (from, to) = range(&params, ctx.clock.now())?;
    let (quantity, limit, after) = (params.quantity()?, params.limit()?, params.after()?);
    ctx.read(move |ctx, reader, deadline| {
        let devices = ctx.places.wanted(reader, params.text("device"), params.text("station"))?;
        let wanted = Wanted { devices, from, to, quantity, after, limit };
        let found = reader.at_once(|reader| find(ctx, reader, &wanted, deadline))?;
        reader.refresh_names()?;
        page(ctx, reader, found, limit)
    })
    .await
}

/// The time range asked for; that of all devices is bounded.
fn range(params: &Params, now: Stamp) -> Result<(Stamp, Stamp), Problem> {
    let (from, to) = params.range()?;
    if params.text("device").or(params.text("station")).is_some() {
        let (first, last) = (Hour(i32::MIN).start(), Hour(i32::MAX).start());
        return Ok((from.unwrap_or(first), to.unwrap_or(last)));
    }
    let end = to.unwrap_or_else(|| Stamp(now.0 + HOUR_MS).max(from.unwrap_or(now)));
    let start = from.unwrap_or(Stamp(end.0 - OPEN_RANGE));
    if end.since(start) > OPEN_RANGE_MAX {
        return Err(Problem::parameter(
            "from",
            params.text("from").unwrap_or_default(),
            "may lie at most 31 days before `to` (or now) for all devices together; give a device or station, or a shorter range",
        ));
    }
    Ok((start, end))
}

/// The first `limit` and one more of the readings wanted, in order.
fn find(
    ctx: &Ctx,
    reader: &mut Reader,
    wanted: &Wanted,
    deadline: Deadline,
) -> Result<Vec<Found>, Problem> {
    let from = wanted.after.as_ref().map_or(wanted.from, |p| p.at.max(wanted.from));
    let (mut to, quantity, length) = (wanted.to, wanted.quantity, wanted.limit + 1);
    let mut found = Vec::new();
    for (device, open) in open_hours(ctx, reader, wanted.devices.as_deref())? {
        deadline.check()?;
        collect(reader, &Span { device, from, to, quantity, open: &open }, wanted, &mut found)?;
        if found.len() > length * SLACK {
            cut(&mut found, length);
            to = found.last().map_or(to, |last| Stamp(last.place.at.0.saturating_add(1)));
        }
    }
    cut(&mut found, length);
    Ok(found)
}

/// The first `limit` and one more of the readings of a device, and those of the same
/// instant as the last of these.
fn collect(
    reader: &mut Reader,
    span: &Span<'_>,
    wanted: &Wanted,
    found: &mut Vec<Found>,
) -> Result<(), Problem> {
    let full = found.len() + wanted.limit;
    reader.points(span, |point, label| {
        if found.get(full).is_some_and(|last| point.at > last.place.at) {
            return false;
        }
        let Label { channel, variant } = label.clone();
        let (at, quantity) = (point.at, point.reading.quantity.code());
        let place = Place { at, device: span.device, quantity, channel, variant };
        if wanted.after.as_ref().is_none_or(|after| place > *after) {
            found.push(Found { place, point: *point });
        }
        true
    })?;
    Ok(())
}

/// Keeps the first `length`, in order.
fn cut(found: &mut Vec<Found>, length: usize) {
    found.sort_unstable_by(|a, b| a.place.cmp(&b.place));
    found.truncate(length);
}

/// The open hours of each device, oldest first, with their heads.
type OpenHours = Vec<(DeviceId, Vec<(Hour, i64)>)>;

/// The open hours of these devices; of all without a choice.
pub(super) fn open_hours(
    ctx: &Ctx,
    reader: &mut Reader,
    devices: Option<&[DeviceId]>,
) -> Result<OpenHours, Problem> {
    Ok(ctx.view.index(reader, ctx.committed(), |index| {
        let of = |id: DeviceId| {
            let open = index.device(id).map_or(&[][..], |d| &d.open);
            (id, open.iter().map(|o| (o.hour, o.head)).collect())
        };
        match devices {
            Some(ids) => ids.iter().map(|id| of(*id)).collect(),
            None => (1..=index.devices.len() as u32).map(|id| of(DeviceId(id))).collect(),
        }
    })?)
}

fn page(
    ctx: &Ctx,
    reader: &Reader,
    mut found: Vec<Found>,
    limit: usize,
) -> Result<Answer, Problem> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|f| cursor(&f.place));
    let make = |found| reading(ctx, reader, found);
    Answer::of(&Readings { readings: Items::new(&found, &make), next })
}

fn reading<'a>(ctx: &'a Ctx, reader: &'a Reader, found: &'a Found) -> Reading<'a> {
    let Found { place, point } = found;
    let Point { at, received, time_source, reading } = *point;
    let device = reader.device_name(place.device);
    Reading {
        device,
        station: ctx.places.station(device),
        quantity: reading.quantity.name(),
        channel: &place.channel,
        variant: &place.variant,
        value: reading.value,
        unit: reading.quantity.unit(),
        at: Time(at),
        received_at: Time(received),
        time_source,
        flag: reading.flag.code(),
        reasons: shape::reasons(reading.reasons),
    }
}
