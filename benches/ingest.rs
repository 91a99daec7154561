//! Durable ingest: how many messages a second the daemon stores and
//! acknowledges, beside the best client there can be on the same broker.
//!
//! Rounds alternate between a bare subscriber, which only acknowledges, and the
//! daemon with one zone rule. `live`: messages come while they are taken, so that
//! publisher, broker and subscriber share the machine. `backlog`: all of them wait
//! at the broker before the subscriber comes.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/broker.rs"]
mod broker;
#[path = "support/daemon.rs"]
mod daemon;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/network.rs"]
mod network;
#[path = "support/wire.rs"]
mod wire;

use anyhow::{Result, anyhow, bail, ensure};
use bare::Bare;
use broker::Mosquitto;
use clap::{Parser, ValueEnum};
use daemon::{Daemon, Home};
use dustline::simulate::Broker as Embedded;
use figures::{load, print_machine, quantile};
use network::{DISTRICTS, Network, Publisher, now_ms, written};
use rusqlite::Connection;
use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wire::Version;

/// Messages on their way from the publisher to the broker at once.
const WINDOW: usize = 4_000;
/// The daemon's default, so that both subscribers are served alike.
const RECEIVE_MAXIMUM: u16 = 1_024;
/// Event time between two messages of one device, ms: hours go by, as they do.
const INTERVAL_MS: i64 = 60_000;
/// How often the store is asked whether everything is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest that nothing may move.
const STALL_MAX: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Options {
    /// Pairs of rounds: a bare subscriber, then the daemon.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Messages of each round.
    #[arg(long, default_value_t = 400_000)]
    messages: usize,
    /// Devices that they are of.
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// Which brokers.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "mosquitto,embedded")]
    broker: Vec<Kind>,
    /// Which modes.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "live,backlog")]
    mode: Vec<Mode>,
    /// The bare subscriber, too, syncs what it took before it acknowledges.
    #[arg(long)]
    synced: bool,
    /// The bare subscriber acknowledges each message with a write of its own.
    #[arg(long, conflicts_with = "synced")]
    each: bool,
    /// Connections of each source of the daemon.
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Sources of the daemon, each with its own share of the districts.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    sources: u8,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Mosquitto,
    Embedded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Live,
    Backlog,
}

/// A running broker of either kind.
enum Broker {
    Mosquitto(Mosquitto),
    Embedded(Embedded),
}

impl Broker {
    fn start(kind: Kind) -> Result<Broker> {
        Ok(match kind {
            Kind::Mosquitto => Broker::Mosquitto(Mosquitto::start()?),
            Kind::Embedded => Broker::Embedded(Embedded::start()?),
        })
    }

    fn port(&self) -> u16 {
        match self {
            Broker::Mosquitto(broker) => broker.port,
            Broker::Embedded(broker) => broker.port,
        }
    }
}

/// What one round showed.
struct Round {
    /// Messages a second.
    rate: f64,
    /// Processor time of the subscriber for each message, µs.
    cpu_us: f64,
    /// The most memory held, MB; of the daemon only.
    memory_mb: f64,
}

impl Round {
    fn new(messages: usize, took: Duration, cpu: Duration, memory: u64) -> Round {
        let messages = messages as f64;
        Round {
            rate: messages / took.as_secs_f64(),
            cpu_us: cpu.as_secs_f64() * 1e6 / messages,
            memory_mb: memory as f64 / 1e6,
        }
    }
}

/// What is published in every round.
struct Flood {
    network: Network,
    messages: usize,
    synced: bool,
    each: bool,
    connections: usize,
    sources: usize,
}

impl Flood {
    /// A daemon's home for the broker on this port.
    fn home(&self, dir: &Path, port: u16) -> Result<Home> {
        let districts: Vec<String> = match self.sources {
            1 => vec!["+".to_owned()],
            _ => (0..DISTRICTS).map(|d| d.to_string()).collect(),
        };
        let source = |n: usize| {
            let share: Vec<&str> =
                districts.iter().skip(n).step_by(self.sources).map(String::as_str).collect();
            daemon::source(&format!("city{n}"), port, self.connections, &share)
        };
        let sources: Vec<String> = (0..self.sources).map(source).collect();
        Home::new(dir, &sources.concat(), "")
    }

