//! United States: the Air Quality Index (AQI) for particles.
//!
//! The concentration is **cut**, PM2.5 to tenths and PM10 to whole numbers, and
//! the index rounded to the nearest whole number. The hourly index takes the
//! [`super::nowcast`], the daily one the mean of midnight to midnight. The table
//! of 2024 moved 12.0 to 9.0 and the upper end from 150.4 to 125.4 and from
//! 250.4 to 225.4, and joined the two highest pieces.

use super::scale::{Rounding, piece};
use super::{Averaging, Basis, Scale, Segment, SubIndex, Sure, Text, settled, top, usable};
use crate::air::Quantity;
use jiff::civil::{Date, date};

/// The first day of the tables of 2012's rule (78 FR 3086).
pub const DAY_2013: Date = date(2013, 3, 18);
/// The first day of the present tables (89 FR 16202).
pub const DAY_2024: Date = date(2024, 5, 6);

const RULE_2024: Basis = Basis {
    text: "US EPA, rule effective 2024-05-06, EPA-454/B-24-002; tables as transcribed by others",
    sure: Sure::WidelyReported,
};
const RULE_2013: Basis = Basis {
    text: "US EPA, 78 FR 3086, effective 2013-03-18; tables as transcribed by others",
    sure: Sure::WidelyReported,
};

const fn scale_of(
    quantity: Quantity,
    steps_per_unit: u32,
    segments: &'static [Segment],
    basis: Basis,
) -> Scale {
    Scale { quantity, averaging: Averaging::Day, steps_per_unit, segments, basis }
}

/// PM2.5 since 2024, tenths of µg/m³.
pub const PM2_5_2024: Scale = scale_of(
    Quantity::Pm2_5,
    10,
    &[
        piece(0, 90, 0, 50),
        piece(91, 354, 51, 100),
        piece(355, 554, 101, 150),
        piece(555, 1254, 151, 200),
        piece(1255, 2254, 201, 300),
        piece(2255, 3254, 301, 500),
    ],
    RULE_2024,
);

/// PM10 since 2024, whole µg/m³.
pub const PM10_2024: Scale = scale_of(
    Quantity::Pm10,
    1,
    &[
        piece(0, 54, 0, 50),
        piece(55, 154, 51, 100),
        piece(155, 254, 101, 150),
        piece(255, 354, 151, 200),
        piece(355, 424, 201, 300),
        piece(425, 604, 301, 500),
    ],
    RULE_2024,
);

/// PM2.5 from 2013 to 2024, tenths of µg/m³.
pub const PM2_5_2013: Scale = scale_of(
    Quantity::Pm2_5,
    10,
    &[
        piece(0, 120, 0, 50),
        piece(121, 354, 51, 100),
        piece(355, 554, 101, 150),
        piece(555, 1504, 151, 200),
        piece(1505, 2504, 201, 300),
        piece(2505, 3504, 301, 400),
        piece(3505, 5004, 401, 500),
    ],
    RULE_2013,
);

/// PM10 from 2013 to 2024, whole µg/m³.
pub const PM10_2013: Scale = scale_of(
    Quantity::Pm10,
    1,
    &[
        piece(0, 54, 0, 50),
        piece(55, 154, 51, 100),
        piece(155, 254, 101, 150),
        piece(255, 354, 151, 200),
        piece(355, 424, 201, 300),
        piece(425, 504, 301, 400),
        piece(505, 604, 401, 500),
    ],
    RULE_2013,
);

/// The edition of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Edition {
    /// From 2013-03-18 to 2024-05-05.
    #[serde(rename = "2013")]
    Rule2013,
    /// Since 2024-05-06.
    #[serde(rename = "2024")]
    Rule2024,
}

impl Edition {
    /// The edition for a calendar day at the place of measurement; `None` before
    /// 2013-03-18, whose tables are not built in.
    pub fn on(day: Date) -> Option<Edition> {
        if day < DAY_2013 {
            None
        } else if day < DAY_2024 {
            Some(Edition::Rule2013)
        } else {
            Some(Edition::Rule2024)
        }
    }

