//! Bytes to readings: one file a network format, one generic mapping.
//!
//! A decoder is a pure function of topic, payload and its settings. It never
//! panics, allocates within a small multiple of its input, and one bad entry
//! never drops the rest of a message.
//!
//! ```text
//!  topic ──▶ TopicPattern ─▶ Captures ─┐
//!  payload ─▶ size, emptiness ─────────┼─▶ a decoder ─▶ Gathered ─▶ limits ─▶ Decoded | Refused
//!  Memory of the source ─▶ Notes ──────┘           └─▶ Notes: what to remember
//! ```
//!
//! A new network is one file with a function of the type [`Read`] and one line
//! in `NATIVE`; one whose messages need what earlier ones said has a function of
//! the type [`ReadWith`] and a line in `REMEMBERING` (see [`memory`]). What all
//! decoders share lies beside them: [`topic`] for patterns, `json` for
//! documents, `number`, `time` and `unit` for lenient scalars, `gathered` and
//! `batch` for what was found and left out, [`Hints`] for what an operator may add.
//!
//! Decoders skip what their format defines as "no reading"; whether a number
//! that was sent can be believed is for `quality`, which keeps it with a flag.

mod airgradient;
mod airrohr;
mod airrohr_topics;
mod batch;
mod chirpstack_v4;
mod codec;
mod elements;
pub mod forecast;
mod gathered;
mod ha_discovery;
mod hints;
mod homie;
mod influx_line;
mod json;
mod luftdatenpumpe;
pub mod mapping;
pub mod memory;
mod number;
pub mod plain;
mod qingping;
mod refused;
mod rtl433;
mod senml;
mod smartcitizen;
mod sparkplug_b;
mod tasmota;
mod time;
pub mod topic;
mod ttn_v3;
mod unit;
mod zigbee2mqtt;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod growth_test;
#[cfg(test)]
mod remembering_test;
#[cfg(test)]
mod robustness_test;
#[cfg(test)]
mod samples_test;
#[cfg(test)]
mod talks_test;

pub use forecast::{ForecastFault, ForecastZone, Forecasts};
pub use hints::Hints;
pub use json::Pointer;
pub use mapping::{DeviceFrom, Field, Mapping};
pub use memory::{Memory, Notes, Remember};
pub use plain::Plain;
pub use refused::Refused;
pub use time::{TimeFrom, TimeUnit};
pub use topic::{Captures, TopicPattern};

use crate::air::{Forecast, Observation, Skipped, Stamp};
use std::sync::Arc;

/// The largest payload that is read, bytes.
pub const PAYLOAD_MAX: usize = 1 << 20;
/// The longest device identity, bytes.
pub const DEVICE_MAX: usize = 200;
/// The longest channel or variant that a topic may give, bytes.
pub const LABEL_MAX: usize = 64;
/// The most entries of one message, taken and left out together.
pub const ENTRIES_MAX: usize = 10_000;

/// Facts about an arrival that a decoder may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The topic it came on.
    pub topic: &'a str,
    /// The body.
    pub payload: &'a [u8],
    /// Sent by the broker from its memory because we subscribed. Whether such a
    /// message counts is for the intake to judge, not for decoders.
    pub retained: bool,
    /// When it came in.
    pub received: Stamp,
}

/// What a decoder made of one message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// What it found; may be empty.
    pub observations: Vec<Observation>,
    /// The forecasts in it; a message brings these or observations.
    pub forecasts: Vec<Forecast>,
    /// What it left out, and why.
    pub skipped: Vec<Skipped>,
    /// Whom the message is about, where it brings no observation that says so.
    pub device: Option<String>,
}

/// What came of reading one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The readings in it, or why there are none.
    pub outcome: Result<Decoded, Refused>,
    /// The policy, one of [`Refused::IGNORED`], by which it is ignored if it has
    /// no readings; `None`: `no_values`.
    pub policy: Option<&'static str>,
    /// What the messages after it will need of it, for [`Memory::learn`]. A
    /// message that the broker sends again teaches nothing new.
    pub noted: Vec<Remember>,
}

