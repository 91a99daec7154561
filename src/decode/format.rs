//! The formats there are, by name: networks with a decoder of their own, those of
//! them that remember, and the two that are configured.

use super::json::Tree;
use super::memory::{Memory, Notes, TOPIC_MAX};
use super::{
    Captures, Decoded, ForecastZone, Heard, Hints, Mapping, Message, PAYLOAD_MAX, Plain, Preset,
    Refused, airgradient, airrohr_topics, chirpstack_v4, forecast, ha_discovery, homie,
    influx_line, luftdatenpumpe, qingping, rtl433, senml, smartcitizen, sparkplug_b, tasmota,
    ttn_v3, within_limits, zigbee2mqtt,
};
use std::sync::Arc;

/// The function by which one network's messages are read.
pub type Read = fn(&Message, &Captures, &Hints) -> Result<Decoded, Refused>;

/// The same for a network whose messages need what earlier ones said.
pub type ReadWith = fn(&Message, &Captures, &mut Notes) -> Result<Decoded, Refused>;

/// Networks with a decoder of their own: the name in the configuration, and how.
pub(super) const NATIVE: &[(&str, Read)] = &[
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
pub(super) const CONFIGURED: [&str; 3] = ["plain", "json", "forecast"];

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
    Json(Box<Mapping>),
    /// Forecasts for the zones of the configuration.
    Forecast(Arc<[ForecastZone]>),
    /// By a mapping that has a name.
    Preset(Arc<Preset>),
}

impl Format {
    /// The names by which a configuration can ask for a format, without presets.
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
    pub fn name(&self) -> &str {
        match self {
            Format::Native(Native { row, .. }) => NATIVE.get(*row).map_or("", |(name, _)| name),
            Format::Remembering(Remembering(i)) => REMEMBERING.get(*i).map_or("", |(n, _)| n),
            Format::Plain(_) => "plain",
            Format::Json(_) => "json",
            Format::Forecast(_) => "forecast",
            Format::Preset(preset) => &preset.name,
        }
    }

    /// Reads a message on whatever topic, as if its subscription were `#` and
    /// nothing had been said before.
    pub fn decode(&self, m: &Message) -> Result<Decoded, Refused> {
        self.hear(m, &Memory::default()).outcome
    }

    /// The same with what earlier messages have said.
    pub fn hear(&self, m: &Message, memory: &Memory) -> Heard {
        self.heard(m, &Captures::none(m.topic), memory)
    }

    pub(super) fn heard(&self, m: &Message, captures: &Captures, memory: &Memory) -> Heard {
        if m.payload.len() > PAYLOAD_MAX {
            let detail = format!(
                "{} bytes; at most {PAYLOAD_MAX} are read: publish less at once",
                m.payload.len()
            );
            return Heard::refused(Refused::malformed("too_large", detail));
        }
        let mut notes = Notes::new(memory, self.name());
        let outcome = self.read(m, captures, &mut notes).and_then(within_limits);
        let (policy, noted) = notes.finish();
        Heard { outcome, policy, noted }
    }

    fn read(
        &self,
        m: &Message,
        captures: &Captures,
        notes: &mut Notes,
    ) -> Result<Decoded, Refused> {
        match self {
            Format::Remembering(_) if m.topic.len() > TOPIC_MAX => {
                let most = TOPIC_MAX;
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
            Format::Json(mapping) => mapping.read(m, &Tree::of_message(m)?, captures, notes),
            Format::Forecast(zones) => forecast::decode(m, zones),
            Format::Preset(preset) => preset.read(m, captures, notes),
        }
    }
}
