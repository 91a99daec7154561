//! Our own forecast on data of the past.

use super::{Data, Way};
use crate::air::{Flag, Hour, Quantity};
use crate::foresee::own::Hours;
use crate::foresee::score::{Score, score};
use crate::rules::judge::PlannedZone;
use crate::rules::neighbours::Compared;
use crate::rules::{HourSums, MICRO, ZoneHour};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, HashMap};

/// How good our own forecast of one quantity would have been, over all zones.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct QuantityScore {
    /// The quantity.
    pub quantity: Quantity,
    /// Zones with hours of it.
    pub zones: usize,
    /// By lead.
    pub leads: Vec<Score>,
}

/// Scores our own forecast for the quantities that are in the data, zone by zone
/// and taken together. `clock` takes the place of the zones' own.
pub fn score_forecast(data: &mut Data, way: &Way, clock: Option<&TimeZone>) -> Vec<QuantityScore> {
    data.settle();
    let zones = way.zoning.zones(data);
    let scored = [Quantity::Pm2_5, Quantity::Pm10].map(|quantity| {
        let all = zone_hours(data, way, &zones, quantity);
        let known = || all.iter().zip(&zones).filter(|(hours, _)| !hours.is_empty());
        let leads = score(known().map(|(h, zone)| (h, clock.unwrap_or(&zone.time_zone))));
        QuantityScore { quantity, zones: known().count(), leads }
    });
    scored.into_iter().filter(|s| s.zones > 0).collect()
}

/// The valid hours of each zone.
fn zone_hours(data: &Data, way: &Way, zones: &[PlannedZone], quantity: Quantity) -> Vec<Hours> {
    let mut by_station: HashMap<&str, BTreeMap<Hour, HourSums>> = HashMap::new();
    let stations = way.zoning.stations_of(data);
    for sample in data.samples().iter().filter(|s| s.quantity == quantity) {
        let Some(station) = stations.get(sample.device as usize) else { continue };
        let sums = by_station.entry(station).or_default().entry(sample.at.hour()).or_default();
        sums.add(sample.at, sample.value, Flag::Pass, way.covers);
    }
    zones.iter().map(|zone| of_zone(zone, &by_station, way)).collect()
}

fn of_zone(
    zone: &PlannedZone,
    by_station: &HashMap<&str, BTreeMap<Hour, HourSums>>,
    way: &Way,
) -> Hours {
    let members: Vec<_> = match &zone.stations {
        None => by_station.values().collect(),
        Some(ids) => ids.iter().filter_map(|id| by_station.get(id.as_str())).collect(),
    };
    let expected = zone.stations.as_ref().map_or(members.len(), Vec::len) as u32;
    let mut means: BTreeMap<Hour, Vec<i64>> = BTreeMap::new();
    for (hour, sums) in members.into_iter().flatten() {
        if sums.coverage() >= way.min_coverage {
            means.entry(*hour).or_default().extend(sums.mean_micro());
        }
    }
    let (bounds, share) = (way.neighbours.as_ref(), zone.min_valid_share);
    let judged = means
        .into_iter()
        .map(|(hour, means)| Compared::of(bounds, hour, &means, expected, share).hour);
    let valid = judged.filter(|h| h.valid && h.stations > 0);
    let mean = |h: &ZoneHour| h.sum_micro as f64 / f64::from(h.stations) / MICRO as f64;
    valid.map(|h| (h.hour, mean(&h))).collect()
}
