//! Terms on forecasts.

use super::data::Bound;
use super::forecasts::Stretch;
use super::local;
use super::look::{Grounds, Look, index_of, settled};
use super::truth::Truth;
use crate::air::{Cause, Forecast, Foretold, Stamp};
use std::time::Duration;

/// How long before an instant the forecasts of an episode that goes on may begin.
pub const EPISODE: Duration = Duration::from_secs(7 * 86_400);
/// An outlook says something only if it covers so much of the time to come.
const DAY_AHEAD: Duration = Duration::from_secs(86_400);

impl<'a> Look<'a> {
    pub(super) fn forecast(
        &self,
        of: Foretold,
        day: u8,
        bound: Bound,
        cause: Option<Cause>,
        out: &mut Option<&mut Grounds>,
    ) -> Truth {
        let date = self.date().and_then(|date| local::plus_days(date, day.into()));
        let Some((from, until)) = date.and_then(|date| local::day(date, self.view.time_zone))
        else {
            return Truth::Unknown;
        };
        let stretches = self.stretches(of, from, Some(until));
        let Some((value, said)) = over(of, &stretches) else { return Truth::Unknown };
        if let Some(out) = out {
            out.forecasts(&said);
        }
        let named = cause.is_none_or(|cause| said.iter().any(|f| f.cause == Some(cause)));
        Truth::of(bound.holds(value) && named)
    }

    pub(super) fn outlook(
        &self,
        of: Foretold,
        hours: u16,
        bound: Bound,
        out: &mut Option<&mut Grounds>,
    ) -> Truth {
        let stretches = self.stretches(of, self.at.minus(EPISODE), None);
        let needed = i64::from(hours) * crate::air::time::HOUR_MS;
        let (sure, said) = longest_run(&stretches, self.at, |s| meets(s, bound));
        if let Some(out) = out {
            out.forecasts(&said);
        }
        if sure >= needed {
            return Truth::Yes;
        }
        let ahead = stretches.last().is_some_and(|s| s.until >= self.at.plus(DAY_AHEAD));
        // A gap ahead may be as bad as what is looked for. What lies before now and
        // was never forecast is no part of an episode.
        let open = |s: &Stretch<'_>| meets(s, bound) || (s.said.is_empty() && s.until > self.at);
        let possible = longest_run(&stretches, self.at, open).0;
        if ahead && possible < needed { Truth::No } else { Truth::Unknown }
    }

    pub(super) fn ahead(
        &self,
        of: Foretold,
        hours: u16,
        bound: Bound,
        out: &mut Option<&mut Grounds>,
    ) -> Truth {
        let until = self.at.plus(Duration::from_secs(u64::from(hours) * 3600));
        let stretches = self.stretches(of, self.at, Some(until));
        if let Some(out) = out {
            stretches.iter().for_each(|s| out.forecasts(&s.said));
        }
        if stretches.is_empty() {
            return Truth::Unknown;
        }
        Truth::all(stretches.iter().map(|s| match s.said.is_empty() {
            true => Truth::Unknown,
            false => Truth::of(s.said.iter().all(|f| bound.holds(f.value))),
        }))
    }

    fn stretches(&self, of: Foretold, from: Stamp, until: Option<Stamp>) -> Vec<Stretch<'a>> {
        let forecasts = &self.view.evidence.forecasts;
        if forecasts.is_empty() {
            return Vec::new();
        }
        forecasts.stretches(of, (from, until), self.at, self.view.issuers)
    }
}

/// What is forecast over a time: one forecast for all of it, or, for a quantity,
/// the mean of several that leave nothing out. Of an index several do not add up.
fn over<'a>(of: Foretold, stretches: &[Stretch<'a>]) -> Option<(f64, Vec<&'a Forecast>)> {
    let worst = |s: &Stretch<'a>| {
        s.said.iter().copied().reduce(|a, b| if a.value >= b.value { a } else { b })
    };
    let said: Vec<&Forecast> = stretches.iter().map(worst).collect::<Option<_>>()?;
    let first = said.first()?;
    if said.iter().all(|f| f == first) {
        return Some((first.value, vec![first]));
    }
    if index_of(of).is_some() {
        return None;
    }
    let weights = stretches.iter().map(|s| s.until.since(s.from) as f64);
    let (sum, time) = said
        .iter()
        .zip(weights)
        .fold((0.0, 0.0), |(sum, time), (f, weight)| (sum + f.value * weight, time + weight));
    (time > 0.0).then(|| (settled(sum / time), said))
}

fn meets(stretch: &Stretch<'_>, bound: Bound) -> bool {
    stretch.said.iter().any(|f| bound.holds(f.value))
}

/// The longest unbroken run, in ms, that ends after `at`, and what is forecast in it.
fn longest_run<'a>(
    stretches: &[Stretch<'a>],
    at: Stamp,
    counts: impl Fn(&Stretch<'a>) -> bool,
) -> (i64, Vec<&'a Forecast>) {
    let runs = stretches.chunk_by(|a, b| counts(a) && counts(b));
    let met = runs.filter(|run| run.first().is_some_and(&counts));
    let lasting = met.filter_map(|run| {
        let (first, last) = (run.first()?, run.last()?);
        let said = || run.iter().flat_map(|s| s.said.iter().copied()).collect();
        (last.until > at).then(|| (last.until.since(first.from), said()))
    });
    lasting.max_by_key(|(length, _): &(i64, Vec<_>)| *length).unwrap_or_default()
}
