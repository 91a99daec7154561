//! Whole numbers by how much they differ from one to the next, in Golomb and Rice's
//! code: few bits for small steps, more for large ones. Readings of the air are
//! mostly like the ones before, and some rise and fall together: PM10 with PM2.5.
//!
//! ```text
//! steps := first:zigzag varint unit:varint share:i8? low:u8 bits
//! bits  := (ones up to a zero, `low` bits)*
//! ```
//! A step is `unit` times what its bits say: `ones << low | low bits`, zigzag. With
//! [`ONES_MAX`] ones come its 64 bits instead. Of numbers written beside others,
//! `share` eighths of the others' step, rounded down to units, are added to it.
//!
//! Source: R. F. Rice, *Some Practical Universal Noiseless Coding Techniques*, JPL
//! publication 79-22 (1979).

use super::super::body::{put_varint, take_byte, take_varint, unzigzag, zigzag};
use super::bits::{BitReader, BitWriter, WIDTH_MAX};

/// So many ones announce a step that is written in full.
const ONES_MAX: u32 = 24;
/// Parts that the others' step is divided into.
const SHARES: i64 = 8;

/// Numbers as steps, beside others of which there are as many; `None` if there are
/// none or all are the same, or if the others do not help.
pub(super) fn steps(numbers: &[i64], beside: Option<&[i64]>) -> Option<Vec<u8>> {
    let own = differences(numbers);
    let unit = own.iter().fold(0, |unit, step| common(unit, step.unsigned_abs()));
    let unit = i64::try_from(unit).ok().filter(|unit| (1..i64::MAX / SHARES).contains(unit))?;
    let mut out = Vec::new();
    put_varint(&mut out, zigzag(*numbers.first()?));
    put_varint(&mut out, unit.unsigned_abs());
    let others = beside.map(differences);
    let share = match &others {
        None => 0,
        Some(others) => share(&own, others)?,
    };
    if others.is_some() {
        out.push(share as u8);
    }
    let units = own.iter().map(|step| step / unit);
    let units: Vec<u64> = match others {
        None => units.map(zigzag).collect(),
        Some(others) => {
            let along = others.iter().map(|other| along(*other, share, unit));
            units.zip(along).map(|(step, along)| zigzag(step.wrapping_sub(along))).collect()
        }
    };
    put_bits(&mut out, &units);
    Some(out)
}

/// Reads so many numbers, one at least, that take all of `input`.
pub(super) fn take_steps(
    mut input: &[u8],
    count: usize,
    beside: Option<&[i64]>,
) -> Option<Vec<i64>> {
    let mut last = unzigzag(take_varint(&mut input)?);
    let unit = i64::try_from(take_varint(&mut input)?).ok()?;
    let unit = Some(unit).filter(|unit| (1..i64::MAX / SHARES).contains(unit))?;
    let others = match beside {
        None => None,
        Some(beside) => Some((differences(beside), take_byte(&mut input)? as i8)),
    };
    let low = u32::from(take_byte(&mut input)?);
    if low > WIDTH_MAX {
        return None;
    }
    let mut bits = BitReader::new(input);
    let mut numbers = Vec::with_capacity(count);
    numbers.push(last);
    for place in 0..count.checked_sub(1)? {
        let along = match &others {
            None => 0,
            Some((others, share)) => along(*others.get(place)?, *share, unit),
        };
        let step = unzigzag(take_number(&mut bits, low)?).wrapping_add(along);
        last = last.wrapping_add(step.wrapping_mul(unit));
        numbers.push(last);
    }
    bits.is_done().then_some(numbers)
}

/// The steps from each number to the next.
pub(super) fn differences(numbers: &[i64]) -> Vec<i64> {
    numbers.iter().zip(numbers.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a)).collect()
}

/// What a step of the others makes of ours, in units.
fn along(other: i64, share: i8, unit: i64) -> i64 {
    other.wrapping_mul(i64::from(share)).div_euclid(SHARES * unit)
}

/// The share of the others' steps that ours have on the whole. A single leap of either
/// weighs no more than its size: least squares would follow it.
fn share(own: &[i64], others: &[i64]) -> Option<i8> {
    let (mut ours, mut theirs) = (0.0, 0.0);
    for (own, other) in own.iter().zip(others) {
        ours += *own as f64 * other.signum() as f64;
        theirs += *other as f64 * other.signum() as f64;
    }
    // Of others that never change, not a number: that is 0 as well.
    let share = (ours / theirs * SHARES as f64).round() as i8;
    (share != 0).then_some(share)
}

