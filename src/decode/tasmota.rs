//! Tasmota: `tele/<topic>/SENSOR`, and `stat/<topic>/STATUS8` or `STATUS10` as
//! the answer to a query; one object for each sensor driver.
//!
//! Any driver may bring any quantity, so keys are looked up in all of them;
//! they contain dots (`PM2.5`), except those of the SPS30 (`PM2_5`). Where two
//! drivers measure one quantity, the first is the device's main one, even when
//! its reading has failed (`null`), and the others are channels with their
//! names (`AM2301-01`). A climate sensor goes before one that sits inside a
//! dust sensor and is warmed by it. `CF…` are the values by CF=1 calibration.
//!
//! Units stand beside the drivers. `Time` is the clock of the device's own time
//! zone, which only the operator knows; `Epoch`, where it is sent, goes before.

use super::elements::{Elements, is_label};
use super::gathered::Gathered;
use super::json::{Tree, Value};
use super::{Captures, Decoded, Hints, Message, Refused, number, time, unit};
use crate::air::{Label, Quantity, Stamp};
use std::borrow::Cow;

/// Key, quantity, variant.
const KEYS: &[(&str, Quantity, &str)] = &[
    ("PM1", Quantity::Pm1, ""),
    ("PM1_0", Quantity::Pm1, ""),
    ("PM2.5", Quantity::Pm2_5, ""),
    ("PM2_5", Quantity::Pm2_5, ""),
    ("PM4", Quantity::Pm4, ""),
    ("PM4_0", Quantity::Pm4, ""),
    ("PM10", Quantity::Pm10, ""),
    ("CF1", Quantity::Pm1, "cf1"),
    ("CF2.5", Quantity::Pm2_5, "cf1"),
    ("CF10", Quantity::Pm10, "cf1"),
    ("CarbonDioxide", Quantity::Co2, ""),
    ("Temperature", Quantity::Temperature, ""),
    ("Humidity", Quantity::Humidity, ""),
    ("Pressure", Quantity::Pressure, ""),
];

/// Drivers that measure the processor or the mains, not the air.
const NOT_AIR: [&str; 2] = ["ESP32", "ENERGY"];

/// The last levels of topics that carry readings.
const READINGS: [&str; 3] = ["SENSOR", "STATUS8", "STATUS10"];

/// One sensor driver of a message.
struct Driver<'a> {
    name: Cow<'a, str>,
    values: Value<'a>,
    is_dust: bool,
}

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, hints: &Hints) -> Result<Decoded, Refused> {
    if is_housekeeping(m.topic) {
        return Err(Refused::Ignored("housekeeping"));
    }
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let status = document.get("StatusSNS").filter(|status| status.is_object()).unwrap_or(document);
    let mut found = Gathered::default();
    let mut drivers = drivers(status, &mut found);
    drivers.sort_by_key(|d| d.is_dust);
    gather(&drivers, status, &mut found);
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let at = own_time(status, hints, &mut found);
    let device = captures.get("device").unwrap_or_else(|| device_topic(m.topic));
    Ok(found.of(device.to_owned(), at))
}

/// Every object that may be a driver of a sensor of the air.
fn drivers<'a>(status: Value<'a>, found: &mut Gathered) -> Vec<Driver<'a>> {
    let mut drivers = Vec::new();
    for values in status.members().filter(|member| member.is_object()) {
        let name = values.name();
        if NOT_AIR.contains(&name.as_ref()) {
            continue;
        }
        let known = KEYS.iter().filter(|(key, ..)| values.get(key).is_some());
        let quantities: Vec<Quantity> = known.map(|(_, quantity, _)| *quantity).collect();
        if quantities.is_empty() {
            continue;
        }
        if !is_label(&name) {
            found.skip(status.path(), "the name of a driver is too long or has control characters");
            continue;
        }
        let is_dust = quantities.iter().any(|q| q.is_particle_mass());
        drivers.push(Driver { name, values, is_dust });
    }
    drivers
}

