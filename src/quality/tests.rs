//! The tests of quality together.

use super::*;
use crate::air::{Label, Quantity};
use proptest::prelude::*;
use std::time::Duration;

const NOW: Stamp = Stamp(1_700_000_000_000);

fn by_arrival(values: &[(Quantity, f64)]) -> Vec<Measured> {
    let values = values.iter().map(|(q, v)| Value::main(*q, *v)).collect();
    judgement(&Policy::default(), values, NOW, TimeSource::Arrival)
}

fn judgement(
    policy: &Policy,
    values: Vec<Value>,
    observed: Stamp,
    source: TimeSource,
) -> Vec<Measured> {
    let by = Judged { policy, model: None };
    assess(by, values, When { observed, source, received: NOW })
}

fn verdict(quantity: Quantity, number: f64) -> (Flag, String) {
    let judged = by_arrival(&[(quantity, number)]);
    (judged[0].flag, judged[0].reasons.to_string())
}

fn verdicts(values: &[(Quantity, f64)]) -> Vec<(Flag, String)> {
    by_arrival(values).iter().map(|m| (m.flag, m.reasons.to_string())).collect()
}

#[test]
fn ordinary_air_and_real_peaks_pass() {
    for (quantity, number) in [
        (Quantity::Pm2_5, 0.0),
        (Quantity::Pm2_5, 12.3),
        (Quantity::Pm10, 1_157.0),
        (Quantity::Pm10, 1_000.0),
        (Quantity::Temperature, -1.0),
        (Quantity::Temperature, -40.0),
        (Quantity::Humidity, 100.0),
        (Quantity::Co2, 420.0),
        (Quantity::Pressure, 1_013.25),
        (Quantity::O3, 0.09),
    ] {
        assert_eq!(verdict(quantity, number), (Flag::Pass, String::new()), "{quantity} {number}");
    }
}

#[test]
fn marks_of_failure_fail_by_name() {
    for (quantity, number) in [
        (Quantity::Pm2_5, 999.9),
        (Quantity::Pm2_5, f64::from(999.9f32)),
        (Quantity::Pm10, 1_999.9),
        (Quantity::Pm1, -1.0),
        (Quantity::Pm2_5, 65_535.0),
        (Quantity::Pm10, 6_553.5),
        (Quantity::Pm2_5, -9_999.0),
        (Quantity::Temperature, -127.0),
        (Quantity::Humidity, -1.0),
        (Quantity::Co2, 65_535.0),
    ] {
        let failed = (Flag::Fail, "sentinel".to_owned());
        assert_eq!(verdict(quantity, number), failed, "{quantity} {number}");
    }
}

#[test]
fn what_cannot_be_fails_and_fog_is_suspect() {
    for (quantity, number) in [
        (Quantity::Pm2_5, -0.5),
        (Quantity::Pm10, 10_000.0),
        (Quantity::Temperature, 85.1),
        (Quantity::Temperature, -90.1),
        (Quantity::Humidity, 105.5),
        (Quantity::Pressure, 101_325.0),
        (Quantity::Co2, f64::NAN),
        (Quantity::Pm2_5, f64::INFINITY),
    ] {
        let failed = (Flag::Fail, "range".to_owned());
        assert_eq!(verdict(quantity, number), failed, "{quantity} {number}");
    }
    assert_eq!(verdict(Quantity::Humidity, 101.0), (Flag::Suspect, "range".to_owned()));
}

#[test]
fn a_small_disorder_of_fractions_is_noted_and_counts() {
    let noted = (Flag::Pass, "pm_order".to_owned());
    let judged = verdicts(&[(Quantity::Pm10, 80.0), (Quantity::Pm2_5, 110.0)]);
    assert_eq!(judged, [noted.clone(), noted]);
    let within = verdicts(&[(Quantity::Pm2_5, 30.0), (Quantity::Pm10, 25.0)]);
    assert!(within.iter().all(|v| *v == (Flag::Pass, String::new())));
}

