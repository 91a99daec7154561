//! The forecasts of a zone, and what they said at an instant.
//!
//! At every moment of the future the forecast issued last counts, as far as it
//! reaches; where issuers are named, those named first go before. What an issue
//! says of overlapping periods (any 24 hours, say) stands side by side.

use crate::air::forecast::OWN;
use crate::air::{Forecast, Foretold, Stamp};
use std::cmp::Reverse;

/// Forecasts kept for a zone, at most; beyond, the one issued first goes.
const KEPT_MAX: usize = 4096;

/// Forecasts in the order of their issue.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Forecasts {
    all: Vec<Forecast>,
}

/// A stretch of time with what counts in it.
#[derive(Debug, Clone)]
pub struct Stretch<'a> {
    /// First instant.
    pub from: Stamp,
    /// First instant after it.
    pub until: Stamp,
    /// What counts; empty if nothing is forecast.
    pub said: Vec<&'a Forecast>,
}

type Key<'a> = (Stamp, &'a str, Foretold, Stamp, Stamp);

fn key(f: &Forecast) -> Key<'_> {
    (f.issued_at, &f.issuer, f.of, f.from, f.until)
}

impl Forecasts {
    /// Takes a forecast; one of the same issue and period is replaced. `false`
    /// if it says nothing new.
    pub fn put(&mut self, forecast: Forecast) -> bool {
        match self.all.binary_search_by(|f| key(f).cmp(&key(&forecast))) {
            Ok(place) => {
                let Some(known) = self.all.get_mut(place) else { return false };
                let new = *known != forecast;
                *known = forecast;
                new
            }
            Err(place) => {
                self.all.insert(place, forecast);
                if self.all.len() > KEPT_MAX {
                    self.all.remove(0);
                }
                true
            }
        }
    }

    /// Forgets what ends before an instant.
    pub fn forget(&mut self, before: Stamp) {
        self.all.retain(|f| f.until >= before);
    }

    /// The instants after `after`, until `until`, at which forecasts were issued.
    pub fn issues(&self, after: Option<Stamp>, until: Stamp) -> impl Iterator<Item = Stamp> + '_ {
        let issued = self.all.iter().map(|f| f.issued_at);
        issued.filter(move |at| after.is_none_or(|after| *at > after) && *at <= until)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them, in the order of their issue.
    pub fn iter(&self) -> impl Iterator<Item = &Forecast> {
        self.all.iter()
    }

    /// What counted at `at` for the time from `from` on, up to `until` or as far as
    /// forecasts reach, in stretches one after another, one of which begins at `at`.
    pub fn stretches<'a>(
        &'a self,
        of: Foretold,
        (from, until): (Stamp, Option<Stamp>),
        at: Stamp,
        issuers: Option<&[String]>,
    ) -> Vec<Stretch<'a>> {
        let counts = |f: &&Forecast| {
            f.of == of
                && f.issued_at <= at
                && f.until > from
                && until.is_none_or(|until| f.from < until)
                && rank(f, issuers).is_some()
        };
        let known: Vec<&Forecast> = self.all.iter().filter(counts).collect();
        let Some(end) = until.or_else(|| known.iter().map(|f| f.until).max()) else {
            return Vec::new();
        };
        let mut cuts: Vec<Stamp> = known.iter().flat_map(|f| [f.from, f.until]).collect();
        cuts.push(at);
        cuts.retain(|cut| *cut > from && *cut < end);
        cuts.extend([from, end]);
        cuts.sort_unstable();
        cuts.dedup();
        let pairs = cuts.iter().zip(cuts.iter().skip(1));
        pairs
            .map(|(from, until)| Stretch {
                from: *from,
                until: *until,
                said: foremost(&known, *from, issuers),
            })
            .collect()
    }
}

/// Of the forecasts that cover an instant, those of the issue that counts.
fn foremost<'a>(
    known: &[&'a Forecast],
    at: Stamp,
    issuers: Option<&[String]>,
) -> Vec<&'a Forecast> {
    let covers = |f: &&&Forecast| f.from <= at && at < f.until;
    let order = |f: &Forecast| (rank(f, issuers), Reverse(f.issued_at), Reverse(f.issuer.clone()));
    let best = known.iter().filter(covers).map(|f| order(f)).min();
    let same = |f: &&&Forecast| best.as_ref().is_some_and(|best| order(f) == *best);
    known.iter().filter(covers).filter(same).copied().collect()
}

/// The place of an issuer in the order of preference; `None` if it does not count.
fn rank(f: &Forecast, issuers: Option<&[String]>) -> Option<usize> {
    match issuers {
        Some(named) => named.iter().position(|issuer| *issuer == f.issuer),
        None => (f.issuer != OWN).then_some(0),
    }
}
