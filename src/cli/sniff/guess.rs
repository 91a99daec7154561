//! A subscription for what no format claims: by the usual names of quantities.

use crate::decode::Pointer;
use crate::decode::plain::usual_quantity;
use serde_json::Value;
use std::collections::BTreeMap;

/// How deep values are looked for.
const DEPTH: usize = 3;
/// Usual names of a time, looked for at the top.
const TIMES: [&str; 9] = [
    "time",
    "timestamp",
    "ts",
    "datetime",
    "date_time",
    "measured_at",
    "created_at",
    "createdAt",
    "observed_at",
];

/// Whether every body is a number, or a word for none, on a topic whose last
/// level is a quantity.
pub(super) fn plain(topic: &str, bodies: &[&[u8]]) -> bool {
    let last = topic.rsplit('/').find(|level| !level.is_empty()).unwrap_or_default();
    let text = |body: &&[u8]| std::str::from_utf8(body).is_ok_and(is_number);
    usual_quantity(last).is_some() && !bodies.is_empty() && bodies.iter().all(text)
}

fn is_number(text: &str) -> bool {
    let text = text.trim().trim_matches('"');
    text.parse::<f64>().is_ok_and(f64::is_finite) || text.eq_ignore_ascii_case("nan")
}

/// The keys of a `json` subscription that reads these bodies, if they hold
/// something with a usual name.
pub(super) fn json(bodies: &[&[u8]]) -> Option<String> {
    let mut places: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut time = None;
    for body in bodies {
        let Ok(document) = serde_json::from_slice::<Value>(body) else { continue };
        find(&document, &mut Vec::new(), &mut places);
        let there = |name: &&&str| document.get(**name).is_some_and(is_time);
        time = time.or_else(|| TIMES.iter().find(there).copied());
    }
    if places.is_empty() {
        return None;
    }
    let values: Vec<String> = places.iter().map(|(q, p)| format!("{q} = {p:?}")).collect();
    let time = time.map_or(String::new(), |name| format!("time = \"/{name}\", "));
    Some(format!("{time}values = {{ {} }}", values.join(", ")))
}

/// A time that needs no zone to be read.
fn is_time(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.as_f64().is_some_and(|n| n > 1e9),
        Value::String(text) => {
            crate::air::Stamp::parse(text).is_some()
                || text.parse::<f64>().is_ok_and(|n| n > 1e9 && n.is_finite())
        }
        _ => false,
    }
}

/// Notes where quantities with usual names stand; the place nearest to the top
/// counts.
fn find(value: &Value, path: &mut Vec<String>, places: &mut BTreeMap<&'static str, String>) {
    let Value::Object(members) = value else { return };
    for (name, member) in members {
        let Some(quantity) = usual_quantity(name) else { continue };
        path.push(name.clone());
        if scalar(member) {
            note(quantity.name(), path, places);
        } else if member.get("value").is_some_and(scalar) {
            path.push("value".to_owned());
            note(quantity.name(), path, places);
            path.pop();
        }
        path.pop();
    }
    if path.len() + 1 < DEPTH {
        for (name, member) in members {
            path.push(name.clone());
            find(member, path, places);
            path.pop();
        }
    }
}

fn note(quantity: &'static str, path: &[String], places: &mut BTreeMap<&'static str, String>) {
    let pointer = Pointer::from_tokens(path.to_vec()).to_string();
    places.entry(quantity).or_insert(pointer);
}

fn scalar(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => is_number(text),
        _ => false,
    }
}

/// The names at the top of a body, for one that nothing reads.
pub(super) fn names(body: &[u8]) -> Option<Vec<String>> {
    match serde_json::from_slice(body).ok()? {
        Value::Object(members) => Some(members.keys().cloned().collect()),
        _ => None,
    }
}
