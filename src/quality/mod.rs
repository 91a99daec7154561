//! Whether a reading can be believed: QARTOD flags with named reasons, beside
//! the value and never instead of it; pure.
//!
//! | test | verdict |
//! |---|---|
//! | the number is one that such sensors send when they have failed | fail, `sentinel` |
//! | outside what the quantity can be | fail, `range` (humidity slightly over 100 %: suspect) |
//! | the device's clock is ahead or behind | suspect, `clock_ahead` / `clock_behind`, all its values |
//! | a finer fraction exceeds a coarser one | `pm_order` on both; suspect only the coarser, only if gross |
//!
//! The worst verdict counts; a value that no test objects to passes. Ranges are
//! wide on purpose: hourly means above 1000 µg/m³ have been real. The order of
//! fractions does not hold exactly even in official data (about 5 % of hours of
//! a Korean city's autumn), and must neither silence an alert nor lift one: the
//! finer fraction keeps its flag, and a coarser one that is impossibly low
//! stops counting. Tests that need earlier values do not belong here.

use crate::air::reading::TimeSource;
use crate::air::{Flag, Measured, Quantity, Reason, Reasons, Stamp, Value};
use std::time::Duration;

/// What is believable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How far a device's clock may be ahead of ours. Default 5m.
    pub max_future: Duration,
    /// How far back a device's own time may lie: the longest backlog that it
    /// can send after a gap. Default 24h.
    pub max_past: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { max_future: Duration::from_secs(300), max_past: Duration::from_secs(86_400) }
    }
}

/// Judges the values that one device reported for one instant. `observed` is
/// the time they are stored under, from the clock `time_source`; `received` is
/// when they came in.
pub fn assess(
    policy: &Policy,
    values: Vec<Value>,
    observed: Stamp,
    time_source: TimeSource,
    received: Stamp,
) -> Vec<Measured> {
    let clock = clock_fault(policy, observed, time_source, received);
    let mut judged: Vec<Measured> = values.into_iter().map(by_itself).collect();
    judge_order(&mut judged);
    if let Some(reason) = clock {
        judged.iter_mut().for_each(|m| object(m, Flag::Suspect, reason));
    }
    judged
}

/// Adds an objection; the worst flag stays.
fn object(m: &mut Measured, flag: Flag, reason: Reason) {
    m.flag = m.flag.max(flag);
    m.reasons.add(reason);
}

fn clock_fault(
    policy: &Policy,
    observed: Stamp,
    time_source: TimeSource,
    received: Stamp,
) -> Option<Reason> {
    match time_source {
        TimeSource::Arrival => None,
        TimeSource::Device if observed > received.plus(policy.max_future) => {
            Some(Reason::ClockAhead)
        }
        TimeSource::Device if observed < received.minus(policy.max_past) => {
            Some(Reason::ClockBehind)
        }
        TimeSource::Device => None,
    }
}

/// The tests that look at one value alone.
fn by_itself(value: Value) -> Measured {
    let (quantity, number) = (value.quantity, value.value);
    let mut m = Measured { value, flag: Flag::Pass, reasons: Reasons::default() };
    if is_sentinel(quantity, number) {
        object(&mut m, Flag::Fail, Reason::Sentinel);
        return m;
    }
    let (low, high) = range(quantity);
    if !(low..=high).contains(&number) {
        let condensing =
            quantity == Quantity::Humidity && (high..=HUMIDITY_OVERSHOOT).contains(&number);
        let flag = if condensing { Flag::Suspect } else { Flag::Fail };
        object(&mut m, flag, Reason::Range);
    }
    m
}

/// The lowest and highest value that the quantity can have in open or indoor
/// air, in [`Quantity::unit`].
fn range(quantity: Quantity) -> (f64, f64) {
    match quantity {
        Quantity::Pm1 | Quantity::Pm2_5 | Quantity::Pm4 | Quantity::Pm10 => (0.0, 9_999.0),
        Quantity::Co2 => (0.0, 50_000.0),
        // The coldest air measured is -89.2 °C; a sensor in the sun can reach 85.
        Quantity::Temperature => (-90.0, 85.0),
        Quantity::Humidity => (0.0, 100.0),
        // The top of Everest to the highest sea-level pressure, 1084 hPa.
        Quantity::Pressure => (300.0, 1_100.0),
        // Full scales of the widest electrochemical cells in use.
        Quantity::O3 | Quantity::No2 | Quantity::So2 => (0.0, 100.0),
        Quantity::Co => (0.0, 1_000.0),
    }
}

/// Capacitive sensors read a little above saturation in fog, %.
const HUMIDITY_OVERSHOOT: f64 = 105.0;

