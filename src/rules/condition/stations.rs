//! Single stations of a zone: their hours, and judgements by the n-th highest.
//!
//! A judgement is made when its part of the day is over, and holds until the day
//! ends or it is lifted; before, it has not been made, which is no want of data.

use super::data::{Lifted, Side, StationMean as Term};
use super::look::{Grounds, Look};
use super::measure::{self, Sum};
use super::truth::Truth;
use crate::air::{Hour, Quantity, Stamp};
use crate::rules::input::Input;
use crate::rules::zone::needed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Stations that a decision names, at most: those with the highest means.
const NAMED_MAX: usize = 30;

/// The hourly means of one station in 10⁻⁶ units.
type Means = BTreeMap<Hour, i64>;

/// The hours of single stations, of the quantities for which conditions ask, or whose
/// zone mean may be without some of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stations {
    of: BTreeMap<Quantity, BTreeMap<String, Means>>,
}

impl Stations {
    /// Notes the mean of a station's hour in 10⁻⁶ units; `None`: it has none.
    pub fn put(&mut self, quantity: Quantity, station: &str, hour: Hour, mean: Option<i64>) {
        let stations = self.of.entry(quantity).or_default();
        match (mean, stations.get_mut(station)) {
            (Some(mean), Some(hours)) => drop(hours.insert(hour, mean)),
            (Some(mean), None) => {
                stations.insert(station.to_owned(), Means::from([(hour, mean)]));
            }
            (None, Some(hours)) => drop(hours.remove(&hour)),
            (None, None) => {}
        }
    }

    /// Forgets the hours up to one.
    pub fn forget(&mut self, through: Hour) {
        for stations in self.of.values_mut() {
            for hours in stations.values_mut() {
                while hours.first_key_value().is_some_and(|(hour, _)| *hour <= through) {
                    hours.pop_first();
                }
            }
            stations.retain(|_, hours| !hours.is_empty());
        }
    }

    /// The stations with a mean in an hour, and the means in 10⁻⁶ units.
    pub fn of_hour(&self, quantity: Quantity, hour: Hour) -> impl Iterator<Item = (&str, i64)> {
        let stations = self.of.get(&quantity).into_iter().flatten();
        stations.filter_map(move |(id, hours)| Some((id.as_str(), *hours.get(&hour)?)))
    }

    /// Every station with enough hours in a time, the highest mean first.
    fn ranked(&self, quantity: Quantity, from: Stamp, until: Stamp) -> Vec<Station<'_>> {
        let stations = self.of.get(&quantity).into_iter().flatten();
        let mut all: Vec<Station<'_>> = stations
            .filter_map(|(id, hours)| {
                let micro = |hour: Hour| hours.get(&hour).copied();
                Some(Station { id, hours, sum: measure::sum_of(micro, from, until)? })
            })
            .collect();
        all.sort_by(|a, b| b.sum.cmp_mean(&a.sum).then(a.id.cmp(b.id)));
        all
    }
}

/// A station that counts, with its mean over the part of the day.
struct Station<'a> {
    id: &'a str,
    hours: &'a Means,
    sum: Sum,
}

impl Look<'_> {
    /// Whether the judgement has been made, was met, and is not lifted.
    pub(super) fn station_mean(&self, term: &Term, out: &mut Option<&mut Grounds>) -> Truth {
        let Some((from, until)) = self.window(term.window) else { return Truth::Unknown };
        if self.at < until {
            return Truth::No;
        }
        let ranked = self.view.evidence.stations.ranked(term.quantity, from, until);
        let met: Vec<&Station<'_>> =
            ranked.iter().filter(|s| term.bound.holds_for_sum(s.sum.micro, s.sum.hours)).collect();
        if let Some(out) = out {
            let deciding = ranked.get(usize::from(term.rank).saturating_sub(1));
            deciding.iter().for_each(|s| out.speaks(s.sum.mean(), None));
            out.inputs.extend(met.iter().take(NAMED_MAX).map(|s| s.input(from, until)));
        }
        match self.judged(term, &ranked, (from, until)) {
            Truth::No => Truth::No,
            judged => match &term.lifted {
                Some(lifted) => judged.min(!self.lifted(lifted, &met, until)),
                None => judged,
            },
        }
    }

    /// Whether the n-th highest mean meets the bound. A zone of fewer stations has
    /// none; one of which too few count may have a higher one.
    fn judged(&self, term: &Term, ranked: &[Station<'_>], (from, until): (Stamp, Stamp)) -> Truth {
        let rank = usize::from(term.rank).max(1);
        let hours = &self.view.evidence.hours;
        let expected = measure::within(from, until).filter_map(|h| hours.get(term.quantity, h));
        let expected = expected.map(|h| h.expected).max().unwrap_or(0);
        let Some(deciding) = ranked.get(rank - 1) else {
            let none = expected > 0 && (expected as usize) < rank;
            return if none { Truth::No } else { Truth::Unknown };
        };
        let holds = term.bound.holds_for_sum(deciding.sum.micro, deciding.sum.hours);
        // Further stations can only raise the n-th highest.
        let stays = holds == matches!(term.bound.side, Side::Above | Side::AtLeast);
        let enough = ranked.len() >= needed(expected, self.view.min_valid_share) as usize;
        if stays || enough { Truth::of(holds) } else { Truth::Unknown }
    }

    /// Whether all of these stations were clean in consecutive hours since.
    fn lifted(&self, lifted: &Lifted, stations: &[&Station<'_>], since: Stamp) -> Truth {
        let clean = |hour: Hour| {
            Truth::all(stations.iter().map(|s| match s.hours.get(&hour) {
                Some(mean) => Truth::of(lifted.bound.holds_for_sum(i128::from(*mean), 1)),
                None => Truth::Unknown,
            }))
        };
        let hours: Vec<Truth> = measure::within(since, self.at).map(clean).collect();
        let runs = hours.windows(usize::from(lifted.hours).max(1));
        Truth::any(runs.map(|run| Truth::all(run.iter().copied())))
    }
}

impl Station<'_> {
    fn input(&self, from: Stamp, until: Stamp) -> Input {
        Input::Station { station: self.id.to_owned(), value: self.sum.mean(), from, until }
    }
}
