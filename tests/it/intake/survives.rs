//! Judgement over hours, silence, late data and restarts.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::flow::Event;
use dustline::store::Filter;

fn rig() -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), ZONE);
    (dir, Rig::open(settings, START))
}

/// Every ten minutes of an hour a reading of each station.
fn hour(rig: &mut Rig, hour: i64, stations: &[(&str, f64)]) {
    for m in 0..6 {
        let at = minute(hour * 60 + m * 10 + 5);
        for (station, value) in stations {
            rig.pm25(station, at, *value);
        }
    }
}

#[test]
fn two_hours_at_75_raise_an_advisory_and_one_below_35_lifts_it() {
    let (_dir, mut rig) = rig();
    hour(&mut rig, 0, &[("a", 70.0), ("b", 80.0)]);
    hour(&mut rig, 1, &[("a", 74.0), ("b", 76.0)]);
    assert!(rig.moves().is_empty());
    hour(&mut rig, 2, &[("a", 35.0), ("b", 35.0)]);
    assert_eq!(rig.moves(), ["kr-pm25 none→advisory 2024-01-10T02:00:00Z"]);
    hour(&mut rig, 3, &[("a", 34.0), ("b", 35.9)]);
    hour(&mut rig, 4, &[("a", 1.0), ("b", 1.0)]);
    assert_eq!(rig.moves()[1..], ["kr-pm25 advisory→none 2024-01-10T04:00:00Z"]);
    let mut notices = rig.reader().outbox(None, 0, 100).unwrap();
    notices.retain(|n| n.event.kind == "dustline.change.v1");
    assert_eq!(notices.len(), 2);
    assert_eq!(notices[0].event.subject, "zone/seoul/kr-pm25");
    assert_eq!(notices[0].event.uid, rig.changes()[0].uid);
}

#[test]
fn silence_lifts_nothing_and_becomes_unknown_and_then_an_operational_alert() {
    let (_dir, mut rig) = rig();
    hour(&mut rig, 0, &[("a", 90.0)]);
    hour(&mut rig, 1, &[("a", 90.0)]);
    for n in 0..60 {
        rig.tick(minute(120 + n * 10));
    }
    assert_eq!(rig.moves().len(), 1);
    assert_eq!(rig.level("kr-pm25"), "advisory");
    let level = rig.reader().levels().unwrap().into_iter().find(|l| l.ladder == "kr-pm25").unwrap();
    assert_eq!(level.unknown_since, Some(minute(120)));
    let told = |rig: &Rig| {
        let all = rig.reader().outbox(None, 0, 100).unwrap().into_iter();
        all.filter(|n| n.event.subject == "operational/zone_unknown/seoul/kr-pm25")
            .map(|n| n.event.data["active"].as_bool().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&rig), [true], "told once, three hours after the last valid hour");
    // Data again: the condition ends, and that is told once.
    hour(&mut rig, 12, &[("a", 90.0)]);
    hour(&mut rig, 13, &[("a", 90.0)]);
    assert_eq!(told(&rig), [true, false]);
}

