//! Whatever the order of rows and files, the same is judged.

use super::*;
use crate::air::{Hour, Quantity};
use crate::rules::builtin;
use crate::rules::judge::{PlannedStation, PlannedZone};
use proptest::prelude::*;
use std::time::Duration;

const STATIONS: [&str; 3] = ["a", "b", "c"];

fn way(by: ZoneBy) -> Way {
    let zoning = Zoning {
        stations: Vec::new(),
        couplings: Vec::new(),
        by,
        min_valid_share: 0.5,
        own_rulesets: false,
    };
    let covers = Duration::from_secs(3600);
    Way { zoning, covers, min_coverage: 0.75, neighbours: None, forecasts: Vec::new() }
}

fn choices(asked: &[&str]) -> Vec<Choice> {
    let known = builtin().unwrap();
    asked.iter().map(|a| choose(a, &known).unwrap()).collect()
}

/// A row as text: hours after 8 January 2022 in UTC, station, value.
fn row((hour, station, value): &(i32, usize, Option<u16>)) -> String {
    let first = crate::air::Stamp::parse("2022-01-08T00:00:00Z").unwrap().hour();
    let value = value.map_or(String::new(), |v| format!("{}", f64::from(v) / 2.0));
    format!("{},{},{value}\n", Hour(first.0 + hour).end(), STATIONS[*station])
}

fn read(files: &[Vec<String>]) -> Data {
    let mut data = Data::new();
    for file in files {
        let text = format!("time,station,pm2_5\n{}", file.concat());
        data.read(text.as_bytes(), "x", TimeLabel::End).unwrap();
    }
    data
}

/// What came of it, and on how many values it rests.
fn judged_of(files: &[Vec<String>], by: &ZoneBy) -> (Outcome, usize) {
    let both = ["kr-air-alert", "kr-air-alert@2016-01-01"];
    let mut data = read(files);
    let outcome = run(&mut data, &choices(&both), &way(by.clone()));
    (outcome, data.samples().len())
}

fn judged(files: &[Vec<String>], by: &ZoneBy) -> Outcome {
    judged_of(files, by).0
}

fn moves(outcome: &Outcome) -> Vec<String> {
    let one = |t: &Told| {
        let c = &t.change;
        format!("{} {} {} {}-{}", t.asked, c.scope.id(), c.at, c.from, c.to)
    };
    outcome.changes.iter().map(one).collect()
}

/// One value for each station and hour, some missing, high enough for levels.
fn rows() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![3 => (100u16..420).prop_map(Some), 2 => (0u16..90).prop_map(Some), 1 => Just(None)];
    proptest::collection::vec(value, 90).prop_map(|values| {
        let place = |(i, v): (usize, Option<u16>)| row(&((i / 3) as i32, i % 3, v));
        values.into_iter().enumerate().map(place).collect()
    })
}

proptest! {
    #[test]
    fn shuffled_repeated_and_split_rows_give_the_same(
        (rows, shuffled) in rows().prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
        again in proptest::collection::vec(0usize..90, 0..40),
        file in proptest::collection::vec(0usize..4, 130),
        by_station in any::<bool>(),
    ) {
        let by = if by_station { ZoneBy::Station } else { ZoneBy::All };
        let (plain, values) = judged_of(&[rows], &by);
        let mut many = shuffled.clone();
        many.extend(again.iter().map(|i| shuffled[*i].clone()));
        let mut files = vec![Vec::new(); 4];
        for (row, file) in many.into_iter().zip(&file) {
            files[*file].push(row);
        }
        prop_assert_eq!(judged_of(&files, &by), (plain, values));
    }
}

#[test]
fn the_values_of_the_property_reach_levels() {
    let rows: Vec<String> =
        (0..12).map(|h| row(&(h, 0, Some(if h < 6 { 400 } else { 40 })))).collect();
    let told = moves(&judged(&[rows], &ZoneBy::All));
    assert_eq!(
        told,
        [
            "kr-air-alert all 2022-01-08T02:00:00Z none-warning",
            "kr-air-alert@2016-01-01 all 2022-01-08T02:00:00Z none-warning",
            "kr-air-alert all 2022-01-08T07:00:00Z warning-none",
            "kr-air-alert@2016-01-01 all 2022-01-08T07:00:00Z warning-none",
        ]
    );
}

#[test]
fn a_later_row_for_the_same_time_revises_the_earlier_one() {
    let high = |h| row(&(h, 0, Some(200)));
    let low = |h| row(&(h, 0, Some(20)));
    let outcome = judged(&[vec![high(0), high(1), high(2), low(1)]], &ZoneBy::All);
    assert_eq!(moves(&outcome), Vec::<String>::new());
    let outcome = judged(&[vec![low(1), high(0), high(2), high(1)]], &ZoneBy::All);
    assert_eq!(outcome.changes.len(), 2, "by both versions");
}

