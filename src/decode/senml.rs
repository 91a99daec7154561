//! SenML JSON (RFC 8428, with the further units of RFC 8798): an array of
//! records on any topic.
//!
//! Base fields (`bn`, `bt`, `bu`, `bv`) hold for their record and all later
//! ones. A record's name is `bn` and `n` together: its last part says what is
//! measured, what stands before it names the device. A record without `n` is
//! understood by its unit, where that leaves no choice. A time below 2²⁸ is
//! relative to now; in a message from the broker's memory it is no time, since
//! nobody knows when that now was.

use super::batch::Batch;
use super::gathered::{Gathered, items};
use super::json::{Tree, Value};
use super::{
    Captures, DEVICE_MAX, Decoded, Hints, LABEL_MAX, Message, Refused, number, time, unit,
};
use crate::air::{Label, Quantity, Stamp};
use std::borrow::Cow;

/// Times below this are relative, seconds (RFC 8428, section 4.5.3).
const ABSOLUTE: f64 = 268_435_456.0;
/// The version that RFC 8428 describes.
const VERSION: f64 = 10.0;
/// What parts a name.
const SEPARATORS: [char; 2] = [':', '/'];

/// What earlier records say about later ones.
#[derive(Default)]
struct Base<'a> {
    name: Cow<'a, str>,
    time: Option<f64>,
    unit: Cow<'a, str>,
    value: f64,
}

/// One record; a number that cannot be read is an error with the reason.
#[derive(Default)]
struct Record<'a> {
    /// Its place in the array.
    place: usize,
    name: Cow<'a, str>,
    time: Option<f64>,
    unit: Option<Cow<'a, str>>,
    value: Option<Value<'a>>,
}

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, hints: &Hints) -> Result<Decoded, Refused> {
    let tree = Tree::nested_of_message(m)?;
    let document = tree.top();
    if !document.is_array() {
        let detail = "the document is a JSON object, not an array of records: choose the format \
                      that this network uses";
        return Err(Refused::malformed("not_an_array", detail));
    }
    let mut base = Base::default();
    let mut batch = Batch::default();
    for item in items(document)? {
        if item.is_object() {
            let record = record(item, &mut base, &mut batch)?;
            take(&record, &base, m, captures, hints, &mut batch);
        } else {
            batch.skip(item.path(), "not an object");
        }
        batch.within_limit()?;
    }
    batch.finish()
}

/// Reads the fields of one record and keeps the base fields among them.
fn record<'a>(
    item: Value<'a>,
    base: &mut Base<'a>,
    batch: &mut Batch,
) -> Result<Record<'a>, Refused> {
    let mut record = Record { place: item.place(), ..Record::default() };
    for member in item.members() {
        let mut number = || {
            let read = number::from_json(member);
            read.map_err(|why| batch.skip(member.path(), why.to_string())).ok()
        };
        match member.name().as_ref() {
            "bn" => base.name = member.text().unwrap_or_default(),
            "bt" => base.time = number(),
            "bu" => base.unit = member.text().unwrap_or_default(),
            "bv" => base.value = number().unwrap_or_default(),
            "n" => record.name = member.text().unwrap_or_default(),
            "t" => record.time = number(),
            "u" => record.unit = member.text(),
            "v" => record.value = Some(member),
            "bver" if number().is_some_and(|version| version > VERSION) => {
                return Err(not_understood("a version after 10"));
            }
            other if other.ends_with('_') => return Err(not_understood(other)),
            _ => {}
        }
    }
    Ok(record)
}

/// Takes the value of a record, if it has one of a quantity that we keep.
fn take(
    record: &Record,
    base: &Base,
    m: &Message,
    captures: &Captures,
    hints: &Hints,
    batch: &mut Batch,
) {
    let Some(value) = record.value else { return };
    if base.name.len() + record.name.len() > DEVICE_MAX + LABEL_MAX {
        return batch.skip(format!("/{}", record.place), "its name is too long");
    }
    let unit = record.unit.as_ref().unwrap_or(&base.unit);
    let name = if record.name.is_empty() { &base.name } else { &record.name };
    let last = last_part(name);
    let (quantity, own) = match hints.quantity(last) {
        Some(quantity) => (quantity, name.strip_suffix(last).unwrap_or_default()),
        None => match of_unit(unit).filter(|_| record.name.is_empty()) {
            Some(quantity) => (quantity, name.as_ref()),
            None => return,
        },
    };
    let device: Cow<str> = match (record.name.is_empty(), own) {
        (true, own) => own.into(),
        (false, "") => base.name.as_ref().into(),
        (false, own) => format!("{}{own}", base.name).into(),
    };
    let device = device.trim_end_matches([':', '/', '_', '-', '.']);
    let device = captures.get("device").or(Some(device).filter(|d| !d.is_empty()));
    let number = number::from_json(value).map(|n| unit::into_ours(quantity, unit, base.value + n));
    let mut found = Gathered::default();
    let path = |key: &str| format!("/{}/{key}", record.place);
    found.add(quantity, Label::default(), number, || path("v"));
    let at = instant(record, base, m).map_err(|why| found.skip(path("t"), why));
    batch.add(device.unwrap_or(captures.device()), at.unwrap_or_default(), found);
}

