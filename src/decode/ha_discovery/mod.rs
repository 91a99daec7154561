//! Home Assistant discovery as automatic configuration.
//!
//! `<prefix>/<component>/[<node>/]<object>/config` holds no reading but says what
//! other topics mean: where a sensor's state is, by which template its number is
//! found there, its class, unit and device. `<prefix>/device/<object>/config`
//! says it for all components of a device at once.
//!
//! ```text
//!  …/config ──▶ remember: topic → what its messages mean ─▶ ignored as `described`
//!  any other topic ──▶ recall what it means ─▶ readings, or `not_described_yet`
//! ```
//!
//! Both come through subscriptions with this format: one for the configurations,
//! further ones for the states. Configurations are retained, and come in any
//! order after a subscription; they are understood, retained or not. What a
//! device measures twice (a second laser, a mean beside the present value) is
//! told apart: the entity described first is its main value, unless its object's
//! name says that it is a mean and another's does not; every other one has its
//! object's name as channel.

mod config;
mod template;

use super::gathered::Gathered;
use super::json::{self, Tree};
use super::memory::channel_of;
use super::number::NoNumber;
use super::unit::Conversion;
use super::{Captures, Decoded, Message, Notes, Refused};
use crate::air::{Label, Quantity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use template::Template;

/// The first part of the topics of configurations unless it is set otherwise.
const PREFIX: &str = "homeassistant";
/// The most meanings of one topic that are looked at: a device's state with all
/// its entities has a few dozen.
const MEANINGS_MAX: usize = 256;

/// What the messages of a topic mean for one entity.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Meaning {
    /// A number that is kept.
    Value(Entity),
    /// A number that would be kept, if its template were understood.
    Unsupported,
    /// The state of something that is not kept.
    Nothing,
    /// No state at all: availability, attributes.
    Other,
}

/// A sensor of something that is kept.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Entity {
    device: String,
    quantity: Quantity,
    /// What names it below the prefix.
    object: String,
    conversion: Conversion,
    template: Template,
}

/// Parts of objects' names that mean a mean: the present value goes before it.
const MEANS: [&str; 6] = ["24h", "mean", "avg", "average", "nowcast", "daily"];

/// Whether an object's name says that it is a mean.
fn is_mean(object: &str) -> bool {
    let name = object.to_ascii_lowercase();
    MEANS.iter().any(|mean| name.contains(mean))
}

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, notes: &mut Notes) -> Result<Decoded, Refused> {
    let levels: Vec<&str> = captures.below(PREFIX).split('/').collect();
    match levels[..] {
        [component, object, "config"] => describe(m, component, object, notes),
        [component, node, object, "config"] => {
            describe(m, component, &format!("{node}/{object}"), notes)
        }
        // Home Assistant says here that it has started.
        ["status"] if m.topic.starts_with(PREFIX) => Err(Refused::Ignored("housekeeping")),
        _ => state(m, notes),
    }
}

fn config_key(topic: &str) -> String {
    format!("config#{topic}")
}

fn topic_keys(topic: &str) -> String {
    format!("topic#{topic}#")
}

/// Takes in a configuration, in place of what it said before.
fn describe(
    m: &Message,
    component: &str,
    object: &str,
    notes: &mut Notes,
) -> Result<Decoded, Refused> {
    if m.payload.is_empty() {
        forget(m.topic, notes);
        notes.forget(&config_key(m.topic));
        return Err(Refused::Ignored("empty"));
    }
    let tree = Tree::object_of_message(m)?;
    let description = config::read(tree.top(), component, object);
    forget(m.topic, notes);
    let mut found = Gathered::default();
    let mut policy = "described";
    let mut keys = Vec::new();
    for (place, said) in description.said.into_iter().enumerate() {
        match &said.meaning {
            Meaning::Value(Entity { device, quantity, object, .. }) => {
                let main = notes.main(device, *quantity);
                if main.is_none_or(|main| is_mean(&main) && !is_mean(object)) {
                    notes.set_main(device, *quantity, object);
                }
            }
            Meaning::Unsupported => {
                policy = "unsupported_template";
                found.skip(said.part.clone(), "a value_template that computes is not read here");
            }
            Meaning::Nothing | Meaning::Other => {}
        }
        if said.odd_unit {
            policy = if policy == "described" { "odd_unit" } else { policy };
            found.skip(said.part.clone(), "not a unit of its class: its numbers are taken in ours");
        }
        let key =
            format!("{}{}#{place}{}", topic_keys(&said.topic), m.topic, channel_of(&said.part));
        notes.remember(&key, &said.meaning);
        keys.push(key);
    }
    notes.remember(&config_key(m.topic), &keys);
    notes.describes(policy);
    Ok(found.of(description.device, None))
}

