//! Smart Citizen Kit 2: `device/sck/<token>/readings/raw`, a text of its own
//! that only looks like JSON: `{t:2017-03-24T13:35:14Z,55:21.40,87:9}`. Older kits
//! and the platform write `{"data":[{"recorded_at":…,"sensors":[{"id":87,"value":9}]}]}`,
//! with several times at once.
//!
//! Sensors have numbers. Where several measure one quantity, the first in
//! [`SENSORS`] that is there gives the main value and the others are channels.
//! The token is the device's secret: unless the topic's pattern says that this
//! level is the device, the device is named by a fingerprint of it, which shows
//! it to nobody who reads along. (Tokens are short; whoever wants to can find
//! one by trying them all.)

use super::batch::Batch;
use super::elements::Elements;
use super::gathered::{Gathered, too_many};
use super::json::{self, Tree, Value};
use super::{Captures, Decoded, ENTRIES_MAX, Hints, Message, Refused, number, time};
use crate::air::{Label, Quantity};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;

/// Number, quantity, sensor. Sensors of dust within the kit go before those on
/// boards outside.
const SENSORS: &[(u16, Quantity, &str)] = &[
    (89, Quantity::Pm1, "pms"),
    (87, Quantity::Pm2_5, "pms"),
    (88, Quantity::Pm10, "pms"),
    (193, Quantity::Pm1, "sen5x"),
    (194, Quantity::Pm2_5, "sen5x"),
    (195, Quantity::Pm4, "sen5x"),
    (196, Quantity::Pm10, "sen5x"),
    (182, Quantity::Pm1, "sps30"),
    (183, Quantity::Pm2_5, "sps30"),
    (184, Quantity::Pm4, "sps30"),
    (185, Quantity::Pm10, "sps30"),
    (71, Quantity::Pm1, "a"),
    (72, Quantity::Pm2_5, "a"),
    (73, Quantity::Pm10, "a"),
    (75, Quantity::Pm1, "b"),
    (76, Quantity::Pm2_5, "b"),
    (77, Quantity::Pm10, "b"),
    (55, Quantity::Temperature, "sht"),
    (56, Quantity::Humidity, "sht"),
    (158, Quantity::Co2, "scd30"),
    (112, Quantity::Co2, ECO2),
];

/// Reckons CO2 from other gases: never a main value.
const ECO2: &str = "ccs811";

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, _: &Hints) -> Result<Decoded, Refused> {
    let token = token_and_rest(m.topic);
    if token.is_some_and(|(_, rest)| !rest.starts_with("readings")) {
        return Err(Refused::Ignored("housekeeping"));
    }
    let device = match (captures.get("device"), token) {
        (Some(device), _) => device.to_owned(),
        (None, Some((token, _))) => fingerprint(token),
        (None, None) => captures.device().to_owned(),
    };
    // Explanations may name the topic, and here that would name the token.
    let m = Message { topic: "device/sck/<token>/readings/raw", ..*m };
    let text = json::message_text(&m)?;
    match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        Some(inner) if inner.trim_start().starts_with('"') => records(&m, &device),
        Some(inner) => one(inner, device),
        None => Err(bad_syntax()),
    }
}

fn bad_syntax() -> Refused {
    let detail = "it is to be `{t:<time>,<number>:<value>,…}` or `{\"data\":[…]}`: choose the \
                  format that this network uses";
    Refused::malformed("bad_syntax", detail)
}

/// What one sensor says.
struct Entry<'a> {
    /// Its row in [`SENSORS`].
    row: usize,
    value: Cow<'a, str>,
    /// Its place among the sensors of the message or record.
    place: usize,
}

fn row(id: &str) -> Option<usize> {
    SENSORS.iter().position(|(known, ..)| id.parse() == Ok(*known))
}

