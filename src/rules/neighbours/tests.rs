use super::*;
use proptest::prelude::*;

fn micros(means: &[f64]) -> Vec<i64> {
    means.iter().map(|m| micro(*m)).collect()
}

fn places(means: &[f64]) -> Vec<usize> {
    odd(&Bounds::default(), &micros(means)).iter().map(|o| o.place).collect()
}

/// Without the odd ones, of so many expected stations of which half must be there.
fn without_odd(means: &[f64], expected: u32) -> Compared {
    let bounds = Bounds { counts: false, ..Bounds::default() };
    Compared::of(Some(&bounds), Hour(7), &micros(means), expected, 0.5)
}

/// Six stations of which the third is broken.
const SIX: [f64; 6] = [20.0, 22.0, 300.0, 18.0, 25.0, 21.0];

#[test]
fn the_station_far_from_the_others_is_named_even_beside_a_second_broken_one() {
    assert_eq!(odd(&Bounds::default(), &micros(&SIX)), [Odd { place: 2, median: 21.0 }]);
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
    assert_eq!(odd(&Bounds { stations: 0, ..Bounds::default() }, &[5]), []);
    assert_eq!(odd(&Bounds::default(), &[]), []);
}

#[test]
fn a_difference_of_exactly_the_bound_is_none_and_a_millionth_more_is_one() {
    let found = |own: i64| {
        let mut means = micros(&[20.1, 20.1, 20.1, 20.1]);
        means.push(own);
        odd(&Bounds::default(), &means).len()
    };
    assert_eq!((found(70_100_000), found(70_100_001)), (0, 1));
    // The share: 240 is twice 120.
    let found = |own: i64| {
        let mut means = micros(&[120.0; 4]);
        means.push(own);
        odd(&Bounds::default(), &means).len()
    };
    assert_eq!((found(240_000_000), found(240_000_001)), (0, 1));
}

#[test]
fn a_quarter_of_the_stations_is_too_many_to_be_odd() {
    let zone = |high: usize, all: usize| {
        (0..all).map(|n| if n < high { 300.0 } else { 20.0 }).collect::<Vec<_>>()
    };
    assert_eq!(places(&zone(1, 5)), [0]);
    assert_eq!(places(&zone(2, 8)), [0usize; 0]);
    assert_eq!(places(&zone(2, 9)), [0, 1]);
}

#[test]
fn the_mean_is_without_the_odd_station_if_the_policy_says_so_and_with_it_if_not() {
    let plain = Compared::of(Some(&Bounds::default()), Hour(7), &micros(&SIX), 6, 0.5);
    assert_eq!(
        (plain.hour.stations, plain.hour.mean(), plain.left_out),
        (6, Some(406.0 / 6.0), false)
    );
    assert_eq!(plain.odd.len(), 1, "it is named all the same");
    let clean = without_odd(&SIX, 6);
    assert_eq!((clean.hour.stations, clean.hour.mean(), clean.left_out), (5, Some(21.2), true));
    assert_eq!((clean.hour.expected, clean.hour.valid), (6, true));
    let low = without_odd(&[220.0, 240.0, 2.0, 230.0, 250.0], 5);
    assert_eq!((low.hour.stations, low.hour.mean()), (4, Some(235.0)));
}

#[test]
fn where_too_few_stations_would_remain_all_of_them_count() {
    // Six of twelve are just enough, five would not be.
    let all = without_odd(&SIX, 12);
    assert_eq!((all.hour.stations, all.hour.valid, all.left_out), (6, true, false));
    assert_eq!(all.odd.len(), 1);
    let ten = without_odd(&SIX, 10);
    assert_eq!((ten.hour.stations, ten.hour.valid, ten.left_out), (5, true, true));
    // Already too few with it: unknown as ever, and nothing is left out.
    let few = without_odd(&SIX, 13);
    assert_eq!((few.hour.stations, few.hour.valid, few.left_out), (6, false, false));
}

#[test]
fn where_most_stations_disagree_all_of_them_count() {
    let split = [20.0, 22.0, 300.0, 310.0, 21.0, 305.0];
    let all = without_odd(&split, 6);
    assert_eq!((all.hour.stations, all.left_out, all.odd), (6, false, vec![]));
}

