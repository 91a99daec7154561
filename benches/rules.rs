//! What it costs to judge: one reading, what a series takes in memory, the closing
//! of an hour, and how long a commit takes at most while a large network closes it.

#[path = "support/figures.rs"]
mod figures;

use anyhow::{Result, anyhow, ensure};
use dustline::air::{Flag, Hour, Measured, Quantity, Reasons, Stamp, Value};
use dustline::backtest::{self, Choice, Data, TimeLabel, Way, ZoneBy, Zoning};
use dustline::clock::Clock;
use dustline::config::{self, Machine, Settings};
use dustline::flow::{self, Arrival, BATCH_MAX, Event, Receipt, SourceId};
use dustline::intake::{Intake, Parts, Plan};
use dustline::rules;
use dustline::rules::judge::{Judge, Reading};
use dustline::store::Writer;
use dustline::telemetry::{Health, Metrics};
use figures::{load, print_machine, quantile};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Devices, each its own station, all in one zone.
const DEVICES: u32 = 10_000;
/// Devices of a large network, in which memory and commits are measured.
const MANY: u32 = 100_000;
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
subscribe = [
  { topic = "air/{device}", format = "json", time = "/time", values = { pm2_5 = "/pm2_5" } },
]
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
    println!("yardstick: {:.2} ns for three dependent shifts and exclusive ors", yardstick());
    println!("settings: {DEVICES} devices in one zone with kr-air-alert, one threshold");
    println!("| what | cost |");
    println!("|---|---|");
    small()?;
    // Kept alive, so that the second does not live in what the first gave back.
    let one = memory(&[Quantity::Pm2_5])?;
    memory(&[Quantity::Pm2_5, Quantity::Pm10, Quantity::Temperature, Quantity::Humidity])?;
    drop(one);
    commits()?;
    past()?;
    println!("load after: {}", load());
    Ok(())
}

/// What the machine makes of a chain of arithmetic, ns a step, so that figures of
/// different days can be compared.
fn yardstick() -> f64 {
    const STEPS: u64 = 100_000_000;
    let mix = |x: u64, left: u32, right: u32| (x ^ (x << left)) ^ ((x ^ (x << left)) >> right);
    let began = Instant::now();
    black_box((0..STEPS).fold(black_box(88_172_645_463_325_252u64), |x, _| mix(x, 13, 7)));
    ns_each(began.elapsed(), STEPS)
}

/// Readings and closings of [`DEVICES`].
fn small() -> Result<()> {
    let mut judge = judge(DEVICES)?;
    let (mut readings, mut zone, mut devices) = (Vec::new(), Vec::new(), Vec::new());
    for hour in 0..HOURS {
        let start = START_MS + hour * 3_600_000;
        let took = take(&mut judge, DEVICES, &[Quantity::Pm2_5], start);
        readings.push(ns_each(took, u64::from(DEVICES) * READINGS as u64));
        zone.push(close_zone(&mut judge, start)?.as_secs_f64() * 1e6);
        let frontier: Hour = Stamp(start).hour().next();
        let began = Instant::now();
        let closed = judge.close_devices(frontier, 1..=u32::MAX);
        devices.push(ns_each(began.elapsed(), u64::from(DEVICES)));
        ensure!(closed.len() == DEVICES as usize, "{} hours closed", closed.len());
    }
    let taken = median(&readings);
    println!("| one reading: sums of its hour, threshold, watermark | {taken:.0} ns |");
    println!("| closing the hour of the zone | {:.0} µs |", median(&zone));
    println!("| closing the hour of a device | {:.0} ns |", median(&devices));
    Ok(())
}

/// What the judge keeps of [`MANY`] devices with an open hour, by what the process
/// holds more than before; and the closing of that hour in the zone of them all.
fn memory(quantities: &[Quantity]) -> Result<Judge> {
    let before = resident()?;
    let mut judge = judge(MANY)?;
    take(&mut judge, MANY, quantities, START_MS);
    let kept = resident()?.saturating_sub(before);
    let series = u64::from(MANY) * quantities.len() as u64;
    let each = kept as f64 / series as f64;
    println!(
        "| memory of a series, {} a device, {MANY} devices | {each:.0} bytes |",
        quantities.len()
    );
    let took = close_zone(&mut judge, START_MS)?;
    println!("| closing the hour of the zone of {MANY} | {:.1} ms |", took.as_secs_f64() * 1e3);
    Ok(judge)
}

/// A backtest of eight days of 746 stations in 13 zones, both fractions, by every
/// built-in ruleset, from the text of a file.
fn past() -> Result<()> {
    const STATIONS: i32 = 746;
    let mut text = "time,station,pm2_5,pm10,zone\n".to_owned();
    for hour in 0..192 {
        let at = Hour(Stamp(START_MS).hour().0 + hour).end();
        for n in 0..STATIONS {
            let value = (hour * 7 + n * 3) % 300;
            writeln!(text, "{at},{n}A,{value},{},z{}", value + 40, n % 13)?;
        }
    }
    let known = rules::builtin()?;
    let choices: Vec<Choice> =
        known.keys().map(|id| backtest::choose(id, &known)).collect::<Result<_, _>>()?;
    let zoning = Zoning {
        stations: Vec::new(),
        by: ZoneBy::Column,
        couplings: Vec::new(),
        min_valid_share: 0.5,
        own_rulesets: false,
    };
    let covers = Duration::from_secs(3600);
    let way = Way { zoning, covers, min_coverage: 0.75, neighbours: None, forecasts: Vec::new() };
    let mut times = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let mut data = Data::new();
        data.read(text.as_bytes(), "bench.csv", TimeLabel::End)?;
        let outcome = backtest::run(&mut data, &choices, &way);
        times.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(!outcome.changes.is_empty(), "nothing changed");
    }
    let (rulesets, rows) = (choices.len(), 192 * STATIONS);
    println!(
        "| backtest of {rows} rows by {rulesets} rulesets, median of 5 | {:.0} ms |",
        median(&times)
    );
    Ok(())
}

