//! What changes around the judgement: devices join, the configuration is another
//! one after a restart, the clock is set, a backlog comes late.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::flow::{Command, Event};

fn hour(rig: &mut Rig, hour: i64, stations: &[(&str, f64)]) {
    for m in 0..6 {
        let at = minute(hour * 60 + m * 10 + 5);
        for (station, value) in stations {
            rig.pm25(station, at, *value);
        }
    }
}

fn told(rig: &Rig) -> Vec<String> {
    let notices = rig.reader().outbox(None, 0, 1000).unwrap().into_iter();
    notices
        .filter(|n| n.event.kind == "dustline.change.v1")
        .map(|n| format!("{} {}", n.event.data["ladder"], n.event.data["to"]).replace('"', ""))
        .collect()
}

#[test]
fn devices_that_join_late_are_expected_from_then_on_also_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for h in 0..3 {
        hour(&mut rig, h, &[("a", 100.0), ("b", 100.0)]);
    }
    let many = [("a", 100.0), ("b", 100.0), ("c", 100.0), ("d", 100.0), ("e", 100.0)];
    hour(&mut rig, 3, &many);
    let mut rig = rig.killed(minute(240));
    hour(&mut rig, 4, &many);
    hour(&mut rig, 5, &many);
    assert_eq!(rig.moves().len(), 1, "{:?}", rig.moves());
    assert_eq!(rig.level("kr-pm25"), "advisory");
}

#[test]
fn stations_of_an_earlier_configuration_are_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    hour(&mut rig, 0, &[("a", 10.0), ("b", 10.0), ("c", 10.0), ("d", 10.0)]);
    rig.intake.take().unwrap().finish().unwrap();
    let grouped =
        format!("{ZONE}\n[[station]]\nid = \"west\"\ndevices = [\"a\", \"b\", \"c\", \"d\"]\n");
    rig.settings = settings(dir.path(), &grouped);
    let mut rig = rig.killed(minute(60));
    for h in 1..5 {
        hour(&mut rig, h, &[("a", 100.0), ("b", 100.0), ("c", 100.0), ("d", 100.0)]);
    }
    assert_eq!(rig.level("kr-pm25"), "advisory");
}

#[test]
fn a_listed_station_that_has_never_reported_still_counts_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let zone = ZONE.replace(r#"["*"]"#, r#"["a", "b", "c", "d"]"#);
    let mut rig = Rig::open(settings(dir.path(), &zone), START);
    for h in 0..4 {
        hour(&mut rig, h, &[("a", 100.0)]);
        rig.tick(minute(h * 60 + 75));
    }
    assert!(rig.moves().is_empty(), "one of four is too few: {:?}", rig.moves());
}

#[test]
fn a_zone_of_which_nothing_is_heard_becomes_unknown_and_an_operational_alert() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for n in 1..40 {
        rig.tick(minute(n * 10));
    }
    let levels = rig.reader().levels().unwrap();
    assert!(levels.iter().all(|l| l.level == "none" && l.unknown_since.is_some()));
    let subjects: Vec<_> =
        rig.reader().outbox(None, 0, 10).unwrap().into_iter().map(|n| n.event.subject).collect();
    assert!(
        subjects.contains(&"operational/zone_unknown/seoul/kr-pm25".to_owned()),
        "{subjects:?}"
    );
}

#[test]
fn a_backlog_that_is_the_first_of_its_zone_is_judged() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for n in 1..50 {
        rig.tick(minute(n * 10));
    }
    for m in 0..42 {
        rig.take("air/a", &reading(minute(60 + m * 10 + 5), 100.0), minute(490));
    }
    assert_eq!(rig.level("kr-pm25"), "advisory", "{:?}", rig.moves());
    assert_eq!(told(&rig), ["kr-pm25 advisory"]);
    // A revision of such an hour to nothing valid neither panics nor lifts.
    for m in 0..6 {
        rig.take("air/a", &reading(minute(60 + m * 10 + 5), 999.9), minute(491));
    }
    assert_eq!(rig.level("kr-pm25"), "advisory");
}

#[test]
fn a_clock_that_was_ahead_for_a_moment_freezes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    rig.take("plain/a/pm2_5", "10", minute(1));
    let tomorrow = minute(24 * 60);
    rig.turn(vec![
        Event::Command(Command::ClockSet { now: tomorrow, by_ms: 86_000_000 }),
        Event::Tick(tomorrow),
    ]);
    rig.take("plain/a/pm2_5", "11", tomorrow);
    rig.turn(vec![Event::Command(Command::ClockSet { now: minute(2), by_ms: -86_000_000 })]);
    let mut rig = rig.killed(minute(2));
    for n in 3..9 {
        rig.take("plain/a/pm2_5", "310", minute(n));
    }
    assert_eq!(rig.messages().stored, 8);
    assert_eq!(rig.moves(), ["emergency none→emergency 2024-01-10T00:04:00Z"]);
}

#[test]
fn an_old_excursion_is_kept_but_only_what_still_holds_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), minute(600));
    for (n, value) in [(1, 400.0), (2, 400.0), (3, 10.0), (4, 10.0), (5, 500.0), (6, 500.0)] {
        rig.take("air/a", &reading(minute(n), value), minute(600));
    }
    assert_eq!(rig.moves().len(), 3);
    assert_eq!(told(&rig), [""; 0]);
    let mut rig = rig.killed(minute(600));
    rig.take("air/a", &reading(minute(600), 320.0), minute(600));
    assert_eq!(told(&rig), ["emergency emergency"]);
}
