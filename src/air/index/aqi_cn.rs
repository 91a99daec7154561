//! China: the air quality index (环境空气质量指数, AQI).
//!
//! HJ 633-2026 replaced HJ 633-2012 on 2026-03-01, Beijing time. It moved one
//! node of each particle scale (index 100: PM2.5 75 → 60, PM10 150 → 120). The
//! nodes from 150 up stayed, so every threshold of the heavy-pollution warnings
//! (AQI above 150, 200, 300) means the same concentration as before; only good
//! days are counted differently. The limits 50 and 25 µg/m³ of GB 3095-2026 are
//! ambient standards (the ruleset `cn-standards`), not nodes of the index.
//!
//! Only the scales of particles are built in; indices of gases may be given to
//! [`aqi`] as [`SubIndex`].

use super::scale::{Rounding, piece};
use super::{Averaging, Basis, Scale, SubIndex, Sure, Text, missing, top, usable};
use crate::air::{Quantity, Stamp};
use jiff::civil::Date;

/// The first instant of HJ 633-2026: 2026-03-01 00:00 Beijing time.
pub const FROM_2026: Stamp = Stamp(1_772_294_400_000);
/// The first day of HJ 633-2026 in Beijing time.
pub const DAY_2026: Date = jiff::civil::date(2026, 3, 1);

const HJ_2012: Basis =
    Basis { text: "HJ 633-2012, table 1, as transcribed by many", sure: Sure::WidelyReported };
const HJ_2026: Basis = Basis {
    text: "HJ 633-2026, table 3, six transcriptions agree; the standard itself was not read",
    sure: Sure::WidelyReported,
};

const fn scale_of(quantity: Quantity, segments: &'static [super::Segment], basis: Basis) -> Scale {
    Scale { quantity, averaging: Averaging::Day, steps_per_unit: 1, segments, basis }
}

/// PM2.5 by HJ 633-2012, whole µg/m³.
pub const PM2_5_2012: Scale = scale_of(
    Quantity::Pm2_5,
    &[
        piece(0, 35, 0, 50),
        piece(35, 75, 50, 100),
        piece(75, 115, 100, 150),
        piece(115, 150, 150, 200),
        piece(150, 250, 200, 300),
        piece(250, 350, 300, 400),
        piece(350, 500, 400, 500),
    ],
    HJ_2012,
);

/// PM10 by HJ 633-2012, whole µg/m³.
pub const PM10_2012: Scale = scale_of(
    Quantity::Pm10,
    &[
        piece(0, 50, 0, 50),
        piece(50, 150, 50, 100),
        piece(150, 250, 100, 150),
        piece(250, 350, 150, 200),
        piece(350, 420, 200, 300),
        piece(420, 500, 300, 400),
        piece(500, 600, 400, 500),
    ],
    HJ_2012,
);

/// PM2.5 by HJ 633-2026, whole µg/m³.
pub const PM2_5_2026: Scale = scale_of(
    Quantity::Pm2_5,
    &[
        piece(0, 35, 0, 50),
        piece(35, 60, 50, 100),
        piece(60, 115, 100, 150),
        piece(115, 150, 150, 200),
        piece(150, 250, 200, 300),
        piece(250, 350, 300, 400),
        piece(350, 500, 400, 500),
    ],
    HJ_2026,
);

/// PM10 by HJ 633-2026, whole µg/m³.
pub const PM10_2026: Scale = scale_of(
    Quantity::Pm10,
    &[
        piece(0, 50, 0, 50),
        piece(50, 120, 50, 100),
        piece(120, 250, 100, 150),
        piece(250, 350, 150, 200),
        piece(350, 420, 200, 300),
        piece(420, 500, 300, 400),
        piece(500, 600, 400, 500),
    ],
    HJ_2026,
);

/// The pollutants of a complete index (which six: from memory).
pub const NEEDED: [Quantity; 6] =
    [Quantity::Pm2_5, Quantity::Pm10, Quantity::O3, Quantity::No2, Quantity::So2, Quantity::Co];

/// Up to this index nothing is a primary pollutant.
pub const CLEAN_MAX: u16 = 50;
/// An incomplete index is published only above this (HJ 633-2026, 5.3; reported by one).
pub const INCOMPLETE_MAX: u16 = 100;

/// The edition of the technical regulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Edition {
    /// HJ 633-2012, until 2026-02-28.
    #[serde(rename = "HJ 633-2012")]
    Hj2012,
    /// HJ 633-2026, from 2026-03-01.
    #[serde(rename = "HJ 633-2026")]
    Hj2026,
}

impl Edition {
    /// The edition for data of this instant. For an average give its **start**:
    /// the last hour of February 2026 is judged by the old edition. HJ 633-2012
    /// is used for all earlier data too, even before it was in force.
    pub fn at(instant: Stamp) -> Edition {
        if instant < FROM_2026 { Edition::Hj2012 } else { Edition::Hj2026 }
    }

    /// The edition for a calendar day of Beijing time.
    pub fn on(day: Date) -> Edition {
        if day < DAY_2026 { Edition::Hj2012 } else { Edition::Hj2026 }
    }

