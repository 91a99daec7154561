//! What a statement says: read from the store, in a form that others can check.

use super::day::Day;
use crate::air::{Hour, Stamp};
use crate::store::{Counts, LedgerLine, LeftQuarantine, Reader, StoreError};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The form of the statement. Raised with every change of what its keys mean.
const VERSION: u32 = 1;

/// A statement that is not signed yet: its keys and values.
pub type Document = Map<String, Value>;

/// The document of a day that is over, about its ledger in the store. `previous` is
/// the hash of the statement before, `made` the time by our clock.
///
/// # Errors
/// If the store cannot be read.
pub fn document(
    reader: &mut Reader,
    (instance, targets): (&str, &[String]),
    day: Day,
    previous: &str,
    made: Stamp,
) -> Result<Document, StoreError> {
    reader.refresh_names()?;
    reader.at_once(|reader| {
        let mut all = LedgerLine::default();
        let mut hours: BTreeMap<(Hour, String), LedgerLine> = BTreeMap::new();
        for (key, line) in reader.ledger(day.first(), day.end())? {
            let source = reader.source_name(key.source).to_owned();
            for sum in [&mut all, hours.entry((key.hour, source)).or_default()] {
                sum.messages.merge(&line.messages);
                sum.readings.merge(&line.readings);
            }
        }
        let hours: Vec<Value> = hours.iter().map(hour).collect();
        let moved: Vec<Value> = reader
            .ledger_moves(day.first(), day.end())?
            .iter()
            .map(|(left, moved)| move_of(reader.source_name(moved.source), *left, moved))
            .collect();
        let mut shares = Vec::new();
        for target in targets {
            shares.push(share(reader, target, day, all.readings.stored)?);
        }
        let said = json!({
            "version": VERSION, "instance": instance, "day": day.to_string(),
            "made": made.to_string(), "previous": previous,
            "messages": counts(&all.messages), "readings": counts(&all.readings),
            "hours": hours, "moved": moved, "targets": shares,
        });
        Ok(match said {
            Value::Object(document) => document,
            _ => Document::new(),
        })
    })
}

fn counts(c: &Counts) -> Value {
    json!({
        "received": c.received, "stored": c.stored, "duplicate": c.duplicate,
        "quarantined": c.quarantined, "ignored": c.ignored,
    })
}

fn hour(((hour, source), line): (&(Hour, String), &LedgerLine)) -> Value {
    json!({
        "hour": hour.start().to_string(), "source": source,
        "messages": counts(&line.messages), "readings": counts(&line.readings),
    })
}

fn move_of(source: &str, left: Hour, moved: &LeftQuarantine) -> Value {
    json!({
        "left": left.start().to_string(), "hour": moved.hour.start().to_string(),
        "source": source, "to": moved.bucket.name(), "count": moved.count,
    })
}

/// How much of the readings stored on a day a target has.
fn share(reader: &mut Reader, target: &str, day: Day, stored: u64) -> Result<Value, StoreError> {
    let share = reader.share(target, (day.first(), day.end()), stored)?;
    Ok(json!({
        "target": target, "forwarded": share.forwarded, "pending": share.pending,
        "held": share.held,
    }))
}
