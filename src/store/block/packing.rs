//! Ways to write whole numbers of which there are few, or few different steps from
//! one to the next: `pco` describes a column in some 50 bytes before its first number.
//!
//! ```text
//! even := first:zigzag varint (step:zigzag varint times:varint)*
//! gaps := first:zigzag varint unit:varint usual:zigzag varint (times:varint odd:zigzag varint)*
//! flat := least:zigzag varint unit:varint width:u8 bits
//! ```
//! Of `even`, each step is taken so many times. Of `gaps`, the usual step is taken so
//! many times before an odd one, and after the last to the end; steps are in units. Of
//! `flat`, a number is `least` plus `unit` times what `width` bits say.

use super::super::body::{put_varint, take_byte, take_varint, unzigzag, zigzag};
use super::bits::{BitReader, BitWriter, WIDTH_MAX};
use super::steps::{common, differences};

/// Numbers as steps from one to the next; `None` if there are none.
pub(super) fn even(numbers: &[i64]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    put_varint(&mut out, zigzag(*numbers.first()?));
    for same in differences(numbers).chunk_by(|a, b| a == b) {
        put_varint(&mut out, zigzag(*same.first()?));
        put_varint(&mut out, same.len() as u64);
    }
    Some(out)
}

/// Reads so many numbers, one at least, that take all of `input`.
pub(super) fn take_even(mut input: &[u8], count: usize) -> Option<Vec<i64>> {
    let mut numbers = Stepped::from(unzigzag(take_varint(&mut input)?), count);
    while !input.is_empty() {
        let step = unzigzag(take_varint(&mut input)?);
        numbers.go_on(step, take_varint(&mut input)?)?;
    }
    (numbers.left() == 0).then_some(numbers.all)
}

/// Numbers as what interrupts the usual step; `None` if there are fewer than two, or if
/// as many steps are odd as are usual.
pub(super) fn gaps(numbers: &[i64]) -> Option<Vec<u8>> {
    let steps = differences(numbers);
    let mut ordered = steps.clone();
    let (_, usual, _) = ordered.select_nth_unstable(steps.len().checked_sub(1)? / 2);
    if steps.iter().filter(|step| *step == usual).count() * 2 < steps.len() {
        return None;
    }
    let unit = steps.iter().fold(0, |unit, step| common(unit, step.unsigned_abs()));
    let unit = i64::try_from(unit.max(1)).ok()?;
    let mut out = Vec::new();
    put_varint(&mut out, zigzag(*numbers.first()?));
    put_varint(&mut out, unit.unsigned_abs());
    put_varint(&mut out, zigzag(*usual / unit));
    let mut times = 0;
    for step in &steps {
        if step == usual {
            times += 1;
            continue;
        }
        put_varint(&mut out, std::mem::take(&mut times));
        put_varint(&mut out, zigzag(step / unit));
    }
    Some(out)
}

/// Reads so many numbers, one at least, that take all of `input`.
pub(super) fn take_gaps(mut input: &[u8], count: usize) -> Option<Vec<i64>> {
    let first = unzigzag(take_varint(&mut input)?);
    let unit = i64::try_from(take_varint(&mut input)?).ok()?;
    let usual = unzigzag(take_varint(&mut input)?).wrapping_mul(unit);
    let mut numbers = Stepped::from(first, count);
    while !input.is_empty() {
        numbers.go_on(usual, take_varint(&mut input)?)?;
        numbers.go_on(unzigzag(take_varint(&mut input)?).wrapping_mul(unit), 1)?;
    }
    let rest = numbers.left();
    numbers.go_on(usual, rest as u64)?;
    Some(numbers.all)
}

/// Numbers that are read step by step.
struct Stepped {
    all: Vec<i64>,
    last: i64,
    count: usize,
}

impl Stepped {
    fn from(first: i64, count: usize) -> Stepped {
        let mut all = Vec::with_capacity(count);
        all.push(first);
        Stepped { all, last: first, count }
    }

    fn left(&self) -> usize {
        self.count.saturating_sub(self.all.len())
    }

    /// Takes a step so many times; `None` if those are too many.
    fn go_on(&mut self, step: i64, times: u64) -> Option<()> {
        let times = usize::try_from(times).ok().filter(|times| *times <= self.left())?;
        for _ in 0..times {
            self.last = self.last.wrapping_add(step);
            self.all.push(self.last);
        }
        Some(())
    }
}

