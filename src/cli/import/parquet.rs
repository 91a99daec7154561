//! Parquet: the rows of an export, or of another program that writes its columns.
//!
//! A Parquet file is read from its end, where its columns are described, and then
//! group by group of rows, page by page of each column. Columns are found by name,
//! in any order; how each is written is looked at once, before the first row
//! ([`column`]). What is in memory is the description, a page and a dictionary of
//! each column, and [`ROWS`] rows.
//!
//! The library believes what a file says of itself, and some of what a damaged one
//! says makes it panic. So pages are looked at before it unpacks them ([`pages`]), and
//! what is left is caught here: to a file that cannot be read, it is one answer.

mod column;
mod pages;

use super::file::Told;
use super::own::{self, OwnRow};
use crate::air::Stamp;
use crate::air::reading::TimeSource;
use crate::cli::backtest::progress::Progress;
use crate::cli::{Code, Failure};
use column::{Cell, Column, Holds};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::IntoIter;

/// With what a Parquet file begins.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";
/// Rows that are unpacked at once.
const ROWS: usize = 2_000;

/// The columns that are read: what each holds, and whether a file must have it.
const COLUMNS: [(&str, Holds, bool); 9] = [
    ("device", Holds::Text, true),
    ("quantity", Holds::Text, true),
    ("channel", Holds::Text, false),
    ("variant", Holds::Text, false),
    ("value", Holds::Number, true),
    ("at", Holds::Time, true),
    ("time_source", Holds::Text, false),
    ("flag", Holds::Whole, false),
    ("reasons", Holds::Text, false),
];

/// The rows of a Parquet file.
pub(super) struct Rows<'a> {
    name: String,
    file: SerializedFileReader<File>,
    /// Beside [`COLUMNS`]; `None`: the file does not have it.
    columns: Vec<Option<Column>>,
    /// The next group.
    group: usize,
    /// Rows of the group before that are not unpacked.
    left: usize,
    /// What is unpacked, column by column.
    cells: Vec<IntoIter<Option<Cell>>>,
    progress: &'a Progress,
}

impl<'a> Rows<'a> {
    /// Looks at a file's description.
    ///
    /// # Errors
    /// 65 if it is damaged, or is not of readings, or a column is not of its kind.
    pub fn open(file: File, name: &str, progress: &'a Progress) -> Result<Rows<'a>, Failure> {
        let refused = |why: String| Failure::new(Code::Data, format!("{name}: {why}"));
        let file = fenced(|| SerializedFileReader::new(file)).map_err(|e| refused(damaged(&e)))?;
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let find = |wanted: &str| {
            schema.columns().iter().position(|column| column.path().string() == wanted)
        };
        if find("start").is_some() && find("mean").is_some() {
            return Err(refused(super::file::HOURS.to_owned()));
        }
        let mut columns = Vec::with_capacity(COLUMNS.len());
        for (wanted, holds, needed) in COLUMNS {
            let column = match find(wanted) {
                Some(place) => Some(Column::of(place, schema.column(place), holds)),
                None if needed => {
                    let needed = "expected device, quantity, value and at, and if there are any \
                                  channel, variant, time_source, flag and reasons";
                    return Err(refused(format!("no column {wanted:?}; {needed}")));
                }
                None => None,
            };
            columns.push(column.transpose().map_err(refused)?);
        }
        for group in file.metadata().row_groups() {
            let packed = columns.iter().flatten().find_map(|column| column.packed(group));
            if let Some(packed) = packed {
                let known =
                    "expected SNAPPY, GZIP or UNCOMPRESSED; write it anew with one of those";
                return Err(refused(format!("the file is packed with {packed:?}; {known}")));
            }
        }
        let (name, cells) = (name.to_owned(), Vec::new());
        Ok(Rows { name, file, columns, group: 0, left: 0, cells, progress })
    }

    /// What the next row tells, or why it tells nothing; `None` at the end.
    ///
    /// # Errors
    /// 65 if the file is damaged here, or packed in a way that is not known.
    pub fn next(&mut self) -> Result<Option<Result<Told, String>>, Failure> {
        loop {
            let row: Option<Vec<_>> = self.cells.iter_mut().map(IntoIter::next).collect();
            match row {
                Some(row) if !row.is_empty() => return Ok(Some(told(row))),
                _ => {}
            }
            let unpacked = fenced(|| self.unpack());
            let refused = |why| Failure::new(Code::Data, format!("{}: {why}", self.name));
            if !unpacked.map_err(|e| refused(damaged(&e)))? {
                return Ok(None);
            }
        }
    }

    /// Unpacks the next rows of a group, or begins one. Whether there was any.
    fn unpack(&mut self) -> Result<bool, ParquetError> {
        if self.left == 0 {
            return self.begin();
        }
        let wanted = self.left.min(ROWS);
        self.left -= wanted;
        self.cells.clear();
        for column in &mut self.columns {
            let cells = match column {
                Some(column) => column.read(wanted)?,
                None => vec![None; wanted],
            };
            self.cells.push(cells.into_iter());
        }
        Ok(true)
    }

    fn begin(&mut self) -> Result<bool, ParquetError> {
        if self.group == self.file.num_row_groups() {
            return Ok(false);
        }
        let group = self.file.get_row_group(self.group)?;
        self.left = usize::try_from(group.metadata().num_rows())?;
        for column in self.columns.iter_mut().flatten() {
            column.begin(group.as_ref())?;
        }
        self.progress.add(usize::try_from(group.metadata().compressed_size()).unwrap_or(0));
        self.group += 1;
        Ok(true)
    }
}

/// What a row of [`COLUMNS`] tells.
fn told(cells: Vec<Option<Cell>>) -> Result<Told, String> {
    let mut cells = COLUMNS.iter().map(|(name, ..)| *name).zip(cells);
    let mut next = || cells.next().unwrap_or_default();
    OwnRow {
        device: needed(next())?.text()?,
        quantity: needed(next())?.text()?,
        channel: text(next())?,
        variant: text(next())?,
        value: needed(next())?.number()?,
        at: time(needed(next())?)?,
        time_source: match text(next())?.as_str() {
            "" => None,
            "device" => Some(TimeSource::Device),
            "arrival" => Some(TimeSource::Arrival),
            other => return Err(format!("time_source {other:?}; expected device or arrival")),
        },
        flag: match next() {
            (_, Some(cell)) => Some(cell.small()?),
            (_, None) => None,
        },
        reasons: text(next())?,
    }
    .told()
}

fn needed((name, cell): (&str, Option<Cell>)) -> Result<Cell, String> {
    cell.ok_or_else(|| format!("{name} is missing"))
}

fn text((_, cell): (&str, Option<Cell>)) -> Result<String, String> {
    cell.map_or(Ok(String::new()), Cell::text)
}

fn time(cell: Cell) -> Result<Stamp, String> {
    match cell {
        Cell::Text(text) => own::time(&text),
        other => other.time(),
    }
}

/// What a library does that may panic at what a file says.
fn fenced<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let panicked = |_| Err(ParquetError::General("it contradicts itself".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(panicked)
}

fn damaged(e: &ParquetError) -> String {
    format!("cannot be read as Parquet: {e}; check whether the file is whole")
}

#[cfg(test)]
mod tests;
