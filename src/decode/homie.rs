//! Homie, versions 4 and 5: `<base>/<device>/<node>/<property>` with a plain
//! number, and messages that say what the number is.
//!
//! Version 4 says it attribute by attribute, below the property: `$unit`,
//! `$name`, `$datatype`. Version 5, whose topics have `5` after the base, says it
//! in one JSON per device, `$description`. Everything is retained, so after a
//! subscription the descriptions come in any order with values whose age is
//! unknown; those are described, but they are no readings.
//!
//! A property's quantity is in its id, else in its name, else, where a node is
//! named for a quantity, in the node's id. A mass of particles is µg/m³ unless
//! the unit says something else; a temperature without a word on its unit waits.

use super::gathered::Gathered;
use super::json::{self, Tree, Value};
use super::memory::DESCRIBED_MAX;
use super::number::{self, NoNumber};
use super::plain::usual_quantity;
use super::unit::{self, Conversion};
use super::{Captures, Decoded, Message, Notes, Refused};
use crate::air::Quantity;
use serde::{Deserialize, Serialize};

/// The convention's own name for the first part of its topics.
const BASE: &str = "homie";
/// The level that follows it in version 5.
const FIVE: &str = "5";
/// The types of properties whose values are numbers.
const NUMBERS: [&str; 3] = ["float", "integer", "percent"];
/// Properties that hold the value of a node which is named for a quantity.
const VALUES: [&str; 2] = ["concentration", "value"];

/// Why a unit is noted as left out.
const ODD: &str = "not a unit of this quantity: its numbers are taken in ours";

/// What has been said of a property.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Property {
    name: Option<String>,
    datatype: Option<String>,
    unit: Option<String>,
}

impl Property {
    /// What the property measures.
    fn quantity(&self, node: &str, id: &str) -> Option<Quantity> {
        if self.datatype.as_ref().is_some_and(|d| !NUMBERS.contains(&d.as_str())) {
            return None;
        }
        let by_node = || usual_quantity(node).filter(|_| VALUES.contains(&id));
        usual_quantity(id).or_else(|| usual_quantity(self.name.as_deref()?)).or_else(by_node)
    }

    /// What leads from its numbers to ours; `None`: its unit is odd.
    fn conversion(&self, quantity: Quantity) -> Option<Conversion> {
        self.unit.as_ref().map_or(Some(Conversion::NONE), |u| unit::conversion(quantity, u))
    }

    /// Whether its unit is none of its quantity.
    fn is_odd(&self, node: &str, id: &str) -> bool {
        self.quantity(node, id).is_some_and(|quantity| self.conversion(quantity).is_none())
    }
}

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, notes: &mut Notes) -> Result<Decoded, Refused> {
    let path = captures.below(BASE);
    let (path, five) = match path.split_once('/') {
        Some((FIVE, below)) => (below, true),
        _ => (path, false),
    };
    let levels: Vec<&str> = path.split('/').collect();
    let device = captures.get("device").or(levels.first().copied()).unwrap_or_default();
    match levels[..] {
        [_, "$description"] if five => describe(m, device, notes),
        [_, node, id, "$unit" | "$name" | "$datatype"] if !five => {
            attribute(m, device, node, id, notes)
        }
        [_, node, id] if !path.contains('$') => value(m, device, node, id, notes),
        _ => Err(Refused::Ignored("housekeeping")),
    }
}

fn property_key(topic: &str) -> String {
    format!("property#{topic}")
}

fn device_key(topic: &str) -> String {
    format!("device#{topic}")
}

/// Version 4: one attribute of a property.
fn attribute(
    m: &Message,
    device: &str,
    node: &str,
    id: &str,
    notes: &mut Notes,
) -> Result<Decoded, Refused> {
    let Some((topic, attribute)) = m.topic.rsplit_once('/') else {
        return Err(Refused::Ignored("housekeeping"));
    };
    let text = number::shown_long(json::message_text(m)?);
    let text = Some(text).filter(|text| !text.is_empty());
    let mut property: Property = notes.recall(&property_key(topic)).unwrap_or_default();
    match attribute {
        "$unit" => property.unit = text,
        "$name" => property.name = text,
        _ => property.datatype = text,
    }
    match property == Property::default() {
        true => notes.forget(&property_key(topic)),
        false => notes.remember(&property_key(topic), &property),
    }
    let mut found = Gathered::default();
    notes.describes("described");
    if property.is_odd(node, id) {
        notes.describes("odd_unit");
        found.skip("$unit", ODD);
    }
    Ok(found.of(device.to_owned(), None))
}

