//! What is beyond what is to be kept goes, counted, and nothing else does.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::air::{Hour, Stamp};
use dustline::flow::{Command, Event, Redrive, Upkeep};
use dustline::store::{
    Dropped, Filter, HourRow, KeepRule, Reader, RowKind, SealRule, StoreError, retain,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// Readings of so many hours are kept; late data correct two.
fn keep(hours: u32) -> KeepRule {
    KeepRule { readings: HOUR * hours, judged: HOUR * 2, ..KeepRule::default() }
}

/// Twenty hours of readings of two devices, five minutes apart, sealed an hour at a time.
fn twenty_hours() -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for n in 0..=240 {
        rig.pm25("d0", minute(n * 5), 10.0 + n as f64 / 10.0);
        rig.pm25("d1", minute(n * 5), 20.0);
        rig.tick(minute(n * 5));
        if n % 12 == 6 {
            seal_as_it_comes(&mut rig);
        }
    }
    (dir, rig)
}

/// Seals what is half an hour old, in parts that reach over an hour or two.
fn seal_as_it_comes(rig: &mut Rig) {
    let rule = SealRule { after: HOUR / 2, reach: HOUR, ..SealRule::default() };
    rig.seal_by(&rule);
}

/// Every reading that is there, as device and time.
fn there(reader: &mut Reader) -> BTreeSet<(u32, Stamp)> {
    let mut all = BTreeSet::new();
    for part in reader.parts_after(0, usize::MAX >> 1).unwrap() {
        let rows = reader.part(&part).unwrap();
        all.extend(rows.into_iter().map(|row| (part.device.0, row.observed)));
    }
    for row in reader.journal(0, usize::MAX >> 1).unwrap() {
        let RowKind::Arrival(a) = row.kind else { continue };
        let device = a.device.filter(|_| !a.values.is_empty());
        all.extend(device.map(|device| (device.0, a.observed)));
    }
    all
}

fn dropped(rig: &Rig, tier: &str, beyond: &str) -> u64 {
    let all = rig.reader().dropped().unwrap();
    all.iter().find(|d| (d.tier, d.beyond) == (tier, beyond)).map_or(0, |d| d.count)
}

fn hours(rig: &Rig) -> Vec<HourRow> {
    rig.reader().hours(&Filter::default()).unwrap()
}

/// Stored is what is there and what was dropped, and everything else agrees.
fn agrees(rig: &Rig) {
    let mut reader = rig.reader();
    let checked = reader.check().unwrap();
    assert_eq!(checked.findings, []);
    assert_eq!(checked.readings + checked.dropped, rig.ledger().readings.stored);
    let info = reader.info().unwrap();
    let values = |name: &str| info.tiers.iter().find(|t| t.name == name).unwrap().values;
    assert_eq!(values("journal") + values("history"), checked.readings);
}

#[test]
fn readings_that_are_old_enough_go_and_their_hours_stay() {
    let (_dir, mut rig) = twenty_hours();
    let before = hours(&rig);
    rig.keep(&KeepRule::default());
    assert_eq!(rig.reader().dropped().unwrap(), [], "without a limit nothing goes");
    rig.keep(&keep(6));
    let gone = dropped(&rig, "history", "age");
    assert!((2 * 12 * 12..=2 * 12 * 14).contains(&gone), "{gone}");
    let left = there(&mut rig.reader());
    assert!(left.iter().all(|(_, at)| *at >= minute(60 * 12)), "{:?}", left.first());
    assert!((0..=6 * 12).all(|n| left.contains(&(1, minute(1_200 - n * 5)))));
    assert_eq!(hours(&rig), before);
    agrees(&rig);
    rig.keep(&keep(6));
    assert_eq!(dropped(&rig, "history", "age"), gone, "a second pass finds nothing");
}

#[test]
fn the_oldest_go_while_there_is_more_than_there_may_be() {
    let (_dir, mut rig) = twenty_hours();
    let bytes = |rig: &Rig| {
        let file = rig.settings.data_dir.join("dustline.db");
        let file = rusqlite::Connection::open(file).unwrap();
        let sql = "SELECT sum(length(block)) FROM history";
        file.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap() as u64
    };
    let all = bytes(&rig);
    let rule = KeepRule { readings_bytes: all / 2, ..keep(0) };
    rig.keep(&rule);
    let left = bytes(&rig);
    assert!(left <= all / 2 && left > all / 3, "{left} of {all}");
    let first = there(&mut rig.reader()).iter().map(|(_, at)| *at).min().unwrap();
    assert!(first > minute(60 * 5), "the oldest went: {first}");
    assert!(dropped(&rig, "history", "size") > 0);
    agrees(&rig);
}

