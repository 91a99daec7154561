//! A private Mosquitto, stock but for its queue, which has no limit.

use anyhow::{Context, Result, ensure};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long it may take to start.
const START_MAX: Duration = Duration::from_secs(10);
/// How often it is asked whether it has.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// A broker that ends with the value.
pub struct Mosquitto {
    _dir: TempDir,
    child: Child,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Mosquitto {
    /// Starts one on a free port.
    pub fn start() -> Result<Mosquitto> {
        let dir = TempDir::new()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let path = dir.path().join("mosquitto.conf");
        let lines = "allow_anonymous true\nmax_queued_messages 0\nlog_dest none\n";
        std::fs::write(&path, format!("listener {port} 127.0.0.1\n{lines}"))?;
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("mosquitto cannot be started; install it, or add its directory to PATH")?;
        let broker = Mosquitto { _dir: dir, child, port };
        let asked = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(asked.elapsed() < START_MAX, "mosquitto does not listen on port {port}");
            std::thread::sleep(ASK_EVERY);
        }
        Ok(broker)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The installed version, in its own words.
pub fn version() -> String {
    let help = Command::new("mosquitto").arg("-h").output();
    let text = help.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("mosquitto of unknown version").to_owned()
}
