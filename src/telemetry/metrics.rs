//! Counters, gauges and histograms under fixed names.
//!
//! Counters and histograms are fed by the stages as things happen. What the store
//! can answer (levels, outbox, size, what was dropped, how far forwarding is) is not
//! fed at all: whoever renders reads them from the store first, as
//! [`StoreFigures`], so they are true right after a restart too.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// The media type of [`Metrics::render`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds of one commit.
const COMMIT: [f64; 12] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Arrivals in one commit; the last is the largest batch there is.
const BATCH: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_048.0];
/// Seconds from arrival to its acknowledgement.
const ACK: [f64; 13] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Seconds from a change to its delivery: from at once to three days of retries.
const DELIVERY: [f64; 16] = [
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0,
    21_600.0, 259_200.0,
];

type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// Every metric of the daemon. A clone is another handle on the same numbers.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    /// Held from filling the figures of the store to the end of rendering.
    rendering: Mutex<()>,
    inward: Inward,
    outward: Outward,
}

/// From the brokers to the store.
#[derive(Debug)]
struct Inward {
    arrivals: Counters<1>,
    readings_stored: Counters<1>,
    duplicates: Counters<1>,
    quarantined: Counters<2>,
    ignored: Counters<2>,
    left_quarantine: Counters<2>,
    aside_messages: Gauge,
    aside_bytes: Gauge,
    pushed_out: Counters<1>,
    commit_seconds: Histogram,
    commit_batch: Histogram,
    ack_seconds: Histogram,
    mqtt_connected: Gauges<1>,
    source_silent: Gauges<1>,
    store_bytes: Gauges<1>,
    store_dropped: Counters<2>,
    disk_free: Gauge,
    disk_full: Gauge,
    series: Gauge,
}

/// From the store to those who are told.
#[derive(Debug)]
struct Outward {
    incidents_open: Gauge,
    exercises_open: Gauge,
    levels: Gauges<3>,
    changes: Counters<2>,
    outbox_pending: Gauges<1>,
    outbox_dead: Gauges<1>,
    attempts: Counters<2>,
    delivery_seconds: Histogram,
    forward_pending: Gauges<1>,
    forward_points: Counters<2>,
}

/// The handles of one source, looked up once.
#[derive(Debug, Clone)]
pub struct SourceMetrics {
    name: String,
    all: Metrics,
    /// Messages that came in.
    pub arrivals: Counter,
    /// Readings stored, new or revised.
    pub readings_stored: Counter,
    /// Readings that were there already.
    pub duplicates: Counter,
    /// Descriptions pushed out of the bounded memory by newer ones.
    pub pushed_out: Counter,
    /// 1 while connected and subscribed.
    pub connected: Gauge,
    /// 1 while the source should speak and does not.
    pub silent: Gauge,
}

/// What the store says at the moment of rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Bytes on disk by tier.
    pub bytes: Vec<(String, u64)>,
    /// Tier, the limit that it was beyond, how much of it was dropped.
    pub dropped: Vec<(String, String, u64)>,
    /// Ladder, scope, level, and whether the ladder stands there now.
    pub levels: Vec<(String, String, String, bool)>,
    /// Receiver, notices pending, notices given up.
    pub outbox: Vec<(String, u64, u64)>,
    /// Target, rows of the store that it does not have yet.
    pub forward: Vec<(String, u64)>,
    /// Open incidents: real ones, exercises.
    pub incidents: (u64, u64),
}

