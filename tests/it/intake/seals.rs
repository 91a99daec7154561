//! Whatever is sealed and merged, whenever: what is kept, judged and answered is the
//! same as if nothing ever was.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::air::Hour;
use dustline::intake::{Intake, Parts, Plan};
use dustline::store::{Filter, Kept, Reader, RowKind, Writer};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    /// A reading of a device, so many minutes old.
    Reading { device: u8, age: i64, value: u8 },
    /// So many minutes go by.
    Pass(i64),
    /// Rows that are so many minutes old are sealed.
    Seal(u64),
    /// The process is killed and comes back.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let reading = (0u8..3, prop_oneof![3 => 0i64..3, 1 => 0i64..400], 1u8..5);
    prop_oneof![
        12 => reading.prop_map(|(device, age, value)| Step::Reading { device, age, value }),
        4 => (1i64..50).prop_map(Step::Pass),
        2 => (0u64..120).prop_map(Step::Seal),
        1 => Just(Step::Kill),
    ]
}

/// Plays a story, with its sealings or without.
fn play(story: &[Step], seals: bool) -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    let mut now = 600;
    for (place, step) in story.iter().enumerate() {
        match step {
            Step::Reading { device, age, value } => {
                let value = f64::from(*value) * 40.0 + f64::from(*device);
                let text = reading(minute(now - age), value);
                // No two rows come in at the same instant.
                let mut at = minute(now);
                at.0 += place as i64;
                rig.take(&format!("air/d{device}"), &text, at);
            }
            Step::Pass(minutes) => {
                now += minutes;
                rig.tick(minute(now));
            }
            Step::Seal(after) if seals => {
                rig.seal(Duration::from_secs(after * 60));
            }
            Step::Seal(_) => {}
            Step::Kill => rig = rig.killed(minute(now)),
        }
    }
    (dir, rig)
}

/// Every row of readings, by device, sealed or not, and whether it revises.
fn rows(reader: &mut Reader) -> Vec<String> {
    let mut all: Vec<(u32, Kept)> = Vec::new();
    for part in reader.parts_after(0, usize::MAX >> 1).unwrap() {
        all.extend(reader.part(&part).unwrap().into_iter().map(|row| (part.device.0, row)));
    }
    for row in reader.journal(0, usize::MAX >> 1).unwrap() {
        let RowKind::Arrival(a) = row.kind else { continue };
        let Some(device) = a.device.filter(|_| !a.values.is_empty()) else { continue };
        all.push((device.0, Kept::of(row.received, a)));
    }
    all.sort_by_key(|(_, row)| row.received);
    all.iter().map(|row| format!("{row:?}")).collect()
}

/// What counts, by device, time and quantity, found as everyone finds it.
fn counting(reader: &mut Reader) -> BTreeMap<(String, i64, String), String> {
    let index = reader.index().unwrap();
    let devices: Vec<_> = reader.devices().map(|(id, name)| (id, name.to_owned())).collect();
    let mut found = BTreeMap::new();
    for (id, name) in devices {
        let closed = reader.closed_hours(id, Hour(i32::MIN), Hour(i32::MAX)).unwrap();
        let open = index.device(id).map(|d| d.open.clone()).unwrap_or_default();
        for hour in closed.into_iter().chain(open) {
            for row in reader.chain((id, hour.hour), hour.head).unwrap() {
                for m in row.values {
                    let key = (name.clone(), row.observed.0, m.value.quantity.name().to_owned());
                    found.entry(key).or_insert(format!("{m:?}"));
                }
            }
        }
    }
    found
}

/// All that can be told of a store.
fn told(rig: &Rig) -> Vec<String> {
    let mut reader = rig.reader();
    let mut all = rows(&mut reader);
    all.push(format!("{:#?}", counting(&mut reader)));
    let everything = Filter::default();
    all.push(format!("{:#?}", reader.hours(&everything).unwrap()));
    all.push(format!("{:#?}", reader.zone_hours(&everything).unwrap()));
    all.push(format!("{:#?}", reader.changes(&everything, 0).unwrap()));
    all.push(format!("{:#?}", reader.levels().unwrap()));
    all.push(format!("{:#?}", rig.ledger()));
    assert_eq!(reader.check().unwrap().findings, []);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn sealing_and_merging_change_nothing_that_can_be_seen(story in prop::collection::vec(step(), 1..120)) {
        let (_plain, without) = play(&story, false);
        let (_sealed, with) = play(&story, true);
        prop_assert_eq!(told(&with), told(&without));
    }
}

/// Six hours of readings of two devices, sealed but for the last.
fn sealed() -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for n in 0..72 {
        rig.pm25("d0", minute(n * 5), 10.0 + n as f64);
        rig.pm25("d1", minute(n * 5), 20.0);
        rig.tick(minute(n * 5));
    }
    assert!(rig.seal(Duration::from_secs(3_600)) > 100);
    (dir, rig)
}

