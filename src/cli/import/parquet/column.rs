//! A column of a Parquet file: how its values are written, and what they mean.
//!
//! The same column is written differently by different programs: times as text, or as
//! numbers of milli-, micro- or nanoseconds; values as numbers of 32 or 64 bits, as
//! decimals or as whole numbers; texts plain or by a dictionary, which the library
//! undoes. What is certain is read as it was meant; what is not, such as a time of
//! no zone, is refused by the column's name.

use super::pages::Checked;
use crate::air::Stamp;
use parquet::basic::{
    CompressionCodec as Codec, ConvertedType, LogicalType, TimeUnit, Type as Physical,
};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

/// What a column must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Number,
    /// A whole number.
    Whole,
    Time,
}

impl Holds {
    fn expected(self) -> &'static str {
        match self {
            Holds::Text => "text (BYTE_ARRAY, String)",
            Holds::Number => "numbers (DOUBLE, FLOAT, INT32, INT64 or a decimal of those)",
            Holds::Whole => "whole numbers (INT32 or INT64)",
            Holds::Time => {
                "times in UTC (INT64, Timestamp with isAdjustedToUTC; or text as in \
                 2022-01-08T13:00:00Z)"
            }
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Number(f64),
    Whole(i128),
    Time(Stamp),
}

impl Cell {
    pub fn text(self) -> std::result::Result<String, String> {
        match self {
            Cell::Text(text) => Ok(text),
            other => Err(format!("{other:?} is no text")),
        }
    }

    pub fn number(self) -> std::result::Result<f64, String> {
        match self {
            Cell::Number(number) => Ok(number),
            Cell::Whole(number) => Ok(number as f64),
            other => Err(format!("{other:?} is no number")),
        }
    }

    pub fn small(self) -> std::result::Result<u8, String> {
        match self {
            Cell::Whole(number) => u8::try_from(number).map_err(|e| format!("{number}: {e}")),
            other => Err(format!("{other:?} is no whole number")),
        }
    }

    pub fn time(self) -> std::result::Result<Stamp, String> {
        match self {
            Cell::Time(at) => Ok(at),
            other => Err(format!("{other:?} is no time")),
        }
    }
}

/// What a whole number of a column means.
#[derive(Debug, Clone, Copy)]
enum Means {
    /// Itself.
    Itself,
    /// Without a sign, in so many bits.
    Unsigned(u32),
    /// A decimal: so many of its digits are behind the point.
    Decimal(i32),
    /// An instant, in units of which so many are a millisecond.
    Time { a_milli: i128 },
}

/// A column, and where it is read.
pub(super) struct Column {
    place: usize,
    about: ColumnDescPtr,
    means: Means,
    reader: Option<ColumnReader>,
}

impl Column {
    /// The column at this place.
    ///
    /// # Errors
    /// What it is and what was expected, if it does not hold that.
    pub fn of(
        place: usize,
        about: ColumnDescPtr,
        holds: Holds,
    ) -> std::result::Result<Column, String> {
        match means(&about, holds) {
            Some(means) => Ok(Column { place, about, means, reader: None }),
            None => Err(format!(
                "column {:?} is {}; expected {}",
                about.name(),
                described(&about),
                holds.expected()
            )),
        }
    }

    /// With what its part of a group is packed, if that cannot be unpacked.
    pub fn packed(&self, group: &RowGroupMetaData) -> Option<Codec> {
        let packed = group.columns().get(self.place)?.compression_codec();
        (![Codec::UNCOMPRESSED, Codec::SNAPPY, Codec::GZIP].contains(&packed)).then_some(packed)
    }

    /// Goes to the column's part of a group.
    pub fn begin(&mut self, group: &dyn RowGroupReader) -> Result<()> {
        let part = group.metadata().column(self.place);
        let first = part.dictionary_page_offset().unwrap_or(0);
        if [first, part.data_page_offset(), part.compressed_size()].iter().any(|n| *n < 0) {
            return Err(ParquetError::General(format!(
                "column {:?} is nowhere",
                self.about.name()
            )));
        }
        let pages = Checked::new(group.get_column_page_reader(self.place)?);
        self.reader = Some(get_column_reader(self.about.clone(), Box::new(pages)));
        Ok(())
    }