/// Bytes that the process holds in memory.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let kib = line.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok());
    Ok(kib.ok_or_else(|| anyhow!("no VmRSS in /proc/self/status"))? * 1024)
}

/// The longest time from taking a batch up to its commit, through the intake and on
/// disk: while [`MANY`] devices close an hour, a batch of one message each time, and
/// beside it while none does.
fn commits() -> Result<()> {
    let dir = TempDir::new()?;
    let mut intake = intake(&dir)?;
    let mut events = Vec::with_capacity(BATCH_MAX);
    for n in 0..MANY {
        // Late in its hour, so that the clock has little to do until the next.
        events.push(Event::Arrival(arrival(n, START_MS + 1_800_000)));
        if events.len() == BATCH_MAX || n + 1 == MANY {
            intake.turn(&mut events)?;
        }
    }
    let mut one = |intake: &mut Intake, n: u32, at: i64, tick: bool| -> Result<f64> {
        events.extend(tick.then_some(Event::Tick(Stamp(at))));
        events.push(Event::Arrival(arrival(n, at)));
        let began = Instant::now();
        intake.turn(&mut events)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    let due = START_MS + 2 * 3_600_000;
    let idle: Vec<f64> = (0..300)
        .map(|n| one(&mut intake, n, due - 60_000 + n as i64, false))
        .collect::<Result<_>>()?;
    let first = one(&mut intake, 0, due, true)?;
    let busy: Vec<f64> = (0..MANY / 400)
        .map(|n| one(&mut intake, n, due + 1 + i64::from(n), false))
        .collect::<Result<_>>()?;
    let longest = |times: &[f64]| quantile(times, 1.0);
    // Its hour of receipt is the first after that of all others.
    let (ledger, idle) = idle.split_first().ok_or_else(|| anyhow!("no commit"))?;
    println!(
        "| the commit that writes the ledger of {MANY} devices for an hour | {ledger:.1} ms |"
    );
    println!(
        "| a commit while nothing closes: median, longest | {:.1} ms, {:.1} ms |",
        median(idle),
        longest(idle)
    );
    println!("| the commit that closes the hour of the zone of {MANY} | {first:.1} ms |");
    println!(
        "| the {} after it, which close the devices: median, longest | {:.1} ms, {:.1} ms |",
        busy.len(),
        median(&busy),
        longest(&busy)
    );
    Ok(())
}

fn intake(dir: &TempDir) -> Result<Intake> {
    let settings = settings(dir)?;
    std::fs::create_dir_all(&settings.data_dir)?;
    let writer = Writer::open(&settings.data_dir)?;
    Ok(Intake::open(Parts {
        plan: Arc::new(Plan::of(&settings)),
        announce: flow::announce(writer.last()),
        writer,
        metrics: Metrics::new("bench", "bench"),
        clock: Clock::manual(Stamp(START_MS)),
        health: Health::new(),
    })?)
}

fn arrival(n: u32, at: i64) -> Arrival {
    Arrival {
        source: SourceId(0),
        topic: format!("air/s{n:06}").into(),
        payload: format!(r#"{{"time":{at},"pm2_5":{}.5}}"#, n % 60).into(),
        retained: false,
        duplicate: false,
        at: Stamp(at + 500),
        receipt: Some(Receipt { lane: 0, connection: 1, packet: n as u16, exactly_once: false }),
    }
}

/// Takes an hour of readings of every device.
fn take(judge: &mut Judge, devices: u32, quantities: &[Quantity], start: i64) -> Duration {
    let began = Instant::now();
    for n in 0..READINGS {
        let at = Stamp(start + n * 3_600_000 / READINGS);
        for device in 1..=devices {
            for quantity in quantities {
                let value = Value::main(*quantity, f64::from(device % 70));
                let measured = Measured { value, flag: Flag::Pass, reasons: Reasons::default() };
                let reading = Reading { device, at, measured: &measured, label: 0 };
                judge.reading(reading, None);
                judge.thresholds(reading, at);
            }
            judge.heard(device, at);
        }
    }
    began.elapsed()
}

/// Closes the hour that begins at an instant.
fn close_zone(judge: &mut Judge, start: i64) -> Result<Duration> {
    let began = Instant::now();
    let hour = Stamp(start).hour();
    let judged = judge.close_zone("seoul", hour, Stamp(start + 3_700_000), |_, _| None);
    let took = began.elapsed();
    ensure!(judged.iter().any(|j| j.hours.iter().any(|h| h.hour.valid)), "no valid hour");
    Ok(took)
}

fn ns_each(took: Duration, count: u64) -> f64 {
    took.as_nanos() as f64 / count as f64
}

fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

fn judge(devices: u32) -> Result<Judge> {
    let plan = Plan::of(&settings(&TempDir::new()?)?).judge;
    let mut judge = Judge::new(plan, Stamp(START_MS));
    (0..devices).for_each(|n| judge.announce(&format!("s{n:06}")));
    Ok(judge)
}

fn settings(dir: &TempDir) -> Result<Settings> {
    let path = dir.path().join("dustline.toml");
    std::fs::write(&path, CONFIG)?;
    let loaded = config::load(&path, &Machine).map_err(|refused| anyhow!("{refused}"))?;
    Ok(loaded.settings)
}