    /// The scale of a quantity, if one is built in.
    pub fn scale(self, quantity: Quantity) -> Option<&'static Scale> {
        match (self, quantity) {
            (Edition::Hj2012, Quantity::Pm2_5) => Some(&PM2_5_2012),
            (Edition::Hj2012, Quantity::Pm10) => Some(&PM10_2012),
            (Edition::Hj2026, Quantity::Pm2_5) => Some(&PM2_5_2026),
            (Edition::Hj2026, Quantity::Pm10) => Some(&PM10_2026),
            _ => None,
        }
    }

    /// Over what time particles are averaged for the hourly report: one hour
    /// since 2026 (4.2.3, widely reported), the moving 24 hours before (from
    /// memory). The daily report takes the calendar day in both.
    pub fn hourly_report(self) -> Averaging {
        match self {
            Edition::Hj2012 => Averaging::MovingDay,
            Edition::Hj2026 => Averaging::Hour,
        }
    }
}

/// The six categories (空气质量指数级别), read in source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// 优, level 1, 0 to 50.
    Excellent,
    /// 良, level 2, 51 to 100.
    Good,
    /// 轻度污染, level 3, 101 to 150.
    LightlyPolluted,
    /// 中度污染, level 4, 151 to 200.
    ModeratelyPolluted,
    /// 重度污染, level 5, 201 to 300.
    HeavilyPolluted,
    /// 严重污染, level 6, above 300.
    SeverelyPolluted,
}

impl Band {
    /// Every band, cleanest first.
    pub const ALL: [Band; 6] = [
        Band::Excellent,
        Band::Good,
        Band::LightlyPolluted,
        Band::ModeratelyPolluted,
        Band::HeavilyPolluted,
        Band::SeverelyPolluted,
    ];

    /// The band of an index.
    pub fn of(index: u16) -> Band {
        match index {
            0..=50 => Band::Excellent,
            51..=100 => Band::Good,
            101..=150 => Band::LightlyPolluted,
            151..=200 => Band::ModeratelyPolluted,
            201..=300 => Band::HeavilyPolluted,
            _ => Band::SeverelyPolluted,
        }
    }

    /// What people call it; the Chinese is official.
    pub fn name(self) -> Text {
        match self {
            Band::Excellent => Text { ko: "우수", zh: "优", en: "Excellent" },
            Band::Good => Text { ko: "양호", zh: "良", en: "Good" },
            Band::LightlyPolluted => {
                Text { ko: "경도 오염", zh: "轻度污染", en: "Lightly polluted" }
            }
            Band::ModeratelyPolluted => {
                Text { ko: "중도 오염", zh: "中度污染", en: "Moderately polluted" }
            }
            Band::HeavilyPolluted => {
                Text { ko: "중증 오염", zh: "重度污染", en: "Heavily polluted" }
            }
            Band::SeverelyPolluted => {
                Text { ko: "심각한 오염", zh: "严重污染", en: "Severely polluted" }
            }
        }
    }
}

/// A computed AQI.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Aqi {
    /// The highest sub-index.
    pub value: u16,
    /// Its band.
    pub band: Band,
    /// The primary pollutants (首要污染物): all that tie at the highest, none up
    /// to [`CLEAN_MAX`].
    pub primary: Vec<Quantity>,
    /// Those of [`NEEDED`] without a sub-index.
    pub missing: Vec<Quantity>,
    /// The edition by which it was computed.
    pub edition: Edition,
}

impl Aqi {
    /// The value as it is published; `None` is published as "NA".
    ///
    /// HJ 633-2026, 5.3 (reported by one test suite): of an incomplete set the
    /// value is published only above 100, since the missing pollutant could only
    /// raise it, and a good day would be claimed without proof. The edition of
    /// 2012 is not known to have that rule; its value is always published.
    pub fn published(&self) -> Option<u16> {
        let open = self.edition == Edition::Hj2026 && !self.missing.is_empty();
        (!open || self.value > INCOMPLETE_MAX).then_some(self.value)
    }
}

/// The sub-index (IAQI) of a mean of PM2.5 or PM10 in µg/m³, held at 500 above
/// the scale. `None` for other quantities and for what is not a concentration.
///
/// The concentration is first rounded to a whole number by GB/T 8170, halves to
/// even (4.2.2); the index is then rounded up (4.2.6).
///
/// Transcriptions disagree on three points:
/// - Two of six leave out the first rounding. 60.11 is 60 with it (index 100,
///   good), and would be 101 (lightly polluted) without. It is done here, for
///   both editions (for that of 2012: from memory).
/// - One puts 50 µg/m³ at index 100, which is the ambient limit of 2031; all
///   others put 60 there, as here.
/// - Some never return less than 1. Here a concentration of 0 has index 0.
pub fn sub_index(edition: Edition, quantity: Quantity, mean: f64) -> Option<SubIndex> {
    let whole = usable(mean)?.round_ties_even();
    edition.scale(quantity)?.sub_index(whole as u32, Rounding::Up)
}

/// The AQI: the highest sub-index. `None` without any.
pub fn aqi(edition: Edition, parts: &[SubIndex]) -> Option<Aqi> {
    let (value, mut primary) = top(parts)?;
    if value <= CLEAN_MAX {
        primary.clear();
    }
    let missing = missing(&NEEDED, parts);
    Some(Aqi { value, band: Band::of(value), primary, missing, edition })
}

#[cfg(test)]
mod tests;
