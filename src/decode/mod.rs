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
//! in `NATIVE` of `format`; one whose messages need what earlier ones said has a function of
//! the type [`ReadWith`] and a line in `REMEMBERING` (see [`memory`]). What all
//! decoders share lies beside them: [`topic`] for patterns, `json` for
//! documents, `number`, `time` and `unit` for lenient scalars, `gathered` and
//! `batch` for what was found and left out, [`Hints`] for what an operator may add.
//!
//! Decoders skip what their format defines as "no reading"; whether a number
//! that was sent can be believed is for `quality`, which keeps it with a flag.

pub mod about;
mod airgradient;
mod airrohr;
mod airrohr_topics;
mod batch;
mod chirpstack_v4;
mod codec;
mod elements;
pub mod forecast;
mod format;
mod gathered;
mod ha_discovery;
mod hints;
mod homie;
pub mod influx_line;
mod json;
mod luftdatenpumpe;
mod main_value;
pub mod mapping;
pub mod memory;
mod number;
pub mod plain;
pub mod preset;
mod qingping;
mod refused;
mod rtl433;
mod senml;
pub mod shown;
mod smartcitizen;
mod sparkplug_b;
mod spelling;
mod tasmota;
mod time;
pub mod topic;
mod ttn_v3;
pub mod unit;
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
mod talks_test;

pub use forecast::{ForecastFault, ForecastZone, Forecasts};
pub use format::{Format, Native, Read, ReadWith, Remembering};
pub use hints::Hints;
pub use json::Pointer;
pub use main_value::MainValue;
pub use mapping::{Field, Mapping, Place, Template, TimeFrom};
pub use memory::{Memory, Notes, Remember};
pub use plain::Plain;
pub use preset::Preset;
pub use refused::Refused;
pub use time::TimeUnit;
pub use topic::{Captures, TopicPattern};

use crate::air::{Forecast, Observation, Skipped, Stamp, StandIn};
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
    /// What stands for the main values of its observations, if the network or the
    /// operator says so.
    pub main: Option<Arc<StandIn>>,
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

/// One subscription: which topics, and how they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The topics.
    pub pattern: TopicPattern,
    /// How their messages are read.
    pub format: Format,
    /// What becomes of messages from the broker's memory.
    pub retained: Retained,
    /// How main values are found where messages bring none; `None`: not at all.
    pub main: Option<MainValue>,
}

/// What becomes of a message that the broker sends from its memory because we
/// subscribed: nobody knows how old it is unless it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retained {
    /// It is read; readings without a time of their own are left out.
    #[default]
    Timed,
    /// It is ignored, whatever it says.
    Never,
}

impl Route {
    /// A subscription that takes retained messages as usual, and what the format
    /// says of main values.
    pub fn new(pattern: TopicPattern, format: Format) -> Route {
        let main = match &format {
            Format::Preset(preset) => preset.main.clone(),
            _ => None,
        };
        Route { pattern, format, retained: Retained::default(), main }
    }

    /// Reads a message as if nothing had been said before; one whose topic does
    /// not match is ignored as `no_route`.
    pub fn decode(&self, m: &Message) -> Result<Decoded, Refused> {
        decode(std::slice::from_ref(self), m, &Memory::default()).outcome
    }
}

/// Reads a message by the first route whose pattern matches its topic, with what
/// the messages of its source have said so far.
pub fn decode(routes: &[Route], m: &Message, memory: &Memory) -> Heard {
    let matching = routes.iter().find_map(|r| Some((r, r.pattern.matches(m.topic)?)));
    match matching {
        None => Heard::refused(Refused::Ignored("no_route")),
        Some((route, _)) if m.retained && route.retained == Retained::Never => {
            Heard::refused(Refused::Ignored("retained"))
        }
        Some((route, captures)) => {
            let mut heard = route.format.heard(m, &captures, memory);
            if let (Some(main), Ok(found)) = (&route.main, &mut heard.outcome) {
                let (stand_in, noted) = main.of(found, memory);
                found.main = stand_in;
                heard.noted.extend(noted);
            }
            heard
        }
    }
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