/// Numbers in as many bits as the greatest needs; `None` if there are none, or if
/// they lie too far apart.
pub(super) fn flat(numbers: &[i64]) -> Option<Vec<u8>> {
    let least = *numbers.iter().min()?;
    let above = numbers.iter().map(|n| n.checked_sub(least).and_then(|n| u64::try_from(n).ok()));
    let above = above.collect::<Option<Vec<u64>>>()?;
    let unit = above.iter().fold(0, |unit, n| common(unit, *n)).max(1);
    let width = u64::BITS - (above.iter().max()? / unit).leading_zeros();
    if width > WIDTH_MAX {
        return None;
    }
    let mut out = Vec::new();
    put_varint(&mut out, zigzag(least));
    put_varint(&mut out, unit);
    out.push(width as u8);
    let mut bits = BitWriter::default();
    above.iter().for_each(|n| bits.put(&mut out, n / unit, width));
    bits.finish(&mut out);
    Some(out)
}

/// Reads so many numbers that take all of `input`.
pub(super) fn take_flat(mut input: &[u8], count: usize) -> Option<Vec<i64>> {
    let least = unzigzag(take_varint(&mut input)?);
    let unit = take_varint(&mut input)?;
    let width = u32::from(take_byte(&mut input)?);
    if width > WIDTH_MAX {
        return None;
    }
    let mut bits = BitReader::new(input);
    let mut next = || {
        let above = bits.take(width)?.checked_mul(unit)?;
        i64::try_from(above).ok().map(|above| least.wrapping_add(above))
    };
    let numbers = (0..count).map(|_| next()).collect::<Option<Vec<i64>>>()?;
    bits.is_done().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_are_read_back(numbers in prop::collection::vec(any::<i64>(), 1..60), times in 1usize..9) {
            let numbers: Vec<i64> = numbers.iter().flat_map(|n| vec![*n; times]).collect();
            let bytes = even(&numbers).unwrap();
            prop_assert_eq!(take_even(&bytes, numbers.len()), Some(numbers.clone()));
            if let Some(bytes) = gaps(&numbers) {
                prop_assert_eq!(take_gaps(&bytes, numbers.len()), Some(numbers));
            }
        }

        #[test]
        fn bits_are_read_back(numbers in prop::collection::vec(0i64..1 << 20, 1..200), least in -5_000_000_000i64..5_000_000_000, unit in 1i64..2_000) {
            let numbers: Vec<i64> = numbers.iter().map(|n| least + n * unit).collect();
            let bytes = flat(&numbers).unwrap();
            prop_assert_eq!(take_flat(&bytes, numbers.len()), Some(numbers));
        }

        #[test]
        fn other_bytes_are_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), count in 1usize..200) {
            let _ = take_even(&bytes, count);
            let _ = take_gaps(&bytes, count);
            let _ = take_flat(&bytes, count);
        }
    }

    #[test]
    fn an_hourly_year_with_a_gap_takes_a_few_bytes_and_more_numbers_than_asked_for_are_refused() {
        let mut hours: Vec<i64> = (0..4_000).map(|n| n * 3_600_000).collect();
        hours.drain(1_000..1_003);
        let bytes = even(&hours).unwrap();
        assert!(bytes.len() < 24, "{}", bytes.len());
        assert_eq!(take_even(&bytes, hours.len() - 1), None);
        assert_eq!(take_even(&bytes, hours.len() + 1), None);
    }

    #[test]
    fn a_gap_among_many_takes_two_bytes() {
        let there = (0..1_000).filter(|n| n % 100 != 50);
        let hours: Vec<i64> = there.map(|n| n * 3_600_000).collect();
        // The first, the unit in four bytes, the usual step, and ten gaps.
        let bytes = gaps(&hours).unwrap();
        assert_eq!(bytes.len(), 1 + 4 + 1 + 10 * 2);
        assert_eq!(take_gaps(&bytes, hours.len()), Some(hours.clone()));
        assert_eq!(take_gaps(&bytes, 900), None);
        assert_eq!(gaps(&[7]), None);
    }

    #[test]
    fn of_numbers_with_a_common_unit_only_how_many_units_is_written() {
        let minutes: Vec<i64> = [3, 0, 2, 1, 3, 1, 0, 2].map(|n| 7 + n * 60_000).to_vec();
        let bytes = flat(&minutes).unwrap();
        // The least, the unit in three bytes, the width, and two bits each.
        assert_eq!(bytes.len(), 1 + 3 + 1 + 2);
        assert_eq!(take_flat(&bytes, minutes.len()), Some(minutes));
    }

    #[test]
    fn numbers_too_far_apart_are_not_written_flat() {
        assert_eq!(flat(&[i64::MIN, i64::MAX]), None);
        assert_eq!(flat(&[0, 1, 1 << 40]), None);
        assert_eq!(flat(&[]), None);
        assert_eq!(flat(&[7, 7]).and_then(|bytes| take_flat(&bytes, 2)), Some(vec![7, 7]));
    }
}
