//! An intake on a real store in a directory of its own, with the clock in the
//! test's hand and nothing around it.

use dustline::air::Stamp;
use dustline::clock::Clock;
use dustline::config::{self, Settings};
use dustline::flow::{self, Arrival, Command, Event, Receipt, SourceId, Upkeep};
use dustline::intake::{Intake, Parts, Plan};
use dustline::store::{
    ChangeRow, Counts, Filter, KeepRule, LedgerLine, Reader, Retained, SealRule, StoreError,
    Writer, pass, retain,
};
use dustline::telemetry::{Health, Metrics};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// 2024-01-10T00:00:00Z: the test's world begins here.
pub const START: Stamp = Stamp(1_704_844_800_000);

/// Minutes after [`START`].
pub fn minute(n: i64) -> Stamp {
    Stamp(START.0 + n * 60_000)
}

/// Where the values of `air/{device}` are.
pub const MAPPING: &str = r#"pm2_5 = "/pm2_5", pm10 = "/pm10""#;

pub fn settings(dir: &Path, extra: &str) -> Settings {
    settings_with(dir, MAPPING, extra)
}

/// With the values of `air/{device}` elsewhere.
pub fn settings_with(dir: &Path, mapping: &str, extra: &str) -> Settings {
    let text = format!(
        r#"
data_dir = "{}"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:1883"
client_id = "test"
silent_after = "0s"
subscribe = [
  {{ topic = "air/{{device}}", format = "json", time = "/time", values = {{ {mapping} }} }},
  {{ topic = "plain/{{device}}/{{quantity}}", format = "plain" }},
  {{ topic = "homeassistant/#", format = "ha-discovery" }},
  {{ topic = "states/#", format = "ha-discovery" }},
  {{ topic = "outlook", format = "forecast" }},
]
{extra}
"#,
        dir.display()
    );
    let base = Path::new("/");
    config::parse(&text, "test.toml", base, &config::Machine)
        .unwrap_or_else(|refused| panic!("{refused}"))
        .settings
}

/// One zone over every station, the Korean ladders, one threshold, one receiver.
/// Tests of series are off: numbers here are made up, and come in any order.
pub const ZONE: &str = r#"
[quality]
stuck = false
spike = false
[judgement]
lateness = "2m"
grace = "10m"
reading_covers = "30m"
[[zone]]
id = "seoul"
name = { en = "Seoul" }
country = "KR"
time_zone = "Asia/Seoul"
stations = ["*"]
rulesets = ["kr-air-alert"]
[[threshold]]
id = "emergency"
quantity = "pm2_5"
at_least = 300
readings = "2 of 3"
lift_below = 150
[[receiver]]
id = "desk"
url = "http://127.0.0.1:9/hook"
"#;

pub struct Rig {
    pub intake: Option<Intake>,
    pub settings: Settings,
    pub receipts: mpsc::Receiver<Vec<Receipt>>,
    clock: Clock,
    packet: u16,
}

impl Rig {
    pub fn open(settings: Settings, now: Stamp) -> Rig {
        let writer = Writer::open(&settings.data_dir).unwrap();
        let clock = Clock::manual(now);
        let mut intake = Intake::open(Parts {
            plan: Arc::new(Plan::of(&settings)),
            writer,
            announce: dustline::flow::announce(Default::default()),
            metrics: Metrics::new("test", "test"),
            clock: clock.clone(),
            health: Health::new(),
        })
        .unwrap();
        let receipts = intake.next_source().unwrap().remove(0).receipts;
        Rig { intake: Some(intake), settings, receipts, clock, packet: 0 }
    }

    pub fn turn(&mut self, mut events: Vec<Event>) {
        self.intake.as_mut().unwrap().turn(&mut events).unwrap();
    }

    pub fn tick(&mut self, now: Stamp) {
        self.clock.set(now);
        self.turn(vec![Event::Tick(now)]);
    }

    /// Goes away without a word, as after `kill -9`, and comes back.
    pub fn killed(self, now: Stamp) -> Rig {
        let settings = self.settings.clone();
        drop(self);
        Rig::open(settings, now)
    }

    /// Seals and merges what came in so long before the newest row.
    pub fn seal(&mut self, after: Duration) -> i64 {
        self.seal_by(&SealRule { after, all: true, ..SealRule::default() })
    }

