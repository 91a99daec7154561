//! PM1 ≤ PM2.5 ≤ PM4 ≤ PM10.
//!
//! The order does not hold exactly even in official data (about 5 % of hours of
//! a Korean city's autumn), and must neither silence an alert nor lift one: the
//! finer fraction keeps its flag, and a coarser one that is impossibly low
//! stops counting.

use super::object;
use crate::air::{Flag, Measured, Reason};

/// Values of one message that are compared with each other: what two lasers in
/// three treatments send, with room to spare. Bounds the pairs.
pub(super) const COMPARED_MAX: usize = 64;

/// A finer fraction may exceed a coarser one by this factor and this many
/// µg/m³: the stated error of the sensors in use, ±10 % and ±10 µg/m³.
const TOLERANCE: (f64, f64) = (1.1, 10.0);
/// Beyond this the coarser value is impossible. None of 133,000 hours of
/// official data of Seoul and Daejeon violates even the tolerance.
const GROSS: (f64, f64) = (2.0, 50.0);

/// How far the order of two fractions is violated.
#[derive(PartialEq, Eq)]
enum Fault {
    Small,
    Gross,
}

/// Compares every pair of particle fractions that carry the same label and
/// have not failed.
pub(super) fn judge(judged: &mut [Measured]) {
    let compared = judged.len().min(COMPARED_MAX);
    for (fine, coarse) in (0..compared).flat_map(|a| (0..compared).map(move |b| (a, b))) {
        let (Some(a), Some(b)) = (judged.get(fine), judged.get(coarse)) else { continue };
        let Some(fault) = fault(a, b) else { continue };
        let coarse_flag = if fault == Fault::Gross { Flag::Suspect } else { Flag::Pass };
        for (at, flag) in [(fine, Flag::Pass), (coarse, coarse_flag)] {
            if let Some(m) = judged.get_mut(at) {
                object(m, flag, Reason::PmOrder);
            }
        }
    }
}

/// What is wrong between a finer and a coarser fraction, if they are that.
fn fault(fine: &Measured, coarse: &Measured) -> Option<Fault> {
    let is_pair = fine.value.quantity < coarse.value.quantity
        && coarse.value.quantity.is_particle_mass()
        && fine.flag != Flag::Fail
        && coarse.flag != Flag::Fail
        && fine.value.label == coarse.value.label;
    let (a, b) = (fine.value.value, coarse.value.value);
    match () {
        () if !is_pair => None,
        () if a > b * GROSS.0 + GROSS.1 => Some(Fault::Gross),
        () if a > b * TOLERANCE.0 + TOLERANCE.1 => Some(Fault::Small),
        () => None,
    }
}