    /// Publishes everything, ends when the broker has acknowledged it.
    fn publish(&self, port: u16, first_ms: i64) -> Result<()> {
        let mut publisher = Publisher::connect(&self.network, port)?;
        let devices = self.network.len();
        let mut time = String::new();
        for n in 0..self.messages {
            let (round, device) = (n / devices, n % devices);
            if device == 0 {
                time = written(first_ms + round as i64 * INTERVAL_MS);
            }
            let value = 1_000 + (device * 7 + round * 13) % 5_000;
            publisher.publish(
                device,
                &time,
                &format!("{}.{:02}", value / 100, value % 100),
                WINDOW,
            )?;
        }
        publisher.flush()?;
        publisher.settle(0)
    }

    /// The event time of the first message, so that the last is of now.
    fn first_ms(&self) -> i64 {
        let rounds = self.messages.saturating_sub(1) / self.network.len();
        now_ms() - rounds as i64 * INTERVAL_MS
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    print_machine();
    println!("broker: {}; embedded: rumqttd, in this process", broker::version());
    println!(
        "settings: {} messages a round, {} devices, QoS 1, receive maximum {RECEIVE_MAXIMUM}, \
         publisher's window {WINDOW}, max_queued_messages 0, one zone with kr-air-alert",
        options.messages, options.devices,
    );
    println!(
        "the daemon has {} sources with {} connections each",
        options.sources, options.connections
    );
    if options.synced {
        println!("the bare subscriber syncs each read to disk before it acknowledges");
    }
    if options.each {
        println!("the bare subscriber acknowledges each message with a write of its own");
    }
    for kind in &options.broker {
        let version = if *kind == Kind::Mosquitto { Version::V311 } else { Version::V5 };
        let network = Network::new(options.devices, version);
        let flood = Flood {
            network,
            messages: options.messages,
            synced: options.synced,
            each: options.each,
            connections: options.connections,
            sources: usize::from(options.sources),
        };
        for mode in &options.mode {
            if (*kind, *mode) == (Kind::Embedded, Mode::Backlog) {
                println!("\nEmbedded, Backlog: left out, it keeps nothing for who is away");
                continue;
            }
            measure(*kind, *mode, &flood, options.pairs)?;
        }
    }
    Ok(())
}

fn measure(kind: Kind, mode: Mode, flood: &Flood, pairs: usize) -> Result<()> {
    println!("\n{kind:?}, {mode:?}\n");
    println!(
        "| pair | bare msg/s | bare CPU µs | dustline msg/s | CPU µs | peak MB | ratio | load |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut columns = vec![Vec::new(); 6];
    for pair in 1..=pairs {
        let bare = bare_round(kind, mode, flood)?;
        let ours = our_round(kind, mode, flood)?;
        let ratio = ours.rate / bare.rate;
        let row = [bare.rate, bare.cpu_us, ours.rate, ours.cpu_us, ours.memory_mb, ratio];
        columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        print_row(&pair.to_string(), row, &load());
    }
    let medians: Vec<f64> = columns.iter().map(|c| quantile(c, 0.5)).collect();
    let medians = <[f64; 6]>::try_from(medians).map_err(|_| anyhow!("a column is missing"))?;
    print_row("median", medians, "");
    Ok(())
}

fn print_row(name: &str, [bare, bare_cpu, ours, cpu, memory, ratio]: [f64; 6], load: &str) {
    println!(
        "| {name} | {bare:.0} | {bare_cpu:.1} | {ours:.0} | {cpu:.1} | {memory:.0} | {ratio:.2} | {load} |"
    );
}

fn bare_round(kind: Kind, mode: Mode, flood: &Flood) -> Result<Round> {
    let broker = Broker::start(kind)?;
    let port = broker.port();
    let dir = TempDir::new()?;
    let connect = || {
        let mut bare = Bare::connect(port, RECEIVE_MAXIMUM)?;
        if flood.synced {
            bare.keep(File::create(dir.path().join("journal"))?);
        }
        if flood.each {
            bare.acknowledge_each();
        }
        anyhow::Ok(bare)
    };
    let mut bare = connect()?;
    bare.subscribe()?;
    if mode == Mode::Backlog {
        bare.leave()?;
        flood.publish(port, flood.first_ms())?;
        let began = Instant::now();
        let mut bare = connect()?;
        let (ended, cpu) = thread::scope(|s| joined(s.spawn(|| take(&mut bare, flood.messages))))?;
        return Ok(Round::new(flood.messages, ended - began, cpu, 0));
    }
    thread::scope(|s| {
        let taking = s.spawn(|| take(&mut bare, flood.messages));
        let began = Instant::now();
        flood.publish(port, flood.first_ms())?;
        let (ended, cpu) = joined(taking)?;
        Ok(Round::new(flood.messages, ended - began, cpu, 0))
    })
}

/// When the last message was acknowledged, and this thread's processor time.
fn take(bare: &mut Bare, messages: usize) -> Result<(Instant, Duration)> {
    bare.take(messages)?;
    Ok((Instant::now(), daemon::cpu("/proc/thread-self/stat")?))
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of the benchmark panicked"))?
}

fn our_round(kind: Kind, mode: Mode, flood: &Flood) -> Result<Round> {
    let broker = Broker::start(kind)?;
    let port = broker.port();
    let dir = TempDir::new()?;
    let home = flood.home(dir.path(), port)?;
    let mut daemon = home.start()?;
    home.wait_subscribed(flood.sources * flood.connections)?;
    let first_ms = flood.first_ms();
    let done = if mode == Mode::Backlog {
        daemon.stop()?;
        flood.publish(port, first_ms)?;
        daemon = home.start()?;
        let began = Instant::now();
        let before = daemon.cpu()?;
        wait_stored(&home, flood)?;
        finished(&daemon, flood, began, before)?
    } else {
        thread::scope(|s| {
            let before = daemon.cpu()?;
            let began = Instant::now();
            let publishing = s.spawn(|| flood.publish(port, first_ms));
            wait_stored(&home, flood)?;
            let done = finished(&daemon, flood, began, before)?;
            joined(publishing)?;
            anyhow::Ok(done)
        })?
    };
    daemon.stop()?;
    check(&home.store()?, flood.messages)?;
    Ok(done)
}

fn finished(daemon: &Daemon, flood: &Flood, began: Instant, before: Duration) -> Result<Round> {
    let took = began.elapsed();
    let cpu = daemon.cpu()? - before;
    Ok(Round::new(flood.messages, took, cpu, daemon.peak_memory()?))
}

/// Waits until all messages are in the journal.
fn wait_stored(home: &Home, flood: &Flood) -> Result<()> {
    let store = home.store()?;
    let expected = flood.messages as i64;
    let (mut rows, mut moved) = (0, Instant::now());
    loop {
        let now = daemon::rows(&store)?;
        // Rows that are no messages are among them, so in the end it is counted.
        if now >= expected && stored(&store)? >= expected {
            return Ok(());
        }
        if now > rows {
            (rows, moved) = (now, Instant::now());
        }
        ensure!(moved.elapsed() < STALL_MAX, "nothing moves at journal row {rows} of {expected}");
        thread::sleep(LOOK_EVERY);
    }
}

fn stored(store: &Connection) -> Result<i64> {
    let count = "SELECT count(*) FROM journal WHERE tag & 7 = 1";
    Ok(store.query_row(count, [], |r| r.get(0))?)
}

/// Every message must have become exactly one row with its readings.
fn check(store: &Connection, messages: usize) -> Result<()> {
    let stored = stored(store)?;
    if stored != messages as i64 {
        bail!("{stored} of {messages} messages were stored: the figures mean nothing");
    }
    Ok(())
}