    /// The scale of a quantity, if one is built in.
    pub fn scale(self, quantity: Quantity) -> Option<&'static Scale> {
        match (self, quantity) {
            (Edition::Rule2013, Quantity::Pm2_5) => Some(&PM2_5_2013),
            (Edition::Rule2013, Quantity::Pm10) => Some(&PM10_2013),
            (Edition::Rule2024, Quantity::Pm2_5) => Some(&PM2_5_2024),
            (Edition::Rule2024, Quantity::Pm10) => Some(&PM10_2024),
            _ => None,
        }
    }
}

/// The six categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// 0 to 50.
    Good,
    /// 51 to 100.
    Moderate,
    /// 101 to 150.
    UnhealthyForSensitiveGroups,
    /// 151 to 200.
    Unhealthy,
    /// 201 to 300.
    VeryUnhealthy,
    /// 301 and more.
    Hazardous,
}

impl Band {
    /// Every band, cleanest first.
    pub const ALL: [Band; 6] = [
        Band::Good,
        Band::Moderate,
        Band::UnhealthyForSensitiveGroups,
        Band::Unhealthy,
        Band::VeryUnhealthy,
        Band::Hazardous,
    ];

    /// The band of an index.
    pub fn of(index: u16) -> Band {
        match index {
            0..=50 => Band::Good,
            51..=100 => Band::Moderate,
            101..=150 => Band::UnhealthyForSensitiveGroups,
            151..=200 => Band::Unhealthy,
            201..=300 => Band::VeryUnhealthy,
            _ => Band::Hazardous,
        }
    }

    /// What people call it; the English is official.
    pub fn name(self) -> Text {
        match self {
            Band::Good => Text { ko: "좋음", zh: "良好", en: "Good" },
            Band::Moderate => Text { ko: "보통", zh: "中等", en: "Moderate" },
            Band::UnhealthyForSensitiveGroups => Text {
                ko: "민감군에 나쁨",
                zh: "对敏感人群不健康",
                en: "Unhealthy for sensitive groups",
            },
            Band::Unhealthy => Text { ko: "나쁨", zh: "不健康", en: "Unhealthy" },
            Band::VeryUnhealthy => {
                Text { ko: "매우 나쁨", zh: "非常不健康", en: "Very unhealthy" }
            }
            Band::Hazardous => Text { ko: "위험", zh: "危险", en: "Hazardous" },
        }
    }
}

/// A computed US AQI.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Aqi {
    /// The highest sub-index.
    pub value: u16,
    /// Its band.
    pub band: Band,
    /// The pollutants that have it.
    pub primary: Vec<Quantity>,
}

/// A concentration of PM2.5 cut to tenths, of PM10 to whole µg/m³, as EPA does
/// before the table; `None` for other quantities and what is no concentration.
pub fn truncated(quantity: Quantity, concentration: f64) -> Option<f64> {
    let scale = Edition::Rule2024.scale(quantity)?;
    let per_unit = f64::from(scale.steps_per_unit);
    usable(steps(scale, usable(concentration)?) / per_unit)
}

/// Whole steps of the scale; what a millionth of a step lacks to the next one
/// is noise of arithmetic (35.4 may come as 35.399999999), not air.
fn steps(scale: &Scale, concentration: f64) -> f64 {
    settled(concentration * f64::from(scale.steps_per_unit)).floor()
}

/// The sub-index of a 24-hour mean or NowCast of PM2.5 or PM10 in µg/m³. `None`
/// for other quantities and for what is not a concentration.
///
/// The index is rounded to the nearest whole number, halves up (from memory).
/// Above the table practice differs: some draw the last piece further, some stay
/// at 500. Here it stays at 500 and says that it lies beyond.
pub fn sub_index(edition: Edition, quantity: Quantity, mean: f64) -> Option<SubIndex> {
    let scale = edition.scale(quantity)?;
    scale.sub_index(steps(scale, usable(mean)?) as u32, Rounding::Nearest)
}

