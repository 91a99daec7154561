//! Every sample of the networks read here, against what its collection says it
//! means. The collection lies beside the checkout and is not part of it; where
//! it is absent the test says so. The decoders' own tests cover the same keys
//! with values of our own.

use super::fixture::read;
use super::*;
use crate::air::Quantity;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a sample needs to be read: a topic pattern and a format.
type Settings = fn() -> (&'static str, Format);

fn native(name: &str) -> Format {
    Format::native(name).unwrap()
}

fn mapped(device: DeviceFrom, time: Option<&str>, values: &[(Quantity, &str)]) -> Format {
    let pointer = |text: &str| Pointer::parse(text).unwrap();
    let time = time.map(|t| TimeFrom { pointer: pointer(t), unit: None, zone: None });
    let values = values.iter().map(|(q, p)| Field::new(*q, pointer(p))).collect();
    Format::Json(Mapping { device, time, values })
}

/// Sample names by their beginning, and how they are read.
const SAMPLES: &[(&str, Settings)] = &[
    ("airgradient-", || ("airgradient/readings/+", native("airgradient"))),
    ("zigbee2mqtt-", || ("zigbee2mqtt/#", native("zigbee2mqtt"))),
    ("airrohr-", || ("#", native("airrohr"))),
    ("influx-line-", || ("#", native("influx-line"))),
    ("chirpstack-v4-", || ("application/+/device/+/event/up", native("chirpstack-v4"))),
    ("qingping-", || ("#", native("qingping"))),
    ("senml-", || ("#", native("senml"))),
    ("smartcitizen-", || ("device/sck/{device}/readings/raw", native("smartcitizen"))),
    ("ttn-v3-", || ("v3/+/devices/+/up", native("ttn-v3"))),
    ("luftdatenpumpe-", || ("luftdaten.info", native("luftdatenpumpe"))),
    ("rtl433-", || ("rtl_433/#", native("rtl433"))),
    ("tasmota-", || ("#", native("tasmota"))),
    ("plain-diy-1", || ("tele/{device}/{quantity}", Format::Plain(Plain::default()))),
    ("esphome-1", || ("{device}/sensor/{quantity}/state", Format::Plain(Plain::default()))),
    ("esphome-2", || {
        let plain = Plain { quantity: Some(Quantity::Pm2_5), ..Plain::default() };
        ("{device}/sensor/pm2_5_pmsa003/state", Format::Plain(plain))
    }),
    ("espeasy-", || ("{device}/{channel}/{quantity}", Format::Plain(Plain::default()))),
    ("smogomierz-", || ("/{device}/sensor/{quantity}/", Format::Plain(Plain::default()))),
    ("plain-diy-2", || {
        let values = [(Quantity::Pm2_5, "/PM25/value"), (Quantity::Pm10, "/PM10/value")];
        ("home/sensors/{device}", mapped(DeviceFrom::Topic, None, &values))
    }),
    ("vindriktning-", || {
        let pattern = "esp8266-vindriktning-particle-sensor/{device}/state";
        (pattern, mapped(DeviceFrom::Topic, None, &[(Quantity::Pm2_5, "/pm25")]))
    }),
    ("cloud-envelopes-1", || {
        let values = [
            (Quantity::Pm2_5, "/values/pm25"),
            (Quantity::Pm10, "/values/pm10"),
            (Quantity::Temperature, "/values/temperature"),
        ];
        ("v1/devices/me/telemetry", mapped(DeviceFrom::Topic, Some("/ts"), &values))
    }),
    ("weewx-mqtt-1", || {
        let mut values = [
            (Quantity::Pm1, "/pm1_0"),
            (Quantity::Pm2_5, "/pm2_5"),
            (Quantity::Pm10, "/pm10_0"),
            (Quantity::Humidity, "/outHumidity"),
        ]
        .map(|(q, p)| Field::new(q, Pointer::parse(p).unwrap()))
        .to_vec();
        let mut celsius = Field::new(Quantity::Temperature, Pointer::parse("/outTemp_F").unwrap());
        (celsius.factor, celsius.offset) = (5.0 / 9.0, -160.0 / 9.0);
        values.push(celsius);
        let time = Pointer::parse("/dateTime").unwrap();
        let time = Some(TimeFrom { pointer: time, unit: None, zone: None });
        ("{device}/loop", Format::Json(Mapping { device: DeviceFrom::Topic, time, values }))
    }),
];

/// Samples that one message alone cannot explain, and why.
const BEYOND: &[(&str, &str)] = &[
    ("airrohr-5", "a talk, read beside other formats that remember"),
    ("esphome-3", "a talk, read beside other formats that remember"),
];

pub fn samples() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["../shared", "../../shared"]
        .into_iter()
        .map(|up| home.join(up).join("formats/samples"))
        .find(|path| path.is_dir())
}

/// One value: device, its time, quantity, label, and the number.
type Row = (String, Option<Stamp>, String, String, f64);

