//! How soon the daemon is ready again after `kill -9` with a large store: from
//! the call that starts it to READY, as systemd hears it.
//!
//! The store is filled by the daemon's own intake, with hours closed on the way,
//! then the daemon takes readings from Mosquitto at a rate and is killed after a
//! few seconds, each time at another distance from its latest snapshot.

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
#[path = "support/pace.rs"]
mod pace;
#[path = "support/wire.rs"]
mod wire;

use anyhow::{Result, anyhow};
use broker::Mosquitto;
use clap::Parser;
use daemon::{Home, rows};
use figures::{load, print_machine, quantile};
use network::{Network, Publisher, now_ms, written};
use pace::Pace;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wire::Version;

/// Event time between two readings of one device while filling, ms.
const INTERVAL_MS: i64 = 60_000;
/// Messages on their way to the broker at once.
const WINDOW: usize = 10_000;

#[derive(Parser)]
struct Options {
    /// Rows of the journal.
    #[arg(long, default_value_t = 10_000_000)]
    rows: usize,
    /// Devices.
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// Messages a second while the daemon is killed.
    #[arg(long, default_value_t = 20_000)]
    rate: usize,
    /// How often it is killed.
    #[arg(long, default_value_t = 5)]
    kills: u32,
    /// Where the store lies, and stays; one that is there already is used again.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    print_machine();
    let own = TempDir::new()?;
    let dir = options.dir.clone().unwrap_or_else(|| own.path().to_owned());
    std::fs::create_dir_all(&dir)?;
    let broker = Mosquitto::start()?;
    let home = Home::new(&dir, &daemon::source("city", broker.port, 1, &["+"]), "")?;
    if home.store().is_err() {
        fill(&options, &dir)?;
    }
    let bytes = std::fs::metadata(dir.join("data/dustline.db"))?.len();
    println!(
        "settings: {}, {} devices, {} msg/s while killed; store of {:.0} MB, in the page cache",
        broker::version(),
        options.devices,
        options.rate,
        bytes as f64 / 1e6
    );
    let stop = AtomicBool::new(false);
    thread::scope(|s| {
        let flowing = s.spawn(|| load_broker(&options, broker.port, &stop));
        let measured = kills(&options, &home);
        stop.store(true, Ordering::SeqCst);
        flowing.join().map_err(|_| anyhow!("the publisher panicked"))??;
        measured
    })
}

/// Kills and starts the daemon while readings flow.
fn kills(options: &Options, home: &Home) -> Result<()> {
    println!(
        "| kill | journal rows | of them after the snapshot | ready after ms | CPU ms | load |"
    );
    println!("|---|---|---|---|---|---|");
    let mut samples = Vec::new();
    let mut daemon = home.start()?;
    for kill in 1..=options.kills {
        thread::sleep(Duration::from_millis(2_000 + u64::from(kill) * 700));
        daemon.kill()?;
        let store = home.store()?;
        let last = rows(&store)?;
        let kept: i64 =
            store.query_row("SELECT coalesce(max(seq), 0) FROM snapshot", [], |r| r.get(0))?;
        drop(store);
        daemon = home.start()?;
        let ready = daemon.ready_after.as_secs_f64() * 1e3;
        let cpu = daemon.cpu()?.as_millis();
        println!("| {kill} | {last} | {} | {ready:.0} | {cpu} | {} |", last - kept, load());
        samples.push(ready);
        // The next one is killed while readings flow again.
        home.wait_subscribed(1)?;
    }
    println!("| median | | | {:.0} | | |", quantile(&samples, 0.5));
    println!("| largest | | | {:.0} | | |", quantile(&samples, 1.0));
    println!("peak memory after the last start: {:.0} MB", daemon.peak_memory()? as f64 / 1e6);
    daemon.stop()
}

/// Readings at the rate until told to stop.
fn load_broker(options: &Options, port: u16, stop: &AtomicBool) -> Result<()> {
    let network = Network::new(options.devices, Version::V311);
    let mut publisher = Publisher::connect(&network, port)?;
    let mut pace = Pace::new(options.rate);
    while !stop.load(Ordering::SeqCst) {
        let time = written(now_ms());
        for n in pace.next() {
            publisher.publish(n % network.len(), &time, "12.34", WINDOW)?;
        }
        publisher.flush()?;
    }
    publisher.settle(0)
}

/// Fills a store through the intake, ending now; left as a crash leaves it.
fn fill(options: &Options, dir: &Path) -> Result<()> {
    let rounds = (options.rows / options.devices) as i64;
    let first = now_ms() - rounds * INTERVAL_MS;
    let began = Instant::now();
    let devices = options.devices;
    let each = move |round| (0..devices).map(move |n| (n, first + round * INTERVAL_MS));
    filled::fill(dir, (0..rounds).flat_map(each)).map(drop)?;
    println!("filled {} rows in {:.0} s", options.rows, began.elapsed().as_secs_f64());
    Ok(())
}
