//! The unit that is shipped, as systemd's own tools see it.

use crate::helpers::DEADLINE;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn unit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/dustline.service")
}

/// Runs `systemd-analyze`; `None`, and says so, if there is none.
fn analyze(test: &str, args: &[&str], file: &Path) -> Option<Output> {
    match Command::new("systemd-analyze").args(args).arg(file).output() {
        Ok(output) => Some(output),
        Err(e) => {
            println!("skipped: {test}: systemd-analyze cannot be run: {e}");
            None
        }
    }
}

#[test]
fn the_unit_exposes_little() {
    let args = ["security", "--offline=true", "--no-pager", "--threshold=20"];
    let Some(output) = analyze("the_unit_exposes_little", &args, &unit()) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("exposure level"), "above 2.0:\n{said}");
}

#[test]
fn systemd_has_no_objection_to_the_unit() {
    // Where the program is not installed systemd would object to that alone.
    let text = std::fs::read_to_string(unit()).unwrap();
    let text = text.replace("/usr/bin/dustline", "/bin/true");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dustline.service");
    std::fs::write(&file, text).unwrap();
    let args = ["verify", "--man=no"];
    let Some(output) = analyze("systemd_has_no_objection_to_the_unit", &args, &file) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // What systemd 252 does not know yet it ignores, as the unit says.
    let objections: Vec<&str> =
        said.lines().filter(|l| !l.contains("Unknown key 'ImportCredential'")).collect();
    assert!(output.status.success() && objections.is_empty(), "{said}");
}

#[test]
fn the_unit_leaves_the_daemon_time_to_stop_and_does_not_repeat_a_bad_start() {
    let text = std::fs::read_to_string(unit()).unwrap();
    let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(&format!("{key}=")));
    let stop: u64 = value("TimeoutStopSec").unwrap().parse().unwrap();
    assert!(stop > 20, "the daemon's own deadline is 20 s");
    let never: Vec<&str> = value("RestartPreventExitStatus").unwrap().split(' ').collect();
    for code in [dustline::cli::Code::Usage, dustline::cli::Code::NewerStore] {
        assert!(never.contains(&(code as u8).to_string().as_str()), "{code:?}");
    }
    assert_eq!(value("Restart"), Some("on-failure"));
    assert_eq!(value("Type"), Some("notify"));
    assert_eq!(value("StateDirectory"), Some("dustline"));
}

/// A process that ends with the value, also where a test fails.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a message to systemd that holds this line.
fn told(socket: &UnixDatagram, line: &str) {
    let mut said = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let n = match socket.recv(&mut bytes) {
            Ok(n) => n,
            Err(e) => panic!("in vain: {line} ({e}); told: {said:?}"),
        };
        let message = String::from_utf8_lossy(&bytes[..n]).into_owned();
        if message.lines().any(|l| l == line) {
            return;
        }
        said.push(message);
    }
}

#[test]
fn systemd_is_told_of_the_start_of_progress_and_of_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("dustline.toml");
    let text = "data_dir = \"data\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(&config, text).unwrap();
    let at = dir.path().join("notify");
    let socket = UnixDatagram::bind(&at).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    // The watchdog is for the process that systemd has started.
    let daemon = Command::new("sh")
        .args(["-c", "WATCHDOG_PID=$$ exec \"$0\" run --config \"$1\""])
        .args([Path::new(env!("CARGO_BIN_EXE_dustline")), &config])
        .env("NOTIFY_SOCKET", &at)
        .env("WATCHDOG_USEC", "300000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut daemon = Daemon(daemon);
    told(&socket, "READY=1");
    told(&socket, "WATCHDOG=1");
    let pid = daemon.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    told(&socket, "STOPPING=1");
    assert!(daemon.0.wait().unwrap().success());
}
