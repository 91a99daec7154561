//! Damage: what transmission, firmware and malice do to sound messages.

use super::corpus::Said;
use fastrand::Rng;

/// What stands where a decoder expects something else.
const TOKENS: [&str; 28] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"nan\"",
    "1e308",
    "1e400",
    "-1e-400",
    "NaN",
    "-0",
    "-1",
    "65535",
    "99999999999999999999999",
    "\"1e999\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[[[[",
    "{\"\":",
    "\\",
    "\0",
    "\u{feff}",
    "é",
    "#",
    "{{ value_json }}",
    "24:00",
    "9999-12-31T23:59:60Z",
    "/../",
];
/// A message grows to no more than this: many small cases find more than a few large ones.
const SIZE_MAX: usize = 4_096;

/// Arbitrary bytes.
pub fn junk(rng: &mut Rng) -> Vec<u8> {
    (0..rng.usize(..200)).map(|_| rng.u8(..)).collect()
}

/// Damages a message in one to four places.
pub fn damage(bytes: &mut Vec<u8>, others: &[Said], rng: &mut Rng) {
    for _ in 0..rng.usize(1..5) {
        let at = rng.usize(..=bytes.len());
        let end = at + rng.usize(..=(bytes.len() - at).min(40));
        match rng.u8(..8) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << rng.u8(..8)),
            1 => bytes.insert(at, rng.u8(..)),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => replace_value(bytes, at, rng),
            5 => drop(bytes.splice(at..at, rng.choice(TOKENS).unwrap_or_default().bytes())),
            6 => {
                // A part again and again.
                let part = bytes[at..end].repeat(rng.usize(1..20));
                drop(bytes.splice(at..at, part));
            }
            _ => {
                // A part of another network's message.
                let (_, other) = rng.choice(others).unwrap();
                let from = rng.usize(..=other.len());
                let part = &other[from..other.len().min(from + 60)];
                drop(bytes.splice(at..end, part.iter().copied()));
            }
        }
        bytes.truncate(SIZE_MAX);
    }
}

/// Puts a strange value in the place of one that stands after this point.
fn replace_value(bytes: &mut Vec<u8>, at: usize, rng: &mut Rng) {
    let begins = |b: &u8| matches!(b, b':' | b'=' | b',' | b'[');
    let Some(from) = bytes.iter().skip(at).position(begins).map(|p| at + p + 1) else { return };
    let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ');
    let to = bytes.iter().skip(from).position(ends).map_or(bytes.len(), |p| from + p);
    drop(bytes.splice(from..to, rng.choice(TOKENS).unwrap_or_default().bytes()));
}

/// Another topic: levels left out, doubled, emptied, or strange.
pub fn topic(topic: &str, rng: &mut Rng) -> String {
    let mut levels: Vec<&str> = topic.split('/').collect();
    let at = rng.usize(..levels.len());
    match rng.u8(..5) {
        0 => drop(levels.remove(at)),
        1 => levels.insert(at, levels[at]),
        2 => levels[at] = "",
        3 => levels[at] = rng.choice(["$SYS", "pm10", "é\u{7f}", "5", "config", "+"]).unwrap(),
        _ => levels.extend(["x"; 300]),
    }
    levels.join("/")
}
