//! The rows of an export, cell by cell.

use super::parquet::Kind::{self, Count, Maybe, Number, Text, Time, Truth};
use super::parquet::{Cell, Cells};
use super::{HourLine, ReadingRow};
use crate::air::reading::TimeSource;

impl Cells<13> for ReadingRow<'_> {
    const KINDS: [Kind; 13] =
        [Text, Text, Text, Text, Text, Number, Text, Time, Time, Text, Count, Text, Truth];

    fn cells(&self) -> [Cell<'_>; 13] {
        [
            Cell::Text(self.device),
            Cell::Text(self.station),
            Cell::Text(self.quantity),
            Cell::Text(self.channel),
            Cell::Text(self.variant),
            Cell::Number(self.value),
            Cell::Text(self.unit),
            Cell::Time(self.at.0),
            Cell::Time(self.received_at.0),
            Cell::Text(match self.time_source {
                TimeSource::Device => "device",
                TimeSource::Arrival => "arrival",
            }),
            Cell::Count(u32::from(self.flag)),
            Cell::Text(&self.reasons),
            Cell::Truth(self.revision),
        ]
    }
}

impl Cells<12> for HourLine<'_> {
    const KINDS: [Kind; 12] =
        [Text, Text, Text, Text, Text, Time, Maybe, Maybe, Maybe, Count, Number, Count];

    fn cells(&self) -> [Cell<'_>; 12] {
        [
            Cell::Text(self.device),
            Cell::Text(self.station),
            Cell::Text(self.quantity),
            Cell::Text(self.channel),
            Cell::Text(self.variant),
            Cell::Time(self.start.0),
            Cell::Maybe(self.mean),
            Cell::Maybe(self.min),
            Cell::Maybe(self.max),
            Cell::Count(self.count),
            Cell::Number(self.coverage),
            Cell::Count(self.flagged),
        ]
    }
}
