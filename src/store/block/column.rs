//! One column of numbers as bytes.
//!
//! ```text
//! column := kind:u8 payload
//! kind   := 0 empty | 1 all the same: zigzag varint
//!         | 2 whole numbers | 3 doubles: as `pco` writes them (standalone)
//!         | whole numbers: 4 even | 5 flat | 8 gaps: as in `packing`
//!         | 6 steps | 7 steps beside the numbers of the series before: as in `steps`
//! payload of 2 to 8 := length:varint, that many bytes
//! ```
//! Whole numbers are written in whichever way is the shortest.

use super::super::body::{put_varint, take_byte, take_varint, unzigzag, zigzag};
use super::packing::{even, flat, gaps, take_even, take_flat, take_gaps};
use super::steps::{steps, take_steps};
use pco::standalone::{simple_compress, simple_decompress};
use pco::{ChunkConfig, DeltaSpec};

const EMPTY: u8 = 0;
const SAME: u8 = 1;
const WHOLE: u8 = 2;
const DOUBLE: u8 = 3;
const EVEN: u8 = 4;
const FLAT: u8 = 5;
const STEPS: u8 = 6;
const BESIDE: u8 = 7;
const GAPS: u8 = 8;

/// Of a column that fewer bytes hold `pco` is not asked: it takes some 50 bytes to
/// describe one, and of few numbers it errs.
const PCO_FROM: usize = 256;

/// The numbers of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    Whole(Vec<i64>),
    Double(Vec<f64>),
}

/// Writes a column of whole numbers, some of which may follow others of which there
/// are as many. `None` if `pco` refuses, which it does only of more numbers than a
/// block may have.
pub(super) fn put_whole(out: &mut Vec<u8>, numbers: &[i64], beside: Option<&[i64]>) -> Option<()> {
    match numbers {
        [] => out.push(EMPTY),
        [first, rest @ ..] if rest.iter().all(|n| n == first) => {
            out.push(SAME);
            put_varint(out, zigzag(*first));
        }
        _ => {
            let (kind, packed) = shortest(numbers, beside)?;
            put_packed(out, kind, &packed);
        }
    }
    Some(())
}

fn shortest(numbers: &[i64], beside: Option<&[i64]>) -> Option<(u8, Vec<u8>)> {
    let (flat, steps_alone) = (flat(numbers), steps(numbers, None));
    let length = |packed: &Option<Vec<u8>>| packed.as_ref().map_or(usize::MAX, Vec::len);
    let smooth = length(&steps_alone) < length(&flat);
    let ways = [
        (EVEN, even(numbers)),
        (GAPS, gaps(numbers)),
        (FLAT, flat),
        (STEPS, steps_alone),
        (BESIDE, beside.and_then(|others| steps(numbers, Some(others)))),
    ];
    let ways = ways.into_iter().filter_map(|(kind, packed)| Some((kind, packed?)));
    let best = ways.min_by_key(|(_, packed)| packed.len())?;
    if best.1.len() < PCO_FROM {
        return Some(best);
    }
    // `pco` would find out by itself, and take twice as long.
    let steps = if smooth { DeltaSpec::TryConsecutive(1) } else { DeltaSpec::NoOp };
    let config = ChunkConfig::default().with_delta_spec(steps);
    let whole = simple_compress(numbers, &config).ok()?;
    Some(if whole.len() < best.1.len() { (WHOLE, whole) } else { best })
}

/// Writes a column of doubles, to the last bit.
pub(super) fn put_doubles(out: &mut Vec<u8>, numbers: &[f64]) -> Option<()> {
    put_packed(out, DOUBLE, &simple_compress(numbers, &ChunkConfig::default()).ok()?);
    Some(())
}

fn put_packed(out: &mut Vec<u8>, kind: u8, packed: &[u8]) {
    out.push(kind);
    put_varint(out, packed.len() as u64);
    out.extend_from_slice(packed);
}

/// A column as it lies in a block: its numbers cost something only when someone asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column<'a> {
    Empty,
    Same(i64),
    Packed(u8, &'a [u8]),
}

