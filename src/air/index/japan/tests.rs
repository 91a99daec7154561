use super::*;
use proptest::prelude::*;

/// A day with these values from "05 h" on.
fn from_five(values: &[f64]) -> StationDay {
    let mut day = [None; 24];
    for (hour, value) in day.iter_mut().skip(4).zip(values) {
        *hour = Some(*value);
    }
    day
}

fn steady(value: f64) -> StationDay {
    from_five(&[value; 8])
}

#[test]
fn in_the_morning_the_second_highest_station_decides() {
    let alone = judge(&MORNING, &[steady(200.0), steady(85.0), steady(10.0)]);
    assert_eq!(alone, Judgement::NotMet { value: 85.0 });
    let two = judge(&MORNING, &[steady(10.0), steady(86.0), steady(200.0)]);
    assert_eq!(two, Judgement::Met { value: 86.0, stations: vec![1, 2] });
}

#[test]
fn at_noon_any_station_is_enough() {
    assert_eq!(judge(&NOON, &[steady(80.0), steady(1.0)]), Judgement::NotMet { value: 80.0 });
    let met = Judgement::Met { value: 80.1, stations: vec![1] };
    assert_eq!(judge(&NOON, &[steady(1.0), steady(80.1)]), met);
}

#[test]
fn a_mean_of_exactly_85_is_not_above_85() {
    let day = from_five(&[84.9, 85.0, 85.1]);
    assert_eq!(judge(&MORNING, &[day, day]), Judgement::NotMet { value: 85.0 });
}

#[test]
fn only_the_named_hours_count() {
    let mut day = [Some(500.0); 24];
    day[4..7].fill(Some(10.0));
    assert_eq!(judge(&MORNING, &[day, day]), Judgement::NotMet { value: 10.0 });
    day[4..12].fill(Some(20.0));
    assert_eq!(judge(&NOON, &[day]), Judgement::NotMet { value: 20.0 });
}

#[test]
fn a_station_with_too_few_hours_does_not_count() {
    let two_hours = from_five(&[200.0, 200.0]);
    let judged = judge(&MORNING, &[steady(200.0), two_hours]);
    assert_eq!(judged, Judgement::Unknown { stations: 1 });
    assert_eq!(judge(&NOON, &[from_five(&[200.0; 5])]), Judgement::Unknown { stations: 0 });
    let met = Judgement::Met { value: 200.0, stations: vec![0] };
    assert_eq!(judge(&NOON, &[from_five(&[200.0; 6])]), met);
}

#[test]
fn the_guide_value_is_above_70() {
    assert_eq!((day_exceeds(70.0), day_exceeds(70.1)), (Some(false), Some(true)));
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(day_exceeds(bad), None);
    }
}

#[test]
fn every_station_must_be_clean_for_two_hours() {
    let clean: &[Option<f64>] = &[Some(90.0), Some(50.0), Some(50.0)];
    let one_hour: &[Option<f64>] = &[Some(50.1), Some(50.0)];
    let gap: &[Option<f64>] = &[Some(10.0), None];
    let wrong: &[Option<f64>] = &[Some(10.0), Some(f64::NAN)];
    assert!(may_lift(&[clean, clean]));
    for other in [one_hour, gap, wrong, &[Some(10.0)], &[]] {
        assert!(!may_lift(&[clean, other]), "{other:?}");
    }
    assert!(!may_lift(&[]));
}

proptest! {
    #[test]
    fn more_dust_never_takes_a_call_back(
        values in prop::collection::vec(0.0..150.0f64, 2..8),
        more in 0.0..50.0f64,
    ) {
        for criterion in [MORNING, NOON] {
            let met = |add: f64| {
                let days: Vec<StationDay> = values.iter().map(|v| steady(v + add)).collect();
                matches!(judge(&criterion, &days), Judgement::Met { .. })
            };
            prop_assert!(!met(0.0) || met(more));
        }
    }

    #[test]
    fn the_order_of_stations_does_not_matter(
        values in prop::collection::vec(0.0..150.0f64, 0..8),
    ) {
        let days: Vec<StationDay> = values.iter().map(|v| steady(*v)).collect();
        let back: Vec<StationDay> = days.iter().rev().copied().collect();
        let value = |j| match j {
            Judgement::Unknown { stations } => (0, stations as f64),
            Judgement::NotMet { value } => (1, value),
            Judgement::Met { value, .. } => (2, value),
        };
        prop_assert_eq!(value(judge(&MORNING, &days)), value(judge(&MORNING, &back)));
    }

    #[test]
    fn no_hours_whatever_make_it_panic(
        hours in prop::collection::vec(prop::option::of(any::<f64>()), 24),
    ) {
        let mut day = [None; 24];
        day.copy_from_slice(&hours);
        judge(&NOON, &[day, day]);
    }
}
