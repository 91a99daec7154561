//! Sealed history: readings that have left the journal for compressed blocks.
//!
//! ```text
//!  journal   ░░░░░░░░░░░░░░░░░░░░│██████████████████████   rows in the order of receipt
//!                        through ┘
//!  history   ▒▒▒▒▒▒▒▒▒▒▒▒ ▒▒▒ ▒▒   a device's parts: rows up to `upto`, as columns
//! ```
//! `sealed.through` is the one place that says where the journal begins: rows up to
//! it do not count any more, and parts of history count whose `upto` is not behind
//! it. So sealing takes any number of small transactions. Parts are prepared behind
//! `through`, where nobody sees them; then `through` moves, in a transaction of its
//! own; then the rows are deleted. Whatever a crash cuts off is done again: what was
//! prepared is thrown away, what was left is deleted.
//!
//! A part has rows of one device, and all that it has in the journal between two
//! rows. `upto` is the age of a part: of several readings for one series and instant
//! the one of the part with the greatest counts, and in a part the last. Late data
//! and revisions for hours that are sealed are rows of the journal like others, and
//! become parts of their own. Parts next to each other in age become one from time
//! to time ([`merge`]), as large as [`ROWS_MAX`] at most.
//!
//! A chain of rows that leads to a row that is sealed goes on in history, with the
//! rows of the same device and hour.

mod merge;
mod pass;
mod points;
mod prepare;
mod read;
mod unpacked;
mod write;

pub use pass::{SealRule, pass};
pub use points::Span;
pub(super) use unpacked::Unpacked;

use super::block::Sealed;
use super::types::{ArrivalRow, DeviceId};
use crate::air::reading::TimeSource;
use crate::air::{Hour, Label, Measured, Stamp, Value};

/// A row of readings as it is kept, in the journal or sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// When it came in, by our clock.
    pub received: Stamp,
    /// The source's row in `sources`.
    pub source: u32,
    /// The time that the readings are of.
    pub observed: Stamp,
    /// Which clock said so.
    pub time_source: TimeSource,
    /// Whether it replaces values of an earlier row of the same device and time.
    pub revises: bool,
    /// The readings.
    pub values: Vec<Measured>,
}

impl Kept {
    /// What the journal says of readings.
    pub fn of(received: Stamp, row: ArrivalRow) -> Kept {
        Kept {
            received,
            source: row.source,
            observed: row.observed,
            time_source: row.time_source,
            revises: row.revises,
            values: row.values,
        }
    }

    /// A sealed row; `None` if it names a label that is not there.
    fn unsealed(row: &Sealed, label: impl Fn(u32) -> Option<Label>) -> Option<Kept> {
        let values = row.values.iter().map(|v| {
            let value = Value { quantity: v.quantity, label: label(v.label)?, value: v.value };
            Some(Measured { value, flag: v.flag, reasons: v.reasons })
        });
        Some(Kept {
            received: row.received,
            source: row.source,
            observed: row.observed,
            time_source: row.time_source,
            revises: row.revises,
            values: values.collect::<Option<_>>()?,
        })
    }
}

/// A part of the sealed history of one device, without its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartInfo {
    /// The device.
    pub device: DeviceId,
    /// The last journal row in it: its age.
    pub upto: i64,
    /// The first hour that a row of it is of.
    pub first: Hour,
    /// The last such hour.
    pub last: Hour,
    /// How many rows it has.
    pub rows: u32,
    /// How many readings are in them.
    pub readings: u32,
}

impl PartInfo {
    /// How people find it again.
    pub fn place(&self, device: &str) -> String {
        let PartInfo { upto, first, last, .. } = self;
        format!("history of device {device}, part up to row {upto}, hours {first} to {last}")
    }
}
