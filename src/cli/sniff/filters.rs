//! From topics to patterns: what one format speaks on topics of one shape
//! becomes one subscription.

use super::mask;
use super::recognise::Found;
use crate::decode::TopicPattern;
use std::collections::BTreeMap;

/// Levels that say what a message is and not who sent it.
const KINDS: [&str; 12] = [
    "state",
    "status",
    "data",
    "json",
    "telemetry",
    "sensor",
    "sensors",
    "readings",
    "values",
    "up",
    "event",
    "loop",
];

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    /// The topic, with names.
    pub topic: String,
    /// The format's name.
    pub format: String,
    /// Further keys.
    pub keys: String,
}

impl Subscription {
    /// As an entry of `subscribe`.
    pub fn entry(&self) -> String {
        let more = if self.keys.is_empty() { String::new() } else { format!(", {}", self.keys) };
        format!("{{ topic = {}, format = \"{}\"{more} }}", quoted(&self.topic), self.format)
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The subscriptions for what was recognised, those that spell out most first.
pub(super) fn filters(found: &[Found]) -> Vec<Subscription> {
    let mut all: Vec<Subscription> = Vec::new();
    let mut groups: BTreeMap<(String, String, usize, String), Vec<&Found>> = BTreeMap::new();
    for one in found {
        match &one.pattern {
            Some(pattern) => all.push(Subscription {
                topic: pattern.to_string(),
                format: one.format.clone(),
                keys: one.keys.clone(),
            }),
            None => {
                let levels = one.topic.split('/').count();
                let first = one.topic.split('/').next().unwrap_or_default().to_owned();
                let key = (one.format.clone(), one.keys.clone(), levels, first);
                groups.entry(key).or_default().push(one);
            }
        }
    }
    for ((format, keys, _, _), group) in groups {
        all.push(Subscription { topic: generalised(&format, &group), format, keys });
    }
    let exact = |s: &Subscription| TopicPattern::parse(&s.topic).map_or(0, |p| p.exact_levels());
    all.sort_by(|a, b| exact(b).cmp(&exact(a)).then_with(|| a.topic.cmp(&b.topic)));
    all.dedup();
    all
}

/// One pattern for topics with the same number of levels and the same first one.
fn generalised(format: &str, group: &[&Found]) -> String {
    let topics: Vec<Vec<&str>> = group.iter().map(|f| f.topic.split('/').collect()).collect();
    let Some(first) = topics.first() else { return "#".to_owned() };
    let mut levels: Vec<String> = first.iter().map(|l| (*l).to_owned()).collect();
    let varies = |i: usize| topics.iter().any(|t| t.get(i) != first.get(i));
    let hidden = |i: usize| {
        topics.iter().filter_map(|t| t.get(i)).any(|l| mask::secret(l) || l.contains(['{', '}']))
    };
    let quantity = match format {
        "plain" => levels.iter().rposition(|l| !l.is_empty()),
        _ => None,
    };
    let end = quantity.unwrap_or(levels.len());
    let device = device_level(group, &topics, end, &varies);
    for (i, level) in levels.iter_mut().enumerate() {
        if Some(i) == quantity {
            *level = "{quantity}".to_owned();
        } else if Some(i) == device && !hidden(i) {
            *level = "{device}".to_owned();
        } else if varies(i) || hidden(i) {
            *level = "+".to_owned();
        }
    }
    levels.join("/")
}

/// The level that names the device: the one that messages call it by, the last
/// that varies, or the last that is no word for a kind of message.
fn device_level(
    group: &[&Found],
    topics: &[Vec<&str>],
    end: usize,
    varies: &impl Fn(usize) -> bool,
) -> Option<usize> {
    let first = topics.first()?;
    let named = group.first().and_then(|f| f.device.as_deref());
    if let Some(named) = named {
        let whole = group.first().is_some_and(|f| f.topic == named);
        if !whole {
            return first.iter().position(|level| *level == named);
        }
    }
    let kind = |i: &usize| first.get(*i).is_none_or(|l| l.is_empty() || KINDS.contains(l));
    let last = (0..end).rev().find(|i| varies(*i));
    last.or_else(|| (0..end).rev().find(|i| !kind(i) && (*i > 0 || end == 1)))
}
