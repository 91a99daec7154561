//! A store filled as the intake fills it, and a server on it.

use crate::air::reading::{Label, TimeSource};
use crate::air::{Flag, Hour, Measured, Quantity, Reason, Reasons, Stamp, Value};
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::flow::{self, Upkeep};
use crate::store::*;
use crate::telemetry::{Health, Metrics, Role};
use crate::web::{CapWriter, Shared, serve};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// 2022-01-08T10:00:00Z.
pub const TEN: Stamp = Stamp(1_641_636_000_000);

/// So many minutes after [`TEN`].
pub fn minute(n: i64) -> Stamp {
    Stamp(TEN.0 + n * 60_000)
}

/// Settings of two stations (of three devices), one zone, one receiver, one target.
pub fn settings(dir: &Path) -> Settings {
    let text = r#"
        [[source]]
        name = "city"
        url = "mqtt://127.0.0.1:1883"
        subscribe = [{ topic = "airgradient/readings/+", format = "airgradient" }]
        [[station]]
        id = "jongno"
        name = { ko = "종로구", en = "Jongno-gu" }
        lat = 37.572
        lon = 127.005
        devices = ["s1", "s2"]
        [[station]]
        id = "mapo"
        name = { en = "Mapo-gu" }
        lat = 37.56
        lon = 126.9
        devices = ["s3"]
        [[zone]]
        id = "seoul"
        name = { ko = "서울", en = "Seoul" }
        country = "KR"
        time_zone = "Asia/Seoul"
        stations = ["jongno", "mapo"]
        rulesets = ["kr-air-alert", "kr-emergency"]
        [[receiver]]
        id = "desk"
        url = "https://alerts.example.org/hook"
        events = ["change"]
        [[influxdb]]
        name = "main"
        url = "http://127.0.0.1:8086"
        org = "o"
        bucket = "b"
    "#;
    let text = format!("data_dir = {:?}\n{text}", dir.display().to_string());
    let loaded = config::parse(&text, "test.toml", dir, &config::Machine);
    loaded.unwrap_or_else(|faults| panic!("{faults:?}")).settings
}

/// A store under construction.
pub struct Store {
    pub dir: Arc<TempDir>,
    pub writer: Writer,
    index: Index,
    source: u32,
    announce: flow::Announce,
}

/// A value that passed.
pub fn good(quantity: Quantity, value: f64) -> Measured {
    Measured { value: Value::main(quantity, value), flag: Flag::Pass, reasons: Reasons::default() }
}

/// A value out of range.
pub fn bad(quantity: Quantity, value: f64) -> Measured {
    let mut reasons = Reasons::default();
    reasons.add(Reason::Range);
    Measured { value: Value::main(quantity, value), flag: Flag::Fail, reasons }
}

/// A value under a variant.
pub fn variant(quantity: Quantity, variant: &str, value: f64) -> Measured {
    let label = Label { channel: String::new(), variant: variant.to_owned() };
    let value = Value { quantity, label, value };
    Measured { value, flag: Flag::NotEvaluated, reasons: Reasons::default() }
}

/// Where a ladder or condition of the zone stands since the first minute.
fn level(ladder: &str, name: &str) -> LevelRow {
    LevelRow {
        ladder: ladder.into(),
        scope: "zone/seoul".into(),
        level: name.into(),
        since: minute(0),
        value: Some(81.84),
        inputs: serde_json::json!([]),
        ruleset: "kr-air-alert@2018-07-01".into(),
        unknown_since: None,
    }
}

impl Store {
    pub fn new() -> Store {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let mut writer = Writer::open(dir.path()).unwrap();
        let source = writer.source("city").unwrap();
        let announce = flow::announce(writer.last());
        Store { dir, writer, index: Index::default(), source, announce }
    }

    /// Does something in a batch of its own and announces it.
    pub fn batch<T>(&mut self, work: impl FnOnce(&mut Writer) -> T) -> T {
        self.writer.begin().unwrap();
        let done = work(&mut self.writer);
        let last = self.writer.commit().unwrap();
        self.announce.tell(last);
        done
    }

