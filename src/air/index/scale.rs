//! The broken line from concentration to index.

use super::{Averaging, Basis, SubIndex};
use crate::air::Quantity;

/// One straight piece of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Segment {
    /// Lowest and highest concentration, in steps of the scale.
    pub concentration: (u32, u32),
    /// The index at the two.
    pub index: (u16, u16),
}

/// From concentrations of one quantity to an index, as an authority's table has it.
///
/// Concentrations are whole steps of `1 / steps_per_unit` of the quantity's unit,
/// since every authority first brings the concentration to such steps. So the
/// table may leave holes between its rows (15, then 16) that no input can hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Scale {
    /// What is measured; concentrations are in its unit ([`Quantity::unit`]).
    pub quantity: Quantity,
    /// The average that the table is meant for.
    pub averaging: Averaging,
    /// Steps in one unit: 1 for whole µg/m³, 10 for tenths.
    pub steps_per_unit: u32,
    /// The pieces, lowest first.
    pub segments: &'static [Segment],
    /// Where the figures come from.
    pub basis: Basis,
}

/// How an index between two whole numbers is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// Up to the next whole number.
    Up,
    /// To the nearest, halves up.
    Nearest,
}

impl Scale {
    /// The sub-index of a concentration given in whole steps. Above the last
    /// piece the index is held at its end and marked so.
    pub(super) fn sub_index(&self, steps: u32, rounding: Rounding) -> Option<SubIndex> {
        let last = self.segments.last()?;
        let beyond = steps > last.concentration.1;
        let steps = steps.min(last.concentration.1);
        let piece = self.segments.iter().find(|s| steps <= s.concentration.1)?;
        let (low, high) = piece.concentration;
        let (from, to) = (u64::from(piece.index.0), u64::from(piece.index.1));
        let span = u64::from(high.saturating_sub(low).max(1));
        let risen = u64::from(steps.saturating_sub(low)) * to.saturating_sub(from);
        let whole = match rounding {
            Rounding::Up => risen.div_ceil(span),
            Rounding::Nearest => (2 * risen + span) / (2 * span),
        };
        Some(SubIndex {
            quantity: self.quantity,
            value: u16::try_from(from + whole).unwrap_or(u16::MAX),
            exact: from as f64 + risen as f64 / span as f64,
            beyond,
        })
    }
}

/// A piece between two concentrations, for tables in which each row begins
/// where the one before ends.
pub(super) const fn piece(low: u32, high: u32, from: u16, to: u16) -> Segment {
    Segment { concentration: (low, high), index: (from, to) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::index::Sure;

    const LINE: Scale = Scale {
        quantity: Quantity::Pm2_5,
        averaging: Averaging::Day,
        steps_per_unit: 1,
        segments: &[piece(0, 15, 0, 50), piece(16, 35, 51, 100)],
        basis: Basis { text: "a test", sure: Sure::FromMemory },
    };

    #[test]
    fn nodes_are_hit_exactly_in_both_roundings() {
        for rounding in [Rounding::Up, Rounding::Nearest] {
            for (steps, index) in [(0, 0), (15, 50), (16, 51), (35, 100)] {
                let found = LINE.sub_index(steps, rounding).unwrap();
                assert_eq!((found.value, found.exact), (index, f64::from(index)));
            }
        }
    }

    #[test]
    fn between_nodes_the_two_roundings_differ() {
        // 1 step of 15 is 3.33 of the index.
        assert_eq!(LINE.sub_index(1, Rounding::Up).unwrap().value, 4);
        assert_eq!(LINE.sub_index(1, Rounding::Nearest).unwrap().value, 3);
    }

    #[test]
    fn above_its_end_the_scale_is_held_and_says_so() {
        let end = LINE.sub_index(35, Rounding::Up).unwrap();
        let above = LINE.sub_index(u32::MAX, Rounding::Up).unwrap();
        assert_eq!((above.value, above.beyond, end.beyond), (end.value, true, false));
    }

    #[test]
    fn a_scale_without_pieces_has_no_index() {
        let empty = Scale { segments: &[], ..LINE };
        assert_eq!(empty.sub_index(3, Rounding::Up), None);
    }
}
