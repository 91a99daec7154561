//! What stands behind a zone's hour: the hours of its stations, closed or, as they
//! still are right after a change, open.

use super::super::Ctx;
use super::super::hours::{of_station, zone_mean};
use super::super::pool::Deadline;
use super::super::problem::Problem;
use crate::air::{Hour, Measured, Names, Quantity, Stamp};
use crate::rules::HourSums;
use crate::store::{ChangeRow, DeviceId, HourPlace, HourRow, Index, Reader};
use crate::web::Time;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Stations that are listed at most: what people and programs still take in.
const STATIONS_MAX: usize = 1_000;
/// Rows of one device that are looked at, at most.
const ROWS_MAX: usize = 10_000;

/// An hour of the zone that a change rests on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HourBehind {
    /// The start of the hour.
    pub start: Time,
    /// The zone mean that was judged.
    pub mean: Option<f64>,
    /// How many stations it rested on.
    pub counted: u64,
    /// The zone's hour as it is kept now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<HourNow>,
    /// The stations of the zone with their hours as they are kept now.
    pub stations: Vec<StationHour>,
    /// How many further stations the zone has that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub further: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// A zone's hour as it is kept now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HourNow {
    /// The mean.
    pub mean: Option<f64>,
    /// Stations that counted.
    pub stations: u32,
    /// Stations that the zone has.
    pub expected: u32,
    /// Whether enough stations counted.
    pub valid: bool,
    /// Stations that the mean is without, because they disagree with the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Whether data that came late have moved it since it was judged.
    pub moved: bool,
}

/// The hour of one station.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StationHour {
    /// The station.
    pub station: String,
    /// Its name by language.
    pub name: Names,
    /// `counted`, `left_out` (it disagrees with the others, and the zone's mean as it
    /// is kept now is without it), `too_little` (less of the hour is covered than is
    /// needed) or `missing` (nothing that counts is there).
    pub state: &'static str,
    /// Its mean; of what there is if it did not count.
    pub mean: Option<f64>,
    /// How much of the hour was covered, 0 to 1.
    pub coverage: f64,
    /// Readings that counted.
    pub readings: u32,
    /// Readings that did not, by quality control.
    pub flagged: u32,
}

/// A station of the zone: id, name, and its hours.
type OfStation = (String, Names, BTreeMap<Hour, Vec<HourRow>>);

/// The hours that a change rests on; none if it rests on none.
pub(super) fn hours(
    ctx: &Ctx,
    reader: &mut Reader,
    row: &ChangeRow,
    deadline: Deadline,
) -> Result<Vec<HourBehind>, Problem> {
    let inputs = row.data.get("inputs").and_then(Value::as_array);
    let judged: Vec<(Hour, &Value)> =
        inputs.into_iter().flatten().filter_map(|i| Some((hour_of(i)?, i))).collect();
    let hours: BTreeSet<Hour> = judged.iter().map(|(hour, _)| *hour).collect();
    let quantity = row.data.get("quantity").and_then(Value::as_str).and_then(Quantity::from_name);
    let zone = row.scope.strip_prefix("zone/");
    let (Some(quantity), Some(zone)) = (quantity, zone) else { return Ok(Vec::new()) };
    let mut all = if hours.is_empty() { Vec::new() } else { members(ctx, reader, zone)? };
    let further = all.len().saturating_sub(STATIONS_MAX);
    all.truncate(STATIONS_MAX);
    let mut stations: Vec<OfStation> = Vec::with_capacity(all.len());
    for (id, name) in all {
        deadline.check()?;
        let rows = station_rows(ctx, reader, &id, quantity, &hours)?;
        stations.push((id, name, rows));
    }
    let min_coverage = ctx.settings.judgement.min_coverage;
    let behind = |(hour, input): (Hour, &Value)| {
        let mean = input.get("mean").and_then(Value::as_f64);
        let now = now(reader, zone, quantity, hour, mean)?;
        let left_out = now.as_ref().map_or(&[][..], |now| &now.left_out);
        let station = |s| station_hour(s, hour, (min_coverage, left_out));
        Ok(HourBehind {
            start: hour.into(),
            mean,
            counted: input.get("stations").and_then(Value::as_u64).unwrap_or_default(),
            stations: stations.iter().map(station).collect(),
            now,
            further,
        })
    };
    judged.into_iter().map(behind).collect()
}

fn hour_of(input: &Value) -> Option<Hour> {
    Some(Stamp::parse(input.get("hour")?.as_str()?)?.hour())
}

