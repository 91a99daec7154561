//! Zones made of zones, and zones that decide together.

use super::{Shelf, check, shown};
use crate::config::Settings;

const STATIONS: &str = "[[station]]\nid = \"a\"\ndevices = [\"d1\"]\n[[station]]\nid = \"b\"\ndevices = [\"d2\"]\n[[station]]\nid = \"c\"\ndevices = [\"d3\"]\n";

fn settings(zones: &str) -> Settings {
    let text = format!("{STATIONS}{zones}");
    Shelf::default().parse(&text).map_err(|f| shown(&f)).unwrap().settings
}

/// Zones by name, each with a line of its own; line 1 is `[[zone]]`, 2 the id, 3 that line.
fn zones(list: &[(&str, &str)]) -> String {
    let zone =
        |(id, line): &(&str, &str)| format!("[[zone]]\nid = \"{id}\"\n{line}\nrulesets = []\n");
    list.iter().map(zone).collect()
}

fn stations(settings: &Settings, zone: &str) -> Option<Vec<String>> {
    settings.zones.iter().find(|z| z.id == zone).unwrap().stations.clone()
}

#[test]
fn a_zone_of_zones_has_their_stations_once_each_in_whatever_order_they_are_written() {
    let settings = settings(&zones(&[
        ("region", "zones = [\"city\", \"west\"]"),
        ("city", "zones = [\"east\"]\nstations = [\"b\"]"),
        ("east", "stations = [\"a\", \"b\"]"),
        ("west", "stations = [\"b\", \"c\"]"),
    ]));
    assert_eq!(stations(&settings, "city").unwrap(), ["b", "a"]);
    assert_eq!(stations(&settings, "region").unwrap(), ["b", "a", "c"]);
    assert_eq!(settings.zones[0].zones, ["city", "west"]);
}

#[test]
fn a_zone_with_a_part_of_all_stations_has_all_stations() {
    let settings = settings(&zones(&[("region", "zones = [\"rest\"]"), ("rest", "")]));
    assert_eq!(stations(&settings, "region"), None);
}

#[test]
fn a_receiver_that_wants_a_zone_is_told_of_all_zones_below_it() {
    let receiver = "[[receiver]]\nid = \"desk\"\nurl = \"https://a.example/h\"\nzones = [\"city\", \"region\"]\n";
    let settings = settings(&format!(
        "{}{receiver}",
        zones(&[
            ("region", "zones = [\"city\"]"),
            ("city", "zones = [\"east\"]"),
            ("east", "stations = [\"a\"]"),
            ("west", "stations = [\"c\"]"),
        ])
    ));
    assert_eq!(settings.receivers[0].zones.as_ref().unwrap(), &["city", "east", "region"]);
}

#[test]
fn a_zone_is_made_of_zones_that_exist() {
    let two = |line: &str| zones(&[("seoul", line), ("jung", "")]);
    check(
        &two("zones = [\"jong\"]"),
        &["3:10: zone[0].zones[0]: there is no zone \"jong\"; did you mean `jung`?"],
    );
    check(
        &two("zones = [\"jung\", \"jung\"]"),
        &["3:18: zone[0].zones[1]: zone \"jung\" is there twice"],
    );
    check(
        &two("zones = []"),
        &["3:9: zone[0].zones: no zone; expected the ids of the zones it is made of"],
    );
    check(
        &two("zones = \"jung\""),
        &[
            "3:9: zone[0].zones: found \"jung\", expected a list of zone ids: [ … ]",
            "3:9: zone[0].zones: no zone; expected the ids of the zones it is made of",
        ],
    );
}

#[test]
fn a_zone_inside_itself_is_a_fault_where_the_circle_is_closed() {
    check(
        &zones(&[("a", "zones = [\"a\"]")]),
        &[
            "3:10: zone[0].zones[0]: a zone inside itself: a → a; take one of these out of the other's zones",
        ],
    );
    check(
        &zones(&[
            ("top", "zones = [\"x\"]"),
            ("x", "zones = [\"y\"]"),
            ("y", "zones = [\"z\", \"x\"]"),
            ("z", "stations = [\"*\"]"),
        ]),
        &[
            "7:10: zone[1].zones[0]: a zone inside itself: x → y → x; take one of these out of the other's zones",
        ],
    );
}

#[test]
fn issuers_of_forecasts_are_named_once_each() {
    let of = |line: &str| zones(&[("a", line)]);
    check(
        &of("forecasts_from = []"),
        &[
            "3:18: zone[0].forecasts_from: no issuer; leave it out to take the forecasts of every one",
        ],
    );
    check(
        &of("forecasts_from = [\"nier\", \"nier\"]"),
        &["3:27: zone[0].forecasts_from[1]: issuer \"nier\" is there twice"],
    );
    let settings = settings(&of("forecasts_from = [\"nier\", \"kma\"]"));
    assert_eq!(settings.zones[0].forecasts_from.as_ref().unwrap(), &["nier", "kma"]);
}

#[test]
fn a_coupling_is_of_zones_that_exist_and_of_no_more_than_there_are() {
    let two = zones(&[("a", ""), ("b", "")]);
    let good = format!("{two}[[coupling]]\nid = \"both\"\nzones = [\"a\", \"b\"]\nat_least = 2\n");
    let coupling = settings(&good).couplings.remove(0);
    assert_eq!((coupling.zones.len(), coupling.at_least), (2, 2));
    check(
        &format!("{two}[[coupling]]\nid = \"both\"\n"),
        &[
            "9:1: coupling[0].zones: missing; expected the ids of at least two zones",
            "9:1: coupling[0].at_least: missing; expected in how many of them a level must be met",
        ],
    );
    check(
        &format!("{two}[[coupling]]\nid = \"both\"\nzones = [\"a\", \"q\", \"a\"]\nat_least = 4\n"),
        &[
            "11:15: coupling[0].zones[1]: there is no zone \"q\"; did you mean `a`?",
            "11:20: coupling[0].zones[2]: zone \"a\" is there twice",
            "12:12: coupling[0].at_least: found 4, expected a whole number from 1 to 3",
        ],
    );
    check(
        &format!("{two}[[coupling]]\nid = \"one\"\nzones = [\"a\"]\nat_least = 1\n"),
        &["11:9: coupling[0].zones: fewer than two zones; a zone alone decides for itself"],
    );
}