#[test]
fn an_impossible_coarse_value_cannot_lift_and_a_fine_one_still_alarms() {
    let judged = verdicts(&[(Quantity::Pm2_5, 300.0), (Quantity::Pm10, 0.0)]);
    let order = || "pm_order".to_owned();
    assert_eq!(judged, [(Flag::Pass, order()), (Flag::Suspect, order())]);
}

#[test]
fn a_failed_or_differently_labelled_value_takes_no_part_in_the_order() {
    let judged = verdicts(&[(Quantity::Pm2_5, 999.9), (Quantity::Pm10, 20.0)]);
    assert_eq!(judged[1], (Flag::Pass, String::new()));
    let mut corrected = Value::main(Quantity::Pm2_5, 300.0);
    corrected.label = Label { channel: String::new(), variant: "cf1".to_owned() };
    let values = vec![corrected, Value::main(Quantity::Pm10, 1.0)];
    let judged = judgement(&Policy::default(), values, NOW, TimeSource::Arrival);
    assert!(judged.iter().all(|m| m.flag == Flag::Pass));
}

#[test]
fn a_clock_a_day_ahead_or_behind_makes_all_values_suspect() {
    let policy = Policy::default();
    let judge = |observed: Stamp, source: TimeSource| {
        let values = vec![Value::main(Quantity::Pm2_5, 12.0), Value::main(Quantity::Pm10, -1.0)];
        judgement(&policy, values, observed, source)
            .iter()
            .map(|m| (m.flag, m.reasons.to_string()))
            .collect::<Vec<_>>()
    };
    let day = Duration::from_secs(86_400);
    assert_eq!(
        judge(NOW.plus(day), TimeSource::Device),
        [
            (Flag::Suspect, "clock_ahead".to_owned()),
            (Flag::Fail, "sentinel,clock_ahead".to_owned())
        ]
    );
    let behind = judge(NOW.minus(day + Duration::from_secs(3 * 3600)), TimeSource::Device);
    assert_eq!(behind[0], (Flag::Suspect, "clock_behind".to_owned()));
    for believable in [NOW.plus(policy.max_future), NOW.minus(policy.max_past)] {
        assert_eq!(judge(believable, TimeSource::Device)[0].0, Flag::Pass);
    }
    assert_eq!(judge(NOW.plus(day), TimeSource::Arrival)[0].0, Flag::Pass);
}

proptest! {
    #[test]
    fn every_value_comes_back_unchanged_and_only_flags_below_three_lack_a_grave_reason(
        values in proptest::collection::vec((0usize..12, proptest::num::f64::ANY), 0..20),
        observed in any::<i64>(),
    ) {
        let values: Vec<Value> =
            values.into_iter().map(|(q, v)| Value::main(Quantity::ALL[q], v)).collect();
        let before: Vec<u64> = values.iter().map(|v| v.value.to_bits()).collect();
        let judged = judgement(&Policy::default(), values, Stamp(observed), TimeSource::Device);
        let after: Vec<u64> = judged.iter().map(|m| m.value.value.to_bits()).collect();
        prop_assert_eq!(before, after);
        for m in judged {
            let notes = [Reason::PmOrder, Reason::Humid];
            let only_notes = m.reasons.iter().all(|r| notes.contains(&r));
            prop_assert!(m.flag.counts() <= only_notes);
            prop_assert!(!m.flag.counts() || m.value.value.is_finite());
        }
    }
}

/// The readings of one series in turn, minutes apart: (minute, value) → flag and reasons.
fn in_turn(policy: &Policy, readings: &[(i64, f64)]) -> Vec<String> {
    let mut past = Past::default();
    let mut found = Vec::new();
    for (minute, number) in readings {
        let at = Stamp(NOW.0 + minute * 60_000);
        let mut m =
            judgement(policy, vec![Value::main(Quantity::Pm2_5, *number)], at, TimeSource::Arrival)
                .remove(0);
        follow(policy, &mut m, past.trail(1, Quantity::Pm2_5, 0), at);
        past.absorb(1, 0, &m, at);
        found.push(format!("{} {}", m.flag.code(), m.reasons).trim().to_owned());
    }
    found
}

