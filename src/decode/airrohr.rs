//! airRohr (sensor.community) and its relatives: an array of names and values,
//! all of them strings, on whatever topic a bridge chooses.
//!
//! Two bodies share it. A station sends `esp8266id` and names with the sensor
//! in front (`SDS_P1`); bare `P1` and `P2` are then particle counts of a PPD42NS.
//! A record of the public API has `sensor` and `timestamp` (UTC without saying
//! so) and bare names, whose meaning follows from the type of sensor.
//!
//! P0 is PM1, P2 is PM2.5, P4 is PM4 and **P1 is PM10**. Pressures are in Pa.
//! A station may carry several sensors for one quantity: the first in [`NAMES`]
//! that has a reading gives the main value, the others are channels named after
//! their sensors.

use super::elements::Elements;
use super::gathered::{Gathered, items};
use super::json::{Tree, Value};
use super::number::{self, NoNumber};
use super::{Captures, Decoded, Hints, Message, Refused, time};
use crate::air::{Label, Quantity, Stamp};
use jiff::tz::TimeZone;

/// Whole names and their quantities: `IPS_P01` is PM0.1 and not here.
const NAMES: &[(&str, Quantity)] = &[
    ("SPS30_P0", Quantity::Pm1),
    ("SPS30_P2", Quantity::Pm2_5),
    ("SPS30_P4", Quantity::Pm4),
    ("SPS30_P1", Quantity::Pm10),
    ("NPM_P0", Quantity::Pm1),
    ("NPM_P2", Quantity::Pm2_5),
    ("NPM_P1", Quantity::Pm10),
    ("IPS_P0", Quantity::Pm1),
    ("IPS_P2", Quantity::Pm2_5),
    ("IPS_P1", Quantity::Pm10),
    ("PMS_P0", Quantity::Pm1),
    ("PMS_P2", Quantity::Pm2_5),
    ("PMS_P1", Quantity::Pm10),
    ("HPM_P2", Quantity::Pm2_5),
    ("HPM_P1", Quantity::Pm10),
    ("SDS_P2", Quantity::Pm2_5),
    ("SDS_P1", Quantity::Pm10),
    ("BME280_temperature", Quantity::Temperature),
    ("BME280_humidity", Quantity::Humidity),
    ("BME280_pressure", Quantity::Pressure),
    ("SHT3X_temperature", Quantity::Temperature),
    ("SHT3X_humidity", Quantity::Humidity),
    ("SCD30_temperature", Quantity::Temperature),
    ("SCD30_humidity", Quantity::Humidity),
    ("SCD30_co2_ppm", Quantity::Co2),
    ("conc_co2_ppm", Quantity::Co2),
    ("HTU21D_temperature", Quantity::Temperature),
    ("HTU21D_humidity", Quantity::Humidity),
    ("BMP280_temperature", Quantity::Temperature),
    ("BMP280_pressure", Quantity::Pressure),
    ("BMP_temperature", Quantity::Temperature),
    ("BMP_pressure", Quantity::Pressure),
    ("DS18B20_temperature", Quantity::Temperature),
    ("temperature", Quantity::Temperature),
    ("humidity", Quantity::Humidity),
    ("pressure", Quantity::Pressure),
    ("P0", Quantity::Pm1),
    ("P2", Quantity::Pm2_5),
    ("P4", Quantity::Pm4),
    ("P1", Quantity::Pm10),
];

/// How the public API's names of mass-measuring sensors begin.
const MASS_SENSORS: [&str; 7] = ["SDS", "PMS", "HPM", "SPS30", "NextPM", "NPM", "IPS"];

/// One entry of the array with a known name.
struct Entry<'a> {
    place: usize,
    /// Its row in [`NAMES`].
    row: usize,
    /// `null` is no value.
    value: Option<Value<'a>>,
}

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, _: &Hints) -> Result<Decoded, Refused> {
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let array = document.get("sensordatavalues").filter(|array| array.is_array());
    let Some(array) = array else {
        let detail = "no array \"sensordatavalues\": choose the format that this network uses";
        return Err(Refused::malformed("no_sensordatavalues", detail));
    };
    let sensor = document.get("sensor");
    let mut found = Gathered::default();
    let mut entries = known_entries(items(array)?, &mut found);
    entries.sort_by_key(|e| e.row);
    gather(&entries, is_of_mass(sensor), &mut found);
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let at = own_time(document, &mut found);
    Ok(found.of(device(document, sensor, captures), at))
}

