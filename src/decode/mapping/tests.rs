//! What a mapping makes of documents; how it is written is tested with the configuration.

use super::*;
use crate::air::Quantity;
use crate::decode::fixture::{self, short};
use crate::decode::{Format, TimeUnit};
use serde_json::json;

fn place(text: &str) -> Place {
    Place::parse(text).unwrap()
}

fn device(text: &str) -> Vec<Template> {
    vec![Template::parse(text).unwrap()]
}

fn only(field: Field) -> Mapping {
    Mapping { values: vec![field], ..Mapping::default() }
}

fn mapping() -> Mapping {
    Mapping {
        device: device("/device"),
        time: Some(TimeFrom::at(place("/time"))),
        values: vec![
            Field::new(Quantity::Pm2_5, place("/pm2_5")),
            Field::new(Quantity::Pm10, place("/pm10")),
            Field::new(Quantity::Temperature, place("/temp")),
        ],
        ..Mapping::default()
    }
}

fn read(mapping: Mapping, payload: &str) -> String {
    short(&fixture::read(
        "air/+/{device}",
        Format::Json(Box::new(mapping)),
        "air/seoul/s9",
        payload,
    ))
}

#[test]
fn a_message_as_in_the_reference_is_read() {
    let payload =
        r#"{"device":"s1","time":"2024-01-02T03:04:05Z","pm2_5":12.3,"pm10":"20.1","rssi":-60}"#;
    assert_eq!(read(mapping(), payload), "s1@2024-01-02T03:04:05Z: pm2_5=12.3 pm10=20.1");
    let payload = r#"{"device":17,"time":1704164645,"temp":-1}"#;
    assert_eq!(read(mapping(), payload), "17@2024-01-02T03:04:05Z: temperature=-1");
}

#[test]
fn the_device_may_come_from_the_topic_or_the_settings() {
    let topic = Mapping { device: Vec::new(), time: None, ..mapping() };
    assert_eq!(read(topic, r#"{"pm10":3,"device":"x"}"#), "s9: pm10=3");
    let fixed = Mapping { device: device("roof"), time: None, ..mapping() };
    assert_eq!(read(fixed, r#"{"pm10":3}"#), "roof: pm10=3");
    for payload in [r#"{"pm10":3}"#, r#"{"pm10":3,"device":null}"#, r#"{"pm10":3,"device":{}}"#] {
        assert_eq!(read(mapping(), payload), "malformed: no_device", "{payload}");
    }
    for device in ["", "a\\u0007b", &"x".repeat(300)] {
        let payload = format!(r#"{{"pm10":3,"device":"{device}"}}"#);
        assert_eq!(read(mapping(), &payload), "malformed: bad_device", "{device}");
    }
}

#[test]
fn a_time_that_cannot_be_read_leaves_the_values() {
    let payload = r#"{"device":"a","time":"noon","pm10":3}"#;
    assert!(read(mapping(), payload).starts_with("a: pm10=3\nleft out /time \"noon\""));
    let absent = read(mapping(), r#"{"device":"a","pm10":3}"#);
    assert_eq!(absent, "a: pm10=3\nleft out /time no time here; arrival time used");
}

#[test]
fn a_clock_on_the_wall_is_read_in_its_zone() {
    let zone = jiff::tz::TimeZone::get("Asia/Seoul").ok();
    let time =
        Some(TimeFrom { unit: Some(TimeUnit::Seconds), zone, ..TimeFrom::at(place("/time")) });
    let payload = r#"{"device":"a","time":"2024-01-02 12:04:05","pm10":3}"#;
    let result = read(Mapping { time, ..mapping() }, payload);
    assert_eq!(result, "a@2024-01-02T03:04:05Z: pm10=3");
}

#[test]
fn missing_marks_factor_offset_and_labels_apply() {
    let mut field = Field::new(Quantity::Temperature, place("/climate/0/f"));
    (field.meaning.scale.factor, field.meaning.scale.offset) = (0.5, -10.0);
    field.meaning.scale.missing = vec![json!(-9999), json!("OFF-LINE"), json!(null), json!(true)];
    field.meaning.label.channel = "in".to_owned();
    let mapping = only(field);
    let with = |value: &str| read(mapping.clone(), &format!(r#"{{"climate":[{{"f":{value}}}]}}"#));
    assert_eq!(with("41"), "s9: temperature__ch_in=10.5");
    for missing in ["-9999", "\"-9999.0\"", "\"OFF-LINE\"", "null", "true"] {
        let result = with(missing);
        assert!(result.starts_with("s9: nothing\nleft out /climate/0/f "), "{result}");
        assert!(result.ends_with(": no reading"), "{result}");
    }
    assert_eq!(with("\"0.00\""), "s9: temperature__ch_in=-10");
}

#[test]
fn a_number_that_its_factor_makes_infinite_is_left_out() {
    let mut field = Field::new(Quantity::Pm10, place("/v"));
    field.meaning.scale.factor = 100.0;
    let mapping = only(field);
    let expected = "s9: nothing\nleft out /v not a finite number";
    assert_eq!(read(mapping, r#"{"v":1e308}"#), expected);
}

#[test]
fn a_message_without_anything_mapped_names_what_it_has() {
    let result =
        fixture::read("#", Format::Json(Box::new(mapping())), "t", r#"{"PM25":3,"id":"a"}"#);
    let Err(Refused::Malformed { reason, detail }) = result else { panic!("{result:?}") };
    assert_eq!(reason, "nothing_mapped");
    assert!(detail.contains("/pm2_5, /pm10, /temp") && detail.contains("PM25, id"), "{detail}");
}

#[test]
fn a_device_that_cannot_be_one_is_not_kept_for_each_of_many_entries() {
    let mapping = || Mapping {
        each: Some(Each::parse("/v/*").unwrap()),
        device: device("^/id"),
        time: Some(TimeFrom::at(place("/t"))),
        ..only(Field::new(Quantity::Pm10, place("/p")))
    };
    let entries: Vec<String> =
        (0..1_000).map(|i| format!(r#"{{"t":{},"p":1}}"#, 1_700_000_000 + i)).collect();
    let long = "x".repeat(100_000);
    let body = format!(r#"{{"id":"{long}","v":[{}]}}"#, entries.join(","));
    let (mut result, used) = (String::new(), body.len());
    let held = allocation_counter::measure(|| result = read(mapping(), &body));
    assert_eq!(result, "malformed: bad_device");
    assert!(held.bytes_max < 40 * used as u64, "{} bytes of {used}", held.bytes_max);
}
