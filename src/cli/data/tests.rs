//! Columns and lists, and the small commands on a data directory.

use super::*;
use crate::air::Quantity::Pm2_5;
use crate::cli::{ledger, outbox, quarantine};
use crate::store::Bucket;
use crate::web::tests::fixture::*;
use clap::{Args, Parser};
use serde_json::{Value, json};

#[derive(Parser)]
struct Line<A: Args> {
    #[command(flatten)]
    args: A,
}

fn parse<A: Args>(store: &Store, words: &str) -> A {
    let dir = store.dir.path().display().to_string();
    let words = words.split_whitespace().chain(["--data-dir", &dir]);
    Line::try_parse_from(["x"].into_iter().chain(words)).unwrap_or_else(|e| panic!("{e}")).args
}

fn text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap()
}

fn town() -> Store {
    let mut store = Store::new();
    store.reading("s1", minute(0), minute(0), &[good(Pm2_5, 1.0)], false);
    store.message(minute(1), Bucket::Quarantined);
    store.reading("s1", minute(61), minute(61), &[good(Pm2_5, 2.0)], false);
    store.message(minute(62), Bucket::Duplicate);
    store.change("c1", minute(120), "none", "advisory");
    store
}

fn ledger(store: &Store, words: &str) -> String {
    let mut out = Vec::new();
    ledger::run(&parse(store, words), &mut out).unwrap();
    text(out)
}

#[test]
fn the_ledger_sums_by_source_and_device_and_says_that_it_balances() {
    assert_eq!(
        ledger(&town(), ""),
        "source  device  received  stored  duplicate  quarantined  ignored  readings  stored  duplicate  ignored\n\
         city    -              2       0          1            1        0         0       0          0        0\n\
         city    s1             2       2          0            0        0         2       2          0        0\n\
         all                    4       2          1            1        0         2       2          0        0\n\
         balanced: received = stored + duplicate + quarantined + ignored\n"
    );
}

#[test]
fn the_ledger_as_json_is_that_of_the_api() {
    let store = town();
    let all: Value = serde_json::from_str(&ledger(&store, "--format json")).unwrap();
    assert_eq!(all["received"], 4);
    assert_eq!(all["readings"]["stored"], 2);
    assert_eq!(
        all["by"][1],
        json!({
            "source": "city", "device": "s1", "hour": "2022-01-08T10:00:00Z", "received": 1, "stored": 1,
            "duplicate": 0, "quarantined": 0, "ignored": 0,
            "readings": { "received": 1, "stored": 1, "duplicate": 0, "quarantined": 0, "ignored": 0 },
        })
    );
    let later = ledger(&store, "--format json --from 2022-01-08T11:00:00Z");
    let later: Value = serde_json::from_str(&later).unwrap();
    assert_eq!((&later["received"], later["by"].as_array().unwrap().len()), (&json!(2), 2));
}

#[test]
fn what_was_set_aside_is_listed_and_shown() {
    let store = town();
    let run = |words: &str| {
        let mut out = Vec::new();
        quarantine::run(&parse(&store, words), &mut out).map(|()| text(out))
    };
    let list = run("list").unwrap();
    assert!(list.contains("city    air/\u{fffd}"), "{list}");
    let json: Value = serde_json::from_str(&run("list --format json").unwrap()).unwrap();
    assert_eq!(json["quarantine"][0]["payload_base64"], "eyJwbSI6IP99");
    let one = run("show 1").unwrap();
    assert!(one.contains("00000000  7b 22 70 6d 22 3a 20 ff 7d"), "{one}");
    assert!(one.contains("|{\"pm\": .}|"), "{one}");
    let json: Value = serde_json::from_str(&run("show 1 --format json").unwrap()).unwrap();
    assert_eq!(json["reason"], "not_json");
    assert!(run("show 2").unwrap_err().message.contains("quarantine list"));
}

#[test]
fn the_outbox_is_listed_by_state_and_shown() {
    let store = town();
    let run = |words: &str| {
        let mut out = Vec::new();
        outbox::run(&parse(&store, words), &mut out).map(|()| text(out))
    };
    assert_eq!(
        run("list --state pending").unwrap(),
        "id  created               receiver  state    attempts  subject             last attempt\n \
         1  2022-01-08T12:00:00Z  desk      pending         0  zone/seoul/kr-pm25  -\n"
    );
    assert_eq!(run("list --state dead").unwrap().lines().count(), 1);
    let json: Value = serde_json::from_str(&run("list --format json").unwrap()).unwrap();
    assert_eq!(json["outbox"][0]["webhook_id"], "msg-c1");
    let one = run("show 1").unwrap();
    assert!(one.contains("webhook-id  msg-c1\n") && one.contains("\"to\": \"advisory\""), "{one}");
    assert!(run("show 9").unwrap_err().message.contains("outbox list"));
}

#[test]
fn columns_are_aligned_and_control_characters_cannot_act() {
    let rows = vec![vec!["a".into(), "5".into()], vec!["한국\u{1b}[2J".into(), "1234".into()]];
    let mut out = Vec::new();
    table(&mut out, &["name", ">n"], &rows).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "name            n\na               5\n한국\\u{1b}[2J  1234\n");
}

#[test]
fn a_list_is_json_with_and_without_items() {
    for n in 0..3 {
        let mut out = Vec::new();
        let mut list = JsonList::start(&mut out, "\"sum\":1,", "by").unwrap();
        (0..n).for_each(|i| list.item(&i).unwrap());
        list.end().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["by"].as_array().unwrap().len(), n);
    }
}
