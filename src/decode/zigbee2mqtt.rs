//! Zigbee2MQTT: `<base>/<friendly name>` with the whole cached state as one flat
//! JSON object, or, by its option `output: attribute`, one topic per attribute.
//!
//! A friendly name may contain `/`, so the device is everything after the base
//! topic. A state repeats all attributes: that a value is there does not say
//! that it is new, and `last_seen`, where the installation sends it, is the
//! device's time. Replays at the start of Zigbee2MQTT carry the old `last_seen`.

use super::gathered::Gathered;
use super::json::{self, Tree};
use super::number::NoNumber;
use super::{Captures, Decoded, Hints, Message, Refused, number, time};
use crate::air::{Label, Quantity};

/// Zigbee2MQTT's default for the first part of its topics.
const BASE: &str = "zigbee2mqtt";

const KEYS: &[(&str, Quantity)] = &[
    ("pm1", Quantity::Pm1),
    ("pm25", Quantity::Pm2_5),
    ("pm4", Quantity::Pm4),
    ("pm10", Quantity::Pm10),
    ("co2", Quantity::Co2),
    ("temperature", Quantity::Temperature),
    ("humidity", Quantity::Humidity),
    ("pressure", Quantity::Pressure),
];

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, _: &Hints) -> Result<Decoded, Refused> {
    let name = captures.below(BASE);
    if is_housekeeping(name) {
        return Err(Refused::Ignored("housekeeping"));
    }
    if !json::message_text(m)?.starts_with('{') {
        return attribute(m, name, captures);
    }
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let mut found = Gathered::default();
    for (key, quantity) in KEYS {
        if let Some(value) = document.get(key) {
            let number = believed(*quantity, number::from_json(value));
            found.add(*quantity, Label::default(), number, || value.path());
        }
    }
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let last_seen = document.get("last_seen").filter(|seen| !seen.is_null());
    let at = last_seen.and_then(|seen| {
        time::from_json(seen, None, None).map_err(|reason| found.skip("/last_seen", reason)).ok()
    });
    Ok(found.of(captures.get("device").unwrap_or(name).to_owned(), at))
}

/// One attribute as a bare number; its name is the last level.
fn attribute(m: &Message, name: &str, captures: &Captures) -> Result<Decoded, Refused> {
    let known = name.rsplit_once('/').and_then(|(device, attribute)| {
        Some((device, KEYS.iter().find(|(key, _)| *key == attribute)?.1))
    });
    let Some((device, quantity)) = known else {
        // A bare value on a device's own topic is no state; below it, it is an
        // attribute of no interest.
        let fault = Tree::object_of_message(m).err().filter(|_| !name.contains('/'));
        return Err(fault.unwrap_or(Refused::Ignored("no_quantity")));
    };
    let mut found = Gathered::default();
    let number = believed(quantity, number::from_text(json::message_text(m)?.trim_matches('"')));
    if let Err(NoNumber::Other(shown)) = &number {
        let detail = format!("{shown:?} is not a number, although the topic ends like one");
        return Err(Refused::malformed("not_a_number", detail));
    }
    found.add(quantity, Label::default(), number, String::new);
    Ok(found.of(captures.get("device").unwrap_or(device).to_owned(), None))
}

/// The bridge's own topics, availability, and commands to a device.
fn is_housekeeping(name: &str) -> bool {
    let mut last = name.rsplit('/');
    let is_command = |level: Option<&str>| matches!(level, Some("set" | "get"));
    let end = last.next();
    name.split('/').next() == Some("bridge")
        || end == Some("availability")
        || is_command(end)
        || is_command(last.next())
}

