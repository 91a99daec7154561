//! A file of readings, whatever its form, as rows for the importer.

use super::faults::Faults;
use super::own::OwnRow;
use super::parquet::{self, Rows};
use super::{line, own};
use crate::air::reading::TimeSource;
use crate::air::{Flag, Measured, Reasons, Stamp, Value};
use crate::backtest::{Data, Pieces, TimeLabel};
use crate::cli::backtest::progress::Progress;
use crate::cli::{Code, Failure};
use crate::decode::influx_line::Line;
use crate::intake::ImportRow;
use crate::quality::{self, Judged, Policy, When};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Bytes of the first line that are looked at, and of each read.
const BUFFER: usize = 1 << 16;
/// A file may be as old as this: there were no sensors before.
const MAX_PAST: Duration = Duration::from_secs(100 * 366 * 86_400);
/// The longest name of a device, bytes.
const DEVICE_MAX: usize = 256;
/// Why an export of hours is refused.
pub(super) const HOURS: &str = "these are hours, which are made of readings: \
                                export with --kind readings, and import those";

type Input<'a> = Box<dyn BufRead + 'a>;

/// A file of readings.
pub(super) struct ReadingFile<'a> {
    name: String,
    form: Form<'a>,
    policy: Policy,
    now: Stamp,
    /// The line or row read last, for forms with one reading or point in each.
    line: u64,
}

