//! What LoRaWAN codecs make of a payload: the free object inside the envelopes
//! of The Things Stack and ChirpStack.
//!
//! Every maker writes his own codec, so quantities are known by their usual
//! names and by the operator's. A value is a number, or an object with `value`
//! and `unit`. Milesight's codecs add `history`: older records, each with a time
//! of its own, which the time of the envelope says nothing about. Normalized
//! objects of The Things Stack hold the values of the air under `air`.

use super::batch::Batch;
use super::elements::Elements;
use super::gathered::{Gathered, items};
use super::json::Value;
use super::{Hints, Refused, number, time, unit};
use crate::air::{Label, Quantity, Stamp};

/// Names of codecs beside the usual ones; case does not matter.
const NAMES: &[(&str, Quantity)] = &[
    ("air_humidity", Quantity::Humidity),
    ("relativeHumidity", Quantity::Humidity),
    ("airHumidity", Quantity::Humidity),
    ("airTemperature", Quantity::Temperature),
    ("barometric_pressure", Quantity::Pressure),
    ("barometricPressure", Quantity::Pressure),
];

/// Whose object it is, and when it came.
pub struct Origin<'a> {
    /// The device.
    pub device: &'a str,
    /// The envelope's time.
    pub at: Option<Stamp>,
}

/// Reads a codec's object with its history.
pub fn read(
    object: Value,
    origin: &Origin,
    hints: &Hints,
    batch: &mut Batch,
) -> Result<(), Refused> {
    let mut found = Gathered::default();
    gather(object, hints, &mut found);
    if let Some(air) = object.get("air") {
        gather(air, hints, &mut found);
    }
    if !found.is_empty() {
        batch.add(origin.device, origin.at, found);
    }
    let Some(history) = object.get("history").filter(|history| history.is_array()) else {
        return Ok(());
    };
    for item in items(history)? {
        record(item, origin.device, hints, batch);
        batch.within_limit()?;
    }
    Ok(())
}

/// Reads one record of the past. Without a time it is of no use: it was
/// measured at any time but now.
fn record(record: Value, device: &str, hints: &Hints, batch: &mut Batch) {
    if !record.is_object() {
        return batch.skip(record.path(), "not an object");
    }
    let mut found = Gathered::default();
    gather(record, hints, &mut found);
    if found.is_empty() {
        return;
    }
    let at = record.get("timestamp").ok_or("no \"timestamp\"".to_owned());
    match at.and_then(|value| time::from_json(value, None, None)) {
        Ok(at) => batch.add(device, Some(at), found),
        Err(_) => batch
            .skip(record.path(), "no believable \"timestamp\": when it was measured is not known"),
    }
}

/// Gathers the known names of one object.
fn gather(object: Value, hints: &Hints, found: &mut Gathered) {
    let mut elements = Elements::default();
    for measure in object.members() {
        let name = measure.name();
        let Some(quantity) = quantity(&name, hints) else { continue };
        let value = measure.get("value").unwrap_or(measure);
        let unit = measure.get("unit").and_then(Value::text).unwrap_or_default();
        let number = number::from_json(value).map(|n| unit::into_ours(quantity, &unit, n));
        let label = Label { channel: elements.channel(quantity, name), ..Label::default() };
        found.add(quantity, label, number, || measure.path());
    }
}

fn quantity(name: &str, hints: &Hints) -> Option<Quantity> {
    let mass = name.strip_suffix("_mass_concentration");
    let further = || NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    hints.quantity(mass.unwrap_or(name)).or_else(|| further().map(|(_, quantity)| *quantity))
}
