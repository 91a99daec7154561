//! Qingping air monitors on a broker of one's own: `qingping/<mac>/up`, one
//! message with any number of records in `sensorData`.
//!
//! Each record has a `timestamp`, Unix seconds; the message's own counts where a
//! record has none. After an outage many old records come at once (`type` 17).
//! A device that waits for an answer which we never send repeats its message:
//! with its times, the repetitions fall out. Temperatures are in °C whatever
//! the display says, and units written for dust are not to be trusted.
//!
//! In the older protocol (`/snow/…`) the maker's documents disagree on whether
//! `pm10` means PM1 or PM10: it is kept as a variant and never judged.

use super::batch::Batch;
use super::gathered::{Gathered, items};
use super::json::{Tree, Value};
use super::number::{self, NoNumber};
use super::{Captures, Decoded, Hints, Message, Refused, time};
use crate::air::{Label, Quantity, Stamp};
use std::borrow::Cow;

/// Key, quantity, variant.
type Keys = &'static [(&'static str, Quantity, &'static str)];

const KEYS: Keys = &[
    ("pm1", Quantity::Pm1, ""),
    ("pm25", Quantity::Pm2_5, ""),
    ("pm10", Quantity::Pm10, ""),
    ("co2", Quantity::Co2, ""),
    ("temperature", Quantity::Temperature, ""),
    ("humidity", Quantity::Humidity, ""),
];

/// Keys of the older protocol.
const OLD_KEYS: Keys = &[
    ("pm25", Quantity::Pm2_5, ""),
    ("pm100", Quantity::Pm10, ""),
    ("pm10", Quantity::Pm10, "doubtful"),
    ("co2", Quantity::Co2, ""),
    ("temperature", Quantity::Temperature, ""),
    ("humidity", Quantity::Humidity, ""),
];

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, _: &Hints) -> Result<Decoded, Refused> {
    if m.topic.ends_with("/down") || m.topic.contains("snow/down/") {
        return Err(Refused::Ignored("housekeeping"));
    }
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let records = document.get("sensorData").filter(|records| records.is_array());
    let records = items(records.ok_or(Refused::Ignored("no_quantity"))?)?;
    let device = device(document, captures)?;
    let is_old = m.topic.trim_start_matches('/').starts_with("snow/");
    let keys = if is_old { OLD_KEYS } else { KEYS };
    let sent = document.get("timestamp");
    let mut batch = Batch::default();
    let mut before = "";
    for item in records {
        if item.json() == before {
            batch.skip(item.path(), "the same record again");
        } else {
            record(item, sent, keys, &device, &mut batch);
        }
        before = item.json();
        batch.within_limit()?;
    }
    batch.finish()
}

/// Reads one record. With a time that cannot be read it is left out: it may be
/// of any age.
fn record(record: Value, sent: Option<Value>, keys: Keys, device: &str, batch: &mut Batch) {
    if !record.is_object() {
        return batch.skip(record.path(), "not an object");
    }
    let mut found = Gathered::default();
    for (key, quantity, variant) in keys {
        let Some(measure) = record.get(key) else { continue };
        let label = Label { variant: (*variant).to_owned(), ..Label::default() };
        found.add(*quantity, label, number_of(measure), || measure.path());
    }
    if found.is_empty() {
        return;
    }
    match own_time(record.get("timestamp"), sent) {
        Ok(at) => batch.add(device, at, found),
        Err(_) => batch
            .skip(record.path(), "no believable \"timestamp\": when it was measured is not known"),
    }
}

/// The number of `{"value": 5, "status": 0}`. Status 1 is abnormal, 2 is warming
/// up; both are no reading.
fn number_of(measure: Value) -> Result<f64, NoNumber> {
    if !measure.is_object() {
        return number::from_json(measure);
    }
    let status = measure.get("status").and_then(|status| number::from_json(status).ok());
    if let Some(status) = status.filter(|s| *s == 1.0 || *s == 2.0) {
        return Err(NoNumber::NoReading(format!("status {status}")));
    }
    measure
        .get("value")
        .map_or_else(|| Err(NoNumber::NoReading("no \"value\"".to_owned())), number::from_json)
}

/// The time of a record, else of the message; an error if it is none.
fn own_time(record: Option<Value>, sent: Option<Value>) -> Result<Option<Stamp>, String> {
    let Some(time) = record.or(sent) else { return Ok(None) };
    let time = time.get("value").unwrap_or(time);
    time::from_json(time, Some(super::TimeUnit::Seconds), None).map(Some)
}

