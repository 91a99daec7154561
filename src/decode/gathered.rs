//! What a decoder gathers from one message for one device.

use super::json::Value as Json;
use super::number::NoNumber;
use super::{Decoded, ENTRIES_MAX, Refused};
use crate::air::{Label, Observation, Quantity, Skipped, Stamp, Value};

/// Values found and entries left out, in the order of the message.
#[derive(Debug, Default)]
pub struct Gathered {
    values: Vec<Value>,
    skipped: Vec<Skipped>,
}

impl Gathered {
    /// Keeps a finite number as a value, and anything else as left out. The
    /// number must already be in the quantity's unit.
    pub fn add(
        &mut self,
        quantity: Quantity,
        label: Label,
        number: Result<f64, NoNumber>,
        path: impl FnOnce() -> String,
    ) {
        match number {
            Ok(value) if value.is_finite() => self.values.push(Value { quantity, label, value }),
            Ok(_) => self.skip(path(), NoNumber::NotFinite.to_string()),
            Err(why) => self.skip(path(), why.to_string()),
        }
    }

    /// Notes an entry as left out.
    pub fn skip(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.into(), reason: reason.into() });
    }

    /// Whether nothing was found, not even something to leave out.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.skipped.is_empty()
    }

    /// How many entries were found, taken and left out together.
    pub fn len(&self) -> usize {
        self.values.len() + self.skipped.len()
    }

    /// Adds to an observation of the same device and instant.
    pub fn join(self, observation: &mut Observation, skipped: &mut Vec<Skipped>) {
        observation.values.extend(self.values);
        skipped.extend(self.skipped);
    }

    /// The result for one device; `at` is its own time, if it gave one.
    pub fn of(self, device: String, at: Option<Stamp>) -> Decoded {
        let Gathered { values, skipped } = self;
        if values.is_empty() {
            return Decoded { skipped, device: Some(device), ..Decoded::default() };
        }
        Decoded {
            observations: vec![Observation { device, at, values }],
            skipped,
            ..Decoded::default()
        }
    }
}

/// What stands in an array; refused if that is more than [`ENTRIES_MAX`].
pub fn items(array: Json<'_>) -> Result<impl Iterator<Item = Json<'_>>, Refused> {
    let count = array.children().count();
    if count > ENTRIES_MAX { Err(too_many(count)) } else { Ok(array.children()) }
}

/// The refusal of a message with more entries than [`ENTRIES_MAX`].
pub fn too_many(count: usize) -> Refused {
    let detail = format!("{count} entries; at most {ENTRIES_MAX} are read: publish less at once");
    Refused::malformed("too_many_values", detail)
}
