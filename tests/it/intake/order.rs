//! Order does not matter: shuffled, doubled and split anyhow, the same readings and
//! forecasts give the same hours, changes and levels.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::flow::Event;
use dustline::store::{Filter, HourRow};
use proptest::prelude::*;

/// What is judged: ladders; conditions decided daily and at every forecast.
const RULES: &str =
    r#"rulesets = ["kr-air-alert", "kr-emergency", "kr-crisis", "cn-heavy-pollution"]"#;

#[derive(Debug, Clone, Copy)]
enum Message {
    Reading {
        minute: i64,
        device: u8,
        value: u16,
    },
    /// For the day after, or the one after that; of China's index or of PM2.5.
    Forecast {
        issued: i64,
        day: u8,
        index: bool,
        value: u16,
    },
}

impl Message {
    /// Its topic and payload.
    fn sent(self) -> (String, String) {
        match self {
            Message::Reading { minute: n, device, value } => {
                (format!("air/s{device}"), reading(minute(n), f64::from(value)))
            }
            Message::Forecast { issued, day, index, value } => {
                let of = if index { "aqi_cn" } else { "pm2_5" };
                let text = format!(
                    r#"{{"issuer":"nier","issued_at":"{}","zone":"seoul","quantity":"{of}","day":"2024-01-{}","value":{value}}}"#,
                    minute(issued),
                    10 + day
                );
                ("outlook".to_owned(), text)
            }
        }
    }
}

/// What is left when all hours are closed.
#[derive(Debug, PartialEq)]
struct End {
    hours: Vec<HourRow>,
    /// Sum, stations in it, whether it is valid, stations left out.
    zone: Vec<(i64, u32, bool, Vec<String>)>,
    levels: Vec<(String, String)>,
    changes: Vec<(String, String, String)>,
}

/// A zone of so many stations, that waits so long for late readings.
fn zone(stations: u8, lateness: &str) -> String {
    let ids: Vec<String> = (0..stations).map(|n| format!("s{n}")).collect();
    let zone = ZONE.replace(r#"["*"]"#, &format!("{ids:?}"));
    let zone = zone.replace(r#"lateness = "2m""#, &format!("lateness = \"{lateness}\""));
    let zone = zone.replace(r#"grace = "10m""#, r#"grace = "8h""#);
    zone.replace(r#"rulesets = ["kr-air-alert"]"#, RULES)
}

/// Takes the messages in these batches, then lets all hours close.
fn play(batches: &[Vec<Message>], lateness: &str) -> End {
    play_in(&zone(3, lateness), batches, None)
}

/// The same, in a zone of any kind, killed after every so many batches.
fn play_in(zone: &str, batches: &[Vec<Message>], killed_every: Option<usize>) -> End {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), zone), START);
    for (place, batch) in batches.iter().enumerate() {
        if killed_every.is_some_and(|every| place % every == every - 1) {
            rig = rig.killed(minute(240));
        }
        let events = batch.iter().map(|message| {
            let (topic, text) = message.sent();
            Event::Arrival(rig.arrival(&topic, &text, minute(240)))
        });
        let events = events.collect();
        rig.turn(events);
    }
    // The hours of the readings, then those until 17:10 in Seoul and that decision.
    [840, 1200, 1201].into_iter().for_each(|n| rig.tick(minute(n)));
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
        // What is decided at every issue is told as the issues come in.
        .filter(|c| !["emergency", "cn-warning"].contains(&&*c.ladder) && !c.late)
        .map(|c| (c.uid, c.from, c.to))
        .collect();
    changes.sort();
    End {
        hours: hours.into_iter().map(strip).collect(),
        zone: zones.into_iter().map(|z| (z.sum_micro, z.stations, z.valid, z.left_out)).collect(),
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
    let value = prop_oneof![40u16..100, Just(50), Just(75), 100u16..400];
    // One value for each issue and period: another would be a revision.
    let issue = (0i64..240, 1u8..3, any::<bool>());
    let forecasts = proptest::collection::btree_map(issue, value, 0..8);
    (hour_levels, 1u8..4, forecasts).prop_map(|(levels, devices, forecasts)| {
        let mut all: Vec<Message> = forecasts
            .into_iter()
            .map(|((issued, day, index), value)| Message::Forecast { issued, day, index, value })
            .collect();
        for (hour, level) in levels.iter().enumerate() {
            for m in (0..60).step_by(15) {
                for device in 0..devices {
                    let (minute, value) = (hour as i64 * 60 + m + 2, *level + u16::from(device));
                    all.push(Message::Reading { minute, device, value });
                }
            }
        }
        all
    })
}

/// Six stations, of which one may be far from the others, another one in each hour.
fn network_with_odd_ones() -> impl Strategy<Value = Vec<Message>> {
    let far = prop_oneof![Just(0u16), Just(120), 300u16..900];
    let hour = (30u16..200, 0u8..6, far);
    proptest::collection::vec(hour, 4).prop_map(|hours| {
        let of = |(hour, (level, odd, far)): (i64, (u16, u8, u16))| {
            let quarters = (0..4).map(move |quarter| hour * 60 + quarter * 15 + 2);
            quarters.flat_map(move |minute| {
                (0..6u8).map(move |device| {
                    let value = level + u16::from(device) + if device == odd { far } else { 0 };
                    Message::Reading { minute, device, value }
                })
            })
        };
        (0..).zip(hours).flat_map(of).collect()
    })
}

/// A network's messages as they are, and shuffled, some doubled, split into batches.
fn disturbed(
    network: impl Strategy<Value = Vec<Message>>,
) -> impl Strategy<Value = (Vec<Message>, Vec<Vec<Message>>)> {
    network.prop_flat_map(|all| {
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
        (ordered, messy) in disturbed(network()),
    ) {
        let tidy = play(&[ordered], "8h");
        prop_assert_eq!(tidy, play(&messy, "8h"));
    }

    #[test]
    fn what_closes_early_because_of_the_order_is_judged_again_to_the_same_end(
        (ordered, mut messy) in disturbed(network()),
    ) {
        // The first hour of all is known; everything after it comes anyhow.
        let first = ordered.iter().find(|m| matches!(m, Message::Reading { .. }));
        messy.insert(0, first.into_iter().copied().collect());
        let (tidy, shuffled) = (play(&[ordered], "2m"), play(&messy, "2m"));
        prop_assert_eq!(tidy.hours, shuffled.hours);
        prop_assert_eq!(tidy.zone, shuffled.zone);
        prop_assert_eq!(tidy.levels, shuffled.levels);
    }

    #[test]
    fn who_is_left_out_of_a_mean_is_no_matter_of_order_and_of_kills(
        (ordered, mut messy) in disturbed(network_with_odd_ones()),
        every in 1usize..30,
    ) {
        messy.insert(0, ordered.first().into_iter().copied().collect());
        let policy = "spike = false\nneighbours = { counts = false }";
        let zone = zone(6, "2m").replace("spike = false", policy);
        let tidy = play_in(&zone, &[ordered], None);
        let shuffled = play_in(&zone, &messy, Some(every));
        prop_assert_eq!(tidy.hours, shuffled.hours);
        prop_assert_eq!(tidy.zone, shuffled.zone);
        prop_assert_eq!(tidy.levels, shuffled.levels);
    }
}
