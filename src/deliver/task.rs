//! The loop: what is committed comes in, attempts go out, and how each ended is
//! told to the single writer.

use super::http;
use super::queue::{End, Job, Pending, Queue, Refill};
use super::work::{Done, Shared, Tried, attempt, page, read_on};
use crate::clock::Clock;
use crate::config::settings::{Delivery, Receiver};
use crate::flow::{Attempt, Command, Committed, Event, Operational, Outcome};
use crate::store::{NoticeState, Reader, StoreError};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// The loop turns at least this often, for the watchdog.
const TURN: Duration = Duration::from_secs(1);

/// What the stage is given.
pub struct Context {
    /// A reader of its own.
    pub reader: Reader,
    /// The receivers of the configuration.
    pub receivers: Vec<Receiver>,
    /// When and how many.
    pub delivery: Delivery,
    /// Names this installation in the `source` of events.
    pub instance: String,
    /// Where people reach the page.
    pub base_url: String,
    /// The clock of the world that is judged.
    pub clock: Clock,
    /// Announces commits.
    pub committed: watch::Receiver<Committed>,
    /// To the single writer.
    pub commands: mpsc::Sender<Event>,
    /// Who counts.
    pub counters: Counters,
    /// Called whenever the loop turns, at least once a second.
    pub turned: Arc<dyn Fn() + Send + Sync>,
    /// How long attempts under way may take once the stage is to stop.
    pub finish_within: Duration,
}

type Count<T> = Box<dyn Fn(&str, T) + Send + Sync>;

/// What is counted, for whoever shows it.
pub struct Counters {
    /// Receiver and outcome (`delivered`, `retry`, `dead`) of an attempt that ended.
    pub attempt: Count<&'static str>,
    /// Receiver and its pending notices now.
    pub pending: Count<u64>,
    /// Receiver and its dead notices now.
    pub dead: Count<u64>,
    /// Receiver and seconds (by the machine's clock) from a change to its delivery.
    pub change_to_delivery: Count<f64>,
}

impl Default for Counters {
    /// Counts nothing.
    fn default() -> Counters {
        Counters {
            attempt: Box::new(|_, _| {}),
            pending: Box::new(|_, _| {}),
            dead: Box::new(|_, _| {}),
            change_to_delivery: Box::new(|_, _| {}),
        }
    }
}

/// Why the stage cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The outbox cannot be read.
    #[error("the outbox cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The single writer is gone.
    #[error("the intake is gone, so that attempts cannot be recorded")]
    IntakeGone,
    /// No client could be made.
    #[error("{0}")]
    Client(String),
    /// A read was cut off by a panic.
    #[error("a read of the outbox was cut off: {0}")]
    Cut(#[from] tokio::task::JoinError),
}

/// Delivers until told to stop (`true`, or its sender gone). What is under way
/// then may end within [`Context::finish_within`]; the rest is tried again after
/// the next start.
pub async fn run(context: Context, stop: watch::Receiver<bool>) -> Result<(), DeliverError> {
    let mut stage = Stage::new(context)?;
    stage.open_lanes().await?;
    stage.turn_until(stop.clone()).await?;
    let finish_within = stage.finish_within;
    let finish = stage.finish();
    // What is not finished by then is repeated under the same id.
    let _ = tokio::time::timeout(finish_within, finish).await;
    Ok(())
}

struct Stage {
    shared: Arc<Shared>,
    queue: Queue,
    work: FuturesUnordered<BoxFuture<'static, Result<Done, DeliverError>>>,
    /// Rows of the outbox up to here are in the queue.
    seen: i64,
    loading: bool,
    stopping: bool,
    dead: HashMap<String, u64>,
    committed: watch::Receiver<Committed>,
    commands: mpsc::Sender<Event>,
    counters: Counters,
    turned: Arc<dyn Fn() + Send + Sync>,
    finish_within: Duration,
}

impl Stage {
    fn new(c: Context) -> Result<Stage, DeliverError> {
        let shared = Shared {
            reader: Mutex::new(c.reader),
            client: http::client().map_err(DeliverError::Client)?,
            receivers: c.receivers.into_iter().map(|r| (r.id.clone(), r)).collect(),
            schedule: c.delivery.schedule,
            instance: c.instance,
            base_url: c.base_url,
            clock: c.clock,
        };
        Ok(Stage {
            shared: Arc::new(shared),
            queue: Queue::new(c.delivery.parallel),
            work: FuturesUnordered::new(),
            seen: -1,
            loading: false,
            stopping: false,
            dead: HashMap::new(),
            committed: c.committed,
            commands: c.commands,
            counters: c.counters,
            turned: c.turned,
            finish_within: c.finish_within,
        })
    }

    /// Learns which receivers are disabled, and how many notices are dead.
    async fn open_lanes(&mut self) -> Result<(), DeliverError> {
        let (disabled, counts) =
            self.shared.read(|r| Ok((r.disabled_receivers()?, r.outbox_counts()?))).await?;
        for (receiver, at, why) in disabled {
            self.queue.close(&receiver, &format!("receiver disabled since {at}: {why}"));
        }
        for receiver in self.shared.receivers.keys() {
            (self.counters.pending)(receiver, 0);
            (self.counters.dead)(receiver, 0);
        }
        for (receiver, state, count) in counts {
            if state == NoticeState::Dead.name() {
                (self.counters.dead)(&receiver, count);
                self.dead.insert(receiver, count);
            }
        }
        Ok(())
    }

