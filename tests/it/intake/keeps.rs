//! What becomes of a message: exactly one bucket, nothing lost, nothing twice.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::air::Stamp;
use dustline::flow::Event;
use dustline::store::{Filter, RowKind};

fn rig() -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), ZONE);
    (dir, Rig::open(settings, START))
}

#[test]
fn a_reading_is_stored_and_its_receipt_handed_back_after_the_commit() {
    let (_dir, mut rig) = rig();
    rig.pm25("s1", minute(1), 12.3);
    assert_eq!(rig.receipts(), 1);
    let rows = rig.reader().journal(0, 10).unwrap();
    let RowKind::Arrival(row) = &rows[0].kind else { panic!("{rows:?}") };
    assert_eq!(row.values[0].value.value, 12.3);
    assert_eq!(row.observed, minute(1));
    assert_eq!(rig.messages().stored, 1);
}

#[test]
fn the_same_reading_again_is_a_duplicate_and_another_value_a_revision() {
    let (_dir, mut rig) = rig();
    rig.pm25("s1", minute(1), 10.0);
    rig.pm25("s1", minute(2), 20.0);
    rig.pm25("s1", minute(1), 10.0);
    assert_eq!((rig.messages().stored, rig.messages().duplicate), (2, 1));
    rig.pm25("s1", minute(1), 16.0);
    assert_eq!((rig.messages().stored, rig.messages().duplicate), (3, 1));
    rig.tick(minute(75));
    let hours = rig.reader().hours(&Filter::default()).unwrap();
    assert_eq!(hours.len(), 1);
    assert_eq!((hours[0].count, hours[0].sum_micro), (2, 36_000_000));
    assert_eq!((hours[0].min_micro, hours[0].max_micro), (16_000_000, 20_000_000));
}

#[test]
fn a_revision_in_a_closed_hour_corrects_it_and_a_duplicate_there_changes_nothing() {
    let (_dir, mut rig) = rig();
    rig.pm25("s1", minute(1), 10.0);
    rig.pm25("s1", minute(2), 20.0);
    rig.tick(minute(75));
    rig.take("air/s1", &reading(minute(2), 20.0), minute(80));
    rig.take("air/s1", &reading(minute(2), 30.0), minute(80));
    rig.take("air/s1", &reading(minute(3), 50.0), minute(80));
    assert_eq!((rig.messages().stored, rig.messages().duplicate), (4, 1));
    let hours = rig.reader().hours(&Filter::default()).unwrap();
    assert_eq!(hours.len(), 1);
    assert_eq!((hours[0].count, hours[0].sum_micro), (3, 90_000_000));
}

#[test]
fn a_message_that_cannot_be_read_is_kept_raw_with_the_reason_and_acknowledged() {
    let (_dir, mut rig) = rig();
    let broken: [(&str, &[u8]); 6] = [
        ("air/s1", b"not json"),
        ("air/s1", b"\xff\xfe"),
        ("air/s1", b"{\"time\":\"2024-01-10T00:01:00Z\"}"),
        ("air/s1", b"[1,2"),
        ("plain/s1/pm2_5", b"twelve"),
        ("air/s1", b"{\"pm2_5\":\"much\"}"),
    ];
    for (topic, payload) in broken {
        let mut arrival = rig.arrival(topic, "", minute(1));
        arrival.payload = payload.to_vec().into();
        rig.turn(vec![Event::Arrival(arrival)]);
    }
    let set_aside = rig.reader().quarantine(0, 100).unwrap();
    let counts = rig.messages();
    assert_eq!(counts.quarantined as usize, set_aside.len());
    assert_eq!(counts.quarantined + counts.ignored, 6, "{counts:?}");
    assert!(set_aside.iter().any(|q| q.payload == b"\xff\xfe" && !q.reason.is_empty()));
    assert_eq!(rig.receipts(), 6);
    rig.pm25("s1", minute(2), 5.0);
    assert_eq!(rig.messages().stored, 1);
}

