//! Two ways to write whole numbers that are shorter than `pco` where there are
//! few of them, or few different steps: `pco` describes a column in some 50 bytes
//! before its first number.
//!
//! ```text
//! even := first:zigzag varint (step:zigzag varint times:varint)*
//! flat := least:zigzag varint unit:varint width:u8 bits
//! ```
//! Of `even`, each step is taken so many times. Of `flat`, a number is `least` plus
//! `unit` times what `width` bits say, the first in the lowest bits of the first byte.

use super::super::body::{put_varint, take_byte, take_varint, unzigzag, zigzag};

/// The widest number that is written flat; wider ones have nothing in common.
const WIDTH_MAX: u32 = 32;

/// Numbers as steps from one to the next; `None` if that takes more than `max` bytes.
pub(super) fn even(numbers: &[i64], max: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    put_varint(&mut out, zigzag(*numbers.first()?));
    let steps: Vec<i64> =
        numbers.iter().zip(numbers.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a)).collect();
    for same in steps.chunk_by(|a, b| a == b) {
        put_varint(&mut out, zigzag(*same.first()?));
        put_varint(&mut out, same.len() as u64);
        if out.len() > max {
            return None;
        }
    }
    Some(out)
}

/// Reads so many numbers, one at least, that take all of `input`.
pub(super) fn take_even(mut input: &[u8], count: usize) -> Option<Vec<i64>> {
    let mut last = unzigzag(take_varint(&mut input)?);
    let mut numbers = Vec::with_capacity(count);
    numbers.push(last);
    while !input.is_empty() {
        let step = unzigzag(take_varint(&mut input)?);
        let times = usize::try_from(take_varint(&mut input)?).ok()?;
        if times > count - numbers.len() {
            return None;
        }
        for _ in 0..times {
            last = last.wrapping_add(step);
            numbers.push(last);
        }
    }
    (numbers.len() == count).then_some(numbers)
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
    let (mut held, mut bits) = (0u64, 0);
    for n in above {
        held |= (n / unit) << bits;
        bits += width;
        while bits >= 8 {
            out.push(held as u8);
            (held, bits) = (held >> 8, bits - 8);
        }
    }
    if bits > 0 {
        out.push(held as u8);
    }
    Some(out)
}

/// Reads so many numbers that take all of `input`.
pub(super) fn take_flat(mut input: &[u8], count: usize) -> Option<Vec<i64>> {
    let least = unzigzag(take_varint(&mut input)?);
    let unit = take_varint(&mut input)?;
    let width = u32::from(take_byte(&mut input)?);
    if width > WIDTH_MAX || input.len() != (count * width as usize).div_ceil(8) {
        return None;
    }
    let mut bytes = input.iter();
    let (mut held, mut bits) = (0u64, 0);
    let mut next = || {
        while bits < width {
            held |= u64::from(*bytes.next()?) << bits;
            bits += 8;
        }
        let n = held & ((1 << width) - 1);
        (held, bits) = (held >> width, bits - width);
        i64::try_from(n.checked_mul(unit)?).ok().map(|n| least.wrapping_add(n))
    };
    (0..count).map(|_| next()).collect()
}

/// The greatest common divisor.
fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_are_read_back(numbers in prop::collection::vec(any::<i64>(), 1..60), times in 1usize..9) {
            let numbers: Vec<i64> = numbers.iter().flat_map(|n| vec![*n; times]).collect();
            let bytes = even(&numbers, usize::MAX).unwrap();
            prop_assert_eq!(take_even(&bytes, numbers.len()), Some(numbers));
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
            let _ = take_flat(&bytes, count);
        }
    }

    #[test]
    fn an_hourly_year_with_a_gap_takes_a_few_bytes_and_more_numbers_than_asked_for_are_refused() {
        let mut hours: Vec<i64> = (0..4_000).map(|n| n * 3_600_000).collect();
        hours.drain(1_000..1_003);
        let bytes = even(&hours, usize::MAX).unwrap();
        assert!(bytes.len() < 24, "{}", bytes.len());
        assert_eq!(take_even(&bytes, hours.len() - 1), None);
        assert_eq!(take_even(&bytes, hours.len() + 1), None);
        assert_eq!(even(&hours, 10), None);
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