#[test]
fn a_leap_is_noted_and_counts_unless_the_policy_says_otherwise() {
    let insects = [(0, 20.0), (2, 400.0), (4, 21.0), (6, 500.0), (8, 22.0)];
    let flags = in_turn(&Policy::default(), &insects);
    assert_eq!(flags, ["1", "1 spike", "1", "1 spike", "1"]);
}

#[test]
fn where_spikes_do_not_count_a_real_episode_is_silenced_for_one_reading() {
    let bounds = spike::Bounds { counts: false, ..spike::Bounds::default() };
    let policy = Policy { spike: Some(bounds), ..Policy::default() };
    let episode = [(0, 20.0), (2, 400.0), (4, 410.0), (6, 1_200.0), (8, 9_000.0)];
    assert_eq!(in_turn(&policy, &episode), ["1", "3 spike", "1", "1", "3 spike"]);
    let insects = [(0, 20.0), (2, 400.0), (4, 21.0), (6, 500.0), (8, 22.0)];
    assert_eq!(in_turn(&policy, &insects), ["1", "3 spike", "1", "3 spike", "1"]);
}

#[test]
fn an_hourly_series_has_no_spikes_and_a_failure_none_either() {
    assert_eq!(in_turn(&Policy::default(), &[(0, 20.0), (60, 1_157.0)]), ["1", "1"]);
    let capped = [(0, 20.0), (2, 999.9), (4, 21.0)];
    assert_eq!(in_turn(&Policy::default(), &capped), ["1", "4 sentinel", "1"]);
}

#[test]
fn a_frozen_series_is_stuck_until_another_value_comes() {
    let hours = |n: i64, value: f64| (n * 60, value);
    let mut frozen: Vec<(i64, f64)> = (0..24).map(|n| hours(n, 31.0)).collect();
    frozen.push(hours(24, 32.0));
    let flags = in_turn(&Policy::default(), &frozen);
    assert!(flags[..19].iter().all(|f| f == "1"), "{flags:?}");
    assert!(flags[19..24].iter().all(|f| f == "3 stuck"), "{flags:?}");
    assert_eq!(flags[24], "1");
}

#[test]
fn the_floors_of_official_instruments_are_not_stuck_nor_are_a_few_equal_hours() {
    for floor in [0.0, 1.0, 3.0] {
        let floor: Vec<(i64, f64)> = (0..48).map(|n| (n * 60, floor)).collect();
        assert!(in_turn(&Policy::default(), &floor).iter().all(|f| f == "1"));
    }
    let equal: Vec<(i64, f64)> = (0..18).map(|n| (n * 60, 186.0)).collect();
    assert!(in_turn(&Policy::default(), &equal).iter().all(|f| f == "1"));
    // Many in a short time: whole numbers of a low-cost laser in even air.
    let even: Vec<(i64, f64)> = (0..300).map(|n| (n, 12.0)).collect();
    assert!(in_turn(&Policy::default(), &even).iter().all(|f| f == "1"));
}

#[test]
fn a_test_that_is_switched_off_objects_to_nothing() {
    let off = Policy {
        failure: false,
        range: false,
        order: false,
        stuck: None,
        spike: None,
        agreement: None,
        humidity: None,
        ..Policy::default()
    };
    let frozen: Vec<(i64, f64)> = (0..48).map(|n| (n * 60, 999.9)).collect();
    assert!(in_turn(&off, &frozen).iter().all(|f| f == "1"));
    assert_eq!(in_turn(&off, &[(0, 20.0), (2, -5.0), (4, 65_535.0)]), ["1"; 3]);
}

proptest! {
    #[test]
    fn no_two_readings_in_a_row_are_spikes(
        values in proptest::collection::vec(0.0f64..900.0, 1..60),
    ) {
        let values: Vec<(i64, f64)> = (0i64..).zip(values).collect();
        let flags = in_turn(&Policy::default(), &values);
        prop_assert!(!flags.windows(2).any(|w| w.iter().all(|f| f.contains("spike"))));
    }
}
