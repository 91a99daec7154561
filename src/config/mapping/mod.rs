//! How the two configured formats are told what they must know: `json`, the
//! generic mapping, and `plain`, one number per topic. A subscription and a
//! preset's form are told by the same keys.

mod field;

use super::reader::{Item, Table};
use crate::air::Quantity;
use crate::decode::mapping::{
    Condition, Each, Field, Meaning, Named, Path, TimeBase, Unwrap, Wrapping,
};
use crate::decode::plain::usual_quantity;
use crate::decode::{
    DEVICE_MAX, Mapping, Place, Plain, Template, TimeFrom, TimeUnit, TopicPattern,
};
use std::collections::BTreeMap;
use toml::de::DeValue;

/// Reads the keys of `plain`.
pub(super) fn plain(table: &mut Table<'_>) -> Plain {
    let device = devices(table);
    let quantity = table.get("quantity").and_then(|i| i.quantity());
    let names = quantities(table, &[]);
    let (label, scale) = (field::label(table), field::scale(table, quantity, &[]));
    Plain { device, quantity, names, label, scale }
}

/// Warns of a plain subscription whose topic leaves device or quantity open.
pub(super) fn check_plain(plain: &Plain, topic: &Item<'_>, pattern: &TopicPattern) {
    let last = topic.text().unwrap_or_default().rsplit('/').find(|l| !l.is_empty());
    let last = last.unwrap_or_default();
    let fixed = !last.contains(['+', '#', '{']);
    let known = usual_quantity(last).is_some()
        || plain.names.keys().any(|name| name.eq_ignore_ascii_case(last));
    if plain.quantity.is_none() && !pattern.names("quantity") && fixed && !known {
        topic.fault(
            format!("{last:?} is the name of no quantity"),
            Some(format!(
                "add quantity = \"…\", or quantities = {{ {last:?} = \"…\" }}; known: {}",
                Quantity::ALL.map(Quantity::name).join(", ")
            )),
        );
    }
    if plain.device.is_empty() {
        warn_of_whole_topics(topic, pattern);
    }
}

/// Warns when every topic that a wildcard matches becomes a device.
pub(super) fn warn_of_whole_topics(topic: &Item<'_>, pattern: &TopicPattern) {
    if !pattern.names("device") {
        topic.warn(
            "no {device} in the topic and no device beside it: the whole topic names the device",
            Some("write {device} for the level that names it".to_owned()),
        );
    }
}

/// Reads the keys of `json`. Whether it names the device otherwise than by the
/// topic is for the caller to see.
pub(super) fn json(table: &mut Table<'_>, topics: &[&TopicPattern]) -> Mapping {
    let missing = table.get("missing").map(|i| field::scalars(&i)).unwrap_or_default();
    let each = table.get("each").and_then(|i| i.parsed("places that repeat", Each::parse));
    let named = named(table, &missing);
    let mapping = Mapping {
        unwrap: unwraps(table),
        each,
        path: path(table),
        device: devices(table),
        time: time(table),
        values: values(table, named.is_some(), &missing),
        named,
        left_out: left_out(table),
        once: table.get("once").map(|i| field::places(&i)).unwrap_or_default(),
    };
    if mapping.named.as_ref().is_some_and(|n| n.name.is_none() && !n.fixed) {
        let in_path = mapping.path.as_ref().is_some_and(|p| p.names("quantity"));
        let in_each = mapping.each.as_ref().is_some_and(|e| e.names("quantity"));
        let in_topic = topics.iter().any(|p| p.names("quantity"));
        if !in_path && !in_each && !in_topic {
            table.fault_at(
                "value",
                "nothing says what it is".to_owned(),
                Some(
                    "add name = \"/…\", quantity = \"…\", or {quantity} in topic, each or path"
                        .into(),
                ),
            );
        }
    }
    mapping
}

/// `device`: a text, or several of which the first that is there counts.
pub(super) fn devices(table: &mut Table<'_>) -> Vec<Template> {
    let Some(item) = table.get("device") else { return Vec::new() };
    let read = |i: &Item<'_>| {
        let text = i.filled_text()?;
        if text.len() > DEVICE_MAX {
            i.wrong(&format!("at most {DEVICE_MAX} bytes"));
            return None;
        }
        i.parsed("a device", Template::parse)
    };
    item.one_or_more("devices").iter().filter_map(read).collect()
}

/// The quantities by the network's own names.
pub(super) fn quantities(
    table: &mut Table<'_>,
    missing: &[serde_json::Value],
) -> BTreeMap<String, Meaning> {
    let mut names = BTreeMap::new();
    for (name, item) in table.table("quantities").entries() {
        if let Some(meaning) = field::meaning(&item, missing) {
            names.insert(name.to_owned(), meaning);
        }
    }
    names
}

/// The same, where a name stands for no more than a quantity.
pub(super) fn names(table: &mut Table<'_>) -> BTreeMap<String, Quantity> {
    let table = table.table("quantities");
    let entries = table.entries().into_iter();
    entries.filter_map(|(name, item)| Some((name.to_owned(), item.quantity()?))).collect()
}