/// Version 5: all properties of a device, in place of what was said before.
fn describe(m: &Message, device: &str, notes: &mut Notes) -> Result<Decoded, Refused> {
    let Some((topic, _)) = m.topic.rsplit_once('/') else {
        return Err(Refused::Ignored("housekeeping"));
    };
    let tree = match m.payload.is_empty() {
        true => None,
        false => Some(Tree::object_of_message(m)?),
    };
    for key in notes.keys_below(&property_key(&format!("{topic}/"))) {
        notes.forget(&key);
    }
    let Some(tree) = tree else {
        notes.forget(&device_key(topic));
        return Err(Refused::Ignored("empty"));
    };
    notes.remember(&device_key(topic), &true);
    notes.describes("described");
    let mut found = Gathered::default();
    let mut left = DESCRIBED_MAX;
    let nodes = tree.top().get("nodes");
    for inside in nodes.into_iter().flat_map(Value::members) {
        let node = &inside.name();
        let properties = inside.get("properties");
        for described in properties.into_iter().flat_map(Value::members) {
            let id = &described.name();
            let text = |key| Some(number::shown_long(&described.get(key)?.text()?));
            let property =
                Property { name: text("name"), datatype: text("datatype"), unit: text("unit") };
            if property.quantity(node, id).is_none() || left == 0 {
                continue;
            }
            left -= 1;
            if property.is_odd(node, id) {
                notes.describes("odd_unit");
                found.skip(format!("{}/unit", described.path()), ODD);
            }
            notes.remember(&property_key(&format!("{topic}/{node}/{id}")), &property);
        }
    }
    Ok(found.of(device.to_owned(), None))
}

/// A property's value.
fn value(
    m: &Message,
    device: &str,
    node: &str,
    id: &str,
    notes: &mut Notes,
) -> Result<Decoded, Refused> {
    if m.payload.is_empty() {
        return Err(Refused::Ignored("empty"));
    }
    let said: Option<Property> = notes.recall(&property_key(m.topic));
    let is_described = said.is_some() || is_described(m.topic, notes);
    let property = said.unwrap_or_default();
    let Some(quantity) = property.quantity(node, id) else {
        return Err(match is_described || usual_quantity(node).is_some() {
            true => Refused::Ignored("no_quantity"),
            false => undescribed(m),
        });
    };
    if !is_described && unit::is_ambiguous(quantity) {
        return Err(undescribed(m));
    }
    let number = number::from_text(json::message_text(m)?);
    if let Err(NoNumber::Other(shown)) = &number {
        let detail = format!("{shown:?} is not a number, although it is called {quantity}");
        return Err(Refused::malformed("not_a_number", detail));
    }
    let conversion = property.conversion(quantity).unwrap_or(Conversion::NONE);
    let label = notes.label(device, quantity, m.topic, &format!("{node}/{id}"));
    let mut found = Gathered::default();
    found.add(quantity, label, number.map(|n| conversion.apply(n)), String::new);
    Ok(found.of(device.to_owned(), None))
}

/// Whether the device of a property has described itself as a whole.
fn is_described(topic: &str, notes: &Notes) -> bool {
    let device = topic.rsplitn(3, '/').nth(2).unwrap_or_default();
    notes.recall(&device_key(device)) == Some(true)
}

