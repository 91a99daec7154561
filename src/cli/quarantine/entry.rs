//! What an operator calls a thing in the quarantine: `17` is a message, `r3` a point
//! that a database refused.

use std::fmt;
use std::str::FromStr;

/// One thing in the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A message, by its number.
    Message(i64),
    /// A refused point, by its number.
    Point(i64),
}

impl FromStr for Entry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Entry, &'static str> {
        let (of, digits): (fn(i64) -> Entry, &str) = match text.strip_prefix('r') {
            Some(digits) => (Entry::Point, digits),
            None => (Entry::Message, text),
        };
        digits.parse().map(of).map_err(|_| "not a number as `dustline quarantine list` shows it")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Message(id) => write!(f, "{id}"),
            Entry::Point(id) => write!(f, "r{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_points_are_told_apart_by_a_letter() {
        for (text, entry) in [("17", Entry::Message(17)), ("r3", Entry::Point(3))] {
            assert_eq!((text.parse(), entry.to_string()), (Ok(entry), text.to_owned()));
        }
        for text in ["", "r", "x1", "1r", "r-"] {
            assert!(text.parse::<Entry>().is_err(), "{text}");
        }
    }
}