#[test]
fn a_station_that_drops_out_at_the_peak_does_not_clear_the_level() {
    let (_dir, mut rig) = rig();
    hour(&mut rig, 0, &[("a", 100.0), ("b", 100.0), ("c", 20.0)]);
    hour(&mut rig, 1, &[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
    hour(&mut rig, 2, &[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
    // Only the cleanest of three goes on: one of three is too few to judge.
    hour(&mut rig, 3, &[("c", 5.0)]);
    hour(&mut rig, 4, &[("c", 5.0)]);
    rig.tick(minute(320));
    assert_eq!(rig.level("kr-pm25"), "advisory");
}

#[test]
fn late_data_change_the_present_level_with_one_change_and_the_past_without_a_notice() {
    let (_dir, mut rig) = rig();
    hour(&mut rig, 0, &[("a", 90.0)]);
    // Hour 1 is missing and closed by the clock.
    rig.tick(minute(135));
    hour(&mut rig, 2, &[("a", 90.0)]);
    rig.tick(minute(195));
    assert!(rig.moves().is_empty());
    // Its readings come three hours late: hours 0 and 1 together meet the criterion.
    for m in 0..6 {
        rig.take("air/a", &reading(minute(65 + m * 10), 90.0), minute(200));
    }
    assert_eq!(rig.moves(), ["kr-pm25 none→advisory 2024-01-10T02:00:00Z"]);
    assert!(rig.changes()[0].late);
    assert_eq!(rig.level("kr-pm25"), "advisory");
    let hours = rig.reader().hours(&Filter::default()).unwrap();
    assert_eq!(hours.iter().map(|h| h.count).collect::<Vec<_>>(), [6, 6, 6]);
    let state = rig.killed(minute(201));
    assert_eq!(state.level("kr-pm25"), "advisory");
}

#[test]
fn the_immediate_threshold_raises_on_two_of_three_and_lifts_apart() {
    let (_dir, mut rig) = rig();
    for (n, value) in [(0, 310.0), (1, 20.0), (2, 300.0), (3, 160.0), (4, 149.0), (5, 149.9)] {
        rig.pm25("a", minute(n), value);
    }
    assert_eq!(
        rig.moves(),
        [
            "emergency none→emergency 2024-01-10T00:02:00Z",
            "emergency emergency→none 2024-01-10T00:05:00Z"
        ]
    );
    let data = &rig.changes()[0].data;
    assert_eq!(data["inputs"].as_array().unwrap().len(), 3);
    assert_eq!(data["scope"]["station"], "a");
}

#[test]
fn killed_after_every_batch_it_decides_the_same_as_undisturbed() {
    let steps: Vec<(i64, &str, f64)> = (0..360)
        .step_by(5)
        .flat_map(|n| {
            let value = match n {
                100..110 => 320.0,
                60..240 => 160.0 + (n % 7) as f64,
                _ => 20.0,
            };
            [(n, "a", value), (n + 1, "b", value + 3.0)]
        })
        .collect();
    let play = |kill_every: Option<usize>| {
        let dir = tempfile::tempdir().unwrap();
        let mut rig = Rig::open(settings(dir.path(), ZONE), START);
        for (place, (n, device, value)) in steps.iter().enumerate() {
            rig.pm25(device, minute(*n), *value);
            if kill_every.is_some_and(|every| place % every == 0) {
                rig = rig.killed(minute(*n));
            }
        }
        let uids: Vec<_> = rig.changes().into_iter().map(|c| (c.uid, c.data)).collect();
        let notices: Vec<_> =
            rig.reader().outbox(None, 0, 1000).unwrap().into_iter().map(|n| n.uid).collect();
        (uids, notices, rig.messages(), rig.reader().hours(&Filter::default()).unwrap())
    };
    let undisturbed = play(None);
    assert!(undisturbed.0.len() >= 4, "{:?}", undisturbed.0);
    for every in [1, 2, 7, 31] {
        assert_eq!(play(Some(every)), undisturbed, "killed every {every} messages");
    }
}

#[test]
fn a_snapshot_and_the_rows_after_it_are_the_same_state() {
    let (_dir, mut rig) = rig();
    hour(&mut rig, 0, &[("a", 80.0), ("b", 90.0)]);
    rig.intake.take().unwrap().finish().unwrap();
    let mut rig = rig.killed(minute(61));
    hour(&mut rig, 1, &[("a", 80.0), ("b", 90.0)]);
    let mut rig = rig.killed(minute(121));
    hour(&mut rig, 2, &[("a", 20.0), ("b", 20.0)]);
    assert_eq!(rig.moves(), ["kr-pm25 none→advisory 2024-01-10T02:00:00Z"]);
}

#[test]
fn hours_wait_for_the_backlog_after_a_restart() {
    let (_dir, mut rig) = rig();
    hour(&mut rig, 0, &[("a", 90.0)]);
    // Away from minute 60 to 300; what the broker kept comes after the start.
    let mut rig = rig.killed(minute(300));
    rig.turn(vec![Event::Tick(minute(300))]);
    rig.turn(vec![Event::Tick(minute(301))]);
    for m in 0..24 {
        rig.take("air/a", &reading(minute(65 + m * 10), 90.0), minute(302));
    }
    assert_eq!(rig.moves(), ["kr-pm25 none→advisory 2024-01-10T02:00:00Z"]);
    assert!(!rig.changes()[0].late);
}

/// Every closed hour of the store: device, count, sum.
fn closed(rig: &Rig) -> Vec<(u32, u32, i64)> {
    let hours = rig.reader().hours(&Filter::default()).unwrap();
    let mut all: Vec<_> = hours.iter().map(|h| (h.device.0, h.count, h.sum_micro)).collect();
    all.sort_unstable();
    all
}

#[test]
fn an_hour_of_many_devices_closes_in_steps_that_a_crash_may_come_between() {
    const DEVICES: usize = 1_201;
    let run = |killed: bool| {
        let (_dir, mut rig) = rig();
        let arrivals: Vec<Event> = (0..DEVICES)
            .map(|n| {
                let body = reading(minute(5), 10.0 + n as f64 / 100.0);
                Event::Arrival(rig.arrival(&format!("air/m{n}"), &body, minute(5)))
            })
            .collect();
        rig.turn(arrivals);
        rig.tick(minute(71));
        let done = closed(&rig).len();
        assert!(done > 0 && done < DEVICES, "one batch closed {done}");
        if killed {
            rig = rig.killed(minute(71));
            assert_eq!(closed(&rig).len(), done, "what was closed is closed");
        }
        // One more reading for a device whose hour is closed, and one whose is not.
        for device in ["air/m0", "air/m1200"] {
            rig.take(device, &reading(minute(25), 90.0), minute(72));
        }
        for _ in 0..3 {
            rig.turn(Vec::new());
        }
        assert_eq!(closed(&rig).len(), DEVICES);
        let rows = rig.reader().journal(0, 10_000).unwrap().len();
        rig.turn(Vec::new());
        assert_eq!(rig.reader().journal(0, 10_000).unwrap().len(), rows, "nothing is left to do");
        (closed(&rig), rig.moves())
    };
    let quiet = run(false);
    assert_eq!(quiet.0[0], (1, 2, 100_000_000), "both readings of the first device count");
    assert_eq!(run(true), quiet);
}