#[test]
fn what_a_target_does_not_have_stays_until_it_does() {
    let (_dir, mut rig) = twenty_hours();
    let rule = KeepRule { targets: vec!["main".into()], hours: HOUR * 6, ..keep(6) };
    rig.keep(&rule);
    assert_eq!(rig.reader().dropped().unwrap(), [], "it has nothing yet");
    let far = rig.reader().committed().unwrap();
    rig.forwarded("main", (far.journal / 2, far.hour));
    rig.keep(&rule);
    let some = dropped(&rig, "history", "age");
    assert!(some > 0 && some < 2 * 12 * 11, "{some}");
    rig.forwarded("main", (far.journal, far.hour));
    rig.keep(&rule);
    assert!(dropped(&rig, "history", "age") > some);
    agrees(&rig);
}

#[test]
fn what_a_replay_or_a_read_back_goes_back_to_stays_until_it_is_done() {
    let (_dir, mut rig) = twenty_hours();
    let far = rig.reader().committed().unwrap();
    rig.forwarded("main", (far.journal, far.hour));
    let main = vec!["main".to_owned()];
    let rule = KeepRule { targets: main.clone(), read_back: main, ..keep(6) };
    let back = |rig: &mut Rig, hours: i64| {
        let hour = minute(60 * hours).hour();
        let read = Redrive::ReadBack { target: "main".into(), hour };
        rig.turn(vec![Event::Command(Command::Redrive(read))]);
    };
    rig.keep(&rule);
    assert_eq!(rig.reader().dropped().unwrap(), [], "never read back: a day is needed");
    back(&mut rig, 4);
    rig.keep(&rule);
    let first = |rig: &Rig| there(&mut rig.reader()).iter().map(|(_, at)| *at).min().unwrap();
    assert!(first(&rig) > START && first(&rig) <= minute(60 * 4), "{}", first(&rig));
    let (reply, mut answer) = dustline::flow::reply();
    let (target, from, to) = ("main".to_owned(), minute(60 * 6), minute(60 * 9));
    let asked = Redrive::Asked { target, from, to, at: minute(1_200), reply };
    rig.turn(vec![Event::Command(Command::Redrive(asked))]);
    back(&mut rig, 20);
    rig.keep(&rule);
    assert!(first(&rig) > minute(60 * 4) && first(&rig) <= minute(60 * 6), "{}", first(&rig));
    let replay = answer.try_recv().unwrap();
    let done = Redrive::Went { replay, device: 3, hour: Hour(0), points: 1, done: Some(minute(0)) };
    rig.turn(vec![Event::Command(Command::Redrive(done))]);
    rig.keep(&rule);
    assert!(first(&rig) > minute(60 * 12), "{}", first(&rig));
    agrees(&rig);
}

#[test]
fn readings_of_hours_that_may_be_judged_again_stay_however_short_they_are_kept() {
    let (_dir, mut rig) = twenty_hours();
    rig.keep(&KeepRule { judged: HOUR * 10, ..keep(1) });
    let left = there(&mut rig.reader());
    assert!((0..=10 * 12).all(|n| left.contains(&(1, minute(1_200 - n * 5)))));
    assert!(dropped(&rig, "history", "age") > 2 * 12 * 7);
    agrees(&rig);
}

#[test]
fn hours_that_a_target_lacks_stay_until_it_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for hour in 0..24 * 4 {
        rig.pm25("d0", minute(hour * 60), 10.0);
        rig.tick(minute(hour * 60 + 30));
    }
    let rule = KeepRule { hours: HOUR * 40, targets: vec!["main".into()], ..keep(0) };
    let far = rig.reader().committed().unwrap();
    rig.forwarded("main", (far.journal, 10));
    let kept = rig.keep(&rule);
    assert_eq!(dropped(&rig, "hours", "age"), 10);
    let kept = rig.keep_after(&rule, kept);
    assert_eq!(dropped(&rig, "hours", "age"), 10);
    rig.forwarded("main", (far.journal, far.hour));
    rig.keep_after(&rule, kept);
    assert_eq!(dropped(&rig, "hours", "age"), 48);
    agrees(&rig);
}

