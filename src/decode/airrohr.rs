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

use super::gathered::{Gathered, too_many};
use super::json::{self, Container};
use super::number::{self, NoNumber};
use super::{Captures, Decoded, ENTRIES_MAX, Message, Refused, time};
use crate::air::{Label, Quantity, Stamp};
use jiff::tz::TimeZone;
use serde_json::value::RawValue;

/// Sensor, name after the sensor's `_`, quantity. Whole names: `IPS_P01` is PM0.1.
const NAMES: &[(&str, &str, Quantity)] = &[
    ("SPS30", "P0", Quantity::Pm1),
    ("SPS30", "P2", Quantity::Pm2_5),
    ("SPS30", "P4", Quantity::Pm4),
    ("SPS30", "P1", Quantity::Pm10),
    ("NPM", "P0", Quantity::Pm1),
    ("NPM", "P2", Quantity::Pm2_5),
    ("NPM", "P1", Quantity::Pm10),
    ("IPS", "P0", Quantity::Pm1),
    ("IPS", "P2", Quantity::Pm2_5),
    ("IPS", "P1", Quantity::Pm10),
    ("PMS", "P0", Quantity::Pm1),
    ("PMS", "P2", Quantity::Pm2_5),
    ("PMS", "P1", Quantity::Pm10),
    ("HPM", "P2", Quantity::Pm2_5),
    ("HPM", "P1", Quantity::Pm10),
    ("SDS", "P2", Quantity::Pm2_5),
    ("SDS", "P1", Quantity::Pm10),
    ("BME280", "temperature", Quantity::Temperature),
    ("BME280", "humidity", Quantity::Humidity),
    ("BME280", "pressure", Quantity::Pressure),
    ("SHT3X", "temperature", Quantity::Temperature),
    ("SHT3X", "humidity", Quantity::Humidity),
    ("SCD30", "temperature", Quantity::Temperature),
    ("SCD30", "humidity", Quantity::Humidity),
    ("SCD30", "co2_ppm", Quantity::Co2),
    ("conc", "co2_ppm", Quantity::Co2),
    ("HTU21D", "temperature", Quantity::Temperature),
    ("HTU21D", "humidity", Quantity::Humidity),
    ("BMP280", "temperature", Quantity::Temperature),
    ("BMP280", "pressure", Quantity::Pressure),
    ("BMP", "temperature", Quantity::Temperature),
    ("BMP", "pressure", Quantity::Pressure),
    ("DS18B20", "temperature", Quantity::Temperature),
    ("", "temperature", Quantity::Temperature),
    ("", "humidity", Quantity::Humidity),
    ("", "pressure", Quantity::Pressure),
    ("", "P0", Quantity::Pm1),
    ("", "P2", Quantity::Pm2_5),
    ("", "P4", Quantity::Pm4),
    ("", "P1", Quantity::Pm10),
];

/// How the public API's names of mass-measuring sensors begin.
const MASS_SENSORS: [&str; 7] = ["SDS", "PMS", "HPM", "SPS30", "NextPM", "NPM", "IPS"];

/// One entry of the array with a known name.
struct Entry<'a> {
    place: usize,
    /// Its row in [`NAMES`].
    row: usize,
    value: Option<&'a RawValue>,
}

/// Reads one message.
pub fn read(m: &Message, captures: &Captures) -> Result<Decoded, Refused> {
    let document = Container::object_of_message(m)?;
    let array = document.get("sensordatavalues").and_then(Container::of);
    let Some(Container::Array(items)) = array else {
        let detail = "no array \"sensordatavalues\": choose the format that this network uses";
        return Err(Refused::malformed("no_sensordatavalues", detail));
    };
    if items.len() > ENTRIES_MAX {
        return Err(too_many(items.len()));
    }
    let sensor = document.get("sensor").and_then(Container::of);
    let mut found = Gathered::default();
    let mut entries = known_entries(&items, &mut found);
    entries.sort_by_key(|e| e.row);
    gather(&entries, measures_mass(sensor.as_ref()), &mut found);
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let at = own_time(&document, &mut found);
    Ok(found.of(device(&document, sensor.as_ref(), captures), at))
}

