//! A real VictoriaMetrics in a directory of its own.

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long it may take to start, and to answer.
const START_MAX: Duration = Duration::from_secs(20);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The database, killed with the value.
pub struct Victoria {
    dir: TempDir,
    child: Child,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Victoria {
    /// One that runs, empty.
    pub fn start() -> Result<Victoria> {
        let dir = TempDir::new()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = Command::new("victoria-metrics")
            .arg(format!("-storageDataPath={}", dir.path().display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg("-retentionPeriod=100y")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("victoria-metrics cannot be started; install it")?;
        let victoria = Victoria { dir, child, port };
        let asked = Instant::now();
        while victoria.call("GET", "/health", b"").is_err() {
            ensure!(asked.elapsed() < START_MAX, "VictoriaMetrics does not answer");
            std::thread::sleep(ASK_EVERY);
        }
        Ok(victoria)
    }

    /// Calls it, and returns the body of its answer.
    pub fn call(&self, method: &str, path: &str, body: &[u8]) -> Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        )?;
        stream.write_all(body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        if !head.split(' ').nth(1).is_some_and(|code| code.starts_with('2')) {
            bail!("{method} {path}: {head}");
        }
        Ok(body.to_owned())
    }

    /// The bytes of its files once everything is written and merged, and it has
    /// ended in order.
    pub fn size(mut self) -> Result<u64> {
        self.call("GET", "/internal/force_flush", b"")?;
        self.call("GET", "/internal/force_merge", b"")?;
        let asked = Instant::now();
        while !self.call("GET", "/metrics", b"")?.lines().any(is_idle) {
            ensure!(asked.elapsed() < START_MAX, "VictoriaMetrics merges for ever");
            std::thread::sleep(ASK_EVERY);
        }
        let told = Command::new("kill").arg("-INT").arg(self.child.id().to_string()).status()?;
        ensure!(told.success(), "it had ended by itself");
        self.child.wait()?;
        bytes(self.dir.path())
    }
}

/// A line of its metrics says that no forced merge runs.
fn is_idle(line: &str) -> bool {
    line.starts_with("vm_active_force_merges") && line.ends_with(" 0")
}

fn bytes(path: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        sum += if meta.is_dir() { bytes(&entry.path())? } else { meta.len() };
    }
    Ok(sum)
}

impl Drop for Victoria {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
