//! `subscribe`: which topics, and how each format is told what it must know.

use super::fault::did_you_mean;
use super::reader::{Item, Table};
use super::settings::Source;
use crate::air::{Label, Quantity};
use crate::decode::plain::usual_quantity;
use crate::decode::{
    DEVICE_MAX, DeviceFrom, Field, ForecastZone, Format, Hints, LABEL_MAX, Mapping, Plain, Pointer,
    Route,
    TimeFrom, TimeUnit, TopicPattern,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::DeValue;

/// Networks that have a name already, but no decoder in this version.
const LATER: &[&str] = &["esphome"];

/// Reads the subscriptions of one source.
pub(super) fn read(source: &mut Table<'_>) -> Vec<Route> {
    let Some(item) = source.need("subscribe", "at least one { topic = \"…\", format = \"…\" }")
    else {
        return Vec::new();
    };
    let items = item.list("subscriptions { topic = \"…\", format = \"…\" }");
    if items.is_empty() && matches!(item.value, DeValue::Array(_)) {
        item.fault("nothing is subscribed", Some("add { topic = \"…\", format = \"…\" }".into()));
    }
    let mut routes: Vec<Route> = Vec::new();
    let mut discoveries = Vec::new();
    for item in &items {
        let Some(mut table) = item.table() else { continue };
        let route = one(&mut table);
        table.finish();
        let Some(route) = route else { continue };
        if routes.iter().any(|other| other.pattern == route.pattern) {
            item.warn("this topic is subscribed above already; the first counts", None);
        }
        if route.format.name() == "ha-discovery" {
            discoveries.push(item);
        }
        routes.push(route);
    }
    if let [only] = discoveries[..] {
        only.warn(
            "only the states on this topic are read, wherever the discovery messages say they are",
            Some(
                "subscribe the topics of the states with format = \"ha-discovery\" too".to_owned(),
            ),
        );
    }
    routes
}

/// Tells the subscriptions of forecasts which zones there are.
pub(super) fn give_zones(sources: &mut [Source], zones: &Arc<[ForecastZone]>) {
    for route in sources.iter_mut().flat_map(|s| &mut s.routes) {
        if let Format::Forecast(known) = &mut route.format {
            *known = zones.clone();
        }
    }
}

fn one(table: &mut Table<'_>) -> Option<Route> {
    let topic = table.need("topic", "a topic such as \"air/+/{device}\"");
    let pattern = topic.as_ref().and_then(|item| {
        let parsed = TopicPattern::parse(item.text()?);
        parsed.map_err(|why| item.wrong_with("an MQTT topic filter", Some(why))).ok()
    });
    let Some(item) = table.need("format", &available()) else {
        table.know_all();
        return None;
    };
    let format = match item.text().unwrap_or_default() {
        "json" => Some(Format::Json(mapping(table, topic.as_ref(), pattern.as_ref()))),
        // The zones are read later in the file; see `give_zones`.
        "forecast" => Some(Format::Forecast([].into())),
        "plain" => Some(Format::Plain(plain(table, topic.as_ref(), pattern.as_ref()))),
        "" => None,
        name => Format::hinted(name, hints(table, name)).or_else(|| {
            unknown_format(&item, name);
            None
        }),
    };
    if format.is_none() {
        table.know_all();
    }
    Some(Route { pattern: pattern?, format: format? })
}

fn available() -> String {
    format!("one of {}", Format::names().join(", "))
}

fn unknown_format(item: &Item<'_>, name: &str) {
    if LATER.contains(&name) {
        item.fault(
            format!("{name:?} is a known format that this version does not read"),
            Some(format!("available: {}", Format::names().join(", "))),
        );
    } else {
        let names = Format::names().iter().chain(LATER).copied();
        item.wrong_with(&available(), did_you_mean(name, names));
    }
}

/// What a network's messages leave open; only of formats that do.
fn hints(table: &mut Table<'_>, format: &str) -> Hints {
    let mut hints = Hints::default();
    if Hints::wanted(format, "time_zone") {
        hints.zone = table.get("time_zone").and_then(|i| i.time_zone());
    }
    if Hints::wanted(format, "quantities") {
        hints.names = quantities(table);
    }
    if Hints::wanted(format, "device_tag") {
        hints.device_tag = table.get("device_tag").and_then(|i| Some(i.filled_text()?.to_owned()));
    }
    hints
}

/// `quantities`: the network's own names and ours.
fn quantities(table: &mut Table<'_>) -> BTreeMap<String, Quantity> {
    let table = table.table("quantities");
    let entries = table.entries().into_iter();
    entries.filter_map(|(name, item)| Some((name.to_owned(), item.quantity()?))).collect()
}

/// The settings of `plain`.
fn plain(table: &mut Table<'_>, topic: Option<&Item<'_>>, pattern: Option<&TopicPattern>) -> Plain {
    let device = table.get("device").and_then(|i| device(&i));
    let quantity = table.get("quantity").and_then(|i| i.quantity());
    let names = quantities(table);
    let label = label(table);
    let (factor, offset) = scale(table);
    if let (Some(item), Some(pattern)) = (topic, pattern) {
        let last = item.text().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let fixed = !last.contains(['+', '#', '{']);
        let known = usual_quantity(last).is_some()
            || names.keys().any(|name| name.eq_ignore_ascii_case(last));
        if quantity.is_none() && !pattern.names("quantity") && fixed && !known {
            item.fault(
                format!("{last:?} is the name of no quantity"),
                Some(format!(
                    "add quantity = \"…\", or quantities = {{ {last:?} = \"…\" }}; known: {}",
                    Quantity::ALL.map(Quantity::name).join(", ")
                )),
            );
        }
        if device.is_none() {
            warn_of_whole_topics(item, pattern);
        }
    }
    Plain { device, quantity, names, label, factor, offset }
}

/// The settings of `json`.
fn mapping(
    table: &mut Table<'_>,
    topic: Option<&Item<'_>>,
    pattern: Option<&TopicPattern>,
) -> Mapping {
    let device = match table.get("device") {
        Some(item) => device_from(&item),
        None => {
            if let (Some(item), Some(pattern)) = (topic, pattern) {
                warn_of_whole_topics(item, pattern);
            }
            None
        }
    };
    let pointer = table.get("time").and_then(|i| i.pointer());
    let unit = table.get("time_unit");
    let zone = table.get("time_zone");
    if pointer.is_none() && !table.has("time") {
        for item in [&unit, &zone].into_iter().flatten() {
            item.fault("needs time beside it", Some("such as time = \"/time\"".to_owned()));
        }
    }
    let names = ["s", "ms", "us", "ns"].map(|n| (n, TimeUnit::from_name(n)));
    let unit = unit.and_then(|i| i.choice(&names)).flatten();
    let zone = zone.and_then(|i| i.time_zone());
    Mapping {
        device: device.unwrap_or(DeviceFrom::Topic),
        time: pointer.map(|pointer| TimeFrom { pointer, unit, zone }),
        values: values(table),
    }
}

fn device_from(item: &Item<'_>) -> Option<DeviceFrom> {
    if item.text()?.starts_with('/') {
        return item.pointer().map(DeviceFrom::Body);
    }
    device(item).map(DeviceFrom::Fixed)
}

fn device(item: &Item<'_>) -> Option<String> {
    let text = item.filled_text()?;
    if text.len() > DEVICE_MAX {
        item.wrong(&format!("at most {DEVICE_MAX} bytes"));
        return None;
    }
    Some(text.to_owned())
}

/// Warns when every topic that a wildcard matches becomes a device.
fn warn_of_whole_topics(topic: &Item<'_>, pattern: &TopicPattern) {
    if !pattern.names("device") {
        topic.warn(
            "no {device} in the topic and no device beside it: the whole topic names the device",
            Some("write {device} for the level that names it".to_owned()),
        );
    }
}

/// `values`: what stands where.
fn values(table: &mut Table<'_>) -> Vec<Field> {
    let Some(item) = table.need("values", "values such as { pm2_5 = \"/pm2_5\" }") else {
        return Vec::new();
    };
    let Some(inner) = item.table() else { return Vec::new() };
    let mut fields: Vec<Field> = Vec::new();
    for (name, item) in inner.entries() {
        let Some(quantity) = Quantity::from_name(name) else {
            let names = || Quantity::ALL.into_iter().map(Quantity::name);
            let hint = did_you_mean(name, names())
                .unwrap_or_else(|| format!("known: {}", names().collect::<Vec<_>>().join(", ")));
            item.fault(format!("{name:?} is no quantity"), Some(hint));
            continue;
        };
        let items = match item.value {
            DeValue::Array(_) => item.list("places"),
            _ => vec![item],
        };
        for item in items {
            let Some(field) = field(quantity, &item) else { continue };
            if fields.iter().any(|f| f.quantity == quantity && f.label == field.label) {
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

fn field(quantity: Quantity, item: &Item<'_>) -> Option<Field> {
    match item.value {
        DeValue::String(_) => item.pointer().map(|pointer| Field::new(quantity, pointer)),
        DeValue::Table(_) => {
            let mut table = item.table()?;
            let pointer = table
                .need("pointer", "a JSON Pointer such as \"/pm2_5\"")
                .and_then(|i| i.pointer());
            let label = label(&mut table);
            let (factor, offset) = scale(&mut table);
            let missing = table.get("missing").map(|i| missing(&i)).unwrap_or_default();
            table.finish();
            Some(Field { quantity, label, pointer: pointer?, factor, offset, missing })
        }
        _ => {
            item.wrong("a JSON Pointer such as \"/pm2_5\", or { pointer = \"…\", factor = … }");
            None
        }
    }
}

/// What the sender writes when it has no reading.
fn missing(item: &Item<'_>) -> Vec<serde_json::Value> {
    let items = item.list("numbers or strings that mean \"no reading\"");
    let values = items.iter().filter_map(|i| match i.value {
        DeValue::String(text) => Some(serde_json::Value::from(text.as_ref())),
        DeValue::Boolean(flag) => Some(serde_json::Value::from(*flag)),
        _ => i.number().and_then(serde_json::Number::from_f64).map(serde_json::Value::Number),
    });
    values.collect()
}

fn label(table: &mut Table<'_>) -> Label {
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

fn scale(table: &mut Table<'_>) -> (f64, f64) {
    let factor = table.get("factor").and_then(|item| {
        let factor = item.number()?;
        if factor == 0.0 {
            item.wrong("a number other than 0");
        }
        Some(factor)
    });
    let offset = table.get("offset").and_then(|i| i.number());
    (factor.unwrap_or(1.0), offset.unwrap_or(0.0))
}

impl Item<'_> {
    /// The value as the name of a quantity.
    fn quantity(&self) -> Option<Quantity> {
        self.choice(&Quantity::ALL.map(|q| (q.name(), q)))
    }

    /// The value as a JSON Pointer.
    fn pointer(&self) -> Option<Pointer> {
        let parsed = Pointer::parse(self.text()?);
        parsed.map_err(|why| self.wrong_with("a JSON Pointer", Some(why))).ok()
    }
}