/// Entries whose name we know. Others, such as counts and loop statistics, are
/// no readings; what is no entry at all is noted.
fn known_entries<'a>(items: &[&'a RawValue], found: &mut Gathered) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (place, raw) in items.iter().enumerate() {
        let entry = Container::of(raw);
        let name = entry.as_ref().and_then(|e| e.get("value_type")).and_then(json::text);
        let (Some(entry), Some(name)) = (entry, name) else {
            found.skip(format!("/sensordatavalues/{place}"), "no object with a \"value_type\"");
            continue;
        };
        let (sensor, rest) = name.split_once('_').unwrap_or(("", &name));
        let known = |(s, n, _): &(&str, &str, Quantity)| *s == sensor && *n == rest;
        match NAMES.iter().position(known) {
            Some(row) if entries.iter().any(|e| e.row == row) => {
                found.skip(path(place), format!("{} is there twice", number::shown(&name)));
            }
            Some(row) => entries.push(Entry { place, row, value: entry.get("value") }),
            None => {}
        }
    }
    entries
}

/// Takes values in the order of [`NAMES`], so that the first of a quantity is
/// the main one.
fn gather(entries: &[Entry], bare_is_mass: bool, found: &mut Gathered) {
    let mut has_main: Vec<Quantity> = Vec::new();
    for entry in entries {
        let Some((sensor, _, quantity)) = NAMES.get(entry.row) else { continue };
        if sensor.is_empty() && quantity.is_particle_mass() && !bare_is_mass {
            found.skip(path(entry.place), "a count of particles, not a mass");
            continue;
        }
        let number = entry
            .value
            .map_or_else(|| Err(NoNumber::NoReading("no \"value\"".to_owned())), number::from_json)
            .and_then(|n| in_our_unit(*quantity, n));
        let mut label = Label::default();
        if number.is_ok() {
            if has_main.contains(quantity) {
                label.channel =
                    if sensor.is_empty() { "dht".into() } else { sensor.to_lowercase() };
            } else {
                has_main.push(*quantity);
            }
        }
        found.add(*quantity, label, number, || path(entry.place));
    }
}

/// Converts, and leaves out the firmware's marks for "no value": −128 for
/// temperatures, −1 for everything else.
fn in_our_unit(quantity: Quantity, number: f64) -> Result<f64, NoNumber> {
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
fn measures_mass(sensor: Option<&Container>) -> bool {
    let kind = sensor.and_then(|s| s.get("sensor_type")).and_then(Container::of);
    let name = kind.and_then(|k| k.get("name")).and_then(json::text);
    name.is_some_and(|name| MASS_SENSORS.iter().any(|mass| name.starts_with(mass)))
}

/// The time of a public record; a station sends none.
fn own_time(document: &Container, found: &mut Gathered) -> Option<Stamp> {
    let raw = document.get("timestamp").filter(|raw| raw.get() != "null")?;
    time::from_json(raw, None, Some(&TimeZone::UTC))
        .map_err(|reason| found.skip("/timestamp", reason))
        .ok()
}

/// The captured device, else `esp8266-<id>` of a station, else `sensor-<id>` of
/// a record, else the topic.
fn device(document: &Container, sensor: Option<&Container>, captures: &Captures) -> String {
    if let Some(device) = captures.get("device") {
        return device.to_owned();
    }
    let station = document.get("esp8266id").and_then(json::identity);
    let record = || sensor.and_then(|s| s.get("id")).and_then(json::identity);
    match station {
        Some(id) => format!("esp8266-{id}"),
        None => record().map_or_else(|| captures.device().to_owned(), |id| format!("sensor-{id}")),
    }
}

fn path(place: usize) -> String {
    format!("/sensordatavalues/{place}/value")
}