fn middle(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    let n = of.len();
    if n % 2 == 1 { of[n / 2] } else { (of[n / 2 - 1] + of[n / 2]) / 2.0 }
}

/// By the definition, with every median made from the others anew.
fn by_definition(bounds: &Bounds, means: &[i64]) -> Vec<usize> {
    let one = |place: &usize| {
        let mut others: Vec<f64> = means.iter().map(|m| *m as f64).collect();
        let own = others.remove(*place);
        if others.len() < bounds.stations.max(1) {
            return false;
        }
        let median = middle(others.clone());
        let spread = NORMAL * middle(others.iter().map(|o| (o - median).abs()).collect());
        let difference = (own - median).abs();
        difference > bounds.difference * 1e6
            && difference > bounds.share * own.max(median)
            && difference > bounds.deviations * spread
    };
    let found: Vec<usize> = (0..means.len()).filter(one).collect();
    if found.len() * 4 >= means.len() { Vec::new() } else { found }
}

/// Means of stations that mostly agree, many of them equal.
fn means() -> impl Strategy<Value = Vec<i64>> {
    let near = (0i64..40).prop_map(|m| m * MICRO);
    let any = 0i64..2_000 * MICRO;
    proptest::collection::vec(prop_oneof![6 => near, 1 => any], 0..30)
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let difference = proptest::sample::select(vec![0.0, 5.0, 50.0]);
    let deviations = proptest::sample::select(vec![0.0, 1.0, 5.0]);
    (0usize..6, difference, 0.0f64..0.9, deviations).prop_map(
        |(stations, difference, share, deviations)| Bounds {
            stations,
            difference,
            share,
            deviations,
            counts: false,
        },
    )
}

proptest! {
    #[test]
    fn the_median_of_the_others_is_that_of_the_list_without_the_one(
        numbers in proptest::collection::vec(0u8..20, 2..12), one in any::<prop::sample::Index>(),
    ) {
        let sorted = sorted(numbers.iter().map(|n| f64::from(*n)));
        let mut others = sorted.clone();
        let one = others.remove(one.index(sorted.len()));
        prop_assert_eq!(without(&sorted, one), middle(others));
    }

    #[test]
    fn who_is_odd_is_so_by_the_definition(means in means(), bounds in bounds()) {
        let found: Vec<usize> = odd(&bounds, &means).iter().map(|o| o.place).collect();
        prop_assert_eq!(found, by_definition(&bounds, &means));
    }

    #[test]
    fn fewer_than_a_quarter_are_odd_and_the_order_of_stations_does_not_matter(
        (means, shuffled) in means().prop_flat_map(|m| (Just(m.clone()), Just(m).prop_shuffle())),
        bounds in bounds(),
        expected in 0u32..40,
        share in 0.0f64..=1.0,
    ) {
        let of = |means: &[i64]| Compared::of(Some(&bounds), Hour(7), means, expected, share);
        let (one, other) = (of(&means), of(&shuffled));
        prop_assert!(one.odd.is_empty() || one.odd.len() * 4 < means.len());
        prop_assert_eq!(one.hour, other.hour);
        prop_assert_eq!(one.left_out, other.left_out);
        let values = |of: &Compared, means: &[i64]| {
            let mut odd: Vec<i64> = of.odd.iter().map(|o| means[o.place]).collect();
            odd.sort_unstable();
            odd
        };
        prop_assert_eq!(values(&one, &means), values(&other, &shuffled));
    }

    #[test]
    fn leaving_out_makes_no_hour_unknown_and_none_known(
        means in means(), bounds in bounds(), expected in 0u32..40, share in 0.0f64..=1.0,
    ) {
        let compared = Compared::of(Some(&bounds), Hour(7), &means, expected, share);
        let all = ZoneHour::from_means(Hour(7), means.iter().copied(), expected, share);
        prop_assert_eq!(compared.hour.valid, all.valid);
        let left_out = if compared.left_out { compared.odd.len() as u32 } else { 0 };
        prop_assert_eq!(compared.hour.stations + left_out, all.stations);
        if !compared.left_out {
            prop_assert_eq!(compared.hour, all);
        }
    }
}