#[test]
fn missing_hours_break_a_run_and_lift_nothing() {
    let rows: Vec<String> =
        [(0, 160), (2, 160), (3, 160), (9, 160)].map(|(h, v)| row(&(h, 0, Some(v)))).into();
    let outcome = judged(&[rows], &ZoneBy::All);
    assert_eq!(moves(&outcome), ["kr-air-alert all 2022-01-08T04:00:00Z none-advisory"]);
    let tally = &outcome.tallies[0];
    assert_eq!((tally.judged, tally.invalid, tally.hours()), (4, 6, 10));
    assert_eq!(tally.levels, [("none".to_owned(), 3), ("advisory".to_owned(), 7)]);
}

#[test]
fn a_row_of_another_century_neither_hangs_nor_lifts() {
    let rows = [0, 1, 2_000_000].map(|h| row(&(h, 0, Some(160)))).into();
    let outcome = judged(&[rows], &ZoneBy::All);
    assert_eq!(moves(&outcome), ["kr-air-alert all 2022-01-08T02:00:00Z none-advisory"]);
    let tally = &outcome.tallies[0];
    assert_eq!(tally.hours(), 2_000_001);
    assert_eq!(tally.levels.iter().map(|(_, h)| h).sum::<u64>(), 2_000_001);
}

#[test]
fn too_few_stations_judge_nothing() {
    let hour = |h, stations: &[usize]| -> Vec<String> {
        stations.iter().map(|s| row(&(h, *s, Some(200)))).collect()
    };
    let files = [hour(0, &[0]), hour(1, &[1]), hour(2, &[2]), hour(3, &[0, 1]), hour(4, &[0, 2])];
    let outcome = judged(&files, &ZoneBy::All);
    assert_eq!(outcome.changes[0].change.at, Hour(outcome.changes[0].change.at.hour().0).start());
    assert_eq!(outcome.tallies[0].invalid, 3);
    assert_eq!(moves(&outcome)[0], "kr-air-alert all 2022-01-08T05:00:00Z none-advisory");
}

#[test]
fn a_zone_begins_with_its_own_data_and_others_stay_outside() {
    let rows: Vec<String> = (0..4)
        .flat_map(|h| [row(&(h, 0, Some(10))), row(&(h, 2, Some(10)))])
        .chain([row(&(3, 1, Some(10)))])
        .collect();
    let list = [("a", "west"), ("b", "east"), ("z", "east")];
    let list = list.map(|(s, z)| (s.to_owned(), z.to_owned())).into();
    let outcome = judged(&[rows], &ZoneBy::List(list));
    assert_eq!(outcome.outside, 1);
    let hours: Vec<(&str, u64)> =
        outcome.tallies.iter().map(|t| (t.zone.as_str(), t.judged)).collect();
    assert_eq!(hours[..3], [("east", 1), ("east", 0), ("west", 4)], "pm2_5, pm10 of each");
}

#[test]
fn devices_of_a_planned_station_are_one_station_and_a_silent_one_is_missed() {
    let zone = PlannedZone {
        id: "city".to_owned(),
        name: crate::air::Names::plain("City"),
        stations: Some(vec!["s".to_owned(), "silent".to_owned()]),
        min_valid_share: 1.0,
        rulesets: vec!["kr-air-alert".to_owned()],
        time_zone: jiff::tz::TimeZone::UTC,
        forecasts_from: None,
    };
    let mut way = way(ZoneBy::Planned(vec![zone.clone()]));
    way.zoning.own_rulesets = true;
    let devices = ["a", "b"].map(str::to_owned).into();
    let silent = PlannedStation { id: "silent".to_owned(), devices: Vec::new() };
    way.zoning.stations = vec![PlannedStation { id: "s".to_owned(), devices }, silent];
    let rows: Vec<String> =
        (0..3).flat_map(|h| [row(&(h, 0, Some(100))), row(&(h, 1, Some(300)))]).collect();
    let alone = run(&mut read(std::slice::from_ref(&rows)), &choices(&["kr-air-alert"]), &way);
    assert_eq!((alone.changes.len(), alone.tallies[0].invalid), (0, 3));
    way.zoning.by = ZoneBy::Planned(vec![PlannedZone { min_valid_share: 0.5, ..zone }]);
    let half = run(&mut read(&[rows]), &choices(&["kr-air-alert"]), &way);
    assert_eq!((half.changes.len(), half.changes[0].change.value), (1, Some(100.0)));
    assert_eq!(half.changes[0].name.text(crate::air::place::Language::En), "City");
    assert_eq!(half.changes[0].change.quantity, Quantity::Pm2_5);
}
