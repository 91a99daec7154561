//! No payload, topic or settings make a decoder panic, and limits hold.

use super::fixture::{native, read, short};
use super::format::{CONFIGURED, NATIVE};
use super::*;
use crate::air::Quantity;
use proptest::prelude::*;
use std::sync::Arc;

fn mapped() -> Format {
    let place = |text| Place::parse(text).unwrap();
    let field = |q, p| Field::new(q, place(p));
    let zone = Some(jiff::tz::TimeZone::UTC);
    Format::Json(Box::new(Mapping {
        device: vec![Template::parse("/serialno").unwrap()],
        time: Some(TimeFrom { zone, ..TimeFrom::at(place("/timestamp")) }),
        values: vec![
            field(Quantity::Pm2_5, "/pm02"),
            field(Quantity::Pm10, "/channels/1/pm10"),
            field(Quantity::Temperature, "/sensordatavalues/0/value"),
        ],
        ..Mapping::default()
    }))
}

fn formats() -> Vec<Format> {
    let natives = NATIVE.iter().map(|(name, _)| *name).chain(["airrohr"]);
    let mut all: Vec<Format> = natives.filter_map(Format::native).collect();
    all.push(Format::Plain(Plain { quantity: Some(Quantity::Pm10), ..Plain::default() }));
    all.push(mapped());
    all.push(Format::Forecast(Arc::from([])));
    all
}

/// Bodies with the keys of every format.
pub const BODIES: &[&str] = &[
    r#"{"serialno":"a1","pm01":3.5,"pm02":7,"pm10":8.25,"pm02Compensated":6.5,"rco2":447,"atmp":21.5,"rhum":43,"channels":{"1":{"pm02":6,"pm10":8},"2":{"pm02":8}},"satellites":{"f0":{"atmp":19.5}},"timestamp":1700000000}"#,
    r#"{"pm25":-1,"pm10":6.5,"temperature":23.25,"humidity":55,"last_seen":"2023-11-14T22:13:20.123Z","state":"OFF"}"#,
    r#"{"esp8266id":"135","sensor":{"id":4,"sensor_type":{"name":"SDS011"}},"timestamp":"2023-11-14 22:13:20","sensordatavalues":[{"value_type":"SDS_P1","value":"4.30"},{"value_type":"P2","value":"3.5"},{"value_type":"BME280_pressure","value":"100100.5"}]}"#,
    r#"{"sensor_id":4,"sensor_type":"SDS011","time":"2023-11-14T22:13:20Z","P1":7.5,"P2":3.25,"pressure":100100.5}"#,
    r#"{"time":"2023-11-14 22:13:20","model":"Fineoffset-WH0290","id":51,"channel":1,"pm2_5_ug_m3":9,"pm10_0_ug_m3":11,"temperature_F":50}"#,
    r#"{"StatusSNS":{"Time":"2023-11-14T22:13:20","BME280":{"Temperature":4.5,"Pressure":30},"AM2301-01":{"Temperature":null},"PMS5003":{"PM2.5":7,"CF2.5":8},"TempUnit":"F","PressureUnit":"inHg"}}"#,
    r#"{"end_device_ids":{"device_id":"d"},"uplink_message":{"decoded_payload":{"pm2.5":7,"barometric_pressure":{"unit":"Pa","value":97250},"history":[{"timestamp":1700000000,"pm10":3}]},"received_at":"2023-11-14T22:13:20Z"}}"#,
    r#"{"uplink_message":{"normalized_payload":[{"air":{"temperature":20.5}}],"rx_metadata":[{"time":"2023-11-14T22:13:20Z"}]}}"#,
    r#"{"time":"2023-11-14T22:13:20.5+00:00","deviceInfo":{"devEui":"01"},"data":"AA==","object":{"pm2_5":7,"pm10":65535,"history":[{"timestamp":1700000000,"pm10":3},{"pm10":4}]}}"#,
    r#"{"type":"17","mac":"a1","timestamp":1700000000,"sensorData":[{"timestamp":{"value":1700000000},"pm25":{"value":7,"status":1},"pm10":{"value":9}},{"co2":{"value":600}}]}"#,
    r#"[{"bn":"urn:dev:mac:01:","bt":1.7e9,"bu":"ug/m3","bv":1,"n":"pm1","v":4.5},{"n":"temp","u":"Cel","t":-5,"v":"9.5"},{"bver":10,"u":"%RH","v":1e2}]"#,
    "{t:2017-03-24T13:35:14Z,55:21.40,87:9,72:8,112:600}",
    "air,node=a\\ b,channel=c pm25=16,SDS_P1=\"8.5\",co2=447i 1465839830100400200\nair pm10=7",
    "12.5",
];

