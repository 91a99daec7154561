//! luftdatenpumpe: records of sensor.community, one flat JSON object each, all
//! sensors of the network on one topic.
//!
//! Names are those of airRohr's public records, with numbers as values: **P1 is
//! PM10**, P2 is PM2.5, and both are counts where the sensor does not measure
//! mass. Pressures are in Pa. The tool polls an interface that holds the last
//! five minutes, so a record comes several times; its time is true, and the
//! repetitions fall out.

use super::airrohr::{in_our_unit, measures_mass};
use super::gathered::Gathered;
use super::json::{Tree, Value};
use super::{Captures, Decoded, Hints, Message, Refused, number, time};
use crate::air::{Label, Quantity, Stamp};
use jiff::tz::TimeZone;

const KEYS: &[(&str, Quantity)] = &[
    ("P0", Quantity::Pm1),
    ("P2", Quantity::Pm2_5),
    ("P4", Quantity::Pm4),
    ("P1", Quantity::Pm10),
    ("temperature", Quantity::Temperature),
    ("humidity", Quantity::Humidity),
    ("pressure", Quantity::Pressure),
];

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, _: &Hints) -> Result<Decoded, Refused> {
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let kind = document.get("sensor_type").and_then(Value::text);
    let is_mass = kind.is_some_and(|kind| measures_mass(&kind));
    let mut found = Gathered::default();
    for (key, quantity) in KEYS {
        let Some(value) = document.get(key) else { continue };
        let path = || value.path();
        if quantity.is_particle_mass() && !is_mass {
            found.skip(path(), "a count of particles, not a mass");
            continue;
        }
        let number = number::from_json(value).and_then(|n| in_our_unit(*quantity, n));
        found.add(*quantity, Label::default(), number, path);
    }
    if found.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let device = device(document, captures)?;
    let at = own_time(document, &mut found);
    Ok(found.of(device, at))
}

/// The captured device, else the number of the sensor; the topic, which all
/// sensors share, is nobody.
fn device(document: Value, captures: &Captures) -> Result<String, Refused> {
    if let Some(device) = captures.get("device") {
        return Ok(device.to_owned());
    }
    let id = document.get("sensor_id").and_then(Value::identity);
    id.map(|id| format!("sensor-{id}")).ok_or_else(|| {
        let detail = "no \"sensor_id\": choose the format that this network uses";
        Refused::malformed("no_device", detail)
    })
}

fn own_time(document: Value, found: &mut Gathered) -> Option<Stamp> {
    let sent = document.get("time").filter(|sent| !sent.is_null())?;
    time::from_json(sent, None, Some(&TimeZone::UTC)).map_err(|why| found.skip("/time", why)).ok()
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{native, short};

    fn read(payload: &str) -> String {
        short(&native("luftdatenpumpe", "luftdaten.info", payload))
    }

    fn record(rest: &str) -> String {
        read(&format!(
            r#"{{"location_id":7,"latitude":48.1,"time":"2024-02-03T04:05:06Z","sensor_id":811,{rest}}}"#
        ))
    }

    #[test]
    fn p1_is_pm10_where_the_sensor_measures_mass() {
        assert_eq!(
            record(r#""sensor_type":"SDS011","P1":8.5,"P2":"3.25","P0":-1"#),
            "sensor-811@2024-02-03T04:05:06Z: pm2_5=3.25 pm10=8.5\nleft out /P0 -1: no reading"
        );
        let count = "a count of particles, not a mass";
        for kind in [r#""sensor_type":"PPD42NS","#, ""] {
            let result = record(&format!(r#"{kind}"P1":170.5,"P2":0.6,"durP1":1000"#));
            let expected =
                format!("sensor-811: nothing\nleft out /P2 {count}\nleft out /P1 {count}");
            assert_eq!(result, expected);
        }
    }

    #[test]
    fn pressure_is_in_pascal() {
        assert_eq!(
            record(
                r#""sensor_type":"BME280","temperature":-3.5,"pressure":100150,"pressure_at_sealevel":101000,"humidity":41"#
            ),
            "sensor-811@2024-02-03T04:05:06Z: temperature=-3.5 humidity=41 pressure=1001.5"
        );
    }

    #[test]
    fn a_record_of_nobody_is_malformed_and_one_without_a_time_is_not() {
        assert_eq!(read(r#"{"humidity":41}"#), "malformed: no_device");
        assert_eq!(read(r#"{"sensor_id":"5","humidity":41}"#), "sensor-5: humidity=41");
        assert_eq!(read(r#"{"sensor_id":5,"noise":41}"#), "ignored: no_quantity");
    }
}
