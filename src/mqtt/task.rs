//! The loop of one lane: connect, forward, acknowledge, connect again.

use super::backoff::Backoff;
use super::fault::Fault;
use super::link::Link;
use super::packet::{self, Dialect, Incoming};
use super::report::Reports;
use super::session::Session;
use super::{Subscriber, dialect};
use crate::config::settings::MqttVersion;
use crate::flow::{Arrival, Arrivals, Event, Lane, Receipt, Room, SourceState};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

/// How long the last acknowledgements and the goodbye may take.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// Batches of receipts taken at once: their acknowledgements leave together.
const RECEIPTS_AT_ONCE: usize = 64;
/// How often what is due is looked for, at most; pings need it more often
/// where the keep alive is short.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A lane that is given up has had all its messages when none has come for so
/// long since the broker gave its subscriptions up.
const LEFT_AFTER: Duration = Duration::from_secs(30);
/// The in-flight window of MQTT 3.1.1 brokers that are not told another:
/// Mosquitto's `max_inflight_messages`.
const WINDOW_V311: u32 = 20;

/// Room for an event that is held.
async fn room<'a>(arrivals: &'a Arrivals, held: Option<&Event>) -> Option<Room<'a>> {
    arrivals.room(held?).await
}

/// The word to stop.
struct Stop {
    receiver: watch::Receiver<bool>,
    /// It was heard: no more messages are taken.
    heard: bool,
}

impl Stop {
    /// Waits for the word; for ever once it was heard.
    async fn word(&mut self) {
        if self.heard {
            std::future::pending::<()>().await;
        }
        // A sender that is gone will never say it, and means the same.
        let _ = self.receiver.wait_for(|stop| *stop).await;
        self.heard = true;
    }
}

/// What drives the task from outside.
struct Reins {
    receipts: mpsc::Receiver<Vec<Receipt>>,
    stop: Stop,
}

impl Reins {
    /// While there is no connection: receipts that still come in are stale.
    /// Ends when there is no need for another connection: after the word to
    /// stop, or when no more receipts can come.
    async fn idle(&mut self) {
        if self.stop.heard {
            return;
        }
        loop {
            tokio::select! {
                batch = self.receipts.recv() => if batch.is_none() { return },
                () = self.stop.word() => return,
            }
        }
    }

    /// Waits until no more receipts can come.
    async fn closed(&mut self) {
        while self.receipts.recv().await.is_some() {}
    }
}

/// How a connection ended without a fault.
enum End {
    /// Receipts are closed, everything is acknowledged.
    Finished,
    /// The word to stop came before the broker had taken us.
    NotNeeded,
}

pub(super) async fn run(subscriber: Subscriber) {
    let dialect = dialect(subscriber.source.version);
    let mut task = Task::new(subscriber, dialect);
    task.say_ceiling();
    let mut backoff = Backoff::default();
    loop {
        let began = Instant::now();
        let fault = match task.connection().await {
            Ok(End::Finished) => return,
            Ok(End::NotNeeded) => break,
            Err(fault) => fault,
        };
        task.reports.down(fault.to_string());
        let wait = backoff.after(began.elapsed(), fastrand::f64());
        if !task.rest(wait).await {
            break;
        }
    }
    task.reports.send();
    task.reins.closed().await;
}

struct Task {
    dialect: &'static dyn Dialect,
    source: std::sync::Arc<crate::config::settings::Source>,
    client_id: String,
    session: Session,
    reins: Reins,
    reports: Reports,
    forward: Forward,
    /// When a message came last, or the broker took us.
    last_message: Instant,
}

/// Where messages go.
struct Forward {
    id: crate::flow::SourceId,
    lane: Lane,
    arrivals: Arrivals,
    clock: crate::clock::Clock,
    /// Counts connections; receipts of older ones are stale.
    connection: u64,
}

