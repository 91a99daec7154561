//! Korea: the comprehensive air-quality index (통합대기환경지수, CAI).
//!
//! AirKorea does not map a 24-hour mean. Its concentration of particles is the
//! **24-hour predictive moving average**: half the mean of the past 12 hours,
//! half that of the latest 4, in which an hour that is high, yet in keeping with
//! the 12, counts three quarters. A constant 80 µg/m³ of PM2.5 so becomes 70.
//! The index has a band of 101 to 250, and the whole index rises by 50 or 75
//! when two, or three and more, pollutants are unhealthy.
//!
//! Only the scales of particles are built in. The index of a gas, computed
//! elsewhere from its hourly mean, is given to [`composite`] as a [`SubIndex`].

use super::scale::{Rounding, piece};
use super::{Averaging, Basis, Scale, SubIndex, Sure, Text, mean, missing, settled, top, usable};
use crate::air::Quantity;

const ROWS: &str = "AirKorea, description of the CAI (khaiInfo), as transcribed by others; \
                    the end at 600 µg/m³ of PM10 from memory";

/// PM2.5, from the predictive moving average, whole µg/m³.
pub const PM2_5: Scale = Scale {
    quantity: Quantity::Pm2_5,
    averaging: Averaging::MovingDay,
    steps_per_unit: 1,
    segments: &[
        piece(0, 15, 0, 50),
        piece(16, 35, 51, 100),
        piece(36, 75, 101, 250),
        piece(76, 500, 251, 500),
    ],
    basis: Basis { text: ROWS, sure: Sure::WidelyReported },
};

/// PM10, from the predictive moving average, whole µg/m³.
pub const PM10: Scale = Scale {
    quantity: Quantity::Pm10,
    averaging: Averaging::MovingDay,
    steps_per_unit: 1,
    segments: &[
        piece(0, 30, 0, 50),
        piece(31, 80, 51, 100),
        piece(81, 150, 101, 250),
        piece(151, 600, 251, 500),
    ],
    basis: Basis { text: ROWS, sure: Sure::FromMemory },
};

/// Where the predictive moving average comes from.
pub const AVERAGE_BASIS: Basis = Basis {
    text: "AirKorea CAI calculator, https://www.airkorea.or.kr/web/caiCalculator?pMENU_NO=147",
    sure: Sure::ReadInSource,
};
/// Where the least numbers of hours, the rounding and the end at 500 come from.
pub const PRACTICE_BASIS: Basis =
    Basis { text: "AirKorea's practice, nothing read", sure: Sure::FromMemory };
/// Hours needed of the past 12 ([`PRACTICE_BASIS`]).
pub const MIN_OF_12: usize = 9;
/// Hours needed of the latest 4 ([`PRACTICE_BASIS`]).
pub const MIN_OF_4: usize = 3;
/// From this concentration of PM2.5 on an hour may be adjusted, µg/m³.
pub const ADJUSTED_FROM_PM2_5: f64 = 30.0;
/// From this concentration of PM10 on an hour may be adjusted, µg/m³.
pub const ADJUSTED_FROM_PM10: f64 = 70.0;
/// An hour is adjusted only if its share of the 12-hour mean lies within these, both included.
pub const ADJUSTED_SHARE: (f64, f64) = (0.9, 1.7);
/// What an adjusted hour counts.
pub const ADJUSTED_FACTOR: f64 = 0.75;

/// Where the composite's rules come from: the addition was read at the city of
/// Incheon, the needed set at AirKorea.
pub const COMPOSITE_BASIS: Basis = Basis {
    text: "AirKorea CAI calculator; City of Incheon, https://air.incheon.go.kr (CAI)",
    sure: Sure::ReadInSource,
};
/// The pollutants without which there is no CAI.
pub const NEEDED: [Quantity; 4] = [Quantity::Pm2_5, Quantity::Pm10, Quantity::O3, Quantity::No2];
/// Added when exactly two pollutants are unhealthy or worse.
pub const ADDED_FOR_TWO: u16 = 50;
/// Added when three or more pollutants are unhealthy or worse.
pub const ADDED_FOR_THREE: u16 = 75;
/// The index never exceeds this ([`PRACTICE_BASIS`]).
pub const MAX: u16 = 500;

