//! What it costs to ask a store with history: a year of minute data of one series,
//! the latest values of 10,000 devices, a day of one quantity of 1,000 devices.
//! Over HTTP from the real binary, each request a connection of its own; and the
//! readings of the year as the store gives them, by row and by series.
//!
//! The store is filled through the intake and sealed, all but its last rows.

#[path = "support/broker.rs"]
mod broker;
#[path = "support/daemon.rs"]
mod daemon;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/filled.rs"]
mod filled;

use anyhow::{Context, Result, ensure};
use broker::Mosquitto;
use clap::Parser;
use daemon::{Home, rows};
use dustline::air::{Hour, Quantity, Stamp};
use dustline::flow::Upkeep;
use dustline::store::{Reader, SealRule, Span, StoreError, Writer, pass};
use figures::{load, print_machine, quantile};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const MINUTE_MS: i64 = 60_000;
const DAY: i64 = 1_440;
/// Devices that have a day of minutes …
const DAILY: usize = 1_000;
/// … and those that have a value at all.
const ALL: usize = 10_000;

#[derive(Parser)]
struct Options {
    /// Days of minute data of one device.
    #[arg(long, default_value_t = 365)]
    days: i64,
    /// How often each question is asked.
    #[arg(long, default_value_t = 21)]
    runs: usize,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    print_machine();
    let dir = TempDir::new()?;
    let broker = Mosquitto::start()?;
    let home = Home::new(dir.path(), &daemon::source("city", broker.port, 1, &["+"]), "")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let first = (now / MINUTE_MS - options.days * DAY) * MINUTE_MS;
    fill(dir.path(), first, options.days * DAY)?;
    let data = dir.path().join("data");
    let filled = rows(&home.store()?)?;
    seal(&data)?;
    println!(
        "settings: {}, {filled} rows of two values, sealed; {} runs each",
        broker::version(),
        options.runs
    );
    println!("| question | answers | median ms | largest ms | aimed at |");
    println!("|---|---|---|---|---|");
    year_of_rows(&data, options.runs)?;
    year_of_one_series(&data, first, options.runs)?;
    let mut daemon = home.start()?;
    home.wait_subscribed(1)?;
    let said = std::fs::read_to_string(dir.path().join("log"))?;
    let address =
        said.split_once(" started address=").and_then(|(_, a)| a.split_whitespace().next());
    let address = address.context("the daemon does not say where it listens")?;
    let ask = |what: &str, path: &str, aim: &str| -> Result<()> {
        let times = (0..options.runs).map(|_| timed(address, path)).collect::<Result<Vec<_>>>()?;
        let pages = times.first().map_or(0, |(_, pages)| *pages);
        let ms: Vec<f64> = times.iter().map(|(ms, _)| *ms).collect();
        row(what, &format!("{pages} pages"), &ms, aim);
        Ok(())
    };
    let year = format!("device={}&quantity=pm2_5&from={}&limit=10000", filled::name(0), at(first));
    let last_day = at(first + (options.days - 1) * DAY * MINUTE_MS);
    ask("hours of a year of one series", &format!("/api/v1/hours?{year}"), "50 ms")?;
    ask("values of a year of one series", &format!("/api/v1/readings?{year}"), "")?;
    let first_page = timed(address, "/api/v1/devices?limit=10000")?.0;
    println!(
        "| latest values of {ALL} devices, asked for the first time | 1 pages | {first_page:.1} | | |"
    );
    ask(&format!("latest values of {ALL} devices, then"), "/api/v1/devices?limit=10000", "20 ms")?;
    ask(
        &format!("hours of a day of one quantity of {DAILY} devices"),
        &format!("/api/v1/hours?quantity=pm2_5&from={last_day}&limit=10000"),
        "300 ms",
    )?;
    println!(
        "peak memory: {:.0} MB; CPU of the daemon: {:?}; load after: {}",
        daemon.peak_memory()? as f64 / 1e6,
        daemon.cpu()?,
        load()
    );
    daemon.stop()
}

