//! What the tests of a series need of its earlier readings: a bounded state, folded
//! from the rows of the journal. It does not depend on any policy, so that a
//! changed configuration reads the same past.

use crate::air::{Flag, Measured, Quantity, Reason, Stamp};
use serde::{Deserialize, Serialize};

/// Series of one device that are followed: more than any instrument has.
const SERIES_MAX: usize = 64;

/// What is known of the series of every device.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Past {
    /// By the device's number less one.
    devices: Vec<Vec<Trail>>,
}

/// What is known of one series of particle masses: 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    /// The latest value that has not failed.
    value: f64,
    /// Its time, seconds.
    at: u32,
    /// Since when the series has this value, seconds.
    since: u32,
    /// When a value last counted, seconds.
    counted_at: u32,
    /// The value that counted last, in the precision that a comparison needs.
    counted: f32,
    /// The number under which the label is stored.
    label: u32,
    /// How many readings in a row have this value.
    run: u16,
    quantity: Quantity,
    /// Whether the latest value was a spike.
    spiked: bool,
}

impl Past {
    /// What is known of a series.
    pub fn trail(&self, device: u32, quantity: Quantity, label: u32) -> Option<&Trail> {
        let device = self.devices.get((device as usize).checked_sub(1)?)?;
        device.iter().find(|t| t.quantity == quantity && t.label == label)
    }

    /// Folds one stored reading in. What failed, is not a particle mass, comes late
    /// or from a clock that cannot be believed leaves no trail.
    pub fn absorb(&mut self, device: u32, label: u32, m: &Measured, at: Stamp) {
        let unbelievable = [Reason::ClockAhead, Reason::ClockBehind];
        let skip = !m.value.quantity.is_particle_mass()
            || m.flag == Flag::Fail
            || unbelievable.into_iter().any(|r| m.reasons.has(r));
        let (Some(at), false, Some(place)) = (seconds(at), skip, (device as usize).checked_sub(1))
        else {
            return;
        };
        if self.devices.len() <= place {
            self.devices.resize(place + 1, Vec::new());
        }
        let Some(series) = self.devices.get_mut(place) else { return };
        let same = |t: &Trail| t.quantity == m.value.quantity && t.label == label;
        if let Some(trail) = series.iter_mut().find(|t| same(t)) {
            trail.advance(m, at);
        } else if series.len() < SERIES_MAX {
            series.push(Trail::begin(m, label, at));
        }
    }
}

impl Trail {
    fn begin(m: &Measured, label: u32, at: u32) -> Trail {
        let mut trail = Trail {
            value: m.value.value,
            at,
            since: at,
            counted_at: 0,
            counted: 0.0,
            label,
            run: 1,
            quantity: m.value.quantity,
            spiked: false,
        };
        trail.note(m, at);
        trail
    }

    fn advance(&mut self, m: &Measured, at: u32) {
        if at <= self.at {
            return;
        }
        if m.value.value == self.value {
            self.run = self.run.saturating_add(1);
        } else {
            self.run = 1;
            self.since = at;
        }
        self.value = m.value.value;
        self.at = at;
        self.note(m, at);
    }

    fn note(&mut self, m: &Measured, at: u32) {
        self.spiked = m.reasons.has(Reason::Spike);
        if m.flag.counts() {
            self.counted = m.value.value as f32;
            self.counted_at = at;
        }
    }

    /// How many readings in a row have this value, and for how long, if one with
    /// it follows at `at`; `None` if it comes late or has another value.
    pub fn run_with(&self, value: f64, at: Stamp) -> Option<(u32, i64)> {
        let at = seconds(at).filter(|at| *at > self.at)?;
        (value == self.value).then(|| (u32::from(self.run) + 1, i64::from(at - self.since)))
    }

    /// The value that counted last, and how many seconds before `at`; `None` if
    /// there is none or `at` is not after the latest reading.
    pub fn counted_before(&self, at: Stamp) -> Option<(f64, i64)> {
        let at = seconds(at).filter(|at| *at > self.at && self.counted_at > 0)?;
        Some((f64::from(self.counted), i64::from(at - self.counted_at)))
    }

    /// Whether the latest value was a spike.
    pub fn spiked(&self) -> bool {
        self.spiked
    }
}

/// Whole seconds since 1970, up to 2106.
fn seconds(at: Stamp) -> Option<u32> {
    u32::try_from(at.0.div_euclid(1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{Reasons, Value};
    use proptest::prelude::*;

    fn reading(quantity: Quantity, value: f64, flag: Flag) -> Measured {
        Measured { value: Value::main(quantity, value), flag, reasons: Reasons::default() }
    }

    #[test]
    fn a_series_costs_less_than_forty_bytes() {
        assert!(size_of::<Trail>() < 40, "{}", size_of::<Trail>());
    }

    #[test]
    fn what_failed_or_came_late_leaves_no_trail() {
        let mut past = Past::default();
        let pm = |value, flag| reading(Quantity::Pm2_5, value, flag);
        past.absorb(1, 0, &pm(12.0, Flag::Pass), Stamp(100_000));
        let before = past.clone();
        past.absorb(1, 0, &pm(999.9, Flag::Fail), Stamp(200_000));
        past.absorb(1, 0, &pm(50.0, Flag::Pass), Stamp(90_000));
        past.absorb(1, 0, &reading(Quantity::Humidity, 50.0, Flag::Pass), Stamp(300_000));
        let mut ahead = pm(50.0, Flag::Suspect);
        ahead.reasons.add(Reason::ClockAhead);
        past.absorb(1, 0, &ahead, Stamp(900_000_000));
        assert_eq!(past, before);
    }

    #[test]
    fn a_message_full_of_labels_cannot_fill_the_memory() {
        let mut past = Past::default();
        for label in 0..1_000 {
            past.absorb(3, label, &reading(Quantity::Pm10, 1.0, Flag::Pass), Stamp(60_000));
        }
        assert_eq!(past.devices.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, SERIES_MAX]);
    }

    proptest! {
        #[test]
        fn any_reading_at_any_time_is_absorbed_and_comes_back_from_bytes(
            readings in proptest::collection::vec(
                (0usize..4, proptest::num::f64::NORMAL, any::<i64>(), 0u32..3), 0..40),
        ) {
            let mut past = Past::default();
            for (q, value, at, label) in readings {
                past.absorb(1, label, &reading(Quantity::ALL[q], value, Flag::Pass), Stamp(at));
            }
            let bytes = postcard::to_allocvec(&past).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Past>(&bytes).unwrap(), past);
        }
    }
}
