//! How much sealing slows ingest: the daemon takes messages from Mosquitto as fast as
//! it can, over a store full of rows that are three days old. Rounds alternate between
//! one that seals them meanwhile, as by default, and one that never seals; each begins
//! with a copy of the same store.

#[path = "support/broker.rs"]
mod broker;
#[path = "support/daemon.rs"]
mod daemon;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/filled.rs"]
mod filled;
#[path = "support/network.rs"]
mod network;
#[path = "support/wire.rs"]
mod wire;

use anyhow::{Result, anyhow, ensure};
use broker::Mosquitto;
use clap::Parser;
use daemon::{Home, rows};
use figures::{load, print_machine, quantile};
use network::{Network, Publisher, now_ms, written};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wire::Version;

/// Event time between two readings of one device while filling, ms.
const INTERVAL_MS: i64 = 60_000;
/// How old the rows are that are there already, ms; by default they are sealed after
/// two days.
const AGE_MS: i64 = 3 * 86_400_000;
/// Messages on their way from the publisher to the broker at once.
const WINDOW: usize = 4_000;
/// How often the store is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest that nothing may move.
const STALL_MAX: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Options {
    /// Pairs of rounds: one that does not seal, one that does.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Messages of each round.
    #[arg(long, default_value_t = 400_000)]
    messages: usize,
    /// Old rows that wait to be sealed, of two values each.
    #[arg(long, default_value_t = 3_000_000)]
    rows: usize,
    /// Devices.
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one round showed.
struct Round {
    /// Messages taken a second.
    rate: f64,
    /// Processor time of the daemon for each of them, sealing included, µs.
    cpu_us: f64,
    /// Old rows sealed meanwhile, a second.
    sealed: f64,
    /// The most memory held, MB.
    memory_mb: f64,
}

fn main() -> Result<()> {
    let options = Options::parse();
    print_machine();
    let full = TempDir::new()?;
    Home::new(full.path(), &daemon::source("city", 1, 1, &["+"]), "")?;
    fill(&options, full.path())?;
    println!(
        "settings: {}, {} messages a round, {} devices, QoS 1, one zone with kr-air-alert; \
         {} rows of two values wait to be sealed",
        broker::version(),
        options.messages,
        options.devices,
        options.rows,
    );
    println!(
        "| pair | never seals, msg/s | CPU µs | seals, msg/s | CPU µs | peak MB | sealed, rows/s | ratio | load |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut columns = vec![Vec::new(); 7];
    for pair in 1..=options.pairs {
        let never = round(&options, full.path(), false)?;
        let seals = round(&options, full.path(), true)?;
        ensure!(never.sealed == 0.0 && seals.sealed > 0.0, "sealing was not as it was set");
        let ratio = seals.rate / never.rate;
        let [alone, beside] = [&never, &seals].map(|r| [r.rate, r.cpu_us]);
        let sealing = [seals.memory_mb, seals.sealed, ratio];
        let row = [&alone[..], &beside, &sealing].concat();
        columns.iter_mut().zip(&row).for_each(|(column, value)| column.push(*value));
        print_row(&pair.to_string(), &row, &load());
    }
    let medians: Vec<f64> = columns.iter().map(|column| quantile(column, 0.5)).collect();
    print_row("median", &medians, "");
    Ok(())
}

fn print_row(name: &str, row: &[f64], load: &str) {
    let [never, cpu, seals, both, memory, sealed, ratio] = row else { return };
    println!(
        "| {name} | {never:.0} | {cpu:.1} | {seals:.0} | {both:.1} | {memory:.0} | {sealed:.0} | {ratio:.2} | {load} |"
    );
}

/// Fills the store of the configuration in `dir` with old rows.
fn fill(options: &Options, dir: &Path) -> Result<()> {
    let rounds = (options.rows / options.devices) as i64;
    let first = now_ms() - AGE_MS - rounds * INTERVAL_MS;
    let devices = options.devices;
    let each = move |round| (0..devices).map(move |n| (n, first + round * INTERVAL_MS));
    filled::fill(dir, (0..rounds).flat_map(each)).map(drop)
}

/// The daemon on a copy of the store, from the first message to the last; if it seals,
/// from when it does.
fn round(options: &Options, full: &Path, seals: bool) -> Result<Round> {
    let broker = Mosquitto::start()?;
    let dir = TempDir::new()?;
    copy(&full.join("data"), &dir.path().join("data"))?;
    let after = if seals { "2d" } else { "0s" };
    let sealing = format!("[store]\nseal_after = {after:?}\n");
    let home = Home::new(dir.path(), &daemon::source("city", broker.port, 1, &["+"]), &sealing)?;
    let mut daemon = home.start()?;
    home.wait_subscribed(1)?;
    let store = home.store()?;
    // Old is what came in long before the newest row.
    publish(options, broker.port, 1)?;
    let asked = Instant::now();
    while seals && sealed(&store)? == 0 {
        ensure!(asked.elapsed() < STALL_MAX, "nothing is sealed");
        thread::sleep(LOOK_EVERY);
    }
    let (last, before) = (rows(&store)?, sealed(&store)?);
    let (began, cpu) = (Instant::now(), daemon.cpu()?);
    thread::scope(|s| {
        let publishing = s.spawn(|| publish(options, broker.port, options.messages));
        wait_stored(&store, last + options.messages as i64)?;
        publishing.join().map_err(|_| anyhow!("the publisher panicked"))?
    })?;
    let took = began.elapsed().as_secs_f64();
    let messages = options.messages as f64;
    let done = Round {
        rate: messages / took,
        cpu_us: (daemon.cpu()? - cpu).as_secs_f64() * 1e6 / messages,
        sealed: (sealed(&store)? - before) as f64 / took,
        memory_mb: daemon.peak_memory()? as f64 / 1e6,
    };
    daemon.stop()?;
    Ok(done)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

fn publish(options: &Options, port: u16, messages: usize) -> Result<()> {
    let network = Network::new(options.devices, Version::V311);
    let mut publisher = Publisher::connect(&network, port)?;
    let devices = network.len();
    let rounds = messages.div_ceil(devices) as i64;
    let first = now_ms() - rounds * INTERVAL_MS;
    let mut time = String::new();
    for n in 0..messages {
        let (round, device) = ((n / devices) as i64, n % devices);
        if device == 0 {
            time = written(first + round * INTERVAL_MS);
        }
        publisher.publish(device, &time, "12.34", WINDOW)?;
    }
    publisher.flush()?;
    publisher.settle(0)
}

/// Waits until the journal has reached this row.
fn wait_stored(store: &Connection, expected: i64) -> Result<()> {
    let (mut last, mut moved) = (0, Instant::now());
    while last < expected {
        let now = rows(store)?;
        if now > last {
            (last, moved) = (now, Instant::now());
        }
        ensure!(moved.elapsed() < STALL_MAX, "nothing moves at journal row {last} of {expected}");
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// How many rows have been sealed.
fn sealed(store: &Connection) -> Result<i64> {
    let sum = "SELECT coalesce(sum(rows), 0) FROM history INDEXED BY history_device";
    Ok(store.query_row(sum, [], |r| r.get(0))?)
}
