//! Every sample that one message alone cannot explain, against what its
//! collection says it means. The collection lies beside the checkout and is not
//! part of it; where it is absent the test says so.

use super::fixture::Talk;
use super::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Samples, their pattern and format, and those that must have been heard before.
const TALKS: &[(&str, &str, &str, &[&str])] = &[
    ("airrohr-5", "feinstaub/{device}/#", "airrohr", &[]),
    ("esphome-3", "#", "ha-discovery", &[]),
    ("ha-discovery-1", "#", "ha-discovery", &[]),
    ("ha-discovery-2", "#", "ha-discovery", &["ha-discovery-1"]),
    ("ha-discovery-3", "#", "ha-discovery", &[]),
    ("ha-discovery-4", "#", "ha-discovery", &[]),
    ("ha-discovery-5", "#", "ha-discovery", &[]),
    ("ha-discovery-6", "#", "ha-discovery", &["ha-discovery-4"]),
    ("homie-1", "homie/#", "homie", &[]),
    ("homie-2", "homie/5/#", "homie", &[]),
    ("homie-3", "homie/#", "homie", &[]),
    ("sparkplug-b-1", "spBv1.0/#", "sparkplug-b", &[]),
    ("sparkplug-b-2", "spBv1.0/#", "sparkplug-b", &[]),
    ("sparkplug-b-3", "spBv1.0/#", "sparkplug-b", &["sparkplug-b-2"]),
];

fn samples() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ups = ["../shared", "../../shared"].into_iter();
    ups.map(|up| home.join(up).join("formats/samples")).find(|path| path.is_dir())
}

/// Topic and payload.
type Said = (String, Vec<u8>);

/// A sample's messages, and what they mean; `None`: it is
/// not in this part of the collection.
fn sample(folder: &Path, name: &str) -> Option<(Vec<Said>, Value)> {
    let expected = std::fs::read(folder.join(format!("{name}.expected.json"))).ok()?;
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let endings = ["json", "txt", "bin"];
    let payload =
        endings.iter().find_map(|e| std::fs::read(folder.join(format!("{name}.{e}"))).ok())?;
    let input = &expected["_input"];
    if !input["form"].as_str()?.starts_with("lines") {
        return Some((vec![(input["topic"].as_str()?.to_owned(), payload)], expected));
    }
    let text = String::from_utf8(payload).unwrap();
    let lines = text.lines().filter_map(|l| l.split_once('\t'));
    Some((lines.map(|(t, p)| (t.to_owned(), p.as_bytes().to_vec())).collect(), expected))
}

#[test]
fn talks_mean_what_their_collection_says() {
    let Some(folder) = samples() else {
        println!("skipped: talks_mean_what_their_collection_says: ../shared is absent");
        return;
    };
    let mut seen = 0;
    for (name, pattern, format, before) in TALKS {
        let mut talk = Talk::new(pattern, format);
        let earlier = before.iter().flat_map(|name| sample(&folder, name));
        for (topic, payload) in earlier.flat_map(|(messages, _)| messages) {
            let _ = talk.hear(&topic, payload);
        }
        let Some((messages, expected)) = sample(&folder, name) else {
            println!("skipped: {name}: not in this part of the collection");
            continue;
        };
        compare(name, &mut talk, &messages, &expected);
        seen += 1;
    }
    assert!(seen >= 9, "only {seen} samples are there");
}

fn compare(name: &str, talk: &mut Talk, messages: &[Said], expected: &Value) {
    let mut all = Decoded::default();
    for (topic, payload) in messages {
        match talk.hear_whole(topic, payload, false).0 {
            Ok(one) => {
                all.observations.extend(one.observations);
                all.skipped.extend(one.skipped);
                all.device = one.device.or(all.device);
            }
            Err(Refused::Ignored(_)) => {}
            Err(refused) => panic!("{name}: {topic}: {refused:?}"),
        }
    }
    let device = expected["device"].as_str();
    let at = expected["time"].as_str().map(|t| Stamp::parse(t).unwrap());
    assert_eq!(values(&all), wanted(expected), "{name}");
    for o in &all.observations {
        assert_eq!((Some(o.device.as_str()), o.at), (device, at), "{name}");
    }
    let mut devices = all.device.iter().chain(all.observations.iter().map(|o| &o.device));
    let removed = expected["entity_removed"].as_bool() == Some(true);
    assert!(removed || devices.any(|d| Some(d.as_str()) == device), "{name}: {all:?}");
    for skipped in expected["skipped"].as_array().into_iter().flatten() {
        let there = all.skipped.iter().any(|s| skipped["path"] == s.path.as_str());
        assert!(there, "{name}: {skipped} is not left out: {:?}", all.skipped);
    }
    entity(name, talk, &expected["entity"], device);
}

/// Quantity, channel, variant and number of every value, in one order.
fn values(all: &Decoded) -> Vec<String> {
    let values = all.observations.iter().flat_map(|o| &o.values);
    sorted(values.map(|v| {
        let label = &v.label;
        format!("{} {}/{} {}", v.quantity, label.channel, label.variant, v.value)
    }))
}

fn wanted(expected: &Value) -> Vec<String> {
    let values = expected["values"].as_array().into_iter().flatten();
    sorted(values.map(|v| {
        let text = |key: &str| v[key].as_str().unwrap_or_default();
        let number = v["value"].as_f64().unwrap();
        format!("{} {}/{} {number}", text("quantity"), text("channel"), text("variant"))
    }))
}

fn sorted(rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

/// A discovered entity is understood: a state where it is expected is read.
fn entity(name: &str, talk: &mut Talk, entity: &Value, device: Option<&str>) {
    let Some(topic) = entity["state_topic"].as_str() else { return };
    let state = match entity["value_template"].as_str() {
        Some(template) => {
            let key = template.trim_matches(|c| "{} ".contains(c)).rsplit('.').next().unwrap();
            format!(r#"{{"{key}":7.5}}"#)
        }
        None => "7.5".to_owned(),
    };
    let found = talk.hear(topic, state).unwrap_or_else(|r| panic!("{name}: {r:?}"));
    assert_eq!(Some(found.observations[0].device.as_str()), device, "{name}");
    let value = &found.observations[0].values[0];
    assert_eq!((entity["quantity"].as_str(), value.value), (Some(value.quantity.name()), 7.5));
    let there = entity["availability_topic"].as_str();
    if let Some(topic) = there {
        assert_eq!(talk.hear(topic, "online"), Err(Refused::Ignored("housekeeping")), "{name}");
    }
}
