//! Whether a transcript is as it was written.
//!
//! Every entry has the hash of itself and of the one before, so that nothing in
//! the middle can be changed, dropped, added or moved without breaking the chain.
//! Only the end can be cut off, or all be written anew; that is found by the
//! **head**, the hash of the last entry, which every notice carries.

use super::entry::{Entry, FIRST, hash_of};
use serde_json::Value;

/// What is wrong with a transcript, at the first entry where anything is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {place}: {what}")]
pub struct Tampered {
    /// The place in the transcript, from 1.
    pub place: usize,
    /// What is wrong there.
    pub what: String,
}

/// Checks a transcript, and that it ends with `head` if that is known.
///
/// # Errors
/// The first entry at which it is not as it was written.
pub fn verify(entries: &[Entry], head: Option<&str>) -> Result<(), Tampered> {
    let values: Result<Vec<Value>, _> = entries.iter().map(serde_json::to_value).collect();
    match values {
        Ok(values) => verify_json(&values, head),
        Err(error) => Err(Tampered { place: 1, what: error.to_string() }),
    }
}

/// The same for entries as they are exported, with everything that stands in them.
///
/// # Errors
/// The first entry at which it is not as it was written.
pub fn verify_json(entries: &[Value], head: Option<&str>) -> Result<(), Tampered> {
    let mut before = Before { hash: FIRST, incident: None };
    for (index, entry) in entries.iter().enumerate() {
        let place = index + 1;
        before = check(entry, place, before).map_err(|what| Tampered { place, what })?;
    }
    match head {
        Some(head) if head != before.hash => Err(Tampered {
            place: entries.len() + 1,
            what: format!("it ends with {}, but should end with {head}", before.hash),
        }),
        None if entries.is_empty() => {
            Err(Tampered { place: 1, what: "there is no entry".to_owned() })
        }
        _ => Ok(()),
    }
}

/// What an entry must follow.
struct Before<'a> {
    hash: &'a str,
    incident: Option<&'a str>,
}

fn check<'a>(entry: &'a Value, place: usize, before: Before<'a>) -> Result<Before<'a>, String> {
    let text = |key: &str| {
        let found = entry.get(key).and_then(Value::as_str);
        found.ok_or_else(|| format!("it has no {key}"))
    };
    if entry.get("number").and_then(Value::as_u64) != Some(place as u64) {
        return Err("its number is not that of its place: one is missing or moved".to_owned());
    }
    let (hash, incident) = (text("hash")?, text("incident")?);
    if text("previous")? != before.hash {
        return Err("it does not follow the entry before it".to_owned());
    }
    if before.incident.is_some_and(|id| id != incident) {
        return Err("it belongs to another incident".to_owned());
    }
    match hash_of(entry) {
        None => Err("it is no JSON object of texts and whole numbers".to_owned()),
        Some(real) if real != hash => {
            Err(format!("it was changed: its hash is {real}, not {hash}"))
        }
        Some(_) => Ok(Before { hash, incident: Some(incident) }),
    }
}
