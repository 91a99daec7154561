//! World Health Organization: the guidelines of 2021 with their interim targets.
//!
//! A guideline is no alarm: it says what a year, or a day that only three or
//! four days of a year exceed, should not be above.

use super::{Averaging, Basis, Sure, usable};
use crate::air::Quantity;

/// Where the levels come from.
pub const BASIS: Basis = Basis {
    text: "WHO global air quality guidelines 2021, as listed at \
           https://www.airclim.org/who-air-quality-guidelines",
    sure: Sure::ReadInSource,
};

/// How far a concentration has come on the way to clean air, from far to near.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Above even the first interim target.
    AboveAll,
    /// Meets interim target 1.
    InterimTarget1,
    /// Meets interim target 2.
    InterimTarget2,
    /// Meets interim target 3.
    InterimTarget3,
    /// Meets interim target 4.
    InterimTarget4,
    /// Meets the guideline.
    Guideline,
}

impl Level {
    /// Every level that has a concentration, strictest last.
    pub const TARGETS: [Level; 5] = [
        Level::InterimTarget1,
        Level::InterimTarget2,
        Level::InterimTarget3,
        Level::InterimTarget4,
        Level::Guideline,
    ];
}

/// The levels of a quantity in µg/m³, in the order of [`Level::TARGETS`], for
/// the day or the year; `None` for other averages and quantities ([`BASIS`]).
pub fn targets(quantity: Quantity, averaging: Averaging) -> Option<[f64; 5]> {
    match (quantity, averaging) {
        (Quantity::Pm2_5, Averaging::Year) => Some([35.0, 25.0, 15.0, 10.0, 5.0]),
        (Quantity::Pm2_5, Averaging::Day) => Some([75.0, 50.0, 37.5, 25.0, 15.0]),
        (Quantity::Pm10, Averaging::Year) => Some([70.0, 50.0, 30.0, 20.0, 15.0]),
        (Quantity::Pm10, Averaging::Day) => Some([150.0, 100.0, 75.0, 50.0, 45.0]),
        _ => None,
    }
}

/// The concentration of one level in µg/m³.
pub fn limit(quantity: Quantity, averaging: Averaging, level: Level) -> Option<f64> {
    let place = Level::TARGETS.iter().position(|l| *l == level)?;
    targets(quantity, averaging)?.get(place).copied()
}

/// The strictest level that a mean meets (equal to the level meets it). `None`
/// for what is no concentration and where there are no levels.
pub fn reached(quantity: Quantity, averaging: Averaging, mean: f64) -> Option<Level> {
    let mean = usable(mean)?;
    let met = targets(quantity, averaging)?.into_iter().zip(Level::TARGETS);
    Some(met.rev().find(|(limit, _)| mean <= *limit).map_or(Level::AboveAll, |(_, level)| level))
}

/// How many days of a period were above a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Exceedances {
    /// Days with a daily mean above the level.
    pub above: u32,
    /// Days with a daily mean.
    pub valid: u32,
    /// Days without.
    pub missing: u32,
}

impl Exceedances {
    /// Counts the days above a level in µg/m³ among daily means.
    pub fn count(days: impl IntoIterator<Item = Option<f64>>, level: f64) -> Exceedances {
        let mut counted = Exceedances::default();
        for day in days {
            match day.and_then(usable) {
                Some(mean) => {
                    counted.valid += 1;
                    counted.above += u32::from(mean > level);
                }
                None => counted.missing += 1,
            }
        }
        counted
    }

    /// Whether the 99th percentile of the daily means meets the level: no more
    /// than one valid day in a hundred is above, so 3 of 365. WHO speaks of "3-4
    /// exceedance days a year"; the fourth counts as too many here. `None`
    /// without a valid day. Whether enough days are valid is for the caller.
    pub fn within_percentile(self) -> Option<bool> {
        (self.valid > 0).then(|| u64::from(self.above) * 100 <= u64::from(self.valid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mean_equal_to_a_level_meets_it() {
        let day = |c| reached(Quantity::Pm2_5, Averaging::Day, c);
        assert_eq!(day(15.0), Some(Level::Guideline));
        assert_eq!(day(15.000_000_000_001), Some(Level::Guideline), "noise is no air");
        assert_eq!(day(15.1), Some(Level::InterimTarget4));
        assert_eq!(day(37.5), Some(Level::InterimTarget3));
        assert_eq!(day(75.0), Some(Level::InterimTarget1));
        assert_eq!(day(75.1), Some(Level::AboveAll));
        assert_eq!(reached(Quantity::Pm10, Averaging::Year, 15.0), Some(Level::Guideline));
    }

    #[test]
    fn every_level_is_met_at_its_own_concentration() {
        for quantity in [Quantity::Pm2_5, Quantity::Pm10] {
            for averaging in [Averaging::Day, Averaging::Year] {
                for level in Level::TARGETS {
                    let c = limit(quantity, averaging, level).unwrap();
                    assert_eq!(reached(quantity, averaging, c), Some(level));
                }
            }
        }
    }

    #[test]
    fn there_is_no_level_for_an_hour_a_gas_or_no_number() {
        assert_eq!(reached(Quantity::Pm2_5, Averaging::Hour, 5.0), None);
        assert_eq!(reached(Quantity::O3, Averaging::Day, 0.05), None);
        assert_eq!(limit(Quantity::Pm2_5, Averaging::Day, Level::AboveAll), None);
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(reached(Quantity::Pm2_5, Averaging::Day, bad), None);
        }
    }

    #[test]
    fn missing_days_are_counted_apart() {
        let days = [Some(15.0), Some(15.1), None, Some(f64::NAN), Some(80.0)];
        let counted = Exceedances::count(days, 15.0);
        assert_eq!(counted, Exceedances { above: 2, valid: 3, missing: 2 });
    }

    #[test]
    fn three_days_of_a_year_may_be_above() {
        let year = |above| Exceedances { above, valid: 365, missing: 0 }.within_percentile();
        assert_eq!((year(3), year(4)), (Some(true), Some(false)));
        assert_eq!(Exceedances::default().within_percentile(), None);
    }

    proptest! {
        #[test]
        fn more_dust_never_reaches_a_stricter_level(a in 0.0..200.0f64, more in 0.0..100.0f64) {
            let at = |c| reached(Quantity::Pm10, Averaging::Day, c).unwrap();
            prop_assert!(at(a + more) <= at(a));
        }
    }
}
