//! Means of stations in an hour.

use super::{Judge, devices};
use crate::air::{Hour, Quantity};

impl Judge {
    /// The mean of a station's hour in 10⁻⁶ units, over its devices whose hour is
    /// valid; `closed` tells the mean of a device whose hour is not open here.
    pub fn station_mean(
        &self,
        device: u32,
        quantity: Quantity,
        hour: Hour,
        closed: impl Fn(u32) -> Option<i64>,
    ) -> Option<i64> {
        let place = self.device(device)?.station;
        self.mean_of(place, quantity, hour, closed)
    }

    pub(super) fn mean_of(
        &self,
        station: u32,
        quantity: Quantity,
        hour: Hour,
        closed: impl Fn(u32) -> Option<i64>,
    ) -> Option<i64> {
        let station = self.stations.get(station as usize)?;
        let open = |n: u32| self.device(n)?.mean(hour, quantity, self.plan.min_coverage);
        devices::mean(station.devices.iter().filter_map(|n| open(*n).or_else(|| closed(*n))))
    }
}
