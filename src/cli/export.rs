//! `dustline export`: readings and hours, streamed.
//!
//! Readings come as they are kept: first those that are sealed, in parts of one
//! device each, then the others in the order of receipt. A revision follows what
//! it revises and is marked in the column `revision`: of several for one series
//! and time the last one counts. Hours come by device, then time. All of it is as
//! of one moment, and memory does not grow with what is exported.

mod cells;
mod parquet;
mod sink;

use super::Failure;
use super::data::{DataArgs, parse_time};
use crate::air::reading::{Label, TimeSource};
use crate::air::{Hour, Measured, Quantity, Stamp};
use crate::forward::line;
use crate::store::{DeviceId, HourPlace, HourRow, Kept, PartInfo, Reader, RowKind};
use crate::web::{self, Places, Time};
use serde::Serialize;
use sink::Sink;
use std::collections::HashSet;
use std::io::Write;

/// Rows read in one step.
const STEP: usize = 5_000;

/// Arguments of `dustline export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Not before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Stamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Stamp>,
    /// Only of this device.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Only of the devices of this station.
    #[arg(long, value_name = "ID")]
    station: Option<String>,
    /// Only this quantity, such as pm2_5.
    #[arg(long, value_name = "Q", value_parser = parse_quantity)]
    quantity: Option<Quantity>,
    /// What to export.
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// In which form.
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Kind {
    /// Every reading, with revisions behind what they revise.
    #[default]
    Readings,
    /// Closed hours, by device and time.
    Hours,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum ExportFormat {
    /// Comma-separated values with a header (RFC 4180).
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Line protocol, precision milliseconds, as it is forwarded.
    Line,
    /// Parquet: the columns of csv with their kinds, times in milliseconds.
    Parquet,
}

fn parse_quantity(text: &str) -> Result<Quantity, String> {
    let names: Vec<&str> = Quantity::ALL.iter().map(|q| q.name()).collect();
    Quantity::from_name(text).ok_or_else(|| format!("must be one of {}", names.join(", ")))
}

/// The columns of readings, in the order of [`ReadingRow`].
const READING_COLUMNS: [&str; 13] = [
    "device",
    "station",
    "quantity",
    "channel",
    "variant",
    "value",
    "unit",
    "at",
    "received_at",
    "time_source",
    "flag",
    "reasons",
    "revision",
];

/// The columns of hours, in the order of [`HourLine`].
const HOUR_COLUMNS: [&str; 12] = [
    "device", "station", "quantity", "channel", "variant", "start", "mean", "min", "max", "count",
    "coverage", "flagged",
];

/// A reading as a row.
#[derive(Debug, Serialize)]
struct ReadingRow<'a> {
    device: &'a str,
    station: &'a str,
    quantity: &'static str,
    channel: &'a str,
    variant: &'a str,
    value: f64,
    unit: &'static str,
    at: Time,
    received_at: Time,
    time_source: TimeSource,
    flag: u8,
    reasons: String,
    revision: bool,
}

/// An hour as a row.
#[derive(Debug, Serialize)]
struct HourLine<'a> {
    device: &'a str,
    station: &'a str,
    quantity: &'static str,
    channel: &'a str,
    variant: &'a str,
    start: Time,
    mean: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    count: u32,
    coverage: f64,
    flagged: u32,
}

/// What is wanted, and what is needed to name it.
struct Export<'a> {
    args: &'a ExportArgs,
    places: Places,
    /// `None`: all.
    devices: Option<HashSet<DeviceId>>,
}

/// Streams readings or hours to `out`.
pub fn run(args: &ExportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (mut reader, places) = args.data.open()?;
    let devices = places.wanted(&mut reader, args.device.as_deref(), args.station.as_deref())?;
    let devices = devices.map(HashSet::from_iter);
    let export = Export { args, places, devices };
    let mut sink = match args.kind {
        Kind::Readings => Sink::start::<ReadingRow<'_>, _>(args.format, &READING_COLUMNS, out),
        Kind::Hours => Sink::start::<HourLine<'_>, _>(args.format, &HOUR_COLUMNS, out),
    }?;
    reader.at_once(|reader| match args.kind {
        Kind::Readings => export.readings(reader, &mut sink),
        Kind::Hours => export.hours(reader, &mut sink),
    })?;
    sink.finish()
}

