//! A real VictoriaMetrics in a directory of its own.

use super::soon;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "/usr/bin/victoria-metrics";

/// Whether VictoriaMetrics is there; if not, says that a test is skipped.
pub fn absent(test: &str) -> bool {
    let absent = !std::path::Path::new(PROGRAM).exists();
    if absent {
        println!("skipped: {test}: {PROGRAM} is absent; install the package victoria-metrics");
    }
    absent
}

/// The database and where it is; killed when dropped.
pub struct Victoria {
    dir: tempfile::TempDir,
    port: u16,
    running: Option<Child>,
}

/// One sample: series (all its labels, sorted), time in ms, value.
pub type Sample = (String, i64, f64);

impl Victoria {
    /// A database that does not run yet, at a port that was free a moment ago.
    pub fn new() -> Victoria {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Victoria { dir: tempfile::tempdir().unwrap(), port, running: None }
    }

    /// A database that runs.
    pub async fn started() -> Victoria {
        // Another process may take a free port first: then another one.
        for _ in 0..20 {
            let mut victoria = Victoria::new();
            if victoria.start().await {
                return victoria;
            }
        }
        panic!("VictoriaMetrics does not start");
    }

    /// Its base address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, and waits until it answers; false if it ended instead.
    pub async fn start(&mut self) -> bool {
        let mut child = Command::new(PROGRAM)
            .arg(format!("-storageDataPath={}", self.dir.path().display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{}", self.port))
            .arg("-retentionPeriod=100y")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let starts = move || {
            let up = lines.by_ref().any(|l| l.is_ok_and(|l| l.contains("starting http server at")));
            // What it says later must go somewhere as long as it lives.
            std::thread::spawn(move || lines.for_each(drop));
            up
        };
        let up = soon("the start of VictoriaMetrics", tokio::task::spawn_blocking(starts));
        let up = up.await.unwrap();
        self.running = Some(child);
        up && soon("an answer of VictoriaMetrics", self.answers()).await
    }

    /// It says that it starts a moment before it listens.
    async fn answers(&mut self) -> bool {
        let client = super::http_client();
        while client.get(format!("{}/health", self.url())).send().await.is_err() {
            let child = self.running.as_mut().unwrap();
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Loses its disk, and starts again with an empty one.
    pub async fn lose_all(&mut self) {
        self.kill();
        self.dir = tempfile::tempdir().unwrap();
        assert!(self.start().await, "it does not start again");
    }

    /// Every sample of a metric, by a Prometheus selector, as it exports them.
    pub async fn export(&self, selector: &str) -> Vec<Sample> {
        let client = super::http_client();
        let get = |path: &str| client.get(format!("{}{path}", self.url()));
        let flushed = get("/internal/force_flush").send().await.unwrap();
        assert!(flushed.status().is_success());
        let query = [("match[]", selector), ("start", "0"), ("reduce_mem_usage", "1")];
        let text = get("/api/v1/export").query(&query).send().await.unwrap().text().await.unwrap();
        let mut samples: Vec<Sample> = text.lines().flat_map(samples).collect();
        samples.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        samples
    }
}

impl Drop for Victoria {
    fn drop(&mut self) {
        self.kill();
    }
}

fn samples(line: &str) -> Vec<Sample> {
    let series: serde_json::Value = serde_json::from_str(line).unwrap();
    let labels = series["metric"].as_object().unwrap();
    let name = labels["__name__"].as_str().unwrap();
    let others: Vec<String> = labels
        .iter()
        .filter(|(k, _)| *k != "__name__" && *k != "db")
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap()))
        .collect();
    let name = format!("{name},{}", others.join(","));
    let values = series["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap());
    let times = series["timestamps"].as_array().unwrap().iter().map(|t| t.as_i64().unwrap());
    times.zip(values).map(|(t, v)| (name.clone(), t, v)).collect()
}
