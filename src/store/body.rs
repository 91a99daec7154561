//! The readings of a journal row as bytes.
//!
//! ```text
//! body   := duplicates:varint skipped:varint value*
//! value  := head:u8 [label:varint] [flag:u8 reasons:varint] number
//! head   := quantity (4 bits) | 0x10 has label | 0x20 flag is not 1 | 0x40 number is raw
//! number := zigzag varint of 10⁻³ units, or, if that would lose something, f64 little-endian
//! ```
//! A body that does not follow this is damage and is reported, never guessed at.

use crate::air::{Flag, Label, Measured, Quantity, Reasons, Value};

const LABEL: u8 = 0x10;
const FLAG: u8 = 0x20;
const RAW: u8 = 0x40;

/// Writes counts and values; `label_id` gives the row of a label in `labels`.
pub fn encode_body(
    out: &mut Vec<u8>,
    duplicates: u32,
    skipped: u32,
    values: &[Measured],
    mut label_id: impl FnMut(&Label) -> u32,
) {
    put_varint(out, u64::from(duplicates));
    put_varint(out, u64::from(skipped));
    for m in values {
        let label = if m.value.label.is_main() { 0 } else { label_id(&m.value.label) };
        let flagged = m.flag != Flag::Pass || m.reasons != Reasons::default();
        let exact = exact_milli(m.value.value);
        let mut head = m.value.quantity.code();
        head |= if label != 0 { LABEL } else { 0 };
        head |= if flagged { FLAG } else { 0 };
        head |= if exact.is_none() { RAW } else { 0 };
        out.push(head);
        if label != 0 {
            put_varint(out, u64::from(label));
        }
        if flagged {
            out.push(m.flag.code());
            put_varint(out, u64::from(m.reasons.0));
        }
        match exact {
            Some(milli) => put_varint(out, zigzag(milli)),
            None => out.extend_from_slice(&m.value.value.to_le_bytes()),
        }
    }
}

/// Reads what [`encode_body`] wrote: duplicates, skipped, values. `None` if the
/// bytes are damaged or name a label that is not there.
pub fn decode_body(
    bytes: &[u8],
    label: impl Fn(u32) -> Option<Label>,
) -> Option<(u32, u32, Vec<Measured>)> {
    let mut input = bytes;
    let duplicates = u32::try_from(take_varint(&mut input)?).ok()?;
    let skipped = u32::try_from(take_varint(&mut input)?).ok()?;
    let mut values = Vec::with_capacity(input.len() / 3);
    while let Some(head) = take_byte(&mut input) {
        let quantity = Quantity::from_code(head & 0x0f)?;
        let name = match head & LABEL {
            0 => Label::default(),
            _ => label(u32::try_from(take_varint(&mut input)?).ok()?)?,
        };
        let (flag, reasons) = match head & FLAG {
            0 => (Flag::Pass, Reasons::default()),
            _ => {
                let flag = Flag::from_code(take_byte(&mut input)?)?;
                (flag, Reasons(u16::try_from(take_varint(&mut input)?).ok()?))
            }
        };
        let value = match head & RAW {
            0 => unzigzag(take_varint(&mut input)?) as f64 / 1000.0,
            _ => {
                let (raw, rest) = input.split_first_chunk::<8>()?;
                input = rest;
                f64::from_le_bytes(*raw)
            }
        };
        values.push(Measured { value: Value { quantity, label: name, value }, flag, reasons });
    }
    Some((duplicates, skipped, values))
}

/// The value in thousandths, if nothing is lost that way.
pub(super) fn exact_milli(value: f64) -> Option<i64> {
    let milli = (value * 1000.0).round();
    (milli.abs() < 9e15 && milli / 1000.0 == value && !(value == 0.0 && value.is_sign_negative()))
        .then_some(milli as i64)
}

pub(super) fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

pub(super) fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub(super) fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    Some(*first)
}

pub(super) fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(input)?;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn measured() -> impl Strategy<Value = Measured> {
        let number = prop_oneof![
            (-2_000_000i64..2_000_000).prop_map(|n| n as f64 / 1000.0),
            any::<f64>().prop_filter("finite", |v| v.is_finite()),
        ];
        (0u8..12, any::<bool>(), 1u8..5, 0u16..256, number).prop_map(
            |(q, cf1, flag, reasons, v)| {
                let label = Label {
                    channel: String::new(),
                    variant: if cf1 { "cf1".into() } else { String::new() },
                };
                Measured {
                    value: Value { quantity: Quantity::from_code(q).unwrap(), label, value: v },
                    flag: Flag::from_code(flag).unwrap(),
                    reasons: Reasons(reasons),
                }
            },
        )
    }

    fn label(id: u32) -> Option<Label> {
        (id == 7).then(|| Label { channel: String::new(), variant: "cf1".into() })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_to_the_last_bit(values in prop::collection::vec(measured(), 0..20), d in any::<u32>(), s in any::<u32>()) {
            let mut bytes = Vec::new();
            encode_body(&mut bytes, d, s, &values, |_| 7);
            prop_assert_eq!(decode_body(&bytes, label), Some((d, s, values)));
        }

        #[test]
        fn damaged_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_body(&bytes, label);
        }
    }

    #[test]
    fn a_usual_reading_takes_three_or_four_bytes() {
        let mut bytes = Vec::new();
        let m = Measured {
            value: Value::main(Quantity::Pm2_5, 12.3),
            flag: Flag::Pass,
            reasons: Reasons::default(),
        };
        encode_body(&mut bytes, 0, 0, &[m], |_| 0);
        assert_eq!(bytes.len(), 2 + 1 + 3);
    }
}
