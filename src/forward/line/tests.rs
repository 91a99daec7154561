use super::*;
use crate::air::{Flag, Reasons, Value};
use proptest::prelude::*;

/// A point as the specification reads it: measurement, tags, fields (texts still
/// in their quotes), time. One line, without its end.
#[derive(Debug, PartialEq)]
struct Point {
    measurement: String,
    tags: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    time: String,
}

/// Cuts at the first `stop` that is not escaped and not within quotes.
fn cut(text: &str, stop: char) -> (&str, Option<&str>) {
    let (mut escaped, mut quoted) = (false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if c == stop && !quoted => return (&text[..i], Some(&text[i + 1..])),
            _ => {}
        }
    }
    (text, None)
}

/// A backslash before a comma, space or equals sign goes, any other stays.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let special = |c: &char| matches!(c, ',' | ' ' | '=');
        if c != '\\' || !chars.peek().is_some_and(special) {
            out.push(c);
        }
    }
    out
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (pair, more) = cut(text, ',');
        let (name, value) = cut(pair, '=');
        let value = value.expect("a pair has an equals sign");
        let value = if value.starts_with('"') { value.to_owned() } else { unescape(value) };
        all.push((unescape(name), value));
        rest = more;
    }
    all
}

fn parse(line: &str) -> Point {
    let (head, rest) = cut(line, ' ');
    let (fields, time) = cut(rest.expect("fields"), ' ');
    let (measurement, tags) = cut(head, ',');
    Point {
        measurement: measurement.to_owned(),
        tags: tags.map(pairs).unwrap_or_default(),
        fields: pairs(fields),
        time: time.expect("a time").to_owned(),
    }
}

/// What a tag can say of a text; see the head of the module.
fn sayable(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after = chars.get(i + 1);
        let before = i.checked_sub(1).and_then(|i| chars.get(i));
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' if before == Some(&'\\') || after.is_none_or(|a| ",= \\\n\r\t".contains(*a)) => {
                out.push('/');
            }
            _ => out.push(*c),
        }
    }
    out
}

fn measured(quantity: Quantity, variant: &str, value: f64, flag: Flag) -> Measured {
    let label = Label { channel: String::new(), variant: variant.to_owned() };
    Measured { value: Value { quantity, label, value }, flag, reasons: Reasons::default() }
}

fn line_of(values: &[Measured]) -> String {
    let mut prefix = String::new();
    start(&mut prefix, "air", &[("device", "s00001"), ("source", "city"), ("station", "jongno")]);
    let mut out = String::new();
    reading(&mut out, &prefix, values, Stamp(1_700_000_000_000), &mut Vec::new());
    out
}

#[test]
fn a_reading_is_written_as_promised() {
    let values = [
        measured(Quantity::Pm2_5, "", 12.3, Flag::Pass),
        measured(Quantity::Pm10, "", 20.1, Flag::Pass),
    ];
    assert_eq!(
        line_of(&values),
        "air,device=s00001,source=city,station=jongno pm10=20.1,pm10_flag=1i,pm2_5=12.3,pm2_5_flag=1i 1700000000000\n"
    );
}

#[test]
fn variants_are_fields_of_their_own_with_flags_beside() {
    let values = [
        measured(Quantity::Pm2_5, "cf1", 14.0, Flag::Suspect),
        measured(Quantity::Pm2_5, "", 12.0, Flag::Pass),
    ];
    assert!(
        line_of(&values).contains(" pm2_5=12,pm2_5_flag=1i,pm2_5__cf1=14,pm2_5__cf1_flag=3i "),
        "{}",
        line_of(&values)
    );
}

#[test]
fn what_is_no_number_is_left_out_and_a_reading_without_numbers_is_no_line() {
    let nan = measured(Quantity::Pm10, "", f64::NAN, Flag::Fail);
    let good = measured(Quantity::Pm2_5, "", 12.0, Flag::Pass);
    assert!(line_of(&[nan.clone(), good]).contains(" pm2_5=12,pm2_5_flag=1i "));
    assert_eq!(line_of(&[nan]), "");
    assert_eq!(line_of(&[]), "");
}

#[test]
fn of_two_numbers_for_one_series_the_later_is_written() {
    let first = measured(Quantity::Pm10, "", 1.0, Flag::Pass);
    let second = measured(Quantity::Pm10, "", 2.0, Flag::Pass);
    assert!(line_of(&[first, second]).contains(" pm10=2,pm10_flag=1i "));
}

