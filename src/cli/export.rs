//! `dustline export`: readings and hours, streamed.
//!
//! Readings come in the order of receipt, so a revision follows what it revises
//! and is marked in the column `revision`: of several for one series and time
//! the last one counts. Hours come by device, then time. Memory does not grow
//! with what is exported.

use super::data::{DataArgs, parse_time};
use super::{Code, Failure};
use crate::air::reading::{Label, TimeSource};
use crate::air::{Hour, Measured, Quantity, Stamp};
use crate::forward::line;
use crate::store::{ArrivalRow, DeviceId, HourPlace, HourRow, Reader, RowKind};
use crate::web::{self, Places, Time};
use serde::Serialize;
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
    /// Every reading, with revisions, in the order of receipt.
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

/// Writes rows in the form asked for.
enum Sink<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
    Line(W, String),
}

impl<W: Write> Sink<W> {
    /// A sink that has written its header: also when no row follows.
    fn start(format: ExportFormat, columns: &[&str], out: W) -> Result<Sink<W>, Failure> {
        Ok(match format {
            ExportFormat::Csv => {
                let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                csv.write_record(columns).map_err(csv_failure)?;
                Sink::Csv(Box::new(csv))
            }
            ExportFormat::Jsonl => Sink::Jsonl(out),
            ExportFormat::Line => Sink::Line(out, String::new()),
        })
    }

    /// Writes a row; not for line protocol, which has [`Sink::text`].
    fn row(&mut self, row: &impl Serialize) -> Result<(), Failure> {
        match self {
            Sink::Csv(csv) => csv.serialize(row).map_err(csv_failure),
            Sink::Jsonl(out) => {
                serde_json::to_writer(&mut *out, row).map_err(std::io::Error::from)?;
                Ok(out.write_all(b"\n")?)
            }
            Sink::Line(..) => Ok(()),
        }
    }

    /// The text of line protocol to append to, if that is the form.
    fn text(&mut self) -> Option<&mut String> {
        match self {
            Sink::Line(_, text) => Some(text),
            _ => None,
        }
    }

    /// Passes on what was collected.
    fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Sink::Csv(csv) => csv.flush()?,
            Sink::Jsonl(out) => out.flush()?,
            Sink::Line(out, text) => {
                out.write_all(text.as_bytes())?;
                text.clear();
                out.flush()?;
            }
        }
        Ok(())
    }
}

fn csv_failure(e: csv::Error) -> Failure {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e.into(),
        other => Failure::new(Code::Failed, format!("cannot write a row: {other:?}")),
    }
}

/// What is wanted, and what is needed to name it.
struct Export<'a> {
    args: &'a ExportArgs,
    places: Places,
    reader: Reader,
    /// `None`: all.
    devices: Option<HashSet<DeviceId>>,
}

/// Streams readings or hours to `out`.
pub fn run(args: &ExportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (mut reader, places) = args.data.open()?;
    let devices = places.wanted(&mut reader, args.device.as_deref(), args.station.as_deref())?;
    let devices = devices.map(HashSet::from_iter);
    let mut export = Export { args, places, reader, devices };
    let columns = match args.kind {
        Kind::Readings => &READING_COLUMNS[..],
        Kind::Hours => &HOUR_COLUMNS[..],
    };
    let mut sink = Sink::start(args.format, columns, out)?;
    match args.kind {
        Kind::Readings => export.readings(&mut sink)?,
        Kind::Hours => export.hours(&mut sink)?,
    }
    sink.flush()
}

impl Export<'_> {
    fn wants(&self, device: DeviceId) -> bool {
        self.devices.as_ref().is_none_or(|d| d.contains(&device))
    }

    fn in_range(&self, at: Stamp) -> bool {
        self.args.from.is_none_or(|from| at >= from) && self.args.to.is_none_or(|to| at < to)
    }

    fn readings<W: Write>(&mut self, sink: &mut Sink<W>) -> Result<(), Failure> {
        // What comes in meanwhile is for the next export.
        let end = self.reader.committed()?.journal;
        let mut after = 0;
        while after < end {
            let rows = self.reader.journal(after, STEP)?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            for row in rows.into_iter().take_while(|row| row.seq <= end) {
                if let RowKind::Arrival(mut arrival) = row.kind {
                    self.select(&mut arrival);
                    self.reading(row.received, &arrival, sink)?;
                }
            }
            sink.flush()?;
        }
        Ok(())
    }

    /// Leaves only the values that are wanted.
    fn select(&self, arrival: &mut ArrivalRow) {
        let wanted =
            arrival.device.is_some_and(|d| self.wants(d)) && self.in_range(arrival.observed);
        let quantity = self.args.quantity;
        arrival.values.retain(|m| wanted && quantity.is_none_or(|q| q == m.value.quantity));
    }

    fn reading<W: Write>(
        &mut self,
        received: Stamp,
        arrival: &ArrivalRow,
        sink: &mut Sink<W>,
    ) -> Result<(), Failure> {
        let (Some(id), false) = (arrival.device, arrival.values.is_empty()) else { return Ok(()) };
        let source = match sink.text() {
            Some(_) => web::source_name(&mut self.reader, arrival.source)?,
            None => String::new(),
        };
        let device = web::device_name(&mut self.reader, id)?;
        let station = self.places.station(&device);
        if let Some(text) = sink.text() {
            let mut prefix = String::new();
            let tags = [("device", device.as_str()), ("source", &source), ("station", station)];
            line::start(&mut prefix, "air", &tags);
            line::reading(text, &prefix, &arrival.values, arrival.observed, &mut Vec::new());
            return Ok(());
        }
        for m in &arrival.values {
            sink.row(&reading_row(&device, station, received, arrival, m))?;
        }
        Ok(())
    }

    fn hours<W: Write>(&mut self, sink: &mut Sink<W>) -> Result<(), Failure> {
        let hour = |t: Stamp| if t.hour().start() < t { t.hour().next() } else { t.hour() };
        let range = (
            self.args.from.map_or(Hour(i32::MIN), hour),
            self.args.to.map_or(Hour(i32::MAX), hour),
        );
        let devices: Vec<(DeviceId, String)> =
            self.reader.devices().map(|(id, name)| (id, name.to_owned())).collect();
        for (id, device) in &devices {
            if !self.wants(*id) {
                continue;
            }
            let station = self.places.station(device);
            let mut after = HourPlace::START;
            loop {
                let rows = self.reader.hours_page(*id, range, self.args.quantity, after, STEP)?;
                let Some(last) = rows.last() else { break };
                after = HourPlace::of(last);
                for row in &rows {
                    let label = label(&mut self.reader, row.label)?;
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
    received: Stamp,
    arrival: &ArrivalRow,
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
        at: Time(arrival.observed),
        received_at: Time(received),
        time_source: arrival.time_source,
        flag: m.flag.code(),
        reasons: m.reasons.to_string(),
        revision: arrival.revises,
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
