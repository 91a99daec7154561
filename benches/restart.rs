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
use dustline::air::Stamp;
use dustline::clock::Clock;
use dustline::config::{self, Machine};
use dustline::flow::{self, Arrival, BATCH_MAX, Event, Receipt, SourceId};
use dustline::intake::{Intake, Parts, Plan};
use dustline::store::{self, Writer};
use dustline::telemetry::{Health, Metrics};
use figures::{load, print_machine, quantile};
use network::{Network, Publisher, now_ms, written};
use pace::Pace;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    let loaded = config::load(&dir.join("dustline.toml"), &Machine).map_err(|faults| {
        anyhow!("{}", faults.iter().map(|f| f.to_string()).collect::<String>())
    })?;
    let rounds = (options.rows / options.devices) as i64;
    let first = now_ms() - rounds * INTERVAL_MS;
    let data = &loaded.settings.data_dir;
    let _lock = store::lock(data)?;
    let writer = Writer::open(data)?;
    let announce = flow::announce(writer.last());
    let mut intake = Intake::open(Parts {
        plan: Arc::new(Plan::of(&loaded.settings)),
        writer,
        announce,
        metrics: Metrics::new("bench", "bench"),
        clock: Clock::manual(Stamp(first)),
        health: Health::new(),
    })?;
    let began = Instant::now();
    let mut events = Vec::with_capacity(BATCH_MAX);
    for n in 0..options.devices * rounds as usize {
        let (round, device) = (n / options.devices, n % options.devices);
        let at = first + round as i64 * INTERVAL_MS;
        if device == 0 {
            events.push(Event::Tick(Stamp(at)));
        }
        events.push(Event::Arrival(arrival(n, device, at)));
        if events.len() >= BATCH_MAX {
            intake.turn(&mut events)?;
        }
    }
    intake.turn(&mut events)?;
    println!("filled {} rows in {:.0} s", options.rows, began.elapsed().as_secs_f64());
    Ok(())
}

fn arrival(n: usize, device: usize, at: i64) -> Arrival {
    let payload = format!(
        r#"{{"device":"s{device:05}","time":{at},"pm2_5":{}.{},"pm10":20.1}}"#,
        10 + n % 40,
        n % 10
    );
    Arrival {
        source: SourceId(0),
        topic: format!("air/seoul/s{device:05}").into(),
        payload: payload.into(),
        retained: false,
        duplicate: false,
        at: Stamp(at + 500),
        receipt: Some(Receipt { lane: 0, connection: 1, packet: n as u16, exactly_once: false }),
    }
}
