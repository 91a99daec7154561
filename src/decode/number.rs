//! Numbers as networks send them: as JSON numbers, as strings, as words that
//! say there is none.

use super::json::Value;
use std::fmt;

/// Why a scalar is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoNumber {
    /// It says so: null, `nan`, `unavailable`, …
    NoReading(String),
    /// It is something else; its beginning.
    Other(String),
    /// Infinite, or too large for a 64-bit float.
    NotFinite,
}

impl fmt::Display for NoNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoNumber::NoReading(word) if word.is_empty() => f.write_str("empty: no reading"),
            NoNumber::NoReading(word) => write!(f, "{word}: no reading"),
            NoNumber::Other(text) => write!(f, "{text:?} is not a number"),
            NoNumber::NotFinite => f.write_str("not a finite number"),
        }
    }
}

/// Words that say there is no reading, in lower case.
const WORDS: [&str; 18] = [
    "",
    "-",
    "--",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "null",
    "none",
    "n/a",
    "unavailable",
    "unknown",
    "off",
    "on",
    "true",
    "false",
    "online",
    "offline",
];

/// Reads a number from text, padded or not.
pub fn from_text(text: &str) -> Result<f64, NoNumber> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ if WORDS.iter().any(|w| w.eq_ignore_ascii_case(text)) => {
            Err(NoNumber::NoReading(text.to_owned()))
        }
        Ok(_) => Err(NoNumber::NotFinite),
        Err(_) => Err(NoNumber::Other(shown(text))),
    }
}

/// Reads a number from a JSON number or a JSON string.
pub fn from_json(value: Value) -> Result<f64, NoNumber> {
    from_text(&value.scalar())
}

/// The beginning of a foreign text, for an explanation.
pub fn shown(text: &str) -> String {
    beginning(text, 40)
}

/// More of a foreign text, for an explanation that lists names.
pub fn shown_long(text: &str) -> String {
    beginning(text, 300)
}

/// At most this many bytes of a text.
fn beginning(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::json::Tree;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_networks_pad_them() {
        for (text, number) in [
            ("12", 12.0),
            (" 12.50\r\n", 12.5),
            ("0012", 12.0),
            ("+3", 3.0),
            ("-1", -1.0),
            ("1e3", 1000.0),
            (".5", 0.5),
        ] {
            assert_eq!(from_text(text), Ok(number), "{text:?}");
        }
    }

    #[test]
    fn words_for_no_reading_are_not_faults() {
        for word in ["", "nan", "NaN", "None", "unavailable", "Unknown", "ON", "inf", "-"] {
            assert_eq!(from_text(word), Err(NoNumber::NoReading(word.to_owned())));
        }
    }

    #[test]
    fn what_is_too_large_is_not_finite_and_what_is_no_number_is_shown() {
        assert_eq!(from_text("1e400"), Err(NoNumber::NotFinite));
        assert_eq!(from_text("1e308"), Ok(1e308));
        assert_eq!(from_text("-59 dBm").unwrap_err().to_string(), "\"-59 dBm\" is not a number");
        let long = "미".repeat(1000);
        assert!(from_text(&long).unwrap_err().to_string().len() < 70);
    }

    proptest! {
        #[test]
        fn a_written_number_is_read_back_exactly(number in proptest::num::f64::NORMAL) {
            prop_assert_eq!(from_text(&number.to_string()), Ok(number));
            let json = serde_json::to_string(&number).unwrap();
            for json in [format!("\"{json}\""), json] {
                prop_assert_eq!(from_json(Tree::parse(&json, &[]).unwrap().top()), Ok(number));
            }
        }
    }
}
