//! Exercises that open by themselves, at times of the calendar.
//!
//! Each time opens one, whatever restarts lie about it: what is due is what lies
//! after the last instant that the hotline knows of, which is kept with it.

use super::entry::Who;
use super::incident::Opening;
use super::plan::Grade;
use super::{BEFORE_ALL, Hotline, Outcome};
use crate::air::Stamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use std::time::Duration;

/// One that was missed while the daemon was down is made up for within this; a
/// call hours later, when nobody is at hand, would exercise something else.
const LATE_MAX: Duration = Duration::from_secs(3600);

/// Days among which the next one is looked for: 29 February comes within eight years.
const DAYS_MAX: usize = 8 * 366;

/// An exercise that opens by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Drill {
    /// Its id, which is the cause of its incidents.
    pub id: String,
    /// The group of zones.
    pub group: String,
    /// On which days.
    pub day: DrillDay,
    /// In which months, 1 to 12; none: in all.
    pub months: Vec<i8>,
    /// At which time of the day …
    pub at: Time,
    /// … by clocks where.
    pub time_zone: TimeZone,
    /// What it is, in words.
    pub text: String,
}

/// The days of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrillDay {
    /// This day of the month, 1 to 31; none in months without it.
    OfMonth(i8),
    /// This day of every week.
    OfWeek(Weekday),
}

impl Drill {
    /// The first time after an instant at which it opens. A time that a change of
    /// clocks leaves out moves on by as much.
    pub fn next(&self, after: Stamp) -> Option<Stamp> {
        let from = jiff::Timestamp::from_millisecond(after.0).ok()?;
        let first = self.time_zone.to_datetime(from).date();
        let days = first.series(jiff::Span::new().days(1)).take(DAYS_MAX);
        let times = days.filter(|date| self.is_on(*date)).filter_map(|date| {
            let at = date.to_datetime(self.at).to_zoned(self.time_zone.clone()).ok()?;
            Some(Stamp(at.timestamp().as_millisecond()))
        });
        times.into_iter().find(|at| *at > after)
    }

    fn is_on(&self, date: Date) -> bool {
        let month = self.months.is_empty() || self.months.contains(&date.month());
        month
            && match self.day {
                DrillDay::OfMonth(day) => date.day() == day,
                DrillDay::OfWeek(day) => date.weekday() == day,
            }
    }

    fn opening(&self) -> Opening {
        Opening {
            group: self.group.clone(),
            cause: self.id.clone(),
            exercise: true,
            change: None,
            level: Grade::none(),
            standing: Vec::new(),
            text: Some(self.text.clone()),
        }
    }
}

impl Hotline {
    /// Opens the exercises whose time has come after `before`. One that is open
    /// still is not opened again.
    pub(super) fn open_drills(&mut self, before: Stamp, out: &mut Outcome) {
        if self.plan.parties.is_empty() {
            return;
        }
        let since = before.max(self.clock.minus(LATE_MAX));
        let due = |drill: &&Drill| drill.next(since).is_some_and(|at| at <= self.clock);
        let openings: Vec<Opening> =
            self.plan.drills.iter().filter(due).map(Drill::opening).collect();
        for opening in openings {
            if self.open_one(&opening.group, &opening.cause, true).is_none() {
                self.open(opening, Who::System, out);
            }
        }
    }

    /// When the next exercise opens. A hotline on which nothing has happened yet
    /// must be told the time first.
    pub(super) fn next_drill(&self) -> Option<Stamp> {
        match self.plan.drills.is_empty() {
            true => None,
            false if self.clock == BEFORE_ALL => Some(BEFORE_ALL),
            false => self.plan.drills.iter().filter_map(|d| d.next(self.clock)).min(),
        }
    }
}
