//! A real mail server: aiosmtpd, which prints what it takes.

use super::DEADLINE;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

/// The interpreter with the packages of the tests.
pub fn python() -> String {
    std::env::var("DUSTLINE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether the server is there; if not, says that a test is skipped.
pub fn absent(test: &str) -> bool {
    let found = Command::new(python()).args(["-c", "import aiosmtpd"]).output();
    let absent = !found.is_ok_and(|o| o.status.success());
    if absent {
        println!(
            "skipped: {test}: {} has no package aiosmtpd; set DUSTLINE_TEST_PYTHON to one that has",
            python()
        );
    }
    absent
}

/// The server and its port; killed when dropped.
pub struct MailServer {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    running: Child,
    lines: mpsc::Receiver<String>,
}

impl MailServer {
    /// One without TLS that wants no login.
    pub fn open() -> MailServer {
        MailServer::start(&[])
    }

    /// One with STARTTLS and a login, with this certificate and its key.
    pub fn closed(certificate: &Path, key: &Path) -> MailServer {
        MailServer::start(&[certificate, key])
    }

    fn start(arguments: &[&Path]) -> MailServer {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail_server.py");
        let mut command = Command::new(python());
        command.arg("-W").arg("ignore").arg(script).args(arguments);
        let mut running = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (told, lines) = mpsc::channel();
        let out = BufReader::new(running.stdout.take().unwrap());
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| told.send(line))
        });
        let mut server = MailServer { port: 0, running, lines };
        server.port = server.line().parse().unwrap();
        server
    }

    fn line(&self) -> String {
        tokio::task::block_in_place(|| self.lines.recv_timeout(DEADLINE).unwrap())
    }

    /// The next message that it takes.
    pub fn message(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Whether it has taken no further message.
    pub fn is_done(&self) -> bool {
        self.lines.try_recv().is_err()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}
