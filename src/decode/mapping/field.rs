//! One value of a document: where it stands, in which unit, and when it is none.

use super::entry::{Entry, Place};
use crate::air::{Label, Quantity};
use crate::decode::gathered::Gathered;
use crate::decode::json::Value;
use crate::decode::number::{self, NoNumber};
use crate::decode::plain::Captured;
use crate::decode::unit::{self, Conversion};

/// What a number means.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// What it measures.
    pub quantity: Quantity,
    /// The series among several of one quantity; a captured `{channel}` or
    /// `{variant}` counts more.
    pub label: Label,
    /// How its number is read.
    pub scale: Scale,
}

impl From<Quantity> for Meaning {
    /// The main value of a quantity, as it is.
    fn from(quantity: Quantity) -> Meaning {
        Meaning { quantity, label: Label::default(), scale: Scale::default() }
    }
}

/// One value of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What its number means.
    pub meaning: Meaning,
    /// Where it stands: the first of these places that is there.
    pub places: Vec<Place>,
    /// Where the document may say its unit; one that is not known is noted,
    /// and the number taken as it is.
    pub unit_at: Vec<Place>,
    /// Whether the sender itself says that the value is good.
    pub status: Option<Condition>,
}

/// How a number becomes a value: unless it is `missing`, it is multiplied,
/// shifted, and then converted from its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// The value is the number times this …
    pub factor: f64,
    /// … plus this …
    pub offset: f64,
    /// … in this unit; `None`: the quantity's own.
    pub unit: Option<Conversion>,
    /// What the sender writes when it has no reading, before all this. A
    /// number here also means the same number in a string.
    pub missing: Vec<serde_json::Value>,
}

impl Default for Scale {
    /// Numbers as they are.
    fn default() -> Scale {
        Scale { factor: 1.0, offset: 0.0, unit: None, missing: Vec::new() }
    }
}

impl Scale {
    /// The value of a number.
    pub fn apply(&self, number: f64) -> f64 {
        let number = number * self.factor + self.offset;
        self.unit.map_or(number, |c| c.apply(number))
    }

    /// The value of a number that came as a text or a JSON scalar.
    pub(in crate::decode) fn read(&self, text: &str) -> Result<f64, NoNumber> {
        let number = number::from_text(text);
        match self.missing.iter().any(|m| says(text, &number, m)) {
            true => Err(NoNumber::NoReading(number::shown(text))),
            false => number.map(|n| self.apply(n)),
        }
    }
}

/// Whether a scalar, which is this number if it is one, is this value.
fn says(text: &str, number: &Result<f64, NoNumber>, wanted: &serde_json::Value) -> bool {
    match wanted {
        serde_json::Value::String(s) => text == s,
        serde_json::Value::Number(n) => n.as_f64().is_some_and(|n| *number == Ok(n)),
        serde_json::Value::Bool(flag) => text == if *flag { "true" } else { "false" },
        serde_json::Value::Null => text == "null",
        _ => false,
    }
}

/// What must hold of a place in the document.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The place.
    pub place: Place,
    /// One of these stands there; empty: anything but null.
    pub is: Vec<serde_json::Value>,
    /// None of these stands there.
    pub is_not: Vec<serde_json::Value>,
    /// It is of this kind; `None`: of any.
    pub kind: Option<Kind>,
}

/// Kinds of JSON value that forms of messages are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An object.
    Object,
    /// An array.
    Array,
    /// Anything else.
    Scalar,
}

impl Kind {
    fn of(value: Value) -> Kind {
        if value.is_object() {
            Kind::Object
        } else if value.is_array() {
            Kind::Array
        } else {
            Kind::Scalar
        }
    }
}

impl Condition {
    /// That something stands there.
    pub fn present(place: Place) -> Condition {
        Condition { place, is: Vec::new(), is_not: Vec::new(), kind: None }
    }

    /// Whether it holds; what is absent or null holds only of `is_not`.
    pub(super) fn holds(&self, entry: &Entry) -> bool {
        match entry.at(&self.place).filter(|value| !value.is_null()) {
            Some(value) => {
                let text = value.scalar();
                let number = number::from_text(&text);
                let said = |wanted| says(&text, &number, wanted);
                self.kind.is_none_or(|kind| Kind::of(value) == kind)
                    && (self.is.is_empty() || self.is.iter().any(said))
                    && !self.is_not.iter().any(said)
            }
            None => self.is.is_empty() && !self.is_not.is_empty(),
        }
    }

    /// What a value is told whose sender says that it is not good.
    fn refusal(&self, entry: &Entry) -> Option<String> {
        let value = entry.at(&self.place).filter(|value| !value.is_null())?;
        (!self.holds(entry))
            .then(|| format!("the sender says {} at {}", number::shown(value.json()), self.place))
    }
}

impl Field {
    /// The main value of a quantity, as it is.
    pub fn new(quantity: Quantity, place: Place) -> Field {
        Field { meaning: quantity.into(), places: vec![place], unit_at: Vec::new(), status: None }
    }

    /// Takes the value of an entry, if it is there.
    pub(super) fn take(&self, entry: &Entry, captured: &Captured, found: &mut Gathered) {
        self.take_as(&self.meaning, entry, captured, found);
    }

    /// The same with another meaning than the field's.
    pub(super) fn take_as(
        &self,
        meaning: &Meaning,
        entry: &Entry,
        captured: &Captured,
        found: &mut Gathered,
    ) {
        let Some(value) = self.places.iter().find_map(|place| entry.at(place)) else { return };
        if let Some(reason) = self.status.as_ref().and_then(|s| s.refusal(entry)) {
            return found.skip(value.path(), reason);
        }
        match captured.label(&meaning.label) {
            Ok(label) => {
                let number = self.number(meaning, value, entry, found);
                found.add(meaning.quantity, label, number, || value.path());
            }
            Err(reason) => found.skip(value.path(), reason),
        }
    }

    fn number(
        &self,
        meaning: &Meaning,
        value: Value,
        entry: &Entry,
        found: &mut Gathered,
    ) -> Result<f64, NoNumber> {
        let number = meaning.scale.read(&value.scalar())?;
        let said = self.unit_at.iter().filter_map(|place| entry.at(place));
        let said = said.filter_map(|value| Some((value, value.text()?))).next();
        let Some((value, said)) = said else { return Ok(number) };
        match unit::conversion(meaning.quantity, &said) {
            Some(c) => Ok(c.apply(number)),
            None => {
                let unit = meaning.quantity.unit();
                let reason =
                    format!("unit {:?} is not known; taken as {unit}", number::shown(&said));
                found.skip(value.path(), reason);
                Ok(number)
            }
        }
    }
}
