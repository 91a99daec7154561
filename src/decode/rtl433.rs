//! rtl_433: radio sensors of Ecowitt, Fine Offset, Bresser and others. One flat
//! JSON object a packet (`rtl_433/<host>/events`), or one bare value a topic
//! (`rtl_433/<host>/devices/<model>/<id>/<key>`); both name a device alike.
//!
//! Keys carry their units. `time` is the clock of the receiver unless it was
//! told otherwise, so it needs the operator's zone. A packet is sent several
//! times over and heard by several receivers; with a time, the repetitions
//! within one second fall out.

use super::gathered::Gathered;
use super::json::{self, Tree, Value};
use super::number::{self, NoNumber};
use super::{Captures, Decoded, Hints, Message, Refused, time, unit};
use crate::air::{Label, Quantity, Stamp};

/// What a sensor reckons and does not measure.
const ESTIMATED: &str = "estimated";

/// Key, quantity, unit, variant.
const KEYS: &[(&str, Quantity, &str, &str)] = &[
    ("pm1_ug_m3", Quantity::Pm1, "", ""),
    ("pm1_0_ug_m3", Quantity::Pm1, "", ""),
    ("pm2_5_ug_m3", Quantity::Pm2_5, "", ""),
    ("pm4_ug_m3", Quantity::Pm4, "", ""),
    ("pm4_0_ug_m3", Quantity::Pm4, "", ""),
    ("pm10_ug_m3", Quantity::Pm10, "", ""),
    ("pm10_0_ug_m3", Quantity::Pm10, "", ""),
    ("estimated_pm10_0_ug_m3", Quantity::Pm10, "", ESTIMATED),
    ("co2_ppm", Quantity::Co2, "", ""),
    ("temperature_C", Quantity::Temperature, "C", ""),
    ("temperature_F", Quantity::Temperature, "F", ""),
    ("humidity", Quantity::Humidity, "", ""),
    ("pressure_hPa", Quantity::Pressure, "hPa", ""),
    ("pressure_kPa", Quantity::Pressure, "kPa", ""),
    ("pressure_inHg", Quantity::Pressure, "inHg", ""),
];

/// Models without a channel for PM10: what older releases of rtl_433 call
/// `pm10_0_ug_m3` there is an estimate.
const NO_PM10: [&str; 3] = ["WH0290", "WH41", "WH43"];

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, hints: &Hints) -> Result<Decoded, Refused> {
    if !json::message_text(m)?.starts_with('{')
        && let Some((device, key)) = device_and_key(m.topic)
    {
        return one_value(m, captures.get("device").unwrap_or(device), key);
    }
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let model = document.get("model").and_then(Value::text).unwrap_or_default();
    let mut found = Gathered::default();
    for (key, quantity, unit, variant) in KEYS {
        let Some(value) = document.get(key) else { continue };
        let number = number::from_json(value).map(|n| unit::into_ours(*quantity, unit, n));
        found.add(*quantity, label(&model, *quantity, variant), number, || value.path());
    }
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let device = device(document, &model, captures);
    let at = own_time(document, hints, &mut found);
    Ok(found.of(device, at))
}

/// One value by its own topic.
fn one_value(m: &Message, device: &str, key: &str) -> Result<Decoded, Refused> {
    let known = KEYS.iter().find(|(known, ..)| *known == key);
    let Some((_, quantity, unit, variant)) = known else {
        return Err(Refused::Ignored("no_quantity"));
    };
    let number = number::from_text(json::message_text(m)?.trim_matches('"'));
    if let Err(NoNumber::Other(shown)) = &number {
        let detail = format!("{shown:?} is not a number, although the topic ends like one");
        return Err(Refused::malformed("not_a_number", detail));
    }
    let mut found = Gathered::default();
    let number = number.map(|n| unit::into_ours(*quantity, unit, n));
    found.add(*quantity, label(device, *quantity, variant), number, String::new);
    Ok(found.of(device.to_owned(), None))
}

/// The label of a value; `model` has the name of the model in it.
fn label(model: &str, quantity: Quantity, variant: &str) -> Label {
    let estimate = quantity == Quantity::Pm10 && NO_PM10.iter().any(|m| model.contains(m));
    let variant = if estimate { ESTIMATED } else { variant };
    Label { variant: variant.to_owned(), ..Label::default() }
}

/// What follows the level `devices`: the device, and the key as the last level.
fn device_and_key(topic: &str) -> Option<(&str, &str)> {
    let (_, rest) = topic.split_once("/devices/")?;
    rest.rsplit_once('/')
}