#[test]
fn an_hour_is_written_with_and_without_readings() {
    let mut point = HourPoint {
        device: "s1",
        station: "jongno",
        quantity: Quantity::Pm2_5,
        label: &Label::default(),
        hour: Hour(472_222),
        count: 60,
        flagged: 2,
        coverage: 0.75,
        mean_min_max: Some((12.3, 11.0, 14.1)),
    };
    let mut out = String::new();
    hour(&mut out, &point);
    point.mean_min_max = None;
    point.count = 0;
    hour(&mut out, &point);
    assert_eq!(
        out,
        "air_hour,device=s1,quantity=pm2_5,station=jongno count=60i,coverage=0.75,flagged=2i,max=14.1,mean=12.3,min=11 1699999200000\n\
         air_hour,device=s1,quantity=pm2_5,station=jongno count=0i,coverage=0.75,flagged=2i 1699999200000\n"
    );
}

#[test]
fn a_change_is_written_with_its_texts_in_quotes() {
    let mut out = String::new();
    let point = ChangePoint {
        ladder: "kr-pm25",
        scope: "zone/서울 시",
        from: "none",
        to: "adv\"is\\ory",
        level: Some(1),
        ruleset: "kr-air-alert@2018-07-01",
        uid: "01",
        value: Some(81.84),
        late: false,
        at: Stamp(1_641_646_800_000),
    };
    change(&mut out, &point);
    assert_eq!(
        out,
        "air_change,ladder=kr-pm25,scope=zone/서울\\ 시 from=\"none\",late=false,level=1i,ruleset=\"kr-air-alert@2018-07-01\",to=\"adv\\\"is\\\\ory\",uid=\"01\",value=81.84 1641646800000\n"
    );
}

#[test]
fn tags_without_value_are_left_out() {
    let mut out = String::new();
    start(&mut out, "air", &[("device", ""), ("source", "city")]);
    assert_eq!(out, "air,source=city ");
}

proptest! {
    #[test]
    fn any_texts_are_read_back_as_far_as_a_tag_can_say_them(
        device in "[\\PC\n\r\t\\\\,= \"]{0,12}",
        station in "[\\\\,= a]{0,6}",
        variant in "[\\PC\n\\\\,= \"]{1,6}",
        value in any::<f64>().prop_filter("finite", |v| v.is_finite()),
        time in any::<i64>(),
    ) {
        // Quotes have no meaning outside of texts, but the small reader above thinks so.
        let (device, variant) = (device.replace('"', "'"), variant.replace('"', "'"));
        let mut prefix = String::new();
        start(&mut prefix, "air", &[("device", &device), ("station", &station)]);
        let mut out = String::new();
        let values = [measured(Quantity::Pm1, &variant, value, Flag::Fail)];
        prop_assert!(reading(&mut out, &prefix, &values, Stamp(time), &mut Vec::new()));
        let line = out.strip_suffix('\n').unwrap();
        prop_assert!(!line.contains(['\n', '\r', '\t']), "{:?}", line);
        let point = parse(line);
        let tags = [("device", &device), ("station", &station)];
        let expected: Vec<(String, String)> = tags
            .into_iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(n, v)| (n.to_owned(), sayable(v)))
            .collect();
        prop_assert_eq!(point.tags, expected);
        let name = format!("pm1{}", sayable(&format!("__{variant}")));
        prop_assert_eq!(&point.fields[0].0, &name);
        prop_assert_eq!(point.fields[0].1.parse::<f64>().unwrap().to_bits(), value.to_bits());
        prop_assert_eq!(&point.fields[1], &(format!("{name}_flag"), "4i".to_owned()));
        prop_assert_eq!(point.time, time.to_string());
    }

    #[test]
    fn any_text_in_quotes_ends_where_it_should(text in "[\\PC\n\\\\\" ,=]{0,20}") {
        let mut out = String::new();
        string(&mut out, &text);
        let (whole, rest) = cut(&out, ',');
        prop_assert!(rest.is_none() && whole.starts_with('"') && whole.ends_with('"'));
        let inner = whole[1..whole.len() - 1].replace("\\\\", "\u{0}").replace("\\\"", "\"").replace('\u{0}', "\\");
        prop_assert_eq!(inner, text.replace('\n', "\\n"));
    }
}