/// The converter writes a negative mass for a raw 65535: no reading, fan off.
fn believed(quantity: Quantity, number: Result<f64, NoNumber>) -> Result<f64, NoNumber> {
    match number {
        Ok(n) if n < 0.0 && quantity.is_particle_mass() => Err(NoNumber::NoReading(n.to_string())),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::Format;
    use crate::decode::fixture::{self, native, short};

    fn read(topic: &str, payload: &str) -> String {
        short(&native("zigbee2mqtt", topic, payload))
    }

    fn read_as(pattern: &str, topic: &str) -> String {
        let format = Format::native("zigbee2mqtt").unwrap();
        short(&fixture::read(pattern, format, topic, r#"{"pm25":6}"#))
    }

    #[test]
    fn a_state_gives_its_masses_and_climate_under_its_friendly_name() {
        let payload = r#"{"humidity":48.5,"linkquality":90,"pm1":3.1,"pm10":7.5,"pm25":5,"pm4":6.2,"state":"ON","temperature":21.75,"co2":640,"voc_index":88}"#;
        assert_eq!(
            read("zigbee2mqtt/ground floor/kitchen", payload),
            "ground floor/kitchen: pm1=3.1 pm2_5=5 pm4=6.2 pm10=7.5 co2=640 temperature=21.75 humidity=48.5"
        );
    }

    #[test]
    fn last_seen_is_the_time_in_each_of_its_spellings() {
        for last_seen in
            ["\"2023-11-14T22:13:20.123Z\"", "\"2023-11-15T07:13:20.123+09:00\"", "1700000000123"]
        {
            let payload = format!(r#"{{"pm25":6,"last_seen":{last_seen}}}"#);
            assert_eq!(read("zigbee2mqtt/a", &payload), "a@2023-11-14T22:13:20.123Z: pm2_5=6");
        }
        assert_eq!(read("zigbee2mqtt/a", r#"{"pm25":6,"last_seen":null}"#), "a: pm2_5=6");
        let strange = read("zigbee2mqtt/a", r#"{"pm25":6,"last_seen":"yesterday"}"#);
        assert!(strange.starts_with("a: pm2_5=6\nleft out /last_seen"), "{strange}");
    }

    #[test]
    fn a_fan_that_is_off_has_no_reading() {
        let payload = r#"{"pm25":-1,"fan_mode":"off","air_quality":"unknown","temperature":-1}"#;
        let expected = "a: temperature=-1\nleft out /pm25 -1: no reading";
        assert_eq!(read("zigbee2mqtt/a", payload), expected);
        let expected = "a: nothing\nleft out /pm25 -1: no reading";
        assert_eq!(read("zigbee2mqtt/a", r#"{"pm25":-1}"#), expected);
    }

    #[test]
    fn housekeeping_and_devices_without_air_are_ignored() {
        for topic in [
            "zigbee2mqtt/bridge/state",
            "zigbee2mqtt/bridge/devices",
            "zigbee2mqtt/a/b/availability",
            "zigbee2mqtt/a/set",
            "zigbee2mqtt/a/get",
            "zigbee2mqtt/a/set/pm25",
        ] {
            assert_eq!(read(topic, "online"), "ignored: housekeeping", "{topic}");
        }
        assert_eq!(read("zigbee2mqtt/lamp", r#"{"state":"ON"}"#), "ignored: no_quantity");
    }

    #[test]
    fn an_attribute_may_have_its_own_topic() {
        assert_eq!(read("zigbee2mqtt/hall/air/pm25", "12"), "hall/air: pm2_5=12");
        assert_eq!(read("zigbee2mqtt/hall/linkquality", "90"), "ignored: no_quantity");
        assert_eq!(read("zigbee2mqtt/hall/pm25", "x"), "malformed: not_a_number");
        let expected = "hall: nothing\nleft out  null: no reading";
        assert_eq!(read("zigbee2mqtt/hall/pm25", "null"), expected);
    }

    #[test]
    fn a_device_topic_that_holds_no_object_is_malformed() {
        assert_eq!(read("zigbee2mqtt/a", "{\"pm25\":"), "malformed: not_json");
        assert_eq!(read("zigbee2mqtt/a", "12"), "malformed: not_an_object");
        assert_eq!(read("zigbee2mqtt/a", "[1]"), "malformed: not_an_object");
        assert_eq!(read("zigbee2mqtt/a", "pm25=6"), "malformed: not_json");
    }

    #[test]
    fn another_base_topic_is_known_from_the_pattern() {
        assert_eq!(read_as("home/zb/#", "home/zb/a/b"), "a/b: pm2_5=6");
        assert_eq!(read_as("+/zigbee2mqtt/+", "home/zigbee2mqtt/a"), "a: pm2_5=6");
        assert_eq!(read_as("zb/{device}", "zb/a"), "a: pm2_5=6");
        assert_eq!(read_as("zigbee2mqtt/a", "zigbee2mqtt/a"), "a: pm2_5=6");
        assert_eq!(read_as("zb/a", "zb/a"), "a: pm2_5=6");
        assert_eq!(read_as("#", "a"), "a: pm2_5=6");
    }
}