/// The stations of a zone by the configuration, with their names; a zone of all
/// stations has also those that only the store knows.
fn members(ctx: &Ctx, reader: &mut Reader, zone: &str) -> Result<Vec<(String, Names)>, Problem> {
    let Some(zone) = ctx.settings.zones.iter().find(|z| z.id == zone) else {
        return Ok(Vec::new());
    };
    let named = |id: &String| {
        let station = ctx.places.stations().iter().find(|s| s.id == *id);
        (id.clone(), station.map_or_else(|| Names::plain(id), |s| s.name.clone()))
    };
    if let Some(ids) = &zone.stations {
        return Ok(ids.iter().map(named).collect());
    }
    reader.refresh_names()?;
    let own = reader.devices().map(|(_, name)| name).filter(|n| ctx.places.named(n).is_none());
    let own = own.map(|name| (name.to_owned(), Names::plain(name)));
    let configured = ctx.places.stations().iter().map(|s| (s.id.clone(), s.name.clone()));
    Ok(configured.chain(own).collect())
}

/// The main rows of a station's devices, by hour; those of hours that are still
/// open are made from the journal.
fn station_rows(
    ctx: &Ctx,
    reader: &mut Reader,
    station: &str,
    quantity: Quantity,
    hours: &BTreeSet<Hour>,
) -> Result<BTreeMap<Hour, Vec<HourRow>>, Problem> {
    let mut found: BTreeMap<Hour, Vec<HourRow>> = BTreeMap::new();
    let (Some(first), Some(last)) = (hours.first(), hours.last()) else { return Ok(found) };
    let range = (*first, last.next());
    for device in ctx.places.wanted(reader, None, Some(station))?.unwrap_or_default() {
        let rows = reader.hours_page(device, range, Some(quantity), HourPlace::START, ROWS_MAX)?;
        let closed: BTreeMap<Hour, HourRow> =
            rows.into_iter().filter(|r| r.label == 0).map(|r| (r.hour, r)).collect();
        for hour in hours {
            let row = match closed.get(hour) {
                Some(row) => Some(row.clone()),
                None => open_row(ctx, reader, device, *hour, quantity)?,
            };
            found.entry(*hour).or_default().extend(row);
        }
    }
    Ok(found)
}

/// What an hour of a device that is still open would be if it closed now.
fn open_row(
    ctx: &Ctx,
    reader: &mut Reader,
    device: DeviceId,
    hour: Hour,
    quantity: Quantity,
) -> Result<Option<HourRow>, Problem> {
    let head = |index: &Index| Some(index.device(device)?.open_hour(hour)?.head);
    let Some(head) = ctx.view.index(reader, ctx.committed(), head)? else { return Ok(None) };
    let mut sums = HourSums::default();
    let mut seen = BTreeSet::new();
    // The newest receipt comes first: of several for one instant it counts.
    for row in reader.chain((device, hour), head)? {
        let main = |m: &&Measured| m.value.quantity == quantity && m.value.label.is_main();
        let Some(m) = row.values.iter().find(main) else { continue };
        if seen.insert(row.observed) {
            let covers = ctx.settings.judgement.reading_covers;
            sums.add(row.observed, m.value.value, m.flag, covers);
        }
    }
    let (min_micro, max_micro) = sums.extremes_micro().unwrap_or_default();
    Ok((!seen.is_empty()).then(|| HourRow {
        revision: 0,
        device,
        hour,
        quantity,
        label: 0,
        count: sums.count(),
        sum_micro: sums.sum_micro(),
        min_micro,
        max_micro,
        minutes: sums.minutes(),
        flagged: sums.flagged(),
    }))
}

fn station_hour(
    (id, name, hours): &OfStation,
    hour: Hour,
    (min_coverage, left_out): (f64, &[String]),
) -> StationHour {
    let rows = hours.get(&hour).map(Vec::as_slice).unwrap_or_default();
    let whole = of_station(id, rows, min_coverage);
    StationHour {
        station: id.clone(),
        name: name.clone(),
        state: match (whole.valid, whole.mean) {
            (true, _) if left_out.contains(id) => "left_out",
            (true, _) => "counted",
            (false, Some(_)) => "too_little",
            (false, None) => "missing",
        },
        mean: whole.mean,
        coverage: whole.coverage,
        readings: whole.count,
        flagged: rows.iter().map(|r| r.flagged).sum(),
    }
}

/// The zone's hour as it is kept now; `judged` is the mean that was judged.
fn now(
    reader: &Reader,
    zone: &str,
    quantity: Quantity,
    hour: Hour,
    judged: Option<f64>,
) -> Result<Option<HourNow>, Problem> {
    let rows = reader.zone_hours_page(zone, quantity, (hour, hour.next()), false, 1)?;
    let now = |row: &crate::store::ZoneHourRow| HourNow {
        mean: zone_mean(row),
        stations: row.stations,
        expected: row.expected,
        valid: row.valid,
        moved: zone_mean(row) != judged,
        left_out: row.left_out.clone(),
    };
    Ok(rows.first().map(now))
}
