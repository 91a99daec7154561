//! National ambient standards for particles: what air should be, by law, over a
//! day or a year. They are neither indices nor alerts, and are here so that texts
//! and reports can say how a mean stands to them.
//!
//! The 24-hour standard of Korea is judged on the 99th percentile (read in a
//! notice of 2001; that it still is: from memory).

use super::{Basis, Sure};
use crate::air::Quantity;
use jiff::civil::{Date, date};

/// Whose standard, and for what kind of area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Korea's environmental standard.
    Korea,
    /// China's level 1: nature reserves and the like.
    ChinaLevel1,
    /// China's level 2: where people live and work.
    ChinaLevel2,
}

/// The limits of one quantity while they are in force.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Limit {
    /// Whose, and for what area.
    pub class: Class,
    /// What is limited.
    pub quantity: Quantity,
    /// The mean of a day should not be above this, µg/m³.
    pub day: f64,
    /// The mean of a year should not be above this, µg/m³.
    pub year: f64,
    /// The first day in force.
    pub from: Date,
    /// The first day no longer in force, if it ends.
    pub until: Option<Date>,
    /// Where it comes from.
    pub basis: Basis,
}

const KOREA_PM2_5: Basis =
    Basis { text: "Korea's environmental standard since 2018-03-27", sure: Sure::ReadInSource };
const KOREA_PM2_5_BEFORE: Basis = Basis {
    text: "Korea's environmental standard until 2018-03-26; that it began in 2015 from memory",
    sure: Sure::FromMemory,
};
const KOREA_PM10: Basis = Basis {
    text: "Ministry of Environment of Korea, 2010, https://lsak21.tistory.com/6090942; \
           that it began on 1 January of 2007 from memory",
    sure: Sure::FromMemory,
};
const GB_2012: Basis = Basis {
    text: "GB 3095-2012, as reported by the press; its beginning on 2016-01-01 from memory",
    sure: Sure::FromMemory,
};
const GB_2026: Basis = Basis {
    text: "GB 3095-2026, as reported by Guangming Daily and China Daily",
    sure: Sure::ReadInSource,
};

/// Limits of the day and the year, µg/m³, in force from the first date to the
/// day before the second.
const fn row(
    class: Class,
    quantity: Quantity,
    (day, year): (f64, f64),
    (from, until): (Date, Option<Date>),
    basis: Basis,
) -> Limit {
    Limit { class, quantity, day, year, from, until, basis }
}

const KR_2007: Date = date(2007, 1, 1);
const KR_2015: Date = date(2015, 1, 1);
const KR_2018: Date = date(2018, 3, 27);
const CN_2016: Date = date(2016, 1, 1);
const CN_2026: Date = date(2026, 3, 1);
const CN_2031: Date = date(2031, 1, 1);
const PM2_5: Quantity = Quantity::Pm2_5;
const PM10: Quantity = Quantity::Pm10;
const LEVEL_1: Class = Class::ChinaLevel1;
const LEVEL_2: Class = Class::ChinaLevel2;

/// Every limit that is known here. Not found, and so not given: level 1 of PM2.5
/// from 2026 to 2030 and level 1 of PM10 since 2026.
pub const LIMITS: [Limit; 12] = [
    row(Class::Korea, PM2_5, (50.0, 25.0), (KR_2015, Some(KR_2018)), KOREA_PM2_5_BEFORE),
    row(Class::Korea, PM2_5, (35.0, 15.0), (KR_2018, None), KOREA_PM2_5),
    row(Class::Korea, PM10, (100.0, 50.0), (KR_2007, None), KOREA_PM10),
    row(LEVEL_1, PM2_5, (35.0, 15.0), (CN_2016, Some(CN_2026)), GB_2012),
    row(LEVEL_1, PM2_5, (25.0, 10.0), (CN_2031, None), GB_2026),
    row(LEVEL_1, PM10, (50.0, 40.0), (CN_2016, Some(CN_2026)), GB_2012),
    row(LEVEL_2, PM2_5, (75.0, 35.0), (CN_2016, Some(CN_2026)), GB_2012),
    row(LEVEL_2, PM2_5, (60.0, 30.0), (CN_2026, Some(CN_2031)), GB_2026),
    row(LEVEL_2, PM2_5, (50.0, 25.0), (CN_2031, None), GB_2026),
    row(LEVEL_2, PM10, (150.0, 70.0), (CN_2016, Some(CN_2026)), GB_2012),
    row(LEVEL_2, PM10, (120.0, 60.0), (CN_2026, Some(CN_2031)), GB_2026),
    row(LEVEL_2, PM10, (100.0, 50.0), (CN_2031, None), GB_2026),
];

/// The limits in force on a calendar day of the country; `None` where none is known.
pub fn limit(class: Class, quantity: Quantity, day: Date) -> Option<&'static Limit> {
    LIMITS.iter().find(|l| {
        l.class == class
            && l.quantity == quantity
            && l.from <= day
            && l.until.is_none_or(|until| day < until)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(class: Class, quantity: Quantity, day: Date) -> Option<(f64, f64)> {
        limit(class, quantity, day).map(|l| (l.day, l.year))
    }

    #[test]
    fn korea_tightened_its_limits_of_pm2_5_on_2018_03_27() {
        let at = |day| values(Class::Korea, PM2_5, day);
        assert_eq!(at(date(2018, 3, 26)), Some((50.0, 25.0)));
        assert_eq!(at(date(2018, 3, 27)), Some((35.0, 15.0)));
        assert_eq!(at(date(2014, 12, 31)), None);
    }

    #[test]
    fn china_tightens_twice() {
        let pm2_5 = |day| values(LEVEL_2, PM2_5, day);
        assert_eq!(pm2_5(date(2026, 2, 28)), Some((75.0, 35.0)));
        assert_eq!(pm2_5(date(2026, 3, 1)), Some((60.0, 30.0)));
        assert_eq!(pm2_5(date(2030, 12, 31)), Some((60.0, 30.0)));
        assert_eq!(pm2_5(date(2031, 1, 1)), Some((50.0, 25.0)));
        assert_eq!(values(LEVEL_2, PM10, date(2026, 3, 1)), Some((120.0, 60.0)));
    }

    #[test]
    fn what_was_not_found_is_not_given() {
        assert_eq!(values(LEVEL_1, PM2_5, date(2027, 1, 1)), None);
        assert_eq!(values(LEVEL_1, PM10, date(2027, 1, 1)), None);
        assert_eq!(values(Class::Korea, Quantity::O3, date(2027, 1, 1)), None);
    }

    #[test]
    fn no_two_limits_hold_on_the_same_day() {
        for a in &LIMITS {
            for b in LIMITS.iter().filter(|b| b.class == a.class && b.quantity == a.quantity) {
                let apart = a.until.is_some_and(|end| end <= b.from)
                    || b.until.is_some_and(|end| end <= a.from);
                assert!(a == b || apart, "{a:?} and {b:?}");
            }
            assert!(a.year < a.day);
        }
    }
}
