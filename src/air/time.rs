//! Instants and hours, always UTC inside.
//!
//! Hours are named by their start. Hour-ending labels, `24:00` and time zones
//! exist only at the edges (decoders, texts, files).

use jiff::tz::Offset;
use std::fmt::{self, Write};
use std::time::Duration;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, Object, Schema, SchemaFormat, Type};

/// An instant: milliseconds since the Unix epoch, UTC.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Stamp(pub i64);

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;

impl Stamp {
    /// The hour in which the instant lies.
    pub fn hour(self) -> Hour {
        Hour(self.0.div_euclid(HOUR_MS) as i32)
    }

    /// The instant this much later, saturating.
    pub fn plus(self, d: Duration) -> Stamp {
        Stamp(self.0.saturating_add(millis(d)))
    }

    /// The instant this much earlier, saturating.
    pub fn minus(self, d: Duration) -> Stamp {
        Stamp(self.0.saturating_sub(millis(d)))
    }

    /// Milliseconds from `earlier` to this instant; negative if it lies later.
    pub fn since(self, earlier: Stamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 with `Z`; fractions only where there are any.
    pub fn text(self) -> StampText {
        let mut text = StampText::default();
        // The text has room for any instant.
        let _ = match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => text.instant(Offset::UTC.to_datetime(t)),
            Err(_) => write!(text, "{}ms", self.0),
        };
        text
    }

    /// Parses an RFC 3339 instant with an offset or `Z`.
    pub fn parse(text: &str) -> Option<Stamp> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Stamp(t.as_millisecond()))
    }

    /// The wall-clock time in a time zone, as people of that zone read it.
    pub fn local(self, zone: &jiff::tz::TimeZone) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => t.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
            Err(_) => self.to_string(),
        }
    }
}

/// As documents in JSON have it: RFC 3339 in UTC.
impl utoipa::PartialSchema for Stamp {
    fn schema() -> RefOr<Schema> {
        let instant = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        Object::builder().schema_type(Type::String).format(Some(instant)).into()
    }
}

impl utoipa::ToSchema for Stamp {}

fn millis(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Stamp {
    /// As [`Stamp::text`] has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// An instant written out, without an allocation: a page of answers has tens of
/// thousands of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct StampText {
    bytes: [u8; 32],
    len: usize,
}

impl StampText {
    /// The text.
    pub fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.len).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }

    fn instant(&mut self, t: jiff::civil::DateTime) -> fmt::Result {
        match u32::try_from(t.year()) {
            Ok(year) => self.digits(year, 4)?,
            Err(_) => write!(self, "-{:06}", t.year().unsigned_abs())?,
        }
        let rest = [
            ('-', t.month()),
            ('-', t.day()),
            ('T', t.hour()),
            (':', t.minute()),
            (':', t.second()),
        ];
        for (between, number) in rest {
            self.write_char(between)?;
            self.digits(number.unsigned_abs().into(), 2)?;
        }
        let ms = t.millisecond().unsigned_abs().into();
        if ms > 0 {
            self.write_char('.')?;
            self.digits(ms, 3)?;
            while self.as_str().ends_with('0') {
                self.len -= 1;
            }
        }
        self.write_char('Z')
    }

    /// A number in this many decimal digits.
    fn digits(&mut self, number: u32, count: usize) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + count).ok_or(fmt::Error)?;
        let mut left = number;
        for digit in room.iter_mut().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
        }
        self.len += count;
        Ok(())
    }
}

impl Write for StampText {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + more.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(more.as_bytes());
        self.len += more.len();
        Ok(())
    }
}

/// An hour: whole hours since the Unix epoch, named by its start.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Hour(pub i32);

impl Hour {
    /// The first instant of the hour.
    pub fn start(self) -> Stamp {
        Stamp(i64::from(self.0) * HOUR_MS)
    }

    /// The first instant after the hour.
    pub fn end(self) -> Stamp {
        self.next().start()
    }

    /// The following hour.
    pub fn next(self) -> Hour {
        Hour(self.0.saturating_add(1))
    }

    /// The hour `n` hours before.
    pub fn back(self, n: i32) -> Hour {
        Hour(self.0.saturating_sub(n))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.start().fmt(f)
    }
}

/// Parses a duration as the configuration and command line write it: `250ms`,
/// `90s`, `15m`, `2h`, `7d`, or a sum such as `1h30m`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_end =
            rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |i| digits + i);
        let unit_ms: u64 = match &rest[digits..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(unit_ms)?))?;
        rest = &rest[unit_end..];
    }
    Some(total)
}

/// Writes a duration so that [`parse_duration`] reads it back.
pub fn format_duration(d: Duration) -> String {
    let ms = d.as_millis();
    for (unit_ms, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if ms >= unit_ms && ms.is_multiple_of(unit_ms) {
            return format!("{}{unit}", ms / unit_ms);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_hour_is_named_by_its_start_before_and_after_1970() {
        assert_eq!(
            Stamp::parse("2022-01-08T13:00:00Z").unwrap().hour().to_string(),
            "2022-01-08T13:00:00Z"
        );
        assert_eq!(Stamp(-1).hour(), Hour(-1));
        assert_eq!(Hour(-1).start(), Stamp(-HOUR_MS));
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration("90s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        for bad in ["", "90", "s", "1x", "-5s", "99999999999999999999d"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_is_read_back(ms in 0u64..10_000_000_000) {
            let d = Duration::from_millis(ms);
            prop_assert_eq!(parse_duration(&format_duration(d)), Some(d));
        }

        #[test]
        fn an_instant_is_written_as_the_library_of_time_zones_writes_it(
            ms in prop_oneof![-300_000_000_000_000i64..200_000_000_000_000, any::<i64>()],
            step in prop_oneof![Just(1), Just(10), Just(100), Just(1_000)],
        ) {
            let ms = ms / step * step;
            let whole = jiff::Timestamp::from_millisecond(ms);
            let want = whole.map_or_else(|_| format!("{ms}ms"), |t| t.to_string());
            prop_assert_eq!(Stamp(ms).to_string(), want);
        }

        #[test]
        fn a_written_instant_is_read_back(ms in -60_000_000_000_000i64..200_000_000_000_000) {
            prop_assert_eq!(Stamp::parse(&Stamp(ms).to_string()), Some(Stamp(ms)));
        }
    }
}
