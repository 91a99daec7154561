//! A store, the loop of one target, and how to wait for it.

use crate::helpers::keeper::Keeper;
use crate::helpers::soon;
use dustline::air::reading::TimeSource;
use dustline::air::{Flag, Label, Measured, Quantity, Reasons, Stamp, Value};
use dustline::clock::Clock;
use dustline::config::Secret;
use dustline::config::settings::Influx;
use dustline::flow::{Command, Operational};
use dustline::forward::{self, Context, ForwardError, Labels};
use dustline::store::{ArrivalRow, Bucket, RowKind, Writer};
use dustline::telemetry::{Health, Metrics, Role, StoreFigures};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// When the readings here begin, ms.
pub const START: i64 = 1_700_000_000_000;

/// The settings of a target at an address.
pub fn target(name: &str, url: &str) -> Influx {
    Influx {
        name: name.to_owned(),
        url: url.to_owned(),
        org: "dustline".to_owned(),
        bucket: "air".to_owned(),
        token: Some(Secret::new("a-token")),
        gzip: true,
        batch_lines: 50,
        batch_bytes: 1 << 20,
        timeout: Duration::from_secs(10),
        retention: Duration::ZERO,
        create_bucket: false,
        read_back: None,
        read_back_after: Duration::ZERO,
    }
}

/// Quantity, variant, value, flag.
pub type Number = (Quantity, &'static str, f64, Flag);

/// The loop of one target at work.
pub struct Loop {
    metrics: Metrics,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), ForwardError>>,
}

impl Loop {
    pub fn start(keeper: &Keeper, target: Influx) -> Loop {
        let metrics = Metrics::new("0", "test");
        let context = Context {
            reader: keeper.reader(),
            part: Health::new().part(&target.name, Role::Edge, None),
            target,
            labels: Labels::default(),
            clock: Clock::manual(Stamp(START)),
            committed: keeper.committed.clone(),
            commands: keeper.commands.clone(),
            metrics: metrics.clone(),
            finish_within: Duration::from_secs(5),
        };
        let (stop, stopped) = watch::channel(false);
        Loop { metrics, stop, task: tokio::spawn(forward::run(context, stopped)) }
    }

    pub async fn stop(self) {
        self.stop.send_replace(true);
        soon("the end of the loop", self.task).await.unwrap().unwrap();
    }

    /// Waits until some points could not be written.
    pub async fn tried_in_vain(&self) {
        let vain = async {
            while self.counted("retry") == 0 {
                tokio::task::yield_now().await;
            }
        };
        soon("a vain attempt", vain).await;
    }

    /// Points that ended so.
    pub fn counted(&self, outcome: &str) -> u64 {
        let text = self.metrics.render(&StoreFigures::default());
        let line = text.lines().find(|l| {
            l.starts_with("dustline_forward_points_total") && l.contains(&format!("\"{outcome}\""))
        });
        line.map_or(0, |l| l.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

/// Appends a reading; `prev` is the row before it of the same device and hour.
pub fn reading(w: &mut Writer, device: &str, at: i64, prev: i64, values: &[Number]) {
    let source = 1;
    let device = w.device(device, source).unwrap();
    let measured = |(quantity, variant, value, flag): &Number| Measured {
        value: Value {
            quantity: *quantity,
            label: Label { channel: String::new(), variant: (*variant).to_owned() },
            value: *value,
        },
        flag: *flag,
        reasons: Reasons::default(),
    };
    let row = RowKind::Arrival(ArrivalRow {
        source,
        bucket: Bucket::Stored,
        continues: false,
        device: Some(device),
        observed: Stamp(at),
        time_source: TimeSource::Device,
        revises: false,
        prev,
        packet: None,
        values: values.iter().map(measured).collect(),
        duplicates: 0,
        skipped: 0,
    });
    w.append(Stamp(at), row).unwrap();
}

/// Commits readings `from..to` of PM10 with their number as value.
pub async fn numbered(keeper: &Keeper, from: i64, to: i64) {
    keeper
        .commit(move |w| {
            for i in from..to {
                reading(w, "s1", START + i, 0, &[(Quantity::Pm10, "", i as f64, Flag::Pass)]);
            }
        })
        .await;
}

/// A store that knows a source.
pub async fn with_source() -> Keeper {
    let keeper = Keeper::new();
    // Names of sources are made outside of batches.
    let mut writer = Writer::open(keeper.path()).unwrap();
    assert_eq!(writer.source("city").unwrap(), 1);
    keeper
}

/// Waits until a target's cursor is at least there.
pub async fn until_journal(keeper: &Keeper, target: &str, journal: i64) {
    let there = |c: &Command| matches!(c, Command::Forwarded { target: t, journal: j, .. } if t == target && *j >= journal);
    keeper.until("the cursor", |told| told.iter().any(there).then_some(())).await;
}

/// Waits until a target is held, or no longer.
pub async fn until_held(keeper: &Keeper, active: bool) -> Operational {
    keeper
        .until("the condition", |told| {
            told.iter().rev().find_map(|c| match c {
                Command::Operational(o) if o.active == active => Some(o.clone()),
                _ => None,
            })
        })
        .await
}
