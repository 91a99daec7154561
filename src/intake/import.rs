//! Readings of files, taken in while no daemon runs.
//!
//! They are kept, counted and summed into their hours as those of a source of
//! their own, and judge nothing: no zone judges its past again, no threshold
//! moves, and no device is taken to report. The rows say by their source what
//! they are, so that a daemon that reads them at its start makes the same of them.
//!
//! A value that is there for its series and time, even one that was revised since,
//! is passed over and leaves no trace: taking a file twice is taking it once, and
//! one that was broken off is gone on with by taking it again.

use super::plan::Plan;
use super::state::State;
use crate::air::reading::TimeSource;
use crate::air::{Hour, Measured, Stamp};
use crate::config::settings::Judgement;
use crate::flow::IMPORT;
use crate::store::{ArrivalRow, Bucket, DeviceId, RowKind, StoreError, Writer};
use crate::telemetry::{Health, Metrics};
use std::sync::Arc;

/// What a device measured at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRow {
    /// The device.
    pub device: String,
    /// When.
    pub at: Stamp,
    /// Which clock said so.
    pub time_source: TimeSource,
    /// One value for each series.
    pub values: Vec<Measured>,
}

/// What became of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// They were not there.
    pub stored: u64,
    /// Another value was there; both are kept, and the one of the file counts.
    pub revised: u64,
    /// They were there.
    pub known: u64,
}

/// The writer of a store, for readings of files.
pub struct Importer {
    state: State,
    source: u32,
}

impl Importer {
    /// Reads the state of the store. Hours are covered and closed as `judgement` says.
    ///
    /// # Errors
    /// If the store fails.
    pub fn open(
        mut writer: Writer,
        judgement: &Judgement,
        now: Stamp,
    ) -> Result<Importer, StoreError> {
        let source = writer.source(IMPORT)?;
        let plan = Arc::new(Plan::without_judging(judgement));
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), "");
        let mut state = State::new(plan, writer, metrics, &Health::new(), now)?;
        state.read_back(now)?;
        if state.index.frontier == Hour::default() {
            // Where no hour was ever closed, every hour of the file would be open.
            state.writer.begin()?;
            state.close_before(now.hour().back(1), now)?;
            state.writer.commit()?;
        }
        Ok(Importer { state, source })
    }

    /// Takes rows in as one transaction; they are on disk when it returns.
    ///
    /// # Errors
    /// If the store fails; nothing of the rows is kept then.
    pub fn take(&mut self, rows: &[ImportRow], now: Stamp) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        self.state.writer.begin()?;
        for row in rows {
            self.state.import(row, self.source, now, &mut imported)?;
        }
        self.state.writer.commit()?;
        Ok(imported)
    }
}

impl State {
    fn import(
        &mut self,
        row: &ImportRow,
        source: u32,
        now: Stamp,
        imported: &mut Imported,
    ) -> Result<(), StoreError> {
        let device = self.writer.device(&row.device, source)?;
        let hour = self.hour_of(device, row.at, now)?;
        let there = match &hour {
            Some(hour) => self.writer.values_ever(device, hour, row.at)?,
            None => Vec::new(),
        };
        let series = |a: &Measured, b: &Measured| {
            a.value.quantity == b.value.quantity && a.value.label == b.value.label
        };
        let same = |a: &Measured, b: &Measured| {
            series(a, b) && a.value.value.to_bits() == b.value.value.to_bits()
        };
        let known = |m: &&Measured| there.iter().any(|t| same(t, m));
        let (known, new): (Vec<_>, Vec<_>) = row.values.iter().partition(known);
        let revised = new.iter().filter(|m| there.iter().any(|t| series(t, m))).count();
        imported.known += known.len() as u64;
        imported.revised += revised as u64;
        imported.stored += (new.len() - revised) as u64;
        if new.is_empty() {
            return Ok(());
        }
        let row = ArrivalRow {
            source,
            bucket: Bucket::Stored,
            continues: false,
            device: Some(device),
            observed: row.at,
            time_source: row.time_source,
            revises: revised > 0,
            prev: hour.map_or(0, |h| h.head),
            packet: None,
            values: new.into_iter().cloned().collect(),
            duplicates: known.len() as u32,
            skipped: 0,
        };
        self.append(now, RowKind::Arrival(row))
    }

    /// Closes the hours of all devices before one.
    fn close_before(&mut self, frontier: Hour, now: Stamp) -> Result<(), StoreError> {
        self.close_some(frontier, DeviceId(0), now)?;
        while self.index.closing.is_some() {
            self.go_on()?;
        }
        Ok(())
    }
}
