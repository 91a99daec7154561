//! Open hours of devices, and stations made of devices.

use super::Reading;
use crate::air::{Hour, Quantity, Stamp};
use crate::rules::{HourSums, Threshold, ThresholdState, ThresholdStep, micro};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One series in one hour of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesHour {
    /// The quantity.
    pub quantity: Quantity,
    /// The number under which the label is stored, 0 for the main one.
    pub label: u32,
    /// The sums.
    pub sums: HourSums,
}

/// One hour of a device that was closed.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceHour {
    /// The device's number.
    pub device: u32,
    /// The hour.
    pub hour: Hour,
    /// Its series.
    pub series: Vec<SeriesHour>,
}

/// A device with its open hours, oldest first.
#[derive(Debug)]
pub(super) struct Device {
    pub name: Arc<str>,
    pub station: u32,
    open: Vec<(Hour, Vec<SeriesHour>)>,
}

/// What of a [`Device`] outlives the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedDevice(Vec<(Hour, Vec<SeriesHour>)>);

impl Device {
    pub fn new(name: Arc<str>, station: u32) -> Device {
        Device { name, station, open: Vec::new() }
    }

    pub fn save(&self) -> SavedDevice {
        SavedDevice(self.open.clone())
    }

    pub fn restore(&mut self, saved: SavedDevice) {
        self.open = saved.0;
    }

    /// The sums of a series in an hour, made if new.
    pub fn sums(&mut self, hour: Hour, quantity: Quantity, label: u32) -> &mut HourSums {
        let place = match self.open.binary_search_by_key(&hour, |(h, _)| *h) {
            Ok(place) => place,
            Err(place) => {
                // No more room than is needed: there may be millions of devices.
                self.open.reserve_exact(1);
                self.open.insert(place, (hour, Vec::new()));
                place
            }
        };
        let series = &mut self.open[place].1;
        let known = series.iter().position(|s| s.quantity == quantity && s.label == label);
        let place = known.unwrap_or_else(|| {
            series.reserve_exact(1);
            series.push(SeriesHour { quantity, label, sums: HourSums::default() });
            series.len() - 1
        });
        &mut series[place].sums
    }

    /// The mean of the main series of a quantity in an open hour, if it is valid.
    pub fn mean(&self, hour: Hour, quantity: Quantity, min_coverage: f64) -> Option<i64> {
        let (_, series) = self.open.iter().find(|(h, _)| *h == hour)?;
        let main = series.iter().find(|s| s.quantity == quantity && s.label == 0)?;
        main.sums.mean_micro().filter(|_| main.sums.coverage() >= min_coverage)
    }

    /// Takes out the hours before `frontier`.
    pub fn close(&mut self, device: u32, frontier: Hour) -> Vec<DeviceHour> {
        let keep = self.open.partition_point(|(hour, _)| *hour < frontier);
        let closed = self.open.drain(..keep);
        closed.map(|(hour, series)| DeviceHour { device, hour, series }).collect()
    }

    /// How many series it has in an open hour.
    pub fn series_in(&self, hour: Hour) -> usize {
        self.open.iter().find(|(h, _)| *h == hour).map_or(0, |(_, series)| series.len())
    }

    pub fn open_series(&self) -> usize {
        self.open.last().map_or(0, |(_, series)| series.len())
    }
}

/// A station with its devices, the zones it belongs to, and its thresholds.
#[derive(Debug)]
pub(super) struct Station {
    pub id: Arc<str>,
    pub devices: Vec<u32>,
    /// Where these zones are; stations of the same ones share the list.
    pub zones: Arc<[u32]>,
    /// The latest instant that a device of it has believably reported.
    pub newest: Stamp,
    /// One bit for every quantity of which a main value came.
    quantities: u16,
    thresholds: Box<[Watched]>,
}

/// A threshold at a station.
#[derive(Debug, Clone, Default)]
struct Watched {
    state: ThresholdState,
    /// What was told of it last.
    told: bool,
}

/// What of a [`Station`] outlives the process; thresholds by their id.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedStation {
    pub id: String,
    newest: Stamp,
    quantities: u16,
    thresholds: Vec<(String, ThresholdState, bool)>,
}

impl Station {
    pub fn new(id: Arc<str>, zones: Arc<[u32]>, thresholds: usize) -> Station {
        Station {
            id,
            devices: Vec::new(),
            zones,
            newest: Stamp(i64::MIN),
            quantities: 0,
            thresholds: vec![Watched::default(); thresholds].into(),
        }
    }

    pub fn save(&self, rules: &[Threshold]) -> SavedStation {
        let states = rules.iter().zip(&self.thresholds);
        SavedStation {
            id: self.id.to_string(),
            newest: self.newest,
            quantities: self.quantities,
            thresholds: states.map(|(r, w)| (r.id.clone(), w.state.clone(), w.told)).collect(),
        }
    }

    pub fn restore(&mut self, saved: SavedStation, rules: &[Threshold]) {
        self.newest = saved.newest;
        self.quantities = saved.quantities;
        for (id, state, told) in saved.thresholds {
            if let Some(index) = rules.iter().position(|r| r.id == id) {
                self.thresholds[index] = Watched { state, told };
            }
        }
    }

    /// A main value of this quantity came.
    pub fn measures(&mut self, quantity: Quantity) {
        self.quantities |= 1 << quantity.code();
    }

    /// Whether a main value of this quantity ever came.
    pub fn has_measured(&self, quantity: Quantity) -> bool {
        self.quantities & (1 << quantity.code()) != 0
    }

    /// Judges a reading. What an old one (`fresh` is false) shows is kept but not
    /// told; if the level is still another than was told when a fresh reading
    /// comes, it is told then. The step, and whether to tell it.
    pub fn judge(
        &mut self,
        index: usize,
        rule: &Threshold,
        r: &Reading<'_>,
        fresh: bool,
    ) -> Option<(ThresholdStep, bool)> {
        let value = micro(r.measured.value.value);
        let Watched { state, told } = self.thresholds.get_mut(index)?;
        let step = state.reading(rule, r.at, r.device, value, r.measured.flag);
        if !fresh || *told == state.raised() {
            return step.map(|s| (s, false));
        }
        *told = state.raised();
        step.or_else(|| state.standing()).map(|s| (s, true))
    }
}

/// The mean of means in 10⁻⁶ units, rounded half to even; the order does not matter.
pub(super) fn mean(means: impl Iterator<Item = i64>) -> Option<i64> {
    let (sum, n) = means.fold((0i128, 0i128), |(sum, n), m| (sum + i128::from(m), n + 1));
    if n == 0 {
        return None;
    }
    let (whole, rest) = (sum.div_euclid(n), sum.rem_euclid(n));
    let up = match (2 * rest).cmp(&n) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => whole & 1,
        std::cmp::Ordering::Greater => 1,
    };
    i64::try_from(whole + up).ok()
}