    fn append(&mut self, received: Stamp, kind: RowKind) -> Row {
        let row = self.writer.append(received, kind).unwrap();
        let over = self.index.apply(&row);
        self.writer.put_ledger(&over).unwrap();
        row
    }

    /// A message with readings comes in at `received`; `revises` what is there.
    pub fn reading(
        &mut self,
        device: &str,
        observed: Stamp,
        received: Stamp,
        values: &[Measured],
        revises: bool,
    ) {
        self.writer.begin().unwrap();
        let device = self.writer.device(device, self.source).unwrap();
        let hour = observed.hour();
        let open = self.index.device(device).and_then(|d| d.open_hour(hour));
        let head = open.or_else(|| self.writer.closed_hour(device, hour).unwrap());
        let row = ArrivalRow {
            source: self.source,
            bucket: Bucket::Stored,
            continues: false,
            device: Some(device),
            observed,
            time_source: TimeSource::Device,
            revises,
            prev: head.map_or(0, |h| h.head),
            packet: None,
            values: values.to_vec(),
            duplicates: 0,
            skipped: 0,
        };
        let row = self.append(received, RowKind::Arrival(row));
        if !self.index.tracks(device, hour, received) {
            let chain = OpenHour::with(head, hour, (row.seq, 0), observed);
            self.writer.put_chain(device, &chain).unwrap();
        }
        let last = self.writer.commit().unwrap();
        self.announce.tell(last);
    }

    /// A message without new readings.
    pub fn message(&mut self, received: Stamp, bucket: Bucket) {
        self.writer.begin().unwrap();
        let row = ArrivalRow {
            source: self.source,
            bucket,
            continues: false,
            device: None,
            observed: received,
            time_source: TimeSource::Arrival,
            revises: false,
            prev: 0,
            packet: None,
            values: Vec::new(),
            duplicates: 0,
            skipped: 0,
        };
        let row = self.append(received, RowKind::Arrival(row));
        if bucket == Bucket::Quarantined {
            let set_aside = QuarantineRow {
                id: 0,
                seq: row.seq,
                source: String::new(),
                topic: b"air/\xff".to_vec(),
                payload: b"{\"pm\": \xff}".to_vec(),
                reason: "not_json".into(),
                detail: "byte 7 is not UTF-8; mend the device".into(),
                at: received,
            };
            self.writer.put_quarantine(&set_aside, self.source, false).unwrap();
        }
        let last = self.writer.commit().unwrap();
        self.announce.tell(last);
    }

    /// Closes all hours before `frontier`.
    pub fn close(&mut self, received: Stamp, frontier: Hour) {
        self.writer.begin().unwrap();
        for (place, device) in self.index.devices.iter().enumerate() {
            for open in device.open.iter().filter(|o| o.hour < frontier) {
                self.writer.put_chain(DeviceId(place as u32 + 1), open).unwrap();
            }
        }
        self.append(received, RowKind::DevicesClosed { frontier, upto: DeviceId(u32::MAX) });
        let last = self.writer.commit().unwrap();
        self.announce.tell(last);
    }

    /// Seals all that came in before the last row.
    pub fn seal(&mut self) {
        let mut reader = Reader::open(self.dir.path()).unwrap();
        let rule = SealRule { all: true, ..SealRule::default() };
        let rows = pass(&mut reader, &rule, |work| {
            let snapshot = Snapshot {
                seq: self.index.seq,
                index: self.index.encode().unwrap(),
                state: Vec::new(),
            };
            Ok::<_, StoreError>(self.batch(|w| match work {
                Upkeep::Snapshot => w.put_snapshot(&snapshot).is_ok(),
                work => w.upkeep(&work).unwrap(),
            }))
        });
        assert!(rows.unwrap() > 0);
    }

