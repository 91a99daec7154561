//! Files of measurements: three layouts of comma-separated values, also
//! compressed, recognised by their first line.
//!
//! | layout | columns | time |
//! |---|---|---|
//! | plain | `time`, `station` (or `device`), quantities by name, `zone` if wanted | RFC 3339 |
//! | AirKorea, by month | 측정소코드, 측정일시, `PM10`, `PM25`, gases in ppm; UTF-8 or CP949 | `YYYYMMDDHH`, hours 01 to 24, KST |
//! | CNEMC, by day, wide | `date`, `hour`, `type`, then one column a station | hours 0 to 23, UTC+8 |
//!
//! Of the wide layout the types `PM2.5` and `PM10` are read: its gases are not in
//! the units kept here, and its other types are derived from these.

mod layout;
mod time;

use super::Data;
use flate2::read::MultiGzDecoder;
use layout::Layout;
use std::io::{BufRead, BufReader, Read};

/// What the time of a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeLabel {
    /// It ends the time that the row is of.
    #[default]
    End,
    /// It begins it.
    Start,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read, or its compression is broken.
    #[error("{name}: cannot be read: {source}; check the file")]
    Io {
        /// The file.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its first line is none that is known.
    #[error("{name}:1: unknown columns {found:?}; {expected}")]
    Columns {
        /// The file.
        name: String,
        /// Its first line, cut.
        found: String,
        /// What would be understood.
        expected: &'static str,
    },
}

const LAYOUTS: &str = "expected time,station,pm2_5,pm10 (any order), AirKorea's 측정소코드,측정일시,…,PM10,PM25, or CNEMC's date,hour,type,1001A,…";

impl ReadError {
    fn csv(name: &str, e: csv::Error) -> ReadError {
        let source = match e.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => std::io::Error::other(format!("{other:?}")),
        };
        ReadError::Io { name: name.to_owned(), source }
    }

    fn columns(name: &str, head: &csv::ByteRecord, expected: &'static str) -> ReadError {
        let cells: Vec<_> = head.iter().map(String::from_utf8_lossy).collect();
        let found = cells.join(",").chars().take(120).collect();
        ReadError::Columns { name: name.to_owned(), found, expected }
    }
}

impl Data {
    /// Takes the rows of a file, called `name` in what is reported. Rows and
    /// values that cannot be understood are left out and counted.
    ///
    /// # Errors
    /// If the file cannot be read or its first line is of no layout known here;
    /// what was read before stays.
    pub fn read(
        &mut self,
        input: impl Read,
        name: &str,
        label: TimeLabel,
    ) -> Result<(), ReadError> {
        let mut file = Pieces::open(input, name, label)?;
        while file.next(self, usize::MAX)? {}
        Ok(())
    }
}

/// A file that is read piece by piece.
pub struct Pieces<'a> {
    rows: csv::Reader<Box<dyn Read + 'a>>,
    record: csv::ByteRecord,
    layout: Layout,
    name: String,
    label: TimeLabel,
}

impl<'a> Pieces<'a> {
    /// Reads the first line of a file, called `name` in what is reported.
    ///
    /// # Errors
    /// If the file cannot be read or its first line is of no layout known here.
    pub fn open(
        input: impl Read + 'a,
        name: &str,
        label: TimeLabel,
    ) -> Result<Pieces<'a>, ReadError> {
        let mut rows = open(input, name)?;
        let mut record = csv::ByteRecord::new();
        rows.read_byte_record(&mut record).map_err(|e| ReadError::csv(name, e))?;
        let layout =
            Layout::of(&record).ok_or_else(|| ReadError::columns(name, &record, LAYOUTS))?;
        Ok(Pieces { rows, record, layout, name: name.to_owned(), label })
    }

    /// Takes the next rows, at most so many. Whether there may be more.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn next(&mut self, data: &mut Data, rows: usize) -> Result<bool, ReadError> {
        let Pieces { record, layout, name, label, .. } = self;
        for _ in 0..rows {
            let more = self.rows.read_byte_record(record);
            if !more.map_err(|e| ReadError::csv(name, e))? {
                return Ok(false);
            }
            data.row();
            layout.row(data, record, name, *label);
        }
        Ok(true)
    }
}

/// Reads which station belongs to which zone: columns `station` (or `code`) and
/// `zone`, others are passed over. Rows without either are too.
///
/// # Errors
/// If it cannot be read or has no such columns.
pub fn read_zones(input: impl Read, name: &str) -> Result<Vec<(String, String)>, ReadError> {
    let mut rows = open(input, name)?;
    let mut record = csv::ByteRecord::new();
    rows.read_byte_record(&mut record).map_err(|e| ReadError::csv(name, e))?;
    let column = |names: &[&str]| layout::column(&record, names);
    let places = column(&["station", "code"]).zip(column(&["zone"]));
    let (station, zone) = places.ok_or_else(|| {
        ReadError::columns(name, &record, "expected the columns station and zone")
    })?;
    let mut list = Vec::new();
    while rows.read_byte_record(&mut record).map_err(|e| ReadError::csv(name, e))? {
        let cell = |i: usize| {
            let text = String::from_utf8_lossy(record.get(i).unwrap_or_default());
            Some(text.trim().to_owned()).filter(|t| !t.is_empty())
        };
        list.extend(cell(station).zip(cell(zone)));
    }
    Ok(list)
}

/// The rows of a file, decompressed if it begins as gzip does.
fn open<'a>(
    input: impl Read + 'a,
    name: &str,
) -> Result<csv::Reader<Box<dyn Read + 'a>>, ReadError> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let start =
        input.fill_buf().map_err(|source| ReadError::Io { name: name.to_owned(), source })?;
    let input: Box<dyn Read + 'a> = match start.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(MultiGzDecoder::new(input)),
        false => Box::new(input),
    };
    let mut builder = csv::ReaderBuilder::new();
    Ok(builder.has_headers(false).flexible(true).buffer_capacity(1 << 16).from_reader(input))
}

#[cfg(test)]
mod tests;