/// The four bands, from clean to dirty; also the grades of Korea's forecasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// 좋음, 0 to 50.
    Good,
    /// 보통, 51 to 100.
    Moderate,
    /// 나쁨, 101 to 250.
    Unhealthy,
    /// 매우나쁨, 251 to 500.
    VeryUnhealthy,
}

impl Band {
    /// Every band, cleanest first.
    pub const ALL: [Band; 4] = [Band::Good, Band::Moderate, Band::Unhealthy, Band::VeryUnhealthy];

    /// The band of an index.
    pub fn of(index: u16) -> Band {
        match index {
            0..=50 => Band::Good,
            51..=100 => Band::Moderate,
            101..=250 => Band::Unhealthy,
            _ => Band::VeryUnhealthy,
        }
    }

    /// What people call it; the Korean is official.
    pub fn name(self) -> Text {
        match self {
            Band::Good => Text { ko: "좋음", zh: "良好", en: "Good" },
            Band::Moderate => Text { ko: "보통", zh: "普通", en: "Moderate" },
            Band::Unhealthy => Text { ko: "나쁨", zh: "差", en: "Unhealthy" },
            Band::VeryUnhealthy => Text { ko: "매우나쁨", zh: "很差", en: "Very unhealthy" },
        }
    }
}

/// A computed CAI.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Cai {
    /// The index, 0 to 500.
    pub value: u16,
    /// Its band.
    pub band: Band,
    /// The pollutants with the highest sub-index.
    pub primary: Vec<Quantity>,
    /// What was added because several pollutants are unhealthy: 0, 50 or 75.
    pub added: u16,
}

/// Why there is no CAI: these pollutants of [`NEEDED`] have no sub-index.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("no CAI without {}", .missing.iter().map(|q| q.name()).collect::<Vec<_>>().join(", "))]
pub struct Incomplete {
    /// The missing pollutants.
    pub missing: Vec<Quantity>,
}

/// The scale of a quantity, if one is built in.
pub fn scale(quantity: Quantity) -> Option<&'static Scale> {
    match quantity {
        Quantity::Pm2_5 => Some(&PM2_5),
        Quantity::Pm10 => Some(&PM10),
        _ => None,
    }
}

/// The 24-hour predictive moving average (C24E) of PM2.5 or PM10 in µg/m³, from
/// the hourly means of the past 12 hours, newest first ([`AVERAGE_BASIS`]):
/// `(12 · C12 + 12 · C4) / 24`, C4 being the mean of the latest 4 adjusted hours.
///
/// `None` with fewer than [`MIN_OF_12`] or [`MIN_OF_4`] usable hours, and for
/// other quantities. The adjustment makes the average jump down by up to a
/// quarter of an hour's weight where an hour reaches the limit: so it is defined.
pub fn predictive_mean(quantity: Quantity, newest_first: &[Option<f64>; 12]) -> Option<f64> {
    let from = match quantity {
        Quantity::Pm2_5 => ADJUSTED_FROM_PM2_5,
        Quantity::Pm10 => ADJUSTED_FROM_PM10,
        _ => return None,
    };
    let c12 = mean(newest_first, MIN_OF_12)?;
    let mut latest = [None; 4];
    for (adjusted, hour) in latest.iter_mut().zip(newest_first) {
        *adjusted = hour.and_then(usable).map(|c| adjust(c, c12, from));
    }
    let c4 = mean(&latest, MIN_OF_4)?;
    usable((c12 * 12.0 + c4 * 12.0) / 24.0)
}

fn adjust(hour: f64, c12: f64, from: f64) -> f64 {
    // With a mean of 0 the share is no number; no hour then reaches the limit.
    let (low, high) = ADJUSTED_SHARE;
    let share = settled(hour / c12);
    if hour >= from && share >= low && share <= high { ADJUSTED_FACTOR * hour } else { hour }
}

