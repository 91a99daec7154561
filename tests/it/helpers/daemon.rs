//! The real program in a directory of its own: started, killed, stopped,
//! started again, asked.

use super::small_disk::SmallDisk;
use serde_json::Value;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a daemon may take for anything: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What its log says with the address once it takes messages.
const STARTED: &str = " started address=";

/// A daemon, running or not; killed with the value.
pub struct TestDaemon {
    dir: TempDir,
    config: String,
    environment: Vec<(String, String)>,
    disk: Option<SmallDisk>,
    child: Option<Child>,
    /// Where in the log the present process begins.
    log_from: usize,
    base: String,
    client: reqwest::Client,
}

impl TestDaemon {
    /// One with this configuration, beside the data directory and the address,
    /// which it has already. It does not run yet.
    pub fn new(config: &str) -> TestDaemon {
        let mut daemon = TestDaemon {
            dir: TempDir::new().unwrap(),
            config: String::new(),
            environment: Vec::new(),
            disk: None,
            child: None,
            log_from: 0,
            base: String::new(),
            client: super::http_client(),
        };
        daemon.configure(config);
        daemon
    }

    /// One that is up, with everything subscribed.
    pub async fn up(config: &str) -> TestDaemon {
        let mut daemon = TestDaemon::new(config);
        daemon.start().await;
        daemon.part("source/city", "ok").await;
        daemon
    }

    /// Another configuration, from the next start on.
    pub fn configure(&mut self, config: &str) {
        self.config = format!("data_dir = \"data\"\n[http]\nlisten = \"127.0.0.1:0\"\n{config}");
        std::fs::write(self.config_file(), &self.config).unwrap();
    }

    /// A configuration file as its own, but for the port that it has got.
    pub fn config_that_names_its_port(&self) -> PathBuf {
        let file = self.dir.path().join("asking.toml");
        let address = self.base.trim_start_matches("http://");
        std::fs::write(&file, self.config.replacen("127.0.0.1:0", address, 1)).unwrap();
        file
    }

    /// Orders something, with a token or without; hands out status and answer.
    pub async fn order(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Sets a variable of its environment, from the next start on.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Gives it a disk of so many bytes for its data, for the test of this name;
    /// false, said aloud, where that cannot be.
    pub fn on_a_small_disk(&mut self, test: &str, bytes: u64) -> bool {
        self.disk = SmallDisk::mount(test, &self.data(), bytes);
        self.disk.is_some()
    }

    /// The disk of its own that it has got.
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    /// Its directory: `dustline.toml`, `data`, `log`.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir().join("data")
    }

    fn config_file(&self) -> PathBuf {
        self.dir().join("dustline.toml")
    }

    fn log_file(&self) -> PathBuf {
        self.dir().join("log")
    }

    /// The process id of the one that runs.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Starts the process and waits for nothing.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        self.log_from = log.metadata().unwrap().len() as usize;
        let mut command = self.command(&["run"]);
        if self.environment.iter().any(|(name, _)| name == "WATCHDOG_USEC") {
            command = with_watchdog_pid(&command);
        }
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.child = Some(child);
    }

    /// Waits until the process serves, be it to say that it waits for room.
    pub async fn started(&mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.said_since_start();
            if let Some(address) = said.lines().find_map(address_of) {
                self.base = format!("http://{address}");
                return;
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it does not start, {ended:?}: {said}");
            assert!(Instant::now() < until, "it does not start: {said}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a process that may have waited for room on its disk has its store.
    pub async fn comes_up(&mut self) {
        self.started().await;
        let until = Instant::now() + PATIENCE;
        while !self.said_since_start().contains(STARTED) {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it has ended, {ended:?}: {}", self.said_since_start());
            assert!(Instant::now() < until, "it still waits: {}", self.said_since_start());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Starts it and waits until it serves.
    pub async fn start(&mut self) {
        self.spawn();
        self.started().await;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it has ended by itself, {ended:?}: {}", self.said_since_start());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends a signal by its name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn term(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// Waits until the process ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                self.child = None;
                return status;
            }
            assert!(Instant::now() < until, "it does not end: {}", self.said_since_start());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Runs a command of the program on the same configuration to its end.
    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The program with the configuration after the arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.config_file())
            .envs(self.environment.iter().cloned())
            .env_remove("RUST_LOG")
            .env_remove("DUSTLINE_LOG")
            .stdin(Stdio::null());
        match &self.disk {
            Some(disk) => disk.sees(&command),
            None => command,
        }
    }

    /// Everything that all its processes have written.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    /// What the present process has written.
    pub fn said_since_start(&self) -> String {
        self.said().get(self.log_from..).unwrap_or_default().to_owned()
    }

    /// Asks; `None` if there is no answer or none with success.
    async fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    /// Asks the API.
    pub async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.unwrap_or_else(|| panic!("no answer to {path}: {}", self.said()))
    }

    /// Posts a body, with a token or without, and hands out status and answer.
    pub async fn post(&self, path: &str, token: Option<&str>, body: String) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.base)).body(body);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    /// Where it serves HTTP.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Every page of a list, by the name of the list in the answer.
    pub async fn list(&self, name: &str, query: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/api/v1/{name}?limit=10000&{query}{after}");
            let mut page = self.get(&path).await;
            match page[name].take() {
                Value::Array(rows) => all.extend(rows),
                other => panic!("not a list at {path}: {other}"),
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return all,
            }
        }
    }

    /// Asks again until the answer is as wanted, and hands it out.
    pub async fn until(&self, what: &str, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < until {
            if let Some(answer) = self.try_get(path).await {
                if wanted(&answer) {
                    return answer;
                }
                last = Some(answer);
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("in vain: {what}; last {path}: {last:?}; {}", self.said_since_start());
    }

    /// Waits until a part is in a state.
    pub async fn part(&self, part: &str, state: &str) -> Value {
        let is = |p: &Value| p["part"] == part && p["state"] == state;
        let any = |v: &Value| v["parts"].as_array().is_some_and(|parts| parts.iter().any(is));
        self.until(&format!("{part} is {state}"), "/readyz", any).await
    }

    /// A connection to its port on which nothing is said.
    pub async fn connection(&self) -> tokio::net::TcpStream {
        let address = self.base.trim_start_matches("http://");
        tokio::net::TcpStream::connect(address).await.unwrap()
    }

    /// The metrics, as text.
    pub async fn metrics(&self) -> String {
        self.text("/metrics").await
    }

    /// What a path answers to the bearer of a token, as text.
    pub async fn text_for(&self, path: &str, token: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(token);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// What a path answers, as text.
    pub async fn text(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        answer.text().await.unwrap()
    }
}

impl Drop for TestDaemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The same command told which process the watchdog watches, as systemd does.
fn with_watchdog_pid(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "export WATCHDOG_PID=$$; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null());
    shell
}

/// The address in the line that says that it has started, or has to wait for that.
fn address_of(line: &str) -> Option<&str> {
    let waiting = || line.split_once(" waiting for room on the disk address=");
    let (_, rest) = line.split_once(STARTED).or_else(waiting)?;
    rest.split_whitespace().next()
}
