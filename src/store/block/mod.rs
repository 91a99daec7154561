//! Sealed history: the rows of one device over some hours as columns.
//!
//! A block holds what journal rows said of readings, to the last bit, without
//! what only the intake needs. Its rows are in the order of their times, and of
//! receipt where times are the same, so that the last of several for one series
//! and instant is the one that counts, as in the journal.
//!
//! ```text
//! block  := version:u8 rows:varint observed delay origin series:varint series* checksum:u64
//! series := quantity:u8 label:varint present:varint places? numbers marks
//! ```
//! `observed` is in ms, `delay` is receipt minus `observed`, `origin` is
//! `source << 2 | by the device's clock << 1 | revises`. `places` are the rows
//! that have the series, left out if all do. `numbers` are whole 10⁻³ units if
//! that loses nothing of any, else doubles; they may be written beside those of the
//! series before, of which each has with it the one of its row, or of the last row
//! before that has one. `marks` are `flag | reasons << 8`.
//! The checksum is the XXH3 of all bytes before it, little-endian.

mod bits;
mod column;
mod packing;
mod read;
mod steps;

pub use read::{decode, points};

use super::body::{exact_milli, put_varint};
use crate::air::reading::TimeSource;
use crate::air::{Flag, Quantity, Reasons, Stamp};
use column::{put_doubles, put_whole};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// What is written; of version 1 were blocks without the kinds 6 to 8 of columns.
const VERSION: u8 = 2;
/// The most rows of a block: bounds what a reader must unpack for one instant.
pub const ROWS_MAX: usize = 1 << 12;

/// A row of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The time that the readings are of.
    pub observed: Stamp,
    /// When they came in, by our clock.
    pub received: Stamp,
    /// Which clock said `observed`.
    pub time_source: TimeSource,
    /// The source's row in `sources`.
    pub source: u32,
    /// Whether it replaces values of an earlier row of the same time.
    pub revises: bool,
    /// The readings, at most one of a series.
    pub values: Vec<SealedValue>,
}

/// One reading of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SealedValue {
    /// The quantity.
    pub quantity: Quantity,
    /// The label's row in `labels`, 0 for the main series.
    pub label: u32,
    /// The value in the quantity's unit.
    pub value: f64,
    /// The verdict of quality control.
    pub flag: Flag,
    /// Why, if it did not simply pass.
    pub reasons: Reasons,
}

/// One reading with its times: what a row and a value of it say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The time that it is of.
    pub at: Stamp,
    /// When it came in, by our clock.
    pub received: Stamp,
    /// Which clock said `at`.
    pub time_source: TimeSource,
    /// The reading.
    pub reading: SealedValue,
}

/// Why bytes are not a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// A bit has flipped or bytes are missing.
    #[error("its checksum does not match")]
    Checksum,
    /// A newer program wrote it.
    #[error("it is of version {0}, which this program does not know")]
    Version(u8),
    /// The checksum matches, the content makes no sense.
    #[error("its content makes no sense")]
    Content,
}

#[derive(Default)]
struct Series {
    places: Vec<i64>,
    values: Vec<f64>,
    marks: Vec<i64>,
}

/// Writes rows as a block, in the order described. `None` if there are more
/// than [`ROWS_MAX`], none at all, or a row with two readings of a series.
pub fn encode(mut rows: Vec<Sealed>) -> Option<Vec<u8>> {
    if rows.is_empty() || rows.len() > ROWS_MAX {
        return None;
    }
    rows.sort_by_key(|row| row.observed);
    let mut out = vec![VERSION];
    put_varint(&mut out, rows.len() as u64);
    let column = |f: fn(&Sealed) -> i64| rows.iter().map(f).collect::<Vec<i64>>();
    put_whole(&mut out, &column(|r| r.observed.0), None)?;
    put_whole(&mut out, &column(|r| r.received.0.wrapping_sub(r.observed.0)), None)?;
    put_whole(&mut out, &column(origin), None)?;
    let mut series: BTreeMap<(Quantity, u32), Series> = BTreeMap::new();
    for (place, row) in (0i64..).zip(&rows) {
        for v in &row.values {
            let all = series.entry((v.quantity, v.label)).or_default();
            if all.places.last() == Some(&place) {
                return None;
            }
            all.places.push(place);
            all.values.push(v.value);
            all.marks.push(i64::from(v.flag.code()) | i64::from(v.reasons.0) << 8);
        }
    }
    put_varint(&mut out, series.len() as u64);
    let mut before = None;
    for ((quantity, label), series) in &series {
        out.push(quantity.code());
        put_varint(&mut out, u64::from(*label));
        before = put_series(&mut out, series, rows.len(), before.as_ref())?;
    }
    out.extend_from_slice(&xxh3_64(&out).to_le_bytes());
    Some(out)
}

fn origin(row: &Sealed) -> i64 {
    let device = i64::from(row.time_source == TimeSource::Device);
    i64::from(row.source) << 2 | device << 1 | i64::from(row.revises)
}

/// The numbers of a series and the rows that have them.
struct Known {
    places: Vec<i64>,
    numbers: Vec<i64>,
}

impl Known {
    /// A number for each of some rows: its own, or the last one before, or the first.
    fn at(&self, places: &[i64]) -> Vec<i64> {
        let mut all = self.places.iter().zip(&self.numbers).peekable();
        let mut last = self.numbers.first().copied().unwrap_or_default();
        let number = |place: &i64| {
            while let Some((_, number)) = all.next_if(|(known, _)| *known <= place) {
                last = *number;
            }
            last
        };
        places.iter().map(number).collect()
    }
}

/// Writes a series; what is known of it then, if its numbers are whole.
fn put_series(
    out: &mut Vec<u8>,
    series: &Series,
    rows: usize,
    before: Option<&Known>,
) -> Option<Option<Known>> {
    put_varint(out, series.places.len() as u64);
    if series.places.len() < rows {
        put_whole(out, &series.places, None)?;
    }
    let numbers = series.values.iter().map(|v| exact_milli(*v)).collect::<Option<Vec<i64>>>();
    match &numbers {
        Some(milli) => put_whole(out, milli, before.map(|b| b.at(&series.places)).as_deref())?,
        None => put_doubles(out, &series.values)?,
    }
    put_whole(out, &series.marks, None)?;
    Some(numbers.map(|numbers| Known { places: series.places.clone(), numbers }))
}

#[cfg(test)]
mod tests;
