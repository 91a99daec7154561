//! How good our own forecast is: its errors for the means of local days, beside
//! those of plain persistence, issued at the same instants from the same hours.

use super::own::{self, Hours, LEADS, NEEDED};
use crate::air::Stamp;
use crate::decode::forecast::bounds;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The local hour at which the scored forecasts are issued: before the decisions
/// of the evening, with the day's afternoon known.
pub const ISSUED_HOUR: i8 = 17;

/// The errors of a way to forecast.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Errors {
    /// Mean absolute error, in the quantity's unit.
    pub mae: f64,
    /// Root of the mean squared error, in the quantity's unit.
    pub rmse: f64,
}

/// How good the forecasts for one lead are.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Score {
    /// Days from that of the issue to that foretold.
    pub lead: i32,
    /// Days compared.
    pub days: u32,
    /// Of our own forecast.
    pub own: Errors,
    /// Of the mean of the last 24 hours, said of every day to come.
    pub persistence: Errors,
    /// `1 − own.rmse / persistence.rmse`: above 0 where ours is the better one.
    pub skill: f64,
}

/// Sums of errors over days.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    days: u32,
    own: (f64, f64),
    persistence: (f64, f64),
}

/// Compares what would have been foretold for each lead with what came. The hours
/// of several zones, each with its clock, are scored together.
pub fn score<'a>(zones: impl IntoIterator<Item = (&'a Hours, &'a TimeZone)>) -> Vec<Score> {
    let mut sums = vec![Sums::default(); LEADS.count()];
    for (hours, clock) in zones {
        add(hours, clock, &mut sums);
    }
    LEADS.zip(sums).filter(|(_, s)| s.days > 0).map(|(lead, s)| s.score(lead)).collect()
}

fn add(hours: &Hours, clock: &TimeZone, sums: &mut [Sums]) {
    let date = |stamp: Stamp| {
        let at = jiff::Timestamp::from_millisecond(stamp.0).ok()?;
        Some(clock.to_datetime(at).date())
    };
    let ends = hours.first_key_value().zip(hours.last_key_value());
    let Some((first, last)) =
        ends.and_then(|((first, _), (last, _))| Some((date(first.start())?, date(last.start())?)))
    else {
        return;
    };
    for day in first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last) {
        let Some(issued_at) = issued_on(day, clock) else { continue };
        let Some(outlook) = own::outlook(hours, issued_at, clock) else { continue };
        let Some(persistence) = own::persistence(hours, issued_at) else { continue };
        for (lead, sums) in LEADS.zip(sums.iter_mut()) {
            let ahead = jiff::Span::new().days(lead);
            let Some((from, until)) = day.checked_add(ahead).ok().and_then(|d| bounds(d, clock))
            else {
                continue;
            };
            let (Some(came), Some(own)) =
                (came(hours, from, until), outlook.mean(from, until, clock))
            else {
                continue;
            };
            sums.add(own - came, persistence - came);
        }
    }
}

/// The instant of issue on a local day.
fn issued_on(day: Date, clock: &TimeZone) -> Option<Stamp> {
    let at = day.at(ISSUED_HOUR, 0, 0, 0).to_zoned(clock.clone()).ok()?;
    Some(Stamp(at.timestamp().as_millisecond()))
}

/// The mean that came; `None` if too many hours of the day are missing.
fn came(hours: &Hours, from: Stamp, until: Stamp) -> Option<f64> {
    let day = || hours.range(from.hour()..until.hour()).map(|(_, mean)| *mean);
    if day().count() < NEEDED { None } else { own::mean(day()) }
}

impl Sums {
    fn add(&mut self, own: f64, persistence: f64) {
        self.days += 1;
        for (sums, error) in [(&mut self.own, own), (&mut self.persistence, persistence)] {
            sums.0 += error.abs();
            sums.1 += error * error;
        }
    }

    fn score(self, lead: i32) -> Score {
        let n = f64::from(self.days);
        let errors = |(absolute, squares): (f64, f64)| Errors {
            mae: absolute / n,
            rmse: (squares / n).sqrt(),
        };
        let (own, persistence) = (errors(self.own), errors(self.persistence));
        let skill = match persistence.rmse {
            0.0 => 0.0,
            rmse => 1.0 - own.rmse / rmse,
        };
        Score { lead, days: self.days, own, persistence, skill }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Hour;

    const FIRST: i32 = 455_000;

    fn hours(days: i32, of: impl Fn(i32) -> f64) -> Hours {
        (0..days * 24).map(|h| (Hour(FIRST + h), of(h))).collect()
    }

    #[test]
    fn where_nothing_changes_neither_errs_and_neither_is_better() {
        let hours = hours(10, |_| 20.0);
        for score in score([(&hours, &TimeZone::UTC)]) {
            assert!(
                score.days > 5 && score.own.mae < 1e-9 && score.skill.abs() < 1e-9,
                "{score:?}"
            );
        }
    }

    #[test]
    fn where_episodes_come_and_go_ours_is_better_and_the_more_so_the_further_ahead() {
        // Two bad days of every seven.
        let hours = hours(120, |h| if (h / 24) % 7 < 2 { 110.0 } else { 25.0 });
        let scores = score([(&hours, &TimeZone::UTC)]);
        let skill: Vec<f64> = scores.iter().map(|s| s.skill).collect();
        assert_eq!(scores.iter().map(|s| s.lead).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(skill[0] > 0.2 && skill[2] > skill[0], "{scores:?}");
    }

    #[test]
    fn days_with_too_few_hours_are_not_compared() {
        let mut hours = hours(5, |_| 20.0);
        hours.retain(|h, _| (h.0 - FIRST) < 40 || (h.0 - FIRST) % 3 == 0);
        assert_eq!(score([(&hours, &TimeZone::UTC)]), []);
        assert_eq!(score([(&Hours::new(), &TimeZone::UTC)]), []);
    }
}
