//! One value: where it stands, what it means, when it is none.

use crate::air::{Label, Quantity};
use crate::config::fault::did_you_mean;
use crate::config::reader::{Item, Table};
use crate::decode::mapping::{Condition, Field, Kind, Meaning, Scale};
use crate::decode::unit::{self, Conversion};
use crate::decode::{LABEL_MAX, Place};
use serde_json::Value;
use toml::de::DeValue;

/// The quantity that a key names; a fault at its value if it names none.
pub(super) fn named_quantity(name: &str, item: &Item<'_>) -> Option<Quantity> {
    let quantity = Quantity::from_name(name);
    if quantity.is_none() {
        let names = || Quantity::ALL.into_iter().map(Quantity::name);
        let hint = did_you_mean(name, names())
            .unwrap_or_else(|| format!("known: {}", names().collect::<Vec<_>>().join(", ")));
        item.fault(format!("{name:?} is no quantity"), Some(hint));
    }
    quantity
}

/// A value: a JSON Pointer, or a table that says more. `missing` is what the
/// whole mapping takes for no reading.
pub(super) fn field(quantity: Quantity, item: &Item<'_>, missing: &[Value]) -> Option<Field> {
    match item.value {
        DeValue::String(_) => {
            let mut field = Field::new(quantity, item.place()?);
            field.meaning.scale.missing = missing.to_vec();
            Some(field)
        }
        DeValue::Table(_) => {
            let mut table = item.table()?;
            let at: Vec<Place> = table
                .need("pointer", "a JSON Pointer such as \"/pm2_5\"")
                .map(|i| places(&i))
                .unwrap_or_default();
            let label = label(&mut table);
            let scale = scale(&mut table, Some(quantity), missing);
            let unit_at = table.get("unit_at").map(|i| places(&i)).unwrap_or_default();
            let status = table.get("status").and_then(|i| condition(&i));
            table.finish();
            let meaning = Meaning { quantity, label, scale };
            (!at.is_empty()).then_some(Field { meaning, places: at, unit_at, status })
        }
        _ => {
            item.wrong("a JSON Pointer such as \"/pm2_5\", or { pointer = \"…\", factor = … }");
            None
        }
    }
}

/// What a name means: a quantity, or a table that says more.
pub(super) fn meaning(item: &Item<'_>, missing: &[Value]) -> Option<Meaning> {
    if let DeValue::Table(_) = item.value {
        let mut table = item.table()?;
        let quantity =
            table.need("quantity", "a quantity such as \"pm10\"").and_then(|i| i.quantity());
        let label = label(&mut table);
        let scale = scale(&mut table, quantity, missing);
        table.finish();
        return Some(Meaning { quantity: quantity?, label, scale });
    }
    let mut meaning = Meaning::from(item.quantity()?);
    meaning.scale.missing = missing.to_vec();
    Some(meaning)
}

/// A place where something must stand, or what must or must not stand there.
pub(super) fn condition(item: &Item<'_>) -> Option<Condition> {
    if let DeValue::Table(_) = item.value {
        let mut table = item.table()?;
        let place = table.need("pointer", "a JSON Pointer").and_then(|i| i.place());
        let is = table.get("is").map(|i| scalars(&i)).unwrap_or_default();
        let is_not = table.get("is_not").map(|i| scalars(&i)).unwrap_or_default();
        let kinds = [("object", Kind::Object), ("array", Kind::Array), ("scalar", Kind::Scalar)];
        let kind = table.get("kind").and_then(|i| i.choice(&kinds));
        table.finish();
        return Some(Condition { place: place?, is, is_not, kind });
    }
    item.place().map(Condition::present)
}

/// One JSON Pointer, or several of which the first that is there counts.
pub(super) fn places(item: &Item<'_>) -> Vec<Place> {
    item.one_or_more("JSON Pointers").iter().filter_map(Item::place).collect()
}

/// Numbers, words and flags in a list.
pub(super) fn scalars(item: &Item<'_>) -> Vec<Value> {
    let items = item.list("numbers or strings that mean \"no reading\"");
    let values = items.iter().filter_map(|i| match i.value {
        DeValue::String(text) => Some(Value::from(text.as_ref())),
        DeValue::Boolean(flag) => Some(Value::from(*flag)),
        _ => i.number().and_then(serde_json::Number::from_f64).map(Value::Number),
    });
    values.collect()
}

/// `channel` and `variant`.
pub(super) fn label(table: &mut Table<'_>) -> Label {
    let mut part = |key| {
        let item = table.get(key)?;
        let text = item.name()?;
        if text.len() > LABEL_MAX {
            item.wrong(&format!("at most {LABEL_MAX} bytes"));
        }
        Some(text.to_owned())
    };
    Label {
        channel: part("channel").unwrap_or_default(),
        variant: part("variant").unwrap_or_default(),
    }
}

/// `factor`, `offset`, `unit` and `missing`; a unit needs to know of what.
pub(super) fn scale(table: &mut Table<'_>, quantity: Option<Quantity>, missing: &[Value]) -> Scale {
    let factor = table.get("factor").and_then(|item| {
        let factor = item.number()?;
        if factor == 0.0 {
            item.wrong("a number other than 0");
        }
        Some(factor)
    });
    let offset = table.get("offset").and_then(|i| i.number());
    let unit = table.get("unit").and_then(|i| unit_of(&i, quantity));
    let mut none = missing.to_vec();
    none.extend(table.get("missing").map(|i| scalars(&i)).unwrap_or_default());
    Scale { factor: factor.unwrap_or(1.0), offset: offset.unwrap_or(0.0), unit, missing: none }
}

fn unit_of(item: &Item<'_>, quantity: Option<Quantity>) -> Option<Conversion> {
    let text = item.filled_text()?;
    let Some(quantity) = quantity else {
        item.fault("needs quantity beside it", Some("a unit is one of something".to_owned()));
        return None;
    };
    let found = unit::conversion(quantity, text);
    if found.is_none() {
        let known = unit::known(quantity).join(", ");
        item.wrong(&format!("a unit of {quantity}: {known}"));
    }
    found
}

impl<'a> Item<'a> {
    /// The value as the name of a quantity.
    pub(in crate::config) fn quantity(&self) -> Option<Quantity> {
        self.choice(&Quantity::ALL.map(|q| (q.name(), q)))
    }

    /// The value as a JSON Pointer, from the entry or with `^` from the top.
    pub(in crate::config) fn place(&self) -> Option<Place> {
        self.parsed("a JSON Pointer", Place::parse)
    }

    /// The value as a text of some grammar, whose own words say what is wrong.
    pub(in crate::config) fn parsed<T>(
        &self,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(self.text()?).map_err(|why| self.wrong_with(expected, Some(why))).ok()
    }

    /// One value, or the elements of a list of them.
    pub(in crate::config) fn one_or_more(&self, what: &str) -> Vec<Item<'a>> {
        match self.value {
            DeValue::Array(_) => {
                let list = self.list(what);
                if list.is_empty() {
                    self.wrong(&format!("at least one of these {what}"));
                }
                list
            }
            _ => vec![self.clone()],
        }
    }
}