impl Export<'_> {
    fn wants(&self, device: DeviceId) -> bool {
        self.devices.as_ref().is_none_or(|d| d.contains(&device))
    }

    fn in_range(&self, at: Stamp) -> bool {
        self.args.from.is_none_or(|from| at >= from) && self.args.to.is_none_or(|to| at < to)
    }

    /// First what is sealed, part by part, then the journal.
    fn readings<W: Write>(&self, reader: &mut Reader, sink: &mut Sink<W>) -> Result<(), Failure> {
        let mut upto = 0;
        loop {
            let parts = reader.parts_after(upto, STEP)?;
            let Some(last) = parts.last() else { break };
            upto = last.upto;
            for part in parts.iter().filter(|part| self.wants_some_of(part)) {
                for row in reader.part(part)? {
                    self.reading(reader, part.device, row, sink)?;
                }
                sink.flush()?;
            }
        }
        let mut after = 0;
        loop {
            let rows = reader.journal(after, STEP)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.seq;
            for row in rows {
                let RowKind::Arrival(arrival) = row.kind else { continue };
                if let Some(device) = arrival.device.filter(|d| self.wants(*d)) {
                    self.reading(reader, device, Kept::of(row.received, arrival), sink)?;
                }
            }
            sink.flush()?;
        }
    }

    fn wants_some_of(&self, part: &PartInfo) -> bool {
        let (from, to) = (self.args.from, self.args.to);
        self.wants(part.device)
            && from.is_none_or(|from| part.last.end() > from)
            && to.is_none_or(|to| part.first.start() < to)
    }

    /// Writes those readings of a row that are wanted.
    fn reading<W: Write>(
        &self,
        reader: &mut Reader,
        device: DeviceId,
        mut row: Kept,
        sink: &mut Sink<W>,
    ) -> Result<(), Failure> {
        let quantity = self.args.quantity;
        row.values.retain(|m| quantity.is_none_or(|q| q == m.value.quantity));
        if row.values.is_empty() || !self.in_range(row.observed) {
            return Ok(());
        }
        let source = match sink.text() {
            Some(_) => web::source_name(reader, row.source)?,
            None => String::new(),
        };
        let device = web::device_name(reader, device)?;
        let station = self.places.station(&device);
        if let Some(text) = sink.text() {
            let mut prefix = String::new();
            let tags = [("device", device.as_str()), ("source", &source), ("station", station)];
            line::start(&mut prefix, "air", &tags);
            line::reading(text, &prefix, &row.values, row.observed, &mut Vec::new());
            return Ok(());
        }
        for m in &row.values {
            sink.row(&reading_row(&device, station, &row, m))?;
        }
        Ok(())
    }

    fn hours<W: Write>(&self, reader: &mut Reader, sink: &mut Sink<W>) -> Result<(), Failure> {
        let hour = |t: Stamp| if t.hour().start() < t { t.hour().next() } else { t.hour() };
        let range = (
            self.args.from.map_or(Hour(i32::MIN), hour),
            self.args.to.map_or(Hour(i32::MAX), hour),
        );
        let devices: Vec<(DeviceId, String)> =
            reader.devices().map(|(id, name)| (id, name.to_owned())).collect();
        for (id, device) in &devices {
            if !self.wants(*id) {
                continue;
            }
            let station = self.places.station(device);
            let mut after = HourPlace::START;
            loop {
                let rows = reader.hours_page(*id, range, self.args.quantity, after, STEP)?;
                let Some(last) = rows.last() else { break };
                after = HourPlace::of(last);
                for row in &rows {
                    let label = label(reader, row.label)?;
                    hour_row(sink, device, station, row, &label)?;
                }
                sink.flush()?;
            }
        }
        Ok(())
    }
}

fn reading_row<'a>(
    device: &'a str,
    station: &'a str,
    row: &Kept,
    m: &'a Measured,
) -> ReadingRow<'a> {
    ReadingRow {
        device,
        station,
        quantity: m.value.quantity.name(),
        channel: &m.value.label.channel,
        variant: &m.value.label.variant,
        value: m.value.value,
        unit: m.value.quantity.unit(),
        at: Time(row.observed),
        received_at: Time(row.received),
        time_source: row.time_source,
        flag: m.flag.code(),
        reasons: m.reasons.to_string(),
        revision: row.revises,
    }
}

fn label(reader: &mut Reader, id: u32) -> Result<Label, Failure> {
    if reader.label(id).is_none() {
        reader.refresh_names()?;
    }
    Ok(reader.label(id).unwrap_or_default())
}

fn hour_row<W: Write>(
    sink: &mut Sink<W>,
    device: &str,
    station: &str,
    row: &HourRow,
    label: &Label,
) -> Result<(), Failure> {
    let unit = |micro: i64| micro as f64 / 1e6;
    let extremes = (row.count > 0).then(|| (unit(row.min_micro), unit(row.max_micro)));
    let (mean, coverage) = (web::mean(row), web::coverage(row));
    let (count, flagged) = (row.count, row.flagged);
    if let Some(text) = sink.text() {
        let mean_min_max = mean.zip(extremes).map(|(mean, (min, max))| (mean, min, max));
        let (quantity, hour) = (row.quantity, row.hour);
        let point = line::HourPoint {
            device,
            station,
            quantity,
            label,
            hour,
            count,
            flagged,
            coverage,
            mean_min_max,
        };
        line::hour(text, &point);
        return Ok(());
    }
    sink.row(&HourLine {
        device,
        station,
        quantity: row.quantity.name(),
        channel: &label.channel,
        variant: &label.variant,
        start: row.hour.into(),
        mean,
        min: extremes.map(|(min, _)| min),
        max: extremes.map(|(_, max)| max),
        count,
        coverage,
        flagged,
    })
}

#[cfg(test)]
mod tests;