/// The captured device, else model, id and channel, else the topic.
fn device(document: Value, model: &str, captures: &Captures) -> String {
    if let Some(device) = captures.get("device") {
        return device.to_owned();
    }
    let part = |name: &str| document.get(name).and_then(Value::identity);
    let parts = [Some(model.into()).filter(|_| !model.is_empty()), part("id"), part("channel")];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { captures.device().to_owned() } else { parts.join("/") }
}

fn own_time(document: Value, hints: &Hints, found: &mut Gathered) -> Option<Stamp> {
    let sent = document.get("time").filter(|sent| !sent.is_null())?;
    time::from_json(sent, None, hints.zone.as_ref()).map_err(|why| found.skip("/time", why)).ok()
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{self, native, short};
    use crate::decode::{Format, Hints};
    use jiff::tz::TimeZone;

    fn read_on(topic: &str, payload: &str) -> String {
        short(&native("rtl433", topic, payload))
    }

    fn read(payload: &str) -> String {
        read_on("rtl_433/attic/events", payload)
    }

    #[test]
    fn keys_carry_their_units() {
        let payload = r#"{"time":"2024-05-06T07:08:09Z","model":"Fineoffset-WH46","id":51,"battery_ok":1,
            "pm1_ug_m3":1.5,"pm2_5_ug_m3":2.5,"pm4_ug_m3":3.5,"pm10_ug_m3":4.5,"co2_ppm":701,
            "temperature_F":50.0,"humidity":57,"pressure_kPa":100.15,"mic":"CRC"}"#;
        assert_eq!(
            read(payload),
            "Fineoffset-WH46/51@2024-05-06T07:08:09Z: pm1=1.5 pm2_5=2.5 pm4=3.5 pm10=4.5 co2=701 \
             temperature=10 humidity=57 pressure=1001.5"
        );
    }

    #[test]
    fn an_estimate_is_no_measurement() {
        for (model, key) in [
            ("Fineoffset-WH0290", "pm10_0_ug_m3"),
            ("Fine Offset Electronics, WH0290", "pm10_0_ug_m3"),
            ("Fineoffset-WH41", "estimated_pm10_0_ug_m3"),
        ] {
            let payload = format!(r#"{{"model":"{model}","id":"a1","pm2_5_ug_m3":9,"{key}":11}}"#);
            assert_eq!(read(&payload), format!("{model}/a1: pm2_5=9 pm10__estimated=11"));
        }
        let bresser = r#"{"model":"Bresser-AirPM","id":7,"channel":2,"pm10_0_ug_m3":11}"#;
        assert_eq!(read(bresser), "Bresser-AirPM/7/2: pm10=11");
    }

    #[test]
    fn the_receivers_clock_needs_its_zone_and_that_of_a_recording_is_none() {
        let payload = r#"{"time":"2024-05-06 07:08:09","model":"m","id":1,"humidity":5}"#;
        assert!(read(payload).starts_with("m/1: humidity=5\nleft out /time "));
        let zone = TimeZone::get("Europe/Berlin").ok();
        let format = Format::hinted("rtl433", Hints { zone, ..Hints::default() }).unwrap();
        let result = fixture::read("#", format, "rtl_433/attic/events", payload);
        assert_eq!(short(&result), "m/1@2024-05-06T05:08:09Z: humidity=5");
        for time in ["1714979289", "1714979289.000000", "2024-05-06 09:08:09+0200"] {
            let payload = format!(r#"{{"time":"{time}","model":"m","id":1,"humidity":5}}"#);
            assert_eq!(read(&payload), "m/1@2024-05-06T07:08:09Z: humidity=5", "{time}");
        }
        let recorded = r#"{"time":"@0.25s","model":"m","id":1,"humidity":5}"#;
        assert!(read(recorded).contains("left out /time \"@0.25s\" is not a time"));
    }

    #[test]
    fn a_topic_for_each_value_names_the_same_device() {
        let topic = |key: &str| format!("rtl_433/attic/devices/Fineoffset-WH0290/51/{key}");
        assert_eq!(read_on(&topic("pm2_5_ug_m3"), "12"), "Fineoffset-WH0290/51: pm2_5=12");
        let estimated = "Fineoffset-WH0290/51: pm10__estimated=13";
        assert_eq!(read_on(&topic("pm10_0_ug_m3"), "13"), estimated);
        assert_eq!(read_on(&topic("time"), "2024-05-06 07:08:09"), "ignored: no_quantity");
        assert_eq!(read_on(&topic("humidity"), "wet"), "malformed: not_a_number");
    }

    #[test]
    fn other_sensors_and_the_receivers_state_are_of_no_interest() {
        assert_eq!(read(r#"{"model":"Tyre","id":1,"pressure_PSI":30}"#), "ignored: no_quantity");
        assert_eq!(read_on("rtl_433/attic/states", r#"{"enabled":1}"#), "ignored: no_quantity");
    }
}
