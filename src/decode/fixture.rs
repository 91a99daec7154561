//! What the tests of the decoders share: messages, and results written short.

use super::{Decoded, Format, Message, Refused, Route, TopicPattern};
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
    Route { pattern, format }.decode(&m)
}

/// Reads a payload by a network's own decoder.
pub fn native(name: &str, topic: &str, payload: impl AsRef<[u8]>) -> Result<Decoded, Refused> {
    read("#", Format::native(name).unwrap(), topic, payload)
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