    /// The values of the next rows; `None`: it has none there.
    pub fn read(&mut self, rows: usize) -> Result<Vec<Option<Cell>>> {
        let means = self.means;
        let whole = move |number: i64| means.of(number);
        match &mut self.reader {
            Some(ColumnReader::Int32ColumnReader(from)) => {
                read(from, rows, |n| Ok(whole(i64::from(*n))))
            }
            Some(ColumnReader::Int64ColumnReader(from)) => read(from, rows, |n| Ok(whole(*n))),
            Some(ColumnReader::DoubleColumnReader(from)) => {
                read(from, rows, |n| Ok(Cell::Number(*n)))
            }
            Some(ColumnReader::FloatColumnReader(from)) => {
                read(from, rows, |n| Ok(Cell::Number(as_written(*n))))
            }
            Some(ColumnReader::ByteArrayColumnReader(from)) => {
                read(from, rows, |text| Ok(Cell::Text(text.as_utf8()?.to_owned())))
            }
            _ => {
                Err(ParquetError::General(format!("column {:?} has no values", self.about.name())))
            }
        }
    }
}

impl Means {
    fn of(self, number: i64) -> Cell {
        let whole = i128::from(number);
        match self {
            Means::Itself => Cell::Whole(whole),
            Means::Unsigned(bits) => Cell::Whole(whole.rem_euclid(1 << bits)),
            // One division is exactly what the decimal's text would be read as.
            Means::Decimal(scale) => Cell::Number(number as f64 / 10_f64.powi(scale)),
            Means::Time { a_milli } => Cell::Time(Stamp(whole.div_euclid(a_milli) as i64)),
        }
    }
}

/// What the values mean, if they can hold that.
fn means(about: &ColumnDescriptor, holds: Holds) -> Option<Means> {
    use ConvertedType as Old;
    let once_a_row = about.max_rep_level() == 0 && about.max_def_level() <= 1;
    let (logical, old) = (about.logical_type_ref(), about.converted_type());
    let whole = || match (logical, old) {
        (Some(LogicalType::Integer(int)), _) if !int.is_signed => match int.bit_width {
            bits @ (8 | 16 | 32 | 64) => Some(Means::Unsigned(bits.cast_unsigned().into())),
            _ => None,
        },
        (Some(LogicalType::Integer(_)), _) => Some(Means::Itself),
        (None, Old::UINT_8) => Some(Means::Unsigned(8)),
        (None, Old::UINT_16) => Some(Means::Unsigned(16)),
        (None, Old::UINT_32) => Some(Means::Unsigned(32)),
        (None, Old::UINT_64) => Some(Means::Unsigned(64)),
        (None, Old::NONE | Old::INT_8 | Old::INT_16 | Old::INT_32 | Old::INT_64) => {
            Some(Means::Itself)
        }
        _ => None,
    };
    let text = || match (logical, old) {
        (Some(LogicalType::String | LogicalType::Enum), _) => Some(Means::Itself),
        (None, Old::NONE | Old::UTF8 | Old::ENUM) => Some(Means::Itself),
        _ => None,
    };
    let decimal = || match (logical, old) {
        (Some(LogicalType::Decimal(decimal)), _) => Some(Means::Decimal(decimal.scale)),
        (None, Old::DECIMAL) => Some(Means::Decimal(about.type_scale())),
        _ => None,
    };
    let time = || match (logical, old) {
        (Some(LogicalType::Timestamp(time)), _) if time.is_adjusted_to_u_t_c => {
            Some(match time.unit {
                TimeUnit::MILLIS => 1,
                TimeUnit::MICROS => 1_000,
                TimeUnit::NANOS => 1_000_000,
            })
        }
        (None, Old::TIMESTAMP_MILLIS) => Some(1),
        (None, Old::TIMESTAMP_MICROS) => Some(1_000),
        _ => None,
    };
    let found = match (holds, about.physical_type()) {
        (Holds::Text | Holds::Time, Physical::BYTE_ARRAY) => text(),
        (Holds::Number, Physical::DOUBLE | Physical::FLOAT) => Some(Means::Itself),
        (Holds::Number, Physical::INT32 | Physical::INT64) => whole().or_else(decimal),
        (Holds::Whole, Physical::INT32 | Physical::INT64) => whole(),
        (Holds::Time, Physical::INT64) => time().map(|a_milli| Means::Time { a_milli }),
        _ => None,
    };
    found.filter(|_| once_a_row)
}

/// How a column is written, in the words of the format.
fn described(about: &ColumnDescriptor) -> String {
    let physical = about.physical_type();
    match (about.logical_type_ref(), about.converted_type()) {
        _ if about.max_rep_level() > 0 || about.max_def_level() > 1 => "nested".to_owned(),
        (Some(LogicalType::Timestamp(time)), _) if !time.is_adjusted_to_u_t_c => {
            format!("{physical}, Timestamp of no time zone")
        }
        (Some(logical), _) => format!("{physical}, {logical:?}"),
        (None, ConvertedType::NONE) => format!("{physical}, of no further meaning"),
        (None, old) => format!("{physical}, {old}"),
    }
}

/// A number of 32 bits as it was meant: 12.3 rather than 12.300000190734863, so that a
/// reading that went through such a column is the same reading.
fn as_written(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

/// The next rows of a column; an error if it has fewer.
fn read<T: DataType>(
    from: &mut ColumnReaderImpl<T>,
    rows: usize,
    cell: impl Fn(&T::T) -> Result<Cell>,
) -> Result<Vec<Option<Cell>>> {
    let (mut values, mut there) = (Vec::with_capacity(rows), Vec::new());
    let (read, ..) = from.read_records(rows, Some(&mut there), None, &mut values)?;
    if read < rows {
        return Err(ParquetError::EOF(format!("{} rows are missing in a column", rows - read)));
    }
    let mut values = values.iter().map(cell);
    // A column that may not be empty has no levels.
    match there.is_empty() {
        true => values.map(|cell| cell.map(Some)).collect(),
        false => there
            .into_iter()
            .map(|level| if level > 0 { values.next().transpose() } else { Ok(None) })
            .collect(),
    }
}
