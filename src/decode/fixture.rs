//! What the tests of the decoders share: messages, and results written short.

use super::{Decoded, Format, Memory, Message, Refused, Route, TopicPattern, decode};
use crate::air::Stamp;

/// Reads a payload by a route made for it.
pub fn read(
    pattern: &str,
    format: Format,
    topic: &str,
    payload: impl AsRef<[u8]>,
) -> Result<Decoded, Refused> {
    let pattern = TopicPattern::parse(pattern).unwrap();
    let payload = payload.as_ref();
    let m = Message { topic, payload, retained: false, received: Stamp(1_700_000_000_000) };
    Route::new(pattern, format).decode(&m)
}

/// Reads a payload by a network's own decoder.
pub fn native(name: &str, topic: &str, payload: impl AsRef<[u8]>) -> Result<Decoded, Refused> {
    read("#", Format::native(name).unwrap(), topic, payload)
}

/// Messages of one source, one after the other, with what they leave behind.
pub struct Talk {
    routes: Vec<Route>,
    memory: Memory,
    /// What the store would hold of the memory, as it orders it.
    rows: Vec<(String, String)>,
}

impl Talk {
    /// A source with one subscription.
    pub fn new(pattern: &str, format: &str) -> Talk {
        let pattern = TopicPattern::parse(pattern).unwrap();
        let format = Format::native(format).unwrap();
        Talk {
            routes: vec![Route::new(pattern, format)],
            memory: Memory::default(),
            rows: Vec::new(),
        }
    }

    /// Everything that is remembered is read from the store again.
    pub fn restart(&mut self) {
        self.memory = Memory::of(self.rows.clone());
    }

    /// The next message.
    pub fn hear(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> Result<Decoded, Refused> {
        self.hear_as(topic, payload.as_ref(), false)
    }

    /// The next message, from the broker's memory or not. One without readings
    /// is what becomes of it: ignored under the policy it has.
    pub fn hear_as(
        &mut self,
        topic: &str,
        payload: &[u8],
        retained: bool,
    ) -> Result<Decoded, Refused> {
        let (outcome, policy) = self.hear_whole(topic, payload, retained);
        let without = outcome.as_ref().is_ok_and(|d| d.observations.is_empty());
        match policy {
            Some(policy) if without => Err(Refused::Ignored(policy)),
            _ => outcome,
        }
    }

    /// The next message, with all that was made of it.
    pub fn hear_whole(
        &mut self,
        topic: &str,
        payload: &[u8],
        retained: bool,
    ) -> (Result<Decoded, Refused>, Option<&'static str>) {
        let m = Message { topic, payload, retained, received: Stamp(1_700_000_000_000) };
        let heard = decode(&self.routes, &m, &self.memory);
        for change in self.memory.learn(heard.noted).changes {
            self.rows.retain(|(key, _)| *key != change.key);
            self.rows.extend(change.value.map(|value| (change.key, value)));
        }
        (heard.outcome, heard.policy)
    }
}

/// `device[@time]: quantity[suffix]=value …`, one line a device, then what was
/// left out, or the refusal.
pub fn short(result: &Result<Decoded, Refused>) -> String {
    let decoded = match result {
        Ok(decoded) => decoded,
        Err(Refused::Ignored(policy)) => return format!("ignored: {policy}"),
        Err(Refused::Malformed { reason, .. }) => return format!("malformed: {reason}"),
    };
    let mut lines: Vec<String> = Vec::new();
    for o in &decoded.observations {
        let at = o.at.map_or(String::new(), |at| format!("@{at}"));
        let values = o.values.iter();
        let values = values.map(|v| format!(" {}{}={}", v.quantity, v.label.suffix(), v.value));
        lines.push(format!("{}{at}:{}", o.device, values.collect::<String>()));
    }
    lines.extend(decoded.device.iter().map(|d| format!("{d}: nothing")));
    lines.extend(decoded.skipped.iter().map(|s| format!("left out {} {}", s.path, s.reason)));
    lines.join("\n")
}
