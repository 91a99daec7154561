//! What it costs to judge: one reading, and the closing of an hour of a zone.

#[path = "support/figures.rs"]
mod figures;

use anyhow::{Result, anyhow, ensure};
use dustline::air::{Flag, Hour, Measured, Quantity, Reasons, Stamp, Value};
use dustline::config::{self, Machine};
use dustline::intake::Plan;
use dustline::rules::judge::{Judge, Reading};
use figures::{load, print_machine, quantile};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Devices, each its own station, all in one zone.
const DEVICES: u32 = 10_000;
/// Readings of a device in an hour.
const READINGS: i64 = 12;
/// Hours of which the median counts.
const HOURS: i64 = 9;
/// Where the hours begin: at the start of one.
const START_MS: i64 = 1_700_002_800_000;

/// One zone with the Korean ladders, one threshold.
const CONFIG: &str = r#"data_dir = "data"
[[source]]
name = "city"
url = "mqtt://127.0.0.1"
subscribe = [{ topic = "air/{device}", format = "json", values = { pm2_5 = "/pm2_5" } }]
[[zone]]
id = "seoul"
time_zone = "Asia/Seoul"
rulesets = ["kr-air-alert"]
[[threshold]]
id = "emergency"
quantity = "pm2_5"
at_least = 150
readings = "2 of 3"
lift_below = 75
"#;

fn main() -> Result<()> {
    print_machine();
    let mut judge = judge()?;
    (1..=DEVICES).for_each(|n| judge.announce(&format!("s{n:05}")));
    let mut readings = Vec::new();
    let mut zone = Vec::new();
    let mut devices = Vec::new();
    for hour in 0..HOURS {
        let start = START_MS + hour * 3_600_000;
        readings.push(ns_each(take(&mut judge, start), u64::from(DEVICES) * READINGS as u64));
        let began = Instant::now();
        let judged =
            judge.close_zone("seoul", Stamp(start).hour(), Stamp(start + 3_700_000), |_, _| None);
        zone.push(began.elapsed().as_secs_f64() * 1e6);
        ensure!(judged.iter().any(|j| j.hours.iter().any(|(_, h)| h.valid)), "no valid hour");
        let frontier: Hour = Stamp(start).hour().next();
        let began = Instant::now();
        let closed = judge.close_devices(frontier, 1..=u32::MAX);
        devices.push(ns_each(began.elapsed(), u64::from(DEVICES)));
        ensure!(closed.len() == DEVICES as usize, "{} hours closed", closed.len());
    }
    println!("settings: {DEVICES} devices in one zone with kr-air-alert, one threshold");
    println!("| what | cost |");
    println!("|---|---|");
    println!(
        "| one reading: sums of its hour, threshold, watermark | {:.0} ns |",
        median(&readings)
    );
    println!("| closing the hour of the zone | {:.0} µs |", median(&zone));
    println!("| closing the hour of a device | {:.0} ns |", median(&devices));
    println!("load after: {}", load());
    Ok(())
}

/// Takes an hour of readings of every device.
fn take(judge: &mut Judge, start: i64) -> Duration {
    let began = Instant::now();
    for n in 0..READINGS {
        let at = Stamp(start + n * 3_600_000 / READINGS);
        for device in 1..=DEVICES {
            let value = Value::main(Quantity::Pm2_5, f64::from(device % 70));
            let measured = Measured { value, flag: Flag::Pass, reasons: Reasons::default() };
            let reading = Reading { device, at, measured: &measured, label: 0 };
            judge.reading(reading, None);
            judge.thresholds(reading, at);
            judge.heard(device, at);
        }
    }
    began.elapsed()
}

fn ns_each(took: Duration, count: u64) -> f64 {
    took.as_nanos() as f64 / count as f64
}

fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

fn judge() -> Result<Judge> {
    let dir = TempDir::new()?;
    let path = dir.path().join("dustline.toml");
    std::fs::write(&path, CONFIG)?;
    let loaded = config::load(&path, &Machine).map_err(|faults| {
        anyhow!("{}", faults.iter().map(|f| f.to_string()).collect::<String>())
    })?;
    Ok(Judge::new(Plan::of(&loaded.settings).judge, Stamp(START_MS)))
}
