//! Which format each topic speaks: the one that makes most of its bodies, on a
//! topic where it is at home or from a body that can be nothing else.

use super::guess;
use super::traffic::{Topic, Traffic};
use crate::air::Stamp;
use crate::config::presets::Presets;
use crate::decode::about::{self, About};
use crate::decode::{Format, Heard, Memory, Message, Preset, Refused, TopicPattern};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A topic and how it is to be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The topic.
    pub topic: String,
    /// The format's name.
    pub format: String,
    /// Its own pattern of the topic, if it has one that spells out a level.
    pub pattern: Option<TopicPattern>,
    /// Further keys of the subscription.
    pub keys: String,
    /// The device that its messages name.
    pub device: Option<String>,
}

/// A format that may be spoken.
struct Candidate<'a> {
    format: Format,
    about: Option<&'static About>,
    preset: Option<&'a Preset>,
    memory: Memory,
}

impl Candidate<'_> {
    /// The format's own pattern of a topic that spells out most; one without
    /// a level of its own says nothing.
    fn pattern(&self, topic: &str) -> Option<TopicPattern> {
        let own =
            self.about.iter().flat_map(|a| a.topics).filter_map(|t| TopicPattern::parse(t).ok());
        let forms = self.preset.iter().flat_map(|p| &p.forms).flat_map(|f| &f.topics).cloned();
        let fits = |p: &TopicPattern| p.exact_levels() > 0 && p.matches(topic).is_some();
        own.chain(forms).filter(fits).max_by_key(TopicPattern::exact_levels)
    }

    /// Whether a body can be of no other format.
    fn sees(&self, m: &Message) -> bool {
        self.about.is_some_and(|a| a.plain_to_see)
            || self.preset.is_some_and(|p| {
                let form = p.form(m);
                form.is_some_and(|f| f.when.iter().any(|c| c.kind.is_none()))
            })
    }

    /// Whether messages on the format's own topics have said what this one means.
    fn was_told_of(&self, m: &Message) -> bool {
        matches!(self.format, Format::Remembering(_))
            && brings_readings(&self.hear(m))
            && !brings_readings(&self.format.hear(m, &Memory::default()))
    }

    /// Whether what comes on a topic says what other messages mean.
    fn is_told_by(&self, topic: &str, heard: &Topic, received: Stamp) -> bool {
        let describes = |body: &[u8]| {
            let heard = self.hear(&message(topic, body, received));
            heard.policy.is_some() && !heard.noted.is_empty()
        };
        self.pattern(topic).is_some() && heard.samples.iter().any(|(body, _)| describes(body))
    }

    fn hear(&self, m: &Message) -> Heard {
        self.format.hear(m, &self.memory)
    }
}

fn brings_readings(heard: &Heard) -> bool {
    heard.outcome.as_ref().is_ok_and(|decoded| !decoded.observations.is_empty())
}

fn message<'a>(topic: &'a str, payload: &'a [u8], received: Stamp) -> Message<'a> {
    Message { topic, payload, retained: false, received }
}

fn candidates<'a>(traffic: &Traffic, presets: &'a Presets, received: Stamp) -> Vec<Candidate<'a>> {
    let own = about::formats().filter_map(|about| {
        let format = Format::native(about.name)?;
        Some(Candidate { format, about: Some(about), preset: None, memory: Memory::default() })
    });
    let presets = presets.values().map(|preset| Candidate {
        format: Format::Preset(Arc::new(preset.clone())),
        about: None,
        preset: Some(preset),
        memory: Memory::default(),
    });
    let mut all: Vec<Candidate> = own.chain(presets).collect();
    // Descriptions may come in any order: what they say is learnt first.
    for candidate in &mut all {
        for (topic, heard) in &traffic.topics {
            if candidate.about.is_some_and(|a| a.expects(topic)) {
                for (body, _) in &heard.samples {
                    let noted = candidate.hear(&message(topic, body, received)).noted;
                    candidate.memory.learn(noted);
                }
            }
        }
    }
    all
}