/// Forgets what a configuration said before.
fn forget(config: &str, notes: &mut Notes) {
    let keys: Vec<String> = notes.recall(&config_key(config)).unwrap_or_default();
    for key in keys {
        if let Some(Meaning::Value(e)) = notes.recall(&key) {
            notes.leave(&e.device, e.quantity, &e.object);
        }
        notes.forget(&key);
    }
}

/// Reads the message of a topic by what was said of it.
fn state(m: &Message, notes: &Notes) -> Result<Decoded, Refused> {
    let meanings: Vec<Meaning> = notes.recall_below(&topic_keys(m.topic), MEANINGS_MAX);
    if m.payload.is_empty() {
        return Err(Refused::Ignored("empty"));
    }
    if meanings.is_empty() {
        return Err(Refused::not_described_yet(
            m,
            "no discovery message has named this topic: subscribe to homeassistant/# with the same format, or to fewer topics",
        ));
    }
    let mut states =
        States { message: m, notes, document: None, by_device: BTreeMap::new(), fault: None };
    for meaning in &meanings {
        if let Meaning::Value(entity) = meaning {
            states.add(entity);
        }
    }
    let has = |wanted: Meaning| meanings.contains(&wanted);
    match states.of() {
        Some(result) => result,
        None if has(Meaning::Unsupported) => Err(Refused::Ignored("unsupported_template")),
        None if has(Meaning::Nothing) => Err(Refused::Ignored("no_quantity")),
        None => Err(Refused::Ignored("housekeeping")),
    }
}

/// What is found in one state, by device.
struct States<'a> {
    message: &'a Message<'a>,
    notes: &'a Notes<'a>,
    /// The message as JSON, once an entity wants it.
    document: Option<Result<Tree<'a>, Refused>>,
    by_device: BTreeMap<String, Gathered>,
    /// Why it is not what an entity expects.
    fault: Option<Refused>,
}

impl States<'_> {
    fn add(&mut self, entity: &Entity) {
        let found = self.by_device.entry(entity.device.clone()).or_default();
        let number = if entity.template.is_json() {
            let message = self.message;
            let document = self.document.get_or_insert_with(|| Tree::nested_of_message(message));
            match document {
                Ok(tree) => entity.template.of_json(tree.top()),
                Err(fault) => {
                    self.fault = Some(fault.clone());
                    return;
                }
            }
        } else {
            match json::message_text(self.message).map(|text| entity.template.of_text(text)) {
                Ok(Err(NoNumber::Other(shown))) => {
                    let detail =
                        format!("{shown:?} is not a number, although it was described as one");
                    self.fault = Some(Refused::malformed("not_a_number", detail));
                    return;
                }
                Ok(number) => Some(number),
                Err(fault) => {
                    self.fault = Some(fault);
                    return;
                }
            }
        };
        if let Some(number) = number {
            let main = self.notes.main(&entity.device, entity.quantity);
            let is_main = main.is_none_or(|main| main == entity.object);
            let channel = if is_main { String::new() } else { channel_of(&entity.object) };
            let label = Label { channel, variant: String::new() };
            let number = number.map(|n| entity.conversion.apply(n));
            found.add(entity.quantity, label, number, || entity.template.place());
        }
    }

    /// The result; `None` if no entity takes a number from this topic.
    fn of(self) -> Option<Result<Decoded, Refused>> {
        if self.by_device.values().all(Gathered::is_empty)
            && let Some(fault) = self.fault
        {
            return Some(Err(fault));
        }
        let mut all = Decoded::default();
        for (device, found) in self.by_device {
            let decoded = found.of(device, None);
            all.observations.extend(decoded.observations);
            all.skipped.extend(decoded.skipped);
            all.device = decoded.device.or(all.device);
        }
        let is_read = !all.observations.is_empty() || all.device.is_some();
        is_read.then_some(Ok(all))
    }
}

#[cfg(test)]
mod tests;