impl<'a> Column<'a> {
    /// Takes the bytes of a column; `None` if they are cut off or of no known kind.
    pub(super) fn take(input: &mut &'a [u8]) -> Option<Column<'a>> {
        match take_byte(input)? {
            EMPTY => Some(Column::Empty),
            SAME => Some(Column::Same(unzigzag(take_varint(input)?))),
            kind @ WHOLE..=GAPS => {
                let length = usize::try_from(take_varint(input)?).ok()?;
                let (packed, rest) = input.split_at_checked(length)?;
                *input = rest;
                Some(Column::Packed(kind, packed))
            }
            _ => None,
        }
    }

    /// Whether its numbers are written beside those of the series before.
    pub(super) fn leans(self) -> bool {
        matches!(self, Column::Packed(BESIDE, _))
    }

    /// Its numbers, which may be written beside others; `None` if they are not so many,
    /// or damaged.
    pub(super) fn numbers(self, count: usize, beside: Option<&[i64]>) -> Option<Numbers> {
        let numbers = match self {
            Column::Empty => Numbers::Whole(Vec::new()),
            Column::Same(number) => Numbers::Whole(vec![number; count]),
            Column::Packed(DOUBLE, packed) => Numbers::Double(simple_decompress(packed).ok()?),
            Column::Packed(WHOLE, packed) => Numbers::Whole(simple_decompress(packed).ok()?),
            Column::Packed(EVEN, packed) => Numbers::Whole(take_even(packed, count)?),
            Column::Packed(FLAT, packed) => Numbers::Whole(take_flat(packed, count)?),
            Column::Packed(STEPS, packed) => Numbers::Whole(take_steps(packed, count, None)?),
            Column::Packed(BESIDE, packed) => {
                Numbers::Whole(take_steps(packed, count, Some(beside?))?)
            }
            Column::Packed(GAPS, packed) => Numbers::Whole(take_gaps(packed, count)?),
            Column::Packed(..) => return None,
        };
        let found = match &numbers {
            Numbers::Whole(all) => all.len(),
            Numbers::Double(all) => all.len(),
        };
        (found == count).then_some(numbers)
    }

    /// Its numbers, if they are whole and stand alone.
    pub(super) fn whole(self, count: usize) -> Option<Vec<i64>> {
        match self.numbers(count, None)? {
            Numbers::Whole(all) => Some(all),
            Numbers::Double(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_column_is_read_back_as_it_was_written(whole in prop::collection::vec(any::<i64>(), 0..300), doubles in prop::collection::vec(any::<f64>(), 1..50)) {
            let mut bytes = Vec::new();
            put_whole(&mut bytes, &whole, None).unwrap();
            put_doubles(&mut bytes, &doubles).unwrap();
            let input = &mut bytes.as_slice();
            let column = Column::take(input).unwrap();
            prop_assert_eq!(column.whole(whole.len()), Some(whole));
            let column = Column::take(input).unwrap();
            let Some(Numbers::Double(read)) = column.numbers(doubles.len(), None) else { panic!() };
            let bits = |all: &[f64]| all.iter().map(|d| d.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read), bits(&doubles));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn damaged_bytes_are_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0usize..50) {
            let _ = Column::take(&mut bytes.as_slice()).map(|column| column.numbers(count, Some(&[1, 2, 3])));
        }
    }

    #[test]
    fn a_column_is_written_in_whichever_way_is_the_shortest() {
        let there = (0..100).filter(|n| !(20..24).contains(n));
        let hours: Vec<i64> = there.map(|n| 1_700_000_000_000 + n * 3_600_000).collect();
        let blocks: Vec<i64> = (0..90).map(|n: i64| n * 7 + (n - 45).max(0) * 1_000).collect();
        let scattered = [31, 12, 49, 16, 59, 23, 67, 16, 38];
        let wave: Vec<i64> = (0..80).map(|n: i64| 500 + (n % 20 - 10).pow(2) + n % 3).collect();
        let higher: Vec<i64> = wave.iter().map(|n| n * 2).collect();
        let far: Vec<i64> = (0..2_000).map(|n: i64| n.pow(3) % 97 * 1_000_003 + n % 2).collect();
        for (numbers, kind) in [
            (&hours[..], GAPS),
            (&blocks[..], EVEN),
            (&scattered[..], FLAT),
            (&wave[..], STEPS),
            (&higher[..], BESIDE),
            (&far[..], WHOLE),
        ] {
            let mut bytes = Vec::new();
            let others = wave.get(..numbers.len()).filter(|_| kind == BESIDE);
            put_whole(&mut bytes, numbers, others).unwrap();
            assert_eq!(bytes[0], kind, "{} bytes", bytes.len());
            let column = Column::take(&mut bytes.as_slice()).unwrap();
            assert_eq!(column.leans(), kind == BESIDE);
            let read = column.numbers(numbers.len(), others);
            assert_eq!(read, Some(Numbers::Whole(numbers.to_vec())));
        }
    }

    #[test]
    fn a_constant_column_takes_its_value_and_no_more() {
        let mut bytes = Vec::new();
        put_whole(&mut bytes, &[7; 5_000], None).unwrap();
        assert_eq!(bytes.len(), 2);
        let column = Column::take(&mut bytes.as_slice()).unwrap();
        assert_eq!(column.whole(5_000), Some(vec![7; 5_000]));
        assert_eq!(column.whole(0), Some(vec![]));
    }
}
