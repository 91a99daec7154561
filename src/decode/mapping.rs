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
            other => raw.get() == other.to_string(),
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
