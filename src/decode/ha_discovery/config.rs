//! A discovery message: which topics it speaks of, and what each of them means.

use super::template::Template;
use super::{Entity, Meaning};
use crate::air::Quantity;
use crate::decode::DEVICE_MAX;
use crate::decode::json::Value;
use crate::decode::memory::{DESCRIBED_MAX, TOPIC_MAX};
use crate::decode::unit::{self, Conversion};

/// Device classes of sensors that measure what is kept here.
const CLASSES: &[(&str, Quantity)] = &[
    ("pm1", Quantity::Pm1),
    ("pm25", Quantity::Pm2_5),
    ("pm4", Quantity::Pm4),
    ("pm10", Quantity::Pm10),
    ("carbon_dioxide", Quantity::Co2),
    ("temperature", Quantity::Temperature),
    ("humidity", Quantity::Humidity),
    ("pressure", Quantity::Pressure),
    ("atmospheric_pressure", Quantity::Pressure),
];

/// The most topics that one discovery message speaks of.
const SAID_MAX: usize = 2 * DESCRIBED_MAX;

/// Everything that a discovery message says.
#[derive(Debug)]
pub struct Description {
    /// Whom it is about.
    pub device: String,
    /// What it says of each topic.
    pub said: Vec<Said>,
}

/// What a discovery message says of one topic.
#[derive(Debug)]
pub struct Said {
    /// The topic.
    pub topic: String,
    /// Which part of the message says it; empty if there is only one.
    pub part: String,
    /// What its messages mean.
    pub meaning: Meaning,
    /// Whether a number is taken although its unit is none of its quantity.
    pub odd_unit: bool,
}

/// One component: its own keys, and those of the message that it shares.
struct Component<'a> {
    own: Value<'a>,
    shared: Option<Value<'a>>,
}

/// Reads a discovery message. `component` and `object` are the parts of its
/// topic: `sensor` or `device`, and what names it there.
pub fn read(document: Value, component: &str, object: &str) -> Description {
    let whole = Component { own: document, shared: None };
    let device = whole.device().unwrap_or_else(|| object.to_owned());
    let parts = get(document, "components", "cmps").filter(|parts| parts.is_object());
    let said = match parts.filter(|_| component == "device") {
        Some(parts) => all(document, parts, object),
        None => one(&whole, component, object, ""),
    };
    Description { device, said }
}

/// What all components of a device say.
fn all(document: Value, parts: Value, object: &str) -> Vec<Said> {
    let members = parts.members().take(DESCRIBED_MAX).filter(|own| own.is_object());
    let said = members.map(|own| {
        let name = own.name();
        let part = Component { own, shared: Some(document) };
        let platform = part.text("platform", "p").unwrap_or_default();
        let object = format!("{object}_{name}");
        one(&part, &platform, &object, &name)
    });
    said.flatten().take(SAID_MAX).collect()
}

/// What one component says of its topics.
fn one(component: &Component, platform: &str, object: &str, part: &str) -> Vec<Said> {
    let mut said = Vec::new();
    if let Some(topic) = component.topic("state_topic", "stat_t") {
        let (meaning, odd_unit) = component.meaning(platform, object);
        said.push(Said { topic, part: part.to_owned(), meaning, odd_unit });
    }
    for topic in component.other_topics() {
        let (part, meaning) = (part.to_owned(), Meaning::Other);
        said.push(Said { topic, part, meaning, odd_unit: false });
    }
    said
}

impl<'a> Component<'a> {
    fn get(&self, long: &str, short: &str) -> Option<Value<'a>> {
        get(self.own, long, short).or_else(|| get(self.shared?, long, short))
    }

    fn text(&self, long: &str, short: &str) -> Option<String> {
        Some(self.get(long, short)?.text()?.into_owned())
    }

    /// A topic with its base in the place of `~`; `None` if it is none.
    fn topic(&self, long: &str, short: &str) -> Option<String> {
        self.whole_topic(&self.text(long, short)?)
    }

    fn whole_topic(&self, topic: &str) -> Option<String> {
        let base = || self.text("~", "~").unwrap_or_default();
        let topic = match (topic.strip_prefix('~'), topic.strip_suffix('~')) {
            (Some(rest), _) => format!("{}{rest}", base()),
            (None, Some(rest)) => format!("{rest}{}", base()),
            (None, None) => topic.to_owned(),
        };
        let fits = !topic.is_empty() && topic.len() <= TOPIC_MAX;
        (fits && !topic.contains(['+', '#', '\0'])).then_some(topic)
    }

    /// Topics on which it says whether it is there, or what else it knows.
    fn other_topics(&self) -> Vec<String> {
        let mut topics = Vec::new();
        topics.extend(self.topic("availability_topic", "avty_t"));
        topics.extend(self.topic("json_attributes_topic", "json_attr_t"));
        let list = self.get("availability", "avty");
        let entries = list.and_then(Value::items).into_iter().flatten();
        let lone = list.filter(|list| list.is_object());
        for entry in entries.chain(lone).take(DESCRIBED_MAX) {
            let topic = get(entry, "topic", "t").and_then(Value::text);
            topics.extend(topic.and_then(|t| self.whole_topic(&t)));
        }
        topics
    }

    /// What its states mean, and whether their unit is odd.
    fn meaning(&self, platform: &str, object: &str) -> (Meaning, bool) {
        let class = self.text("device_class", "dev_cla").unwrap_or_default();
        let quantity = CLASSES.iter().find(|(name, _)| *name == class).map(|(_, q)| *q);
        let Some(quantity) = quantity.filter(|_| platform == "sensor") else {
            return (Meaning::Nothing, false);
        };
        let template = match self.text("value_template", "val_tpl") {
            Some(text) if !text.trim().is_empty() => Template::parse(&text),
            _ => Some(Template::default()),
        };
        let Some(template) = template else { return (Meaning::Unsupported, false) };
        let unit = self.text("unit_of_measurement", "unit_of_meas").unwrap_or_default();
        let conversion = unit::conversion(quantity, &unit);
        let entity = Entity {
            device: self.device().unwrap_or_else(|| object.to_owned()),
            quantity,
            object: object.to_owned(),
            conversion: conversion.unwrap_or(Conversion::NONE),
            template,
        };
        (Meaning::Value(entity), conversion.is_none())
    }

    /// The device's first identifier, else its first connection, else what is
    /// unique about the entity.
    fn device(&self) -> Option<String> {
        let device = self.get("device", "dev");
        let ids = device.and_then(|device| get(device, "identifiers", "ids"));
        let by_id = ids.and_then(first_identity);
        let connections = || get(device?, "connections", "cns");
        let by_connection = || connections()?.get("0")?.get("1").and_then(identity);
        let unique = || self.text("unique_id", "uniq_id");
        let name = by_id.or_else(by_connection).or_else(unique)?;
        Some(name).filter(|n| !n.is_empty() && n.len() <= DEVICE_MAX)
    }
}

/// A list's first identity, or the only one.
fn first_identity(ids: Value) -> Option<String> {
    identity(if ids.is_array() { ids.get("0")? } else { ids })
}

fn identity(value: Value) -> Option<String> {
    value.identity().map(|id| id.into_owned())
}

/// The value under either of two names.
fn get<'a>(object: Value<'a>, long: &str, short: &str) -> Option<Value<'a>> {
    object.get(long).or_else(|| object.get(short))
}