impl Forward {
    /// Tells the intake that the session began anew; hands the word out if there
    /// is no room.
    fn new_session(&self) -> Option<Event> {
        let event = Event::NewSession { source: self.id, lane: self.lane, at: self.clock.now() };
        match self.arrivals.try_send(event) {
            Err(TrySendError::Full(held)) => Some(held),
            // Without an intake there is nothing to forget.
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
    }
}

impl Task {
    fn new(s: Subscriber, dialect: &'static dyn Dialect) -> Task {
        Task {
            dialect,
            client_id: s.source.client_id_of(s.lane),
            session: Session::new(dialect, s.source.qos, &s.filters, &s.previous_filters),
            reins: Reins { receipts: s.receipts, stop: Stop { receiver: s.stop, heard: false } },
            reports: Reports::new(
                s.source.name_of(s.lane),
                (s.id, s.lane),
                s.to_intake.commands,
                s.clock.clone(),
            ),
            forward: Forward {
                id: s.id,
                lane: s.lane,
                arrivals: s.to_intake.arrivals,
                clock: s.clock,
                connection: 0,
            },
            source: s.source,
            last_message: Instant::now(),
        }
    }

    fn say_ceiling(&self) {
        if self.source.version == MqttVersion::V311 && self.source.qos > 0 {
            let commit_ms = 2;
            tracing::info!(
                source = self.source.name,
                "with MQTT 3.1.1 the broker's in-flight window bounds the rate of a connection at \
                 window ÷ commit time: Mosquitto's {WINDOW_V311} at {commit_ms} ms make {} \
                 messages/s; raise max_inflight_messages there, use MQTT 5, or set connections",
                WINDOW_V311 * 1000 / commit_ms
            );
        }
    }