fn undescribed(m: &Message) -> Refused {
    Refused::not_described_yet(
        m,
        "its $unit and $datatype, or the $description of its device, have not been seen: subscribe to the whole tree",
    )
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{Talk, short};

    fn talk() -> Talk {
        Talk::new("homie/#", "homie")
    }

    #[test]
    fn version_4_says_what_a_property_is_attribute_by_attribute() {
        let mut talk = talk();
        let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
        assert_eq!(hear("homie/box/$homie", "4.0.0"), "ignored: housekeeping");
        assert_eq!(hear("homie/box/$state", "ready"), "ignored: housekeeping");
        assert_eq!(hear("homie/box/air/$name", "Air"), "ignored: housekeeping");
        assert_eq!(hear("homie/box/air/t/$name", "Temperature"), "ignored: described");
        assert_eq!(hear("homie/box/air/t/$datatype", "float"), "ignored: described");
        assert_eq!(hear("homie/box/air/t/$unit", "°F"), "ignored: described");
        assert_eq!(hear("homie/box/air/t", "50"), "box: temperature=10");
        assert_eq!(hear("homie/box/air/t/set", "50"), "ignored: housekeeping");
        assert_eq!(hear("homie/box/air/t/$settable", "true"), "ignored: housekeeping");
        assert_eq!(hear("homie/box/air/t/$unit", "K"), "ignored: described");
        assert_eq!(hear("homie/box/air/t", "283.15"), "box: temperature=10");
    }

    #[test]
    fn a_mass_needs_no_description_and_a_temperature_does() {
        let mut talk = talk();
        let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
        assert_eq!(hear("homie/box/pms/pm25", "12.5"), "box: pm2_5=12.5");
        assert_eq!(hear("homie/box/air/temperature", "68"), "malformed: not_described_yet");
        assert_eq!(hear("homie/box/air/x", "68"), "malformed: not_described_yet");
        hear("homie/box/air/temperature/$datatype", "float");
        assert_eq!(hear("homie/box/air/temperature", "20"), "box: temperature=20");
        hear("homie/box/air/x/$datatype", "string");
        assert_eq!(hear("homie/box/air/x", "calm"), "ignored: no_quantity");
        // A description that is cleared is none.
        assert_eq!(hear("homie/box/air/temperature/$datatype", ""), "ignored: described");
        assert_eq!(hear("homie/box/air/temperature", "20"), "malformed: not_described_yet");
    }

    #[test]
    fn a_node_may_be_named_for_the_quantity() {
        let mut talk = talk();
        let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
        assert_eq!(hear("homie/yard/pm25/concentration", "7"), "yard: pm2_5=7");
        assert_eq!(hear("homie/yard/pm25/sensor", "PMSx003"), "ignored: no_quantity");
    }

    #[test]
    fn version_5_says_it_for_the_whole_device_and_takes_it_back() {
        let mut talk = talk();
        let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
        let topic = "homie/5/box/air/pm25";
        assert_eq!(hear("homie/5/box/air/t", "68"), "malformed: not_described_yet");
        let description = r#"{"homie":"5.0","nodes":{"air":{"properties":{
            "pm25":{"datatype":"float","unit":"mg/m³"},
            "t":{"name":"Temperature","datatype":"float","unit":"°F"},
            "mode":{"datatype":"enum","name":"PM10"},"odd":7}},"none":{},"bad":[]}}"#;
        assert_eq!(hear("homie/5/box/$description", description), "ignored: described");
        assert_eq!(hear(topic, "0.0125"), "box: pm2_5=12.5");
        assert_eq!(hear("homie/5/box/air/t", "50"), "box: temperature=10");
        assert_eq!(hear("homie/5/box/air/mode", "auto"), "ignored: no_quantity");
        assert_eq!(hear("homie/5/box/air/t", "\0"), "box: nothing\nleft out  empty: no reading");
        assert_eq!(hear("homie/5/box/air/t", ""), "ignored: empty");
        assert_eq!(hear("homie/5/box/$description", "{"), "malformed: not_json");
        assert_eq!(hear("homie/5/box/$description", r#"{"nodes":{}}"#), "ignored: described");
        assert_eq!(hear("homie/5/box/air/t", "50"), "ignored: no_quantity");
        assert_eq!(hear("homie/5/box/$description", ""), "ignored: empty");
        assert_eq!(hear("homie/5/box/air/t", "50"), "malformed: not_described_yet");
    }

    #[test]
    fn two_nodes_of_one_quantity_stay_apart() {
        let mut talk = talk();
        let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
        assert_eq!(hear("homie/box/in/pm10", "1"), "box: pm10=1");
        assert_eq!(hear("homie/box/out/pm10", "2"), "box: pm10__ch_out/pm10=2");
        assert_eq!(hear("homie/box/in/pm10", "3"), "box: pm10=3");
    }

    #[test]
    fn a_retained_value_that_is_not_described_is_no_reading_anyway() {
        let result = talk().hear_as("homie/box/air/temperature", b"20", true);
        assert_eq!(short(&result), "ignored: retained_without_time");
    }

    #[test]
    fn an_odd_unit_is_said_and_the_number_taken_in_ours() {
        let mut talk = talk();
        let unit = short(&talk.hear("homie/box/air/pm10/$unit", "ppm"));
        assert_eq!(unit, "ignored: odd_unit");
        assert_eq!(short(&talk.hear("homie/box/air/pm10", "3")), "box: pm10=3");
        assert_eq!(short(&talk.hear("homie/box/air/pm10", "low")), "malformed: not_a_number");
        let other = r#"{"nodes":{"a":{"properties":{"pm10":{"unit":"ppm"}}}}}"#;
        assert_eq!(short(&talk.hear("homie/5/b/$description", other)), "ignored: odd_unit");
    }

    #[test]
    fn another_base_is_known_from_the_pattern() {
        let mut talk = Talk::new("house/homes/{device}/+/+", "homie");
        assert_eq!(short(&talk.hear("house/homes/box/pms/pm10", "4")), "box: pm10=4");
    }
}
