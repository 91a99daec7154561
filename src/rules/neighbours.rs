//! The stations of a zone's hour against each other.
//!
//! Each is compared with the median of the others, in units of their own spread (the
//! median of absolute deviations, made comparable with a standard deviation), so
//! that one more broken station does not hide the first. A source of dust beside
//! a station is real air: by default the station is named, and its mean counts.
//! Where [`Bounds::counts`] says otherwise, the zone's mean is without it.
//!
//! Who is odd, and the mean, rest on the means of the hour and on nothing else: not
//! on the order in which they came, nor on any hour before.

use super::hours::{MICRO, micro};
use super::zone::ZoneHour;
use crate::air::Hour;

/// When a station's hour disagrees with its neighbours, if all bounds are exceeded,
/// and what follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Fewer other stations than this say nothing. Default 4.
    pub stations: usize,
    /// Difference from the median of the others, µg/m³. Default 50.
    pub difference: f64,
    /// … as a share of the larger of the two. Default 0.5.
    pub share: f64,
    /// … in robust standard deviations of the others. Default 5.
    pub deviations: f64,
    /// Whether such a station counts in the mean of its zone. Default true.
    pub counts: bool,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { stations: 4, difference: 50.0, share: 0.5, deviations: 5.0, counts: true }
    }
}

/// A station whose hour disagrees with the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odd {
    /// Its place among the means given.
    pub place: usize,
    /// The median of the others, in the quantity's unit.
    pub median: f64,
}

/// A zone's hour after its stations were compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The hour as it is judged.
    pub hour: ZoneHour,
    /// The stations that disagree with the others.
    pub odd: Vec<Odd>,
    /// Whether the mean of the hour is without them.
    pub left_out: bool,
}

impl Compared {
    /// The hour from the means of its valid stations in 10⁻⁶ units; `expected` and
    /// `min_valid_share` are as in [`ZoneHour::from_means`]. Without bounds nobody is
    /// compared.
    ///
    /// Who is left out is not one of the stations that the hour must have. If so few
    /// would remain that it were not valid, all count: leaving out makes no hour
    /// unknown.
    pub fn of(
        bounds: Option<&Bounds>,
        hour: Hour,
        means_micro: &[i64],
        expected: u32,
        min_valid_share: f64,
    ) -> Compared {
        let means = means_micro.iter().copied();
        let all = ZoneHour::from_means(hour, means.clone(), expected, min_valid_share);
        let odd = bounds.map(|bounds| odd(bounds, means_micro)).unwrap_or_default();
        if odd.is_empty() || bounds.is_none_or(|bounds| bounds.counts) {
            return Compared { hour: all, odd, left_out: false };
        }
        let mut compared = Compared { hour: all, odd, left_out: true };
        let rest = means.enumerate().filter(|(place, _)| compared.odd_at(*place).is_none());
        let rest = rest.map(|(_, mean)| mean);
        let without = ZoneHour::from_means(hour, rest, expected, min_valid_share);
        compared.left_out = without.valid;
        if without.valid {
            compared.hour = without;
        }
        compared
    }

    /// The station at a place, if it disagrees.
    pub fn odd_at(&self, place: usize) -> Option<&Odd> {
        // They are in the order of their places.
        self.odd.get(self.odd.binary_search_by_key(&place, |odd| odd.place).ok()?)
    }
}

/// From the median of absolute deviations to the standard deviation of a normal
/// distribution.
const NORMAL: f64 = 1.4826;

/// The stations whose hours disagree with those of the others, by their means in
/// 10⁻⁶ units. Where that would be a quarter of them or more, the zone has two kinds
/// of air (a front passes, hills rise above the haze), and nobody is named.
pub fn odd(bounds: &Bounds, means_micro: &[i64]) -> Vec<Odd> {
    if means_micro.len() <= bounds.stations.max(1) {
        return Vec::new();
    }
    let mut zone = Zone::of(means_micro);
    let one = |(place, mean): (usize, &i64)| {
        let own = *mean as f64;
        let median = without(&zone.sorted, own);
        let difference = (own - median).abs();
        let disagrees = difference > micro(bounds.difference) as f64
            && difference > bounds.share * own.max(median)
            && difference > bounds.deviations * zone.spread(median, difference);
        disagrees.then_some(Odd { place, median: median / MICRO as f64 })
    };
    let found: Vec<Odd> = means_micro.iter().enumerate().filter_map(one).collect();
    if found.len() * 4 >= means_micro.len() { Vec::new() } else { found }
}

/// The means of an hour in 10⁻⁶ units, small enough to be exact as floats.
struct Zone {
    sorted: Vec<f64>,
    /// How far all are from a median, sorted. Whichever one is taken away, the
    /// median of the others is one of three at most.
    away: Vec<(f64, Vec<f64>)>,
}

impl Zone {
    fn of(means_micro: &[i64]) -> Zone {
        Zone { sorted: sorted(means_micro.iter().map(|m| *m as f64)), away: Vec::new() }
    }

    /// The standard deviation, robustly, of the others around their median; `own` is
    /// how far the one is from it.
    fn spread(&mut self, median: f64, own: f64) -> f64 {
        let known = self.away.iter().position(|(of, _)| *of == median);
        let place = known.unwrap_or_else(|| {
            let away = sorted(self.sorted.iter().map(|m| (m - median).abs()));
            self.away.push((median, away));
            self.away.len() - 1
        });
        self.away.get(place).map_or(0.0, |(_, away)| NORMAL * without(away, own))
    }
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The median of sorted numbers without one of them.
fn without(sorted: &[f64], one: f64) -> f64 {
    let gone = sorted.partition_point(|number| *number < one);
    let at = |n: usize| sorted.get(n + usize::from(n >= gone)).copied().unwrap_or_default();
    let others = sorted.len().saturating_sub(1);
    let upper = at(others / 2);
    if others % 2 == 1 { upper } else { (at((others / 2).saturating_sub(1)) + upper) / 2.0 }
}

#[cfg(test)]
mod tests;
