//! Presets of the operator's own.

use super::*;
use crate::air::Stamp;
use crate::decode::{Memory, Message, decode, shown};

/// A network that nobody has seen before.
const NEW: &str = r#"
title = "Dust poles of Example City"
link = "https://example.org/poles"
source = "the poles' manual"
sure = "read in source"

[[form]]
topics = ["poles/{device}"]
values = { pm10 = "/dust" }

[[case]]
name = "a pole"
topic = "poles/7"
payload = '{"dust": 12}'
expect = "7: pm10=12"
"#;

fn config(entry: &str) -> String {
    format!(
        "formats_dir = \"formats\"\n[[source]]\nname = \"s\"\nurl = \"mqtt://127.0.0.1\"\n\
         subscribe = [{entry}]"
    )
}

/// A directory of presets without one.
fn no_presets() -> Shelf {
    Shelf::default().with_file("/etc/dustline/formats/notes.txt", "")
}

fn read(shelf: &Shelf, entry: &str, topic: &str, payload: &str) -> String {
    let loaded = shelf.parse(&config(entry)).unwrap_or_else(|f| panic!("{:#?}", self::shown(&f)));
    let payload = payload.as_bytes();
    let message = Message { topic, payload, retained: false, received: Stamp(1) };
    shown::lines(&decode(&loaded.settings.sources[0].routes, &message, &Memory::default()).outcome)
        .join("\n")
}

#[test]
fn adding_a_network_is_one_preset_file() {
    let entry = "{ topic = \"poles/+\", format = \"example-poles\" }";
    let faults = faults_of(&no_presets(), &config(entry));
    assert!(faults[0].contains("\"example-poles\", expected one of"), "{faults:?}");
    let shelf = Shelf::default().with_file("/etc/dustline/formats/example-poles.toml", NEW);
    assert_eq!(read(&shelf, entry, "poles/9", r#"{"dust": 30.5}"#), "9: pm10=30.5");
}

#[test]
fn a_preset_of_the_operator_takes_the_place_of_one_that_is_built_in() {
    let entry = "{ topic = \"poles/+\", format = \"esphome\" }";
    let shelf = Shelf::default().with_file("/etc/dustline/formats/esphome.toml", NEW);
    assert_eq!(read(&shelf, entry, "poles/9", r#"{"dust": 30.5}"#), "9: pm10=30.5");
}

#[test]
fn a_subscription_adapts_a_preset() {
    let shelf = no_presets();
    let entry = "{ topic = \"{device}/sensor/x/state\", format = \"esphome\", quantity = \"pm4\" }";
    assert_eq!(read(&shelf, entry, "hall/sensor/x/state", "5"), "hall: pm4=5");
    let entry = "{ topic = \"+/sensor/+/state\", format = \"esphome\", device = \"roof\", \
                 quantities = { x = { quantity = \"pm10\", variant = \"raw\" } } }";
    assert_eq!(read(&shelf, entry, "hall/sensor/x/state", "5"), "roof: pm10__raw=5");
}

#[test]
fn faults_in_a_preset_have_their_place_in_its_own_file() {
    for (from, to, fault) in [
        (
            "pm10 = \"/dust\"",
            "pm11 = \"/dust\"",
            "9:19: form[0].values.pm11: \"pm11\" is no quantity",
        ),
        ("link =", "lnik =", "3:1: lnik: unknown key; did you mean `link`?"),
        (
            "7: pm10=12",
            "7: pm10=13",
            "15:10: case[0].expect: case \"a pole\" comes out differently: 7: pm10=12; it says: 7: pm10=13",
        ),
        ("[[case]]", "[[kase]]", "missing; expected at least one [[case]]"),
        (
            "\"read in source\"",
            "\"quite\"",
            "5:8: sure: found \"quite\", expected \"read in source\"",
        ),
        ("[[form]]", "[[form]", "not TOML"),
    ] {
        let shelf =
            Shelf::default().with_file("/etc/dustline/formats/poles.toml", NEW.replace(from, to));
        let faults =
            shown(&shelf.parse(&config("{ topic = \"a\", format = \"airrohr\" }")).unwrap_err());
        let there =
            |f: &String| f.starts_with("/etc/dustline/formats/poles.toml:") && f.contains(fault);
        assert!(faults.iter().any(there), "{fault}: {faults:#?}");
    }
}

#[test]
fn the_file_of_a_preset_has_a_name_that_is_free() {
    for (name, fault) in [("airrohr", "the program itself"), ("My Poles", "lower-case letters")] {
        let shelf = Shelf::default().with_file(&format!("/etc/dustline/formats/{name}.toml"), NEW);
        let faults = faults_of(&shelf, &config("{ topic = \"a\", format = \"airrohr\" }"));
        assert!(faults.iter().any(|f| f.contains(fault)), "{faults:#?}");
    }
}
