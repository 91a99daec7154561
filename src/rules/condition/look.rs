//! Whether a term holds at an instant, and on what that rests.

use super::data::{Any, Bound, Measure, Season, Term, Window};
use super::evidence::Evidence;
use super::local;
use super::measure::{self, Measured};
use super::truth::Truth;
use crate::air::{Cause, Forecast, Foretold, Hour, IndexKind, Quantity, Stamp};
use crate::rules::input::Input;
use crate::rules::zone::ZoneHour;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::cell::{OnceCell, RefCell};

/// A zone as its conditions see it.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The zone's id.
    pub zone: &'a str,
    /// What it has.
    pub evidence: &'a Evidence,
    /// In which its days begin.
    pub time_zone: &'a TimeZone,
    /// Share of its stations, 0..=1, that must count for a no of all of them.
    pub min_valid_share: f64,
    /// Whose forecasts count, as in [`crate::rules::judge::PlannedZone`].
    pub issuers: Option<&'a [String]>,
}

/// A zone seen at an instant; what is computed once is kept.
#[derive(Debug)]
pub struct Look<'a> {
    /// The zone.
    pub view: View<'a>,
    /// The instant.
    pub at: Stamp,
    date: OnceCell<Option<Date>>,
    measured: RefCell<Vec<(Measure, u8, Option<Measured>)>>,
}

/// What a decision rests on.
#[derive(Debug, Default)]
pub struct Grounds {
    /// Everything it rests on.
    pub inputs: Vec<Input>,
    /// The value that speaks for it: the first one found.
    pub value: Option<f64>,
    /// The index that the value is of.
    pub index: Option<IndexKind>,
}

impl Grounds {
    pub(super) fn speaks(&mut self, value: f64, index: Option<IndexKind>) {
        if self.value.is_none() {
            (self.value, self.index) = (Some(value), index);
        }
    }

    /// Forecasts, the highest of which speaks.
    pub(super) fn forecasts(&mut self, said: &[&Forecast]) {
        let highest = said.iter().copied().reduce(|a, b| if a.value >= b.value { a } else { b });
        if let Some(highest) = highest {
            self.speaks(highest.value, index_of(highest.of));
        }
        for f in said {
            let input = Input::Forecast {
                issuer: f.issuer.clone(),
                issued_at: f.issued_at,
                of: f.of,
                from: f.from,
                until: f.until,
                value: f.value,
                cause: f.cause,
            };
            if !self.inputs.contains(&input) {
                self.inputs.push(input);
            }
        }
    }

    /// The cause that all forecasts name which name one.
    pub fn cause(&self) -> Option<Cause> {
        let mut causes = self.inputs.iter().filter_map(|input| match input {
            Input::Forecast { cause, .. } => *cause,
            _ => None,
        });
        let first = causes.next()?;
        causes.all(|cause| cause == first).then_some(first)
    }
}

pub(super) fn index_of(of: Foretold) -> Option<IndexKind> {
    match of {
        Foretold::Index(kind) => Some(kind),
        Foretold::Quantity(_) => None,
    }
}