/// When it was measured; `None`: now.
fn instant(record: &Record, base: &Base, m: &Message) -> Result<Option<Stamp>, String> {
    let seconds = base.time.unwrap_or_default() + record.time.unwrap_or_default();
    if seconds >= ABSOLUTE {
        return time::from_seconds(seconds).map(Some);
    }
    if seconds == 0.0 || m.retained {
        return Ok(None);
    }
    let received = m.received.0 as f64 / 1_000.0;
    time::from_seconds(received + seconds).map(Some)
}

fn last_part(name: &str) -> &str {
    name.rsplit(SEPARATORS).next().unwrap_or_default()
}

/// The quantity that is the only one with this unit.
fn of_unit(unit: &str) -> Option<Quantity> {
    match unit {
        "Cel" => Some(Quantity::Temperature),
        "%RH" => Some(Quantity::Humidity),
        _ => None,
    }
}

/// RFC 8428, section 4.4: what ends in `_` must be understood, or the whole
/// message be refused.
fn not_understood(what: &str) -> Refused {
    let detail = format!("it asks for {:?}, which is not known here", number::shown(what));
    Refused::malformed("not_understood", detail)
}

#[cfg(test)]
mod tests {
    use crate::air::{Quantity, Stamp};
    use crate::decode::fixture::{self, native, short};
    use crate::decode::{Format, Hints, Message, Route, TopicPattern};
    use std::collections::BTreeMap;

    fn read(payload: &str) -> String {
        short(&native("senml", "lab/senml", payload))
    }

    #[test]
    fn base_fields_hold_until_they_change() {
        let payload = r#"[{"bn":"urn:dev:mac:01:","bt":1.7e9,"bu":"ug/m3","n":"pm1","v":4.5},{"n":"pm2.5","v":7},
            {"n":"hum","u":"%RH","v":41,"t":60},{"bn":"urn:dev:mac:02_","n":"temp","u":"Cel","v":"9.5"}]"#;
        assert_eq!(
            read(payload),
            "urn:dev:mac:01@2023-11-14T22:13:20Z: pm1=4.5 pm2_5=7\n\
             urn:dev:mac:01@2023-11-14T22:14:20Z: humidity=41\n\
             urn:dev:mac:02@2023-11-14T22:13:20Z: temperature=9.5"
        );
    }

    #[test]
    fn units_are_converted_and_base_values_added() {
        let payload = r#"[{"n":"pm10","u":"kg/m3","v":1.25e-8},{"n":"hum","u":"/","v":0.5},{"bv":100,"n":"co2","u":"ppm","v":512}]"#;
        assert_eq!(read(payload), "lab/senml: pm10=12.5 humidity=50 co2=612");
    }

    #[test]
    fn a_record_without_a_name_is_understood_by_its_unit() {
        let payload = r#"[{"bn":"urn:dev:ow:7","u":"Cel","v":20.5},{"u":"lx","v":5},{"n":":volts","u":"V","v":5}]"#;
        assert_eq!(read(payload), "urn:dev:ow:7: temperature=20.5");
        assert_eq!(read(r#"[{"bn":"site/roof/pm10","v":5}]"#), "site/roof: pm10=5");
    }

    #[test]
    fn a_relative_time_counts_from_now_unless_the_broker_kept_the_message() {
        let payload = r#"[{"bn":"d:","n":"pm10","v":5,"t":-60},{"n":"pm10","v":6}]"#;
        assert_eq!(read(payload), "d@2023-11-14T22:12:20Z: pm10=5\nd: pm10=6");
        let pattern = TopicPattern::parse("#").unwrap();
        let route = Route::new(pattern, Format::native("senml").unwrap());
        let payload = payload.as_bytes();
        let kept = Message { topic: "t", payload, retained: true, received: Stamp(1) };
        assert_eq!(short(&route.decode(&kept)), "d: pm10=5 pm10=6");
    }

    #[test]
    fn one_bad_record_does_not_drop_the_others() {
        let long = "x".repeat(500);
        let payload = format!(
            r#"[7,{{"bn":"d:","bt":"soon","n":"pm1","v":null}},{{"n":"{long}:pm10","v":1}},{{"n":"pm10","v":3}},{{"n":"pm4","v":1,"t":1e300}},{{"n":"pm1","vs":"x"}}]"#
        );
        assert_eq!(
            read(&payload),
            "d: pm10=3 pm4=1\n\
             left out /0 not an object\n\
             left out /1/bt \"soon\" is not a number\n\
             left out /1/v null: no reading\n\
             left out /2 its name is too long\n\
             left out /4/t time \"1e300\" is not between 1970 and 9999; arrival time used"
        );
    }

    #[test]
    fn what_must_be_understood_and_is_not_refuses_the_message() {
        assert_eq!(read(r#"[{"n":"pm10","v":3,"new_":1}]"#), "malformed: not_understood");
        assert_eq!(read(r#"[{"bver":11,"n":"pm10","v":3}]"#), "malformed: not_understood");
        assert_eq!(read(r#"[{"bver":5,"n":"pm10","v":3}]"#), "lab/senml: pm10=3");
        assert_eq!(read(r#"{"n":"pm10","v":3}"#), "malformed: not_an_array");
        assert_eq!(read("[]"), "ignored: no_quantity");
    }

    #[test]
    fn the_operator_may_name_quantities() {
        let names = BTreeMap::from([("staub".to_owned(), Quantity::Pm10)]);
        let format = Format::hinted("senml", Hints { names, ..Hints::default() }).unwrap();
        let result =
            fixture::read("lab/{device}/senml", format, "lab/x/senml", r#"[{"n":"Staub","v":3}]"#);
        assert_eq!(short(&result), "x: pm10=3");
    }
}
