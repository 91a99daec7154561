//! What a decoder makes of a message stays within a small multiple of it, also
//! where a long name stands before many records. A decoder whose work grows
//! with the square of its input would not come to an end here.

use super::fixture::read;
use super::*;
use std::mem::size_of;

/// The bytes that a result holds.
fn size(result: &Result<Decoded, Refused>) -> usize {
    let decoded = match result {
        Ok(decoded) => decoded,
        Err(Refused::Ignored(_)) => return 0,
        Err(Refused::Malformed { detail, .. }) => return detail.len(),
    };
    let value = |v: &crate::air::Value| {
        size_of::<crate::air::Value>() + v.label.channel.len() + v.label.variant.len()
    };
    let observations = decoded.observations.iter().map(|o| {
        size_of::<Observation>() + o.device.len() + o.values.iter().map(value).sum::<usize>()
    });
    let skipped =
        decoded.skipped.iter().map(|s| size_of::<Skipped>() + s.path.len() + s.reason.len());
    observations.sum::<usize>() + skipped.sum::<usize>()
}

/// Reads a message and holds its result against its size.
fn read_bounded(format: &str, topic: &str, payload: &str) -> Result<Decoded, Refused> {
    assert!(payload.len() <= PAYLOAD_MAX, "{format}: {} bytes", payload.len());
    let result = read("#", Format::native(format).unwrap(), topic, payload);
    let (size, input) = (size(&result), payload.len() + topic.len());
    assert!(size <= 40 * input, "{format}: {size} bytes from {input}");
    result
}

fn refusal(format: &str, topic: &str, payload: &str) -> &'static str {
    read_bounded(format, topic, payload).unwrap_err().reason()
}

fn repeated(record: &str, times: usize) -> String {
    vec![record; times].join(",")
}

#[test]
fn a_long_name_before_many_records_is_not_copied_for_each() {
    let long = "x".repeat(PAYLOAD_MAX / 2);
    let records = repeated(r#"{"timestamp":1700000000,"pm10":1}"#, 9_000);
    let body =
        format!(r#"{{"deviceInfo":{{"devEui":"{long}"}},"object":{{"history":[{records}]}}}}"#);
    assert_eq!(refusal("chirpstack-v4", "t", &body), "bad_device");
    let topic = format!("v3/a/devices/{}/up", "y".repeat(60_000));
    let body = format!(r#"{{"uplink_message":{{"decoded_payload":{{"history":[{records}]}}}}}}"#);
    assert_eq!(refusal("ttn-v3", &topic, &body), "bad_device");

    let records = repeated(r#"{"timestamp":1700000000,"pm25":1},{"pm25":2}"#, 4_500);
    let body = format!(r#"{{"mac":"{long}","sensorData":[{records}]}}"#);
    assert_eq!(refusal("qingping", "t", &body), "bad_device");

    let records = repeated(r#"{"n":"pm10","v":1}"#, 9_000);
    let body = format!(r#"[{{"bn":"{long}:"}},{records}]"#);
    let found = read_bounded("senml", "t", &body).unwrap();
    assert_eq!((found.observations.len(), found.skipped.len()), (0, 9_000));
    let body = format!(r#"[{{"bn":"{}:"}},{records}]"#, "x".repeat(DEVICE_MAX));
    assert_eq!(read_bounded("senml", "t", &body).unwrap().observations.len(), 1);

    let lines = "a pm10=1 1700000000\na pm10=2\n".repeat(4_500);
    let body = format!("a,node={long} pm10=3\n{lines}");
    let found = read_bounded("influx-line", "t", &body).unwrap();
    assert_eq!((found.observations.len(), found.skipped.len()), (9_000, 1));
}

#[test]
fn more_entries_than_are_read_are_refused_early() {
    let many = "too_many_values";
    let zeros = repeated("0", PAYLOAD_MAX / 2 - 100);
    assert_eq!(refusal("senml", "t", &format!("[{zeros}]")), many);
    assert_eq!(refusal("qingping", "t", &format!(r#"{{"sensorData":[{zeros}]}}"#)), many);
    let history = format!(r#"{{"object":{{"history":[{zeros}]}}}}"#);
    assert_eq!(refusal("chirpstack-v4", "t", &history), many);
    let fields = repeated("pm10=1", PAYLOAD_MAX / 8);
    assert_eq!(refusal("influx-line", "t", &format!("a {fields}")), many);
    assert_eq!(refusal("influx-line", "t", &"a\n".repeat(PAYLOAD_MAX / 2)), many);
    assert_eq!(refusal("smartcitizen", "t", &format!("{{{}}}", "87:1,".repeat(200_000))), many);
    let normalized = repeated(r#"{"air":{"co2":1}}"#, 20_000);
    let body = format!(r#"{{"uplink_message":{{"normalized_payload":[{normalized}]}}}}"#);
    assert_eq!(refusal("ttn-v3", "t", &body), many);
}

#[test]
fn many_members_of_one_object_take_no_longer_each_than_few() {
    let drivers: Vec<String> =
        (0..9_000).map(|i| format!(r#""BME280-{i:050}":{{"Pressure":1000}}"#)).collect();
    let body = format!("{{{}}}", drivers.join(","));
    let found = read_bounded("tasmota", "tele/a/SENSOR", &body).unwrap();
    assert_eq!(found.observations[0].values.len(), 9_000);

    let names = repeated(r#""pm25":1,"pm2_5":2,"PM2.5":{"value":3,"unit":"ug/m3"}"#, 3_000);
    let body = format!(r#"{{"object":{{{names}}}}}"#);
    let found = read_bounded("chirpstack-v4", "t", &body).unwrap();
    assert_eq!(found.observations[0].values.len(), 9_000);

    let names = repeated(r#""pm2_5_ug_m3":1,"P1":2,"x":3"#, 25_000);
    for format in ["rtl433", "luftdatenpumpe", "tasmota"] {
        let body = format!(r#"{{"model":"m","sensor_id":1,"sensor_type":"SDS011",{names}}}"#);
        assert!(read_bounded(format, "t", &body).is_ok() || format == "tasmota");
    }
}

#[test]
fn backslashes_and_quotes_without_end_are_read_once() {
    let half = PAYLOAD_MAX / 2;
    for body in ["\\".repeat(half), format!("a b=\"{}", "\\\"".repeat(half / 2)), "a,".repeat(half)]
    {
        assert_eq!(refusal("influx-line", "t", &body), "bad_syntax");
    }
    let blanks = format!("a pm10=1 {}", " ".repeat(half));
    assert!(read_bounded("influx-line", "t", &blanks).is_ok());
    let colons = format!("{{{}}}", ":".repeat(half));
    assert_eq!(refusal("smartcitizen", "t", &colons), "no_quantity");
}