#[test]
fn beyond_the_hard_limit_even_what_is_needed_goes_but_nothing_that_is_still_judged() {
    let (_dir, mut rig) = twenty_hours();
    let targets = vec!["main".to_owned()];
    let used = rig.reader().used().unwrap();
    let rule = KeepRule { hard_bytes: used * 2, targets: targets.clone(), ..keep(0) };
    rig.keep(&rule);
    assert_eq!(rig.reader().dropped().unwrap(), []);
    rig.keep(&KeepRule { hard_bytes: used - 1, ..rule.clone() });
    let gone = dropped(&rig, "history", "hard");
    assert!(gone > 0, "used {used}");
    agrees(&rig);
    rig.keep(&KeepRule { hard_bytes: 1, ..rule });
    assert!(dropped(&rig, "history", "hard") >= gone && dropped(&rig, "hours", "hard") > 0);
    let left = there(&mut rig.reader());
    assert!((0..=24).all(|n| left.contains(&(1, minute(1_200 - n * 5)))));
    let young = hours(&rig).iter().filter(|h| h.hour >= minute(60 * 18).hour()).count();
    assert_eq!(young, 2);
    agrees(&rig);
}

#[test]
fn a_late_reading_of_hours_that_are_gone_is_kept_for_a_while_and_changes_no_sums() {
    let (_dir, mut rig) = twenty_hours();
    rig.keep(&keep(6));
    let (gone, before) = (dropped(&rig, "history", "age"), hours(&rig));
    // One that was there, one that was not, a revision of that one.
    for (at, value) in [(5, 10.1), (7, 70.0), (7, 71.0)] {
        rig.take("air/d0", &reading(minute(at), value), minute(1_201));
    }
    assert_eq!(hours(&rig), before);
    agrees(&rig);
    // A device that nobody knew, with an hour that nothing is gone of.
    rig.take("air/late", &reading(minute(5), 30.0), minute(1_201));
    let new = hours(&rig);
    assert_eq!(new.len(), before.len() + 1);
    assert_eq!(new.iter().find(|h| h.device.0 == 3).unwrap().sum_micro, 30_000_000);
    let mut rig = rig.killed(minute(1_300));
    rig.tick(minute(1_300));
    rig.pm25("d0", minute(1_300), 1.0);
    rig.take("air/d0", &reading(minute(9), 90.0), minute(1_301));
    assert_eq!(hours(&rig).iter().find(|h| h.hour == START.hour()), before.first());
    rig.seal(Duration::ZERO);
    agrees(&rig);
    rig.pm25("d0", minute(1_900), 1.0);
    rig.keep(&keep(6));
    assert!(dropped(&rig, "history", "age") >= gone + 4);
    agrees(&rig);
}

#[test]
fn hours_go_a_day_at_a_time_and_the_heads_of_their_rows_with_the_last_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for hour in 0..24 * 4 {
        rig.pm25("d0", minute(hour * 60), 10.0);
        rig.pm25("d0", minute(hour * 60 + 30), 10.0);
        rig.tick(minute(hour * 60 + 30));
    }
    let rule = KeepRule { hours: HOUR * 40, ..keep(0) };
    rig.keep(&rule);
    let file = rusqlite::Connection::open(dir.path().join("dustline.db")).unwrap();
    let count = |what: &str| {
        let sql = format!("SELECT count(*) FROM {what}");
        file.query_row(&sql, [], |r| r.get::<_, i64>(0)).unwrap()
    };
    // 95.5 h less 40 h are two whole days.
    assert_eq!(dropped(&rig, "hours", "age"), 48);
    assert_eq!(hours(&rig).first().unwrap().hour, minute(48 * 60).hour());
    assert!(dropped(&rig, "zone_hours", "age") >= 48);
    assert_eq!(count("chains WHERE hour < (SELECT min(hour) FROM hours)"), 48, "rows are there");
    agrees(&rig);
    seal_as_it_comes(&mut rig);
    rig.seal(Duration::ZERO);
    let whole = count("history");
    rig.keep(&KeepRule { readings: HOUR * 50, ..rule.clone() });
    assert_eq!(count("history"), whole, "one part with all of it stays as a whole");
    agrees(&rig);
    let newest = rig.reader().committed().unwrap().hour;
    let rig = rig.killed(minute(24 * 4 * 60));
    assert_eq!(rig.reader().committed().unwrap().hour, newest, "revisions go on");
}

