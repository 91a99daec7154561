//! The readings to be judged, in memory: 24 bytes each.

use crate::air::{Hour, Quantity, Stamp};
use std::collections::{BTreeSet, HashMap};

/// Faults that are kept in words; all are counted.
const FAULTS_SHOWN: usize = 10;

/// One value of one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub at: Stamp,
    pub device: u32,
    pub quantity: Quantity,
    pub value: f64,
}

/// Names by number, and numbers by name.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Numbered {
    /// The number of a name, which gets the next one if it is new.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(String::as_str)
    }
}

/// What became of the rows that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Rows of data.
    pub rows: u64,
    /// Values in them, with duplicates and revisions.
    pub values: u64,
    /// Values that were there already.
    pub duplicates: u64,
    /// Values that took the place of another one for the same time.
    pub revisions: u64,
    /// Rows and values that could not be understood.
    pub faults: u64,
    /// The first of them in words, each with its file and line.
    pub shown: Vec<String>,
}

/// The readings to be judged.
#[derive(Debug, Default)]
pub struct Data {
    devices: Numbered,
    zones: Numbered,
    /// Zones and devices from a column; the zone that a device was last seen in.
    members: BTreeSet<(u32, u32)>,
    last_zone: Vec<Option<u32>>,
    samples: Vec<Sample>,
    settled: bool,
    counted: Counted,
}

impl Data {
    /// Nothing yet.
    pub fn new() -> Data {
        Data::default()
    }

    /// What became of the rows that were read.
    pub fn counted(&self) -> &Counted {
        &self.counted
    }

    /// Whether there is nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Whether any row named a zone.
    pub fn has_zones(&self) -> bool {
        !self.members.is_empty()
    }

    /// Every value in the order in which it was read: its time, device, quantity
    /// and number.
    pub fn values(&self) -> impl Iterator<Item = (Stamp, &str, Quantity, f64)> {
        let name = |s: &Sample| self.devices.name(s.device).unwrap_or_default();
        self.samples.iter().map(move |s| (s.at, name(s), s.quantity, s.value))
    }

    /// Forgets the values read so far; what they are counted as stays.
    pub fn forget_values(&mut self) {
        self.samples.clear();
    }

    /// The devices, by number from 0.
    pub(super) fn devices(&self) -> &[String] {
        self.devices.names()
    }

    /// The zones named in rows, each with one of its devices.
    pub(super) fn zones(&self) -> impl Iterator<Item = (&str, &str)> {
        let pair = |(zone, device): &(u32, u32)| {
            Some((self.zones.name(*zone)?, self.devices.name(*device)?))
        };
        self.members.iter().filter_map(pair)
    }

    /// The number of a device.
    pub(super) fn device(&mut self, name: &str) -> u32 {
        let number = self.devices.number(name);
        if self.last_zone.len() <= number as usize {
            self.last_zone.resize(number as usize + 1, None);
        }
        number
    }

    /// A device was seen in a zone.
    pub(super) fn in_zone(&mut self, device: u32, zone: &str) {
        let Some(last) = self.last_zone.get_mut(device as usize) else { return };
        if last.and_then(|z| self.zones.name(z)) == Some(zone) {
            return;
        }
        let zone = self.zones.number(zone);
        *last = Some(zone);
        self.members.insert((zone, device));
    }

    pub(super) fn row(&mut self) {
        self.counted.rows += 1;
    }

    pub(super) fn push(&mut self, at: Stamp, device: u32, quantity: Quantity, value: f64) {
        self.counted.values += 1;
        self.settled = false;
        self.samples.push(Sample { at, device, quantity, value });
    }

    pub(super) fn fault(&mut self, place: impl FnOnce() -> String) {
        self.counted.faults += 1;
        if self.counted.shown.len() < FAULTS_SHOWN {
            self.counted.shown.push(place());
        }
    }

    /// Everything; in the order of time once settled.
    pub(super) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Puts everything in the order of time, with one value for each series and
    /// instant: the last one read.
    pub(super) fn settle(&mut self) {
        if self.settled {
            return;
        }
        // Stable, so that of equals the last one read comes last.
        self.samples.sort_by_key(|s| (s.at, s.device, s.quantity));
        let counted = &mut self.counted;
        self.samples.dedup_by(|later, earlier| {
            let same = (later.at, later.device, later.quantity)
                == (earlier.at, earlier.device, earlier.quantity);
            if same && later.value.to_bits() == earlier.value.to_bits() {
                counted.duplicates += 1;
            } else if same {
                counted.revisions += 1;
                earlier.value = later.value;
            }
            same
        });
        self.settled = true;
    }

    /// The first hour of each device; what never reported has none.
    pub(super) fn first_hours(&self) -> Vec<Option<Hour>> {
        let mut first: Vec<Option<Hour>> = vec![None; self.devices.names().len()];
        for sample in &self.samples {
            if let Some(hour) = first.get_mut(sample.device as usize) {
                let now = sample.at.hour();
                *hour = Some(hour.map_or(now, |h| h.min(now)));
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_values_for_one_time_the_last_counts() {
        let mut data = Data::new();
        let device = data.device("a");
        for value in [1.0, 1.0, 2.0, 3.0, 3.0] {
            data.push(Stamp(5), device, Quantity::Pm10, value);
        }
        data.push(Stamp(4), device, Quantity::Pm10, 9.0);
        data.push(Stamp(5), device, Quantity::Pm2_5, 8.0);
        data.settle();
        let left: Vec<f64> = data.samples().iter().map(|s| s.value).collect();
        assert_eq!(left, [9.0, 8.0, 3.0]);
        let counted = data.counted();
        assert_eq!((counted.values, counted.duplicates, counted.revisions), (7, 2, 2));
    }

    #[test]
    fn a_sample_stays_small() {
        assert!(std::mem::size_of::<Sample>() <= 24);
    }
}
