//! Which place of a target's data a line is about: the inverse of [`super::line`], as
//! far as it is needed. Only lines that are refused, or were once, are looked at so.

use crate::air::Stamp;
use crate::flow::PointKey;

/// The place of a line that [`super::line`] made.
pub(super) fn key(line: &str) -> PointKey {
    let (head, rest) = cut(line.trim_end(), ' ');
    let (fields, time) = rest.rsplit_once(' ').unwrap_or((rest, ""));
    let (measurement, mut tags) = cut(head, ',');
    let mut key = PointKey {
        measurement: measurement.to_owned(),
        source: String::new(),
        device: String::new(),
        series: String::new(),
        time: Stamp(time.parse().unwrap_or_default()),
    };
    while !tags.is_empty() {
        let (tag, more) = cut(tags, ',');
        tags = more;
        let (name, value) = cut(tag, '=');
        match name {
            "source" => key.source = plain(value),
            "device" => key.device = plain(value),
            "quantity" | "ladder" => key.series = plain(value),
            "scope" => key.series = format!("{} {}", key.series, plain(value)),
            _ => {}
        }
    }
    if key.measurement == "air" {
        key.series = series(fields);
    }
    key
}

/// The names of the fields of a reading, without those of their flags.
fn series(mut fields: &str) -> String {
    let mut names = Vec::new();
    while !fields.is_empty() {
        let (field, more) = cut(fields, ',');
        fields = more;
        let name = plain(cut(field, '=').0);
        if !name.ends_with("_flag") {
            names.push(name);
        }
    }
    names.join(",")
}

/// What is before the first such character that is not escaped, and what is after it.
fn cut(text: &str, at: char) -> (&str, &str) {
    let mut escaped = false;
    for (place, c) in text.char_indices() {
        if c == at && !escaped {
            let after = text.get(place + c.len_utf8()..).unwrap_or_default();
            return (text.get(..place).unwrap_or_default(), after);
        }
        escaped = c == '\\' && !escaped;
    }
    (text, "")
}

/// A name or value without its escapes.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let escapes = c == '\\' && rest.peek().is_some_and(|next| matches!(next, ',' | '=' | ' '));
        if !escapes {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> (String, String, String, String, i64) {
        let PointKey { measurement, source, device, series, time } = key(line);
        (measurement, source, device, series, time.0)
    }

    #[test]
    fn the_place_of_each_kind_of_point_is_found() {
        let own = |m: &str, s: &str, d: &str, series: &str, at| {
            (m.to_owned(), s.to_owned(), d.to_owned(), series.to_owned(), at)
        };
        assert_eq!(
            found(
                "air,device=s1,source=city,station=jongno pm10=20.1,pm10_flag=1i,pm2_5__cf1=1e-9,pm2_5__cf1_flag=1i 1700\n"
            ),
            own("air", "city", "s1", "pm10,pm2_5__cf1", 1700)
        );
        assert_eq!(
            found("air_hour,device=s1,quantity=pm2_5__cf1,station=x count=2i,coverage=1 -5"),
            own("air_hour", "", "s1", "pm2_5__cf1", -5)
        );
        assert_eq!(
            found("air_change,ladder=kr-pm25,scope=zone/seoul from=\"none, a=b\",late=false 9"),
            own("air_change", "", "", "kr-pm25 zone/seoul", 9)
        );
    }

    #[test]
    fn escaped_characters_separate_nothing() {
        let line = r"air,device=a\,b\ c\=d\e,source=city pm10=1,pm10_flag=1i 7";
        assert_eq!(key(line).device, r"a,b c=d\e");
        assert_eq!((key(line).source.as_str(), key(line).time.0), ("city", 7));
    }

    #[test]
    fn no_text_whatever_makes_it_panic() {
        for text in ["", " ", ",", "=", "\\", "air", "air,=, =,", "air,device \\", "é é é", "a b c"]
        {
            key(text);
        }
    }
}
