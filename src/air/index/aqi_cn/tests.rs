use super::*;
use proptest::prelude::*;

const BOTH: [Edition; 2] = [Edition::Hj2012, Edition::Hj2026];
const PARTICLES: [Quantity; 2] = [Quantity::Pm2_5, Quantity::Pm10];

fn index(edition: Edition, quantity: Quantity, c: f64) -> u16 {
    sub_index(edition, quantity, c).unwrap().value
}

fn part(quantity: Quantity, value: u16) -> SubIndex {
    SubIndex { quantity, value, exact: f64::from(value), beyond: false }
}

#[test]
fn the_nodes_of_every_scale_give_their_index() {
    let indices = [0, 50, 100, 150, 200, 300, 400, 500];
    let nodes = [
        (Edition::Hj2012, Quantity::Pm2_5, [0, 35, 75, 115, 150, 250, 350, 500]),
        (Edition::Hj2026, Quantity::Pm2_5, [0, 35, 60, 115, 150, 250, 350, 500]),
        (Edition::Hj2012, Quantity::Pm10, [0, 50, 150, 250, 350, 420, 500, 600]),
        (Edition::Hj2026, Quantity::Pm10, [0, 50, 120, 250, 350, 420, 500, 600]),
    ];
    for (edition, quantity, concentrations) in nodes {
        for (c, i) in concentrations.into_iter().zip(indices) {
            assert_eq!(index(edition, quantity, f64::from(c)), i, "{edition:?} {quantity} {c}");
        }
        let above = sub_index(edition, quantity, 601.0).unwrap();
        assert_eq!((above.value, above.beyond), (500, true));
    }
}

#[test]
fn what_was_index_100_until_2026_is_114_and_112_since() {
    assert_eq!(index(Edition::Hj2026, Quantity::Pm2_5, 75.0), 114);
    assert_eq!(index(Edition::Hj2026, Quantity::Pm10, 150.0), 112);
}

#[test]
fn the_concentration_is_rounded_before_the_index() {
    let at = |c| index(Edition::Hj2026, Quantity::Pm2_5, c);
    assert_eq!((at(60.11), at(60.49)), (100, 100));
    assert_eq!((at(60.51), at(61.0)), (101, 101));
}

#[test]
fn halves_go_to_the_even_neighbour() {
    let at = |c| index(Edition::Hj2026, Quantity::Pm2_5, c);
    assert_eq!(at(60.5), at(60.0));
    assert_eq!(at(61.5), at(62.0));
    assert_eq!(at(60.500_000_000_001), at(60.0), "noise of arithmetic is no reason to round up");
    assert_eq!(at(60.499_999_999_999), at(60.0));
}

#[test]
fn the_index_is_rounded_up() {
    // 1 of 35 is 1.43 of the index; 116 lies 1.43 above 150.
    assert_eq!(index(Edition::Hj2012, Quantity::Pm2_5, 1.0), 2);
    assert_eq!(index(Edition::Hj2012, Quantity::Pm2_5, 116.0), 152);
}

#[test]
fn the_thresholds_of_the_warnings_mean_the_same_concentration_in_both_editions() {
    for edition in BOTH {
        for (threshold, pm2_5, pm10) in
            [(150, 115.0, 250.0), (200, 150.0, 350.0), (300, 250.0, 420.0)]
        {
            for (quantity, c) in [(Quantity::Pm2_5, pm2_5), (Quantity::Pm10, pm10)] {
                assert_eq!(index(edition, quantity, c), threshold);
                assert!(index(edition, quantity, c + 1.0) > threshold);
            }
        }
    }
}

#[test]
fn the_edition_changes_at_midnight_in_beijing() {
    let first = Stamp::parse("2026-03-01T00:00:00+08:00").unwrap();
    assert_eq!(first, FROM_2026);
    assert_eq!(Edition::at(first), Edition::Hj2026);
    assert_eq!(Edition::at(Stamp(first.0 - 1)), Edition::Hj2012);
    assert_eq!(Edition::on(jiff::civil::date(2026, 2, 28)), Edition::Hj2012);
    assert_eq!(Edition::on(jiff::civil::date(2026, 3, 1)), Edition::Hj2026);
}

#[test]
fn only_above_50_there_are_primary_pollutants_and_all_that_tie() {
    let clean = aqi(Edition::Hj2026, &[part(Quantity::Pm2_5, 50), part(Quantity::Pm10, 50)]);
    assert!(clean.unwrap().primary.is_empty());
    let tied = [part(Quantity::Pm10, 51), part(Quantity::Pm2_5, 51), part(Quantity::O3, 20)];
    assert_eq!(aqi(Edition::Hj2026, &tied).unwrap().primary, PARTICLES);
    assert_eq!(aqi(Edition::Hj2026, &[]), None);
}

#[test]
fn an_incomplete_set_is_published_only_above_100() {
    let of = |edition, value| aqi(edition, &[part(Quantity::Pm2_5, value)]).unwrap();
    assert_eq!(of(Edition::Hj2026, 100).published(), None);
    assert_eq!(of(Edition::Hj2026, 101).published(), Some(101));
    assert_eq!(of(Edition::Hj2012, 100).published(), Some(100));
    assert_eq!(of(Edition::Hj2026, 100).missing.len(), 5);
    let full: Vec<SubIndex> = NEEDED.into_iter().map(|q| part(q, 40)).collect();
    assert_eq!(aqi(Edition::Hj2026, &full).unwrap().published(), Some(40));
}

#[test]
fn every_band_begins_one_above_the_one_before() {
    let ends = [50, 100, 150, 200, 300];
    for (i, end) in ends.into_iter().enumerate() {
        assert_eq!((Band::of(end), Band::of(end + 1)), (Band::ALL[i], Band::ALL[i + 1]));
    }
    assert_eq!(Band::of(201).name().zh, "重度污染");
}

#[test]
fn the_hourly_report_averages_one_hour_since_2026() {
    assert_eq!(Edition::Hj2012.hourly_report(), Averaging::MovingDay);
    assert_eq!(Edition::Hj2026.hourly_report(), Averaging::Hour);
}

#[test]
fn what_is_no_concentration_has_no_index() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
        assert_eq!(sub_index(Edition::Hj2026, Quantity::Pm2_5, bad), None, "{bad}");
    }
    assert_eq!(sub_index(Edition::Hj2026, Quantity::O3, 0.05), None);
    assert_eq!(index(Edition::Hj2026, Quantity::Pm2_5, f64::MAX), 500);
}

proptest! {
    #[test]
    fn more_dust_never_lowers_the_index(a in 0.0..900.0f64, more in 0.0..300.0f64) {
        for edition in BOTH {
            for quantity in PARTICLES {
                prop_assert!(index(edition, quantity, a) <= index(edition, quantity, a + more));
            }
        }
    }

    #[test]
    fn the_edition_of_2026_is_never_the_milder_one(c in 0.0..900.0f64) {
        for quantity in PARTICLES {
            let (old, new) = (index(BOTH[0], quantity, c), index(BOTH[1], quantity, c));
            prop_assert!(old <= new);
            prop_assert!(old == new || (50..=150).contains(&new));
        }
    }

    #[test]
    fn no_number_makes_it_panic(c in any::<f64>()) {
        let found = sub_index(Edition::Hj2026, Quantity::Pm10, c);
        prop_assert_eq!(found.is_some(), c.is_finite() && c >= 0.0);
    }
}