    async fn turn_until(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), DeliverError> {
        loop {
            self.start();
            let tick = Instant::now() + TURN;
            let wake = self.queue.next_due().map_or(tick, |due| due.min(tick));
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return Ok(()),
                Some(done) = self.work.next(), if !self.work.is_empty() => self.done(done?).await?,
                changed = self.committed.changed() => {
                    changed.map_err(|_| DeliverError::IntakeGone)?;
                }
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            (self.turned)();
        }
    }

    /// Lets what is under way end, and records it.
    async fn finish(&mut self) -> Result<(), DeliverError> {
        self.stopping = true;
        while let Some(done) = self.work.next().await {
            self.done(done?).await?;
            (self.turned)();
        }
        Ok(())
    }

    /// Starts everything that can start now.
    fn start(&mut self) {
        let upto = self.committed.borrow_and_update().outbox;
        if !self.loading && upto > self.seen {
            self.loading = true;
            self.work.push(Box::pin(page(self.shared.clone(), self.seen, upto)));
        }
        let now = Instant::now();
        while let Some(job) = self.queue.take(now) {
            self.work.push(Box::pin(attempt(self.shared.clone(), job)));
        }
    }

    async fn done(&mut self, done: Done) -> Result<(), DeliverError> {
        match done {
            Done::Page { rows, upto, full } => {
                self.loading = false;
                let last = rows.last().map_or(self.seen, |n| n.id);
                self.seen = if full { last } else { last.max(upto) };
                let mut receivers: Vec<String> = Vec::new();
                for notice in rows {
                    if !receivers.contains(&notice.receiver) {
                        receivers.push(notice.receiver.clone());
                    }
                    self.add(notice);
                }
                for receiver in receivers {
                    (self.counters.pending)(&receiver, self.queue.pending(&receiver));
                }
            }
            Done::Refilled { refill, found, exhausted } => {
                let more = self.queue.refilled(&refill, found, exhausted);
                self.refill(more);
            }
            Done::Attempted { job, tried } => self.attempted(job, tried).await?,
        }
        Ok(())
    }

    fn add(&mut self, notice: Pending) {
        if !self.shared.receivers.contains_key(&notice.receiver) {
            self.queue.close(&notice.receiver, "receiver no longer configured");
        }
        self.queue.add(notice);
    }

    fn refill(&mut self, refill: Option<Refill>) {
        if let Some(refill) = refill.filter(|_| !self.stopping) {
            self.work.push(Box::pin(read_on(self.shared.clone(), refill)));
        }
    }

    async fn attempted(&mut self, job: Job, tried: Option<Tried>) -> Result<(), DeliverError> {
        let end = match &tried {
            Some(Tried { attempt: Attempt { outcome: Outcome::Delivered { .. }, .. }, .. }) => {
                End::Delivered
            }
            Some(Tried { wait: Some(wait), .. }) => End::Again(Instant::now() + *wait),
            _ => End::Gone,
        };
        if let Some(tried) = tried {
            self.record(&job, tried).await?;
        }
        let refill = self.queue.ended(&job, end);
        self.refill(refill);
        (self.counters.pending)(&job.receiver, self.queue.pending(&job.receiver));
        Ok(())
    }

    /// Tells the single writer, the log and whoever counts.
    async fn record(&mut self, job: &Job, tried: Tried) -> Result<(), DeliverError> {
        let Tried { attempt, age, .. } = tried;
        let receiver = job.receiver.as_str();
        let (notice, at) = (attempt.notice, attempt.at);
        let mut disabled = None;
        let outcome = match &attempt.outcome {
            Outcome::Delivered { status, took_ms } => {
                tracing::debug!(receiver, notice, status, took_ms, "notice delivered");
                if let Some(age) = age {
                    (self.counters.change_to_delivery)(receiver, age);
                }
                "delivered"
            }
            Outcome::Retry { why, next } => {
                tracing::warn!(receiver, notice, why, next = %next, "notice not taken, will be tried again");
                "retry"
            }
            Outcome::Dead { why, disable } => {
                tracing::error!(
                    receiver,
                    notice,
                    why,
                    "notice is dead; see `dustline outbox list`"
                );
                let dead = self.dead.entry(receiver.to_owned()).or_default();
                *dead += 1;
                (self.counters.dead)(receiver, *dead);
                disabled = disable.then(|| why.clone());
                "dead"
            }
        };
        (self.counters.attempt)(receiver, outcome);
        self.tell(Command::Attempt(attempt)).await?;
        if let Some(why) = disabled {
            self.queue.close(receiver, &format!("receiver disabled since {at}: {why}"));
            self.tell(Command::Operational(Operational {
                kind: "receiver_disabled",
                subject: receiver.to_owned(),
                active: true,
                at,
                detail: format!("{why}; its pending notices are dead, see `dustline outbox list`"),
            }))
            .await?;
        }
        Ok(())
    }

    async fn tell(&self, command: Command) -> Result<(), DeliverError> {
        let sent = self.commands.send(Event::Command(command)).await;
        sent.map_err(|_| DeliverError::IntakeGone)
    }
}

/// Returns when the stage is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone has nobody left who could say "stop".
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}
