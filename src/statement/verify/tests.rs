use super::super::sign::{Key, sealed};
use super::*;
use serde_json::json;

fn key(number: u8) -> (tempfile::TempDir, Key) {
    use base64::Engine;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let seed = base64::engine::general_purpose::STANDARD.encode([number; 32]);
    std::fs::write(&path, format!("whsk_{seed}\n")).unwrap();
    let key = Key::read(&path).unwrap();
    (dir, key)
}

fn counts(received: u64, stored: u64) -> Value {
    json!({ "received": received, "stored": stored, "duplicate": 0, "quarantined": 0,
            "ignored": received - stored })
}

fn statement(day: &str, previous: &str, key: &Key) -> (String, Document) {
    let of = |hour: &str, r, s| {
        json!({ "hour": format!("{day}T{hour}:00:00Z"), "source": "city",
                "messages": counts(r, s), "readings": counts(2 * r, 2 * s) })
    };
    let said = json!({
        "version": 1, "instance": "seoul", "day": day, "made": format!("{day}T23:59:59Z"),
        "previous": previous, "messages": counts(12, 9), "readings": counts(24, 18),
        "hours": [of("00", 10, 8), of("01", 2, 1)], "moved": [],
        "targets": [{ "target": "main", "forwarded": 17, "pending": 1, "held": 0 }],
    });
    let Value::Object(said) = said else { panic!() };
    let (hash, text) = sealed(said, key).unwrap();
    (hash, serde_json::from_str(&text).unwrap())
}

fn three() -> (Vec<Document>, PublicKey) {
    let (_dir, key) = key(7);
    let (one, a) = statement("2024-02-28", NONE_BEFORE, &key);
    let (two, b) = statement("2024-02-29", &one, &key);
    let (_, c) = statement("2024-03-01", &two, &key);
    (vec![a, b, c], key.public())
}

#[test]
fn statements_as_they_were_made_are_good_with_the_public_key_alone() {
    let (all, public) = three();
    let verified = verify(&all, Some(&public)).unwrap();
    assert_eq!((verified.statements, verified.from_the_start), (3, true));
    let days = verified.days.unwrap();
    assert_eq!(
        (days.0.to_string(), days.1.to_string()),
        ("2024-02-28".into(), "2024-03-01".into())
    );
    assert_eq!(Some(verified.head.as_str()), all[2]["hash"].as_str());
    assert!(!verify(&all[1..], Some(&public)).unwrap().from_the_start);
    assert_eq!(verify(&all, None).unwrap().key, public);
}

#[test]
fn whatever_is_changed_in_a_statement_shows() {
    let (all, public) = three();
    for (name, value) in &all[1] {
        let mut altered = all.clone();
        altered[1][name] = match value {
            Value::String(text) => json!(format!("{text}0")),
            Value::Array(_) => json!([{ "more": 1 }]),
            Value::Number(_) => json!(99),
            _ => json!({ "received": 1 }),
        };
        assert!(verify(&altered, Some(&public)).is_err(), "{name}");
        let mut shorter = all.clone();
        shorter[1].remove(name);
        assert!(verify(&shorter, Some(&public)).is_err(), "without {name}");
    }
}

#[test]
fn a_statement_left_out_put_in_or_moved_shows() {
    let (all, public) = three();
    let says = |of: &[&Document]| {
        let chosen: Vec<Document> = of.iter().map(|s| (*s).clone()).collect();
        verify(&chosen, Some(&public)).unwrap_err()[0].to_string()
    };
    assert!(says(&[&all[0], &all[2]]).contains("a day is missing"));
    assert!(says(&[&all[0], &all[0]]).contains("twice"));
    assert!(says(&[&all[1], &all[0]]).contains("out of order"));
    let (_dir, key) = key(7);
    let (_, other) = statement("2024-02-29", NONE_BEFORE, &key);
    assert!(says(&[&all[0], &other]).contains("`previous` is not the hash of 2024-02-28"));
}

#[test]
fn a_statement_signed_by_somebody_else_is_not_theirs() {
    let (all, _) = three();
    let (_dir, other) = key(8);
    let faults = verify(&all, Some(&other.public())).unwrap_err();
    assert_eq!(faults.len(), 3);
    assert!(faults[0].to_string().contains("not signed by whpk_"), "{faults:?}");
}

#[test]
fn numbers_that_do_not_add_up_show_although_they_are_signed() {
    let (_dir, key) = key(7);
    let (_, good) = statement("2024-02-28", NONE_BEFORE, &key);
    let mut says = Vec::new();
    for (path, value) in [
        ("/messages/stored", 10),
        ("/hours/0/messages/received", 11),
        ("/readings/received", 25),
        ("/targets/0/pending", 2),
        ("/targets/0/pending", -1),
    ] {
        let mut bad = Value::Object(good.clone());
        *bad.pointer_mut(path).unwrap() = json!(value);
        let Value::Object(bad) = bad else { panic!() };
        let (_, text) = sealed(bad, &key).unwrap();
        let faults = verify(&[serde_json::from_str(&text).unwrap()], None).unwrap_err();
        says.push(faults[0].what.clone());
    }
    assert!(says[0].contains("messages do not balance"), "{says:?}");
    assert!(says[1].contains("messages of 2024-02-28T00:00:00Z do not balance"), "{says:?}");
    assert!(says[2].contains("readings do not balance"), "{says:?}");
    assert!(says[3].contains("forwarded + pending + held"), "{says:?}");
    assert!(says[4].contains("forwarded + pending + held"), "{says:?}");
}

#[test]
fn anything_at_all_is_checked_without_a_panic() {
    for odd in ["{}", r#"{"day":7,"key":"whpk_AAAA"}"#, r#"{"hours":{},"messages":[],"day":"x"}"#] {
        let odd: Document = serde_json::from_str(odd).unwrap();
        assert!(verify(&[odd.clone(), odd], None).is_err());
    }
    assert!(verify(&[], None).is_err());
}
