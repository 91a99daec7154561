//! A UTC day.

use crate::air::{Hour, Stamp};
use std::fmt;

/// A UTC day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day that an hour lies in.
    pub fn of(hour: Hour) -> Day {
        Day(hour.0.div_euclid(24))
    }

    /// From `2024-01-10`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Day> {
        let start = Stamp::parse(&format!("{text}T00:00:00Z"))?;
        let day = Day::of(start.hour());
        (day.to_string() == text).then_some(day)
    }

    /// Its first hour.
    pub fn first(self) -> Hour {
        Hour(self.0.saturating_mul(24))
    }

    /// The first hour of the day after.
    pub fn end(self) -> Hour {
        self.next().first()
    }

    /// The day after.
    pub fn next(self) -> Day {
        Day(self.0.saturating_add(1))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.first().start().to_string();
        f.write_str(start.split('T').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_what_it_says() {
        let day = Day::parse("2024-02-29").unwrap();
        assert_eq!(
            (day.to_string(), day.next().to_string()),
            ("2024-02-29".into(), "2024-03-01".into())
        );
        assert_eq!(Day::of(Hour(day.end().0 - 1)), day);
        assert_eq!(Day::of(day.end()), day.next());
        for odd in ["2024-2-29", "2023-02-29", "2024-02-29T00", "", "today"] {
            assert_eq!(Day::parse(odd), None, "{odd}");
        }
    }
}
