//! The real binary in a directory of its own, and what the system says of it.

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take, and until it has subscribed.
const START_MAX: Duration = Duration::from_secs(120);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A configured daemon: where it lives.
pub struct Home {
    dir: PathBuf,
    notify: UnixDatagram,
}

impl Home {
    /// Configures a daemon in `dir` with these `[[source]]` tables and one zone over
    /// all stations. `more` is further configuration.
    pub fn new(dir: &Path, sources: &str, more: &str) -> Result<Home> {
        let text = format!(
            r#"data_dir = "data"
instance = "bench"
[http]
listen = "127.0.0.1:0"
{sources}
[[zone]]
id = "seoul"
country = "KR"
time_zone = "Asia/Seoul"
rulesets = ["kr-air-alert"]
{more}"#
        );
        fs::write(dir.join("dustline.toml"), text)?;
        let socket = dir.join("notify");
        let _ = fs::remove_file(&socket);
        let notify = UnixDatagram::bind(socket)?;
        notify.set_read_timeout(Some(START_MAX))?;
        Ok(Home { dir: dir.to_owned(), notify })
    }

    /// Starts the daemon and waits until it says READY.
    pub fn start(&self) -> Result<Daemon> {
        let log = File::create(self.dir.join("log"))?;
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_dustline"))
            .args(["run", "--config"])
            .arg(self.dir.join("dustline.toml"))
            .env("NOTIFY_SOCKET", self.dir.join("notify"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut daemon = Daemon { child, ready_after: Duration::ZERO };
        let mut message = [0; 4096];
        loop {
            let Ok(length) = self.notify.recv(&mut message) else {
                bail!("the daemon was not ready within {START_MAX:?}; its log:\n{}", self.log());
            };
            if message[..length].split(|b| *b == b'\n').any(|line| line == b"READY=1") {
                daemon.ready_after = began.elapsed();
                return Ok(daemon);
            }
        }
    }

    /// Waits until the daemon says that the broker has granted its subscription, on
    /// so many connections.
    pub fn wait_subscribed(&self, connections: usize) -> Result<()> {
        let asked = Instant::now();
        while self.log().matches(" subscribed").count() < connections {
            ensure!(asked.elapsed() < START_MAX, "not subscribed; its log:\n{}", self.log());
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// What the daemon has said since its last start.
    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Its store, for reading.
    pub fn store(&self) -> Result<Connection> {
        let path = self.dir.join("data/dustline.db");
        let conn = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.busy_timeout(Duration::from_secs(5))?;
        Ok(conn)
    }
}

/// A `[[source]]` at the broker on this port of 127.0.0.1 that takes these
/// districts (`+`: all) over so many connections.
pub fn source(name: &str, port: u16, connections: usize, districts: &[&str]) -> String {
    let routes = districts.iter().map(|district| {
        format!(
            r#"  {{ topic = "air/{district}/{{device}}", format = "json", device = "/device", time = "/time", values = {{ pm2_5 = "/pm2_5", pm10 = "/pm10" }} }},"#
        )
    });
    format!(
        "[[source]]\nname = \"{name}\"\nurl = \"mqtt://127.0.0.1:{port}\"\nconnections = {connections}\nsubscribe = [\n{}\n]\n",
        routes.collect::<Vec<_>>().join("\n")
    )
}

/// The last row of the journal.
pub fn rows(store: &Connection) -> Result<i64> {
    let last = "SELECT coalesce(max(seq), 0) FROM journal";
    Ok(store.prepare_cached(last)?.query_row([], |r| r.get(0))?)
}

/// A running daemon; killed with the value.
pub struct Daemon {
    child: Child,
    /// From the call that started it to READY.
    pub ready_after: Duration,
}

impl Daemon {
    /// Ends it in order, as systemd does, and waits for that.
    pub fn stop(&mut self) -> Result<()> {
        let told = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(told.success(), "the daemon had ended by itself");
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the daemon ended with {ended}");
        Ok(())
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Processor time used so far by all its threads.
    pub fn cpu(&self) -> Result<Duration> {
        cpu(&format!("/proc/{}/stat", self.child.id()))
    }

    /// The most memory it has held, bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().context("no VmHWM")?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Processor time in user and system mode, from a `stat` file of procfs.
pub fn cpu(stat: &str) -> Result<Duration> {
    // The kernel counts here in hundredths of a second on every architecture.
    const TICK: Duration = Duration::from_millis(10);
    let text = fs::read_to_string(stat)?;
    // The name in front may hold anything but ends with the last parenthesis;
    // user and system time are the 12th and 13th field after it.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = rest.split_whitespace().skip(11).take(2);
    let ticks: u32 = fields.map(|f| f.parse::<u32>().unwrap_or_default()).sum();
    Ok(TICK * ticks)
}
