//! A real Alertmanager in a directory of its own.

use super::{http_client, soon};
use serde_json::Value;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "/usr/bin/prometheus-alertmanager";

/// Whether Alertmanager is there; if not, says that a test is skipped.
pub fn absent(test: &str) -> bool {
    let absent = !std::path::Path::new(PROGRAM).exists();
    if absent {
        println!(
            "skipped: {test}: {PROGRAM} is absent; install the package prometheus-alertmanager"
        );
    }
    absent
}

/// The program and where it is; killed when dropped.
pub struct Alertmanager {
    url: String,
    running: Child,
    _dir: tempfile::TempDir,
}

impl Alertmanager {
    /// One that answers.
    pub async fn started() -> Alertmanager {
        // Another process may take a free port first: then another one.
        for _ in 0..20 {
            let mut started = Alertmanager::start();
            if soon("an answer of Alertmanager", started.answers()).await {
                return started;
            }
        }
        panic!("Alertmanager does not start");
    }

    fn start() -> Alertmanager {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("alertmanager.yml");
        std::fs::write(&config, "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n")
            .unwrap();
        let running = Command::new(PROGRAM)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Alertmanager { url: format!("http://{address}"), running, _dir: dir }
    }

    /// False if it ended instead.
    async fn answers(&mut self) -> bool {
        let (client, url) = (http_client(), format!("{}/-/ready", self.url));
        while self.running.try_wait().unwrap().is_none() {
            if client.get(&url).send().await.is_ok_and(|r| r.status().is_success()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Where alerts are posted.
    pub fn alerts_url(&self) -> String {
        format!("{}/api/v2/alerts", self.url)
    }

    /// The alerts that are active.
    pub async fn active(&self) -> Vec<Value> {
        let answer = http_client().get(self.alerts_url()).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}