/// Reads what stands within the braces of the text form.
fn one(inner: &str, device: String) -> Result<Decoded, Refused> {
    let mut found = Gathered::default();
    let mut time = None;
    let mut entries: Vec<Entry> = Vec::new();
    for (place, part) in inner.split(',').map(str::trim).enumerate() {
        match part.split_once(':') {
            Some(("t", text)) => time = Some(text),
            Some((id, text)) => {
                entries.extend(row(id).map(|row| Entry { row, value: text.into(), place }));
            }
            None if part.is_empty() => {}
            None => found.skip("", format!("{:?} has no colon", number::shown(part))),
        }
        if entries.len() + found.len() > ENTRIES_MAX {
            return Err(too_many(inner.split(',').count()));
        }
    }
    gather(entries, &mut found, |id, _| id.to_string());
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let at = time.and_then(|text| {
        let read = time::from_text(text, None, Some(&TimeZone::UTC));
        read.map_err(|why| found.skip("t", why)).ok()
    });
    Ok(found.of(device, at))
}

/// Reads the JSON form: records with a time each.
fn records(m: &Message, device: &str) -> Result<Decoded, Refused> {
    let tree = Tree::object_of_message(m).map_err(|_| bad_syntax())?;
    let records = tree.top().get("data").and_then(Value::items).ok_or_else(bad_syntax)?;
    let mut batch = Batch::default();
    for item in records {
        record(item, device, &mut batch);
        batch.within_limit()?;
    }
    batch.finish()
}

