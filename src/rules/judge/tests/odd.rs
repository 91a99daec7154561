//! Stations left out of the mean of their zone because they disagree with the others.

use super::*;
use crate::rules::neighbours::Bounds;
use std::collections::HashSet;

const STATIONS: [&str; 7] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7"];
const ODD_LEFT_OUT: Option<Bounds> =
    Some(Bounds { stations: 4, difference: 50.0, share: 0.5, deviations: 5.0, counts: false });

type Means = [Option<f64>; 7];

fn city(neighbours: Option<Bounds>) -> Judge {
    let mut zone = zone("city", &["kr-air-alert"]);
    zone.stations = Some(STATIONS.map(str::to_owned).into());
    let mut judge = Judge::new(Plan { neighbours, ..plan(vec![zone]) }, hour(0).start());
    STATIONS.iter().for_each(|id| judge.announce(id));
    judge
}

/// Closes hour `n`, in which the stations had these means.
fn close_city(judge: &mut Judge, n: i32, means: Means) -> ZoneJudged {
    for (device, mean) in (1..).zip(means) {
        let Some(mean) = mean else { continue };
        let value = crate::air::Value::main(Quantity::Pm2_5, mean);
        let measured =
            Measured { value, flag: Flag::Pass, reasons: crate::air::Reasons::default() };
        let at = hour(n).start().plus(Duration::from_secs(1800));
        judge.reading(Reading { device, at, measured: &measured, label: 0 }, None);
    }
    judge.close_zone("city", hour(n), hour(n).end(), |_, _| None).remove(0)
}

/// The mean of a station, counted from 1, in hour `n` went from one to another.
fn moved(judge: &mut Judge, (station, n): (u32, i32), means: [Option<f64>; 2]) -> Vec<ZoneJudged> {
    let [old, new] = means.map(|mean| mean.map(micro));
    judge.station_changed(station, Quantity::Pm2_5, hour(n), (old, new), hour(HOURS).start())
}

fn pm25(judged: &ZoneJudged) -> &HourJudged {
    judged.hours.iter().find(|h| h.quantity == Quantity::Pm2_5).unwrap()
}

/// The mean, how many stations are in it, and which are left out.
fn shown(judged: &ZoneJudged) -> (Option<f64>, u32, Vec<&str>) {
    let h = pm25(judged);
    (h.hour.mean(), h.hour.stations, h.left_out().collect())
}

fn means(last: f64) -> Means {
    [20.0, 20.0, 20.0, 20.0, 20.0, 20.0, last].map(Some)
}

fn alert(judge: &Judge) -> String {
    level(&judge.levels(), "city", "kr-pm25").to_owned()
}

fn restored(judge: &Judge, neighbours: Option<Bounds>) -> Judge {
    let saved = Saved::decode(&judge.save().encode().unwrap()).unwrap();
    let mut judge = city(neighbours);
    judge.restore(saved);
    judge
}

#[test]
fn an_odd_station_raises_no_level_where_it_is_left_out_and_does_where_it_counts() {
    let counting = Some(Bounds { counts: true, ..ODD_LEFT_OUT.unwrap() });
    for (neighbours, level, first) in [
        (ODD_LEFT_OUT, "none", (Some(20.0), 6, vec!["s7"])),
        (counting, "advisory", (Some(1020.0 / 7.0), 7, vec![])),
        (None, "advisory", (Some(1020.0 / 7.0), 7, vec![])),
    ] {
        let mut judge = city(neighbours);
        let judged = close_city(&mut judge, 0, means(900.0));
        assert_eq!(shown(&judged), first);
        let named = pm25(&judged).stations.iter().filter(|s| s.odd_from == Some(20.0)).count();
        assert_eq!(named, usize::from(neighbours.is_some()));
        close_city(&mut judge, 1, means(900.0));
        assert_eq!(alert(&judge), level, "{neighbours:?}");
    }
}

#[test]
fn a_late_mean_that_makes_a_station_odd_or_ends_that_has_the_hours_after_it_judged_again() {
    let mut judge = city(ODD_LEFT_OUT);
    // Four stations speak in time, one of them high: too few to say who is odd.
    let in_time = [Some(20.0), Some(20.0), Some(20.0), None, None, None, Some(900.0)];
    for n in 0..3 {
        close_city(&mut judge, n, in_time);
    }
    assert_eq!(alert(&judge), "warning");
    for n in 0..3 {
        let judged = moved(&mut judge, (4, n), [None, Some(20.0)]);
        assert_eq!(shown(&judged[0]), (Some(20.0), 4, vec!["s7"]));
    }
    assert_eq!(alert(&judge), "none", "nothing of it was so");
    // Its readings are revised: it agrees with the others.
    let judged = moved(&mut judge, (7, 1), [Some(900.0), Some(30.0)]);
    assert_eq!(shown(&judged[0]), (Some(22.0), 5, vec![]));
    // One of the others falls away: nobody can be named any more.
    for n in [1, 2] {
        let judged = moved(&mut judge, (4, n), [Some(20.0), None]);
        assert_eq!(pm25(&judged[0]).left_out().count(), 0);
    }
    assert_eq!(shown(&moved(&mut judge, (7, 1), [Some(30.0), Some(900.0)])[0]).1, 4);
    assert_eq!(alert(&judge), "warning");
}

