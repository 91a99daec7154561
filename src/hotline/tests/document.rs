//! The test vectors of `docs/transcript.md` are what this code writes.

use super::*;
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../docs/transcript.md");

/// The content of the first block of a kind.
fn block(kind: &str) -> &'static str {
    let (_, after) = DOCUMENT.split_once(&format!("```{kind}\n")).unwrap();
    after.split("```").next().unwrap().trim_end()
}

/// The story that the document tells.
fn story() -> Told {
    let mut told = Told::new(plan());
    let (cause, group) = ("pm2_5".to_owned(), None);
    let text = "Drill: haze from the west".to_owned();
    told.does(&act(operator(), Does::Open { cause, exercise: true, group, text }), at(0));
    let incident = || "EX-2022-0001".to_owned();
    told.does(&act(officer("KR"), Does::Acknowledge { incident: incident() }), at(2));
    let who = Who::Party {
        from: "cli desk".into(),
        name: Some("王 \"Desk\"".into()),
        party: "CN".into(),
    };
    let text = "工业减产\nC:\\plan €".to_owned();
    told.does(&act(who, Does::Note { incident: incident(), text }), at(3));
    let measure = Measure { place: "서울".into(), ..measure(at(60), None) };
    told.does(&act(officer("KR"), Does::Share { incident: incident(), measure }), at(4));
    told
}

#[test]
fn the_vectors_of_the_document_are_what_is_written() {
    let written: Vec<String> = story()
        .entries()
        .iter()
        .map(|e| canonical(&serde_json::to_value(e).unwrap()).unwrap())
        .collect();
    assert_eq!(written.join("\n"), block("jsonl"));
}

#[test]
fn the_vectors_of_the_document_are_genuine_and_canonical() {
    let lines: Vec<&str> = block("jsonl").lines().collect();
    let entries: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (line, entry) in lines.iter().zip(&entries) {
        assert_eq!(canonical(entry).as_deref(), Some(*line));
    }
    let (_, after) = DOCUMENT.split_once("the head is `").unwrap();
    let head = after.split('`').next().unwrap();
    assert_eq!(verify_json(&entries, Some(head)), Ok(()));
}

#[test]
fn the_bytes_that_the_document_says_are_hashed_are_those() {
    let first: Value = serde_json::from_str(block("jsonl").lines().nth(1).unwrap()).unwrap();
    let mut rest = first.as_object().unwrap().clone();
    rest.remove("hash");
    assert_eq!(canonical(&Value::Object(rest)).unwrap(), block("text"));
}

#[test]
fn every_kind_of_entry_and_of_measure_is_described() {
    let named = |name: &str| DOCUMENT.contains(&format!("`{name}`"));
    let missing: Vec<_> = Kind::ALL
        .map(Kind::name)
        .into_iter()
        .chain(MeasureKind::ALL.map(MeasureKind::name))
        .filter(|name| !named(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
