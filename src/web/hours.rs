//! `GET /api/v1/hours`: closed hours of devices, stations and zones.

use super::Ctx;
use super::answer::Answer;
use super::params::{Params, cursor};
use super::pool::Deadline;
use super::problem::Problem;
use super::shape::{self, Time, from_micro};
use crate::air::{Hour, Quantity, Stamp};
use crate::store::{DeviceId, HourPlace, HourRow, Reader, ZoneHourRow};
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The closed hour of one series of a device, of one quantity of a station, or
/// of one quantity of a zone.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct HourShape {
    /// The device; or `station`, or `zone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The station: the mean over its devices with a valid hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// The zone: the mean over its stations with a valid hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What was measured.
    #[schema(example = "pm2_5")]
    pub quantity: &'static str,
    /// Which sensing element of several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// Which treatment of the raw number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// The start of the hour.
    pub start: Time,
    /// The mean; null if nothing counted.
    pub mean: Option<f64>,
    /// The least reading; null for a zone, which keeps no single readings.
    pub min: Option<f64>,
    /// The greatest reading; null for a zone.
    pub max: Option<f64>,
    /// Readings that counted; of a zone: stations that counted.
    pub count: u32,
    /// How much of the hour was covered, 0 to 1; of a station: by its best device;
    /// of a zone: the share of its stations that counted.
    pub coverage: f64,
    /// Whether that is enough.
    pub valid: bool,
    /// Stations with a valid hour that a zone's mean is without, because they disagree
    /// with the others (`quality.neighbours`); absent if there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// A page of hours.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Hours {
    /// The hours of a device, station or zone by time; of all devices by device, then time.
    hours: Vec<HourShape>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What is asked, besides of whom.
struct Wanted {
    range: (Hour, Hour),
    quantity: Option<Quantity>,
    after: Option<(u32, HourPlace)>,
    limit: usize,
    min_coverage: f64,
}

/// A place in the list: the device's row (0 for stations and zones) and the place in it.
type Place = (u32, HourPlace);

