//! Everything that is judged, live: open hours of series, zones with their
//! ladders, thresholds of stations.
//!
//! A [`Judge`] is told of readings and of the time, and answers what followed.
//! An hour of a zone is **due** when every station of the zone has reported at
//! least `lateness` past its end, or when the clock is `grace` past its end,
//! whichever is first. Who asks whether an hour is due and closes it is the
//! caller: it writes the closing down, so that the same closings can be replayed.
//!
//! A reading for an hour that its zone has judged already changes that hour and
//! has it judged again, as far back as `keep` hours. Conditions are judged with the
//! hours, with forecasts and with decisions of a fixed time of day; a zone without
//! any pays nothing for them.

mod close;
mod conditions;
mod devices;
mod means;
mod outcome;
mod plan;
mod saved;
mod zones;

pub use devices::{DeviceHour, SeriesHour};
pub use outcome::{HourJudged, Judged, LevelNow, StationJudged, ZoneJudged};
pub use plan::{Coupling, Plan, PlannedStation, PlannedZone};
pub use saved::Saved;

use crate::air::{Flag, Hour, Measured, Quantity, Stamp};
use devices::{Device, Station};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use zones::Zone;

/// Series of one device that have hours, at most, beside its main ones: more than
/// any instrument has, so that a message full of labels cannot fill the memory.
const SERIES_MAX: usize = 64;
/// A zone of all stations waits for, and counts, those that have reported within
/// this time: retired ones drop out, and none is forgotten over a holiday.
const ALIVE: Duration = Duration::from_secs(7 * 86_400);

/// The state of everything that is judged.
#[derive(Debug)]
pub struct Judge {
    plan: Plan,
    /// Not before this does the clock alone close an hour: what waits at the
    /// brokers after a restart gets as long as a late reading.
    started: Stamp,
    devices: Vec<Device>,
    stations: Vec<Station>,
    station_ids: HashMap<Arc<str>, u32>,
    device_stations: HashMap<String, u32>,
    zones: Vec<Zone>,
}

/// A reading as it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The device, by the number it was announced with.
    pub device: u32,
    /// The instant it is of.
    pub at: Stamp,
    /// The value and its flag.
    pub measured: &'a Measured,
    /// The number under which its label is stored, 0 for the main one.
    pub label: u32,
}

impl Judge {
    /// Judges nothing yet; `started` is the time by our clock.
    pub fn new(plan: Plan, started: Stamp) -> Judge {
        let mut judge = Judge {
            started,
            devices: Vec::new(),
            stations: Vec::new(),
            station_ids: HashMap::new(),
            device_stations: HashMap::new(),
            zones: plan.zones.iter().map(|z| Zone::new(z, &plan)).collect(),
            plan,
        };
        for station in judge.plan.stations.clone() {
            let place = judge.station(&station.id);
            for device in station.devices {
                judge.device_stations.insert(device, place);
            }
        }
        judge
    }

    /// Announces a device under the next number, counted from 1.
    pub fn announce(&mut self, name: &str) {
        let number = self.devices.len() as u32 + 1;
        let station = match self.device_stations.get(name) {
            Some(place) => *place,
            None => self.station(name),
        };
        let Some(of) = self.stations.get_mut(station as usize) else { return };
        of.devices.reserve_exact(1);
        of.devices.push(number);
        // Mostly a device is its own station: then they have one name together.
        let name = if *of.id == *name { of.id.clone() } else { Arc::from(name) };
        self.devices.push(Device::new(name, station));
    }

    /// Our clock was set: nothing is closed by it until it has run on for the
    /// grace time, since what waits may be of hours that it has skipped.
    pub fn clock_was_set(&mut self, now: Stamp) {
        self.started = now;
    }

    /// How many devices were announced.
    pub fn announced(&self) -> usize {
        self.devices.len()
    }

    /// The station of a device.
    pub fn station_of(&self, device: u32) -> &str {
        let station = self.device(device).and_then(|d| self.stations.get(d.station as usize));
        station.map_or("", |s| &*s.id)
    }

    fn device(&self, number: u32) -> Option<&Device> {
        self.devices.get((number as usize).checked_sub(1)?)
    }

