//! How fast a backlog goes to a database: a store that was filled through the
//! intake, a real VictoriaMetrics that is new to it, and the time from READY until
//! the cursor has reached the end of the journal.

#[path = "support/broker.rs"]
mod broker;
#[path = "support/daemon.rs"]
mod daemon;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/filled.rs"]
mod filled;
#[path = "support/victoria.rs"]
mod victoria;

use anyhow::{Result, ensure};
use broker::Mosquitto;
use clap::Parser;
use daemon::{Home, rows};
use figures::{load, print_machine, quantile};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use victoria::Victoria;

/// Event time between two readings of one device, ms.
const INTERVAL_MS: i64 = 60_000;
/// How often the cursor is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// How long it may take. Aimed at are 150,000 fields a second.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Parser)]
struct Options {
    /// Rows of the journal, each of two values.
    #[arg(long, default_value_t = 500_000)]
    rows: usize,
    /// Devices.
    #[arg(long, default_value_t = 1_000)]
    devices: usize,
    /// How often it is measured.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    print_machine();
    println!(
        "settings: {}, {} rows of two values, {} devices",
        broker::version(),
        options.rows,
        options.devices
    );
    println!(
        "| run | fields | seconds | fields/s | CPU of the daemon s | its peak MB | bytes there a field |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut each = Vec::new();
    for run in 1..=options.runs {
        each.push(measure(&options, run)?);
    }
    println!("| median | | | {:.0} | | | |", quantile(&each, 0.5));
    println!("load after: {}", load());
    Ok(())
}

fn measure(options: &Options, run: usize) -> Result<f64> {
    let (dir, broker) = (TempDir::new()?, Mosquitto::start()?);
    let database = Victoria::start()?;
    let target = format!(
        "[[influxdb]]\nname = \"main\"\nurl = \"http://127.0.0.1:{}\"\norg = \"dustline\"\nbucket = \"air\"\n",
        database.port
    );
    let home = Home::new(dir.path(), &daemon::source("city", broker.port, 1, &["+"]), &target)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let rounds = (options.rows / options.devices) as i64;
    let devices = options.devices;
    let at = |round| now - (rounds - round) * INTERVAL_MS;
    let each = |round| (0..devices).map(move |n| (n, at(round)));
    filled::fill(dir.path(), (0..rounds).flat_map(each))?.finish()?;
    let store = home.store()?;
    let last = rows(&store)?;
    let mut daemon = home.start()?;
    let began = Instant::now();
    let cursor = "SELECT coalesce(max(journal), 0) FROM cursors";
    while store.query_row(cursor, [], |r| r.get::<_, i64>(0))? < last {
        ensure!(began.elapsed() < PATIENCE, "not forwarded within {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
    let seconds = began.elapsed().as_secs_f64();
    let fields = rounds as usize * devices * 2;
    let pace = fields as f64 / seconds;
    let cpu = daemon.cpu()?.as_secs_f64();
    let memory = daemon.peak_memory()? as f64 / 1e6;
    home.wait_subscribed(1)?;
    daemon.stop()?;
    let bytes = database.size()? as f64 / fields as f64;
    println!(
        "| {run} | {fields} | {seconds:.2} | {pace:.0} | {cpu:.2} | {memory:.0} | {bytes:.2} |"
    );
    Ok(pace)
}