/// Gathers the known keys of all drivers.
fn gather(drivers: &[Driver], status: Value, found: &mut Gathered) {
    let unit_of = |key: &str| status.get(key).and_then(Value::text).unwrap_or_default();
    let (temperature, pressure) = (unit_of("TempUnit"), unit_of("PressureUnit"));
    let mut elements = Elements::default();
    for driver in drivers {
        for (key, quantity, variant) in KEYS {
            let Some(value) = driver.values.get(key) else { continue };
            let unit = match quantity {
                Quantity::Temperature => &temperature,
                Quantity::Pressure => &pressure,
                _ => "",
            };
            let number = number::from_json(value).map(|n| unit::into_ours(*quantity, unit, n));
            let channel = elements.channel(*quantity, driver.name.as_ref());
            let label = Label { channel, variant: (*variant).to_owned() };
            found.add(*quantity, label, number, || value.path());
        }
    }
}

/// The device's own time.
fn own_time(status: Value, hints: &Hints, found: &mut Gathered) -> Option<Stamp> {
    let sent = ["Epoch", "Time"].into_iter().find_map(|name| status.get(name))?;
    time::from_json(sent, None, hints.zone.as_ref())
        .map_err(|why| found.skip(sent.path(), why))
        .ok()
}

/// Whether the topic is one of Tasmota's own that never carry readings: `LWT`,
/// `STATE`, `RESULT`, `INFO1`, …
fn is_housekeeping(topic: &str) -> bool {
    let last = topic.rsplit('/').next().unwrap_or_default();
    let is_own =
        last.len() > 1 && last.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_own && !READINGS.contains(&last)
}

