//! The forms of an export.

use super::super::{Code, Failure};
use super::ExportFormat;
use super::parquet::{Cells, Parquet};
use serde::Serialize;
use std::io::Write;

/// Writes rows in the form asked for.
pub(super) enum Sink<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
    Line(W, String),
    Parquet(Box<Parquet<W>>),
}

impl<W: Write> Sink<W> {
    /// A sink for such rows that has written its header: also when none follows.
    pub fn start<R: Cells<N>, const N: usize>(
        format: ExportFormat,
        columns: &[&str; N],
        out: W,
    ) -> Result<Sink<W>, Failure> {
        Ok(match format {
            ExportFormat::Csv => {
                let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                csv.write_record(columns).map_err(csv_failure)?;
                Sink::Csv(Box::new(csv))
            }
            ExportFormat::Jsonl => Sink::Jsonl(out),
            ExportFormat::Line => Sink::Line(out, String::new()),
            ExportFormat::Parquet => Sink::Parquet(Box::new(Parquet::start::<R, N>(columns, out)?)),
        })
    }

    /// Writes a row; not for line protocol, which has [`Sink::text`].
    pub fn row<const N: usize>(
        &mut self,
        row: &(impl Serialize + Cells<N>),
    ) -> Result<(), Failure> {
        match self {
            Sink::Csv(csv) => csv.serialize(row).map_err(csv_failure),
            Sink::Jsonl(out) => {
                serde_json::to_writer(&mut *out, row).map_err(std::io::Error::from)?;
                Ok(out.write_all(b"\n")?)
            }
            Sink::Line(..) => Ok(()),
            Sink::Parquet(parquet) => parquet.row(row),
        }
    }

    /// The text of line protocol to append to, if that is the form.
    pub fn text(&mut self) -> Option<&mut String> {
        match self {
            Sink::Line(_, text) => Some(text),
            _ => None,
        }
    }

    /// Passes on what was collected.
    pub fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Sink::Csv(csv) => csv.flush()?,
            Sink::Jsonl(out) => out.flush()?,
            Sink::Line(out, text) => {
                out.write_all(text.as_bytes())?;
                text.clear();
                out.flush()?;
            }
            // A group of rows is passed on when it is whole.
            Sink::Parquet(_) => {}
        }
        Ok(())
    }

    /// Ends what is exported.
    pub fn finish(mut self) -> Result<(), Failure> {
        match self {
            Sink::Parquet(parquet) => parquet.finish(),
            _ => self.flush(),
        }
    }
}

fn csv_failure(e: csv::Error) -> Failure {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e.into(),
        other => Failure::new(Code::Failed, format!("cannot write a row: {other:?}")),
    }
}
