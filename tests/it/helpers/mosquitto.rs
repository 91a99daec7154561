//! A private, real Mosquitto: its own directory, its own port, and what it says.

use super::DEADLINE;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A broker that ends with the value.
pub struct Mosquitto {
    dir: TempDir,
    /// Where it listens, on 127.0.0.1; the same after a restart.
    pub port: u16,
    child: Option<(Child, JoinHandle<()>)>,
    log: Arc<Log>,
}

/// What a broker has said since its first start.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Log {
    fn push(&self, line: String) {
        self.lines.lock().unwrap().push(line);
        self.more.notify_all();
    }
}

impl Mosquitto {
    /// Starts one to which everybody may do everything; its memory is lost
    /// with its process.
    pub fn start() -> Mosquitto {
        Mosquitto::with(|_| "allow_anonymous true".to_owned())
    }

    /// Starts one with these further lines of configuration; they may name
    /// files in its directory.
    pub fn with(lines: impl FnOnce(&Path) -> String) -> Mosquitto {
        let dir = TempDir::new().unwrap();
        let lines = lines(dir.path());
        Mosquitto::on_some_port(dir, &lines)
    }

    fn on_some_port(dir: TempDir, lines: &str) -> Mosquitto {
        let mut broker = Mosquitto { dir, port: 0, child: None, log: Arc::default() };
        // Another process may take a free port first: then another one.
        for _ in 0..20 {
            broker.port = free_port();
            let conf = format!("listener {} 127.0.0.1\nuser root\n{lines}\n", broker.port);
            std::fs::write(broker.conf(), conf).unwrap();
            if broker.try_start() {
                return broker;
            }
        }
        panic!("mosquitto does not start: {:?}", broker.lines());
    }

    fn conf(&self) -> PathBuf {
        self.dir.path().join("mosquitto.conf")
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn try_start(&mut self) -> bool {
        let seen = self.lines().len();
        let mut child = Command::new("/usr/sbin/mosquitto")
            .arg("-v")
            .arg("-c")
            .arg(self.conf())
            .current_dir(self.dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mosquitto is installed");
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::clone(&self.log);
        let reader = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                log.push(line);
            }
            log.push("(silent)".to_owned());
        });
        self.child = Some((child, reader));
        let ready = |l: &str| l.ends_with(" running") || l == "(silent)";
        let lines = self.wait_for("a sign of life", |all| all[seen..].iter().any(|l| ready(l)));
        lines[seen..].iter().any(|l| l.ends_with(" running"))
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        if let Some((mut child, reader)) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            reader.join().unwrap();
        }
    }

    /// Ends it in order: it writes down what it shall remember.
    pub fn shut_down(&mut self) {
        if let Some((mut child, reader)) = self.child.take() {
            let told = Command::new("kill").arg(child.id().to_string()).status().unwrap();
            assert!(told.success());
            child.wait().unwrap();
            reader.join().unwrap();
        }
    }

    /// Starts it again on its port.
    pub fn restart(&mut self) {
        assert!(self.try_start(), "mosquitto does not start again: {:?}", self.lines());
    }

    /// Everything it has said.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    /// How many lines contain this.
    pub fn said(&self, what: &str) -> usize {
        self.lines().iter().filter(|l| l.contains(what)).count()
    }

    /// Waits until this many lines contain this.
    pub fn wait_said(&self, what: &str, times: usize) {
        self.wait_for(what, |all| all.iter().filter(|l| l.contains(what)).count() >= times);
    }

    fn wait_for(&self, what: &str, found: impl Fn(&[String]) -> bool) -> Vec<String> {
        let lines = self.log.lines.lock().unwrap();
        let (lines, timeout) =
            self.log.more.wait_timeout_while(lines, DEADLINE, |l| !found(l)).unwrap();
        let said = lines.clone();
        drop(lines);
        assert!(!timeout.timed_out(), "mosquitto never said {what:?} but {said:#?}");
        said
    }

    /// Publishes a line each as one message, and waits until the broker has them.
    pub fn publish(&self, topic: &str, qos: u8, messages: &[&str]) {
        self.publish_with(topic, qos, messages, &[]);
    }

    /// The same with further arguments of `mosquitto_pub`.
    pub fn publish_with(&self, topic: &str, qos: u8, messages: &[&str], more: &[&str]) {
        use std::io::Write;
        let mut child = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-V", "5", "-l", "-t", topic])
            .args(["-p", &self.port.to_string(), "-q", &qos.to_string()])
            .args(more)
            .stdin(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub is installed");
        let mut stdin = child.stdin.take().unwrap();
        for message in messages {
            writeln!(stdin, "{message}").unwrap();
        }
        drop(stdin);
        assert!(child.wait().unwrap().success(), "mosquitto_pub failed");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of 127.0.0.1 that is free at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Lines that make a broker ask for a password, with one user.
pub fn one_user(dir: &Path, name: &str, password: &str) -> String {
    let file = dir.join("passwords");
    run("mosquitto_passwd", &["-b", "-c", path(&file), name, password], dir);
    format!("allow_anonymous false\npassword_file {}", file.display())
}

/// Lines that make a broker refuse every subscription outside `allowed`, with
/// one user. Mosquitto's plain ACL files cannot do it: they grant every
/// subscription and withhold the messages.
pub fn only_subscribe(dir: &Path, name: &str, password: &str, allowed: &str) -> String {
    let file = dir.join("dynamic.json");
    run("mosquitto_ctrl", &["dynsec", "init", path(&file), name, password], dir);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut rules: serde_json::Value = serde_json::from_str(&text).unwrap();
    for acl in rules["roles"][0]["acls"].as_array_mut().unwrap() {
        if acl["acltype"] == "subscribePattern" && acl["topic"] == "#" {
            acl["topic"] = allowed.into();
        }
    }
    std::fs::write(&file, rules.to_string()).unwrap();
    format!(
        "allow_anonymous false\nplugin /usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so\n\
         plugin_opt_config_file {}",
        file.display()
    )
}

/// Makes an authority, a certificate for a broker at 127.0.0.1 and one for a
/// client, as `ca.pem`, `server.pem`, `server.key`, `client.pem`, `client.key`.
pub fn certificates(dir: &Path) {
    let own = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority \
               -keyout ca.key -out ca.pem";
    openssl(dir, own);
    for (name, extension) in
        [("server", "subjectAltName=IP:127.0.0.1"), ("client", "basicConstraints=CA:FALSE")]
    {
        std::fs::write(dir.join("extension"), extension).unwrap();
        let ask = "req -newkey rsa:2048 -nodes -subj /CN=NAME -keyout NAME.key -out NAME.csr";
        openssl(dir, &ask.replace("NAME", name));
        let sign = "x509 -req -in NAME.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
                    -extfile extension -out NAME.pem";
        openssl(dir, &sign.replace("NAME", name));
    }
}

fn openssl(dir: &Path, arguments: &str) {
    run("openssl", &arguments.split_whitespace().collect::<Vec<_>>(), dir);
}

fn run(program: &str, arguments: &[&str], dir: &Path) {
    let output = Command::new(program).args(arguments).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn path(p: &Path) -> &str {
    p.to_str().unwrap()
}
