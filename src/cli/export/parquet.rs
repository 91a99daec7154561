//! Parquet: the columns of an export as they lie together, a group of rows at a time.
//!
//! Rows are gathered by column until a group is full, then written and forgotten, so
//! that memory does not grow with what is exported. Texts repeat, and are gathered
//! as numbers of those that the group has. Times are milliseconds, adjusted to UTC.

use super::super::{Code, Failure};
use crate::air::Stamp;
use parquet::basic::{Encoding, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a group: so many that columns compress, so few that they are soon written.
const GROUP: usize = 1 << 16;

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    /// A number that may be missing.
    Maybe(Option<f64>),
    Time(Stamp),
    Count(u32),
    Truth(bool),
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    Number,
    Maybe,
    Time,
    Count,
    Truth,
}

/// A row by its cells, in the order of its `N` columns.
pub(super) trait Cells<const N: usize> {
    /// What they are.
    const KINDS: [Kind; N];
    /// The cells.
    fn cells(&self) -> [Cell<'_>; N];
}

/// The cells of a column that are not written yet.
#[derive(Debug)]
enum Column {
    Text { numbers: HashMap<String, u32>, known: Vec<ByteArray>, rows: Vec<u32> },
    Number(Vec<f64>),
    Maybe { there: Vec<i16>, numbers: Vec<f64> },
    Time(Vec<i64>),
    Count(Vec<i32>),
    Truth(Vec<bool>),
}

impl Column {
    /// An empty column.
    fn of(kind: Kind) -> Column {
        match kind {
            Kind::Text => {
                Column::Text { numbers: HashMap::new(), known: Vec::new(), rows: Vec::new() }
            }
            Kind::Number => Column::Number(Vec::new()),
            Kind::Maybe => Column::Maybe { there: Vec::new(), numbers: Vec::new() },
            Kind::Time => Column::Time(Vec::new()),
            Kind::Count => Column::Count(Vec::new()),
            Kind::Truth => Column::Truth(Vec::new()),
        }
    }

    /// Takes a cell; an error if it is of another kind, for then the columns would no
    /// longer lie beside one another.
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Failure> {
        match (self, cell) {
            (Column::Text { numbers, known, rows }, Cell::Text(text)) => {
                let number = numbers.get(text).copied().unwrap_or_else(|| {
                    known.push(ByteArray::from(text));
                    let number = known.len() as u32 - 1;
                    numbers.insert(text.to_owned(), number);
                    number
                });
                rows.push(number);
            }
            (Column::Number(rows), Cell::Number(number)) => rows.push(number),
            (Column::Maybe { there, numbers }, Cell::Maybe(number)) => {
                there.push(i16::from(number.is_some()));
                numbers.extend(number);
            }
            (Column::Time(rows), Cell::Time(at)) => rows.push(at.0),
            (Column::Count(rows), Cell::Count(count)) => rows.push(count.cast_signed()),
            (Column::Truth(rows), Cell::Truth(truth)) => rows.push(truth),
            (_, cell) => {
                let wrong = format!("cannot write Parquet: {cell:?} stands in another's column");
                return Err(Failure::new(Code::Failed, wrong));
            }
        }
        Ok(())
    }

    /// What the column is called, holds and means.
    fn schema(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, logical) = match self {
            Column::Text { .. } => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Column::Number(_) | Column::Maybe { .. } => (Physical::DOUBLE, None),
            Column::Time(_) => {
                let unit = TimeUnit::MILLIS;
                (Physical::INT64, Some(LogicalType::timestamp(true, unit)))
            }
            Column::Count(_) => (Physical::INT32, Some(LogicalType::integer(32, false))),
            Column::Truth(_) => (Physical::BOOLEAN, None),
        };
        let repetition = match self {
            Column::Maybe { .. } => Repetition::OPTIONAL,
            _ => Repetition::REQUIRED,
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
    }