enum Form<'a> {
    /// `dustline export --format csv`.
    Csv(Box<csv::Reader<Input<'a>>>),
    /// `dustline export --format jsonl`.
    Jsonl(Input<'a>),
    /// Line protocol.
    Lines(Input<'a>),
    /// `dustline export --format parquet`.
    Parquet(Box<Rows<'a>>),
    /// A layout that `dustline backtest` reads.
    Layout(Box<(Pieces<'a>, Data)>),
}

/// A value with what the file says of it; `None`: nothing.
pub(super) type Found = (Value, Option<(Flag, Reasons)>);

impl<'a> ReadingFile<'a> {
    /// Recognises the form of a file by how it begins.
    ///
    /// # Errors
    /// 65 if it is none that is known, or cannot be read.
    pub fn open(
        file: File,
        name: &str,
        progress: &'a Progress,
        now: Stamp,
    ) -> Result<Self, Failure> {
        let mut start = [0; parquet::MAGIC.len()];
        // From a pipe nothing can be read without taking it away.
        let read = file.read_at(&mut start, 0).unwrap_or(0);
        if start.get(..read) != Some(parquet::MAGIC) {
            return Self::of_text(progress.through(file), name, now);
        }
        let rows = Rows::open(file, name, progress)?;
        Ok(Self::of_form(Form::Parquet(Box::new(rows)), name, now))
    }

    /// Recognises the form of text, which may be packed, by its first line.
    pub fn of_text(input: impl Read + 'a, name: &str, now: Stamp) -> Result<Self, Failure> {
        let unread =
            |e| Failure::new(Code::Data, format!("{name}: cannot be read: {e}; check the file"));
        let mut input = unzipped(input).map_err(unread)?;
        let start = input.fill_buf().map_err(unread)?;
        let end = start.iter().position(|b| *b == b'\n').unwrap_or(start.len());
        let first = String::from_utf8_lossy(start.get(..end).unwrap_or_default()).into_owned();
        let columns: Vec<&str> = first.trim().split(',').collect();
        let has = |names: &[&str]| names.iter().all(|name| columns.contains(name));
        let form = match () {
            () if first.as_bytes().starts_with(parquet::MAGIC) => {
                let words = "Parquet is read from its end: unpack it, and give it as a file \
                             rather than a pipe";
                return Err(Failure::new(Code::Data, format!("{name}: {words}")));
            }
            () if first.starts_with('{') => Form::Jsonl(input),
            () if has(&["device", "quantity", "value", "at"]) => {
                Form::Csv(Box::new(csv::ReaderBuilder::new().flexible(true).from_reader(input)))
            }
            () if has(&["device", "quantity", "start", "mean"]) => {
                return Err(Failure::new(Code::Data, format!("{name}: {HOURS}")));
            }
            () if Line::parse(first.trim()).is_ok() => Form::Lines(input),
            () => {
                let pieces = Pieces::open(input, name, TimeLabel::Start);
                let pieces = pieces.map_err(|e| Failure::new(Code::Data, e))?;
                Form::Layout(Box::new((pieces, Data::new())))
            }
        };
        Ok(Self::of_form(form, name, now))
    }

    fn of_form(form: Form<'a>, name: &str, now: Stamp) -> Self {
        let policy = Policy { max_past: MAX_PAST, ..Policy::default() };
        ReadingFile { name: name.to_owned(), form, policy, now, line: 0 }
    }

    /// Takes the next rows, about so many. Whether there may be more.
    ///
    /// # Errors
    /// 65 if the file cannot be read.
    pub fn next(
        &mut self,
        rows: &mut Vec<ImportRow>,
        wanted: usize,
        faults: &mut Faults,
    ) -> Result<bool, Failure> {
        if matches!(self.form, Form::Layout(_)) {
            return self.next_of_layout(rows, wanted, faults);
        }
        let mut gathering = Gathering::default();
        let upto = rows.len().saturating_add(wanted);
        while rows.len() < upto {
            let Some(read) = self.next_line()? else {
                gathering.end(self, rows);
                return Ok(false);
            };
            match read {
                Ok(told) => gathering.add(self, rows, told),
                Err(why) => faults.add(|| format!("{}:{}: {why}", self.name, self.line)),
            }
        }
        gathering.end(self, rows);
        Ok(true)
    }

    /// The readings of the next line, or why there are none; `None` at the end.
    fn next_line(&mut self) -> Result<Option<Result<Told, String>>, Failure> {
        let read = match &mut self.form {
            Form::Csv(csv) => {
                let mut record = csv::StringRecord::new();
                let headers = csv.headers().cloned();
                match headers.and_then(|headers| Ok((headers, csv.read_record(&mut record)?))) {
                    Ok((_, false)) => return Ok(None),
                    Ok((headers, true)) => {
                        self.line = record.position().map_or(0, csv::Position::line);
                        let row = record.deserialize::<OwnRow>(Some(&headers));
                        row.map_err(|e| own::column_fault(&e)).and_then(OwnRow::told)
                    }
                    Err(e) if !e.is_io_error() => Err(e.to_string()),
                    Err(e) => return Err(unreadable(&self.name, &e)),
                }
            }
            Form::Jsonl(input) => match next_text(input, &mut self.line, &self.name)? {
                None => return Ok(None),
                Some(text) => {
                    let row = serde_json::from_str::<OwnRow>(&text);
                    row.map_err(|e| e.to_string()).and_then(OwnRow::told)
                }
            },
            Form::Lines(input) => match next_text(input, &mut self.line, &self.name)? {
                None => return Ok(None),
                Some(text) => line::told(&text),
            },
            Form::Parquet(rows) => match rows.next()? {
                None => return Ok(None),
                Some(told) => {
                    self.line += 1;
                    told
                }
            },
            Form::Layout(_) => return Ok(None),
        };
        Ok(Some(read))
    }

    fn next_of_layout(
        &mut self,
        rows: &mut Vec<ImportRow>,
        wanted: usize,
        faults: &mut Faults,
    ) -> Result<bool, Failure> {
        let Form::Layout(layout) = &mut self.form else { return Ok(false) };
        let (pieces, data) = layout.as_mut();
        let before = data.counted().clone();
        let more = pieces.next(data, wanted).map_err(|e| Failure::new(Code::Data, e))?;
        let counted = data.counted();
        let said = counted.shown.iter().skip(before.shown.len()).cloned();
        faults.add_all(counted.faults - before.faults, said);
        let told: Vec<Told> = data
            .values()
            .map(|(at, device, quantity, value)| {
                let value = Value { quantity, label: Default::default(), value };
                (device.to_owned(), at, TimeSource::Device, vec![(value, None)])
            })
            .collect();
        data.forget_values();
        let mut gathering = Gathering::default();
        told.into_iter().for_each(|told| gathering.add(self, rows, told));
        gathering.end(self, rows);
        Ok(more)
    }

    /// Judges what the file says nothing of.
    fn judged(&self, at: Stamp, source: TimeSource, found: Vec<Found>) -> Vec<Measured> {
        let (values, said): (Vec<Value>, Vec<_>) = found.into_iter().unzip();
        let by = Judged { policy: &self.policy, model: None };
        let when = When { observed: at, source, received: self.now };
        let mut judged = quality::assess(by, values, when);
        for (measured, said) in judged.iter_mut().zip(said) {
            if let Some((flag, reasons)) = said {
                (measured.flag, measured.reasons) = (flag, reasons);
            }
        }
        judged
    }
}

/// What a line tells: the device, the time, by which clock, and values.
pub(super) type Told = (String, Stamp, TimeSource, Vec<Found>);

/// Joins what follows one another of one device and instant.
#[derive(Default)]
struct Gathering {
    open: Option<Told>,
}

impl Gathering {
    fn add(
        &mut self,
        file: &ReadingFile<'_>,
        rows: &mut Vec<ImportRow>,
        (device, at, time_source, found): Told,
    ) {
        if let Some((of, when, _, known)) = &mut self.open {
            let again = |(value, _): &Found| {
                let same = |(k, _): &Found| k.quantity == value.quantity && k.label == value.label;
                known.iter().any(same)
            };
            if *of == device && *when == at && !found.iter().any(again) {
                known.extend(found);
                return;
            }
        }
        self.end(file, rows);
        self.open = Some((device, at, time_source, found));
    }

    fn end(&mut self, file: &ReadingFile<'_>, rows: &mut Vec<ImportRow>) {
        let Some((device, at, time_source, found)) = self.open.take() else { return };
        let values = file.judged(at, time_source, found);
        rows.push(ImportRow { device, at, time_source, values });
    }
}

/// A device's name, or what is wrong with it.
pub(super) fn device(name: &str) -> Result<String, String> {
    match name.is_empty() || name.len() > DEVICE_MAX || name.chars().any(char::is_control) {
        true => Err(format!("no name of a device; expected 1 to {DEVICE_MAX} bytes of text")),
        false => Ok(name.to_owned()),
    }
}

fn unzipped<'a>(input: impl Read + 'a) -> std::io::Result<Input<'a>> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    Ok(match input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input))),
        false => Box::new(input),
    })
}

/// The next line that is not empty; `None` at the end.
fn next_text(input: &mut Input<'_>, line: &mut u64, name: &str) -> Result<Option<String>, Failure> {
    loop {
        let mut bytes = Vec::new();
        let read = input.read_until(b'\n', &mut bytes).map_err(|e| unreadable(name, &e))?;
        if read == 0 {
            return Ok(None);
        }
        *line += 1;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            return Ok(Some(text.to_owned()));
        }
    }
}

fn unreadable(name: &str, e: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::Data, format!("{name}: cannot be read: {e}; check the file"))
}
