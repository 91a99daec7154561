//! The generic mapping: any JSON object, by pointers that the operator gives.
//!
//! A value that is absent is absent, since many senders leave out what they do
//! not know; a message in which nothing that is mapped is present was mapped
//! wrongly, and is refused with the names it does have.

use super::gathered::Gathered;
use super::json::{self, Container, Pointer};
use super::number::{self, NoNumber};
use super::plain::captured_label;
use super::time::{self, TimeFrom};
use super::{Captures, Decoded, Message, Refused};
use crate::air::{Label, Quantity, Stamp};
use serde_json::value::RawValue;

/// Where the parts of a reading stand in a JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Who speaks.
    pub device: DeviceFrom,
    /// When; `None`: arrival time counts.
    pub time: Option<TimeFrom>,
    /// What.
    pub values: Vec<Field>,
}

/// Where the device's identity comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceFrom {
    /// The captured `{device}`, else the whole topic.
    Topic,
    /// A text or whole number in the document.
    Body(Pointer),
    /// The settings.
    Fixed(String),
}

/// One value of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it measures.
    pub quantity: Quantity,
    /// The series among several of one quantity; a captured `{channel}` or
    /// `{variant}` counts more.
    pub label: Label,
    /// Where it stands.
    pub pointer: Pointer,
    /// The value is the number times this …
    pub factor: f64,
    /// … plus this, in the quantity's unit.
    pub offset: f64,
    /// What the sender writes when it has no reading, before factor and offset.
    /// A number here also means the same number in a string.
    pub missing: Vec<serde_json::Value>,
}

impl Field {
    /// The main value of a quantity, as it is.
    pub fn new(quantity: Quantity, pointer: Pointer) -> Field {
        Field {
            quantity,
            label: Label::default(),
            pointer,
            factor: 1.0,
            offset: 0.0,
            missing: Vec::new(),
        }
    }

    fn number(&self, raw: &RawValue) -> Result<f64, NoNumber> {
        let text = json::text(raw);
        let number = number::from_json(raw);
        let missing = self.missing.iter().any(|m| match m {
            serde_json::Value::String(s) => text.as_deref() == Some(s),
            serde_json::Value::Number(n) => n.as_f64().is_some_and(|n| number == Ok(n)),
            other => serde_json::from_str(raw.get()).is_ok_and(|v: serde_json::Value| v == *other),
        });
        if missing {
            return Err(NoNumber::NoReading(number::shown(raw.get())));
        }
        number.map(|n| n * self.factor + self.offset)
    }
}

impl Mapping {
    pub(super) fn read(&self, m: &Message, captures: &Captures) -> Result<Decoded, Refused> {
        let document = Container::of_message(m)?;
        let mut found = Gathered::default();
        for field in &self.values {
            let Some(raw) = document.at(&field.pointer) else { continue };
            match captured_label(&field.label, captures) {
                Ok(label) => {
                    let path = || field.pointer.to_string();
                    found.add(field.quantity, label, field.number(raw), path);
                }
                Err(reason) => found.skip(field.pointer.to_string(), reason),
            }
        }
        if found.is_empty() {
            return Err(self.nothing_mapped(&document));
        }
        let device = self.device(&document, captures)?;
        let at = self.time(&document, &mut found);
        Ok(found.of(device, at))
    }

    fn device(&self, document: &Container, captures: &Captures) -> Result<String, Refused> {
        let pointer = match &self.device {
            DeviceFrom::Topic => return Ok(captures.device().to_owned()),
            DeviceFrom::Fixed(device) => return Ok(device.clone()),
            DeviceFrom::Body(pointer) => pointer,
        };
        document.at(pointer).and_then(json::identity).map(|d| d.into_owned()).ok_or_else(|| {
            let detail =
                format!("no text or whole number at {pointer}, where the device is mapped");
            Refused::malformed("no_device", detail)
        })
    }

    fn time(&self, document: &Container, found: &mut Gathered) -> Option<Stamp> {
        let from = self.time.as_ref()?;
        let read = match document.at(&from.pointer) {
            Some(raw) => time::from_json(raw, from.unit, from.zone.as_ref()),
            None => Err("no time here; arrival time used".to_owned()),
        };
        read.map_err(|reason| found.skip(from.pointer.to_string(), reason)).ok()
    }