/// What one sensor of a record says, if it is one of [`SENSORS`].
fn entry(sensor: Value<'_>) -> Option<Entry<'_>> {
    let row = row(&sensor.get("id")?.identity()?)?;
    Some(Entry { row, value: sensor.get("value")?.scalar(), place: sensor.place() })
}

/// Reads what was measured at one time.
fn record(record: Value, device: &str, batch: &mut Batch) {
    let sensors = record.get("sensors").filter(|_| record.is_object()).and_then(Value::items);
    let Some(sensors) = sensors else {
        return batch.skip(record.path(), "no list of \"sensors\"");
    };
    let mut found = Gathered::default();
    let path = |_, place| format!("{}/sensors/{place}/value", record.path());
    gather(sensors.filter_map(entry).collect(), &mut found, path);
    if found.is_empty() {
        return;
    }
    let at = record.get("recorded_at").and_then(|sent| {
        let read = time::from_json(sent, None, Some(&TimeZone::UTC));
        read.map_err(|why| found.skip(sent.path(), why)).ok()
    });
    batch.add(device, at, found);
}

/// Takes entries in the order of [`SENSORS`]; `path` tells where a number stands.
fn gather(mut entries: Vec<Entry>, found: &mut Gathered, path: impl Fn(u16, usize) -> String) {
    entries.sort_by_key(|entry| entry.row);
    let mut elements = Elements::default();
    for Entry { row, value, place } in entries {
        let Some((id, quantity, sensor)) = SENSORS.get(row) else { continue };
        let label = match *sensor {
            ECO2 => Label { variant: "estimated".to_owned(), ..Label::default() },
            sensor => Label { channel: elements.channel(*quantity, sensor), ..Label::default() },
        };
        found.add(*quantity, label, number::from_text(&value), || path(*id, place));
    }
}

/// The level after `sck`, and what follows it.
fn token_and_rest(topic: &str) -> Option<(&str, &str)> {
    let start = if topic.starts_with("sck/") { 4 } else { topic.find("/sck/")? + 5 };
    topic.get(start..)?.split_once('/')
}

/// A device's name that does not show its token.
fn fingerprint(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().take(6).fold("sck-".to_owned(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

#[cfg(test)]
mod tests {
    use crate::decode::Format;
    use crate::decode::fixture::{self, native, short};

    const TOPIC: &str = "device/sck/5ecre7/readings/raw";

    /// Reads with the token as the device.
    fn read(payload: &str) -> String {
        let format = Format::native("smartcitizen").unwrap();
        short(&fixture::read("device/sck/{device}/readings/raw", format, TOPIC, payload))
    }

    #[test]
    fn numbers_of_sensors_stand_for_quantities() {
        assert_eq!(
            read("{t:2024-02-03T04:05:06Z,55:21.50,56:43.25,89:5,87:8,88:10,10:87,999:1}"),
            "5ecre7@2024-02-03T04:05:06Z: pm1=5 pm2_5=8 pm10=10 temperature=21.5 humidity=43.25"
        );
    }

    #[test]
    fn the_first_sensor_of_a_quantity_is_the_main_one_whatever_their_order() {
        assert_eq!(
            read("{76:3,72:4,183:5,87:6,112:900,158:600}"),
            "5ecre7: pm2_5=6 pm2_5__ch_sps30=5 pm2_5__ch_a=4 pm2_5__ch_b=3 co2=600 co2__estimated=900"
        );
        assert_eq!(read("{76:3,72:4}"), "5ecre7: pm2_5=4 pm2_5__ch_b=3");
        assert_eq!(read("{112:900}"), "5ecre7: co2__estimated=900");
    }

    #[test]
    fn records_in_json_have_a_time_each() {
        let payload = r#"{"data": [
            {"recorded_at": "2024-02-03T04:05:06Z", "sensors": [{"id": 183, "value": 7}, {"id": 87, "value": "8.5"}, {"id": 10, "value": 87}]},
            {"recorded_at": "2024-02-03 04:06:06 UTC", "sensors": [{"id": 88, "value": null}, {"id": 87, "value": 9}]},
            {"sensors": [{"id": 10, "value": 87}]}, {}, 7
        ]}"#;
        assert_eq!(
            read(payload),
            "5ecre7@2024-02-03T04:05:06Z: pm2_5=8.5 pm2_5__ch_sps30=7\n\
             5ecre7: pm2_5=9\n\
             left out /data/1/sensors/0/value null: no reading\n\
             left out /data/1/recorded_at \"2024-02-03 04:06:06 UTC\" is not a time known here; arrival time used\n\
             left out /data/3 no list of \"sensors\"\n\
             left out /data/4 no list of \"sensors\""
        );
    }

    #[test]
    fn numbers_of_sensors_may_be_texts_and_paths_count_those_that_are_not_known() {
        let payload = r#"{"data": [{"sensors": [
            {"id": 10, "value": 1}, {"id": "87", "value": 8}, {"id": "88", "value": "wet"}]}]}"#;
        let expected = "5ecre7: pm2_5=8\nleft out /data/0/sensors/2/value \"wet\" is not a number";
        assert_eq!(read(payload), expected);
    }

    #[test]
    fn one_bad_entry_does_not_drop_the_others() {
        assert_eq!(
            read("{t:soon, 55:null,56:wet,,oops,87:8 }\r\n"),
            "5ecre7: pm2_5=8\n\
             left out  \"oops\" has no colon\n\
             left out 55 null: no reading\n\
             left out 56 \"wet\" is not a number\n\
             left out t \"soon\" is not a time known here; arrival time used"
        );
    }

    #[test]
    fn other_texts_and_topics_are_no_readings() {
        for payload in ["87:9", "{87:9", r#"{"data":7}"#, "[]"] {
            assert_eq!(read(payload), "malformed: bad_syntax", "{payload}");
        }
        for payload in ["{10:87}", r#"{"data":[]}"#] {
            assert_eq!(read(payload), "ignored: no_quantity", "{payload}");
        }
        let hello = native("smartcitizen", "device/sck/5ecre7/hello", "hi");
        assert_eq!(short(&hello), "ignored: housekeeping");
        let many = format!("{{{}}}", "x,".repeat(20_000));
        assert_eq!(read(&many), "malformed: too_many_values");
    }

    #[test]
    fn the_token_is_nowhere_unless_the_operator_names_devices_by_it() {
        for payload in [&b"{87:9}"[..], b"{x,87:9}", b"\xff", b"{87:9", b"{}", b"{\"data\":7}"] {
            let result = format!("{:?}", native("smartcitizen", TOPIC, payload));
            assert!(!result.contains("5ecre7"), "{result}");
        }
        let named = |topic: &str| short(&native("smartcitizen", topic, "{87:9}"));
        assert!(named(TOPIC).starts_with("sck-"));
        assert_eq!(named(TOPIC), named("site/device/sck/5ecre7/readings/raw"));
        assert_ne!(named(TOPIC), named("device/sck/5ecre8/readings/raw"));
    }
}