    /// Writes the closed hour of a device: `count` readings of `mean`, that many minutes covered.
    pub fn hour(&mut self, device: &str, hour: Hour, mean: f64, count: u32, minutes: u32) {
        let source = self.source;
        self.batch(|w| {
            let device = w.device(device, source).unwrap();
            let micro = (mean * 1e6) as i64;
            let row = HourRow {
                revision: 0,
                device,
                hour,
                quantity: Quantity::Pm2_5,
                label: 0,
                count,
                sum_micro: micro * i64::from(count),
                min_micro: micro - 1_000_000,
                max_micro: micro + 1_000_000,
                minutes: (1u64 << minutes) - 1,
                flagged: 0,
            };
            w.put_hour(&row).unwrap();
        });
    }

    /// A change of the zone's ladder with its level and a notice to the desk.
    pub fn change(&mut self, uid: &str, at: Stamp, from: &str, to: &str) {
        self.batch(|w| {
            let data = serde_json::json!({
                "ladder": "kr-pm25", "ruleset": "kr-air-alert@2018-07-01",
                "scope": { "zone": "seoul" }, "from": from, "to": to, "at": at.to_string(),
                "quantity": "pm2_5", "unit": "ug/m3", "value": 81.84,
                "inputs": [{ "hour": "2022-01-08T11:00:00Z", "mean": 79.2, "stations": 25 }],
            });
            let change = ChangeRow {
                id: 0,
                uid: uid.into(),
                ladder: "kr-pm25".into(),
                scope: "zone/seoul".into(),
                from: from.into(),
                to: to.into(),
                at,
                late: false,
                data: data.clone(),
            };
            assert!(w.put_change(&change).unwrap());
            let inputs = data["inputs"].clone();
            w.put_level(&LevelRow { since: at, inputs, ..level("kr-pm25", to) }).unwrap();
            let event = EventRow {
                id: 0,
                uid: uid.into(),
                kind: "dustline.change.v1".into(),
                subject: "zone/seoul/kr-pm25".into(),
                time: at,
                data,
            };
            w.put_event(&event, &[(format!("msg-{uid}"), "desk".into())]).unwrap();
        });
    }

    /// Where a ladder or condition of the zone stands.
    pub fn level(&mut self, ladder: &str, name: &str) {
        self.batch(|w| w.put_level(&level(ladder, name)).unwrap());
    }

    /// A server on the store, as it is set by `set`, on an address of this machine.
    pub async fn serve(&self, listen: &str, set: impl FnOnce(&mut Settings)) -> Server {
        let mut settings = settings(self.dir.path());
        set(&mut settings);
        let health = Health::new();
        health.part("store", Role::Core, None).ok();
        health.part("intake", Role::Core, None).ok();
        let listener = TcpListener::bind(listen).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared {
            settings: Arc::new(settings),
            data_dir: self.dir.path().to_owned(),
            clock: Clock::manual(minute(180)),
            metrics: Metrics::new("1.2.3", "abc"),
            health: health.clone(),
            committed: self.announce.committed(),
            // There is no intake: what would change something is told so.
            commands: flow::intake().0.commands,
            link_key: None,
            cap: CapWriter::new(|event, _| format!("<alert>{}</alert>", event.uid).into_bytes()),
        };
        let metrics = shared.metrics.clone();
        tokio::spawn(serve(listener, shared, std::future::pending()));
        Server { base: format!("http://127.0.0.1:{port}"), health, metrics, _dir: self.dir.clone() }
    }

    /// A server on loopback.
    pub async fn local(&self) -> Server {
        self.serve("127.0.0.1:0", |_| {}).await
    }
}

/// A running server.
pub struct Server {
    pub base: String,
    pub health: Arc<Health>,
    pub metrics: Metrics,
    _dir: Arc<TempDir>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Server {
    pub async fn send(&self, method: reqwest::Method, path: &str, token: Option<&str>) -> Answer {
        // An error says that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.base));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, text: answer.text().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(reqwest::Method::GET, path, None).await
    }

    /// The JSON of a call that must succeed.
    pub async fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }
}
