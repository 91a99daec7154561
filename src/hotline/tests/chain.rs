//! No transcript can be altered without that being found.

use super::*;
use proptest::prelude::*;
use serde_json::Value;
use std::sync::LazyLock;

/// A transcript in which nearly everything happens.
static NIGHT: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let story = story::play(&mut |_| {});
    story.entries().iter().map(|e| serde_json::to_value(e).unwrap()).collect()
});

fn transcript() -> Vec<Value> {
    NIGHT.clone()
}

fn head(entries: &[Value]) -> String {
    entries.last().unwrap()["hash"].as_str().unwrap().to_owned()
}

/// Every place in a value at which something can be altered.
fn places(value: &Value, at: String, out: &mut Vec<String>) {
    out.push(at.clone());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| places(inner, format!("{at}/{key}"), out));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, inner)| places(inner, format!("{at}/{i}"), out));
        }
        _ => {}
    }
}

fn alter(value: &mut Value) {
    *value = match value.take() {
        Value::String(text) => Value::String(text + "0"),
        Value::Bool(flag) => Value::Bool(!flag),
        Value::Number(n) => Value::from(n.as_i64().unwrap_or(0) + 1),
        Value::Object(mut map) => {
            map.insert("more".into(), Value::Null);
            Value::Object(map)
        }
        Value::Array(mut items) => {
            items.push(Value::Null);
            Value::Array(items)
        }
        Value::Null => Value::Bool(true),
    };
}

/// Makes the hash of an altered entry right again, as a forger would.
fn rehash(entry: &mut Value) {
    if let Some(hash) = entry::hash_of(entry) {
        entry["hash"] = Value::String(hash);
    }
}

#[test]
fn the_transcript_of_a_story_is_genuine() {
    let entries = transcript();
    assert!(entries.len() > 20);
    assert_eq!(verify_json(&entries, None), Ok(()));
    assert_eq!(verify_json(&entries, Some(&head(&entries))), Ok(()));
}

#[test]
fn every_single_value_that_is_altered_is_found() {
    let genuine = transcript();
    for place in 0..genuine.len() {
        let mut all = Vec::new();
        places(&genuine[place], String::new(), &mut all);
        for pointer in all {
            let mut entries = genuine.clone();
            alter(entries[place].pointer_mut(&pointer).unwrap());
            let found = verify_json(&entries, None).unwrap_err();
            assert_eq!(found.place, place + 1, "{pointer}: {found}");
        }
    }
}

#[test]
fn whoever_makes_the_hash_right_again_is_found_by_the_next_entry_or_the_head() {
    let genuine = transcript();
    for place in 0..genuine.len() {
        let mut entries = genuine.clone();
        entries[place]["what"]["kind"] = "note".into();
        entries[place]["what"]["text"] = "nothing happened".into();
        rehash(&mut entries[place]);
        let found = verify_json(&entries, Some(&head(&genuine))).unwrap_err();
        assert_eq!(found.place, place + 2, "{found}");
    }
}

#[test]
fn a_transcript_written_anew_or_cut_off_is_found_by_its_head() {
    let genuine = transcript();
    let mut forged = genuine.clone();
    forged[3]["at"] = "2022-01-08T00:00:00Z".into();
    for place in 3..forged.len() {
        rehash(&mut forged[place]);
        if place + 1 < forged.len() {
            forged[place + 1]["previous"] = forged[place]["hash"].clone();
        }
    }
    assert_eq!(verify_json(&forged, None), Ok(()));
    let wrong = verify_json(&forged, Some(&head(&genuine))).unwrap_err();
    assert!(wrong.what.starts_with("it ends with "), "{wrong}");
    for length in 0..genuine.len() {
        assert!(verify_json(&genuine[..length], Some(&head(&genuine))).is_err());
    }
    assert!(verify_json(&[], None).is_err());
}

#[test]
fn a_form_that_others_would_write_differently_is_refused() {
    let mut entries = transcript();
    entries[0]["what"]["level"]["rank"] = serde_json::json!(2.5);
    let found = verify_json(&entries, None).unwrap_err();
    assert_eq!(found.to_string(), "entry 1: it is no JSON object of texts and whole numbers");
}

#[test]
fn an_entry_is_read_back_as_it_was_written() {
    for value in transcript() {
        let entry: Entry = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&entry).unwrap(), value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn entries_dropped_added_moved_or_repeated_are_found(
        kind in 0u8..4, a in 0usize..1_000, b in 0usize..1_000, forge in any::<bool>(),
    ) {
        let genuine = transcript();
        let (a, b) = (a % genuine.len(), b % genuine.len());
        let mut entries = genuine.clone();
        match kind {
            0 => drop(entries.remove(a)),
            1 => entries.swap(a, b),
            2 => entries.insert(a, genuine[b].clone()),
            _ => {
                let moved = entries.remove(a);
                entries.insert(b, moved);
            }
        }
        if forge {
            for (place, entry) in entries.iter_mut().enumerate() {
                entry["number"] = Value::from(place + 1);
                rehash(entry);
            }
        }
        let same = entries == genuine;
        prop_assert_eq!(verify_json(&entries, Some(&head(&genuine))).is_ok(), same);
    }
}
