//! What was set aside leaves again: read after all, dropped, pushed out. The ledger
//! and the quarantine agree at every step, live and after a restart.

use super::rig::{MAPPING, Rig, START, ZONE, minute, settings, settings_with};
use dustline::air::Stamp;
use dustline::flow::{self, AsideAct, AsideHandled, Command, Event};
use dustline::store::{Filter, RowKind};
use std::path::Path;

/// The mapping that knows the name which the devices use.
const MENDED: &str = r#"pm2_5 = "/pm", pm10 = "/pm10""#;

fn mended(dir: &Path) -> dustline::config::Settings {
    settings_with(dir, MENDED, ZONE)
}

fn ask(rig: &mut Rig, act: AsideAct, at: Stamp) -> AsideHandled {
    let (reply, mut answer) = flow::reply();
    rig.turn(vec![Event::Command(Command::Aside { act, at, reply })]);
    agrees(rig);
    answer.try_recv().unwrap()
}

/// The ledger and what is set aside are the same messages, and the store is whole.
fn agrees(rig: &Rig) {
    assert_eq!(rig.messages().quarantined, rig.reader().aside_count().unwrap());
    let checked = rig.reader().check().unwrap();
    assert_eq!(checked.findings, [], "{checked:?}");
}

fn reading(at: Stamp, value: f64) -> String {
    format!(r#"{{"time":"{at}","pm":{value}}}"#)
}

#[test]
fn a_message_is_read_again_once_its_mapping_is_mended_and_enters_as_late_data() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    rig.pm25("s1", minute(2), 30.0);
    rig.take("air/s1", &reading(minute(1), 10.0), minute(1));
    rig.tick(minute(75));
    agrees(&rig);
    assert_eq!((rig.messages().stored, rig.messages().quarantined), (1, 1));
    drop(rig);
    let mut rig = Rig::open(mended(dir.path()), minute(130));
    let handled = ask(&mut rig, AsideAct::Retry(1), minute(130));
    assert_eq!(handled, AsideHandled::Left { bucket: "stored", readings: 1 });
    let hours = rig.reader().hours(&Filter::default()).unwrap();
    assert_eq!((hours[0].count, hours[0].sum_micro), (2, 40_000_000));
    // It is counted where it came in, the reading where it entered.
    let lines = rig.reader().ledger(START.hour(), START.hour().next()).unwrap();
    assert_eq!(lines.iter().map(|(_, l)| l.messages.quarantined).sum::<u64>(), 0);
    assert_eq!(lines.iter().map(|(_, l)| l.messages.stored).sum::<u64>(), 2);
    assert_eq!(lines.iter().map(|(_, l)| l.readings.stored).sum::<u64>(), 1);
    assert_eq!((rig.messages().stored, rig.ledger().readings.stored), (2, 2));
    let moves = rig.reader().ledger_moves(minute(130).hour(), minute(130).hour().next()).unwrap();
    assert_eq!((moves.len(), moves[0].1.hour, moves[0].1.count), (1, START.hour(), 1));
    // The same again is not there any more, also after a restart.
    let mut rig = rig.killed(minute(131));
    assert_eq!((rig.messages().stored, rig.ledger().readings.stored), (2, 2));
    assert_eq!(ask(&mut rig, AsideAct::Retry(1), minute(131)), AsideHandled::Absent);
}

