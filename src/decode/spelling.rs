//! Unusual spellings of times that networks send: slashes, the basic form of
//! ISO 8601, `24:00`, and intervals, of which the end counts.

use crate::air::Stamp;
use jiff::civil::{Date, DateTime, Time};
use std::borrow::Cow;

/// An instant, from a text that says its offset.
pub fn instant(text: &str) -> Option<Stamp> {
    let text = usual(text)?;
    Stamp::parse(&text).or_else(|| {
        // Of what is left only `24:00` is a time.
        let offset = text.get(10..)?.find(['Z', 'z', '+', '-'])? + 10;
        let (clock, offset) = text.split_at(offset);
        Stamp::parse(&format!("{}{offset}", local(clock)?))
    })
}

/// The clock on a wall, from a text without an offset.
pub fn local(text: &str) -> Option<DateTime> {
    let text = usual(text)?;
    let (date, time) = text.split_once(['T', 't', ' '])?;
    match time.strip_prefix("24:00") {
        Some(rest) if rest.chars().all(|c| matches!(c, ':' | '0' | '.')) => {
            let date: Date = date.parse().ok()?;
            Some(date.tomorrow().ok()?.to_datetime(Time::midnight()))
        }
        _ => text.parse().ok(),
    }
}

/// A text as ISO 8601 writes it in full: dashes in the date, colons in the time,
/// the end of an interval.
fn usual(text: &str) -> Option<Cow<'_, str>> {
    let interval = |(from, to): (&str, &str)| from.contains('T') && to.contains('T');
    let end = match text.split_once('/') {
        Some(both) if interval(both) => both.1,
        _ => text,
    };
    // The date is ten characters, or eight digits in the basic form.
    let digits = end.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 8 {
        return basic(end).map(Cow::Owned);
    }
    let (date, rest) = (end.get(..10)?, end.get(10..)?);
    Some(match date.contains('/') {
        true => Cow::Owned(date.replace('/', "-") + rest),
        false => Cow::Borrowed(end),
    })
}

/// `20260105T030500Z` as `2026-01-05T03:05:00Z`.
fn basic(text: &str) -> Option<String> {
    let (date, rest) = (text.get(..8)?, text.get(8..)?);
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let digits = time.bytes().take_while(u8::is_ascii_digit).count();
    let (clock, offset) = (time.get(..digits)?, time.get(digits..)?);
    let pairs = match digits {
        4 | 6 => (0..digits).step_by(2).map(|i| clock.get(i..i + 2)).collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    let date = format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    Some(format!("{date}T{}{offset}", pairs.join(":")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_instant_is_known_in_all_its_spellings() {
        let at = Stamp::parse("2024-05-04T17:18:02Z");
        for text in [
            "2024/05/04T17:18:02z",
            "2024/05/04 17:18:02Z",
            "20240504T171802Z",
            "20240504T171802+0000",
            "2024-05-05T02:18:02+09:00",
            "2024-05-04T16:00:00Z/2024-05-04T17:18:02Z",
            "20240504T160000Z/20240504T171802Z",
        ] {
            assert_eq!(instant(text), at, "{text}");
        }
        assert_eq!(instant("2024-05-04T17:18:02"), None);
    }

    #[test]
    fn the_end_of_a_day_is_the_next_midnight() {
        let midnight = local("2026-01-05T00:00:00");
        assert!(midnight.is_some());
        for text in ["2026-01-04 24:00", "2026-01-04T24:00:00", "2026/01/04 24:00", "20260104T2400"]
        {
            assert_eq!(local(text), midnight, "{text}");
        }
        assert_eq!(instant("2026-01-04T24:00+09:00"), Stamp::parse("2026-01-04T15:00:00Z"));
        for text in ["2026-01-04 24:01", "2026-01-04 25:00", "2026-13-04 24:00"] {
            assert_eq!(local(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,40}|[0-9/:TZtz+. -]{0,30}") {
            let _ = (instant(&text), local(&text));
        }
    }
}
