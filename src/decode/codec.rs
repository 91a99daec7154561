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
use super::gathered::{Gathered, too_many};
use super::json::{self, Container, escape};
use super::{ENTRIES_MAX, Hints, Refused, number, time, unit};
use crate::air::{Label, Quantity, Stamp};
use serde_json::value::RawValue;

/// Names of codecs beside the usual ones; case does not matter.
const NAMES: &[(&str, Quantity)] = &[
    ("air_humidity", Quantity::Humidity),
    ("relativeHumidity", Quantity::Humidity),
    ("airHumidity", Quantity::Humidity),
    ("airTemperature", Quantity::Temperature),
    ("barometric_pressure", Quantity::Pressure),
    ("barometricPressure", Quantity::Pressure),
];

/// Whose object it is, when it came, and where it stands in the document.
pub struct Origin<'a> {
    /// The device.
    pub device: &'a str,
    /// The envelope's time.
    pub at: Option<Stamp>,
    /// The object's place, as a JSON Pointer.
    pub path: &'a str,
}

/// Reads a codec's object with its history.
pub fn read(
    object: &Container,
    origin: &Origin,
    hints: &Hints,
    batch: &mut Batch,
) -> Result<(), Refused> {
    let mut found = Gathered::default();
    gather(object, origin.path, hints, &mut found);
    if let Some(air) = object.get("air").and_then(Container::of) {
        gather(&air, &format!("{}/air", origin.path), hints, &mut found);
    }
    if !found.is_empty() {
        batch.add(origin.device, origin.at, found);
    }
    let history = object.get("history").and_then(Container::of);
    let Some(Container::Array(records)) = history else { return Ok(()) };
    if records.len() > ENTRIES_MAX {
        return Err(too_many(records.len()));
    }
    for (place, raw) in records.into_iter().enumerate() {
        record(raw, &format!("{}/history/{place}", origin.path), origin.device, hints, batch);
        batch.within_limit()?;
    }
    Ok(())
}

/// Reads one record of the past. Without a time it is of no use: it was
/// measured at any time but now.
fn record(raw: &RawValue, path: &str, device: &str, hints: &Hints, batch: &mut Batch) {
    let Some(record) = Container::of(raw) else { return batch.skip(path, "not an object") };
    let mut found = Gathered::default();
    gather(&record, path, hints, &mut found);
    if found.is_empty() {
        return;
    }
    let at = record.get("timestamp").ok_or("no \"timestamp\"".to_owned());
    match at.and_then(|raw| time::from_json(raw, None, None)) {
        Ok(at) => batch.add(device, Some(at), found),
        Err(_) => {
            batch.skip(path, "no believable \"timestamp\": when it was measured is not known")
        }
    }
}

/// Gathers the known names of one object.
fn gather(object: &Container, path: &str, hints: &Hints, found: &mut Gathered) {
    let mut elements = Elements::default();
    for (name, raw) in object.members() {
        let Some(quantity) = quantity(name, hints) else { continue };
        let measure = Container::of(raw);
        let (raw, unit) = match &measure {
            Some(measure) => (measure.get("value").unwrap_or(raw), measure.get("unit")),
            None => (*raw, None),
        };
        let unit = unit.and_then(json::text).unwrap_or_default();
        let number = number::from_json(raw).map(|n| unit::into_ours(quantity, &unit, n));
        let label = Label { channel: elements.channel(quantity, name), ..Label::default() };
        found.add(quantity, label, number, || format!("{path}/{}", escape(name)));
    }
}

fn quantity(name: &str, hints: &Hints) -> Option<Quantity> {
    let mass = name.strip_suffix("_mass_concentration");
    let further = || NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    hints.quantity(mass.unwrap_or(name)).or_else(|| further().map(|(_, quantity)| *quantity))
}
