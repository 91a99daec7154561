//! Persistence with the shape of the day.
//!
//! The hours of the last 14 days give a mean and, for every hour of the local
//! day, how far it usually lies from that mean. What the last hours are above or
//! below both is what persists, and it fades: of it, `exp(−lead / 36 h)` is left
//! after so many hours. A day's forecast is the mean of its hours.
//!
//! Nothing is known here of wind, rain or emissions: this is the least that an
//! issuer with a model must beat, and a stopgap where there is none.

use crate::air::{Hour, Stamp};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Means of the valid hours of a zone, in the quantity's unit.
pub type Hours = BTreeMap<Hour, f64>;

/// For how many days after that of its issue a forecast is made.
pub const LEADS: std::ops::RangeInclusive<i32> = 1..=3;
/// Hours that are looked back on: two weeks, so that weekdays weigh alike.
pub const LOOK_BACK: i32 = 14 * 24;
/// Of the last 24 hours so many must be valid, and of a day that is scored.
pub const NEEDED: usize = 18;
/// What lies so many hours back counts 1/e in what persists.
const RECENT_H: f64 = 6.0;
/// After so many hours 1/e of what persists is left: the time for which weather
/// systems stay.
const FADES_H: f64 = 36.0;

/// What the hours before an instant say of those after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    issued_at: Stamp,
    /// By hour of the local day, in the quantity's unit.
    usual: [f64; 24],
    /// By how much the air now differs from what is usual.
    differs: f64,
}

/// What the hours that ended by `issued_at` say; `None` if too few are valid.
pub fn outlook(hours: &Hours, issued_at: Stamp, clock: &TimeZone) -> Option<Outlook> {
    let now = issued_at.hour();
    let known = || hours.range(now.back(LOOK_BACK)..now).map(|(hour, mean)| (*hour, *mean));
    if hours.range(now.back(24)..now).count() < NEEDED {
        return None;
    }
    let mean = mean(known().map(|(_, m)| m))?;
    let mut by_hour: [Vec<f64>; 24] = Default::default();
    for (hour, value) in known() {
        if let Some(values) = by_hour.get_mut(hour_of_day(hour, clock)) {
            values.push(value);
        }
    }
    let usual = by_hour.map(|values| self::mean(values.iter().copied()).unwrap_or(mean));
    let of_day = |hour: Hour| usual.get(hour_of_day(hour, clock)).copied().unwrap_or(mean);
    let (mut sum, mut weights) = (0.0, 0.0);
    for (hour, value) in known().filter(|(hour, _)| *hour >= now.back(24)) {
        let weight = (-f64::from(now.0 - hour.0) / RECENT_H).exp();
        sum += weight * (value - of_day(hour));
        weights += weight;
    }
    Some(Outlook { issued_at, usual, differs: sum / weights })
}

impl Outlook {
    /// The mean of an hour after the issue.
    fn hour(&self, hour: Hour, clock: &TimeZone) -> f64 {
        let lead_h = f64::from(hour.0 - self.issued_at.hour().0);
        let usual = self.usual.get(hour_of_day(hour, clock)).copied().unwrap_or_default();
        usual + self.differs * (-lead_h / FADES_H).exp()
    }

    /// The mean over a period after the issue; never below 0.
    pub fn mean(&self, from: Stamp, until: Stamp, clock: &TimeZone) -> Option<f64> {
        let hours = (from.hour().0..until.hour().0).map(|h| self.hour(Hour(h), clock));
        mean(hours).map(|m| m.max(0.0))
    }
}

/// Plain persistence, which a forecast must beat: the mean of the last 24 hours.
pub fn persistence(hours: &Hours, issued_at: Stamp) -> Option<f64> {
    let now = issued_at.hour();
    mean(hours.range(now.back(24)..now).map(|(_, mean)| *mean))
}

/// The mean; `None` of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0u32, 0.0), |(n, sum), v| (n + 1, sum + v));
    (count > 0).then(|| sum / f64::from(count))
}