impl<'a> Look<'a> {
    /// A zone at an instant.
    pub fn new(view: View<'a>, at: Stamp) -> Look<'a> {
        Look { view, at, date: OnceCell::new(), measured: RefCell::default() }
    }

    /// Whether a criterion is met.
    pub fn any(&self, any: &Any, seasons: &[Season]) -> Truth {
        Truth::any(any.iter().map(|all| self.all(all, seasons)))
    }

    /// Whether all terms of an alternative hold.
    pub fn all(&self, all: &[Term], seasons: &[Season]) -> Truth {
        Truth::all(all.iter().map(|term| self.truth(term, seasons, &mut None)))
    }

    /// Adds what the terms of an alternative rest on.
    pub fn grounds(&self, all: &[Term], seasons: &[Season], grounds: &mut Grounds) {
        for term in all {
            self.truth(term, seasons, &mut Some(&mut *grounds));
        }
    }

    /// The local date.
    pub fn date(&self) -> Option<Date> {
        *self.date.get_or_init(|| local::date_of(self.at, self.view.time_zone))
    }

    fn truth(&self, term: &Term, seasons: &[Season], out: &mut Option<&mut Grounds>) -> Truth {
        match term {
            Term::Mean { quantity, window, bound } => self.mean(*quantity, *window, *bound, out),
            Term::StationMean(term) => self.station_mean(term, out),
            Term::Hours { quantity, hours, window, bound } => {
                self.hours(*quantity, *hours, *window, *bound, out)
            }
            Term::Stood { ladder, levels, window, .. } => self.stood(ladder, levels, *window, out),
            Term::Forecast { of, day, bound, cause } => {
                self.forecast(*of, *day, *bound, *cause, out)
            }
            Term::Outlook { of, hours, bound } => self.outlook(*of, *hours, *bound, out),
            Term::Ahead { of, hours, bound } => self.ahead(*of, *hours, *bound, out),
            Term::Value { measure, days, bound } => self.value(*measure, *days, *bound, out),
            Term::Season(id) => {
                let season = seasons.iter().find(|s| s.id == *id);
                match (season, self.date()) {
                    (Some(season), Some(date)) => Truth::of(season.contains(date)),
                    _ => Truth::Unknown,
                }
            }
        }
    }

    /// A part of today as instants.
    pub(super) fn window(&self, window: Window) -> Option<(Stamp, Stamp)> {
        let (date, zone) = (self.date()?, self.view.time_zone);
        Some((local::instant(date, window.from, zone)?, local::instant(date, window.until, zone)?))
    }

    fn mean(
        &self,
        quantity: Quantity,
        window: Window,
        bound: Bound,
        out: &mut Option<&mut Grounds>,
    ) -> Truth {
        let time = self.window(window).filter(|(_, until)| *until <= self.at);
        let Some((from, until)) = time else { return Truth::Unknown };
        let Some(sum) = measure::sum(&self.view.evidence.hours, quantity, from, until) else {
            return Truth::Unknown;
        };
        if let Some(out) = out {
            let value = sum.mean();
            out.speaks(value, None);
            out.inputs.push(Input::Aggregate { aggregate: "mean".to_owned(), value, from, until });
        }
        Truth::of(bound.holds_for_sum(sum.micro, sum.hours))
    }

    fn hours(
        &self,
        quantity: Quantity,
        needed: u8,
        window: Option<Window>,
        bound: Bound,
        out: &mut Option<&mut Grounds>,
    ) -> Truth {
        let needed = usize::from(needed).max(1);
        let hours: Vec<Hour> = match window {
            None => (0..needed as i32).rev().map(|n| self.at.hour().back(n + 1)).collect(),
            Some(window) => match self.window(window) {
                Some((from, until)) => measure::within(from, until.min(self.at)).collect(),
                None => return Truth::Unknown,
            },
        };
        let meets = |hour: &Hour| {
            let found = self.view.evidence.hours.valid(quantity, *hour);
            found.map_or(Truth::Unknown, |h| {
                Truth::of(bound.holds_for_sum(h.sum_micro.into(), h.stations))
            })
        };
        let all: Vec<Truth> = hours.iter().map(meets).collect();
        if let Some(out) = out {
            let yes = |run: &&[Truth]| run.iter().all(|t| *t == Truth::Yes);
            let first = all.windows(needed).position(|run| yes(&run));
            let run =
                first.map_or(&[][..], |first| hours.get(first..first + needed).unwrap_or(&[]));
            let found = run.iter().filter_map(|h| self.view.evidence.hours.get(quantity, *h));
            for hour in found {
                out.inputs.push(input_of(hour));
                out.speaks(hour.mean().unwrap_or_default(), None);
            }
        }
        if all.len() < needed {
            return Truth::Unknown;
        }
        Truth::any(all.windows(needed).map(|run| Truth::all(run.iter().copied())))
    }

    fn stood(
        &self,
        ladder: &str,
        levels: &[String],
        window: Window,
        out: &mut Option<&mut Grounds>,
    ) -> Truth {
        let evidence = self.view.evidence;
        let walk = evidence.walks.iter().find(|w| w.ladder == *ladder);
        let (Some(walk), Some((from, until))) = (walk, self.window(window)) else {
            return Truth::Unknown;
        };
        if let Some((since, level)) = walk.stood(levels, from, until.min(self.at)) {
            if let Some(out) = out {
                let (ladder, level) = (ladder.to_owned(), level.to_owned());
                out.inputs.push(Input::Level { ladder, level, since });
            }
            return Truth::Yes;
        }
        let judged = |hour| evidence.hours.valid(walk.quantity, hour).is_some();
        let whole = until <= self.at && measure::within(from, until).all(judged);
        if whole { Truth::No } else { Truth::Unknown }
    }

    fn value(
        &self,
        measure: Measure,
        days: u8,
        bound: Bound,
        out: &mut Option<&mut Grounds>,
    ) -> Truth {
        Truth::all((0..days.max(1)).map(|back| {
            let Some(found) = self.measured(measure, back) else { return Truth::Unknown };
            if let Some(out) = out {
                out.speaks(found.value, measure.index());
                out.inputs.push(Input::Aggregate {
                    aggregate: measure.name().to_owned(),
                    value: found.value,
                    from: found.from,
                    until: found.until,
                });
            }
            Truth::of(bound.holds(settled(found.value)))
        }))
    }

    fn measured(&self, measure: Measure, back: u8) -> Option<Measured> {
        let known = |(m, b, _): &&(Measure, u8, _)| *m == measure && *b == back;
        if let Some((_, _, found)) = self.measured.borrow().iter().find(known) {
            return *found;
        }
        let hours = &self.view.evidence.hours;
        let found = measure.at(hours, self.at, back, self.view.time_zone);
        self.measured.borrow_mut().push((measure, back, found));
        found
    }
}

/// The number without the noise of arithmetic below a millionth.
pub(super) fn settled(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn input_of(hour: &ZoneHour) -> Input {
    Input::of_hour(hour)
}
