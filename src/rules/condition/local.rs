//! Local days and times of the day as instants.

use super::data::{InForce, LocalTime};
use crate::air::Stamp;
use crate::rules::input::Period;
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The local date of an instant.
pub fn date_of(at: Stamp, zone: &TimeZone) -> Option<Date> {
    Some(zone.to_datetime(jiff::Timestamp::from_millisecond(at.0).ok()?).date())
}

/// The date so many days later, or earlier.
pub fn plus_days(date: Date, days: i32) -> Option<Date> {
    date.checked_add(Span::new().try_days(days).ok()?).ok()
}

/// The instant of a local time; 24:00 is the next midnight. A time that the
/// clocks skip is that much after their change.
pub fn instant(date: Date, time: LocalTime, zone: &TimeZone) -> Option<Stamp> {
    let (date, minutes) = match time.0 {
        1440.. => (plus_days(date, 1)?, 0),
        minutes => (date, minutes),
    };
    let time = jiff::civil::Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?;
    let at = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
    Some(Stamp(at.as_millisecond()))
}

/// First instant of a local day and first after it.
pub fn day(date: Date, zone: &TimeZone) -> Option<(Stamp, Stamp)> {
    Some((instant(date, LocalTime(0), zone)?, instant(date, LocalTime(1440), zone)?))
}

/// The time for which a decision of this instant is in force.
pub fn in_force(rule: InForce, at: Stamp, zone: &TimeZone) -> Option<Period> {
    let date = plus_days(date_of(at, zone)?, i32::from(rule.day))?;
    Some(Period { from: instant(date, rule.from, zone)?, until: instant(date, rule.until, zone)? })
}

/// The first instant after `after` at which it is this local time.
pub fn next(time: LocalTime, after: Stamp, zone: &TimeZone) -> Option<Stamp> {
    let mut date = plus_days(date_of(after, zone)?, -1)?;
    for _ in 0..4 {
        if let Some(at) = instant(date, time, zone).filter(|at| *at > after) {
            return Some(at);
        }
        date = plus_days(date, 1)?;
    }
    None
}