impl Heard {
    /// A message that is no readings and says nothing for others.
    pub fn refused(refused: Refused) -> Heard {
        Heard { outcome: Err(refused), policy: None, noted: Vec::new() }
    }
}

/// The function by which one network's messages are read.
pub type Read = fn(&Message, &Captures, &Hints) -> Result<Decoded, Refused>;

/// The same for a network whose messages need what earlier ones said.
pub type ReadWith = fn(&Message, &Captures, &mut Notes) -> Result<Decoded, Refused>;

/// Networks with a decoder of their own: the name in the configuration, and how.
const NATIVE: &[(&str, Read)] = &[
    ("airgradient", airgradient::read),
    ("chirpstack-v4", chirpstack_v4::read),
    ("influx-line", influx_line::read),
    ("luftdatenpumpe", luftdatenpumpe::read),
    ("qingping", qingping::read),
    ("rtl433", rtl433::read),
    ("senml", senml::read),
    ("smartcitizen", smartcitizen::read),
    ("tasmota", tasmota::read),
    ("ttn-v3", ttn_v3::read),
    ("zigbee2mqtt", zigbee2mqtt::read),
];

/// Those of them that remember what earlier messages said. They are given empty
/// messages too, which clear what was retained.
const REMEMBERING: &[(&str, ReadWith)] = &[
    ("airrohr", airrohr_topics::read),
    ("ha-discovery", ha_discovery::read),
    ("homie", homie::read),
    ("sparkplug-b", sparkplug_b::read),
];

/// The formats that need settings.
const CONFIGURED: [&str; 3] = ["plain", "json", "forecast"];

const NAMES: [&str; NATIVE.len() + REMEMBERING.len() + CONFIGURED.len()] = {
    let mut names = [""; NATIVE.len() + REMEMBERING.len() + CONFIGURED.len()];
    let mut at = 0;
    while at < names.len() {
        let (after, last) = (at.wrapping_sub(NATIVE.len()), NATIVE.len() + REMEMBERING.len());
        names[at] = match at {
            i if i < NATIVE.len() => NATIVE[i].0,
            i if i < last => REMEMBERING[after].0,
            i => CONFIGURED[i - last],
        };
        at += 1;
    }
    names
};

/// A network with a decoder of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Native {
    /// Its row in [`NATIVE`].
    row: usize,
    hints: Hints,
}

/// A network with a decoder of its own that remembers what messages said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembering(usize);

/// How one subscription's messages are to be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// By a network's own decoder.
    Native(Native),
    /// By a network's own decoder and what earlier messages said.
    Remembering(Remembering),
    /// One bare number per topic.
    Plain(Plain),
    /// JSON by a mapping of the operator's.
    Json(Mapping),
    /// Forecasts for the zones of the configuration.
    Forecast(Arc<[ForecastZone]>),
}

impl Format {
    /// The names by which a configuration can ask for a format.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// The network's own decoder of this name.
    pub fn native(name: &str) -> Option<Format> {
        Format::hinted(name, Hints::default())
    }

    /// The network's own decoder of this name, told what its messages leave open.
    pub fn hinted(name: &str, hints: Hints) -> Option<Format> {
        if let Some(row) = NATIVE.iter().position(|(n, _)| *n == name) {
            return Some(Format::Native(Native { row, hints }));
        }
        let remembering = REMEMBERING.iter().position(|(n, _)| *n == name);
        remembering.map(|i| Format::Remembering(Remembering(i)))
    }