impl Inward {
    #[rustfmt::skip] // One line a metric is easier to compare with the published table.
    fn register(r: &mut Registry) -> Inward {
        Inward {
            arrivals: put(r, "dustline_arrivals", "Messages received", Family::default()),
            readings_stored: put(r, "dustline_readings_stored", "Readings stored, new or revised", Family::default()),
            duplicates: put(r, "dustline_duplicates", "Readings that were there already", Family::default()),
            quarantined: put(r, "dustline_quarantined", "Messages set aside", Family::default()),
            ignored: put(r, "dustline_ignored", "Messages left out by a named policy", Family::default()),
            left_quarantine: put(r, "dustline_quarantine_left", "Messages that were set aside and are so no more", Family::default()),
            aside_messages: put(r, "dustline_quarantine_messages", "Messages set aside now", Gauge::default()),
            aside_bytes: put(r, "dustline_quarantine_bytes", "Bytes of the messages set aside now", Gauge::default()),
            pushed_out: put(r, "dustline_descriptions_dropped", "Descriptions pushed out of memory by newer ones", Family::default()),
            commit_seconds: put(r, "dustline_commit_seconds", "Time of a commit", histogram(&COMMIT)),
            commit_batch: put(r, "dustline_commit_batch_arrivals", "Messages in one commit", histogram(&BATCH)),
            ack_seconds: put(r, "dustline_arrival_to_ack_seconds", "From arrival to its acknowledgement", histogram(&ACK)),
            mqtt_connected: put(r, "dustline_mqtt_connected", "1 while connected and subscribed", Family::default()),
            source_silent: put(r, "dustline_source_silent", "1 while a source should speak and does not", Family::default()),
            store_bytes: put(r, "dustline_store_bytes", "Bytes on disk", Family::default()),
            store_dropped: put(r, "dustline_store_dropped", "Readings and hours dropped, by the limit they were beyond", Family::default()),
            disk_free: put(r, "dustline_disk_free_bytes", "Bytes left on the disk of the store", Gauge::default()),
            disk_full: put(r, "dustline_disk_full", "1 while messages wait for room on the disk", Gauge::default()),
            series: put(r, "dustline_series", "Series with readings", Gauge::default()),
        }
    }
}

impl Outward {
    #[rustfmt::skip] // As above.
    fn register(r: &mut Registry) -> Outward {
        Outward {
            incidents_open: put(r, "dustline_incidents_open", "Open incidents, without exercises", Gauge::default()),
            exercises_open: put(r, "dustline_exercises_open", "Open incidents that are exercises", Gauge::default()),
            levels: put(r, "dustline_levels", "1 for the level at which a ladder or threshold stands, 0 for its others", Family::default()),
            changes: put(r, "dustline_changes", "Steps of ladders and thresholds", Family::default()),
            outbox_pending: put(r, "dustline_outbox_pending", "Notices not yet taken", Family::default()),
            outbox_dead: put(r, "dustline_outbox_dead", "Notices given up", Family::default()),
            attempts: put(r, "dustline_delivery_attempts", "Attempts to deliver a notice", Family::default()),
            delivery_seconds: put(r, "dustline_change_to_delivery_seconds", "From a change to the delivery of its notice", histogram(&DELIVERY)),
            forward_pending: put(r, "dustline_forward_pending", "Rows of the store that a target does not have yet", Family::default()),
            forward_points: put(r, "dustline_forward_points", "Points sent to a target", Family::default()),
        }
    }
}

impl Metrics {
    /// All metrics at zero. `version` and `revision` name the build.
    pub fn new(version: &str, revision: &str) -> Metrics {
        let mut registry = Registry::default();
        let inward = Inward::register(&mut registry);
        let outward = Outward::register(&mut registry);
        let build = Gauges::<2>::default();
        let build = put(&mut registry, "dustline_build_info", "This build", build);
        build
            .get_or_create(&[("version", version.to_owned()), ("revision", revision.to_owned())])
            .set(1);
        Metrics(Arc::new(Inner { registry, rendering: Mutex::new(()), inward, outward }))
    }

    /// The handles of a source, its metrics at zero if it is new.
    pub fn source(&self, name: &str) -> SourceMetrics {
        let of = [("source", name.to_owned())];
        SourceMetrics {
            name: name.to_owned(),
            arrivals: self.0.inward.arrivals.get_or_create_owned(&of),
            readings_stored: self.0.inward.readings_stored.get_or_create_owned(&of),
            duplicates: self.0.inward.duplicates.get_or_create_owned(&of),
            pushed_out: self.0.inward.pushed_out.get_or_create_owned(&of),
            connected: self.0.inward.mqtt_connected.get_or_create_owned(&of),
            silent: self.0.inward.source_silent.get_or_create_owned(&of),
            all: self.clone(),
        }
    }

    /// A commit of so many arrivals took so many seconds.
    pub fn commit(&self, seconds: f64, arrivals: usize) {
        self.0.inward.commit_seconds.observe(seconds);
        self.0.inward.commit_batch.observe(arrivals as f64);
    }

    /// The first arrival of a commit was acknowledged so many seconds after it came.
    pub fn acknowledged(&self, seconds: f64) {
        self.0.inward.ack_seconds.observe(seconds);
    }

    /// So many messages are set aside, with so many bytes.
    pub fn aside(&self, messages: u64, bytes: u64) {
        self.0.inward.aside_messages.set(signed(messages));
        self.0.inward.aside_bytes.set(signed(bytes));
    }

