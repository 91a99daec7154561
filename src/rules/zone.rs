//! A zone's hour: the mean of its stations, and whether there were enough.

use super::hours::{MICRO, micro};
use crate::air::Hour;

/// The mean of one quantity over the stations of a zone in one hour, kept as an
/// exact sum so that the order of arrival does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ZoneHour {
    /// Which hour.
    pub hour: Hour,
    /// Sum of the means of the stations that have a valid hour, in 10⁻⁶ units.
    pub sum_micro: i64,
    /// How many stations have a valid hour.
    pub stations: u32,
    /// How many stations the zone has.
    pub expected: u32,
    /// Whether enough stations have one.
    pub valid: bool,
}

impl ZoneHour {
    /// The hour from the means of its valid stations, in 10⁻⁶ units. It is valid
    /// if at least one station, and at least `min_valid_share` (0..=1) of the
    /// `expected` ones, rounded up, has a mean.
    pub fn from_means(
        hour: Hour,
        means_micro: impl IntoIterator<Item = i64>,
        expected: u32,
        min_valid_share: f64,
    ) -> ZoneHour {
        let (sum_micro, stations) = means_micro
            .into_iter()
            .fold((0i64, 0u32), |(sum, n), m| (sum.saturating_add(m), n.saturating_add(1)));
        ZoneHour::from_sum(hour, sum_micro, stations, expected, min_valid_share)
    }

    /// The hour from the sum of the means of its valid stations.
    pub fn from_sum(
        hour: Hour,
        sum_micro: i64,
        stations: u32,
        expected: u32,
        min_valid_share: f64,
    ) -> ZoneHour {
        let valid = stations > 0 && stations >= needed(expected, min_valid_share);
        ZoneHour { hour, sum_micro, stations, expected, valid }
    }

    /// The same hour after the mean of one of its stations went from `old` to `new`.
    pub fn with_mean(
        &self,
        (old, new): (Option<i64>, Option<i64>),
        min_valid_share: f64,
    ) -> ZoneHour {
        let left = self.sum_micro.saturating_sub(old.unwrap_or(0));
        let sum = left.saturating_add(new.unwrap_or(0));
        let joined = self.stations.saturating_add(u32::from(new.is_some()));
        let stations = joined.saturating_sub(u32::from(old.is_some()));
        ZoneHour::from_sum(self.hour, sum, stations, self.expected, min_valid_share)
    }

    /// An hour without any station.
    pub fn missing(hour: Hour, expected: u32) -> ZoneHour {
        ZoneHour { hour, sum_micro: 0, stations: 0, expected, valid: false }
    }

    /// The zone mean in the quantity's unit; `None` if no station has one.
    pub fn mean(&self) -> Option<f64> {
        let parts = f64::from(self.stations) * MICRO as f64;
        (self.stations > 0).then(|| self.sum_micro as f64 / parts)
    }

    /// The zone mean in 10⁻⁶ units, to the nearest, halves away from zero; `None` if no
    /// station has one.
    pub fn mean_micro(&self) -> Option<i64> {
        let (sum, parts) = (self.sum_micro, i64::from(self.stations));
        let whole = sum.checked_div(parts)?;
        let rest = i128::from(sum % parts);
        let up = i64::from(rest.abs() * 2 >= i128::from(parts)) * rest.signum() as i64;
        whole.checked_add(up)
    }

    /// Whether the hour is valid and its mean is at least `bound`: exact to the
    /// 10⁻⁶ of the bound.
    pub fn reaches(&self, bound: f64) -> bool {
        self.valid && i128::from(self.sum_micro) >= self.total_of(bound)
    }

    /// Whether the hour is valid and its mean lies below `bound`: exact to the
    /// 10⁻⁶ of the bound.
    pub fn lies_below(&self, bound: f64) -> bool {
        self.valid && i128::from(self.sum_micro) < self.total_of(bound)
    }

    fn total_of(&self, bound: f64) -> i128 {
        i128::from(micro(bound)) * i128::from(self.stations)
    }
}

/// How many of the `expected` stations must be valid: `⌈share · expected⌉` in integers: 7 % of 100 is 7, not the 8 that the nearest
/// binary fraction gives.
pub(super) fn needed(expected: u32, share: f64) -> u32 {
    let parts = i128::from(micro(share.clamp(0.0, 1.0))) * i128::from(expected);
    let whole = (parts + i128::from(MICRO) - 1) / i128::from(MICRO);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

/// The mean of one station in an hour of its zone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StationMoved {
    /// The station's id.
    pub station: String,
    /// Its mean now, in 10⁻⁶ units; `None` if it is not valid.
    pub mean_micro: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn half_of_the_stations_rounded_up_must_be_valid() {
        for (expected, valid, enough) in [(25, 12, false), (25, 13, true), (12, 6, true)] {
            let hour = ZoneHour::from_means(Hour(0), vec![MICRO; valid], expected, 0.5);
            assert_eq!(hour.valid, enough, "{valid} of {expected}");
        }
        assert_eq!(needed(100, 0.07), 7);
        assert_eq!(needed(3, 0.34), 2);
    }

    #[test]
    fn a_zone_without_any_valid_station_is_not_valid_even_if_none_is_required() {
        let hour = ZoneHour::from_means(Hour(0), [], 0, 0.0);
        assert!(!hour.valid && hour.mean().is_none() && !hour.lies_below(35.0));
    }

    #[test]
    fn exactly_75_reaches_75_and_a_millionth_less_does_not() {
        let of = |micros: [i64; 3]| ZoneHour::from_means(Hour(0), micros, 3, 0.5);
        assert!(of([74_000_000, 75_000_000, 76_000_000]).reaches(75.0));
        assert!(!of([74_000_000, 75_000_000, 75_999_999]).reaches(75.0));
        assert!(of([74_000_000, 75_000_000, 75_999_999]).lies_below(75.0));
    }

    proptest! {
        #[test]
        fn the_order_of_stations_does_not_matter(
            mut means in proptest::collection::vec(-1_000_000i64..2_000_000_000, 0..40),
            share in 0.0f64..=1.0,
        ) {
            let one = ZoneHour::from_means(Hour(7), means.clone(), 30, share);
            means.reverse();
            prop_assert_eq!(one, ZoneHour::from_means(Hour(7), means, 30, share));
        }
    }
}