#[test]
fn unknown_topics_empty_bodies_and_retained_values_without_time_are_ignored_by_name() {
    let (_dir, mut rig) = rig();
    rig.take("elsewhere/s1", "{}", minute(1));
    rig.take("air/s1", "", minute(1));
    let mut retained = rig.arrival("plain/s1/pm2_5", "17", minute(1));
    retained.retained = true;
    rig.turn(vec![Event::Arrival(retained)]);
    assert_eq!((rig.messages().ignored, rig.messages().stored), (3, 0));
    let mut timed = rig.arrival("air/s1", &reading(minute(1), 17.0), minute(2));
    timed.retained = true;
    rig.turn(vec![Event::Arrival(timed.clone()), Event::Arrival(timed)]);
    assert_eq!((rig.messages().stored, rig.messages().duplicate), (1, 1));
}

#[test]
fn a_message_sent_again_after_a_lost_acknowledgement_is_known_even_without_a_time_of_its_own() {
    let (_dir, mut rig) = rig();
    let first = rig.arrival("plain/s1/pm2_5", "17", minute(1));
    rig.turn(vec![Event::Arrival(first.clone())]);
    let mut rig = rig.killed(minute(5));
    let again = dustline::flow::Arrival { duplicate: true, at: minute(5), ..first };
    rig.turn(vec![Event::Arrival(again)]);
    assert_eq!((rig.messages().stored, rig.messages().duplicate), (1, 1));
    // The same text in a packet of its own is a reading of its own.
    rig.take("plain/s1/pm2_5", "17", minute(6));
    assert_eq!(rig.messages().stored, 2);
}

#[test]
fn a_clock_far_off_is_flagged_kept_and_never_judged() {
    let (_dir, mut rig) = rig();
    rig.pm25("good", minute(1), 10.0);
    for (device, hours) in [("behind", -27), ("ahead", 24)] {
        for n in 0..3 {
            let own = Stamp(minute(n).0 + hours * 3_600_000);
            rig.take(&format!("air/{device}"), &reading(own, 900.0), minute(n));
        }
    }
    rig.tick(minute(75));
    assert_eq!(rig.messages().stored, 7);
    assert!(rig.moves().is_empty(), "{:?}", rig.moves());
    let rows = rig.reader().journal(0, 100).unwrap();
    let reasons: Vec<String> = rows
        .iter()
        .filter_map(|r| match &r.kind {
            RowKind::Arrival(a) => Some(a.values[0].reasons.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(reasons[1..4], ["clock_behind"; 3]);
    assert_eq!(reasons[4..7], ["clock_ahead"; 3]);
}

#[test]
fn readings_of_one_message_that_repeat_an_instant_keep_the_last_value() {
    let (_dir, mut rig) = rig();
    rig.take("air/s1", &reading(minute(1), 10.0), minute(1));
    let mut both = vec![];
    for value in [11.0, 12.0] {
        both.push(Event::Arrival(rig.arrival("air/s1", &reading(minute(2), value), minute(2))));
    }
    rig.turn(both);
    rig.tick(minute(75));
    let hours = rig.reader().hours(&Filter::default()).unwrap();
    assert_eq!((hours[0].count, hours[0].sum_micro), (2, 22_000_000));
}

#[test]
fn the_ledger_of_past_hours_and_of_the_running_one_add_up() {
    let (_dir, mut rig) = rig();
    for n in 0..180 {
        rig.pm25("s1", minute(n), 10.0);
        if n % 3 == 0 {
            rig.take("air/s1", "broken", minute(n));
        }
    }
    let counts = rig.messages();
    assert_eq!((counts.received, counts.stored, counts.quarantined), (240, 180, 60));
    assert_eq!(rig.ledger().readings.stored, 180);
    let rig = rig.killed(minute(181));
    assert_eq!(rig.messages(), counts);
}