/// Marks of failure for any quantity: "no value" of loggers, and a 16-bit
/// register of ones, also in tenths.
const MARKS: [f64; 4] = [-9_999.0, -999.0, 65_535.0, 6_553.5];
/// … of particle sensors: "no value", and the two caps of the SDS011.
const PARTICLE_MARKS: [f64; 3] = [-1.0, 999.9, 1_999.9];
/// … of thermometers: DS18B20 disconnected, airRohr's "no value".
const TEMPERATURE_MARKS: [f64; 2] = [-127.0, -128.0];
/// … of everything else that is never negative.
const OTHER_MARKS: [f64; 1] = [-1.0];

/// How near a number must be to a mark: senders that compute in 32-bit floats
/// write 999.9000244140625.
const MARK_NEAR: f64 = 0.0005;

fn is_sentinel(quantity: Quantity, number: f64) -> bool {
    let own: &[f64] = match quantity {
        Quantity::Temperature => &TEMPERATURE_MARKS,
        q if q.is_particle_mass() => &PARTICLE_MARKS,
        _ => &OTHER_MARKS,
    };
    near(number, &MARKS) || near(number, own)
}

fn near(number: f64, marks: &[f64]) -> bool {
    marks.iter().any(|mark| (number - mark).abs() < MARK_NEAR)
}

/// Compares every pair of particle fractions that carry the same label and
/// have not failed.
fn judge_order(judged: &mut [Measured]) {
    let compared = judged.len().min(ORDER_MAX);
    for (fine, coarse) in (0..compared).flat_map(|a| (0..compared).map(move |b| (a, b))) {
        let (Some(a), Some(b)) = (judged.get(fine), judged.get(coarse)) else { continue };
        let Some(fault) = order_fault(a, b) else { continue };
        let coarse_flag = if fault == Order::Gross { Flag::Suspect } else { Flag::Pass };
        for (at, flag) in [(fine, Flag::Pass), (coarse, coarse_flag)] {
            if let Some(m) = judged.get_mut(at) {
                object(m, flag, Reason::PmOrder);
            }
        }
    }
}

/// Values of one message that are compared with each other: what two lasers in
/// three treatments send, with room to spare. Bounds the pairs.
const ORDER_MAX: usize = 64;

/// How far the order of two fractions is violated.
#[derive(PartialEq, Eq)]
enum Order {
    Violated,
    Gross,
}

/// A finer fraction may exceed a coarser one by this factor and this many
/// µg/m³: the stated error of the sensors in use, ±10 % and ±10 µg/m³.
const TOLERANCE: (f64, f64) = (1.1, 10.0);
/// Beyond this the coarser value is impossible. None of 133,000 hours of
/// official data of Seoul and Daejeon violates even the tolerance.
const GROSS: (f64, f64) = (2.0, 50.0);

/// What is wrong between a finer and a coarser fraction, if they are that.
fn order_fault(fine: &Measured, coarse: &Measured) -> Option<Order> {
    let is_pair = fine.value.quantity < coarse.value.quantity
        && coarse.value.quantity.is_particle_mass()
        && fine.flag != Flag::Fail
        && coarse.flag != Flag::Fail
        && fine.value.label == coarse.value.label;
    let (a, b) = (fine.value.value, coarse.value.value);
    match () {
        _ if !is_pair => None,
        _ if a > b * GROSS.0 + GROSS.1 => Some(Order::Gross),
        _ if a > b * TOLERANCE.0 + TOLERANCE.1 => Some(Order::Violated),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Label;
    use proptest::prelude::*;

    const NOW: Stamp = Stamp(1_700_000_000_000);

    fn by_arrival(values: &[(Quantity, f64)]) -> Vec<Measured> {
        let values = values.iter().map(|(q, v)| Value::main(*q, *v)).collect();
        assess(&Policy::default(), values, NOW, TimeSource::Arrival, NOW)
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
            assert_eq!(
                verdict(quantity, number),
                (Flag::Pass, String::new()),
                "{quantity} {number}"
            );
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
        let judged = assess(&Policy::default(), values, NOW, TimeSource::Arrival, NOW);
        assert!(judged.iter().all(|m| m.flag == Flag::Pass));
    }

    #[test]
    fn a_clock_a_day_ahead_or_behind_makes_all_values_suspect() {
        let policy = Policy::default();
        let judge = |observed: Stamp, source: TimeSource| {
            let values =
                vec![Value::main(Quantity::Pm2_5, 12.0), Value::main(Quantity::Pm10, -1.0)];
            assess(&policy, values, observed, source, NOW)
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
            let judged = assess(&Policy::default(), values, Stamp(observed), TimeSource::Device, NOW);
            let after: Vec<u64> = judged.iter().map(|m| m.value.value.to_bits()).collect();
            prop_assert_eq!(before, after);
            for m in judged {
                let only_order = m.reasons.iter().all(|r| r == Reason::PmOrder);
                prop_assert!(m.flag.counts() <= only_order);
                prop_assert!(!m.flag.counts() || m.value.value.is_finite());
            }
        }
    }
}
