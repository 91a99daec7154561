//! A real VictoriaMetrics.

use super::rig::{Loop, Number, START, numbered, reading, target, until_journal, with_source};
use crate::helpers::victoria::{self, Sample, Victoria};
use dustline::air::{Flag, Quantity};

/// Values as different as they come, from a printed seed.
fn some_values(seed: u64) -> Vec<(String, i64, Vec<Number>)> {
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    (0..200)
        .map(|i| {
            let device = format!("s {:02},=\"é\"", random.u8(0..20));
            let flag = [Flag::Pass, Flag::Suspect, Flag::Fail][random.usize(0..3)];
            let pm = f64::from(random.u32(0..100_000)) / 1000.0;
            let t = f64::from(random.i32(-40_000..60_000)) / 1000.0;
            let values = vec![
                (Quantity::Pm2_5, "", pm, flag),
                (Quantity::Pm2_5, "cf1", pm * 1.1, Flag::NotEvaluated),
                (Quantity::Temperature, "", t, Flag::Pass),
            ];
            (device, START + i * 1000, values)
        })
        .collect()
}

#[tokio::test]
async fn what_is_stored_is_read_back_from_victoriametrics_to_the_last_digit() {
    if victoria::absent("what_is_stored_is_read_back_from_victoriametrics_to_the_last_digit") {
        return;
    }
    let keeper = with_source().await;
    let victoria = Victoria::started().await;
    let forwarding = Loop::start(&keeper, target("main", &victoria.url()));
    let rows = some_values(7);
    let mut expected: Vec<Sample> = Vec::new();
    for (device, at, values) in &rows {
        let tags = format!("device={device},source=city,station={device}");
        for (quantity, variant, value, flag) in values {
            let suffix = if variant.is_empty() { String::new() } else { format!("__{variant}") };
            let name = format!("air_{}{suffix}", quantity.name());
            expected.push((format!("{name}_flag,{tags}"), *at, f64::from(flag.code())));
            expected.push((format!("{name},{tags}"), *at, *value));
        }
    }
    expected.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    keeper
        .commit(move |w| {
            rows.iter().for_each(|(device, at, values)| reading(w, device, *at, 0, values))
        })
        .await;
    until_journal(&keeper, "main", 200).await;
    let found = victoria.export("{__name__=~\"air_.*\"}").await;
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((&found.0, found.1), (&expected.0, expected.1));
        // The export writes 15 significant digits.
        assert!((found.2 - expected.2).abs() <= expected.2.abs() * 1e-14, "{found:?} {expected:?}");
    }
    forwarding.stop().await;
}

#[tokio::test]
async fn a_database_that_comes_late_gets_everything() {
    if victoria::absent("a_database_that_comes_late_gets_everything") {
        return;
    }
    let keeper = with_source().await;
    let mut victoria = Victoria::new();
    numbered(&keeper, 0, 120).await;
    let forwarding = Loop::start(&keeper, target("main", &victoria.url()));
    forwarding.tried_in_vain().await;
    numbered(&keeper, 120, 140).await;
    assert!(victoria.start().await);
    until_journal(&keeper, "main", 140).await;
    let values: Vec<f64> =
        victoria.export("air_pm10").await.into_iter().map(|(_, _, v)| v).collect();
    assert_eq!(values, (0..140).map(f64::from).collect::<Vec<_>>());
    let conditions = keeper.reader().conditions().unwrap();
    assert!(conditions.is_empty(), "a database that is away is weather: {conditions:?}");
    forwarding.stop().await;
}

#[tokio::test]
async fn a_database_that_was_killed_gets_what_it_had_not_taken() {
    if victoria::absent("a_database_that_was_killed_gets_what_it_had_not_taken") {
        return;
    }
    let keeper = with_source().await;
    let mut victoria = Victoria::started().await;
    let forwarding = Loop::start(&keeper, target("main", &victoria.url()));
    numbered(&keeper, 0, 60).await;
    until_journal(&keeper, "main", 60).await;
    victoria.kill();
    numbered(&keeper, 60, 90).await;
    forwarding.tried_in_vain().await;
    assert!(victoria.start().await);
    until_journal(&keeper, "main", 90).await;
    let found = victoria.export("air_pm10").await.into_iter().map(|(_, _, v)| v);
    // What it had taken in memory only may be gone with it.
    let found: Vec<f64> = found.filter(|v| *v >= 60.0).collect();
    assert_eq!(found, (60..90).map(f64::from).collect::<Vec<_>>());
    forwarding.stop().await;
}