    /// Writes the cells, and has none after that.
    fn write(&mut self, out: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match self {
            Column::Text { numbers, known, rows } => {
                let text = |row: u32| known.get(row as usize).cloned().unwrap_or_default();
                let texts: Vec<ByteArray> = rows.drain(..).map(text).collect();
                numbers.clear();
                known.clear();
                out.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
            }
            Column::Number(rows) => {
                out.typed::<DoubleType>().write_batch(rows, None, None)?;
                rows.clear();
            }
            Column::Maybe { there, numbers } => {
                out.typed::<DoubleType>().write_batch(numbers, Some(there), None)?;
                there.clear();
                numbers.clear();
            }
            Column::Time(rows) => {
                out.typed::<Int64Type>().write_batch(rows, None, None)?;
                rows.clear();
            }
            Column::Count(rows) => {
                out.typed::<Int32Type>().write_batch(rows, None, None)?;
                rows.clear();
            }
            Column::Truth(rows) => {
                out.typed::<BoolType>().write_batch(rows, None, None)?;
                rows.clear();
            }
        }
        Ok(())
    }
}

/// What the library has written and we have not yet passed on: it wants a writer of
/// its own that can be sent to other threads, which the standard output cannot.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is being written.
pub(super) struct Parquet<W: Write> {
    out: W,
    written: Written,
    file: SerializedFileWriter<Written>,
    columns: Vec<Column>,
    rows: usize,
}

impl<W: Write> Parquet<W> {
    /// A file for such rows, with the names of their columns.
    pub fn start<R: Cells<N>, const N: usize>(
        names: &[&str; N],
        out: W,
    ) -> Result<Parquet<W>, Failure> {
        let columns: Vec<Column> = R::KINDS.map(Column::of).into();
        let mut fields = Vec::with_capacity(columns.len());
        let mut properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP));
        for (name, column) in names.iter().zip(&columns) {
            fields.push(Arc::new(column.schema(name).map_err(failure)?));
            if matches!(column, Column::Time(_)) {
                // Times follow one another: their differences are small.
                let path = ColumnPath::from(*name);
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
        let schema = Type::group_type_builder("dustline").with_fields(fields).build();
        let (schema, properties) = (Arc::new(schema.map_err(failure)?), properties.build());
        let written = Written::default();
        let file = SerializedFileWriter::new(written.clone(), schema, Arc::new(properties));
        Ok(Parquet { out, written, file: file.map_err(failure)?, columns, rows: 0 })
    }

    /// Takes a row.
    pub fn row<const N: usize>(&mut self, row: &impl Cells<N>) -> Result<(), Failure> {
        for (column, cell) in self.columns.iter_mut().zip(row.cells()) {
            column.take(cell)?;
        }
        self.rows += 1;
        if self.rows == GROUP { self.group() } else { Ok(()) }
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<(), Failure> {
        if self.rows > 0 {
            self.group()?;
        }
        self.file.finish().map_err(failure)?;
        self.pass_on()
    }

    fn group(&mut self) -> Result<(), Failure> {
        let mut group = self.file.next_row_group().map_err(failure)?;
        for column in &mut self.columns {
            let Some(mut out) = group.next_column().map_err(failure)? else { break };
            column.write(&mut out).map_err(failure)?;
            out.close().map_err(failure)?;
        }
        group.close().map_err(failure)?;
        self.rows = 0;
        self.pass_on()
    }

    fn pass_on(&mut self) -> Result<(), Failure> {
        self.out.write_all(&self.written.take())?;
        Ok(self.out.flush()?)
    }
}

fn failure(e: ParquetError) -> Failure {
    Failure::new(Code::Failed, format!("cannot write Parquet: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    struct Named(&'static str);

    impl Cells<1> for Named {
        const KINDS: [Kind; 1] = [Kind::Text];
        fn cells(&self) -> [Cell<'_>; 1] {
            [Cell::Text(self.0)]
        }
    }

    #[test]
    fn texts_of_one_group_are_none_of_the_next() {
        let mut out = Vec::new();
        let mut file = Parquet::start::<Named, 1>(&["name"], &mut out).unwrap();
        for n in 0..GROUP {
            file.row(&Named(if n == 0 { "a" } else { "b" })).unwrap();
        }
        for name in ["b", "c", "a"] {
            file.row(&Named(name)).unwrap();
        }
        file.finish().unwrap();
        let file = SerializedFileReader::new(bytes::Bytes::from(out)).unwrap();
        let group = file.get_row_group(1).unwrap();
        let rows = group.get_row_iter(None).unwrap();
        let texts = rows.map(|row| match row.unwrap().get_column_iter().next() {
            Some((_, Field::Str(text))) => text.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(texts.collect::<Vec<_>>(), ["b", "c", "a"]);
    }

    #[test]
    fn a_cell_in_the_column_of_another_kind_is_an_error_and_not_left_out() {
        struct Row;
        impl Cells<2> for Row {
            const KINDS: [Kind; 2] = [Kind::Time, Kind::Number];
            fn cells(&self) -> [Cell<'_>; 2] {
                [Cell::Time(Stamp(7)), Cell::Count(3)]
            }
        }
        let mut file = Parquet::start::<Row, 2>(&["at", "value"], Vec::new()).unwrap();
        let failure = file.row(&Row).unwrap_err();
        assert_eq!(failure.code, Code::Failed);
        assert!(failure.message.contains("Count(3)"), "{}", failure.message);
    }
}
