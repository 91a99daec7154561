//! Which parts of a device become one.
//!
//! Parts are of tiers: each has about eight times the rows of the one below. The
//! newest parts of a tier and of those below become one when there are eight of
//! them, so that a row is written once a tier, and a device has a few dozen small
//! parts at most, however its data come.

use super::super::block::{ROWS_MAX, Sealed};
use super::PartInfo;
use super::prepare::part_of;
use crate::flow::Part;
use std::ops::Range;
use std::sync::Arc;

/// So many parts of a tier become one.
pub(super) const AT_ONCE: usize = 8;
/// A part with more rows than this is full: it would hardly become better.
const FULL: u32 = ROWS_MAX as u32 / 2;

/// The next parts to become one, oldest first, out of those of a device in the
/// order of their age; `None` if fewer than `least` (at least 2) fit together. They
/// reach over so many hours at most; one that reaches over half of that is full.
pub(super) fn to_merge(parts: &[PartInfo], least: usize, reach: i32) -> Option<Range<usize>> {
    let tier = |p: &PartInfo| match p.last.0.saturating_sub(p.first.0) > reach / 2 {
        true => u32::MAX,
        false => tier_of(p.rows),
    };
    let newest_of = |than: u32| {
        let older = parts.iter().rposition(|p| tier(p) > than);
        older.map_or(0, |place| place + 1)
    };
    let begin = (0..=tier_of(FULL)).map(newest_of).find(|begin| parts.len() - begin >= least)?;
    let (mut rows, mut first, mut last) = (0, i32::MAX, i32::MIN);
    let fits = |p: &&PartInfo| {
        rows += p.rows as usize;
        (first, last) = (first.min(p.first.0), last.max(p.last.0));
        rows <= ROWS_MAX && last.saturating_sub(first) <= reach
    };
    let count = parts.iter().skip(begin).take_while(fits).count();
    (count > 1).then_some(begin..begin + count)
}

fn tier_of(rows: u32) -> u32 {
    match rows {
        rows if rows > FULL => u32::MAX,
        rows => rows.max(1).ilog2() / 3,
    }
}

/// One part of the rows of several, given in the order of their age; `None` if
/// they make no block.
pub(super) fn merged(parts: &[PartInfo], blocks: &[Arc<Vec<Sealed>>]) -> Option<Part> {
    let last = parts.last()?;
    let rows: Vec<Sealed> = blocks.iter().flat_map(|rows| rows.iter().cloned()).collect();
    part_of(last.device, last.upto, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Hour;
    use crate::store::DeviceId;
    use proptest::prelude::*;

    fn parts(rows: &[u32]) -> Vec<PartInfo> {
        let part = |(upto, rows): (i64, &u32)| PartInfo {
            device: DeviceId(1),
            upto,
            first: Hour(0),
            last: Hour(0),
            rows: *rows,
            readings: *rows,
        };
        (1..).zip(rows).map(part).collect()
    }

    #[test]
    fn eight_parts_of_a_size_become_one_and_seven_do_not() {
        assert_eq!(to_merge(&parts(&[24; 7]), AT_ONCE, i32::MAX), None);
        assert_eq!(to_merge(&parts(&[24; 8]), AT_ONCE, i32::MAX), Some(0..8));
        assert_eq!(to_merge(&parts(&[3_000, 24, 24, 24]), AT_ONCE, i32::MAX), None);
        assert_eq!(to_merge(&[], 2, i32::MAX), None);
    }

    #[test]
    fn small_parts_behind_large_ones_go_with_them() {
        let mixed = [200, 1, 200, 1, 200, 1, 200, 1];
        assert_eq!(to_merge(&parts(&mixed), AT_ONCE, i32::MAX), Some(0..8));
        let full = [4_000, 600, 600, 600, 600, 600, 600, 600, 600];
        assert_eq!(to_merge(&parts(&full), AT_ONCE, i32::MAX), Some(1..7));
    }

    #[test]
    fn parts_that_reach_too_far_together_stay_apart() {
        // One for each day, of an hour's row each.
        let mut days = parts(&[24; 30]);
        for (day, part) in (0..).zip(&mut days) {
            (part.first, part.last) = (Hour(day * 24), Hour(day * 24 + 23));
        }
        assert_eq!(to_merge(&days, AT_ONCE, i32::MAX), Some(0..30));
        assert_eq!(to_merge(&days, AT_ONCE, 10 * 24), Some(0..10));
        days[0].last = Hour(150);
        assert_eq!(to_merge(&days, AT_ONCE, 10 * 24), Some(1..11), "the first is full");
        assert_eq!(to_merge(&days, AT_ONCE, 40), None);
    }

    proptest! {
        #[test]
        fn however_parts_come_their_number_stays_small(sizes in prop::collection::vec(1u32..200, 1..2_000)) {
            let mut all: Vec<u32> = Vec::new();
            let mut sum = 0u64;
            for rows in sizes {
                all.push(rows);
                sum += u64::from(rows);
                while let Some(range) = to_merge(&parts(&all), AT_ONCE, i32::MAX) {
                    let rows: u32 = all[range.clone()].iter().sum();
                    prop_assert!(rows as usize <= ROWS_MAX && range.len() > 1);
                    all.splice(range, [rows]);
                }
            }
            let small = all.iter().filter(|r| **r <= FULL).count();
            prop_assert!(small < 5 * AT_ONCE, "{small} of {}", all.len());
            prop_assert_eq!(all.iter().map(|r| u64::from(*r)).sum::<u64>(), sum);
        }
    }
}