    /// Waits between attempts. Returns whether there shall be another.
    async fn rest(&mut self, wait: Duration) -> bool {
        let end = tokio::time::Instant::now() + wait;
        let mut look = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = self.reins.idle() => return false,
                () = tokio::time::sleep_until(end) => return true,
                _ = look.tick() => self.reports.send(),
            }
        }
    }

    /// One connection, from connecting to its end.
    async fn connection(&mut self) -> Result<End, Fault> {
        self.forward.connection += 1;
        let opened = tokio::select! {
            opened = Link::open(&self.source, self.dialect, &self.client_id, true) => opened?,
            () = self.reins.idle() => return Ok(End::NotNeeded),
        };
        let (mut link, session_present) = opened;
        self.last_message = Instant::now();
        tracing::info!(
            source = self.source.name,
            client_id = self.client_id,
            connection = self.forward.connection,
            session_present,
            "connected by {}",
            self.dialect.name()
        );
        let ready = self.session.connected(session_present, &mut link.wire.outbox)?;
        if ready && !self.session.is_leaving() {
            self.reports.state(SourceState::Up);
        }
        let began = if session_present { None } else { self.forward.new_session() };
        self.serve(link, began).await
    }

    /// Serves a connection. An event for which the intake has no room is `held`:
    /// until it has, nothing more is read, so that the broker waits;
    /// acknowledgements still leave.
    async fn serve(&mut self, mut link: Link, mut held: Option<Event>) -> Result<End, Fault> {
        let mut batches = Vec::with_capacity(RECEIPTS_AT_ONCE);
        let mut look = interval(LOOK_EVERY.min(link.ping_after() / 2));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let arrivals = self.forward.arrivals.clone();
        loop {
            if held.is_none() {
                held = self.take(&mut link)?;
            }
            tokio::select! {
                biased;
                taken = self.reins.receipts.recv_many(&mut batches, RECEIPTS_AT_ONCE) => {
                    if taken == 0 {
                        return self.goodbye(link).await;
                    }
                    for receipt in batches.drain(..).flatten() {
                        if receipt.connection == self.forward.connection {
                            packet::acknowledge(&receipt, &mut link.wire.outbox)?;
                        }
                    }
                }
                () = self.reins.stop.word() => {
                    // Not acknowledged: the broker sends it again.
                    held = None;
                    self.reports.send();
                }
                _ = look.tick() => {
                    if held.is_some() {
                        // An answer to our ping would wait behind it.
                        link.heard();
                    }
                    link.keep_alive(Instant::now())?;
                    self.session.ask_again(Instant::now(), &mut link.wire.outbox)?;
                    self.leave();
                    self.reports.send();
                }
                room = room(&arrivals, held.as_ref()), if held.is_some() => {
                    if let (Some(room), Some(event)) = (room, held.take()) {
                        room.send(event);
                    }
                }
                came = link.wire.turn(held.is_none()) => {
                    came?;
                    link.heard();
                }
            }
        }
    }

    /// Says of a lane that is given up that it has nothing any more.
    fn leave(&mut self) {
        let quiet = self.last_message.elapsed() >= LEFT_AFTER;
        if quiet && self.session.holds_nothing() {
            self.reports.state(SourceState::Up);
        }
    }

    /// Takes what came in, up to a message that has to wait.
    fn take(&mut self, link: &mut Link) -> Result<Option<Event>, Fault> {
        while let Some(incoming) = link.next()? {
            match incoming {
                Incoming::Message(_) if self.reins.stop.heard => {}
                Incoming::Message(message) => {
                    if self.session.is_leaving() {
                        self.last_message = Instant::now();
                    }
                    if let Some(held) = self.forward(message) {
                        return Ok(Some(held));
                    }
                }
                // Whether or not we remember the message: its sender has our
                // PUBREC, so its receipt was handed back, here or before a restart.
                Incoming::Released(packet) => packet::complete(packet, &mut link.wire.outbox)?,
                Incoming::Subscribed { packet, answers } => {
                    if let Some(state) = self.session.subscribed(packet, &answers) {
                        self.reports.state(state);
                    }
                }
                Incoming::Unsubscribed { packet } => self.session.unsubscribed(packet),
                Incoming::Pong => {}
                Incoming::Connected { .. } => {
                    return Err(Fault::Malformed("a second CONNACK".to_owned()));
                }
            }
        }
        Ok(None)
    }

    /// Hands a message to the intake, without ever waiting for it; hands out one
    /// that finds no room and must not be lost.
    fn forward(&mut self, message: packet::Message) -> Option<Event> {
        let to = &self.forward;
        let receipt = (message.qos > 0).then_some(Receipt {
            lane: to.lane,
            connection: to.connection,
            packet: message.packet,
            exactly_once: message.qos == 2,
        });
        let arrival = Arrival {
            source: to.id,
            topic: message.topic,
            payload: message.payload,
            retained: message.retained,
            duplicate: message.duplicate,
            at: to.clock.now(),
            receipt,
        };
        match to.arrivals.try_send(Event::Arrival(arrival)) {
            Ok(()) => None,
            Err(TrySendError::Full(_)) if message.qos == 0 => {
                self.reports.dropped();
                None
            }
            Err(TrySendError::Full(held)) => Some(held),
            // Nobody will ever take it: the same as having been told to stop.
            Err(TrySendError::Closed(_)) => {
                self.reins.stop.heard = true;
                None
            }
        }
    }

    /// Sends what is left to acknowledge, and DISCONNECT.
    async fn goodbye(&mut self, mut link: Link) -> Result<End, Fault> {
        packet::disconnect(&mut link.wire.outbox)?;
        let ended = match tokio::time::timeout(GOODBYE_MAX, link.wire.finish()).await {
            Ok(ended) => ended,
            Err(_) => Err(Fault::Silent),
        };
        if let Err(fault) = ended {
            tracing::warn!(
                source = self.source.name,
                "cannot say goodbye: {fault}; the broker will send again what it did not hear of"
            );
        }
        Ok(End::Finished)
    }
}