/// The device's topic within the full topic, whose order the operator may have
/// changed: what follows `tele` or `stat`, else the level before them, else
/// everything before the last level.
fn device_topic(topic: &str) -> &str {
    let Some((path, _)) = topic.rsplit_once('/') else { return topic };
    for prefix in ["tele", "stat"] {
        let mut start = 0;
        for level in path.split('/') {
            let end = start + level.len();
            if level == prefix {
                let before = path.get(..start).unwrap_or_default().trim_end_matches('/');
                let after = path.get(end + 1..).unwrap_or_default();
                let before = before.rsplit('/').next().unwrap_or_default();
                return [after, before].into_iter().find(|t| !t.is_empty()).unwrap_or(topic);
            }
            start = end + 1;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{self, native, short};
    use crate::decode::{Format, Hints};
    use jiff::tz::TimeZone;

    const NO_ZONE: &str = "has no offset: set the time zone of its clock; arrival time used";

    fn read_on(topic: &str, payload: &str) -> String {
        short(&native("tasmota", topic, payload))
    }

    fn read(payload: &str) -> String {
        read_on("tele/yard/SENSOR", payload)
    }

    #[test]
    fn drivers_of_dust_and_climate_are_one_device() {
        let payload = r#"{"Time":"2024-05-06T07:08:09","Epoch":1700000000,"Switch1":"ON",
            "BME280":{"Temperature":11.5,"Humidity":62.5,"DewPoint":4.4,"Pressure":1001.2},
            "SDS0X1":{"PM2.5":7.5,"PM10":12.5},"PressureUnit":"hPa","TempUnit":"C"}"#;
        assert_eq!(
            read(payload),
            "yard@2023-11-14T22:13:20Z: temperature=11.5 humidity=62.5 pressure=1001.2 pm2_5=7.5 pm10=12.5"
        );
    }

    #[test]
    fn counts_are_no_masses_and_the_calibrations_are_told_apart() {
        let payload = r#"{"PMS5003":{"CF1":2,"CF2.5":3,"CF10":4,"PM1":2.5,"PM2.5":3.5,"PM10":4.5,"PB0.3":500,"PB2.5":3},
            "SPS30":{"PM1_0":5,"PM2_5":6,"PM4_0":7,"PM10":8,"NCPM2_5":33,"TYPSIZ":0.5}}"#;
        assert_eq!(
            read(payload),
            "yard: pm1=2.5 pm2_5=3.5 pm10=4.5 pm1__cf1=2 pm2_5__cf1=3 pm10__cf1=4 \
             pm1__ch_sps30=5 pm2_5__ch_sps30=6 pm4=7 pm10__ch_sps30=8"
        );
    }

    #[test]
    fn a_failed_main_sensor_does_not_make_another_the_main_one() {
        let payload = r#"{"AM2301-00":{"Temperature":null,"Humidity":null},"AM2301-01":{"Temperature":9.5,"Humidity":50}}"#;
        assert_eq!(
            read(payload),
            "yard: temperature__ch_am2301-01=9.5 humidity__ch_am2301-01=50\n\
             left out /AM2301-00/Temperature null: no reading\n\
             left out /AM2301-00/Humidity null: no reading"
        );
    }

    #[test]
    fn a_climate_sensor_goes_before_the_one_inside_a_dust_sensor() {
        let payload = r#"{"SEN5X":{"PM2.5":4,"Temperature":25},"SHT3X":{"Temperature":21},"ESP32":{"Temperature":55}}"#;
        assert_eq!(read(payload), "yard: temperature=21 pm2_5=4 temperature__ch_sen5x=25");
    }

    #[test]
    fn units_beside_the_drivers_count() {
        let payload =
            r#"{"BME280":{"Temperature":50,"Pressure":30},"TempUnit":"F","PressureUnit":"inHg"}"#;
        assert!(
            read(payload).starts_with("yard: temperature=10 pressure=1015.9"),
            "{}",
            read(payload)
        );
    }

    #[test]
    fn a_clock_without_a_zone_is_no_time_until_the_operator_names_the_zone() {
        let payload = r#"{"Time":"2024-05-06T07:08:09","SDS0X1":{"PM10":3}}"#;
        let expected =
            format!("yard: pm10=3\nleft out /Time time \"2024-05-06T07:08:09\" {NO_ZONE}");
        assert_eq!(read(payload), expected);
        let zone = TimeZone::get("Asia/Seoul").ok();
        let format = Format::hinted("tasmota", Hints { zone, ..Hints::default() }).unwrap();
        let result = fixture::read("tele/+/SENSOR", format, "tele/yard/SENSOR", payload);
        assert_eq!(short(&result), "yard@2024-05-05T22:08:09Z: pm10=3");
        let epoch = r#"{"Time":1700000000123,"SDS0X1":{"PM10":3}}"#;
        assert_eq!(read(epoch), "yard@2023-11-14T22:13:20.123Z: pm10=3");
    }

    #[test]
    fn the_device_is_found_in_any_order_of_the_full_topic() {
        let body = r#"{"StatusSNS":{"SDS0X1":{"PM10":3}}}"#;
        for (topic, device) in [
            ("stat/yard/STATUS8", "yard"),
            ("stat/yard/STATUS10", "yard"),
            ("tasmota/yard/tele/SENSOR", "yard"),
            ("home/tele/yard/east/SENSOR", "yard/east"),
            ("yard/SENSOR", "yard"),
            ("tele/SENSOR", "tele/SENSOR"),
        ] {
            assert_eq!(read_on(topic, body), format!("{device}: pm10=3"), "{topic}");
        }
    }

    #[test]
    fn what_is_not_about_readings_is_ignored() {
        for (topic, body) in [
            ("tele/yard/LWT", "Online"),
            ("tele/yard/STATE", r#"{"Wifi":{"SSId":"x"}}"#),
            ("stat/yard/STATUS5", "{}"),
            ("tele/yard/INFO1", "{}"),
        ] {
            assert_eq!(read_on(topic, body), "ignored: housekeeping", "{topic}");
        }
        assert_eq!(read(r#"{"SPS30":{"CFAN":"true"}}"#), "ignored: no_quantity");
        assert_eq!(read(r#"{"ENERGY":{"Power":3},"Time":"x"}"#), "ignored: no_quantity");
    }
}