fn hour_of_day(hour: Hour, clock: &TimeZone) -> usize {
    let at = jiff::Timestamp::from_millisecond(hour.start().0).unwrap_or_default();
    usize::try_from(clock.to_datetime(at).hour()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Hour = Hour(456_000);

    fn hours(of: impl Fn(Hour) -> f64) -> Hours {
        (NOW.0 - LOOK_BACK..NOW.0).map(|h| (Hour(h), of(Hour(h)))).collect()
    }

    fn day(after_h: i32) -> (Stamp, Stamp) {
        (Hour(NOW.0 + after_h).start(), Hour(NOW.0 + after_h + 24).start())
    }

    #[test]
    fn what_stays_the_same_is_foretold_to_stay_the_same() {
        let hours = hours(|_| 31.5);
        let outlook = outlook(&hours, NOW.start(), &TimeZone::UTC).unwrap();
        let (from, until) = day(8);
        assert!((outlook.mean(from, until, &TimeZone::UTC).unwrap() - 31.5).abs() < 1e-9);
    }

    #[test]
    fn the_shape_of_the_day_is_known_by_the_local_clock() {
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        let hours = hours(|h| if hour_of_day(h, &seoul) == 8 { 90.0 } else { 20.0 });
        let outlook = outlook(&hours, NOW.start(), &seoul).unwrap();
        for after in 0..72 {
            let hour = Hour(NOW.0 + after);
            let expected = if hour_of_day(hour, &seoul) == 8 { 90.0 } else { 20.0 };
            assert!((outlook.hour(hour, &seoul) - expected).abs() < 1e-9, "{after}");
        }
    }

    #[test]
    fn an_episode_fades_towards_what_is_usual_and_never_below_nothing() {
        let hours = hours(|h| if h.0 >= NOW.0 - 12 { 150.0 } else { 30.0 });
        let outlook = outlook(&hours, NOW.start(), &TimeZone::UTC).unwrap();
        let of = |after| {
            let (from, until) = day(after);
            outlook.mean(from, until, &TimeZone::UTC).unwrap()
        };
        assert!(of(0) > of(24) && of(24) > of(48) && of(48) > 30.0, "{} {}", of(0), of(48));
        assert!(of(0) < 150.0);
    }

    #[test]
    fn with_too_few_hours_nothing_is_foretold() {
        let mut hours = hours(|_| 10.0);
        for h in NOW.0 - 7..NOW.0 {
            hours.remove(&Hour(h));
        }
        assert_eq!(outlook(&hours, NOW.start(), &TimeZone::UTC), None);
        hours.insert(Hour(NOW.0 - 1), 10.0);
        assert!(outlook(&hours, NOW.start(), &TimeZone::UTC).is_some());
        assert_eq!(outlook(&Hours::new(), NOW.start(), &TimeZone::UTC), None);
    }

    #[test]
    fn hours_after_the_issue_are_not_looked_at() {
        let past = hours(|h| f64::from(h.0 % 50));
        let mut with_future = past.clone();
        with_future.insert(NOW, 900.0);
        let of = |hours: &Hours| outlook(hours, NOW.start(), &TimeZone::UTC);
        assert_eq!(of(&past), of(&with_future));
        assert_eq!(persistence(&past, NOW.start()), persistence(&with_future, NOW.start()));
    }

    proptest! {
        #[test]
        fn what_is_foretold_is_a_number_and_never_negative(
            means in proptest::collection::vec(0.0f64..2_000.0, 24..LOOK_BACK as usize),
        ) {
            let hours: Hours =
                means.iter().rev().zip(1..).map(|(m, h)| (Hour(NOW.0 - h), *m)).collect();
            let outlook = outlook(&hours, NOW.start(), &TimeZone::UTC).unwrap();
            let (from, until) = day(24);
            let mean = outlook.mean(from, until, &TimeZone::UTC).unwrap();
            prop_assert!(mean.is_finite() && mean >= 0.0);
        }
    }
}