/// A year of minutes of one device, a day of minutes of a thousand, a minute of all.
fn fill(dir: &Path, first: i64, minutes: i64) -> Result<()> {
    let of_minute = |minute: i64| {
        let devices = match minutes - minute {
            1 => ALL,
            left if left <= DAY => DAILY,
            _ => 1,
        };
        (0..devices).map(move |device| (device, first + minute * MINUTE_MS))
    };
    filled::fill(dir, (0..minutes).flat_map(of_minute))?.finish()?;
    Ok(())
}

/// Seals and merges whatever can be.
fn seal(data: &Path) -> Result<()> {
    let (mut reader, mut writer) = (Reader::open(data)?, Writer::open(data)?);
    let rule = SealRule { all: true, ..SealRule::default() };
    pass(&mut reader, &rule, |work| {
        writer.begin()?;
        // The intake kept the snapshot at its end.
        let done = if let Upkeep::Snapshot = work { true } else { writer.upkeep(&work)? };
        writer.commit()?;
        Ok::<_, StoreError>(done)
    })?;
    Ok(())
}

/// All rows of the device with a year of them, as an export reads them.
fn year_of_rows(data: &Path, runs: usize) -> Result<()> {
    let mut ms = Vec::new();
    let mut values = 0;
    for _ in 0..runs {
        let mut reader = Reader::open(data)?;
        let began = Instant::now();
        reader.refresh_names()?;
        let device = reader.device_id(&filled::name(0)).context("no device")?;
        values = 0;
        for part in reader.parts_of(device)? {
            values += reader.part(&part)?.iter().map(|row| row.values.len()).sum::<usize>();
        }
        ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    row("sealed rows of a year of one device, in the store", &values.to_string(), &ms, "");
    Ok(())
}

/// One of its series by time, what is sealed and what is not, as the API reads it.
fn year_of_one_series(data: &Path, first: i64, runs: usize) -> Result<()> {
    let (mut ms, mut values, mut sum) = (Vec::new(), 0, 0.0);
    for _ in 0..runs {
        let mut reader = Reader::open(data)?;
        reader.refresh_names()?;
        let device = reader.device_id(&filled::name(0)).context("no device")?;
        // The daemon has these at hand.
        let index = reader.index()?;
        let open = index.device(device).map_or(&[][..], |known| &known.open);
        let open: Vec<(Hour, i64)> = open.iter().map(|open| (open.hour, open.head)).collect();
        let (from, to) = (Stamp(first), Hour(i32::MAX).start());
        let span = Span { device, from, to, quantity: Some(Quantity::Pm2_5), open: &open };
        let began = Instant::now();
        (values, sum) = (0, 0.0);
        reader.points(&span, |point, _| {
            values += 1;
            sum += point.reading.value;
            true
        })?;
        ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    ensure!(sum > 0.0, "the values are not those that were written");
    row("values of a year of one series, in the store", &values.to_string(), &ms, "50 ms");
    Ok(())
}

fn row(what: &str, answers: &str, ms: &[f64], aim: &str) {
    let (median, largest) = (quantile(ms, 0.5), quantile(ms, 1.0));
    println!("| {what} | {answers} | {median:.1} | {largest:.1} | {aim} |");
}

/// Asks until there is no next page; ms, and how many pages there were.
fn timed(address: &str, path: &str) -> Result<(f64, usize)> {
    let (mut after, mut pages) = (String::new(), 0);
    let began = Instant::now();
    loop {
        let body = get(address, &format!("{path}{after}"))?;
        pages += 1;
        // The last member of an answer; what stands in it needs no escape.
        match body.rsplit_once("\"next\":\"").and_then(|(_, next)| next.split_once('"')) {
            Some((next, _)) => after = format!("&after={next}"),
            None => return Ok((began.elapsed().as_secs_f64() * 1e3, pages)),
        }
    }
}

fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {}", answer.lines().next().unwrap_or(""));
    Ok(answer)
}

fn at(ms: i64) -> String {
    Stamp(ms).to_string()
}
