//! Standards: what the air of a year should be, by the mean of the year and by how
//! many of its days were above. A standard alarms nobody: it is counted when the
//! year, or what there is of it, is looked at.
//!
//! ```text
//! zone hours ─▶ Days (sum and count of each local day) ─▶ Year of each level: met, exceeded, or too little to say
//! ```

use super::condition::{Sum, Truth, day_of};
use super::data::Ruleset;
use super::rulesets::in_force;
use crate::air::{Names, Quantity};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Share of a year's days, in hundredths, that must have a mean. The texts read do
/// not say; three quarters are Dustline's choice, as for the hours of a day.
const ENOUGH_PERCENT: u32 = 75;

/// Limits of one quantity for a year and its days.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    /// Its id, such as `who-pm25`.
    pub id: String,
    /// What it is called.
    pub title: Names,
    /// The quantity.
    pub quantity: Quantity,
    /// The percentile of the daily means that must not be above the limit of the
    /// day; `None` where the rules, as read, do not say.
    pub percentile: Option<u8>,
    /// Its levels, the weakest first.
    pub levels: Vec<StandardLevel>,
}

/// One level of a standard, in the quantity's unit.
#[derive(Debug, Clone, PartialEq)]
pub struct StandardLevel {
    /// Its name, such as `guideline`.
    pub name: String,
    /// What it is called.
    pub title: Names,
    /// The mean of the year is not above this; `None` if it has no such limit.
    pub year: Option<f64>,
    /// The mean of a day is not above this.
    pub day: f64,
}

/// The local days of one quantity: the sums of the means of their valid hours.
#[derive(Debug, Clone, Default)]
pub struct Days(BTreeMap<Date, Sum>);

/// What a calendar year, or the part of it in which one version was in force,
/// brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Year {
    /// The version, as in [`Ruleset::reference`].
    pub ruleset: String,
    /// The year.
    pub year: i16,
    /// Its days, 365 or 366.
    pub days: u32,
    /// Those of them with a mean on which the version was in force.
    pub valid: u32,
    /// The mean of their means, in the quantity's unit.
    pub mean: f64,
    /// For each level, the weakest first.
    pub levels: Vec<YearLevel>,
}

/// How a year stands to one level.
#[derive(Debug, Clone, PartialEq)]
pub struct YearLevel {
    /// The level.
    pub level: StandardLevel,
    /// Whether the mean of the year meets it; `None` if it has no limit for that.
    pub mean: Option<Truth>,
    /// Days above its limit.
    pub above: u32,
    /// Whether that is few enough; `None` if the standard names no percentile.
    pub days: Option<Truth>,
}

impl Days {
    /// Adds the mean of a valid hour of a day, in 10⁻⁶ units.
    pub fn add(&mut self, date: Date, mean_micro: i64) {
        self.0.entry(date).or_insert(Sum { micro: 0, hours: 0 }).add(mean_micro);
    }

    /// The means of the days that have enough hours, which are counted by the clock
    /// of `zone`.
    fn means<'a>(&'a self, zone: &'a TimeZone) -> impl Iterator<Item = (Date, Sum)> + 'a {
        self.0.iter().filter_map(|(date, sum)| {
            let (from, until) = day_of(*date, zone)?;
            let hours = u32::try_from(until.hour().0 - from.hour().0).ok()?;
            sum.is_enough_of(hours).then_some((*date, *sum))
        })
    }

    /// Every year with a day that has a mean, by the version in force on each day:
    /// where one follows another within a year, each has its part.
    pub fn years(&self, versions: &[Ruleset], standard: &str, zone: &TimeZone) -> Vec<Year> {
        let version = |date: Date| in_force(versions, day_of(date, zone)?.0);
        let mut parts: BTreeMap<(i16, &str), (&Ruleset, Vec<Sum>)> = BTreeMap::new();
        for (date, sum) in self.means(zone) {
            let Some(ruleset) = version(date) else { continue };
            let part = parts.entry((date.year(), &ruleset.version));
            part.or_insert_with(|| (ruleset, Vec::new())).1.push(sum);
        }
        let found = parts.into_iter().filter_map(|((year, _), (ruleset, sums))| {
            let standard = ruleset.standards.iter().find(|s| s.id == standard)?;
            let days = Date::new(year, 1, 1).ok()?.days_in_year();
            Some(standard.year(ruleset, year, u32::try_from(days).ok()?, &sums))
        });
        found.collect()
    }
}

