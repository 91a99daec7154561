//! Values computed from a zone's hours.

use super::data::Measure;
use super::evidence::Hours;
use super::local;
use crate::air::index::{SubIndex, aqi_cn, aqi_us, cai, nowcast};
use crate::air::{Hour, Quantity, Stamp};
use crate::rules::zone::ZoneHour;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Hours of a mean that must be valid, in hundredths. The laws read do not say
/// for zones; three quarters are Dustline's choice.
const ENOUGH_PERCENT: u32 = 75;

/// A value and the time of its hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The value, in the quantity's unit or as an index.
    pub value: f64,
    /// First instant of its hours.
    pub from: Stamp,
    /// First instant after them.
    pub until: Stamp,
}

/// The sum of the means of hours in 10⁻⁶ units, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// The sum.
    pub micro: i128,
    /// How many.
    pub hours: u32,
}

impl Sum {
    /// Adds the mean of an hour in 10⁻⁶ units.
    pub fn add(&mut self, mean_micro: i64) {
        self.micro += i128::from(mean_micro);
        self.hours += 1;
    }

    /// Whether enough of so many hours are in it for a mean of them all.
    pub fn is_enough_of(self, all: u32) -> bool {
        self.hours > 0 && self.hours * 100 >= all * ENOUGH_PERCENT
    }

    /// Whether the mean lies above a limit in the quantity's unit, exactly.
    pub fn is_above(self, limit: f64) -> bool {
        self.micro > i128::from(crate::rules::micro(limit)) * i128::from(self.hours)
    }

    /// Compares the means, exactly.
    pub fn cmp_mean(&self, other: &Sum) -> std::cmp::Ordering {
        let (own, others) = (i128::from(self.hours), i128::from(other.hours));
        (self.micro * others).cmp(&(other.micro * own))
    }

    /// The mean in the quantity's unit.
    pub fn mean(self) -> f64 {
        self.micro as f64 / (f64::from(self.hours) * crate::rules::MICRO as f64)
    }
}

/// The sum over the valid hours that lie in a time; `None` with fewer than three
/// quarters of them.
pub fn sum(hours: &Hours, quantity: Quantity, from: Stamp, until: Stamp) -> Option<Sum> {
    sum_of(|hour| hours.valid(quantity, hour).and_then(ZoneHour::mean_micro), from, until)
}

/// The same over means of hours in 10⁻⁶ units.
pub fn sum_of(mean: impl Fn(Hour) -> Option<i64>, from: Stamp, until: Stamp) -> Option<Sum> {
    let (mut all, mut sum) = (0u32, Sum { micro: 0, hours: 0 });
    for hour in within(from, until) {
        all += 1;
        if let Some(micro) = mean(hour) {
            sum.add(micro);
        }
    }
    sum.is_enough_of(all).then_some(sum)
}

/// The hours that lie whole in a time.
pub fn within(from: Stamp, until: Stamp) -> impl DoubleEndedIterator<Item = Hour> {
    let first = if from.hour().start() == from { from.hour() } else { from.hour().next() };
    (first.0..until.hour().0).map(Hour)
}

impl Measure {
    /// The name under which an input carries it.
    pub fn name(self) -> &'static str {
        match self {
            Measure::DayMean(_) => "day_mean",
            Measure::AqiCnDay => "aqi_cn_day",
            Measure::AqiCnHour => "aqi_cn_hour",
            Measure::Cai => "cai",
            Measure::AqiUs => "aqi_us",
            Measure::AqiUsDay => "aqi_us_day",
        }
    }

    /// The value at an instant, so many days earlier; `None` with too few hours.
    pub fn at(self, hours: &Hours, at: Stamp, back: u8, zone: &TimeZone) -> Option<Measured> {
        match self {
            Measure::DayMean(_) | Measure::AqiCnDay | Measure::AqiUsDay => {
                let date = local::plus_days(local::date_of(at, zone)?, -1 - i32::from(back))?;
                self.of_day(hours, date, zone)
            }
            _ => self.of_latest(hours, at.hour().back(1 + 24 * i32::from(back)), zone),
        }
    }

    fn of_day(self, hours: &Hours, date: Date, zone: &TimeZone) -> Option<Measured> {
        let (from, until) = local::day(date, zone)?;
        let mean = |q| sum(hours, q, from, until).map(Sum::mean);
        let value = match self {
            Measure::DayMean(quantity) => mean(quantity)?,
            Measure::AqiUsDay => {
                let edition = aqi_us::Edition::on(date)?;
                highest(hours, |q| aqi_us::sub_index(edition, q, mean(q)?))?
            }
            _ => {
                let edition = aqi_cn::Edition::on(date);
                highest(hours, |q| aqi_cn::sub_index(edition, q, mean(q)?))?
            }
        };
        Some(Measured { value, from, until })
    }

    fn of_latest(self, hours: &Hours, last: Hour, zone: &TimeZone) -> Option<Measured> {
        let until = last.end();
        let (value, looked) = match self {
            Measure::Cai => {
                let of = |q| cai::sub_index(q, cai::predictive_mean(q, &latest(hours, q, last))?);
                (cai_of_particles(hours, of)?, 12)
            }
            Measure::AqiUs => {
                let edition = aqi_us::Edition::on(local::date_of(last.start(), zone)?)?;
                let of = |q| nowcast::nowcast(q, &latest(hours, q, last));
                (highest(hours, |q| aqi_us::sub_index(edition, q, of(q)?))?, 12)
            }
            _ => {
                let edition = aqi_cn::Edition::at(last.start());
                let looked = match edition {
                    aqi_cn::Edition::Hj2012 => 24,
                    aqi_cn::Edition::Hj2026 => 1,
                };
                let from = last.back(looked - 1).start();
                let mean = |q| sum(hours, q, from, until).map(Sum::mean);
                (highest(hours, |q| aqi_cn::sub_index(edition, q, mean(q)?))?, looked)
            }
        };
        Some(Measured { value, from: last.back(looked - 1).start(), until })
    }
}

/// The means of the past 12 hours, newest first.
fn latest(hours: &Hours, quantity: Quantity, last: Hour) -> [Option<f64>; 12] {
    std::array::from_fn(|n| hours.valid(quantity, last.back(n as i32)).and_then(ZoneHour::mean))
}

/// The highest sub-index of the particles that are measured in the zone. `None`
/// if one of them is missing now: it could be the highest.
fn highest(hours: &Hours, of: impl Fn(Quantity) -> Option<SubIndex>) -> Option<f64> {
    parts(hours, of)?.iter().map(|part| f64::from(part.value)).reduce(f64::max)
}

/// Korea's index of particles alone: gases, for which no scale is built in, could
/// only raise it.
fn cai_of_particles(hours: &Hours, of: impl Fn(Quantity) -> Option<SubIndex>) -> Option<f64> {
    let parts = parts(hours, of)?;
    let highest = parts.iter().map(|part| part.value).max()?;
    let bad = parts.iter().filter(|p| cai::Band::of(p.value) >= cai::Band::Unhealthy).count();
    let added = if bad >= 2 { cai::ADDED_FOR_TWO } else { 0 };
    Some(f64::from(highest.saturating_add(added).min(cai::MAX)))
}

fn parts(hours: &Hours, of: impl Fn(Quantity) -> Option<SubIndex>) -> Option<Vec<SubIndex>> {
    let measured = [Quantity::Pm2_5, Quantity::Pm10].into_iter().filter(|q| hours.has_measured(*q));
    measured.map(of).collect()
}