fn same(a: &Row, b: &Row, tolerance: f64) -> bool {
    (&a.0, a.1, &a.2, &a.3) == (&b.0, b.1, &b.2, &b.3) && (a.4 - b.4).abs() <= tolerance
}

#[test]
fn samples_mean_what_their_collection_says() {
    let Some(folder) = samples() else {
        println!("skipped: samples_mean_what_their_collection_says: ../shared is absent");
        return;
    };
    let mut seen = BTreeSet::new();
    for entry in folder.read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        if stem.ends_with(".expected") || stem == "MANIFEST" {
            continue;
        }
        if let Some((_, why)) = BEYOND.iter().find(|(n, _)| *n == stem) {
            println!("skipped: {stem}: {why}");
            continue;
        }
        let Some((start, settings)) = SAMPLES.iter().find(|(s, _)| stem.starts_with(s)) else {
            continue;
        };
        let (pattern, format) = settings();
        let payload = std::fs::read(folder.join(&name)).unwrap();
        let expected = std::fs::read(folder.join(format!("{stem}.expected.json"))).unwrap();
        let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
        check(stem, extension, pattern, &format, &payload, &expected);
        seen.insert(*start);
    }
    let all: BTreeSet<&str> = SAMPLES.iter().map(|(start, _)| *start).collect();
    assert_eq!(seen, all, "every configured sample is there");
}

/// Reads one sample, each line of it if it has several messages, and compares.
fn check(
    name: &str,
    extension: &str,
    pattern: &str,
    format: &Format,
    payload: &[u8],
    expected: &serde_json::Value,
) {
    let parts = expected.as_array().map_or(std::slice::from_ref(expected), Vec::as_slice);
    let input = &parts[0]["_input"];
    let topic = input["topic"].as_str().unwrap();
    let lines = input["form"].as_str().unwrap().starts_with("lines");
    assert!(!lines || extension == "txt");
    let text = String::from_utf8_lossy(payload);
    let messages: Vec<(&str, &[u8])> = match lines {
        true => text
            .lines()
            .filter_map(|l| l.split_once('\t'))
            .map(|(t, p)| (t, p.as_bytes()))
            .collect(),
        false => vec![(topic, payload)],
    };
    let mut found = Decoded::default();
    for (topic, payload) in messages {
        match read(pattern, format.clone(), topic, payload) {
            Ok(one) => {
                found.observations.extend(one.observations);
                found.skipped.extend(one.skipped);
                found.device = one.device.or(found.device);
            }
            Err(Refused::Ignored(_)) => {}
            Err(refused) => panic!("{name}: {topic}: {refused:?}"),
        }
    }
    compare(name, topic, &found, parts);
}

fn compare(name: &str, topic: &str, found: &Decoded, parts: &[serde_json::Value]) {
    let whole = &parts[0];
    let device = |part: &serde_json::Value| part["device"].as_str().unwrap_or(topic).to_owned();
    let mut theirs: Vec<Row> = Vec::new();
    for part in parts {
        let at = part["time"].as_str().map(|t| Stamp::parse(t).unwrap());
        let values = part["values"].as_array().unwrap();
        theirs.extend(values.iter().map(|v| their_row(device(part), at, v)));
    }
    let label = |l: &crate::air::Label| format!("{}/{}", l.channel, l.variant);
    let ours: Vec<Row> = found
        .observations
        .iter()
        .flat_map(|o| o.values.iter().map(move |v| (o, v)))
        .map(|(o, v)| {
            (o.device.clone(), o.at, v.quantity.name().to_owned(), label(&v.label), v.value)
        })
        .collect();
    let tolerance = whole["_tolerance"].as_f64().unwrap_or(1e-6);
    let holds = |all: &[Row], row: &Row| all.iter().any(|r| same(r, row, tolerance));
    let subset = whole["_subset"] == true;
    assert!(
        theirs.iter().all(|row| holds(&ours, row))
            && (subset || (ours.len() == theirs.len() && ours.iter().all(|r| holds(&theirs, r)))),
        "{name}: {ours:?} {theirs:?}"
    );
    let says_who = found.device.iter().chain(found.observations.iter().map(|o| &o.device));
    let nobody_in_particular = subset && ours.is_empty();
    assert!(
        nobody_in_particular || says_who.into_iter().any(|d| *d == device(whole)),
        "{name}: no device"
    );
    for skipped in whole["skipped"].as_array().into_iter().flatten() {
        let path = skipped["path"].as_str().unwrap();
        assert!(found.skipped.iter().any(|s| s.path == path), "{name}: {path} is not left out");
    }
}

fn their_row(device: String, at: Option<Stamp>, value: &serde_json::Value) -> Row {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let quantity = Quantity::from_name(text("quantity")).unwrap();
    assert_eq!(quantity.unit(), text("unit"));
    // What the collection doubts is kept, but never as a main value.
    let variant = if value["doubtful"] == true { "doubtful" } else { text("variant") };
    let label = format!("{}/{variant}", text("channel"));
    (device, at, quantity.name().to_owned(), label, value["value"].as_f64().unwrap())
}
