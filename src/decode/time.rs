//! The device's own time: as RFC 3339, as a Unix time in any usual unit, or as
//! the clock on the wall of a configured zone.

use super::json::Value;
use super::{number, spelling};
use crate::air::Stamp;
use jiff::tz::TimeZone;

/// The unit of a Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl TimeUnit {
    /// The unit of this name: `s`, `ms`, `us` or `ns`.
    pub fn from_name(name: &str) -> Option<TimeUnit> {
        match name {
            "s" => Some(TimeUnit::Seconds),
            "ms" => Some(TimeUnit::Millis),
            "us" => Some(TimeUnit::Micros),
            "ns" => Some(TimeUnit::Nanos),
            _ => None,
        }
    }

    /// The unit in which a time of our days has this magnitude: seconds below
    /// 10¹¹ (the year 5138), milliseconds below 10¹⁴, microseconds below 10¹⁷.
    fn of_magnitude(number: f64) -> TimeUnit {
        match number.abs() {
            n if n < 1e11 => TimeUnit::Seconds,
            n if n < 1e14 => TimeUnit::Millis,
            n if n < 1e17 => TimeUnit::Micros,
            _ => TimeUnit::Nanos,
        }
    }

    /// How many of the unit make a second.
    fn per_second(self) -> i64 {
        match self {
            TimeUnit::Seconds => 1,
            TimeUnit::Millis => 1_000,
            TimeUnit::Micros => 1_000_000,
            TimeUnit::Nanos => 1_000_000_000,
        }
    }
}

/// Instants outside 1970 to 9999 are no times of ours: a clock that was never
/// set, or another number mistaken for a time. Milliseconds, end excluded.
const BELIEVABLE_MS: std::ops::Range<i64> = 1..253_402_300_800_000;

/// A time in milliseconds since 1970; `None` if that is no time of ours.
pub fn from_millis(ms: u64) -> Option<Stamp> {
    believable(i64::try_from(ms).ok()?)
}

/// Reads a time from a JSON number or string; the error says why not.
pub fn from_json(
    value: Value,
    unit: Option<TimeUnit>,
    zone: Option<&TimeZone>,
) -> Result<Stamp, String> {
    from_text(value.scalar().trim(), unit, zone)
}

/// A time so long after another; a negative number lies before it.
pub fn after(base: Stamp, text: &str, unit: TimeUnit) -> Result<Stamp, String> {
    let number = number::from_text(text).map_err(|e| format!("{e}; arrival time used"))?;
    let ms = base.0 as f64 + number * 1_000.0 / unit.per_second() as f64;
    believable(ms.round() as i64).ok_or_else(|| unbelievable(text))
}

/// Reads a time from text; the error says why not.
pub fn from_text(
    text: &str,
    unit: Option<TimeUnit>,
    zone: Option<&TimeZone>,
) -> Result<Stamp, String> {
    let unix = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+')
        && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let ms = if let Some(ms) = unix.then(|| unix_ms(text, unit)).flatten() {
        ms
    } else if let Some(instant) = instant(text) {
        instant.0
    } else if let Some(local) = spelling::local(text) {
        let zone = zone.ok_or_else(|| {
            format!(
                "time {text:?} has no offset: set the time zone of its clock; arrival time used"
            )
        })?;
        let zoned = local.to_zoned(zone.clone()).map_err(|e| format!("time {text:?}: {e}"))?;
        zoned.timestamp().as_millisecond()
    } else {
        let shown = number::shown(text);
        return Err(format!("{shown:?} is not a time known here; arrival time used"));
    };
    believable(ms).ok_or_else(|| unbelievable(text))
}

/// An instant, from a text that says its offset: a sign or `Z` behind the date.
fn instant(text: &str) -> Option<Stamp> {
    let behind_date = text.as_bytes().get(8..)?;
    let has_offset = behind_date.iter().any(|b| matches!(b, b'Z' | b'z' | b'+' | b'-'));
    has_offset.then(|| Stamp::parse(text).or_else(|| spelling::instant(text))).flatten()
}

/// Reads a time from Unix seconds; the error says why not.
pub fn from_seconds(seconds: f64) -> Result<Stamp, String> {
    let ms = (seconds * 1_000.0).round() as i64;
    believable(ms).ok_or_else(|| unbelievable(&format!("{seconds:e}")))
}

fn believable(ms: i64) -> Option<Stamp> {
    BELIEVABLE_MS.contains(&ms).then_some(Stamp(ms))
}

fn unbelievable(text: &str) -> String {
    let shown = number::shown(text);
    format!("time {shown:?} is not between 1970 and 9999; arrival time used")
}

/// Milliseconds of a Unix time in this or the likely unit. Whole numbers are
/// converted exactly, downwards.
fn unix_ms(text: &str, unit: Option<TimeUnit>) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    let per_second = unit.unwrap_or_else(|| TimeUnit::of_magnitude(number)).per_second();
    match text.parse::<i64>() {
        Ok(whole) if per_second >= 1_000 => Some(whole.div_euclid(per_second / 1_000)),
        Ok(whole) => whole.checked_mul(1_000),
        Err(_) => Some((number * 1_000.0 / per_second as f64).round() as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Stamp, String> {
        from_text(text, None, None)
    }

    #[test]
    fn one_instant_is_read_from_all_its_usual_spellings() {
        let instant = Ok(Stamp(1_700_000_000_123));
        for text in [
            "2023-11-14T22:13:20.123Z",
            "2023-11-14 22:13:20.123Z",
            "2023-11-14t22:13:20.123z",
            "2023-11-15T07:13:20.123+09:00",
            "2023-11-15T07:13:20.123456+0900",
            "1700000000.123",
            "1700000000123",
            "1700000000123456",
            "1700000000123456789",
            "1.700000000123e9",
        ] {
            assert_eq!(read(text), instant, "{text}");
        }
    }

    #[test]
    fn a_given_unit_beats_the_magnitude() {
        assert_eq!(from_text("86400000", Some(TimeUnit::Millis), None), Ok(Stamp(86_400_000)));
        assert_eq!(read("86400000"), Ok(Stamp(86_400_000_000)));
    }

    #[test]
    fn a_local_time_needs_a_zone() {
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        let at = Stamp::parse("2023-11-14T22:13:20Z").unwrap();
        for text in ["2023-11-15T07:13:20", "2023-11-15 07:13:20"] {
            assert_eq!(from_text(text, None, Some(&seoul)), Ok(at));
            assert!(read(text).unwrap_err().contains("no offset"), "{text}");
        }
    }

    #[test]
    fn a_clock_that_was_never_set_gives_no_time() {
        for text in ["0", "1970-01-01T00:00:00Z", "-1", "1e300", "-5e18", "1e22", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_instant_is_read_back(ms in 100_000_000_000i64..99_000_000_000_000) {
            prop_assert_eq!(read(&Stamp(ms).to_string()), Ok(Stamp(ms)));
            prop_assert_eq!(read(&ms.to_string()), Ok(Stamp(ms)));
            prop_assert_eq!(read(&format!("{}000", ms)), Ok(Stamp(ms)));
        }

        #[test]
        fn no_text_is_too_strange(text in ".*") {
            let _ = read(&text);
            let _ = from_text(&text, Some(TimeUnit::Seconds), Some(&TimeZone::UTC));
        }
    }
}