/// Every topic that something can read, and those that say how.
pub(super) fn recognise(traffic: &Traffic, presets: &Presets, received: Stamp) -> Vec<Found> {
    let candidates = candidates(traffic, presets, received);
    let one = |(topic, heard): (&String, &Topic)| {
        known(topic, heard, &candidates, received).or_else(|| guessed(topic, heard))
    };
    let mut found: Vec<Found> = traffic.topics.iter().filter_map(one).collect();
    for candidate in &candidates {
        let name = candidate.format.name();
        // Topics that are none of the format's own are read by what was said of them.
        if found.iter().any(|f| f.format == name && f.pattern.is_none()) {
            let told = traffic.topics.iter();
            let told = told.filter(|(topic, heard)| candidate.is_told_by(topic, heard, received));
            found.extend(told.map(|(topic, _)| Found {
                topic: topic.clone(),
                format: name.to_owned(),
                pattern: candidate.pattern(topic),
                keys: String::new(),
                device: None,
            }));
        }
    }
    found
}

/// The format that makes most of a topic's bodies.
fn known(topic: &str, heard: &Topic, candidates: &[Candidate], received: Stamp) -> Option<Found> {
    let mut best: Option<((usize, usize, usize), Found)> = None;
    for candidate in candidates {
        let pattern = candidate.pattern(topic);
        let (mut values, mut devices) = (0, BTreeMap::new());
        for (body, _) in &heard.samples {
            let m = message(topic, body, received);
            if pattern.is_none() && !candidate.sees(&m) && !candidate.was_told_of(&m) {
                continue;
            }
            if let Ok(decoded) = candidate.hear(&m).outcome {
                values += decoded.observations.iter().map(|o| o.values.len()).sum::<usize>();
                let named = decoded.observations.into_iter().map(|o| o.device);
                named.for_each(|d| *devices.entry(d).or_insert(0) += 1);
            }
        }
        if values == 0 {
            continue;
        }
        let exact = pattern.as_ref().map_or(0, TopicPattern::exact_levels);
        let score = (usize::from(pattern.is_some()), values, exact);
        if best.as_ref().is_none_or(|(s, _)| score > *s) {
            let found = Found {
                topic: topic.to_owned(),
                format: candidate.format.name().to_owned(),
                pattern,
                keys: String::new(),
                device: devices.into_keys().next(),
            };
            best = Some((score, found));
        }
    }
    best.map(|(_, found)| found)
}

/// A subscription by usual names.
fn guessed(topic: &str, heard: &Topic) -> Option<Found> {
    let bodies: Vec<&[u8]> = heard.samples.iter().map(|(body, _)| body.as_slice()).collect();
    let (format, keys) = match guess::plain(topic, &bodies) {
        true => ("plain", String::new()),
        false => ("json", guess::json(&bodies)?),
    };
    Some(Found {
        topic: topic.to_owned(),
        format: format.to_owned(),
        pattern: None,
        keys,
        device: None,
    })
}

/// Why nothing reads a topic.
pub(super) fn why_not(topic: &Topic, refused: Option<&Refused>) -> String {
    let Some((body, _)) = topic.samples.iter().find(|(body, _)| !body.is_empty()) else {
        return "empty, or too large to look at".to_owned();
    };
    if let Some(Refused::Malformed { reason, .. }) = refused {
        return format!("cannot be understood ({reason})");
    }
    match guess::names(body) {
        Some(names) => {
            let shown = |n: &&String| !super::mask::secret(n) && n.chars().count() <= 24;
            let names: Vec<&str> = names.iter().filter(shown).take(8).map(String::as_str).collect();
            format!("JSON without a quantity that is known; it has: {}", names.join(", "))
        }
        None if std::str::from_utf8(body).is_ok() => "no number of a known quantity".to_owned(),
        None => "neither text nor a format that is known".to_owned(),
    }
}
