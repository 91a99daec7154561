//! From the reading that crosses an immediate threshold to the notice at its
//! receiver, while ordinary readings flow: from the call that publishes it at
//! Mosquitto to the last byte of the webhook's request.

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

use anyhow::{Result, ensure};
use broker::Mosquitto;
use clap::Parser;
use daemon::{Home, rows};
use figures::{load, print_machine, quantile};
use network::{Network, Publisher, now_ms, written};
use pace::Pace;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wire::Version;

/// A usual value and one that crosses, µg/m³.
const USUAL: &str = "12.34";
const CROSSING: &str = "500.0";
/// How long the last notices may take.
const LAST_MAX: Duration = Duration::from_secs(10);
/// Messages on their way to the broker at once; never reached at a steady rate.
const WINDOW: usize = 10_000;

#[derive(Parser)]
struct Options {
    /// How long readings flow, s.
    #[arg(long, default_value_t = 30)]
    seconds: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 1_000)]
    rate: usize,
    /// How many of them cross the threshold.
    #[arg(long, default_value_t = 10)]
    crossings: usize,
    /// Devices.
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A notice's station and level, and when it had come.
struct Arrived {
    station: String,
    level: String,
    at: Instant,
}

fn main() -> Result<()> {
    let options = Options::parse();
    print_machine();
    println!(
        "settings: {}, {} msg/s for {} s from {} devices, {} crossings a second",
        broker::version(),
        options.rate,
        options.seconds,
        options.devices,
        options.crossings
    );
    let broker = Mosquitto::start()?;
    let (arrived, port) = receiver()?;
    let dir = TempDir::new()?;
    let home =
        Home::new(dir.path(), &daemon::source("city", broker.port, 1, &["+"]), &alerting(port))?;
    let mut daemon = home.start()?;
    home.wait_subscribed(1)?;
    let before = daemon.cpu()?;
    let published = flow(&options, broker.port)?;
    let cpu = daemon.cpu()? - before;
    let samples = matched(published, &arrived)?;
    let at = |share| quantile(&samples, share);
    println!("| notices | median ms | p90 | p99 | max | CPU of the daemon | peak MB | load |");
    println!("|---|---|---|---|---|---|---|---|");
    println!(
        "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} % | {:.0} | {} |",
        samples.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        cpu.as_secs_f64() * 100.0 / options.seconds as f64,
        daemon.peak_memory()? as f64 / 1e6,
        load(),
    );
    let stored = rows(&home.store()?)?;
    let sent = (options.rate * options.seconds) as i64;
    ensure!(stored >= sent, "{stored} of {sent} messages stored: the figures mean nothing");
    daemon.stop()
}

/// One threshold that one reading crosses, and one receiver.
fn alerting(port: u16) -> String {
    format!(
        r#"[[threshold]]
id = "emergency"
quantity = "pm2_5"
at_least = 150
readings = "1 of 1"
lift_below = 75
[[receiver]]
id = "desk"
url = "http://127.0.0.1:{port}/"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
events = ["change"]
"#
    )
}

/// Publishes at the rate; when each crossing reading was, by device.
fn flow(options: &Options, port: u16) -> Result<HashMap<String, Instant>> {
    let network = Network::new(options.devices, Version::V311);
    let mut publisher = Publisher::connect(&network, port)?;
    let total = options.rate * options.seconds;
    let period = (options.rate / options.crossings).max(1);
    let mut published = HashMap::new();
    let mut pace = Pace::new(options.rate);
    let mut sent = 0;
    while sent < total {
        for n in pace.next() {
            // One of each period crosses, another one of the devices every time.
            let crossing = n % period == (n / period * 37 + n / network.len()) % period;
            let device = n % network.len();
            let name = format!("s{device:05}");
            if crossing && !published.contains_key(&name) {
                publisher.flush()?;
                published.insert(name, Instant::now());
                publisher.publish(device, &written(now_ms()), CROSSING, WINDOW)?;
            } else {
                publisher.publish(device, &written(now_ms()), USUAL, WINDOW)?;
            }
            publisher.flush()?;
            sent += 1;
        }
    }
    publisher.settle(0)?;
    Ok(published)
}

/// Milliseconds from each crossing to its notice; every one must come.
fn matched(
    mut published: HashMap<String, Instant>,
    arrived: &Receiver<Arrived>,
) -> Result<Vec<f64>> {
    let mut samples = Vec::new();
    let deadline = Instant::now() + LAST_MAX;
    while !published.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(notice) = arrived.recv_timeout(left) else { break };
        if notice.level != "none"
            && let Some(at) = published.remove(&notice.station)
        {
            samples.push((notice.at - at).as_secs_f64() * 1e3);
        }
    }
    ensure!(published.is_empty(), "{} crossings brought no notice", published.len());
    Ok(samples)
}

/// A receiver that says 204 to everything; what it got, and its port.
fn receiver() -> Result<(Receiver<Arrived>, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let (sender, arrived) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || answer(stream, &sender));
        }
    });
    Ok((arrived, port))
}

/// Reads the requests of one connection until it ends.
fn answer(stream: TcpStream, sender: &Sender<Arrived>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim_end().to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if header.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let at = Instant::now();
        writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        let event: serde_json::Value = serde_json::from_slice(&body)?;
        let text = |pointer| {
            event.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
        };
        let (station, level) = (text("/data/scope/station"), text("/data/to"));
        sender.send(Arrived { station, level, at })?;
    }
}
