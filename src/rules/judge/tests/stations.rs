//! Judgements by single stations of a zone.

use super::*;
use crate::air::index::japan::{self, Judgement, StationDay};

const STATIONS: [&str; 4] = ["s1", "s2", "s3", "s4"];

fn area() -> Judge {
    let mut zone = zone("area", &["jp-pm25"]);
    zone.stations = Some(STATIONS.map(str::to_owned).into());
    let mut judge = Judge::new(plan(vec![zone]), hour(0).start());
    STATIONS.iter().for_each(|id| judge.announce(id));
    judge
}

/// Closes hour `n`, in which the stations had these means.
fn close_area(judge: &mut Judge, n: i32, means: [Option<f64>; 4]) -> Vec<Change> {
    for (device, mean) in (1..).zip(means) {
        let Some(mean) = mean else { continue };
        let value = crate::air::Value::main(Quantity::Pm2_5, mean);
        let measured =
            Measured { value, flag: Flag::Pass, reasons: crate::air::Reasons::default() };
        let at = hour(n).start().plus(Duration::from_secs(1800));
        judge.reading(Reading { device, at, measured: &measured, label: 0 }, None);
    }
    told(judge.close_zone("area", hour(n), hour(n).end(), |_, _| None))
}

fn means_at(days: &[StationDay], n: usize) -> [Option<f64>; 4] {
    std::array::from_fn(|station| days[station][n])
}

fn caution(judge: &Judge) -> bool {
    level(&judge.levels(), "area", "jp-caution-measured") == "caution"
}

fn met(criterion: &japan::Criterion, days: &[StationDay]) -> bool {
    matches!(japan::judge(criterion, days), Judgement::Met { .. })
}

#[test]
fn a_call_names_the_stations_that_must_be_clean_before_it_is_lifted() {
    let mut judge = area();
    let mut changes = Vec::new();
    for n in 0..11 {
        let dirty = (4..8).contains(&n).then_some(90.0).or(Some(20.0));
        changes.extend(close_area(&mut judge, n, [dirty, dirty, Some(30.0), None]));
    }
    let [up, down] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((up.at, up.to.as_str(), up.value), (hour(7).start(), "caution", Some(90.0)));
    let named = |c: &Change| -> Vec<String> {
        let of = |i: &Input| match i {
            Input::Station { station, .. } => Some(station.clone()),
            _ => None,
        };
        c.inputs.iter().filter_map(of).collect()
    };
    assert_eq!(named(up), ["s1", "s2"]);
    assert_eq!(
        up.criterion.en.as_deref().unwrap(),
        "second-highest station mean of PM2.5 of 04:00–07:00 today > 85 µg/m³, \
         until all stations meeting it were ≤ 50 µg/m³ for 2 hours"
    );
    assert_eq!((down.at, down.to.as_str()), (hour(10).start(), "none"));
    let json = serde_json::to_value(up).unwrap();
    assert_eq!(serde_json::from_value::<Change>(json).unwrap(), *up);
}

#[test]
fn a_zone_whose_rules_do_not_ask_for_single_stations_keeps_none() {
    let mut judge = judge(&["a"], &["kr-air-alert", "kr-emergency"]);
    close(&mut judge, ("a", 1), 0, Some(80.0));
    assert_eq!(judge.zones[0].evidence.stations, Default::default());
    let mut judge = area();
    close_area(&mut judge, 0, [Some(80.0); 4]);
    assert_ne!(judge.zones[0].evidence.stations, Default::default());
}

#[test]
fn a_revision_that_is_replayed_ends_as_it_did_live() {
    let (mut live, mut replayed) = (area(), area());
    for n in 0..9 {
        let means = [Some(90.0), None, Some(20.0), Some(20.0)];
        close_area(&mut live, n, means);
        close_area(&mut replayed, n, means);
    }
    for n in 4..7 {
        let means = (None, Some(micro(90.0)));
        let judged = live.station_changed(2, Quantity::Pm2_5, hour(n), means, hour(9).start());
        let moved = StationMoved { station: "s2".to_owned(), mean_micro: means.1 };
        for h in judged.into_iter().flat_map(|j| j.hours) {
            let now = hour(9).start();
            replayed.zone_revised("area", h.quantity, h.hour, Some(&moved), now);
        }
    }
    assert!(caution(&live) && caution(&replayed));
    assert_eq!(live.save().encode(), replayed.save().encode());
}

fn station_day() -> impl Strategy<Value = StationDay> {
    let near = [20.0, 50.0, 50.1, 70.0, 80.0, 80.1, 85.0, 85.1, 120.0];
    let mean = prop_oneof![
        1 => Just(None),
        9 => proptest::sample::select(near.to_vec()).prop_map(Some)
    ];
    proptest::array::uniform24(mean)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn morning_and_noon_call_as_the_guide_says(
        days in proptest::collection::vec(station_day(), 4),
    ) {
        let mut judge = area();
        let mut before_noon = false;
        for n in 0..12 {
            close_area(&mut judge, n as i32, means_at(&days, n));
            match n {
                6 => prop_assert_eq!(caution(&judge), met(&japan::MORNING, &days)),
                10 => before_noon = caution(&judge),
                11 if !before_noon => prop_assert_eq!(caution(&judge), met(&japan::NOON, &days)),
                _ => {}
            }
        }
    }

    #[test]
    fn what_comes_late_station_by_station_ends_as_if_it_had_come_in_time(
        days in proptest::collection::vec(station_day(), 4),
        late in proptest::collection::vec((0usize..4, 0usize..24), 0..40),
        restart in 0usize..24,
    ) {
        let late: std::collections::HashSet<(usize, usize)> = late.into_iter().collect();
        let (mut right, mut judge) = (area(), area());
        for n in 0..24 {
            close_area(&mut right, n as i32, means_at(&days, n));
            let mut seen = means_at(&days, n);
            late.iter().filter(|(_, hour)| *hour == n).for_each(|(s, _)| seen[*s] = None);
            close_area(&mut judge, n as i32, seen);
            if n == restart {
                let saved = Saved::decode(&judge.save().encode().unwrap()).unwrap();
                judge = area();
                judge.restore(saved);
            }
        }
        for (station, n) in &late {
            let (device, new) = (*station as u32 + 1, days[*station][*n].map(micro));
            let now = hour(24).start();
            judge.station_changed(device, Quantity::Pm2_5, hour(*n as i32), (None, new), now);
        }
        prop_assert_eq!(judge.levels(), right.levels());
        prop_assert_eq!(&judge.zones[0].evidence, &right.zones[0].evidence);
    }
}
