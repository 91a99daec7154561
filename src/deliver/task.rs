//! The loop: what is committed comes in, attempts go out, and how each ended is
//! told to the single writer.

use super::format::World;
use super::http::Door;
use super::queue::{End, Job, Pending, Queue, Refill};
use super::work::{Done, Letter, Shared, Tried, attempt, fetch, look, page, read_on};
use crate::air::Stamp;
use crate::clock::Clock;
use crate::config::settings::{Delivery, Outgoing, Receiver};
use crate::flow::{Attempt, Command, Committed, Event, Outcome};
use crate::store::{Reader, StoreError};
use crate::telemetry::{Metrics, Part};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::HashSet;
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
    /// Where notices may go.
    pub outgoing: Outgoing,
    /// What every notice says of this installation.
    pub world: World,
    /// The clock of the world that is judged.
    pub clock: Clock,
    /// Announces commits.
    pub committed: watch::Receiver<Committed>,
    /// To the single writer.
    pub commands: mpsc::Sender<Event>,
    /// Counts attempts.
    pub metrics: Metrics,
    /// The sign of life; the loop turns at least once a second.
    pub part: Part,
    /// How long attempts under way may take once the stage is to stop.
    pub finish_within: Duration,
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
    /// Acts of operators that were looked at; nothing was before the start.
    acts: u64,
    /// What an operator has changed is being read; nothing begins meanwhile, or a
    /// notice could die of a receiver that is enabled already.
    looking: bool,
    stopping: bool,
    committed: watch::Receiver<Committed>,
    commands: mpsc::Sender<Event>,
    metrics: Metrics,
    part: Part,
    finish_within: Duration,
}

impl Stage {
    fn new(c: Context) -> Result<Stage, DeliverError> {
        let acts = c.committed.borrow().acts;
        let shared = Shared {
            reader: Mutex::new(c.reader),
            door: Door::new(c.outgoing).map_err(DeliverError::Client)?,
            receivers: c.receivers.into_iter().map(|r| (r.id.clone(), r)).collect(),
            schedule: c.delivery.schedule,
            world: c.world,
            clock: c.clock,
        };
        Ok(Stage {
            shared: Arc::new(shared),
            queue: Queue::new(c.delivery.parallel),
            work: FuturesUnordered::new(),
            seen: -1,
            loading: false,
            acts,
            looking: false,
            stopping: false,
            committed: c.committed,
            commands: c.commands,
            metrics: c.metrics,
            part: c.part,
            finish_within: c.finish_within,
        })
    }

    /// Learns which receivers are disabled.
    async fn open_lanes(&mut self) -> Result<(), DeliverError> {
        for (receiver, at, why) in self.shared.read(Reader::disabled_receivers).await? {
            self.queue.close(&receiver, &disabled(at, &why));
        }
        self.part.ok();
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
            self.part.turned();
        }
    }

    /// Lets what is under way end, and records it.
    async fn finish(&mut self) -> Result<(), DeliverError> {
        self.stopping = true;
        while let Some(done) = self.work.next().await {
            self.done(done?).await?;
            self.part.turned();
        }
        Ok(())
    }

    /// Starts everything that can start now.
    fn start(&mut self) {
        let Committed { outbox: upto, acts, .. } = *self.committed.borrow_and_update();
        if acts > self.acts && !self.looking {
            (self.acts, self.looking) = (acts, true);
            self.work.push(Box::pin(look(self.shared.clone(), self.queue.waiting())));
        }
        if self.looking {
            return;
        }
        if !self.loading && upto > self.seen {
            self.loading = true;
            self.work.push(Box::pin(page(self.shared.clone(), self.seen, upto)));
        }
        let now = Instant::now();
        let jobs: Vec<Job> = std::iter::from_fn(|| self.queue.take(now)).collect();
        if !jobs.is_empty() {
            self.work.push(Box::pin(fetch(self.shared.clone(), jobs)));
        }
    }

    async fn done(&mut self, done: Done) -> Result<(), DeliverError> {
        match done {
            Done::Page { rows, upto, full } => {
                self.loading = false;
                let last = rows.last().map_or(self.seen, |n| n.id);
                self.seen = if full { last } else { last.max(upto) };
                rows.into_iter().for_each(|notice| self.add(notice));
            }
            Done::Refilled { refill, found, exhausted } => {
                let more = self.queue.refilled(&refill, found, exhausted);
                self.refill(more);
            }
            Done::Looked { disabled, gone } => self.looked(&disabled, &gone),
            // What has not begun when the stage is to stop waits for the next start.
            Done::Fetched(_) if self.stopping => {}
            Done::Fetched(letters) => {
                for (letter, job) in letters {
                    match letter {
                        Some(letter) => self.attempt(job, letter),
                        None => self.attempted(job, None).await?,
                    }
                }
            }
            Done::Attempted { job, tried } => self.attempted(job, tried).await?,
        }
        Ok(())
    }

    fn attempt(&mut self, job: Job, letter: Letter) {
        let attempt = attempt(self.shared.clone(), job, letter);
        self.work.push(Box::pin(async { Ok(attempt.await) }));
    }

    fn add(&mut self, notice: Pending) {
        if !self.shared.receivers.contains_key(&notice.receiver) {
            self.queue.close(&notice.receiver, "receiver no longer configured");
        }
        self.queue.add(notice);
    }

    /// Opens what an operator has enabled, and lets go of what was given up.
    fn looked(&mut self, disabled: &HashSet<String>, gone: &HashSet<i64>) {
        self.looking = false;
        let configured = |receiver: &&str| self.shared.receivers.contains_key(*receiver);
        let enabled = self.queue.closed().filter(configured).filter(|r| !disabled.contains(*r));
        for receiver in enabled.map(str::to_owned).collect::<Vec<_>>() {
            self.queue.open(&receiver);
        }
        self.queue.hurry(gone, Instant::now());
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
        Ok(())
    }

    /// Tells the single writer, the log and the metrics.
    async fn record(&mut self, job: &Job, tried: Tried) -> Result<(), DeliverError> {
        let Tried { attempt, age, .. } = tried;
        let receiver = job.receiver.as_str();
        let (notice, at) = (attempt.notice, attempt.at);
        let outcome = match &attempt.outcome {
            Outcome::Delivered { status, took_ms, .. } => {
                tracing::debug!(receiver, notice, status, took_ms, "notice delivered");
                if let Some(age) = age {
                    self.metrics.delivered(age);
                }
                "delivered"
            }
            Outcome::Retry { why, next } => {
                tracing::warn!(receiver, notice, why, %next, "notice not taken, will be tried again");
                "retry"
            }
            Outcome::Dead { why, disable } => {
                tracing::error!(
                    receiver,
                    notice,
                    why,
                    "notice is dead; see `dustline outbox list`"
                );
                if *disable {
                    self.queue.close(receiver, &disabled(at, why));
                }
                "dead"
            }
        };
        self.metrics.attempt(receiver, outcome);
        self.tell(Command::Attempt(attempt)).await
    }

    async fn tell(&mut self, command: Command) -> Result<(), DeliverError> {
        let sent = self.commands.send(Event::Command(command)).await;
        sent.map_err(|_| DeliverError::IntakeGone)
    }
}

fn disabled(at: Stamp, why: &str) -> String {
    format!("receiver disabled since {at}: {why}")
}

/// Returns when the stage is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone has nobody left who could say "stop".
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}