    /// So many bytes are left on the disk; nothing changes if the system does not say.
    pub fn disk_free(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.0.inward.disk_free.set(signed(bytes));
        }
    }

    /// Whether messages wait for room on the disk.
    pub fn disk_full(&self, full: bool) {
        self.0.inward.disk_full.set(i64::from(full));
    }

    /// So many series have readings.
    pub fn series(&self, n: u64) {
        self.0.inward.series.set(signed(n));
    }

    /// A ladder or threshold moved to a level.
    pub fn change(&self, ladder: &str, to: &str) {
        self.0
            .outward
            .changes
            .get_or_create(&[("ladder", ladder.to_owned()), ("to", to.to_owned())])
            .inc();
    }

    /// An attempt to deliver a notice ended: `delivered`, `retry` or `dead`.
    pub fn attempt(&self, receiver: &str, outcome: &'static str) {
        let of = [("receiver", receiver.to_owned()), ("outcome", outcome.to_owned())];
        self.0.outward.attempts.get_or_create(&of).inc();
    }

    /// The notice of a change was delivered so many seconds after the change.
    pub fn delivered(&self, seconds: f64) {
        self.0.outward.delivery_seconds.observe(seconds);
    }

    /// So many points sent to a target ended this way: `written`, `rejected` or `failed`.
    pub fn forwarded(&self, target: &str, outcome: &'static str, points: u64) {
        let of = [("target", target.to_owned()), ("outcome", outcome.to_owned())];
        self.0.outward.forward_points.get_or_create(&of).inc_by(points);
    }

    /// All metrics in OpenMetrics text (see [`MEDIA_TYPE`]), with the figures of the store.
    pub fn render(&self, figures: &StoreFigures) -> String {
        let _one_at_a_time = self.0.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        self.fill(figures);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    fn fill(&self, figures: &StoreFigures) {
        let (inward, m) = (&self.0.inward, &self.0.outward);
        inward.store_bytes.clear();
        m.levels.clear();
        for family in [&m.outbox_pending, &m.outbox_dead, &m.forward_pending] {
            family.clear();
        }
        m.incidents_open.set(signed(figures.incidents.0));
        m.exercises_open.set(signed(figures.incidents.1));
        for (tier, bytes) in &figures.bytes {
            inward.store_bytes.get_or_create(&[("tier", tier.clone())]).set(signed(*bytes));
        }
        for (tier, beyond, count) in &figures.dropped {
            let of = [("tier", tier.clone()), ("beyond", beyond.clone())];
            inward.store_dropped.get_or_create(&of).inner().store(*count, Ordering::Relaxed);
        }
        for (ladder, scope, level, here) in &figures.levels {
            let of =
                [("ladder", ladder.clone()), ("scope", scope.clone()), ("level", level.clone())];
            m.levels.get_or_create(&of).set(i64::from(*here));
        }
        for (receiver, pending, dead) in &figures.outbox {
            let of = [("receiver", receiver.clone())];
            m.outbox_pending.get_or_create(&of).set(signed(*pending));
            m.outbox_dead.get_or_create(&of).set(signed(*dead));
        }
        for (target, rows) in &figures.forward {
            m.forward_pending.get_or_create(&[("target", target.clone())]).set(signed(*rows));
        }
    }
}

impl SourceMetrics {
    /// A message was set aside for this reason.
    pub fn quarantined(&self, reason: &str) {
        self.count(&self.all.0.inward.quarantined, reason, 1);
    }

    /// So many messages were left out by this policy.
    pub fn ignored(&self, reason: &str, n: u64) {
        self.count(&self.all.0.inward.ignored, reason, n);
    }

    /// A message that was set aside went that `way`: `read`, `dropped` or `pushed_out`.
    pub fn left_quarantine(&self, way: &'static str) {
        let of = [("source", self.name.clone()), ("way", way.to_owned())];
        self.all.0.inward.left_quarantine.get_or_create(&of).inc();
    }

    fn count(&self, family: &Counters<2>, reason: &str, n: u64) {
        let of = [("source", self.name.clone()), ("reason", reason.to_owned())];
        family.get_or_create(&of).inc_by(n);
    }
}

/// Registers a metric and hands it back. Counters get `_total` from the encoder.
fn put<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn histogram(buckets: &[f64]) -> Histogram {
    Histogram::new(buckets.iter().copied())
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
