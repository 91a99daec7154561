//! A case of a preset: a message and what it means.

use crate::air::Stamp;
use crate::config::presets::adapted;
use crate::config::reader::Table;
use crate::decode::{Format, Message, Preset, shown};
use std::sync::Arc;

/// When the messages of cases come in: 2026-01-05T03:05:00Z.
const RECEIVED: Stamp = Stamp(1_767_582_300_000);

/// Reads a case and runs it; a fault if it comes out differently. It may adapt
/// the preset as a subscription does.
pub(super) fn check(mut table: Table<'_>, preset: &Preset) {
    let name = table.need("name", "what the case shows").and_then(|i| i.filled_text());
    let topic = table.need("topic", "the topic of a message").and_then(|i| i.text());
    let payload = table.need("payload", "the body of a message").and_then(|i| i.text());
    let expect = table.need("expect", "a line for each device and time, and what is left out");
    let preset = adapted(preset, &mut table);
    let said = expect.as_ref().and_then(|i| i.text());
    let (Some(name), Some(topic), Some(payload), Some(said)) = (name, topic, payload, said) else {
        return table.finish();
    };
    let message =
        Message { topic, payload: payload.as_bytes(), retained: false, received: RECEIVED };
    let result = Format::Preset(Arc::new(preset)).decode(&message);
    let found = shown::lines(&result);
    let wanted: Vec<&str> = said.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    if let Some(item) = expect
        && found != wanted
    {
        item.hidden_fault(
            format!("case {name:?} comes out differently: {}", found.join(" | ")),
            Some(format!("it says: {}", wanted.join(" | "))),
        );
    }
    table.finish();
}