    fn device_mut(&mut self, number: u32) -> Option<&mut Device> {
        self.devices.get_mut((number as usize).checked_sub(1)?)
    }

    /// The place of a station; a new one joins the zones that have all stations.
    fn station(&mut self, id: &str) -> u32 {
        if let Some(place) = self.station_ids.get(id) {
            return *place;
        }
        let (place, id) = (self.stations.len() as u32, Arc::<str>::from(id));
        self.station_ids.insert(id.clone(), place);
        let mut zones = Vec::new();
        for (index, planned) in self.plan.zones.iter().enumerate() {
            if planned.stations.as_ref().is_none_or(|ids| ids.iter().any(|s| **s == *id)) {
                zones.push(index as u32);
                if let Some(zone) = self.zones.get_mut(index) {
                    zone.stations.push(place);
                }
            }
        }
        // Neighbours in the list are mostly of the same zones.
        let shared = self.stations.last().filter(|s| *s.zones == *zones);
        let zones = shared.map_or_else(|| zones.into(), |s| s.zones.clone());
        self.stations.push(Station::new(id, zones, self.plan.thresholds.len()));
        place
    }

    /// Takes a reading into an open hour. `again` holds all counting and other
    /// readings of the series in that hour if this one revises an earlier one:
    /// the sums are then made anew from them.
    pub fn reading(&mut self, r: Reading<'_>, again: Option<&[(Stamp, f64, Flag)]>) {
        let covers = self.plan.covers;
        let Some(device) = self.device_mut(r.device) else { return };
        if r.label != 0 && device.series_in(r.at.hour()) >= SERIES_MAX {
            return;
        }
        let sums = device.sums(r.at.hour(), r.measured.value.quantity, r.label);
        match again {
            Some(all) => *sums = super::HourSums::of(all.iter().copied(), covers),
            None => sums.add(r.at, r.measured.value.value, r.measured.flag, covers),
        }
    }

    /// A device has sent a main value of a quantity: its station measures it.
    pub fn measures(&mut self, device: u32, quantity: Quantity) {
        let place = self.device(device).map(|d| d.station as usize);
        if let Some(station) = place.and_then(|p| self.stations.get_mut(p)) {
            station.measures(quantity);
        }
    }

    /// Judges a reading by the thresholds of its station.
    pub fn thresholds(&mut self, r: Reading<'_>, now: Stamp) -> Vec<Judged> {
        let Some(place) = self.device(r.device).map(|d| d.station as usize) else {
            return Vec::new();
        };
        let (Some(station), true) = (self.stations.get_mut(place), r.label == 0) else {
            return Vec::new();
        };
        let rules = self.plan.thresholds.iter().enumerate();
        let mut out = Vec::new();
        for (index, rule) in rules.filter(|(_, t)| t.quantity == r.measured.value.quantity) {
            let fresh = now.minus(self.plan.grace.saturating_add(self.plan.lateness)) <= r.at;
            let step = station.judge(index, rule, &r, fresh);
            out.extend(step.map(|(s, tell)| {
                let name = |n: u32| {
                    let device = (n as usize).checked_sub(1).and_then(|i| self.devices.get(i));
                    device.map_or(String::new(), |d| d.name.to_string())
                };
                Judged { tell, ..outcome::of_threshold(rule, &station.id, &s, now, name) }
            }));
        }
        out
    }

    /// A device has believably reported up to this instant. `true` if that made
    /// an hour of a zone due.
    pub fn heard(&mut self, device: u32, at: Stamp) -> bool {
        let Some(place) = self.device(device).map(|d| d.station) else { return false };
        let Some(station) = self.stations.get_mut(place as usize) else { return false };
        let before = station.newest;
        station.newest = before.max(at);
        let zones = station.zones.clone();
        let mut due = false;
        for index in zones.iter() {
            let Some(zone) = self.zones.get_mut(*index as usize) else { continue };
            if zone.begin(at.hour()) {
                self.count_reached_in(*index as usize);
            } else if at > before {
                zone.reach(before, at, self.plan.lateness);
            }
            due |= self.zones.get(*index as usize).is_some_and(|z| z.due_by_data().is_some());
        }
        due
    }

