//! What can be sealed, and the parts that it becomes.

use super::super::block::{ROWS_MAX, Sealed, SealedValue, encode};
use super::super::read::{Reader, Res};
use super::super::types::{ArrivalRow, DeviceId, Row, RowKind};
use super::pass::SealRule;
use crate::air::{Label, Measured, Stamp};
use crate::flow::Part;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

/// Rows of the journal that are sealed together: so many that each device has a
/// worthwhile part of them, …
const ROWS_PER_DEVICE: i64 = 64;
/// … and not fewer or more than this.
const STEP: RangeInclusive<i64> = 16_384..=1 << 20;

/// Rows of the journal that are sealed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// The last row sealed before.
    pub after: i64,
    /// The last row of the step.
    pub through: i64,
}

impl Reader {
    /// The next rows to seal: those that are old enough by the journal's own time,
    /// and that every target has. Fewer than a step wait until they are half as old
    /// again. The last row of all stays: the journal goes on behind it.
    pub(super) fn sealable(&mut self, rule: &SealRule) -> Res<Option<Step>> {
        let after = self.sealed_through()?;
        let newest = self.committed()?.journal;
        let mut end = newest - 1;
        for target in &rule.targets {
            end = end.min(self.cursor(target)?.journal);
        }
        if end <= after {
            return Ok(None);
        }
        let now = self.received_at(newest)?;
        let old = now.minus(rule.after);
        let devices = self.number("SELECT count(*) FROM devices")?;
        let step = (devices * ROWS_PER_DEVICE).clamp(*STEP.start(), *STEP.end());
        let through = self.last_before(old, (after, end))?.min(after + step);
        let waited = self.received_at(after + 1)? < old.minus(rule.after / 2);
        let enough = through - after >= step || waited || rule.all;
        Ok((through > after && enough).then_some(Step { after, through }))
    }

    /// The last row after one up to another that came in before this time, or the
    /// first of these: rows come in in the order of time.
    fn last_before(&self, time: Stamp, (after, end): (i64, i64)) -> Res<i64> {
        let (mut before, mut behind) = (after, end + 1);
        while before + 1 < behind {
            let middle = before + (behind - before) / 2;
            match self.received_at(middle)? < time {
                true => before = middle,
                false => behind = middle,
            }
        }
        Ok(before)
    }

    fn received_at(&self, seq: i64) -> Res<Stamp> {
        self.received(seq)?
            .ok_or_else(|| self.damaged(format!("journal row {seq} is missing; nothing is sealed")))
    }

    /// The parts that the rows of a step become, of some devices.
    pub(super) fn prepare(&mut self, step: Step, devices: RangeInclusive<u32>) -> Res<Vec<Part>> {
        let mut preparing = Preparing { labels: self.label_ids().clone(), ..Preparing::default() };
        self.rows_of(devices, (step.after, step.through), |row| preparing.take(row))?;
        let nothing = "a row of readings makes no block: it has two of one series".to_owned();
        preparing.finish().ok_or_else(|| self.damaged(nothing))
    }
}

/// Rows by device, until there are enough of them for a part.
#[derive(Default)]
struct Preparing {
    labels: HashMap<Label, u32>,
    open: BTreeMap<DeviceId, (i64, Vec<Sealed>)>,
    parts: Vec<Option<Part>>,
}

impl Preparing {
    fn take(&mut self, row: Row) {
        let RowKind::Arrival(arrival) = row.kind else { return };
        let (Some(device), false) = (arrival.device, arrival.values.is_empty()) else { return };
        let sealed = self.sealed(row.received, &arrival);
        let (upto, rows) = self.open.entry(device).or_default();
        *upto = row.seq;
        rows.push(sealed);
        if rows.len() == ROWS_MAX {
            self.parts.push(part_of(device, row.seq, std::mem::take(rows)));
        }
    }

    fn sealed(&self, received: Stamp, row: &ArrivalRow) -> Sealed {
        let value = |m: &Measured| SealedValue {
            quantity: m.value.quantity,
            label: self.labels.get(&m.value.label).copied().unwrap_or(0),
            value: m.value.value,
            flag: m.flag,
            reasons: m.reasons,
        };
        Sealed {
            observed: row.observed,
            received,
            time_source: row.time_source,
            source: row.source,
            revises: row.revises,
            values: row.values.iter().map(value).collect(),
        }
    }

    fn finish(self) -> Option<Vec<Part>> {
        let rest = self.open.into_iter().filter(|(_, (_, rows))| !rows.is_empty());
        let rest = rest.map(|(device, (upto, rows))| part_of(device, upto, rows));
        self.parts.into_iter().chain(rest).collect()
    }
}

/// The part that rows of a device make; `None` if they make no block.
pub(super) fn part_of(device: DeviceId, upto: i64, rows: Vec<Sealed>) -> Option<Part> {
    let hours = || rows.iter().map(|r| r.observed.hour());
    let (first, last) = (hours().min()?, hours().max()?);
    let readings = rows.iter().map(|r| r.values.len() as u32).sum();
    let count = rows.len() as u32;
    let block = encode(rows)?;
    Some(Part { device: device.0, upto, first, last, rows: count, readings, block })
}
