//! Smart Citizen Kit 2: `device/sck/<token>/readings/raw`, a text of its own
//! that only looks like JSON: `{t:2017-03-24T13:35:14Z,55:21.40,87:9}`.
//!
//! Sensors have numbers. Where several measure one quantity, the first in
//! [`SENSORS`] that is there gives the main value and the others are channels.
//! The token is the device's secret: unless the topic's pattern says that this
//! level is the device, the device is named by a fingerprint of it, which shows
//! it to nobody who reads along. (Tokens are short; whoever wants to can find
//! one by trying them all.)

use super::elements::Elements;
use super::gathered::{Gathered, too_many};
use super::json;
use super::{Captures, Decoded, ENTRIES_MAX, Hints, Message, Refused, number, time};
use crate::air::{Label, Quantity};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
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
    // Explanations may name the topic, and here that would name the token.
    let text = json::message_text(&Message { topic: "device/sck/<token>/readings/raw", ..*m })?;
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    let Some(inner) = inner.filter(|t| !t.trim_start().starts_with('"')) else {
        let detail = "it is to be `{t:<time>,<number>:<value>,…}`: choose the format that this \
                      network uses";
        return Err(Refused::malformed("bad_syntax", detail));
    };
    let mut found = Gathered::default();
    let mut time = None;
    let mut entries: Vec<(usize, &str)> = Vec::new();
    for part in inner.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once(':') {
            Some(("t", text)) => time = Some(text),
            Some((id, text)) => {
                let row = SENSORS.iter().position(|(known, ..)| id.parse() == Ok(*known));
                entries.extend(row.map(|row| (row, text)));
            }
            None => found.skip("", format!("{:?} has no colon", number::shown(part))),
        }
        if entries.len() + found.len() > ENTRIES_MAX {
            return Err(too_many(inner.split(',').count()));
        }
    }
    entries.sort_by_key(|(row, _)| *row);
    gather(&entries, &mut found);
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let at = time.and_then(|text| {
        let read = time::from_text(text, None, Some(&TimeZone::UTC));
        read.map_err(|why| found.skip("t", why)).ok()
    });
    let device = match (captures.get("device"), token) {
        (Some(device), _) => device.to_owned(),
        (None, Some((token, _))) => fingerprint(token),
        (None, None) => captures.device().to_owned(),
    };
    Ok(found.of(device, at))
}

/// Takes entries in the order of [`SENSORS`].
fn gather(entries: &[(usize, &str)], found: &mut Gathered) {
    let mut elements = Elements::default();
    for (row, text) in entries {
        let Some((id, quantity, sensor)) = SENSORS.get(*row) else { continue };
        let label = match *sensor {
            ECO2 => Label { variant: "estimated".to_owned(), ..Label::default() },
            sensor => Label { channel: elements.channel(*quantity, sensor), ..Label::default() },
        };
        found.add(*quantity, label, number::from_text(text), || id.to_string());
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
        for payload in ["87:9", "{87:9", r#"{"data":[]}"#, "[]"] {
            assert_eq!(read(payload), "malformed: bad_syntax", "{payload}");
        }
        assert_eq!(read("{10:87}"), "ignored: no_quantity");
        let hello = native("smartcitizen", "device/sck/5ecre7/hello", "hi");
        assert_eq!(short(&hello), "ignored: housekeeping");
        let many = format!("{{{}}}", "x,".repeat(20_000));
        assert_eq!(read(&many), "malformed: too_many_values");
    }

    #[test]
    fn the_token_is_nowhere_unless_the_operator_names_devices_by_it() {
        for payload in [&b"{87:9}"[..], b"{x,87:9}", b"\xff", b"{87:9", b"{}"] {
            let result = format!("{:?}", native("smartcitizen", TOPIC, payload));
            assert!(!result.contains("5ecre7"), "{result}");
        }
        let named = |topic: &str| short(&native("smartcitizen", topic, "{87:9}"));
        assert!(named(TOPIC).starts_with("sck-"));
        assert_eq!(named(TOPIC), named("site/device/sck/5ecre7/readings/raw"));
        assert_ne!(named(TOPIC), named("device/sck/5ecre8/readings/raw"));
    }
}