    fn nothing_mapped(&self, document: &Container) -> Refused {
        let mapped: Vec<String> = self.values.iter().map(|f| f.pointer.to_string()).collect();
        let names: Vec<&str> = document.members().iter().map(|(n, _)| n.as_ref()).collect();
        let detail = format!(
            "none of the mapped values ({}) is there; the document has: {}",
            number::shown_long(&mapped.join(", ")),
            number::shown_long(&names.join(", ")),
        );
        Refused::malformed("nothing_mapped", detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::fixture::{self, short};
    use crate::decode::{Format, TimeUnit};
    use serde_json::json;

    fn pointer(text: &str) -> Pointer {
        Pointer::parse(text).unwrap()
    }

    fn mapping() -> Mapping {
        Mapping {
            device: DeviceFrom::Body(pointer("/device")),
            time: Some(TimeFrom { pointer: pointer("/time"), unit: None, zone: None }),
            values: vec![
                Field::new(Quantity::Pm2_5, pointer("/pm2_5")),
                Field::new(Quantity::Pm10, pointer("/pm10")),
                Field::new(Quantity::Temperature, pointer("/temp")),
            ],
        }
    }

    fn read(mapping: Mapping, payload: &str) -> String {
        short(&fixture::read("air/+/{device}", Format::Json(mapping), "air/seoul/s9", payload))
    }

    #[test]
    fn a_message_as_in_the_reference_is_read() {
        let payload = r#"{"device":"s1","time":"2024-01-02T03:04:05Z","pm2_5":12.3,"pm10":"20.1","rssi":-60}"#;
        assert_eq!(read(mapping(), payload), "s1@2024-01-02T03:04:05Z: pm2_5=12.3 pm10=20.1");
        let payload = r#"{"device":17,"time":1704164645,"temp":-1}"#;
        assert_eq!(read(mapping(), payload), "17@2024-01-02T03:04:05Z: temperature=-1");
    }

    #[test]
    fn the_device_may_come_from_the_topic_or_the_settings() {
        let topic = Mapping { device: DeviceFrom::Topic, time: None, ..mapping() };
        assert_eq!(read(topic, r#"{"pm10":3,"device":"x"}"#), "s9: pm10=3");
        let fixed =
            Mapping { device: DeviceFrom::Fixed("roof".to_owned()), time: None, ..mapping() };
        assert_eq!(read(fixed, r#"{"pm10":3}"#), "roof: pm10=3");
        for payload in [r#"{"pm10":3}"#, r#"{"pm10":3,"device":null}"#, r#"{"pm10":3,"device":{}}"#]
        {
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
            Some(TimeFrom { pointer: pointer("/time"), unit: Some(TimeUnit::Seconds), zone });
        let payload = r#"{"device":"a","time":"2024-01-02 12:04:05","pm10":3}"#;
        let result = read(Mapping { time, ..mapping() }, payload);
        assert_eq!(result, "a@2024-01-02T03:04:05Z: pm10=3");
    }

    #[test]
    fn missing_marks_factor_offset_and_labels_apply() {
        let mut field = Field::new(Quantity::Temperature, pointer("/climate/0/f"));
        (field.factor, field.offset) = (0.5, -10.0);
        field.missing = vec![json!(-9999), json!("OFF-LINE"), json!(null), json!(true)];
        field.label.channel = "in".to_owned();
        let mapping = Mapping { time: None, values: vec![field], device: DeviceFrom::Topic };
        let with =
            |value: &str| read(mapping.clone(), &format!(r#"{{"climate":[{{"f":{value}}}]}}"#));
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
        let mut field = Field::new(Quantity::Pm10, pointer("/v"));
        field.factor = 100.0;
        let mapping = Mapping { time: None, values: vec![field], device: DeviceFrom::Topic };
        let expected = "s9: nothing\nleft out /v not a finite number";
        assert_eq!(read(mapping, r#"{"v":1e308}"#), expected);
    }

    #[test]
    fn a_message_without_anything_mapped_names_what_it_has() {
        let result = fixture::read("#", Format::Json(mapping()), "t", r#"{"PM25":3,"id":"a"}"#);
        let Err(Refused::Malformed { reason, detail }) = result else { panic!("{result:?}") };
        assert_eq!(reason, "nothing_mapped");
        assert!(detail.contains("/pm2_5, /pm10, /temp") && detail.contains("PM25, id"), "{detail}");
    }
}