    /// The next hour of a zone that is due by what the stations have reported.
    pub fn due_by_data(&self) -> Option<(String, Hour)> {
        self.zones.iter().find_map(|z| Some((z.id().to_owned(), z.due_by_data()?)))
    }

    /// The next hour of a zone that is due by our clock.
    pub fn due_by_clock(&self, now: Stamp) -> Option<(String, Hour)> {
        let frontier = self.frontier(now)?;
        // A zone of which nothing is ever heard is judged too: as unknown.
        let due = |z: &Zone| Some(z.next.unwrap_or(frontier.back(1))).filter(|h| *h < frontier);
        self.zones.iter().find_map(|z| Some((z.id().to_owned(), due(z)?)))
    }

    /// The first hour that our clock lets stay open; `None` while everything may
    /// still come because the process has only just started.
    pub fn frontier(&self, now: Stamp) -> Option<Hour> {
        let settled = now.minus(self.plan.grace);
        (settled >= self.started).then(|| settled.hour())
    }

    /// The sums of the open hours of these devices before `frontier`, taken out.
    pub fn close_devices(
        &mut self,
        frontier: Hour,
        devices: RangeInclusive<u32>,
    ) -> Vec<DeviceHour> {
        let (first, last) = (devices.start().saturating_sub(1), *devices.end());
        let some = (1..).zip(&mut self.devices).skip(first as usize);
        let some = some.take_while(|(number, _)| *number <= last);
        some.flat_map(|(number, device)| device.close(number, frontier)).collect()
    }

    /// The number of series that have an open hour.
    pub fn open_series(&self) -> usize {
        self.devices.iter().map(Device::open_series).sum()
    }

    /// The quantities judged in the zones of a device's station, for hours that
    /// those zones have judged already.
    pub fn judged_already(&self, device: u32, hour: Hour) -> Vec<Quantity> {
        let station = self.device(device).and_then(|d| self.stations.get(d.station as usize));
        let zones = station.into_iter().flat_map(|s| s.zones.iter());
        let mut quantities: Vec<Quantity> = zones
            .filter_map(|z| self.zones.get(*z as usize))
            .filter(|z| z.next.is_some_and(|next| hour < next))
            .flat_map(|z| z.quantities.iter().copied())
            .collect();
        quantities.sort_unstable();
        quantities.dedup();
        quantities
    }

    /// Where every ladder and every raised threshold stands.
    pub fn levels(&self) -> Vec<LevelNow> {
        self.zones.iter().flat_map(|z| z.levels(&self.plan)).collect()
    }

    fn count_reached(&mut self) {
        (0..self.zones.len()).for_each(|index| self.count_reached_in(index));
    }

    fn count_reached_in(&mut self, index: usize) {
        let Some(zone) = self.zones.get_mut(index) else { return };
        let Some(target) = zone.target(self.plan.lateness) else { return };
        let stations = &self.stations;
        let newest = |s: &u32| stations.get(*s as usize).is_some_and(|s| s.newest >= target);
        zone.reached = zone.stations.iter().filter(|s| newest(s)).count() as u32;
        let Some((zone, next)) = self.zones.get(index).and_then(|z| Some((z, z.next?))) else {
            return;
        };
        let alive = self.alive_in(zone, next, None);
        if let Some(zone) = self.zones.get_mut(index) {
            zone.alive = alive;
        }
    }

    /// How many stations of a zone have reported lately, as seen from an hour,
    /// and measure this quantity.
    fn alive_in(&self, zone: &Zone, hour: Hour, quantity: Option<Quantity>) -> u32 {
        let since = alive_since(hour);
        let alive = |s: &&u32| {
            self.stations
                .get(**s as usize)
                .is_some_and(|s| s.newest >= since && quantity.is_none_or(|q| s.has_measured(q)))
        };
        if zone.has_all() { zone.stations.iter().filter(alive).count() as u32 } else { 0 }
    }
}

/// Since when a station must have reported to be alive, as seen from an hour.
fn alive_since(hour: Hour) -> Stamp {
    hour.start().minus(ALIVE)
}

#[cfg(test)]
mod tests;