fn put_bits(out: &mut Vec<u8>, numbers: &[u64]) {
    let low = low_bits(numbers);
    out.push(low as u8);
    let mut bits = BitWriter::default();
    for number in numbers {
        match number >> low {
            ones if ones < u64::from(ONES_MAX) => {
                bits.put(out, (1 << ones) - 1, ones as u32 + 1);
                bits.put(out, number & ((1 << low) - 1), low);
            }
            _ => {
                bits.put(out, (1 << ONES_MAX) - 1, ONES_MAX);
                bits.put(out, number & u64::from(u32::MAX), WIDTH_MAX);
                bits.put(out, number >> WIDTH_MAX, WIDTH_MAX);
            }
        }
    }
    bits.finish(out);
}

fn take_number(bits: &mut BitReader<'_>, low: u32) -> Option<u64> {
    match bits.take_ones(ONES_MAX)? {
        ONES_MAX => Some(bits.take(WIDTH_MAX)? | bits.take(WIDTH_MAX)? << WIDTH_MAX),
        ones => Some(u64::from(ones) << low | bits.take(low)?),
    }
}

/// How many low bits make the numbers about the shortest: told from how many there
/// are of each length, and their sum.
fn low_bits(numbers: &[u64]) -> u32 {
    let mut of_length = [(0u64, 0u64); u64::BITS as usize + 1];
    for number in numbers {
        let length = u64::BITS - number.leading_zeros();
        if let Some((count, sum)) = of_length.get_mut(length as usize) {
            (*count, *sum) = (*count + 1, sum.saturating_add(*number));
        }
    }
    let bits = |low: u32| {
        let most = low + ONES_MAX.ilog2();
        let of = |(length, (count, sum)): (u32, &(u64, u64))| match length <= most {
            true => (sum >> low) + count * u64::from(low + 1),
            false => count * u64::from(ONES_MAX + 2 * WIDTH_MAX),
        };
        (0..).zip(&of_length).map(of).sum::<u64>()
    };
    (0..=WIDTH_MAX).min_by_key(|low| bits(*low)).unwrap_or_default()
}

/// The greatest common divisor.
pub(super) fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two columns of the same length.
    fn pairs() -> impl Strategy<Value = Vec<(i64, i64)>> {
        let number = || prop_oneof![8 => -5_000i64..5_000, 1 => any::<i64>()];
        prop::collection::vec((number(), number()), 2..200)
    }

    proptest! {
        #[test]
        fn steps_are_read_back_alone_and_beside_others(pairs in pairs(), unit in 1i64..2_000) {
            let (numbers, others): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
            let numbers: Vec<i64> = numbers.iter().map(|n| n.wrapping_mul(unit)).collect();
            for beside in [None, Some(&others[..]), Some(&numbers[..])] {
                if let Some(bytes) = steps(&numbers, beside) {
                    prop_assert_eq!(take_steps(&bytes, numbers.len(), beside), Some(numbers.clone()));
                }
            }
        }

        #[test]
        fn other_bytes_are_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), others in prop::collection::vec(any::<i64>(), 0..100), count in 0usize..100) {
            let _ = take_steps(&bytes, count, None);
            let _ = take_steps(&bytes, count, Some(&others));
        }
    }

    #[test]
    fn small_steps_take_few_bits_and_a_large_one_does_not_spoil_them() {
        let mut numbers: Vec<i64> = (0..800).map(|n| 20_000 + n % 3 * 100).collect();
        let usual = steps(&numbers, None).unwrap().len();
        // A step up, one up, two down: 3 + 3 + 4 bits at most, and the head.
        assert!(usual <= 800 * 10 / 3 / 8 + 8, "{usual}");
        numbers[400] = 5_000_000_000_000;
        assert!(steps(&numbers, None).unwrap().len() < usual + 24);
    }

    #[test]
    fn numbers_that_rise_and_fall_with_others_cost_only_what_is_left() {
        let fine: Vec<i64> = (0..500).map(|n: i64| n.pow(3) % 997 * 1_000).collect();
        let coarse: Vec<i64> = fine.iter().map(|n| n * 3 / 2 / 1_000 * 1_000).collect();
        let (alone, beside) = (steps(&coarse, None).unwrap(), steps(&coarse, Some(&fine)).unwrap());
        assert!(beside.len() * 5 < alone.len(), "{} of {}", beside.len(), alone.len());
        assert_eq!(take_steps(&beside, 500, Some(&fine[1..])), None, "one is missing");
        assert_eq!(steps(&coarse, Some(&[7; 500])), None, "they never change");
    }

    #[test]
    fn numbers_without_a_step_are_not_written_in_steps() {
        assert_eq!(steps(&[], None), None);
        assert_eq!(steps(&[7, 7], None), None);
        assert_eq!(take_steps(&[0, 1, 0], 0, None), None);
    }
}
