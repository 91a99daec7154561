//! Order does not matter: shuffled, doubled and split anyhow, the same readings
//! give the same hours and the same levels.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::flow::Event;
use dustline::store::{Filter, HourRow};
use proptest::prelude::*;

/// Minute, device, value.
type Message = (i64, u8, u16);

/// What is left when all hours are closed.
#[derive(Debug, PartialEq)]
struct End {
    hours: Vec<HourRow>,
    zone: Vec<(i64, u32, bool)>,
    levels: Vec<(String, String)>,
    changes: Vec<(String, String, String)>,
}

/// Takes the messages in these batches, then lets all hours close.
fn play(batches: &[Vec<Message>], lateness: &str) -> End {
    let dir = tempfile::tempdir().unwrap();
    let zone = ZONE.replace(r#"["*"]"#, r#"["s0", "s1", "s2"]"#);
    let zone = zone.replace(r#"lateness = "2m""#, &format!("lateness = \"{lateness}\""));
    let zone = zone.replace(r#"grace = "10m""#, r#"grace = "8h""#);
    let mut rig = Rig::open(settings(dir.path(), &zone), START);
    for batch in batches {
        let events = batch.iter().map(|(n, device, value)| {
            let text = reading(minute(*n), f64::from(*value));
            Event::Arrival(rig.arrival(&format!("air/s{device}"), &text, minute(240)))
        });
        let events = events.collect();
        rig.turn(events);
    }
    rig.tick(minute(840));
    let reader = rig.reader();
    let by_name = |h: HourRow| (reader.device_name(h.device).to_owned(), h);
    let mut hours: Vec<_> =
        reader.hours(&Filter::default()).unwrap().into_iter().map(by_name).collect();
    hours.sort_by(|a, b| (&a.0, a.1.hour).cmp(&(&b.0, b.1.hour)));
    let strip = |(_, h): (String, HourRow)| HourRow {
        revision: 0,
        device: dustline::store::DeviceId(0),
        ..h
    };
    let zones = reader.zone_hours(&Filter::default()).unwrap();
    let mut changes: Vec<_> = rig
        .changes()
        .into_iter()
        .filter(|c| c.ladder == "kr-pm25" && !c.late)
        .map(|c| (c.uid, c.from, c.to))
        .collect();
    changes.sort();
    End {
        hours: hours.into_iter().map(strip).collect(),
        zone: zones.iter().map(|z| (z.sum_micro, z.stations, z.valid)).collect(),
        levels: reader
            .levels()
            .unwrap()
            .into_iter()
            .map(|l| (l.ladder, l.level))
            .filter(|l| l.0 != "emergency")
            .collect(),
        changes,
    }
}

fn network() -> impl Strategy<Value = Vec<Message>> {
    let hour_levels = proptest::collection::vec(0u16..220, 4);
    (hour_levels, 1u8..4).prop_map(|(levels, devices)| {
        let mut all = Vec::new();
        for (hour, level) in levels.iter().enumerate() {
            for m in (0..60).step_by(15) {
                for device in 0..devices {
                    all.push((hour as i64 * 60 + m + 2, device, *level + u16::from(device)));
                }
            }
        }
        all
    })
}

/// A network's readings as they are, and shuffled, some doubled, split into batches.
fn disturbed() -> impl Strategy<Value = (Vec<Message>, Vec<Vec<Message>>)> {
    network().prop_flat_map(|all| {
        let doubled = proptest::collection::vec(any::<bool>(), all.len());
        let batch = 1usize..20;
        (Just(all.clone()), doubled, batch).prop_flat_map(|(all, doubled, batch)| {
            let mut messy = all.clone();
            messy.extend(all.iter().zip(&doubled).filter(|(_, d)| **d).map(|(m, _)| *m));
            (Just(all), Just(messy).prop_shuffle(), Just(batch)).prop_map(|(all, messy, batch)| {
                (all, messy.chunks(batch).map(<[_]>::to_vec).collect())
            })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_order_duplication_and_batching_within_the_lateness_gives_the_same(
        (ordered, messy) in disturbed(),
    ) {
        let tidy = play(&[ordered], "8h");
        prop_assert_eq!(tidy, play(&messy, "8h"));
    }

    #[test]
    fn what_closes_early_because_of_the_order_is_judged_again_to_the_same_end(
        (ordered, mut messy) in disturbed(),
    ) {
        // The first hour of all is known; everything after it comes anyhow.
        messy.insert(0, ordered.iter().take(1).copied().collect());
        let (tidy, shuffled) = (play(&[ordered], "2m"), play(&messy, "2m"));
        prop_assert_eq!(tidy.hours, shuffled.hours);
        prop_assert_eq!(tidy.zone, shuffled.zone);
        prop_assert_eq!(tidy.levels, shuffled.levels);
    }
}