/// Entries whose name we know. Others, such as counts and loop statistics, are
/// no readings; what is no entry at all is noted.
fn known_entries<'a>(
    items: impl Iterator<Item = Value<'a>>,
    found: &mut Gathered,
) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let Some(name) = item.get("value_type").and_then(Value::text) else {
            found.skip(item.path(), "no object with one \"value_type\"");
            continue;
        };
        let (place, value) = (item.place(), item.get("value").filter(|v| !v.is_null()));
        match NAMES.iter().position(|(known, _)| *known == name) {
            Some(row) if entries.iter().any(|e| e.row == row) => {
                found.skip(path(place), format!("{} is there twice", number::shown(&name)));
            }
            Some(row) => entries.push(Entry { place, row, value }),
            None => {}
        }
    }
    entries
}

/// Takes values in the order of [`NAMES`], so that the first of a quantity is
/// the main one.
fn gather(entries: &[Entry], bare_is_mass: bool, found: &mut Gathered) {
    let mut elements = Elements::default();
    for entry in entries {
        let Some((name, quantity)) = NAMES.get(entry.row) else { continue };
        let sensor = name.split_once('_').map(|(sensor, _)| sensor);
        if sensor.is_none() && quantity.is_particle_mass() && !bare_is_mass {
            found.skip(path(entry.place), "a count of particles, not a mass");
            continue;
        }
        let number = entry
            .value
            .map_or_else(|| Err(NoNumber::NoReading("no \"value\"".to_owned())), number::from_json)
            .and_then(|n| in_our_unit(*quantity, n));
        let mut label = Label::default();
        if number.is_ok() {
            label.channel = elements.channel(*quantity, sensor.unwrap_or("dht"));
        }
        found.add(*quantity, label, number, || path(entry.place));
    }
}

/// The quantity and the sensor of a name with a sensor in front.
pub fn of_sensor(name: &str) -> Option<(Quantity, &str)> {
    let (sensor, _) = name.split_once('_')?;
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, quantity)| (*quantity, sensor))
}

/// Converts, and leaves out the firmware's marks for "no value": −128 for
/// temperatures, −1 for everything else.
pub fn in_our_unit(quantity: Quantity, number: f64) -> Result<f64, NoNumber> {
    let is_mark = match quantity {
        Quantity::Temperature => number == -128.0,
        Quantity::Pm1 | Quantity::Pm2_5 | Quantity::Pm4 | Quantity::Pm10 => number < 0.0,
        _ => number == -1.0,
    };
    match quantity {
        _ if is_mark => Err(NoNumber::NoReading(number.to_string())),
        Quantity::Pressure => Ok(number / 100.0),
        _ => Ok(number),
    }
}

/// Whether bare names are masses: only those of a record whose sensor is known
/// to measure mass.
fn is_of_mass(sensor: Option<Value>) -> bool {
    let name = sensor.and_then(|s| s.get("sensor_type")?.get("name")?.text());
    name.is_some_and(|name| measures_mass(&name))
}

/// Whether a type of sensor, by its name in the public API, measures mass.
pub fn measures_mass(kind: &str) -> bool {
    MASS_SENSORS.iter().any(|mass| kind.starts_with(mass))
}

/// The time of a public record; a station sends none.
fn own_time(document: Value, found: &mut Gathered) -> Option<Stamp> {
    let sent = document.get("timestamp").filter(|sent| !sent.is_null())?;
    time::from_json(sent, None, Some(&TimeZone::UTC))
        .map_err(|reason| found.skip("/timestamp", reason))
        .ok()
}

/// The captured device, else `esp8266-<id>` of a station, else `sensor-<id>` of
/// a record, else the topic.
fn device(document: Value, sensor: Option<Value>, captures: &Captures) -> String {
    if let Some(device) = captures.get("device") {
        return device.to_owned();
    }
    let station = document.get("esp8266id").and_then(Value::identity);
    let record = || sensor.and_then(|s| s.get("id")?.identity());
    match station {
        Some(id) => format!("esp8266-{id}"),
        None => record().map_or_else(|| captures.device().to_owned(), |id| format!("sensor-{id}")),
    }
}