#[test]
fn a_message_without_a_time_of_its_own_is_of_the_time_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    rig.take("air/s1", r#"{"pm":17}"#, minute(3));
    let mut retained = rig.arrival("air/s1", r#"{"pm":18}"#, minute(4));
    retained.retained = true;
    rig.turn(vec![Event::Arrival(retained)]);
    drop(rig);
    let mut rig = Rig::open(mended(dir.path()), minute(20));
    let stored = AsideHandled::Left { bucket: "stored", readings: 1 };
    assert_eq!(ask(&mut rig, AsideAct::Retry(1), minute(20)), stored);
    let ignored = AsideHandled::Left { bucket: "ignored", readings: 0 };
    assert_eq!(ask(&mut rig, AsideAct::Retry(2), minute(21)), ignored);
    let rows = rig.reader().journal(0, 100).unwrap();
    let observed: Vec<Stamp> = rows
        .iter()
        .filter_map(|row| match &row.kind {
            RowKind::Arrival(a) if !a.values.is_empty() => Some(a.observed),
            _ => None,
        })
        .collect();
    assert_eq!(observed, [minute(3)]);
    assert_eq!((rig.messages().received, rig.messages().ignored), (2, 1));
}

#[test]
fn what_was_said_meanwhile_makes_a_message_read_again_a_duplicate() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    rig.take("air/s1", &reading(minute(1), 10.0), minute(1));
    rig.pm25("s1", minute(1), 10.0);
    drop(rig);
    let mut rig = Rig::open(mended(dir.path()), minute(20));
    let handled = ask(&mut rig, AsideAct::Retry(1), minute(20));
    assert_eq!(handled, AsideHandled::Left { bucket: "duplicate", readings: 0 });
    assert_eq!((rig.messages().stored, rig.messages().duplicate), (1, 1));
}

#[test]
fn what_still_cannot_be_read_stays_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    rig.take("air/s1", r#"{"pm":17}"#, minute(3));
    let before = rig.reader().quarantine(0, 9).unwrap();
    drop(rig);
    let elsewhere = r#"pm10 = "/elsewhere""#;
    let mut rig = Rig::open(settings_with(dir.path(), elsewhere, ZONE), minute(20));
    let AsideHandled::Again { reason, detail } = ask(&mut rig, AsideAct::Retry(1), minute(20))
    else {
        panic!("it was read")
    };
    let after = rig.reader().quarantine(0, 9).unwrap();
    assert_eq!((&after[0].reason, &after[0].detail), (&reason, &detail));
    assert_eq!(after[0].payload, before[0].payload);
    assert_eq!(rig.messages().quarantined, 1);
}

#[test]
fn a_dropped_message_is_ignored_from_then_on_also_in_the_running_hour() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    rig.take("air/s1", "not json", minute(1));
    rig.take("air/s1", "not json either", minute(1));
    let gone = AsideHandled::Left { bucket: "ignored", readings: 0 };
    assert_eq!(ask(&mut rig, AsideAct::Drop(1), minute(2)), gone);
    assert_eq!((rig.messages().quarantined, rig.messages().ignored), (1, 1));
    rig.tick(minute(75));
    rig.pm25("s1", minute(76), 3.0);
    assert_eq!(ask(&mut rig, AsideAct::Drop(2), minute(77)), gone);
    let rig = rig.killed(minute(78));
    assert_eq!((rig.messages().quarantined, rig.messages().ignored), (0, 2));
    agrees(&rig);
}

#[test]
fn beyond_its_bounds_the_oldest_goes_first_and_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = "[quarantine]\nmax_messages = 3\nmax_bytes = 60\n";
    let settings = settings_with(dir.path(), MAPPING, &format!("{ZONE}{bounds}"));
    let mut rig = Rig::open(settings, START);
    for n in 0..5 {
        rig.take("air/s1", &format!("broken {n}"), minute(n));
        agrees(&rig);
    }
    let ids = |rig: &Rig| -> Vec<i64> {
        rig.reader().quarantine(0, 9).unwrap().iter().map(|q| q.id).collect()
    };
    assert_eq!(ids(&rig), [3, 4, 5]);
    assert_eq!((rig.messages().quarantined, rig.messages().ignored), (3, 2));
    // Three of 14 bytes and one of 36: the bytes bound it now.
    rig.take("air/s1", &"x".repeat(30), minute(70));
    agrees(&rig);
    assert_eq!(ids(&rig), [5, 6]);
    let rig = rig.killed(minute(78));
    assert_eq!((rig.messages().received, rig.messages().ignored), (6, 4));
    agrees(&rig);
}