/// Closed hours. The running hour is not among them.
#[utoipa::path(
    get, path = "/api/v1/hours", tag = "measured",
    params(
        ("device" = Option<String>, Query, description = "Only of this device."),
        ("station" = Option<String>, Query, description = "Of this station as a whole."),
        ("zone" = Option<String>, Query, description = "Of this zone as a whole, as it was judged."),
        ("quantity" = Option<String>, Query, description = "Only this quantity."),
        ("from" = Option<String>, Query, description = "Hours that start at or after this time (RFC 3339)."),
        ("to" = Option<String>, Query, description = "Hours that start before this time (RFC 3339)."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of hours", body = Hours),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Answer, Problem> {
    let known = ["device", "station", "zone", "quantity", "from", "to", "limit", "after"];
    let params = Params::read(&uri, &known)?;
    let whose = ["device", "station", "zone"].into_iter().filter(|n| params.text(n).is_some());
    if let Some(second) = whose.skip(1).last() {
        let given = params.text(second).unwrap_or_default();
        return Err(Problem::parameter(second, given, "give one of device, station and zone"));
    }
    let (from, to) = params.range()?;
    let wanted = Wanted {
        range: (from.map_or(Hour(i32::MIN), first_hour), to.map_or(Hour(i32::MAX), first_hour)),
        quantity: params.quantity()?,
        after: params.after()?,
        limit: params.limit()?,
        min_coverage: ctx.settings.judgement.min_coverage,
    };
    ctx.answer(move |ctx, reader, deadline| {
        if let Some(zone) = params.text("zone") {
            return zone_hours(reader, zone, &wanted);
        }
        let devices = ctx.places.wanted(reader, params.text("device"), params.text("station"))?;
        reader.at_once(|reader| match params.text("station") {
            Some(station) => station_hours(reader, station, &devices.unwrap_or_default(), &wanted),
            None => device_hours(reader, devices, &wanted, deadline),
        })
    })
    .await
}

/// The first hour that starts at or after the instant.
fn first_hour(t: Stamp) -> Hour {
    let hour = t.hour();
    if hour.start() < t { hour.next() } else { hour }
}

/// Cuts a list of one too many to a page.
fn page(mut list: Vec<(Place, HourShape)>, limit: usize) -> Hours {
    let more = list.len() > limit;
    list.truncate(limit);
    let next = list.last().filter(|_| more).map(|(place, _)| cursor(place));
    Hours { hours: list.into_iter().map(|(_, hour)| hour).collect(), next }
}

fn device_hours(
    reader: &mut Reader,
    devices: Option<Vec<DeviceId>>,
    wanted: &Wanted,
    deadline: Deadline,
) -> Result<Hours, Problem> {
    let devices = match devices {
        Some(devices) => devices,
        None => {
            reader.refresh_names()?;
            reader.devices().map(|(id, _)| id).collect()
        }
    };
    let (first, place) = wanted.after.unwrap_or((0, HourPlace::START));
    let mut list = Vec::new();
    for device in devices.into_iter().filter(|d| d.0 >= first) {
        deadline.check()?;
        let after = if device.0 == first { place } else { HourPlace::START };
        let wants = wanted.limit + 1 - list.len();
        let rows = reader.hours_page(device, wanted.range, wanted.quantity, after, wants)?;
        for row in rows {
            list.push(((device.0, HourPlace::of(&row)), of_device(reader, &row, wanted)?));
        }
        if list.len() > wanted.limit {
            break;
        }
    }
    Ok(page(list, wanted.limit))
}

/// The share of the hour that a row covers.
pub fn coverage(row: &HourRow) -> f64 {
    f64::from(row.minutes.count_ones()) / 60.0
}

/// The mean of a row, if anything counted.
pub fn mean(row: &HourRow) -> Option<f64> {
    (row.count > 0).then(|| from_micro(row.sum_micro) / f64::from(row.count))
}

fn of_device(reader: &mut Reader, row: &HourRow, wanted: &Wanted) -> Result<HourShape, Problem> {
    let device = shape::device_name(reader, row.device)?;
    let label = match reader.label(row.label) {
        Some(label) => label,
        None => {
            reader.refresh_names()?;
            reader.label(row.label).unwrap_or_default()
        }
    };
    let coverage = coverage(row);
    Ok(HourShape {
        device: Some(device),
        station: None,
        zone: None,
        quantity: row.quantity.name(),
        channel: label.channel,
        variant: label.variant,
        start: row.hour.into(),
        mean: mean(row),
        min: (row.count > 0).then(|| from_micro(row.min_micro)),
        max: (row.count > 0).then(|| from_micro(row.max_micro)),
        count: row.count,
        coverage,
        valid: row.count > 0 && coverage >= wanted.min_coverage,
        left_out: Vec::new(),
    })
}

fn station_hours(
    reader: &Reader,
    station: &str,
    devices: &[DeviceId],
    wanted: &Wanted,
) -> Result<Hours, Problem> {
    let after = wanted.after.map_or(HourPlace::START, |(_, place)| place);
    let mut by_place: BTreeMap<HourPlace, Vec<HourRow>> = BTreeMap::new();
    for device in devices {
        let mut after = after;
        // Only the main values of a device count; the others take no place on a page.
        let mut left = wanted.limit + 1;
        while left > 0 {
            let rows = reader.hours_page(*device, wanted.range, wanted.quantity, after, left)?;
            let Some(last) = rows.last() else { break };
            after = HourPlace::of(last);
            let main: Vec<HourRow> = rows.into_iter().filter(|r| r.label == 0).collect();
            left -= main.len();
            for row in main {
                by_place.entry(HourPlace::of(&row)).or_default().push(row);
            }
        }
    }
    let list = by_place
        .into_iter()
        .take(wanted.limit + 1)
        .map(|(place, rows)| ((0, place), of_station(station, &rows, wanted.min_coverage)))
        .collect();
    Ok(page(list, wanted.limit))
}

/// One hour of a station from the rows of its devices: of those with a valid
/// hour; if there is none, of all that have anything, and not valid.
pub(super) fn of_station(station: &str, rows: &[HourRow], min_coverage: f64) -> HourShape {
    let valid = |r: &&HourRow| r.count > 0 && coverage(r) >= min_coverage;
    let mut counting: Vec<&HourRow> = rows.iter().filter(valid).collect();
    let is_valid = !counting.is_empty();
    if !is_valid {
        counting = rows.iter().filter(|r| r.count > 0).collect();
    }
    let means: Vec<f64> = counting.iter().filter_map(|r| mean(r)).collect();
    HourShape {
        device: None,
        station: Some(station.to_owned()),
        zone: None,
        quantity: rows.first().map_or("", |r| r.quantity.name()),
        channel: String::new(),
        variant: String::new(),
        start: rows.first().map_or(Time(Stamp(0)), |r| r.hour.into()),
        mean: (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64),
        min: counting.iter().map(|r| r.min_micro).min().map(from_micro),
        max: counting.iter().map(|r| r.max_micro).max().map(from_micro),
        count: counting.iter().map(|r| r.count).sum(),
        coverage: rows.iter().map(coverage).fold(0.0, f64::max),
        valid: is_valid,
        left_out: Vec::new(),
    }
}

fn zone_hours(reader: &Reader, zone: &str, wanted: &Wanted) -> Result<Hours, Problem> {
    let after = wanted.after.map_or(HourPlace::START, |(_, place)| place);
    let range = (wanted.range.0.max(after.hour), wanted.range.1);
    let mut list: Vec<(Place, HourShape)> = Vec::new();
    for quantity in Quantity::ALL.into_iter().filter(|q| wanted.quantity.is_none_or(|w| w == *q)) {
        // One more than a page, and the one at `after` itself.
        let rows = reader.zone_hours_page(zone, quantity, range, false, wanted.limit + 2)?;
        list.extend(rows.iter().map(|row| {
            let place = HourPlace { hour: row.hour, quantity: quantity.code(), label: 0 };
            ((0, place), of_zone(row))
        }));
    }
    list.retain(|((_, place), _)| *place > after);
    list.sort_unstable_by_key(|(place, _)| *place);
    Ok(page(list, wanted.limit))
}

/// One judged hour of a zone.
pub fn of_zone(row: &ZoneHourRow) -> HourShape {
    HourShape {
        device: None,
        station: None,
        zone: Some(row.zone.clone()),
        quantity: row.quantity.name(),
        channel: String::new(),
        variant: String::new(),
        start: row.hour.into(),
        mean: zone_mean(row),
        min: None,
        max: None,
        count: row.stations,
        coverage: if row.expected == 0 {
            0.0
        } else {
            f64::from(row.stations) / f64::from(row.expected)
        },
        valid: row.valid,
        left_out: row.left_out.clone(),
    }
}

/// The mean of a zone's hour, if any station counted.
pub fn zone_mean(row: &ZoneHourRow) -> Option<f64> {
    (row.stations > 0).then(|| from_micro(row.sum_micro) / f64::from(row.stations))
}
