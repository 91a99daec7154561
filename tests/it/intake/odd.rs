//! Stations that disagree with their neighbours, left out of the mean of their zone.

use super::rig::{Rig, START, ZONE, minute, reading, settings};
use dustline::air::Quantity;
use dustline::backtest::{self, Data, Way, ZoneBy, Zoning, choose};
use dustline::config::settings::Zone;
use dustline::store::{Filter, ZoneHourRow};
use std::time::Duration;

/// Six stations; who disagrees is left out.
fn rig() -> (tempfile::TempDir, Rig) {
    let zone = ZONE.replace(r#"["*"]"#, r#"["a", "b", "c", "d", "e", "f"]"#);
    let zone = zone.replace("spike = false", "spike = false\nneighbours = { counts = false }");
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), &zone);
    (dir, Rig::open(settings, START))
}

const OTHERS: [(&str, f64); 5] = [("a", 20.0), ("b", 22.0), ("c", 18.0), ("d", 21.0), ("e", 19.0)];

/// An hour in which five stations agree and the sixth reads something else.
fn hour(rig: &mut Rig, hour: i64, sixth: f64) {
    for m in 0..4 {
        let at = minute(hour * 60 + m * 15 + 1);
        for (station, value) in OTHERS.into_iter().chain([("f", sixth)]) {
            rig.pm25(station, at, value);
        }
    }
}

/// The readings of a station in an hour once more, later, with another value.
fn revised(rig: &mut Rig, (station, hour): (&str, i64), value: f64, now: i64) {
    for m in 0..4 {
        let at = minute(hour * 60 + m * 15 + 1);
        rig.take(&format!("air/{station}"), &reading(at, value), minute(now));
    }
}

fn zone_hours(rig: &Rig) -> Vec<ZoneHourRow> {
    let all = rig.reader().zone_hours(&Filter::default()).unwrap();
    all.into_iter().filter(|z| z.quantity == Quantity::Pm2_5).collect()
}

/// Mean, stations in it and stations left out, hour by hour.
fn means(rig: &Rig) -> Vec<String> {
    let shown = |z: &ZoneHourRow| {
        let mean = z.sum_micro as f64 / 1e6 / f64::from(z.stations);
        format!("{mean} of {} without {}", z.stations, z.left_out.join(", "))
    };
    zone_hours(rig).iter().map(shown).collect()
}

/// Why a station was named.
fn named(rig: &Rig) -> Vec<String> {
    let all = rig.reader().conditions().unwrap().into_iter();
    let stations = all.filter(|(kind, ..)| kind == "station_disagrees");
    stations.map(|(_, subject, _, detail)| format!("{subject}: {detail}")).collect()
}

#[test]
fn an_odd_station_is_named_and_raises_no_level() {
    let (_dir, mut rig) = rig();
    (0..3).for_each(|n| hour(&mut rig, n, 900.0));
    assert_eq!(means(&rig), ["20 of 5 without f", "20 of 5 without f"]);
    assert_eq!(
        named(&rig),
        ["seoul/pm2_5/f: pm2_5 of the hour is 900.0 µg/m³, the median of the others 20.0: \
          look at the station; the zone's mean is without it"]
    );
    // The threshold of a station is about that station, and is judged as ever.
    assert_eq!(rig.moves(), ["emergency none→emergency 2024-01-10T00:16:00Z"]);
}