impl Standard {
    fn year(&self, ruleset: &Ruleset, year: i16, days: u32, sums: &[Sum]) -> Year {
        let valid = sums.len() as u32;
        let mean = settled(sums.iter().map(|s| s.mean()).sum::<f64>() / f64::from(valid.max(1)));
        let enough = valid * 100 >= days * ENOUGH_PERCENT;
        let known = |met: bool| if enough { Truth::of(met) } else { Truth::Unknown };
        let level = |level: &StandardLevel| {
            let above = sums.iter().filter(|s| s.is_above(level.day)).count() as u32;
            YearLevel {
                level: level.clone(),
                mean: level.year.map(|limit| known(mean <= limit)),
                above,
                days: self.percentile.map(|percentile| {
                    let within = |all: u32| above * 100 <= all * (100 - u32::from(percentile));
                    // So many that the days without a mean cannot mend it.
                    if !within(days) { Truth::No } else { known(within(valid)) }
                }),
            }
        };
        let levels = self.levels.iter().map(level).collect();
        Year { ruleset: ruleset.reference(), year, days, valid, mean, levels }
    }
}

/// The number without the noise of arithmetic below a millionth.
fn settled(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{builtin, micro};
    use jiff::civil::date;

    /// A year whose days have these means, `n` of each.
    fn days(first: Date, means: &[(u32, f64)]) -> Days {
        let mut days = Days::default();
        let mut date = first;
        for (n, mean) in means {
            for _ in 0..*n {
                (0..24).for_each(|_| days.add(date, micro(*mean)));
                date = date.tomorrow().unwrap();
            }
        }
        days
    }

    fn years(days: &Days, ruleset: &str, standard: &str) -> Vec<Year> {
        let versions = builtin().unwrap().remove(ruleset).unwrap();
        days.years(&versions, standard, &TimeZone::UTC)
    }

    fn guideline(days: &Days) -> (u32, YearLevel) {
        let mut found = years(days, "who-2021", "who-pm25");
        assert_eq!(found.len(), 1);
        let mut year = found.remove(0);
        (year.valid, year.levels.pop().unwrap())
    }

    #[test]
    fn three_days_of_a_year_may_be_above_and_the_fourth_is_one_too_many() {
        let first = date(2022, 1, 1);
        let (valid, three) = guideline(&days(first, &[(3, 15.1), (362, 4.0)]));
        assert_eq!((valid, three.above, three.days), (365, 3, Some(Truth::Yes)));
        let (_, four) = guideline(&days(first, &[(4, 15.1), (361, 4.0)]));
        assert_eq!((four.above, four.days), (4, Some(Truth::No)));
        let (_, equal) = guideline(&days(first, &[(365, 15.0)]));
        assert_eq!((equal.above, equal.days), (0, Some(Truth::Yes)), "equal is not above");
        assert_eq!(equal.mean, Some(Truth::No), "15 is above the 5 of the year");
    }

    #[test]
    fn half_a_year_says_nothing_but_that_too_many_days_were_above() {
        let (valid, clean) = guideline(&days(date(2022, 1, 1), &[(180, 4.0)]));
        assert_eq!(
            (valid, clean.mean, clean.days),
            (180, Some(Truth::Unknown), Some(Truth::Unknown))
        );
        let (_, bad) = guideline(&days(date(2022, 1, 1), &[(4, 16.0), (176, 4.0)]));
        assert_eq!((bad.mean, bad.days), (Some(Truth::Unknown), Some(Truth::No)));
    }

    #[test]
    fn a_day_needs_18_hours() {
        let mut days = Days::default();
        (0..17).for_each(|_| days.add(date(2022, 5, 1), micro(80.0)));
        assert_eq!(years(&days, "who-2021", "who-pm25"), []);
        days.add(date(2022, 5, 1), micro(80.0));
        assert_eq!(guideline(&days).1.above, 1);
    }

    #[test]
    fn each_version_has_the_part_of_the_year_in_which_it_was_in_force() {
        let found = years(&days(date(2018, 1, 1), &[(365, 40.0)]), "kr-standards", "kr-pm25");
        let part = |y: &Year| (y.ruleset.clone(), y.valid, y.levels[0].above);
        let parts: Vec<_> = found.iter().map(part).collect();
        assert_eq!(
            parts,
            [
                ("kr-standards@2015-01-01".to_owned(), 85, 0),
                ("kr-standards@2018-03-27".to_owned(), 280, 280)
            ]
        );
    }

    #[test]
    fn a_standard_without_a_percentile_counts_days_and_judges_none() {
        let found = years(&days(date(2026, 1, 1), &[(365, 70.0)]), "cn-standards", "cn-pm25");
        let of = |y: &Year| (y.ruleset.clone(), y.levels.iter().map(|l| l.above).collect());
        let parts: Vec<(String, Vec<u32>)> = found.iter().map(of).collect();
        assert_eq!(
            parts,
            [
                ("cn-standards@2016-01-01".to_owned(), vec![0, 59]),
                ("cn-standards@2026-03-01".to_owned(), vec![306])
            ]
        );
        assert!(found.iter().flat_map(|y| &y.levels).all(|l| l.days.is_none()));
    }
}