    /// The name by which a configuration asks for it.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Native(Native { row, .. }) => NATIVE.get(*row).map_or("", |(name, _)| name),
            Format::Remembering(Remembering(i)) => REMEMBERING.get(*i).map_or("", |(n, _)| n),
            Format::Plain(_) => "plain",
            Format::Json(_) => "json",
            Format::Forecast(_) => "forecast",
        }
    }

    fn read(
        &self,
        m: &Message,
        captures: &Captures,
        notes: &mut Notes,
    ) -> Result<Decoded, Refused> {
        match self {
            Format::Remembering(_) if m.topic.len() > memory::TOPIC_MAX => {
                let most = memory::TOPIC_MAX;
                let detail = format!("the topic has {} bytes of at most {most}", m.topic.len());
                Err(Refused::malformed("too_large", detail))
            }
            Format::Remembering(Remembering(i)) => match REMEMBERING.get(*i) {
                Some((_, read)) => read(m, captures, notes),
                None => Err(Refused::Ignored("no_route")),
            },
            _ if m.payload.is_empty() => Err(Refused::Ignored("empty")),
            Format::Native(Native { row, hints }) => match NATIVE.get(*row) {
                Some((_, read)) => read(m, captures, hints),
                None => Err(Refused::Ignored("no_route")),
            },
            Format::Plain(plain) => plain.read(m, captures),
            Format::Json(mapping) => mapping.read(m, captures),
            Format::Forecast(zones) => forecast::decode(m, zones),
        }
    }
}

/// One subscription: which topics, and how they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The topics.
    pub pattern: TopicPattern,
    /// How their messages are read.
    pub format: Format,
}

impl Route {
    /// Reads a message as if nothing had been said before; one whose topic does
    /// not match is ignored as `no_route`.
    pub fn decode(&self, m: &Message) -> Result<Decoded, Refused> {
        decode(std::slice::from_ref(self), m, &Memory::default()).outcome
    }
}

/// Reads a message by the first route whose pattern matches its topic, with what
/// the messages of its source have said so far.
pub fn decode(routes: &[Route], m: &Message, memory: &Memory) -> Heard {
    let matching = routes.iter().find_map(|r| Some((&r.format, r.pattern.matches(m.topic)?)));
    let Some((format, captures)) = matching else {
        return Heard::refused(Refused::Ignored("no_route"));
    };
    if m.payload.len() > PAYLOAD_MAX {
        let detail = format!(
            "{} bytes; at most {PAYLOAD_MAX} are read: publish less at once",
            m.payload.len()
        );
        return Heard::refused(Refused::malformed("too_large", detail));
    }
    let mut notes = Notes::new(memory, format.name());
    let outcome = format.read(m, &captures, &mut notes).and_then(within_limits);
    let (policy, noted) = notes.finish();
    Heard { outcome, policy, noted }
}

/// Holds a decoder's result to the limits that all of them share.
fn within_limits(mut found: Decoded) -> Result<Decoded, Refused> {
    let values: usize = found.observations.iter().map(|o| o.values.len()).sum();
    let entries = values + found.forecasts.len() + found.skipped.len();
    if entries > ENTRIES_MAX {
        return Err(gathered::too_many(entries));
    }
    let devices = found.observations.iter().map(|o| &o.device).chain(&found.device);
    let Some(fault) = devices.filter_map(|d| device_fault(d)).next() else { return Ok(found) };
    found.observations.retain(|o| device_fault(&o.device).is_none());
    if found.observations.is_empty() {
        return Err(Refused::malformed("bad_device", fault));
    }
    found.skipped.push(Skipped { path: String::new(), reason: fault });
    Ok(found)
}

/// What is wrong with a device identity, if anything.
fn device_fault(device: &str) -> Option<String> {
    if device.is_empty() {
        Some("the device's identity is empty: map it to another place or name it".to_owned())
    } else if device.len() > DEVICE_MAX {
        Some(format!("the device's identity has {} bytes of at most {DEVICE_MAX}", device.len()))
    } else if device.chars().any(char::is_control) {
        Some(format!("the device's identity {device:?} has control characters"))
    } else {
        None
    }
}