const TOPICS: &[&str] = &[
    "zigbee2mqtt/a/pm25",
    "zigbee2mqtt/a",
    "airgradient/readings/a",
    "tele/a/SENSOR",
    "device/sck/a/readings/raw",
    "/snow/up/a",
    "rtl_433/a/devices/b/c/humidity",
    "a",
    "",
];

/// Format, topic, and what stands before and after one temperature.
const FRAMES: &[(&str, &str, &str, &str)] = &[
    ("chirpstack-v4", "t", r#"{"object":{"temperature":{"value":"#, r#","unit":"°C"}}}"#),
    ("influx-line", "t", "a temperature=", " 1700000000"),
    ("luftdatenpumpe", "t", r#"{"sensor_id":1,"temperature":""#, r#""}"#),
    ("qingping", "t", r#"{"mac":"a","sensorData":[{"temperature":{"value":"#, "}}]}"),
    ("rtl433", "t", r#"{"id":1,"temperature_C":"#, "}"),
    ("senml", "t", r#"[{"n":"temp","v":"#, "}]"),
    ("smartcitizen", "t", "{55:", "}"),
    ("tasmota", "tele/t/SENSOR", r#"{"AM2301":{"Temperature":"#, r#"},"TempUnit":"C"}"#),
    ("ttn-v3", "t", r#"{"uplink_message":{"decoded_payload":{"temperature":"#, "}}}"),
];

/// What holds of every result.
pub fn check(result: Result<Decoded, Refused>) {
    match result {
        Ok(decoded) => {
            for o in &decoded.observations {
                assert!(!o.values.is_empty());
                assert!(!o.device.is_empty() && o.device.len() <= DEVICE_MAX);
                assert!(o.values.iter().all(|v| v.value.is_finite()));
            }
            assert!(decoded.skipped.len() <= ENTRIES_MAX);
        }
        Err(Refused::Ignored(policy)) => assert!(Refused::IGNORED.contains(&policy), "{policy}"),
        Err(Refused::Malformed { reason, detail }) => {
            assert!(Refused::MALFORMED.contains(&reason), "{reason}");
            assert!(detail.len() < 1_000, "{detail}");
        }
    }
}

fn all_formats(topic: &str, payload: &[u8]) {
    formats().into_iter().for_each(|format| check(read("#", format, topic, payload)));
}

/// One of [`BODIES`] with so many bytes overwritten, put in, or cut off behind.
pub fn damaged(edits: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<proptest::sample::Index>(), any::<u8>(), 0..3u8);
    let edits = proptest::collection::vec(edit, edits);
    (proptest::sample::select(BODIES), edits).prop_map(|(body, edits)| {
        let mut bytes = body.as_bytes().to_vec();
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(
        topic in "[a-z/$\u{0}\u{7f}é]{0,12}",
        payload in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        all_formats(&topic, &payload);
    }

    #[test]
    fn no_json_is_too_strange(
        topic in proptest::sample::select(TOPICS),
        body in proptest::sample::select(BODIES),
        token in proptest::sample::select(vec![
            "null", "true", "[]", "{}", "\"\"", "\"nan\"", "1e308", "1e400", "-1e-400", "NaN",
            "\"\\u0000\"", "\"\\ud800\"", "[[[[", "-0", "99999999999999999999999", "\"1e999\"",
        ]),
        place in any::<proptest::sample::Index>(),
    ) {
        // One value of the body is replaced by a strange one.
        let colons: Vec<usize> = body.match_indices(':').map(|(i, _)| i).collect();
        if !colons.is_empty() {
            let at = colons[place.index(colons.len())] + 1;
            let end = body[at..].find([',', '}']).map_or(body.len(), |i| at + i);
            all_formats(topic, format!("{}{token}{}", &body[..at], &body[end..]).as_bytes());
        }
    }

    #[test]
    fn no_damage_is_too_strange(
        topic in proptest::sample::select(TOPICS),
        bytes in damaged(1..6),
    ) {
        all_formats(topic, &bytes);
    }

    #[test]
    fn numbers_come_through_every_format_exactly(number in -1e12f64..1e12) {
        let value = |result: Result<Decoded, Refused>| {
            result.unwrap().observations[0].values.iter().map(|v| v.value).collect::<Vec<_>>()
        };
        let plain = Plain { quantity: Some(Quantity::Temperature), ..Plain::default() };
        prop_assert_eq!(value(read("#", Format::Plain(plain), "t", number.to_string())), [number]);
        let json = |key: &str| format!(r#"{{"serialno":"a","{key}":{number}}}"#);
        prop_assert_eq!(value(native("airgradient", "t", json("atmp"))), [number]);
        prop_assert_eq!(value(native("zigbee2mqtt", "zigbee2mqtt/t", json("temperature"))), [number]);
        let entry = format!(r#"{{"value_type":"temperature","value":"{number}"}}"#);
        let station = format!(r#"{{"sensordatavalues":[{entry}]}}"#);
        prop_assert_eq!(value(native("airrohr", "t", station)), [number]);
        prop_assert_eq!(value(read("#", mapped(), "t", json("pm02"))), [number]);
        for (name, topic, before, after) in FRAMES {
            let body = format!("{before}{number}{after}");
            prop_assert_eq!(value(native(name, topic, body)), [number], "{}", name);
        }
    }
}

#[test]
fn what_is_not_text_or_not_json_is_malformed_by_name() {
    for format in formats() {
        let is_json = !["plain", "influx-line", "smartcitizen"].contains(&format.name());
        let other = if format.name() == "plain" { "not_a_number" } else { "bad_syntax" };
        for (payload, reason) in [
            (&b"\xff\xfe{\"pm02\":1}"[..], "not_utf8"),
            (b"{\"pm02\":1", "not_json"),
            (b"{\"pm02\":NaN}", "not_json"),
            (b"{\"pm02\":1}}", "not_json"),
        ] {
            let reason = if is_json || reason == "not_utf8" { reason } else { other };
            let result = read("#", format.clone(), "zigbee2mqtt/a", payload);
            assert_eq!(short(&result), format!("malformed: {reason}"), "{}", format.name());
        }
        assert_eq!(short(&read("#", format, "zigbee2mqtt/a", b"")), "ignored: empty");
    }
}

#[test]
fn a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not() {
    let mut body = br#"{"serialno":"a","pm02":7,"x":""#.to_vec();
    body.resize(PAYLOAD_MAX - 2, b'x');
    body.extend_from_slice(b"\"}");
    assert_eq!(short(&native("airgradient", "t", &body)), "a: pm2_5=7");
    body.push(b' ');
    assert_eq!(short(&native("airgradient", "t", &body)), "malformed: too_large");
    all_formats("zigbee2mqtt/a", &body);
}

#[test]
fn depth_and_number_of_entries_are_bounded() {
    let deep = |open: &str| open.repeat(PAYLOAD_MAX / open.len() / 2);
    for body in [deep("["), deep("{\"a\":"), deep("[0,"), deep("{\"\":0,")] {
        all_formats("zigbee2mqtt/a", body.as_bytes());
    }
    let nested =
        format!(r#"{{"serialno":"a","pm02":7,"x":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(short(&native("airgradient", "t", nested)), "a: pm2_5=7");

    let many = |n: usize| {
        let lasers: Vec<String> = (0..n).map(|i| format!(r#""{i}":{{"pm02":1}}"#)).collect();
        native("airgradient", "t", format!(r#"{{"channels":{{{}}}}}"#, lasers.join(",")))
    };
    assert!(many(ENTRIES_MAX).is_ok());
    assert_eq!(short(&many(ENTRIES_MAX + 1)), "malformed: too_many_values");
}

#[test]
fn one_device_with_a_bad_name_does_not_drop_the_others() {
    let body = r#"{"serialno":"a","pm02":7,"satellites":{"":{"atmp":1},"b":{"atmp":2}}}"#;
    let result = short(&native("airgradient", "t", body));
    assert!(result.starts_with("a: pm2_5=7\nb: temperature=2\nleft out "), "{result}");
    let body = r#"{"serialno":"","pm02":7}"#;
    assert_eq!(short(&native("airgradient", "t", body)), "malformed: bad_device");
}

#[test]
fn the_first_matching_route_counts_and_no_route_is_a_policy() {
    let route = |pattern: &str, quantity| {
        let format = Format::Plain(Plain { quantity: Some(quantity), ..Plain::default() });
        Route::new(TopicPattern::parse(pattern).unwrap(), format)
    };
    let routes = [route("a/{device}", Quantity::Pm1), route("a/#", Quantity::Pm10)];
    let read = |topic| {
        let m = Message { topic, payload: b"5", retained: false, received: Stamp(0) };
        short(&decode(&routes, &m, &Memory::default()).outcome)
    };
    assert_eq!(read("a/b"), "b: pm1=5");
    assert_eq!(read("a/b/c"), "a/b/c: pm10=5");
    assert_eq!(read("b"), "ignored: no_route");
}

#[test]
fn every_format_is_known_by_its_name() {
    let formats = formats();
    let names: Vec<&str> = formats.iter().map(Format::name).collect();
    assert!(names.iter().all(|name| Format::names().contains(name)), "{names:?}");
    let own = Format::names().iter().filter(|name| !CONFIGURED.contains(name));
    for name in own {
        assert_eq!(Format::native(name).unwrap().name(), *name);
    }
    assert_eq!(Format::native("plain"), None);
    assert_eq!(Format::native("nonesuch"), None);
}