fn path(place: usize) -> String {
    format!("/sensordatavalues/{place}/value")
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{native, short};

    fn read(payload: &str) -> String {
        short(&native("airrohr", "bridge/yard", payload))
    }

    fn station(entries: &[(&str, &str)]) -> String {
        let entries = entries.iter().map(|(t, v)| {
            format!(r#"{{"value_type":{},"value":{}}}"#, serde_json::json!(t), serde_json::json!(v))
        });
        let entries = entries.collect::<Vec<_>>().join(",");
        read(&format!(r#"{{"esp8266id":"1357","sensordatavalues":[{entries}]}}"#))
    }

    #[test]
    fn p1_is_pm10_and_p2_is_pm2_5_and_loop_statistics_are_no_readings() {
        let entries = [
            ("SDS_P1", "14.30"),
            ("SDS_P2", "8.75"),
            ("temperature", "19.10"),
            ("humidity", "61.00"),
            ("BME280_pressure", "99850.50"),
            ("samples", "600000"),
            ("min_micro", "200"),
            ("signal", "-61 dBm"),
        ];
        assert_eq!(
            station(&entries),
            "esp8266-1357: pm2_5=8.75 pm10=14.3 pressure=998.505 temperature=19.1 humidity=61"
        );
    }

    #[test]
    fn names_are_matched_whole() {
        let entries = [
            ("SPS30_P0", "1"),
            ("SPS30_P2", "2"),
            ("SPS30_P4", "3"),
            ("SPS30_P1", "4"),
            ("SPS30_N1", "77"),
            ("SPS30_N05", "78"),
            ("SPS30_TS", "0.6"),
            ("IPS_P01", "79"),
            ("HECA_temperature", "35"),
        ];
        assert_eq!(station(&entries), "esp8266-1357: pm1=1 pm2_5=2 pm4=3 pm10=4");
    }

    #[test]
    fn bare_counts_are_not_masses_unless_a_record_names_a_sensor_of_mass() {
        let values = r#""sensordatavalues":[{"id":1,"value":"7.50","value_type":"P1"},{"id":2,"value":"3.25","value_type":"P2"}]"#;
        let count = "a count of particles, not a mass";
        assert_eq!(
            read(&format!(r#"{{"esp8266id":"1",{values}}}"#)),
            format!(
                "esp8266-1: nothing\nleft out /sensordatavalues/1/value {count}\n\
                 left out /sensordatavalues/0/value {count}"
            )
        );
        let record = |kind: &str| {
            let sensor = format!(r#""sensor":{{"id":811,"sensor_type":{{"name":"{kind}"}}}}"#);
            read(&format!(r#"{{{sensor},{values},"timestamp":"2024-02-03 04:05:06"}}"#))
        };
        assert_eq!(record("SDS011"), "sensor-811@2024-02-03T04:05:06Z: pm2_5=3.25 pm10=7.5");
        assert!(record("PPD42NS").starts_with("sensor-811: nothing"));
    }

    #[test]
    fn a_second_sensor_of_one_quantity_is_a_channel() {
        let entries = [
            ("temperature", "20.5"),
            ("BME280_temperature", "19.5"),
            ("SDS_P2", "8"),
            ("PMS_P2", "-1"),
            ("SDS_P2", "9"),
        ];
        assert_eq!(
            station(&entries),
            "esp8266-1357: pm2_5=8 temperature=19.5 temperature__ch_dht=20.5\n\
             left out /sensordatavalues/4/value SDS_P2 is there twice\n\
             left out /sensordatavalues/3/value -1: no reading"
        );
    }

    #[test]
    fn marks_for_no_value_and_broken_entries_leave_the_rest_alone() {
        let payload = r#"{"sensordatavalues":[{"value_type":"SDS_P1","value":"-1.00"},7,{"value":"3"},
            {"value_type":"temperature","value":"-128.00"},{"value_type":"SDS_P2","value":"nan"},
            {"value_type":"humidity"},{"value_type":"BME280_humidity","value":55}]}"#;
        assert_eq!(
            read(payload),
            "bridge/yard: humidity=55\n\
             left out /sensordatavalues/1 no object with one \"value_type\"\n\
             left out /sensordatavalues/2 no object with one \"value_type\"\n\
             left out /sensordatavalues/4/value nan: no reading\n\
             left out /sensordatavalues/0/value -1: no reading\n\
             left out /sensordatavalues/3/value -128: no reading\n\
             left out /sensordatavalues/5/value no \"value\": no reading"
        );
    }

    #[test]
    fn other_documents_are_refused_by_name() {
        assert_eq!(read(r#"{"pm25":3}"#), "malformed: no_sensordatavalues");
        assert_eq!(read(r#"{"sensordatavalues":{}}"#), "malformed: no_sensordatavalues");
        assert_eq!(read(r#"{"sensordatavalues":[]}"#), "ignored: no_quantity");
        let many = format!(r#"{{"sensordatavalues":[{}0]}}"#, "0,".repeat(20_000));
        assert_eq!(read(&many), "malformed: too_many_values");
    }
}