/// `time` and what belongs to it.
fn time(table: &mut Table<'_>) -> Option<TimeFrom> {
    let places = table.get("time").map(|item| field::places(&item));
    let unit = table.get("time_unit");
    let zone = table.get("time_zone");
    let base = table.get("time_base");
    if places.is_none() {
        for item in [&unit, &zone, &base].into_iter().flatten() {
            item.fault("needs time beside it", Some("such as time = \"/time\"".to_owned()));
        }
    }
    let names = ["s", "ms", "us", "ns"].map(|n| (n, TimeUnit::from_name(n)));
    let unit = unit.and_then(|i| i.choice(&names)).flatten();
    let zone = zone.and_then(|i| i.time_zone());
    let base = base.and_then(|i| match i.text()? {
        "arrival" => Some(TimeBase::Arrival),
        _ => i.place().map(TimeBase::At),
    });
    places.filter(|p| !p.is_empty()).map(|places| TimeFrom { places, unit, zone, base })
}

/// `unwrap`: texts that hold documents.
fn unwraps(table: &mut Table<'_>) -> Vec<Unwrap> {
    let kinds = [("json", Wrapping::Json), ("base64", Wrapping::Base64)];
    let entries = table.table("unwrap").entries().into_iter();
    let read = |(pointer, item): (&str, Item<'_>)| {
        let parsed = crate::decode::Pointer::parse(pointer);
        let pointer = parsed.map_err(|why| item.fault(why, None)).ok()?;
        Some(Unwrap { pointer, wrapping: item.choice(&kinds)? })
    };
    entries.filter_map(read).collect()
}

/// `path`: a text of the document with named levels.
fn path(table: &mut Table<'_>) -> Option<Path> {
    let mut inner = table.get("path")?.table()?;
    let place = inner.need("pointer", "a JSON Pointer").and_then(|i| i.place());
    let levels = "levels with names such as \"/+/{device}/{quantity}\"";
    let patterns = inner.need("pattern", levels).map(|i| i.one_or_more("patterns"));
    let patterns = patterns.unwrap_or_default();
    let patterns = patterns.iter().filter_map(|i| i.parsed(levels, TopicPattern::parse)).collect();
    inner.finish();
    Some(Path { place: place?, patterns })
}

/// `name`, `value` and `quantities`: values by their names.
fn named(table: &mut Table<'_>, missing: &[serde_json::Value]) -> Option<Named> {
    let value = table.get("value");
    let name = table.get("name");
    let quantity = table.get("quantity");
    let Some(value) = value else {
        for item in [&name, &quantity].into_iter().flatten() {
            item.fault("needs value beside it", Some("such as value = \"/value\"".to_owned()));
        }
        if let Some(item) = table.get("quantities") {
            item.fault("needs value beside it", Some("such as value = \"/value\"".to_owned()));
        }
        return None;
    };
    let fixed = quantity.as_ref().and_then(|i| i.quantity());
    let names = quantities(table, missing);
    let name = name.and_then(|i| i.place());
    let any = fixed.unwrap_or(Quantity::Pm2_5);
    let value = field::field(any, &value, missing)?;
    Some(Named { name, value, fixed: fixed.is_some(), names })
}

/// `values`: what stands where. Needed unless values are told by name.
fn values(table: &mut Table<'_>, named: bool, missing: &[serde_json::Value]) -> Vec<Field> {
    let item = match named {
        true => table.get("values"),
        false => table.need("values", "values such as { pm2_5 = \"/pm2_5\" }"),
    };
    let Some(item) = item else { return Vec::new() };
    let Some(inner) = item.table() else { return Vec::new() };
    let mut fields: Vec<Field> = Vec::new();
    for (name, item) in inner.entries() {
        let Some(quantity) = field::named_quantity(name, &item) else { continue };
        let items = match item.value {
            DeValue::Array(_) => item.list("places"),
            _ => vec![item],
        };
        for item in items {
            let Some(field) = field::field(quantity, &item, missing) else { continue };
            let same = |f: &Field| {
                f.meaning.quantity == quantity && f.meaning.label == field.meaning.label
            };
            if fields.iter().any(same) {
                item.fault(
                    format!("{quantity} is there twice"),
                    Some("tell them apart by channel or variant".to_owned()),
                );
            }
            fields.push(field);
        }
    }
    if inner.entries().is_empty() {
        item.fault("no value", Some("such as { pm2_5 = \"/pm2_5\" }".to_owned()));
    }
    fields
}

/// `leave_out`: places that look like readings, and why they are none.
fn left_out(table: &mut Table<'_>) -> Vec<(Place, String)> {
    let entries = table.table("leave_out").entries().into_iter();
    let read = |(pointer, item): (&str, Item<'_>)| {
        let place = Place::parse(pointer).map_err(|why| item.fault(why, None)).ok()?;
        Some((place, item.filled_text()?.to_owned()))
    };
    entries.filter_map(read).collect()
}

/// `when`: what must hold of a document, each a pointer or a condition.
pub(super) fn conditions(table: &mut Table<'_>) -> Vec<Condition> {
    let Some(item) = table.get("when") else { return Vec::new() };
    item.one_or_more("conditions").iter().filter_map(field::condition).collect()
}
