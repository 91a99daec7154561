//! The next points after a cursor, as one text.

use super::line;
use crate::air::{Label, Stamp};
use crate::config::settings::{Influx, Settings};
use crate::store::{
    ChangeRow, Cursor, DeviceId, Filter, HourRow, Kept, Reader, RowKind, StoreError,
};
use std::collections::HashMap;
use std::ops::Range;

/// The names that points carry and the store does not know.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The station of each device that one names.
    stations: HashMap<String, String>,
    /// The place of each level in its ladder, by ladder and level.
    levels: HashMap<(String, String), usize>,
}

impl Labels {
    /// The names of the configuration.
    pub fn of(settings: &Settings) -> Labels {
        let stations = settings
            .stations
            .iter()
            .flat_map(|s| s.devices.iter().map(|d| (d.clone(), s.id.clone())))
            .collect();
        let mut levels = HashMap::new();
        for ruleset in settings.rulesets.values().flatten() {
            for scale in ruleset.scales() {
                let places = (1..).zip(&scale.levels);
                levels.extend(places.map(|(place, (level, _))| {
                    ((scale.id.to_owned(), (*level).to_owned()), place)
                }));
            }
        }
        // A threshold has one level above `none`.
        let raised = |t: &crate::rules::Threshold| ((t.id.clone(), "emergency".to_owned()), 1);
        levels.extend(settings.thresholds.iter().map(raised));
        Labels { stations, levels }
    }

    /// A device that no station names is its own station.
    fn station<'a>(&'a self, device: &'a str) -> &'a str {
        self.stations.get(device).map_or(device, String::as_str)
    }

    fn level(&self, ladder: &str, level: &str) -> Option<usize> {
        if level == "none" {
            return Some(0);
        }
        self.levels.get(&(ladder.to_owned(), level.to_owned())).copied()
    }
}

/// How much goes into one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub lines: usize,
    pub bytes: usize,
    /// Points before this are too old for the target.
    pub oldest: Stamp,
}

impl Limits {
    pub(super) fn of(target: &Influx) -> Limits {
        Limits {
            lines: target.batch_lines.max(1),
            bytes: target.batch_bytes.max(1),
            oldest: Stamp(i64::MIN),
        }
    }
}

/// Points in the order of the store.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Batch {
    /// One line a point.
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Where the cursor is once the batch is taken.
    pub upto: Cursor,
    /// Whether there may be more right now.
    pub full: bool,
    /// Points left out, since the target does not keep any of their age.
    pub too_old: u64,
}

impl Batch {
    /// The number of lines.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Some of the lines.
    pub(super) fn lines(&self, range: Range<usize>) -> &str {
        let begin = match range.start {
            0 => 0,
            n => self.ends.get(n - 1).copied().unwrap_or(self.text.len()),
        };
        let end = match range.end {
            0 => 0,
            n => self.ends.get(n - 1).copied().unwrap_or(self.text.len()),
        };
        self.text.get(begin..end).unwrap_or_default()
    }

    /// One of the lines, without its end.
    pub(super) fn line(&self, place: usize) -> &str {
        self.lines(place..place + 1).trim_end()
    }

    pub(super) fn room(&self, limits: Limits) -> bool {
        self.ends.len() < limits.lines && self.text.len() < limits.bytes
    }

    /// Whether a point of this time is not too old; counts it if it is.
    pub(super) fn takes(&mut self, at: Stamp, limits: Limits) -> bool {
        self.too_old += u64::from(at < limits.oldest);
        at >= limits.oldest
    }

    pub(super) fn ended_line(&mut self) {
        if self.ends.last().copied().unwrap_or(0) < self.text.len() {
            self.ends.push(self.text.len());
        }
    }
}

/// Makes batches from the store.
pub(super) struct Source {
    pub(super) reader: Reader,
    labels: Labels,
    /// `air,device=…,source=…,station=… ` of every device and source met.
    prefixes: HashMap<(DeviceId, u32), String>,
    order: Vec<usize>,
}

impl Source {
    pub(super) fn new(reader: Reader, labels: Labels) -> Source {
        Source { reader, labels, prefixes: HashMap::new(), order: Vec::new() }
    }

    /// Where a target is.
    pub(super) fn cursor(&self, target: &str) -> Result<Cursor, StoreError> {
        self.reader.cursor(target)
    }

    /// Whether a condition of a target held when the daemon stopped.
    pub(super) fn holds(&self, kind: &str, target: &str) -> Result<bool, StoreError> {
        let all = self.reader.conditions()?;
        Ok(all.iter().any(|(k, subject, ..)| k == kind && subject == target))
    }

    /// The next points after a cursor: readings first, then changes, then hours.
    /// One line more than `limits` says may be in it, never less than one if
    /// there is one.
    pub(super) fn next(&mut self, after: Cursor, limits: Limits) -> Result<Batch, StoreError> {
        let mut batch = Batch { upto: after, ..Batch::default() };
        self.readings(&mut batch, limits)?;
        if !batch.full {
            self.changes(&mut batch, limits)?;
        }
        if !batch.full {
            self.hours(&mut batch, limits)?;
        }
        Ok(batch)
    }