/// The sub-index of a predictive moving average of PM2.5 or PM10 in µg/m³. The
/// concentration is first rounded to a whole number, halves up, and so is the
/// index ([`PRACTICE_BASIS`]; AirKorea shows whole numbers of both). `None` for
/// other quantities and for what is not a concentration.
pub fn sub_index(quantity: Quantity, mean: f64) -> Option<SubIndex> {
    let whole = (usable(mean)? + 0.5).floor();
    scale(quantity)?.sub_index(whole as u32, Rounding::Nearest)
}

/// The CAI from sub-indices ([`COMPOSITE_BASIS`]): the highest, plus 50 if two
/// pollutants are unhealthy or worse, plus 75 if three or more are; 500 at most.
///
/// # Errors
/// [`Incomplete`] if one of [`NEEDED`] is missing, even if others are very high:
/// AirKorea then shows no CAI. The sub-indices still say what they say.
pub fn composite(parts: &[SubIndex]) -> Result<Cai, Incomplete> {
    let missing = missing(&NEEDED, parts);
    let Some((highest, primary)) = top(parts).filter(|_| missing.is_empty()) else {
        return Err(Incomplete { missing });
    };
    let mut unhealthy: Vec<Quantity> =
        parts.iter().filter(|p| Band::of(p.value) >= Band::Unhealthy).map(|p| p.quantity).collect();
    unhealthy.sort_unstable();
    unhealthy.dedup();
    let added = match unhealthy.len() {
        0 | 1 => 0,
        2 => ADDED_FOR_TWO,
        _ => ADDED_FOR_THREE,
    };
    let value = highest.saturating_add(added).min(MAX);
    Ok(Cai { value, band: Band::of(value), primary, added })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn constant(c: f64) -> [Option<f64>; 12] {
        [Some(c); 12]
    }

    fn part(quantity: Quantity, value: u16) -> SubIndex {
        SubIndex { quantity, value, exact: f64::from(value), beyond: false }
    }

    /// PM2.5, PM10, O3 and NO2 with these sub-indices.
    fn set(values: [u16; 4]) -> Vec<SubIndex> {
        NEEDED.into_iter().zip(values).map(|(q, v)| part(q, v)).collect()
    }

    #[test]
    fn the_nodes_of_pm2_5_give_their_index() {
        for (c, exact) in
            [(15.0, 50.0), (16.0, 51.0), (35.0, 100.0), (36.0, 101.0), (75.0, 250.0), (76.0, 251.0)]
        {
            assert_eq!(sub_index(Quantity::Pm2_5, c).unwrap().exact, exact, "{c}");
        }
        let between = sub_index(Quantity::Pm2_5, 50.0).unwrap();
        assert_eq!((between.value, (between.exact * 10.0).round() / 10.0), (154, 154.5));
    }

    #[test]
    fn the_nodes_of_pm10_give_their_index() {
        let nodes = [(0.0, 0), (30.0, 50), (31.0, 51), (80.0, 100), (81.0, 101), (150.0, 250)];
        for (c, value) in nodes.into_iter().chain([(151.0, 251), (600.0, 500), (601.0, 500)]) {
            assert_eq!(sub_index(Quantity::Pm10, c).unwrap().value, value, "{c}");
        }
    }

    #[test]
    fn a_constant_80_is_70_and_a_constant_20_is_20() {
        assert_eq!(predictive_mean(Quantity::Pm2_5, &constant(80.0)), Some(70.0));
        assert_eq!(predictive_mean(Quantity::Pm2_5, &constant(20.0)), Some(20.0));
    }

    #[test]
    fn an_hour_is_adjusted_from_30_of_pm2_5_and_70_of_pm10_on() {
        assert_eq!(predictive_mean(Quantity::Pm2_5, &constant(29.9)), Some(29.9));
        assert_eq!(predictive_mean(Quantity::Pm2_5, &constant(30.0)), Some(26.25));
        assert_eq!(predictive_mean(Quantity::Pm10, &constant(69.9)), Some(69.9));
        assert_eq!(predictive_mean(Quantity::Pm10, &constant(70.0)), Some(61.25));
    }

    #[test]
    fn an_hour_out_of_keeping_with_the_twelve_counts_fully() {
        assert_eq!(adjust(89.0, 100.0, 30.0), 89.0);
        assert_eq!(adjust(90.0, 100.0, 30.0), 67.5);
        assert_eq!(adjust(170.0, 100.0, 30.0), 127.5);
        assert_eq!(adjust(171.0, 100.0, 30.0), 171.0);
    }

    #[test]
    fn too_few_hours_give_no_average() {
        let mut hours = constant(20.0);
        hours[9..].fill(None);
        assert_eq!(predictive_mean(Quantity::Pm2_5, &hours), Some(20.0));
        hours[0] = Some(f64::NAN);
        assert_eq!(predictive_mean(Quantity::Pm2_5, &hours), None, "8 of 12");
        let mut hours = constant(20.0);
        hours[0] = None;
        assert!(predictive_mean(Quantity::Pm2_5, &hours).is_some(), "3 of 4");
        hours[1] = Some(-3.0);
        assert_eq!(predictive_mean(Quantity::Pm2_5, &hours), None, "2 of 4");
    }

    #[test]
    fn the_composite_rises_by_50_for_two_and_75_for_three_unhealthy_pollutants() {
        let of = |values| composite(&set(values)).map(|c| (c.value, c.added, c.band)).unwrap();
        assert_eq!(of([120, 100, 40, 30]), (120, 0, Band::Unhealthy));
        assert_eq!(of([210, 101, 40, 30]), (260, 50, Band::VeryUnhealthy));
        assert_eq!(of([120, 101, 101, 30]), (195, 75, Band::Unhealthy));
        assert_eq!(of([120, 101, 101, 101]), (195, 75, Band::Unhealthy));
        assert_eq!(of([500, 300, 40, 30]), (500, 50, Band::VeryUnhealthy));
    }

    #[test]
    fn one_pollutant_named_twice_is_unhealthy_once() {
        let mut parts = set([120, 40, 40, 30]);
        parts.push(part(Quantity::Pm2_5, 130));
        let cai = composite(&parts).unwrap();
        assert_eq!((cai.value, cai.added, cai.primary), (130, 0, vec![Quantity::Pm2_5]));
    }

    #[test]
    fn without_one_of_the_four_there_is_no_cai() {
        let error = composite(&set([400, 300, 40, 30])[..2]).unwrap_err();
        assert_eq!(error.missing, [Quantity::O3, Quantity::No2]);
        assert_eq!(error.to_string(), "no CAI without o3, no2");
        assert_eq!(composite(&[]).unwrap_err().missing, NEEDED);
    }

    #[test]
    fn what_is_no_concentration_has_no_index() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
            assert_eq!(sub_index(Quantity::Pm2_5, bad), None, "{bad}");
        }
        assert_eq!(sub_index(Quantity::O3, 0.05), None);
        assert_eq!(sub_index(Quantity::Pm2_5, f64::MAX).map(|s| s.value), Some(500));
    }

    proptest! {
        #[test]
        fn more_dust_never_lowers_the_sub_index(a in 0.0..800.0f64, more in 0.0..200.0f64) {
            for quantity in [Quantity::Pm2_5, Quantity::Pm10] {
                let (low, high) = (sub_index(quantity, a).unwrap(), sub_index(quantity, a + more).unwrap());
                prop_assert!(low.value <= high.value && low.exact <= high.exact);
                prop_assert!(high.value <= MAX);
            }
        }

        #[test]
        fn the_average_stays_between_three_quarters_of_the_least_and_the_most(
            hours in prop::array::uniform12(0.0..1_000.0f64),
        ) {
            let least = hours.iter().copied().fold(f64::MAX, f64::min);
            let most = hours.iter().copied().fold(0.0, f64::max);
            let c = predictive_mean(Quantity::Pm2_5, &hours.map(Some)).unwrap();
            prop_assert!(c >= 0.75 * least - 1e-5 && c <= most + 1e-5);
        }

        #[test]
        fn no_hours_whatever_make_it_panic(hours in prop::array::uniform12(prop::option::of(any::<f64>()))) {
            if let Some(c) = predictive_mean(Quantity::Pm10, &hours) {
                prop_assert!(c >= 0.0);
            }
        }
    }
}