#[test]
fn revised_readings_that_make_a_station_odd_or_end_that_have_the_levels_judged_again() {
    const ALL: &str = "20 of 6 without ";
    const WITHOUT: &str = "20 of 5 without f";
    let (_dir, mut rig) = rig();
    (0..4).for_each(|n| hour(&mut rig, n, 20.0));
    assert_eq!(means(&rig), [ALL, ALL, ALL]);
    revised(&mut rig, ("f", 1), 900.0, 235);
    assert_eq!(means(&rig), [ALL, WITHOUT, ALL]);
    // Hours that have left the memory are read back from the store, after a kill too.
    rig.tick(minute(260));
    let mut rig = rig.killed(minute(261));
    revised(&mut rig, ("f", 0), 900.0, 262);
    assert_eq!(means(&rig), [WITHOUT, WITHOUT, ALL, ALL]);
    revised(&mut rig, ("f", 1), 20.0, 262);
    assert_eq!(means(&rig), [WITHOUT, ALL, ALL, ALL]);
    revised(&mut rig, ("f", 1), 901.0, 263);
    assert!(rig.moves().iter().all(|m| m.starts_with("emergency")), "{:?}", rig.moves());
    // Two stations say that they failed: too few are left to say who is odd.
    for (station, n) in [("a", 0), ("b", 0), ("a", 1), ("b", 1)] {
        revised(&mut rig, (station, n), 999.9, 264);
    }
    let all_count = ["239.5 of 4 without ", "239.75 of 4 without ", ALL, ALL];
    assert_eq!(means(&rig), all_count);
    let mut moves = rig.moves();
    moves.retain(|m| m.starts_with("kr-pm25"));
    assert_eq!(
        moves,
        ["kr-pm25 none→warning 2024-01-10T02:00:00Z", "kr-pm25 warning→none 2024-01-10T03:00:00Z"]
    );
    assert_eq!(means(&rig.killed(minute(265))), all_count);
}

/// A day in which stations fall out of line one after the other, some fall silent, and
/// the air turns bad and good again.
fn day(rig: &mut Rig) {
    for n in 0..20 {
        let air = [20.0, 20.0, 90.0, 110.0, 180.0, 180.0, 60.0, 30.0, 20.0, 80.0][n as usize / 2];
        let silent = (n % 7 == 3).then_some("c");
        let odd = ["a", "b", "c", "d", "e", "f"][n as usize % 6];
        for m in 0..4 {
            let at = minute(n * 60 + m * 15 + 1);
            for (station, offset) in OTHERS.into_iter().chain([("f", 17.0)]) {
                let far = if station == odd && n % 3 > 0 { 700.0 } else { 0.0 };
                if Some(station) != silent {
                    rig.pm25(station, at, air + offset - 20.0 + far);
                }
            }
        }
    }
    rig.tick(minute(1_300));
}

#[test]
fn a_backtest_of_the_store_tells_what_was_told_live() {
    let (_dir, mut rig) = rig();
    day(&mut rig);
    let left_out = zone_hours(&rig).iter().filter(|z| !z.left_out.is_empty()).count();
    assert!((5..18).contains(&left_out), "{left_out}");
    let live: Vec<String> =
        rig.moves().into_iter().filter(|m| !m.starts_with("emergency")).collect();
    assert!(live.len() >= 4, "{live:?}");
    let told = |counts: bool| -> Vec<String> {
        let mut data = Data::new();
        data.read_store(&rig.reader(), rig.settings.judgement.min_coverage).unwrap();
        let zoning = Zoning {
            stations: Vec::new(),
            by: ZoneBy::Planned(rig.settings.zones.iter().map(Zone::planned).collect()),
            couplings: Vec::new(),
            min_valid_share: 0.5,
            own_rulesets: true,
        };
        let way = Way {
            zoning,
            covers: Duration::from_secs(3600),
            min_coverage: rig.settings.judgement.min_coverage,
            neighbours: rig.settings.neighbours.filter(|_| !counts),
            forecasts: Vec::new(),
        };
        let choices = [choose("kr-air-alert", &rig.settings.rulesets).unwrap()];
        let outcome = backtest::run(&mut data, &choices, &way);
        let moved = outcome.changes.iter().map(|t| &t.change);
        moved.map(|c| format!("{} {}→{} {}", c.ladder, c.from, c.to, c.at)).collect()
    };
    assert_eq!(told(false), live);
    assert_ne!(told(true), live, "the policy makes a difference");
}