    fn readings(&mut self, batch: &mut Batch, limits: Limits) -> Result<(), StoreError> {
        if batch.upto.journal < self.reader.sealed_through()? && self.sealed(batch)? {
            return Ok(());
        }
        let rows = self.reader.journal(batch.upto.journal, limits.lines)?;
        batch.full = rows.len() >= limits.lines;
        for row in rows {
            if !batch.room(limits) {
                batch.full = true;
                return Ok(());
            }
            batch.upto.journal = row.seq;
            if let RowKind::Arrival(arrival) = row.kind
                && let Some(device) = arrival.device
                && !arrival.values.is_empty()
                && batch.takes(arrival.observed, limits)
            {
                self.reading(batch, device, &Kept::of(row.received, arrival))?;
            }
        }
        Ok(())
    }

    /// The next part of sealed history, for a target that does not have it: one that
    /// is new. `false` if there is none left, and the journal follows. A part is one
    /// batch, whatever the limits: it has about as many lines as they usually say.
    fn sealed(&mut self, batch: &mut Batch) -> Result<bool, StoreError> {
        let found = self.reader.at_once(|reader| {
            let Some(part) = reader.parts_after(batch.upto.journal, 1)?.first().copied() else {
                batch.upto.journal = reader.sealed_through()?;
                return Ok::<_, StoreError>(None);
            };
            Ok(Some((part, reader.part(&part)?)))
        })?;
        let Some((part, rows)) = found else { return Ok(false) };
        for row in rows {
            self.reading(batch, part.device, &row)?;
        }
        batch.upto.journal = part.upto;
        batch.full = true;
        Ok(true)
    }

    pub(super) fn reading(
        &mut self,
        batch: &mut Batch,
        device: DeviceId,
        row: &Kept,
    ) -> Result<(), StoreError> {
        let place = (device, row.source);
        if !self.prefixes.contains_key(&place) {
            let prefix = self.prefix(device, row.source)?;
            self.prefixes.insert(place, prefix);
        }
        if let Some(prefix) = self.prefixes.get(&place) {
            line::reading(&mut batch.text, prefix, &row.values, row.observed, &mut self.order);
            batch.ended_line();
        }
        Ok(())
    }

    fn prefix(&mut self, device: DeviceId, source: u32) -> Result<String, StoreError> {
        if self.reader.device_name(device).is_empty() || self.reader.source_name(source).is_empty()
        {
            self.reader.refresh_names()?;
        }
        let device = self.reader.device_name(device);
        let source = self.reader.source_name(source);
        let station = self.labels.station(device);
        let mut prefix = String::new();
        let tags = [("device", device), ("source", source), ("station", station)];
        line::start(&mut prefix, "air", &tags);
        Ok(prefix)
    }

    fn changes(&self, batch: &mut Batch, limits: Limits) -> Result<(), StoreError> {
        let filter = Filter { limit: limits.lines, ..Filter::default() };
        let changes = self.reader.changes(&filter, batch.upto.change)?;
        batch.full = changes.len() >= limits.lines;
        for change in changes {
            if !batch.room(limits) {
                batch.full = true;
                return Ok(());
            }
            batch.upto.change = change.id;
            if !batch.takes(change.at, limits) {
                continue;
            }
            line::change(&mut batch.text, &self.change(&change));
            batch.ended_line();
        }
        Ok(())
    }

    fn change<'a>(&self, change: &'a ChangeRow) -> line::ChangePoint<'a> {
        let field = |key: &str| change.data.get(key);
        line::ChangePoint {
            ladder: &change.ladder,
            scope: &change.scope,
            from: &change.from,
            to: &change.to,
            level: self.labels.level(&change.ladder, &change.to),
            ruleset: field("ruleset").and_then(|r| r.as_str()).unwrap_or_default(),
            uid: &change.uid,
            value: field("value").and_then(|v| v.as_f64()),
            late: change.late,
            at: change.at,
        }
    }

    fn hours(&mut self, batch: &mut Batch, limits: Limits) -> Result<(), StoreError> {
        let hours = self.reader.hours_after(batch.upto.hour, limits.lines)?;
        batch.full = hours.len() >= limits.lines;
        for hour in hours {
            if !batch.room(limits) {
                batch.full = true;
                return Ok(());
            }
            batch.upto.hour = hour.revision;
            if batch.takes(hour.hour.start(), limits) {
                self.hour(batch, &hour)?;
                batch.ended_line();
            }
        }
        Ok(())
    }

    pub(super) fn hour(&mut self, batch: &mut Batch, hour: &HourRow) -> Result<(), StoreError> {
        let unknown = self.reader.label(hour.label).is_none();
        if unknown || self.reader.device_name(hour.device).is_empty() {
            self.reader.refresh_names()?;
        }
        let label: Label = self.reader.label(hour.label).unwrap_or_default();
        let device = self.reader.device_name(hour.device);
        let unit = |micro: i64| micro as f64 / 1e6;
        let some = hour.count > 0;
        let mean = unit(hour.sum_micro) / f64::from(hour.count.max(1));
        let point = line::HourPoint {
            device,
            station: self.labels.station(device),
            quantity: hour.quantity,
            label: &label,
            hour: hour.hour,
            count: hour.count,
            flagged: hour.flagged,
            coverage: f64::from(hour.minutes.count_ones()) / 60.0,
            mean_min_max: some.then(|| (mean, unit(hour.min_micro), unit(hour.max_micro))),
        };
        line::hour(&mut batch.text, &point);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