#[test]
fn late_data_of_hours_that_are_sealed_are_told_apart_and_correct_them() {
    let (_dir, mut rig) = sealed();
    let before = rig.messages();
    let late = minute(400);
    rig.take("air/d0", &reading(minute(5), 11.0), late);
    rig.take("air/d0", &reading(minute(5), 500.0), late);
    rig.take("air/d0", &reading(minute(7), 7.0), late);
    let after = rig.messages();
    assert_eq!((after.stored - before.stored, after.duplicate - before.duplicate), (2, 1));
    let hours = rig.reader().hours(&Filter::default()).unwrap();
    let first = hours.iter().find(|h| h.hour == START.hour() && h.device.0 == 1).unwrap();
    // 10 + 11 + … + 21, with 500 for 11, and 7.
    assert_eq!((first.count, first.sum_micro), (13, 682_000_000));
    rig.seal(Duration::ZERO);
    rig.take("air/d0", &reading(minute(5), 500.0), minute(401));
    rig.take("air/d0", &reading(minute(5), 11.0), minute(402));
    assert_eq!(rig.messages().duplicate - before.duplicate, 2);
    assert_eq!(rig.reader().check().unwrap().findings, []);
}

#[test]
fn what_a_crash_leaves_of_a_sealing_is_forgotten_or_finished() {
    let (dir, rig) = sealed();
    let whole = told(&rig);
    let file = rusqlite::Connection::open(dir.path().join("dustline.db")).unwrap();
    // A part prepared for a sealing that was not finished, and a row not yet deleted.
    file.execute_batch(
        "INSERT INTO history (device, upto, first, last, rows, readings, block)
           SELECT device, 1000000, first, last, rows, readings, block FROM history LIMIT 1;
         INSERT INTO journal SELECT 1, tag, received, source, device, observed, prev, packet, digest, body
           FROM journal LIMIT 1;",
    )
    .unwrap();
    assert_eq!(told(&rig), whole);
    let mut rig = rig.killed(minute(400));
    assert_eq!(told(&rig), whole);
    rig.tick(minute(500));
    rig.pm25("d0", minute(500), 1.0);
    rig.seal(Duration::ZERO);
    let left = |sql: &str| file.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
    assert_eq!(left("SELECT count(*) FROM history WHERE upto = 1000000"), 0);
    assert_eq!(left("SELECT count(*) FROM journal WHERE seq = 1"), 0);
}

#[test]
fn a_damaged_block_is_found_and_named_and_holds_up_nothing_else() {
    let (dir, mut rig) = sealed();
    let file = rusqlite::Connection::open(dir.path().join("dustline.db")).unwrap();
    let (upto, mut block): (i64, Vec<u8>) = file
        .query_row("SELECT upto, block FROM history WHERE device = 1", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .unwrap();
    let middle = block.len() / 2;
    block[middle] ^= 1;
    file.execute("UPDATE history SET block = ? WHERE upto = ?", (block, upto)).unwrap();
    let findings = rig.reader().check().unwrap().findings;
    let found = &findings[0];
    assert!(found.place.contains(&format!("device d0, part up to row {upto}")), "{found:?}");
    assert!(found.what.contains("its checksum does not match"), "{found:?}");
    assert!(found.advice.contains("restore a backup"), "{found:?}");
    // The other device is whole, and what comes is taken, for the damaged hours too.
    assert!(findings.iter().all(|f| !f.place.contains("device d1")), "{findings:#?}");
    let before = rig.messages();
    rig.take("air/d0", &reading(minute(5), 1.0), minute(500));
    rig.take("air/d1", &reading(minute(5), 20.0), minute(500));
    let after = rig.messages();
    assert_eq!((after.stored - before.stored, after.duplicate - before.duplicate), (1, 1));
}

#[test]
fn a_state_of_another_version_is_refused_once_the_journal_is_sealed() {
    let (dir, rig) = sealed();
    let settings = rig.settings.clone();
    drop(rig);
    let file = rusqlite::Connection::open(dir.path().join("dustline.db")).unwrap();
    file.execute("UPDATE snapshot SET state = x'00'", []).unwrap();
    let refused = Intake::open(Parts {
        plan: std::sync::Arc::new(Plan::of(&settings)),
        writer: Writer::open(dir.path()).unwrap(),
        announce: dustline::flow::announce(Default::default()),
        metrics: dustline::telemetry::Metrics::new("test", "test"),
        clock: dustline::clock::Clock::manual(minute(400)),
        health: dustline::telemetry::Health::new(),
    });
    let words = refused.err().unwrap().to_string();
    assert!(words.contains("run the dustline that wrote it, nothing was changed"), "{words}");
}
