//! The times of rows.

use super::TimeLabel;
use crate::air::Stamp;
use crate::air::time::HOUR_MS;

/// Korean and Chinese time, hours ahead of UTC; neither has had a summer time
/// in the years of which there are fine-dust data.
pub(super) const KST: i64 = 9;
/// See [`KST`].
pub(super) const CST: i64 = 8;

/// An instant of RFC 3339. The rows of an hour follow one another, so the text
/// read last is remembered.
#[derive(Debug, Default)]
pub(super) struct Times {
    text: Vec<u8>,
    last: Option<Stamp>,
}

impl Times {
    /// The instant that a text says by `parse`.
    pub fn get(
        &mut self,
        text: &[u8],
        parse: impl FnOnce(&[u8]) -> Option<Stamp>,
    ) -> Option<Stamp> {
        if self.last.is_none() || self.text != text {
            self.last = parse(text);
            self.text.clear();
            self.text.extend_from_slice(text);
        }
        self.last
    }
}

/// RFC 3339 with an offset.
pub(super) fn instant(text: &[u8]) -> Option<Stamp> {
    Stamp::parse(std::str::from_utf8(text).ok()?)
}

/// Local date and hour in digits, with or without signs between them:
/// `2022010824`, `2022-01-08 24:00`. Hour 24 is the next midnight.
pub(super) fn date_hour(text: &[u8], offset: i64) -> Option<Stamp> {
    let signs = b"-/.: T";
    if text.iter().any(|b| !b.is_ascii_digit() && !signs.contains(b)) {
        return None;
    }
    let mut digits = text.iter().filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0'));
    let mut take = |n: usize| (0..n).try_fold(0i64, |sum, _| Some(sum * 10 + digits.next()?));
    let (year, month, day, hour) = (take(4)?, take(2)?, take(2)?, take(2)?);
    if digits.any(|rest| rest != 0) {
        return None;
    }
    local(year, month, day, hour, offset)
}

/// A date in digits and an hour in another cell, as the Chinese day files have it.
pub(super) fn date_and_hour(date: &[u8], hour: &[u8], offset: i64) -> Option<Stamp> {
    let digits: Vec<u8> = date.iter().copied().filter(|b| !b"-/.".contains(b)).collect();
    let text = std::str::from_utf8(&digits).ok().filter(|t| t.len() == 8)?;
    let number = |part: Option<&str>| part?.parse::<i64>().ok();
    let hour = std::str::from_utf8(hour).ok()?.trim().parse::<i64>().ok()?;
    local(number(text.get(..4))?, number(text.get(4..6))?, number(text.get(6..))?, hour, offset)
}

fn local(year: i64, month: i64, day: i64, hour: i64, offset: i64) -> Option<Stamp> {
    if !(0..=24).contains(&hour) {
        return None;
    }
    let (year, month, day) = (year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    Some(Stamp(midnight + (hour - offset) * HOUR_MS))
}

impl TimeLabel {
    /// An instant within the time that a row is of.
    pub(super) fn within(self, label: Stamp) -> Stamp {
        match self {
            TimeLabel::Start => label,
            TimeLabel::End => Stamp(label.0.saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn korean(text: &str) -> Option<String> {
        date_hour(text.as_bytes(), KST).map(|t| t.to_string())
    }

    #[test]
    fn hour_24_is_the_next_midnight() {
        assert_eq!(korean("2022010824").as_deref(), Some("2022-01-08T15:00:00Z"));
        assert_eq!(korean("2022-01-09 00:00"), korean("2022-01-08 24:00"));
        assert_eq!(korean("2021123124").as_deref(), Some("2021-12-31T15:00:00Z"));
        assert_eq!(korean("2024022901").as_deref(), Some("2024-02-28T16:00:00Z"));
    }

    #[test]
    fn what_is_no_date_and_hour_is_refused() {
        for bad in ["", "20220108", "2022010825", "2023022901", "2022-01-08 12:30", "2022010a01"] {
            assert_eq!(korean(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_chinese_hour_stands_in_a_cell_of_its_own() {
        let at = |date: &str, hour: &str| date_and_hour(date.as_bytes(), hour.as_bytes(), CST);
        assert_eq!(at("20190109", "0").unwrap().to_string(), "2019-01-08T16:00:00Z");
        assert_eq!(at("2019-01-09", "23"), at("20190109", "23"));
        assert_eq!(at("20190109", "25"), None);
        assert_eq!(at("2019010", "1"), None);
    }

    #[test]
    fn a_label_at_the_end_belongs_to_the_hour_before_it() {
        let ten = Stamp::parse("2022-01-08T10:00:00Z").unwrap();
        assert_eq!(TimeLabel::End.within(ten).hour().end(), ten);
        assert_eq!(TimeLabel::Start.within(ten).hour().start(), ten);
        let inside = Stamp(ten.0 + 1);
        assert_eq!(TimeLabel::End.within(inside).hour(), TimeLabel::Start.within(inside).hour());
    }
}
