//! Two lasers of one device against each other.
//!
//! A device with two lasers gives each as a channel. If they differ by more than
//! an amount and by more than a share of their mean, one of them is wrong and
//! nothing says which: both are suspect, and the device's main value with them,
//! because it is their mean. One laser alone is compared with nothing.
//! The bounds are those of the US EPA's cleaning of PurpleAir data
//! (sensortoolkit: |A − B| > 5 µg/m³ and |2 (A − B) / (A + B)| > 0.70).

use super::object;
use super::order::COMPARED_MAX;
use crate::air::{Flag, Measured, Quantity, Reason};

/// When two lasers disagree: if both bounds are exceeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Difference, µg/m³. Default 5.
    pub difference: f64,
    /// Difference as a share of the mean. Default 0.7.
    pub share: f64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { difference: 5.0, share: 0.7 }
    }
}

/// Whether two lasers' values of one quantity disagree.
pub fn disagree(bounds: &Bounds, a: f64, b: f64) -> bool {
    let difference = (a - b).abs();
    difference > bounds.difference && difference > bounds.share * (a + b) / 2.0
}

pub(super) fn judge(bounds: &Bounds, judged: &mut [Measured]) {
    let compared = judged.len().min(COMPARED_MAX);
    let mut doubtful: Vec<(Quantity, String)> = Vec::new();
    let lasers = |m: &Measured| {
        m.value.quantity.is_particle_mass()
            && !m.value.label.channel.is_empty()
            && m.flag != Flag::Fail
    };
    for (place, a) in judged.iter().enumerate().take(compared).filter(|(_, m)| lasers(m)) {
        for b in judged.iter().take(compared).skip(place + 1).filter(|m| lasers(m)) {
            let pair = a.value.quantity == b.value.quantity
                && a.value.label.variant == b.value.label.variant
                && a.value.label.channel != b.value.label.channel;
            if pair && disagree(bounds, a.value.value, b.value.value) {
                doubtful.push((a.value.quantity, a.value.label.variant.clone()));
            }
        }
    }
    for m in judged {
        let same =
            |(q, v): &(Quantity, String)| *q == m.value.quantity && *v == m.value.label.variant;
        if doubtful.iter().any(same) {
            object(m, Flag::Suspect, Reason::Disagreement);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{Label, Reasons, Value};

    fn laser(channel: &str, number: f64) -> Measured {
        let label = Label { channel: channel.to_owned(), variant: String::new() };
        let value = Value { quantity: Quantity::Pm2_5, label, value: number };
        Measured { value, flag: Flag::Pass, reasons: Reasons::default() }
    }

    fn flags(mut judged: Vec<Measured>) -> Vec<Flag> {
        judge(&Bounds::default(), &mut judged);
        judged.iter().map(|m| m.flag).collect()
    }

    #[test]
    fn lasers_that_differ_by_both_bounds_make_their_mean_suspect_too() {
        let all = flags(vec![laser("", 60.0), laser("a", 100.0), laser("b", 20.0)]);
        assert_eq!(all, [Flag::Suspect; 3]);
    }

    #[test]
    fn one_bound_alone_is_no_disagreement() {
        assert_eq!(flags(vec![laser("a", 1.0), laser("b", 5.9)]), [Flag::Pass; 2]);
        assert_eq!(flags(vec![laser("a", 300.0), laser("b", 400.0)]), [Flag::Pass; 2]);
        // Exactly at a bound is not beyond it.
        assert_eq!(flags(vec![laser("a", 0.0), laser("b", 5.0)]), [Flag::Pass; 2]);
    }

    #[test]
    fn lasers_of_one_variant_are_compared_and_doubted_by_themselves() {
        let of = |variant: &str, channel: &str, number: f64| {
            let mut m = laser(channel, number);
            m.value.label.variant = variant.to_owned();
            m
        };
        let raw = || vec![laser("a", 10.0), laser("b", 11.0)];
        let apart = vec![of("cf1", "a", 90.0), of("atm", "b", 10.0)];
        assert_eq!(flags([raw(), apart].concat()), [Flag::Pass; 4]);
        let doubtful = vec![of("cf1", "a", 90.0), of("cf1", "b", 10.0), of("cf1", "", 50.0)];
        let expected = [[Flag::Pass; 2].as_slice(), &[Flag::Suspect; 3]].concat();
        assert_eq!(flags([raw(), doubtful].concat()), expected);
    }

    #[test]
    fn a_laser_that_has_failed_or_stands_alone_is_compared_with_nothing() {
        let failed = Measured { flag: Flag::Fail, ..laser("b", 0.0) };
        assert_eq!(flags(vec![laser("a", 90.0), failed]), [Flag::Pass, Flag::Fail]);
        assert_eq!(flags(vec![laser("", 10.0), laser("a", 90.0)]), [Flag::Pass; 2]);
    }
}