/// The captured device, else the hardware address, else the topic.
fn device<'a>(document: Value<'a>, captures: &Captures<'a>) -> Result<Cow<'a, str>, Refused> {
    if let Some(device) = captures.get("device") {
        return Ok(Cow::Borrowed(device));
    }
    let mac = ["mac", "wifi_mac"].into_iter().find_map(|name| document.get(name)?.identity());
    mac.ok_or_else(|| {
        let detail = "no \"mac\", which names the device: choose the format that this network uses";
        Refused::malformed("no_device", detail)
    })
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{native, short};

    fn read_on(topic: &str, payload: &str) -> String {
        short(&native("qingping", topic, payload))
    }

    fn read(records: &str) -> String {
        let head = r#""id":7,"type":"17","mac":"aabbccddee01","timestamp":1700009000"#;
        let payload = format!("{{{head},\"sensorData\":[{records}]}}");
        read_on("qingping/aabbccddee01/up", &payload)
    }

    #[test]
    fn each_record_has_its_own_time_and_else_that_of_the_message() {
        assert_eq!(
            read(
                r#"{"timestamp":{"value":1700000000},"pm25":{"value":7.5},"pm10":{"value":9,"unit":"ppm"},"battery":{"value":80}},
                   {"timestamp":1700000060,"co2":{"value":600},"temperature":{"value":21.5,"unit":"C"}},
                   {"humidity":{"value":40},"pm1":{"value":3}}"#
            ),
            "aabbccddee01@2023-11-14T22:13:20Z: pm2_5=7.5 pm10=9\n\
             aabbccddee01@2023-11-14T22:14:20Z: co2=600 temperature=21.5\n\
             aabbccddee01@2023-11-15T00:43:20Z: pm1=3 humidity=40"
        );
    }

    #[test]
    fn a_record_that_is_there_twice_counts_once() {
        let record = r#"{"timestamp":{"value":1700000000},"pm25":{"value":7}}"#;
        assert_eq!(
            read(&format!("{record},{record}")),
            "aabbccddee01@2023-11-14T22:13:20Z: pm2_5=7\nleft out /sensorData/1 the same record again"
        );
    }

    #[test]
    fn abnormal_and_warming_up_are_no_readings() {
        assert_eq!(
            read(
                r#"{"timestamp":1700000000,"pm25":{"value":7,"status":1},"co2":{"value":400,"status":2},
                    "humidity":{"value":41,"status":0},"pm10":{},"battery":{"value":9,"status":1}}"#
            ),
            "aabbccddee01@2023-11-14T22:13:20Z: humidity=41\n\
             left out /sensorData/0/pm25 status 1: no reading\n\
             left out /sensorData/0/pm10 no \"value\": no reading\n\
             left out /sensorData/0/co2 status 2: no reading"
        );
    }

    #[test]
    fn a_record_of_unknown_age_is_left_out_alone() {
        assert_eq!(
            read(
                r#"{"timestamp":{"value":0},"pm25":{"value":7}},5,{"timestamp":1700000000,"pm25":{"value":8}}"#
            ),
            "aabbccddee01@2023-11-14T22:13:20Z: pm2_5=8\n\
             left out /sensorData/0 no believable \"timestamp\": when it was measured is not known\n\
             left out /sensorData/1 not an object"
        );
    }

    #[test]
    fn what_the_older_protocol_calls_pm10_is_doubtful() {
        let payload = r#"{"mac":"a1","timestamp":1700000000,"sensorData":[{"pm10":{"value":5},"pm100":{"value":8}}]}"#;
        let expected = "a1@2023-11-14T22:13:20Z: pm10=8 pm10__doubtful=5";
        assert_eq!(read_on("/snow/up/a1", payload), expected);
    }

    #[test]
    fn heartbeats_and_commands_are_no_readings() {
        let heartbeat = r#"{"type":"13","wifi_mac":"a1","timestamp":1700000000}"#;
        assert_eq!(read_on("qingping/a1/up", heartbeat), "ignored: no_quantity");
        assert_eq!(read_on("qingping/a1/down", r#"{"type":"12"}"#), "ignored: housekeeping");
        let nobody = r#"{"sensorData":[{"pm25":{"value":5}}]}"#;
        assert_eq!(read_on("qingping/a1/up", nobody), "malformed: no_device");
    }
}