    /// Seals and merges as a rule says.
    pub fn seal_by(&mut self, rule: &SealRule) -> i64 {
        let mut reader = self.reader();
        pass(&mut reader, rule, |work| Ok::<_, StoreError>(self.upkeep(work))).unwrap()
    }

    /// Drops what is beyond what is to be kept.
    pub fn keep(&mut self, rule: &KeepRule) -> Retained {
        self.keep_after(rule, Retained::default())
    }

    /// The same, knowing what the pass before has answered.
    pub fn keep_after(&mut self, rule: &KeepRule, before: Retained) -> Retained {
        let mut reader = self.reader();
        retain(&mut reader, rule, before, |work| Ok::<_, StoreError>(self.upkeep(work))).unwrap()
    }

    /// Has a piece of upkeep done.
    pub fn upkeep(&mut self, work: Upkeep) -> bool {
        let (reply, mut answer) = flow::reply();
        self.turn(vec![Event::Command(Command::Upkeep { work, reply })]);
        answer.try_recv().unwrap()
    }

    /// Notes that a target of `forward` has everything up to here.
    pub fn forwarded(&mut self, target: &str, (journal, hour): (i64, i64)) {
        let target = target.to_owned();
        let command = Command::Forwarded { target, journal, change: 0, hour };
        self.turn(vec![Event::Command(command)]);
    }

    pub fn arrival(&mut self, topic: &str, payload: &str, at: Stamp) -> Arrival {
        self.packet = self.packet.wrapping_add(1).max(1);
        Arrival {
            source: SourceId(0),
            topic: topic.as_bytes().to_vec().into(),
            payload: payload.as_bytes().to_vec().into(),
            retained: false,
            duplicate: false,
            at,
            receipt: Some(Receipt {
                lane: 0,
                connection: 1,
                packet: self.packet,
                exactly_once: false,
            }),
        }
    }

    /// Takes one message in a batch of its own.
    pub fn take(&mut self, topic: &str, payload: &str, at: Stamp) {
        let arrival = self.arrival(topic, payload, at);
        self.turn(vec![Event::Arrival(arrival)]);
    }

    /// Takes one reading of PM2.5 with the device's own time.
    pub fn pm25(&mut self, device: &str, at: Stamp, value: f64) {
        self.take(&format!("air/{device}"), &reading(at, value), at);
    }

    pub fn reader(&self) -> Reader {
        let mut reader = Reader::open(&self.settings.data_dir).unwrap();
        reader.refresh_names().unwrap();
        reader
    }

    pub fn changes(&self) -> Vec<ChangeRow> {
        self.reader().changes(&Filter::default(), 0).unwrap()
    }

    /// `ladder from→to` of every change, in the order of decision.
    pub fn moves(&self) -> Vec<String> {
        self.changes()
            .iter()
            .map(|c| format!("{} {}→{} {}", c.ladder, c.from, c.to, c.at))
            .collect()
    }

    pub fn level(&self, ladder: &str) -> String {
        let levels = self.reader().levels().unwrap();
        levels.iter().find(|l| l.ladder == ladder).map_or("?".into(), |l| l.level.clone())
    }

    /// The whole ledger: the table and the running hour.
    pub fn ledger(&self) -> LedgerLine {
        let mut reader = self.reader();
        let mut sum = LedgerLine::default();
        let all = (dustline::air::Hour(i32::MIN), dustline::air::Hour(i32::MAX));
        let index = reader.index().unwrap();
        let lines = reader.ledger(all.0, all.1).unwrap();
        for (_, line) in lines.iter().chain(&index.ledger.into_iter().collect::<Vec<_>>()) {
            sum.messages.merge(&line.messages);
            sum.readings.merge(&line.readings);
        }
        assert!(sum.messages.balances() && sum.readings.balances());
        sum
    }

    pub fn messages(&self) -> Counts {
        self.ledger().messages
    }

    pub fn receipts(&mut self) -> usize {
        let mut n = 0;
        while let Ok(batch) = self.receipts.try_recv() {
            n += batch.len();
        }
        n
    }
}

pub fn reading(at: Stamp, value: f64) -> String {
    format!(r#"{{"time":"{at}","pm2_5":{value}}}"#)
}