#[test]
fn hours_judged_before_the_policy_count_all_and_those_judged_under_it_follow_a_later_one() {
    // Switched on: what is kept of the hour does not tell the other stations.
    let mut judge = city(None);
    let mut without_one = means(900.0);
    without_one[0] = None;
    close_city(&mut judge, 0, without_one);
    let mut judge = restored(&judge, ODD_LEFT_OUT);
    let judged = moved(&mut judge, (1, 0), [None, Some(20.0)]);
    assert_eq!(shown(&judged[0]), (Some(1020.0 / 7.0), 7, vec![]));
    assert_eq!(shown(&close_city(&mut judge, 1, means(900.0))), (Some(20.0), 6, vec!["s7"]));
    // Switched off: the means of all stations are still known.
    let mut judge = restored(&judge, None);
    let judged = moved(&mut judge, (7, 1), [Some(900.0), Some(930.0)]);
    assert_eq!(shown(&judged[0]), (Some(150.0), 7, vec![]));
    let judged = moved(&mut judge, (7, 1), [Some(930.0), None]);
    assert_eq!(shown(&judged[0]), (Some(20.0), 6, vec![]));
    let judged = moved(&mut judge, (1, 1), [Some(20.0), Some(26.0)]);
    assert_eq!(shown(&judged[0]), (Some(21.0), 6, vec![]));
}

/// Six stations that agree more or less, and one that often does not.
fn city_hours() -> impl Strategy<Value = Vec<Means>> {
    let near = proptest::sample::select(vec![20.0, 34.0, 36.0, 74.0, 76.0]);
    let any = proptest::sample::select(vec![0.0, 20.0, 80.0, 160.0, 400.0, 900.0]);
    let one = |mean| prop_oneof![1 => Just(None), 9 => Just(mean).prop_map(Some)];
    let own = (near, proptest::array::uniform6(0u8..3), any, any_odd());
    let hour = own.prop_flat_map(move |(base, offsets, far, place)| {
        let mut means = [far; 7];
        let others = (0..7).filter(|n| *n != place);
        others.zip(offsets).for_each(|(n, offset)| means[n] = base + f64::from(offset));
        means.map(one)
    });
    proptest::collection::vec(hour, 12)
}

/// The place of the one that may disagree.
fn any_odd() -> impl Strategy<Value = usize> {
    0usize..7
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whoever_comes_late_and_is_revised_in_any_order_it_ends_as_if_all_had_come_in_time(
        hours in city_hours(),
        late in proptest::collection::vec((0usize..7, 0usize..12, any::<bool>()), 0..60),
        restart in 0usize..12,
    ) {
        let mut seen = HashSet::new();
        let late: Vec<_> = late.into_iter().filter(|(s, n, _)| seen.insert((*s, *n))).collect();
        let (mut right, mut live) = (city(ODD_LEFT_OUT), city(ODD_LEFT_OUT));
        let mut replayed = city(ODD_LEFT_OUT);
        let mut last = Vec::new();
        for (n, means) in hours.iter().enumerate() {
            last.push(pm25(&close_city(&mut right, n as i32, *means)).clone());
            // What comes late was not there, or was another mean.
            let mut first = *means;
            for (station, _, revised) in late.iter().filter(|(_, hour, _)| *hour == n) {
                first[*station] = revised.then_some(500.0);
            }
            close_city(&mut live, n as i32, first);
            close_city(&mut replayed, n as i32, first);
            if n == restart {
                live = restored(&live, ODD_LEFT_OUT);
            }
        }
        for (station, n, revised) in &late {
            let (device, old) = (*station as u32 + 1, revised.then_some(500.0));
            let new = hours[*n][*station];
            for judged in moved(&mut live, (device, *n as i32), [old, new]) {
                let moved = StationMoved {
                    station: STATIONS[*station].to_owned(),
                    mean_micro: new.map(micro),
                };
                let h = pm25(&judged);
                let now = hour(HOURS).start();
                replayed.zone_revised("city", h.quantity, h.hour, Some(&moved), now);
            }
        }
        prop_assert_eq!(live.levels(), right.levels());
        prop_assert_eq!(live.save().encode(), replayed.save().encode());
        for judged in last {
            let hours = &live.zones[0].evidence.hours;
            prop_assert_eq!(hours.get(Quantity::Pm2_5, judged.hour.hour), Some(&judged.hour));
        }
    }

    #[test]
    fn silence_lifts_nothing_with_stations_left_out_either(hours in city_hours()) {
        let mut judge = city(ODD_LEFT_OUT);
        for (n, means) in (0..).zip(&hours) {
            close_city(&mut judge, n, *means);
        }
        let before = alert(&judge);
        for n in 12..20 {
            let judged = close_city(&mut judge, n, [None; 7]);
            prop_assert!(judged.changes.is_empty());
        }
        prop_assert_eq!(alert(&judge), before);
    }

    #[test]
    fn a_station_left_out_makes_no_hour_unknown(hours in city_hours()) {
        let (mut with, mut without) = (city(None), city(ODD_LEFT_OUT));
        for (n, means) in (0..).zip(&hours) {
            let valid = |judged: ZoneJudged| pm25(&judged).hour.valid;
            prop_assert_eq!(
                valid(close_city(&mut with, n, *means)),
                valid(close_city(&mut without, n, *means))
            );
        }
    }
}
