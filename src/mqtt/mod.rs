//! Connections to brokers: messages in, receipts back.
//!
//! ```text
//!             ┌──────────────── one task a lane ────────────────┐
//!  broker ──▶ │ wire ─▶ frame ─▶ dialect (v5, v311) ─▶ try_send │ ──▶ arrivals
//!  broker ◀── │ wire ◀── PUBACK, PUBREC ◀── receipts            │ ◀── intake, after the commit
//!             └─────────────────────────────────────────────────┘
//! ```
//!
//! The packets are read and written by `rumqttc`; the loop around them is
//! ours. Its own event loop sends every acknowledgement by itself, one system
//! call each, and forgets on reconnecting which QoS 2 exchanges are half done;
//! here all receipts that are waiting leave in one write, and the end of a QoS 2
//! exchange is confirmed whether or not its beginning is remembered.
//!
//! What holds:
//! - Nothing is acknowledged until its [`Receipt`] is handed back; receipts of
//!   an earlier connection are dropped, since the broker sends those messages again.
//! - Acknowledgements never wait for the intake. A QoS 0 message that finds no
//!   room is counted and reported. Any other is held and nothing more is read
//!   until there is room, since brokers do not all keep to the window they are
//!   asked for (Mosquitto 2.0.11 sends a queue of any length): to drop the
//!   connection instead would have them send everything again, for ever.
//! - The session outlives connections and processes. See [`Subscriber::previous_filters`].
//! - A broker that is away is weather: it is tried again for ever.
//!
//! A source with several lanes has a session on each, and their filters are
//! shared subscriptions of one group: the broker gives every message to one of
//! them. Each lane has its own window, packet identifiers and receipts, so that
//! each keeps the order of its messages; among lanes there is none. What a lane
//! has not acknowledged, the broker sends to that lane again as long as it keeps
//! its session.
//!
//! [`Subscriber::run`] is the life of one lane; [`probe`] asks once whether a
//! source would work; [`listen`] hears what a broker carries; [`Publisher`]
//! sends, for simulation.

mod backoff;
mod fault;
mod frame;
mod link;
mod listen;
mod packet;
mod probe;
mod publish;
mod report;
mod session;
mod task;
mod tls;
mod v311;
mod v5;
mod wire;

pub use listen::{Heard, listen};
pub use probe::probe;
pub use publish::{PublishError, Publisher, Target};

use crate::clock::Clock;
use crate::config::settings::{MqttVersion, Source};
use crate::flow::{Lane, Receipt, SourceId, ToIntake};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// One lane of a source, ready to run.
pub struct Subscriber {
    /// The broker and how to talk to it.
    pub source: Arc<Source>,
    /// Its place in the configuration.
    pub id: SourceId,
    /// Which lane of it.
    pub lane: Lane,
    /// What to subscribe to. Nothing, for a lane that the configuration no longer
    /// has: it takes what the broker still has for it, and is said to be
    /// [`Up`](crate::flow::SourceState::Up) once that has ceased to come.
    pub filters: Vec<String>,
    /// What earlier processes subscribed to under the same client identifier.
    /// The broker's session still holds these filters; those that are not in
    /// `filters` are given up. The caller remembers `filters` across restarts,
    /// from when the source is first [`Up`](crate::flow::SourceState::Up).
    pub previous_filters: Vec<String>,
    /// Where messages and states go.
    pub to_intake: ToIntake,
    /// What comes back after the commit, in the order of the arrivals.
    pub receipts: mpsc::Receiver<Vec<Receipt>>,
    /// Tells when a message came in.
    pub clock: Clock,
    /// Turns true when no more messages shall be taken.
    pub stop: watch::Receiver<bool>,
}

impl Subscriber {
    /// Runs until `stop` has turned true *and* `receipts` is closed. Between
    /// the two it forwards nothing more but still acknowledges, so that the
    /// caller can drain the intake and hand back the last receipts; then it
    /// sends DISCONNECT, which keeps the session. Never ends for a broker's sake.
    pub async fn run(self) {
        task::run(self).await;
    }
}

fn dialect(version: MqttVersion) -> &'static dyn packet::Dialect {
    match version {
        MqttVersion::V5 => &v5::V5,
        MqttVersion::V311 => &v311::V311,
    }
}
