//! Judging the hours of zones, for the first time and again.

use super::{HourJudged, Judge, ZoneJudged};
use crate::air::{Hour, Quantity, Stamp};
use crate::rules::{StationMoved, ZoneHour};

impl Judge {
    /// Judges the hour of a zone from the open hours of its stations.
    /// `closed` tells the mean of a device whose hour is not open here any more.
    /// The zone itself comes first, then those that decide together with it.
    pub fn close_zone(
        &mut self,
        zone: &str,
        hour: Hour,
        now: Stamp,
        closed: impl Fn(u32, Quantity) -> Option<i64>,
    ) -> Vec<ZoneJudged> {
        let found = self.zones.iter().enumerate().find(|(_, z)| z.id() == zone);
        let Some((index, seat)) = found else { return Vec::new() };
        let mut single: Vec<(Quantity, StationMoved)> = Vec::new();
        let mut hours = Vec::with_capacity(seat.quantities.len());
        for q in &seat.quantities {
            let mean = |s: &u32| {
                let mean = self.mean_of(*s, *q, hour, |n| closed(n, *q))?;
                Some((&*self.stations.get(*s as usize)?.id, mean))
            };
            let means: Vec<(&str, i64)> = seat.stations.iter().filter_map(mean).collect();
            let expected = seat.expected(self.alive_in(seat, hour, Some(*q)));
            hours.push(seat.compared((*q, hour), &means, expected, &self.plan));
            if seat.by_station.contains(q) {
                single.extend(means.into_iter().map(|(id, mean)| {
                    (*q, StationMoved { station: id.to_owned(), mean_micro: Some(mean) })
                }));
            }
        }
        let Some(zone) = self.zones.get_mut(index) else { return Vec::new() };
        single.iter().for_each(|(q, station)| zone.station(*q, hour, station));
        let changes = zone.close(hour, &hours, &self.plan, now);
        self.count_reached_in(index);
        self.conditions_of_all(index, hours, changes, hour.end(), now)
    }

    /// Has the zones of a device's station judge an hour again in which the
    /// station's mean went from `old` to `new`.
    pub fn station_changed(
        &mut self,
        device: u32,
        quantity: Quantity,
        hour: Hour,
        (old, new): (Option<i64>, Option<i64>),
        now: Stamp,
    ) -> Vec<ZoneJudged> {
        if old == new {
            return Vec::new();
        }
        let Some(place) = self.device(device).map(|d| d.station) else { return Vec::new() };
        let Some(moved) = self.stations.get(place as usize) else { return Vec::new() };
        let zones = moved.zones.clone();
        let moved = StationMoved { station: moved.id.to_string(), mean_micro: new };
        let mut out = Vec::new();
        for index in zones.iter().map(|index| *index as usize) {
            let Some(zone) = self.zones.get(index) else { continue };
            if let Some(changed) = zone.with_station((quantity, hour), &moved, old, &self.plan) {
                out.extend(self.revise(index, changed, Some(&moved), now));
            }
        }
        out
    }

    /// Replays a revision of a zone's hour, with the station whose mean moved, as it
    /// was written down.
    pub fn zone_revised(
        &mut self,
        zone: &str,
        quantity: Quantity,
        hour: ZoneHour,
        moved: Option<&StationMoved>,
        now: Stamp,
    ) {
        if let Some(index) = self.zones.iter().position(|z| z.id() == zone) {
            self.revise(index, HourJudged::alone(quantity, hour), moved, now);
        }
    }

    pub(super) fn revise(
        &mut self,
        index: usize,
        judged: HourJudged,
        moved: Option<&StationMoved>,
        now: Stamp,
    ) -> Vec<ZoneJudged> {
        let Some(zone) = self.zones.get_mut(index) else { return Vec::new() };
        let (quantity, hour) = (judged.quantity, judged.hour);
        moved.iter().for_each(|m| zone.station(quantity, hour.hour, m));
        let changes = zone.revise(quantity, hour, &self.plan, now);
        self.conditions_of_all(index, vec![judged], changes, hour.hour.end(), now)
    }
}
