//! A station's hour against the others of its zone.
//!
//! Compared with the median of the others, in units of their own spread (the
//! median of absolute deviations, made comparable with a standard deviation), so
//! that one more broken station does not hide the first. A source of dust beside
//! a station is real air: the station is named, and its mean counts as before.

/// When a station's hour disagrees with its neighbours: if all bounds are exceeded.
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
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { stations: 4, difference: 50.0, share: 0.5, deviations: 5.0 }
    }
}

/// A station whose hour disagrees with the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odd {
    /// Its place among the means given.
    pub place: usize,
    /// The median of the others.
    pub median: f64,
}

/// From the median of absolute deviations to the standard deviation of a normal
/// distribution.
const NORMAL: f64 = 1.4826;

/// The stations whose hours disagree with those of the others. Where that would be
/// a quarter of them or more, the zone has two kinds of air (a front passes, hills
/// rise above the haze), and nobody is named.
pub fn odd(bounds: &Bounds, means: &[f64]) -> Vec<Odd> {
    let one = |place: usize| {
        let mut others: Vec<f64> = means.to_vec();
        let own = others.swap_remove(place);
        if others.len() < bounds.stations.max(1) {
            return None;
        }
        let median = median(&mut others);
        let mut away: Vec<f64> = others.iter().map(|o| (o - median).abs()).collect();
        let spread = NORMAL * self::median(&mut away);
        let difference = (own - median).abs();
        let disagrees = difference > bounds.difference
            && difference > bounds.share * own.max(median)
            && difference > bounds.deviations * spread;
        disagrees.then_some(Odd { place, median })
    };
    let found: Vec<Odd> = (0..means.len()).filter_map(one).collect();
    if found.len() * 4 >= means.len() { Vec::new() } else { found }
}

/// The middle of some numbers, at least one; sorts them.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = numbers.get(middle).copied().unwrap_or_default();
    match numbers.len() % 2 {
        0 => (upper + middle.checked_sub(1).and_then(|m| numbers.get(m)).unwrap_or(&upper)) / 2.0,
        _ => upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(means: &[f64]) -> Vec<usize> {
        odd(&Bounds::default(), means).iter().map(|o| o.place).collect()
    }

    #[test]
    fn the_station_far_from_the_others_is_named_even_beside_a_second_broken_one() {
        assert_eq!(places(&[20.0, 22.0, 300.0, 18.0, 25.0, 21.0]), [2]);
        let two = [20.0, 22.0, 300.0, 18.0, 25.0, 21.0, 0.0, 500.0, 23.0];
        assert_eq!(places(&two), [2, 7]);
        assert_eq!(places(&[220.0, 240.0, 2.0, 230.0, 250.0]), [2]);
    }

    #[test]
    fn a_zone_in_a_dust_front_has_no_odd_station() {
        assert_eq!(places(&[40.0, 90.0, 180.0, 320.0, 500.0, 700.0]), [0usize; 0]);
        assert_eq!(places(&[20.0, 22.0, 60.0, 18.0, 25.0]), [0usize; 0]);
        let hills = [35.0, 40.0, 41.0, 170.0, 171.0, 172.0, 173.0, 174.0, 175.0, 176.0];
        assert_eq!(places(&hills), [0usize; 0]);
    }

    #[test]
    fn a_few_stations_say_nothing_of_each_other() {
        assert_eq!(places(&[20.0, 22.0, 300.0, 18.0]), [0usize; 0]);
        assert_eq!(odd(&Bounds { stations: 0, ..Bounds::default() }, &[5.0]), []);
        assert_eq!(odd(&Bounds::default(), &[]), []);
    }

    proptest! {
        #[test]
        fn fewer_than_a_quarter_are_odd_and_the_order_of_stations_does_not_matter(
            means in proptest::collection::vec(0.0f64..2_000.0, 0..30),
        ) {
            let found = places(&means);
            prop_assert!(found.is_empty() || found.len() * 4 < means.len());
            let mut turned = means.clone();
            turned.reverse();
            let back = places(&turned).into_iter().rev().map(|p| means.len() - 1 - p);
            prop_assert_eq!(back.collect::<Vec<_>>(), found);
        }
    }
}
