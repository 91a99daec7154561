//! Which stations are judged together.

use super::Data;
use crate::air::Names;
use crate::rules::judge::{Coupling, PlannedStation, PlannedZone};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What makes a zone.
#[derive(Debug, Clone)]
pub enum ZoneBy {
    /// All stations are one zone, `all`.
    All,
    /// Every station is a zone of its own.
    Station,
    /// The column `zone` of the data says so.
    Column,
    /// A list of stations with their zones says so.
    List(Vec<(String, String)>),
    /// As planned, with the zones' own shares; their rulesets count if
    /// [`Zoning::own_rulesets`] says so.
    Planned(Vec<PlannedZone>),
}

/// Stations and zones.
#[derive(Debug, Clone)]
pub struct Zoning {
    /// Stations with their devices; a device that none names is its own station.
    pub stations: Vec<PlannedStation>,
    /// What makes a zone.
    pub by: ZoneBy,
    /// Planned zones that decide together.
    pub couplings: Vec<Coupling>,
    /// Share of a zone's stations that must have a value, 0..=1.
    pub min_valid_share: f64,
    /// Whether each planned zone is judged only by the rulesets it names.
    pub own_rulesets: bool,
}

impl Zoning {
    /// The station of every device of the data, by its number.
    pub(super) fn stations_of<'a>(&'a self, data: &'a Data) -> Vec<&'a str> {
        let named = self.stations.iter();
        let by_device: HashMap<&str, &str> =
            named.flat_map(|s| s.devices.iter().map(|d| (d.as_str(), s.id.as_str()))).collect();
        let own = |d: &'a String| by_device.get(d.as_str()).copied().unwrap_or(d.as_str());
        data.devices().iter().map(own).collect()
    }

    /// The zones, by id. Those of a column or a list have the stations that the
    /// data know: one that never reported anything is not missed.
    pub fn zones(&self, data: &Data) -> Vec<PlannedZone> {
        let there: BTreeSet<&str> = self.stations_of(data).into_iter().collect();
        let mut zones: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        match &self.by {
            ZoneBy::All => return vec![self.zone("all", there)],
            ZoneBy::Planned(zones) => {
                // A zone of all stations has, too, those that the data know.
                let all = || there.iter().map(|s| (*s).to_owned()).collect();
                let known = |z: &PlannedZone| PlannedZone {
                    stations: Some(z.stations.clone().unwrap_or_else(all)),
                    ..z.clone()
                };
                return zones.iter().map(known).collect();
            }
            ZoneBy::Station => there.iter().for_each(|s| drop(zones.insert(s, [*s].into()))),
            ZoneBy::Column => {
                for (zone, device) in data.zones() {
                    zones.entry(zone).or_default().insert(device);
                }
            }
            ZoneBy::List(list) => {
                for (station, zone) in list.iter().filter(|(s, _)| there.contains(s.as_str())) {
                    zones.entry(zone).or_default().insert(station);
                }
            }
        }
        let zones = zones.into_iter();
        zones.map(|(id, stations)| self.zone(id, stations)).collect()
    }

    fn zone(&self, id: &str, stations: BTreeSet<&str>) -> PlannedZone {
        PlannedZone {
            id: id.to_owned(),
            name: Names::plain(id),
            stations: Some(stations.into_iter().map(str::to_owned).collect()),
            min_valid_share: self.min_valid_share,
            rulesets: Vec::new(),
            time_zone: jiff::tz::TimeZone::UTC,
            forecasts_from: None,
        }
    }
}