/// The AQI: the highest sub-index. `None` without any.
pub fn aqi(parts: &[SubIndex]) -> Option<Aqi> {
    let (value, primary) = top(parts)?;
    Some(Aqi { value, band: Band::of(value), primary })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(edition: Edition, quantity: Quantity, c: f64) -> u16 {
        sub_index(edition, quantity, c).unwrap().value
    }

    #[test]
    fn both_ends_of_every_row_of_the_present_tables_give_their_index() {
        let rows = [(0.0, 0), (9.0, 50), (9.1, 51), (35.4, 100), (35.5, 101), (55.4, 150)]
            .into_iter()
            .chain([(55.5, 151), (125.4, 200), (125.5, 201), (225.4, 300), (225.5, 301)])
            .chain([(325.4, 500)]);
        for (c, value) in rows {
            assert_eq!(index(Edition::Rule2024, Quantity::Pm2_5, c), value, "PM2.5 {c}");
        }
        let rows = [(54.0, 50), (55.0, 51), (154.0, 100), (155.0, 101), (254.0, 150)]
            .into_iter()
            .chain([(255.0, 151), (354.0, 200), (355.0, 201), (424.0, 300), (425.0, 301)])
            .chain([(604.0, 500)]);
        for (c, value) in rows {
            assert_eq!(index(Edition::Rule2024, Quantity::Pm10, c), value, "PM10 {c}");
        }
    }

    #[test]
    fn the_former_tables_hold_until_2024_05_05() {
        let on = |y, m, d| Edition::on(date(y, m, d));
        assert_eq!(on(2024, 5, 6), Some(Edition::Rule2024));
        assert_eq!(on(2024, 5, 5), Some(Edition::Rule2013));
        assert_eq!(on(2013, 3, 18), Some(Edition::Rule2013));
        assert_eq!(on(2013, 3, 17), None);
        for (c, value) in [(12.0, 50), (12.1, 51), (150.4, 200), (250.4, 300), (500.4, 500)] {
            assert_eq!(index(Edition::Rule2013, Quantity::Pm2_5, c), value, "{c}");
        }
        assert_eq!(index(Edition::Rule2013, Quantity::Pm10, 504.0), 400);
    }

    #[test]
    fn the_concentration_is_cut_not_rounded() {
        let at = |c| index(Edition::Rule2024, Quantity::Pm2_5, c);
        assert_eq!((at(9.09), at(35.49)), (50, 100));
        assert_eq!(index(Edition::Rule2024, Quantity::Pm10, 154.99), 100);
        assert_eq!(truncated(Quantity::Pm2_5, 54.811), Some(54.8));
        assert_eq!(truncated(Quantity::Pm10, 54.811), Some(54.0));
    }

    #[test]
    fn every_tenth_is_cut_to_itself() {
        for tenths in 0..6_000 {
            let c = f64::from(tenths) / 10.0;
            assert_eq!(truncated(Quantity::Pm2_5, c), Some(c));
            assert_eq!(truncated(Quantity::Pm2_5, f64::from(tenths) * 0.1), Some(c));
        }
    }

    #[test]
    fn above_the_table_the_index_stays_at_500_and_says_so() {
        let above = sub_index(Edition::Rule2024, Quantity::Pm2_5, 325.5).unwrap();
        assert_eq!((above.value, above.beyond), (500, true));
        assert!(!sub_index(Edition::Rule2024, Quantity::Pm2_5, 325.49).unwrap().beyond);
    }

    #[test]
    fn the_highest_pollutant_makes_the_aqi() {
        let parts = [(Quantity::Pm2_5, 40.0), (Quantity::Pm10, 60.0)]
            .map(|(q, c)| sub_index(Edition::Rule2024, q, c).unwrap());
        let found = aqi(&parts).unwrap();
        assert_eq!(found.band, Band::UnhealthyForSensitiveGroups);
        assert_eq!(found.primary, [Quantity::Pm2_5]);
        assert_eq!(aqi(&[]), None);
    }

    proptest! {
        #[test]
        fn more_dust_never_lowers_the_index(a in 0.0..900.0f64, more in 0.0..300.0f64) {
            for edition in [Edition::Rule2013, Edition::Rule2024] {
                for quantity in [Quantity::Pm2_5, Quantity::Pm10] {
                    prop_assert!(index(edition, quantity, a) <= index(edition, quantity, a + more));
                }
            }
        }

        #[test]
        fn no_number_makes_it_panic(c in any::<f64>()) {
            let found = sub_index(Edition::Rule2024, Quantity::Pm2_5, c);
            prop_assert_eq!(found.is_some(), c.is_finite() && c >= 0.0);
        }
    }
}
