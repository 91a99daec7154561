//! Reading a block: all of its rows, or the readings of one quantity.
//!
//! Columns lie one behind the other, each with its length, so that those that
//! nobody asks for are passed over and stay packed. The checksum is that of the
//! whole block in either case.

use super::super::body::{take_byte, take_varint};
use super::column::{Column, Numbers};
use super::{BlockFault, Known, Point, ROWS_MAX, Sealed, SealedValue, VERSION};
use crate::air::reading::TimeSource;
use crate::air::{Flag, Quantity, Reasons, Stamp};
use xxhash_rust::xxh3::xxh3_64;

/// Reads what [`super::encode`] wrote.
///
/// # Errors
/// If the bytes are not a block, or are damaged.
pub fn decode(bytes: &[u8]) -> Result<Vec<Sealed>, BlockFault> {
    Block::open(bytes)?.rows().ok_or(BlockFault::Content)
}

/// The readings in a block of one quantity, or of all, series by series, each in the
/// order of [`decode`].
///
/// # Errors
/// If the bytes are not a block, or what is read of them is damaged.
pub fn points(bytes: &[u8], quantity: Option<Quantity>) -> Result<Vec<Point>, BlockFault> {
    Block::open(bytes)?.points(quantity).ok_or(BlockFault::Content)
}

/// A block whose checksum matches, with its columns still packed.
struct Block<'a> {
    rows: usize,
    observed: Column<'a>,
    delays: Column<'a>,
    origins: Column<'a>,
    series: Vec<Series<'a>>,
}

struct Series<'a> {
    quantity: Quantity,
    label: u32,
    count: usize,
    /// `None`: all rows have it.
    places: Option<Column<'a>>,
    numbers: Column<'a>,
    marks: Column<'a>,
}

impl<'a> Block<'a> {
    fn open(bytes: &'a [u8]) -> Result<Block<'a>, BlockFault> {
        let (body, sum) = bytes.split_last_chunk::<8>().ok_or(BlockFault::Checksum)?;
        if xxh3_64(body) != u64::from_le_bytes(*sum) {
            return Err(BlockFault::Checksum);
        }
        match body.split_first() {
            Some((1..=VERSION, content)) => Block::of(content).ok_or(BlockFault::Content),
            Some((version, _)) => Err(BlockFault::Version(*version)),
            None => Err(BlockFault::Content),
        }
    }

    fn of(mut content: &'a [u8]) -> Option<Block<'a>> {
        let input = &mut content;
        let rows = take_count(input, ROWS_MAX)?;
        let (observed, delays) = (Column::take(input)?, Column::take(input)?);
        let origins = Column::take(input)?;
        let count = take_varint(input)?;
        let series = (0..count).map(|_| Series::take(input, rows)).collect::<Option<_>>()?;
        input.is_empty().then_some(Block { rows, observed, delays, origins, series })
    }

    fn rows(&self) -> Option<Vec<Sealed>> {
        let mut rows = self.times()?;
        self.read(
            |_| true,
            |place, value| {
                rows.get_mut(place)?.values.push(value);
                Some(())
            },
        )?;
        Some(rows)
    }

    fn points(&self, quantity: Option<Quantity>) -> Option<Vec<Point>> {
        let wanted = |s: &Series<'_>| quantity.is_none_or(|q| q == s.quantity);
        let count = self.series.iter().filter(|s| wanted(s)).map(|s| s.count).sum();
        let mut points = Vec::with_capacity(count);
        let rows = if count == 0 { Vec::new() } else { self.times()? };
        self.read(wanted, |place, reading| {
            let Sealed { observed: at, received, time_source, .. } = *rows.get(place)?;
            points.push(Point { at, received, time_source, reading });
            Some(())
        })?;
        Some(points)
    }

    /// Hands out the readings of the series that are wanted, with their places among
    /// the rows, for as long as they are taken; `None` if one is not, or makes no sense.
    fn read(
        &self,
        wanted: impl Fn(&Series<'_>) -> bool,
        mut take: impl FnMut(usize, SealedValue) -> Option<()>,
    ) -> Option<()> {
        let mut before = None;
        let mut rest = self.series.as_slice();
        while let [series, behind @ ..] = rest {
            let mut leaning = behind.iter().take_while(|s| s.numbers.leans());
            let is_wanted = wanted(series);
            before = match is_wanted || leaning.any(&wanted) {
                true => series.read(before.as_ref(), |place, value| match is_wanted {
                    true => take(place, value),
                    false => Some(()),
                })?,
                false => None,
            };
            rest = behind;
        }
        Some(())
    }

    /// The rows, still without their readings.
    fn times(&self) -> Option<Vec<Sealed>> {
        let observed = self.observed.whole(self.rows)?;
        let delays = self.delays.whole(self.rows)?;
        let origins = self.origins.whole(self.rows)?;
        let times = observed.into_iter().zip(delays).zip(origins);
        times
            .map(|((observed, delay), origin)| {
                Some(Sealed {
                    observed: Stamp(observed),
                    received: Stamp(observed.wrapping_add(delay)),
                    time_source: match origin & 2 {
                        0 => TimeSource::Arrival,
                        _ => TimeSource::Device,
                    },
                    source: u32::try_from(origin >> 2).ok()?,
                    revises: origin & 1 != 0,
                    values: Vec::new(),
                })
            })
            .collect()
    }
}

impl<'a> Series<'a> {
    fn take(input: &mut &'a [u8], rows: usize) -> Option<Series<'a>> {
        let quantity = Quantity::from_code(take_byte(input)?)?;
        let label = u32::try_from(take_varint(input)?).ok()?;
        let count = take_count(input, rows)?;
        let places = if count < rows { Some(Column::take(input)?) } else { None };
        let (numbers, marks) = (Column::take(input)?, Column::take(input)?);
        Some(Series { quantity, label, count, places, numbers, marks })
    }

    /// Hands out its readings with their places among the rows; what is known of it
    /// then, if its numbers are whole.
    fn read(
        &self,
        before: Option<&Known>,
        mut take: impl FnMut(usize, SealedValue) -> Option<()>,
    ) -> Option<Option<Known>> {
        let places = match self.places {
            Some(places) => places.whole(self.count)?,
            None => (0..self.count as i64).collect(),
        };
        let beside = before.filter(|_| self.numbers.leans()).map(|before| before.at(&places));
        let numbers = self.numbers.numbers(self.count, beside.as_deref())?;
        let marks = self.marks.whole(self.count)?;
        let mut hand_out = |place: i64, value: f64, mark: i64| {
            let (quantity, label) = (self.quantity, self.label);
            let flag = Flag::from_code(mark as u8)?;
            let reasons = Reasons(u16::try_from(mark >> 8).ok()?);
            let place = usize::try_from(place).ok()?;
            take(place, SealedValue { quantity, label, value, flag, reasons })
        };
        let marked = places.iter().zip(marks);
        match numbers {
            Numbers::Whole(numbers) => {
                for (milli, (place, mark)) in numbers.iter().zip(marked) {
                    hand_out(*place, *milli as f64 / 1000.0, mark)?;
                }
                Some(Some(Known { places, numbers }))
            }
            Numbers::Double(values) => {
                for (value, (place, mark)) in values.into_iter().zip(marked) {
                    hand_out(*place, value, mark)?;
                }
                Some(None)
            }
        }
    }
}

fn take_count(input: &mut &[u8], max: usize) -> Option<usize> {
    usize::try_from(take_varint(input)?).ok().filter(|count| *count <= max)
}
