//! `GET /api/v1/readings`: what counts as measured, by time.
//!
//! The readings of a device-hour are a chain of journal rows, found by its head:
//! in `chains` if the hour is closed, else in the view. Hours are taken in order
//! until a page is full, so a page costs what it shows, however much there is.

use super::Ctx;
use super::params::{Params, cursor};
use super::pool::Deadline;
use super::problem::Problem;
use super::shape::{self, Time};
use crate::air::reading::{Label, TimeSource};
use crate::air::time::HOUR_MS;
use crate::air::{Hour, Measured, Quantity, Stamp};
use crate::store::{DeviceId, Reader};
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The longest range without a device or station, ms.
const OPEN_RANGE_MAX: i64 = 31 * 24 * HOUR_MS;
/// The range if none is given and there is no device or station either, ms.
const OPEN_RANGE: i64 = 24 * HOUR_MS;
/// Hours of all devices whose heads are looked up in one go …
const WINDOW: i32 = 24;
/// … and of each of some devices: a page of minutes has fewer.
const HOURS: usize = 256;

/// One reading.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Reading {
    /// The device.
    device: String,
    /// The station where it stands; a device that no station names is its own.
    station: String,
    /// What was measured.
    #[schema(example = "pm2_5")]
    quantity: &'static str,
    /// Which sensing element of several.
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    /// Which treatment of the raw number.
    #[serde(skip_serializing_if = "String::is_empty")]
    variant: String,
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
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readings {
    /// By time, the newest last; of several for one series and time the one that counts.
    readings: Vec<Reading>,
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
struct Found {
    place: Place,
    received: Stamp,
    time_source: TimeSource,
    measured: Measured,
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
pub async fn list(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Json<Readings>, Problem> {
    let known = ["device", "station", "quantity", "from", "to", "limit", "after"];
    let params = Params::read(&uri, &known)?;
    let (from, to) = range(&params, ctx.clock.now())?;
    let (quantity, limit, after) = (params.quantity()?, params.limit()?, params.after()?);
    ctx.read(move |ctx, reader, deadline| {
        let devices = ctx.places.wanted(reader, params.text("device"), params.text("station"))?;
        let wanted = Wanted { devices, from, to, quantity, after, limit };
        let found = reader.at_once(|reader| find(ctx, reader, &wanted, deadline))?;
        page(ctx, reader, found, limit)
    })
    .await
    .map(Json)
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
    let start = wanted.after.as_ref().map_or(wanted.from, |p| p.at.max(wanted.from));
    let (first, end) = (start.hour(), Stamp(wanted.to.0.saturating_sub(1)).hour().next());
    let open = open_hours(ctx, reader, wanted.devices.as_deref())?;
    let devices: Vec<DeviceId> = open.iter().map(|(d, _)| *d).collect();
    let width = if wanted.devices.is_some() { i32::MAX } else { WINDOW };
    let mut found = Vec::new();
    let mut from = first;
    while from < end {
        let to = Hour(from.0.saturating_add(width)).min(end);
        let (heads, to) = heads(reader, &devices, &open, (from, to), HOURS)?;
        for (hour, heads) in heads {
            for (device, head) in heads {
                deadline.check()?;
                collect(reader, (device, hour), head, wanted, &mut found)?;
                shorten(&mut found, wanted.limit + 1, 4);
            }
            if found.len() > wanted.limit {
                shorten(&mut found, wanted.limit + 1, 1);
                return Ok(found);
            }
        }
        from = to;
    }
    shorten(&mut found, wanted.limit + 1, 1);
    Ok(found)
}

pub(super) type Open = Vec<(DeviceId, Vec<(Hour, i64)>)>;

/// The open hours of the devices, with their heads.
pub(super) fn open_hours(
    ctx: &Ctx,
    reader: &mut Reader,
    devices: Option<&[DeviceId]>,
) -> Result<Open, Problem> {
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

/// Heads of device-hours by hour.
pub(super) type Heads = BTreeMap<Hour, BTreeMap<DeviceId, i64>>;

/// The heads of the hours in `[from, to)` by hour, and how far they go: to `to`
/// unless a device has more than `limit` of them. A head in `chains` was read
/// after the open ones, so it is at least as new.
pub(super) fn heads(
    reader: &Reader,
    devices: &[DeviceId],
    open: &Open,
    (from, to): (Hour, Hour),
    limit: usize,
) -> Result<(Heads, Hour), Problem> {
    let (mut heads, mut end) = (Heads::new(), to);
    for (device, hours) in open {
        for (hour, head) in hours.iter().filter(|(h, _)| (from..to).contains(h)) {
            heads.entry(*hour).or_default().insert(*device, *head);
        }
    }
    for device in devices {
        let all = reader.first_closed_hours(*device, (from, end), limit)?;
        if let Some(last) = all.last().filter(|_| all.len() == limit) {
            end = last.hour.next();
        }
        for closed in all {
            heads.entry(closed.hour).or_default().insert(*device, closed.head);
        }
    }
    heads.split_off(&end);
    Ok((heads, end))
}

/// The readings of one device-hour that count and are wanted.
fn collect(
    reader: &mut Reader,
    (device, hour): (DeviceId, Hour),
    head: i64,
    wanted: &Wanted,
    found: &mut Vec<Found>,
) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    // From the head backwards the latest receipt comes first, and it counts.
    for row in reader.chain((device, hour), head)? {
        let at = row.observed;
        if at < wanted.from || at >= wanted.to {
            continue;
        }
        for measured in row.values {
            let quantity = measured.value.quantity;
            if wanted.quantity.is_some_and(|q| q != quantity) {
                continue;
            }
            let Label { channel, variant } = measured.value.label.clone();
            let place = Place { at, device, quantity: quantity.code(), channel, variant };
            if wanted.after.as_ref().is_some_and(|after| place <= *after)
                || !seen.insert(place.clone())
            {
                continue;
            }
            let (received, time_source) = (row.received, row.time_source);
            found.push(Found { place, received, time_source, measured });
        }
    }
    Ok(())
}

/// Keeps the first `n`, once there are `slack` times as many.
fn shorten(found: &mut Vec<Found>, n: usize, slack: usize) {
    if slack == 1 || found.len() > n * slack {
        found.sort_unstable_by(|a, b| a.place.cmp(&b.place));
        found.truncate(n);
    }
}

fn page(
    ctx: &Ctx,
    reader: &mut Reader,
    mut found: Vec<Found>,
    limit: usize,
) -> Result<Readings, Problem> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|f| cursor(&f.place));
    let readings = found
        .into_iter()
        .map(|f| {
            let device = shape::device_name(reader, f.place.device)?;
            let quantity = f.measured.value.quantity;
            Ok(Reading {
                station: ctx.places.station(&device).to_owned(),
                device,
                quantity: quantity.name(),
                channel: f.place.channel,
                variant: f.place.variant,
                value: f.measured.value.value,
                unit: quantity.unit(),
                at: Time(f.place.at),
                received_at: Time(f.received),
                time_source: f.time_source,
                flag: f.measured.flag.code(),
                reasons: shape::reasons(f.measured.reasons),
            })
        })
        .collect::<Result<_, Problem>>()?;
    Ok(Readings { readings, next })
}