#[test]
fn what_a_crash_cuts_off_is_gone_on_with() {
    let (_dir, rig) = twenty_hours();
    let rule = KeepRule { hours: HOUR * 6, ..keep(6) };
    let (whole, _other) = {
        let (dir, mut rig) = twenty_hours();
        rig.keep(&rule);
        (rig.reader().dropped().unwrap(), dir)
    };
    let mut rig = rig;
    for _ in 0..100 {
        // The process dies after the first piece of each pass that does anything.
        let mut reader = rig.reader();
        let mut pieces = Vec::new();
        let all = retain(&mut reader, &rule, Default::default(), |work| {
            pieces.push(work);
            Ok::<_, StoreError>(false)
        });
        all.unwrap();
        let Some(first) = pieces.into_iter().find(|piece| rig.upkeep(one_of(piece))) else { break };
        assert!(matches!(
            first,
            Upkeep::DropParts { .. } | Upkeep::DropHours { .. } | Upkeep::DropZoneHours { .. }
        ));
        rig = rig.killed(minute(1_200));
        agrees(&rig);
    }
    let counts = |all: Vec<Dropped>| -> Vec<_> {
        all.into_iter().map(|d| (d.tier, d.beyond, d.count, d.before)).collect()
    };
    assert_eq!(counts(rig.reader().dropped().unwrap()), counts(whole));
}

/// A piece with only the first of its parts.
fn one_of(piece: &Upkeep) -> Upkeep {
    match piece {
        Upkeep::DropParts { parts, beyond } => {
            Upkeep::DropParts { parts: vec![parts[0]], beyond: *beyond }
        }
        other => other.clone(),
    }
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Reading { device: u8, age: i64, value: u8 },
    Pass(i64),
    Seal(u64),
    Keep,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let reading = (0u8..3, prop_oneof![4 => 0i64..90, 1 => 0i64..900], 1u8..5);
    prop_oneof![
        12 => reading.prop_map(|(device, age, value)| Step::Reading { device, age, value }),
        4 => (1i64..80).prop_map(Step::Pass),
        2 => (0u64..120).prop_map(Step::Seal),
        2 => Just(Step::Keep),
        1 => Just(Step::Kill),
    ]
}

/// Plays a story, dropping what is older than four hours or nothing.
fn play(story: &[Step], keeps: bool) -> (tempfile::TempDir, Rig, Stamp) {
    let dir = tempfile::tempdir().unwrap();
    let zone = ZONE.replace("grace", "revise_within = \"2h\"\ngrace");
    let mut rig = Rig::open(settings(dir.path(), &zone), START);
    let mut now = 900;
    for (place, step) in story.iter().enumerate() {
        match step {
            Step::Reading { device, age, value } => {
                let value = f64::from(*value) * 40.0 + f64::from(*device);
                let mut at = minute(now);
                at.0 += place as i64;
                rig.take(&format!("air/d{device}"), &reading(minute(now - age), value), at);
            }
            Step::Pass(minutes) => {
                now += minutes;
                rig.tick(minute(now));
            }
            Step::Seal(after) => drop(rig.seal(Duration::from_secs(after * 60))),
            Step::Keep if keeps => drop(rig.keep(&keep(4))),
            Step::Keep => {}
            Step::Kill => rig = rig.killed(minute(now)),
        }
    }
    (dir, rig, minute(now))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn dropping_what_is_old_changes_nothing_that_is_young(story in prop::collection::vec(step(), 1..120)) {
        let (_all, without, now) = play(&story, false);
        let (_some, with, _) = play(&story, true);
        agrees(&with);
        let young = now.minus(HOUR * 4);
        let of = |rig: &Rig| -> Vec<(u32, Stamp)> {
            there(&mut rig.reader()).into_iter().filter(|(_, at)| *at >= young).collect()
        };
        prop_assert_eq!(of(&with), of(&without));
        let sums = |rig: &Rig| -> Vec<_> {
            let young = hours(rig).into_iter().filter(|h| h.hour >= young.hour());
            young.map(|h| (h.device, h.hour, h.quantity, h.count, h.sum_micro)).collect()
        };
        prop_assert_eq!(sums(&with), sums(&without));
        prop_assert_eq!(with.moves(), without.moves());
        let levels = |rig: &Rig| format!("{:#?}", rig.reader().levels().unwrap());
        prop_assert_eq!(levels(&with), levels(&without));
        prop_assert!(there(&mut with.reader()).is_subset(&there(&mut without.reader())));
    }
}
