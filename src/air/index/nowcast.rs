//! United States: the NowCast, which turns the latest 12 hours of particles
//! into one concentration for the hourly index.
//!
//! Each hour counts `w` times what the hour after it counts. The weight `w` is
//! the ratio of the lowest to the highest hour, at least one half: in steady air
//! it is a 12-hour mean, when the air changes fast the latest hours rule.

use super::aqi_us::truncated;
use super::{Basis, Sure, usable};
use crate::air::Quantity;

/// Where the steps come from.
pub const BASIS: Basis = Basis {
    text: "US EPA NowCast for particles, as described in the vignette NowCast of PWFSLSmoke",
    sure: Sure::ReadInSource,
};
/// The weight is at least this (particles only; ozone has another NowCast).
pub const MIN_WEIGHT: f64 = 0.5;
/// So many of the latest hours are looked at for the least number,
pub const LATEST: usize = 3;
/// and so many of them must be there.
pub const MIN_OF_LATEST: usize = 2;

/// The NowCast of PM2.5 (cut to tenths) or PM10 (cut to whole numbers) in µg/m³
/// from the hourly means of the past 12 hours, newest first ([`BASIS`]).
///
/// A missing hour falls out of both sums, and the hours before it keep the
/// exponent of their place. With all hours at 0 the weight, undefined by the
/// text, is 1. `None` with fewer than 2 of the latest 3 hours (so the latest
/// itself may be missing) and for other quantities.
///
/// Others differ: MazamaRollUtils rounds where EPA cuts; PWFSLSmoke gives no
/// value without the latest hour; "pmAsian" (3 hours, weight from 0.1) is not EPA's.
pub fn nowcast(quantity: Quantity, newest_first: &[Option<f64>; 12]) -> Option<f64> {
    let hours = newest_first.map(|h| h.and_then(usable));
    if hours.iter().take(LATEST).flatten().count() < MIN_OF_LATEST {
        return None;
    }
    let least = hours.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let most = hours.iter().flatten().copied().fold(0.0, f64::max);
    let weight = if most > 0.0 { (least / most).max(MIN_WEIGHT) } else { 1.0 };
    let (mut sum, mut weights, mut power) = (0.0, 0.0, 1.0);
    for hour in hours {
        if let Some(c) = hour {
            sum += power * c;
            weights += power;
        }
        power *= weight;
    }
    truncated(quantity, sum / weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Omak, Washington, 2015-08-21, hour 11, newest first.
    const OMAK: [f64; 12] =
        [46.3, 27.4, 59.8, 129.2, 130.6, 215.4, 143.2, 93.7, 101.8, 49.3, 80.2, 123.3];

    fn pm2_5(hours: &[Option<f64>; 12]) -> Option<f64> {
        nowcast(Quantity::Pm2_5, hours)
    }

    #[test]
    fn the_hours_of_omak_give_54_8() {
        assert_eq!(pm2_5(&OMAK.map(Some)), Some(54.8));
    }

    #[test]
    fn steady_air_is_its_own_nowcast_and_clean_air_is_0() {
        assert_eq!(pm2_5(&[Some(12.3); 12]), Some(12.3));
        assert_eq!(pm2_5(&[Some(0.0); 12]), Some(0.0));
    }

    #[test]
    fn a_gap_keeps_the_exponent_of_the_hours_before_it() {
        let mut hours = [None; 12];
        (hours[0], hours[2]) = (Some(10.0), Some(40.0));
        // Weight one half: (10 + 40/4) / (1 + 1/4) = 16, not (10 + 40/2) / 1.5 = 20.
        assert_eq!(pm2_5(&hours), Some(16.0));
    }

    #[test]
    fn two_of_the_latest_three_hours_are_needed_whichever() {
        for gap in 0..3 {
            let mut hours = [Some(20.0); 12];
            hours[gap] = None;
            assert_eq!(pm2_5(&hours), Some(20.0), "without hour {gap}");
            hours[(gap + 1) % 3] = Some(f64::NAN);
            assert_eq!(pm2_5(&hours), None);
        }
    }

    #[test]
    fn the_result_is_cut_not_rounded() {
        assert_eq!(pm2_5(&[Some(12.39); 12]), Some(12.3));
        assert_eq!(nowcast(Quantity::Pm10, &[Some(54.9); 12]), Some(54.0));
    }

    #[test]
    fn only_particles_have_this_nowcast() {
        assert_eq!(nowcast(Quantity::O3, &[Some(0.05); 12]), None);
    }

    proptest! {
        #[test]
        fn it_lies_between_the_lowest_and_the_highest_hour(
            hours in prop::array::uniform12(0.0..900.0f64),
        ) {
            let least = hours.iter().copied().fold(f64::MAX, f64::min);
            let most = hours.iter().copied().fold(0.0, f64::max);
            let now = pm2_5(&hours.map(Some)).unwrap();
            prop_assert!(now >= least - 0.1001 && now <= most + 1e-5);
        }

        #[test]
        fn no_hours_whatever_make_it_panic(
            hours in prop::array::uniform12(prop::option::of(any::<f64>())),
        ) {
            if let Some(now) = pm2_5(&hours) {
                prop_assert!(now.is_finite() && now >= 0.0);
            }
        }
    }
}
