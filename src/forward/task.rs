//! The loop of one target: read, send, move the cursor.

use super::admin::Admin;
use super::batch::{Batch, Labels, Limits, Source};
use super::client::Database;
use super::redrive::{Looking, Redriving, Turn};
use super::sift::Delivered;
use crate::air::Stamp;
use crate::clock::Clock;
use crate::config::settings::Influx;
use crate::flow::{Command, Committed, DATABASE_FORGETS, Event, FORWARDING_HELD, Operational};
use crate::store::{Cursor, Reader, StoreError};
use crate::telemetry::{Metrics, Part};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// The cursor is kept at most this often, and at most this late.
const KEEP_EVERY: Duration = Duration::from_millis(200);
/// Between requests that are not full, so that a trickle of readings does not
/// become a request each.
const LINGER: Duration = Duration::from_millis(100);
/// The loop turns at least this often, for the watchdog.
const TURN: Duration = Duration::from_secs(1);

/// What the loop of one target is given.
pub struct Context {
    /// A reader of its own.
    pub reader: Reader,
    /// The target.
    pub target: Influx,
    /// The names that points carry.
    pub labels: Labels,
    /// The clock of the world that is judged.
    pub clock: Clock,
    /// Announces commits.
    pub committed: watch::Receiver<Committed>,
    /// To the single writer.
    pub commands: mpsc::Sender<Event>,
    /// Counts points.
    pub metrics: Metrics,
    /// The state of the target; its loop turns at least once a second.
    pub part: Part,
    /// How long a request under way may take once the loop is to stop.
    pub finish_within: Duration,
}

/// Why the loop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The single writer is gone.
    #[error("the intake is gone, so that the cursor cannot be kept")]
    IntakeGone,
    /// A read was cut off by a panic.
    #[error("a read of the store was cut off: {0}")]
    Cut(#[from] tokio::task::JoinError),
}

/// Forwards to one target until told to stop (`true`, or its sender gone). A
/// request under way then may end within [`Context::finish_within`].
pub async fn run(context: Context, stop: watch::Receiver<bool>) -> Result<(), ForwardError> {
    let source = Source::new(context.reader, context.labels);
    let cursor = source.cursor(&context.target.name)?;
    let name = &context.target.name;
    let held = source.holds(FORWARDING_HELD, name)?;
    let (known, now) = (source.reader.read_back(name)?, context.clock.now().hour());
    let looking = Looking::new(&context.target, known, now);
    let redriving = Redriving::new(looking, source.holds(DATABASE_FORGETS, name)?);
    let part = context.part.clone();
    let mut life = Life { stop, part, finish_within: context.finish_within };
    let database = Database::new(&context.target, context.target.gzip);
    let mut stage = Stage {
        source: Arc::new(Mutex::new(source)),
        limits: Limits::of(&context.target),
        clock: context.clock,
        committed: context.committed,
        commands: context.commands,
        metrics: context.metrics,
        part: context.part,
        cursor,
        kept: cursor,
        kept_at: Instant::now(),
        failures: 0,
        held,
        not_a_line: false,
        maker: Admin::new(&context.target).filter(|_| context.target.create_bucket),
        retention: context.target.retention,
        name: context.target.name,
        redriving,
    };
    match database {
        Ok(database) => stage.turn(&database, &mut life).await,
        Err(why) => {
            stage.hold(&why).await?;
            life.stopped().await;
            Ok(())
        }
    }
}

/// When to stop, and the sign of life.
pub(super) struct Life {
    stop: watch::Receiver<bool>,
    part: Part,
    finish_within: Duration,
}

impl Life {
    /// Waits for something, turning, until the loop is to stop: then `None`.
    pub(super) async fn unless_stopped<T>(&mut self, wait: impl Future<Output = T>) -> Option<T> {
        let mut wait = std::pin::pin!(wait);
        loop {
            self.part.turned();
            tokio::select! {
                biased;
                // A sender that is gone has nobody left who could say "stop".
                _ = self.stop.wait_for(|stop| *stop) => return None,
                done = &mut wait => return Some(done),
                () = tokio::time::sleep(TURN) => {}
            }
        }
    }

    /// Like [`Life::unless_stopped`], but gives what is under way its last chance.
    pub(super) async fn finished<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        match self.unless_stopped(&mut work).await {
            Some(done) => Some(done),
            None => tokio::time::timeout(self.finish_within, work).await.ok(),
        }
    }

    async fn stopped(&mut self) {
        self.unless_stopped(std::future::pending::<()>()).await;
    }
}

pub(super) struct Stage {
    pub(super) source: Arc<Mutex<Source>>,
    pub(super) limits: Limits,
    pub(super) name: String,
    pub(super) clock: Clock,
    committed: watch::Receiver<Committed>,
    commands: mpsc::Sender<Event>,
    pub(super) metrics: Metrics,
    pub(super) part: Part,
    /// Not a line of the last batch was taken.
    pub(super) not_a_line: bool,
    /// Who makes the bucket, if that is wanted.
    pub(super) maker: Option<Admin>,
    /// How long the target keeps points; zero: not known.
    retention: Duration,
    /// What is sent once more.
    pub(super) redriving: Redriving,
    /// The condition `forwarding_held` holds.
    held: bool,
    /// How far the target is …
    cursor: Cursor,
    /// … and how far the store knows that it is.
    kept: Cursor,
    kept_at: Instant,
    pub(super) failures: u32,
}

impl Stage {
    async fn turn(&mut self, database: &Database, life: &mut Life) -> Result<(), ForwardError> {
        self.part.ok();
        loop {
            self.committed.mark_unchanged();
            let batch = self.read().await?;
            let full = batch.full;
            if batch.too_old > 0 {
                self.metrics.forwarded(&self.name, "too_old", batch.too_old);
            }
            if batch.upto != self.cursor {
                let batch = Arc::new(batch);
                match self.deliver(database, &batch, life).await? {
                    Delivered::AllItTakes { .. } => {}
                    Delivered::NotALine => continue,
                    Delivered::Stopped => break,
                }
                self.cursor = batch.upto;
                self.keep(false).await?;
            }
            if full {
                life.part.turned();
                continue;
            }
            match self.redrive(database, life).await? {
                Turn::Busy => {
                    life.part.turned();
                    continue;
                }
                Turn::Stopped => break,
                Turn::Idle => {}
            }
            if life.unless_stopped(self.more()).await.transpose()?.is_none() {
                break;
            }
        }
        // If the writer is gone before us, the same points are sent again after a start.
        self.keep(true).await.or(Ok(()))
    }

    /// Returns when there may be more to send.
    async fn more(&mut self) -> Result<(), ForwardError> {
        tokio::time::sleep(LINGER).await;
        let look = self.redriving.looking.is_some().then(|| Instant::now() + TURN);
        loop {
            let wait = (self.kept != self.cursor).then(|| self.kept_at + KEEP_EVERY);
            tokio::select! {
                changed = self.committed.changed() => {
                    return changed.map_err(|_| ForwardError::IntakeGone);
                }
                () = at(wait) => self.keep(true).await?,
                () = at(look) => return Ok(()),
            }
        }
    }

    /// How much goes into one request, and how old points may be.
    pub(super) fn bounds(&self) -> Limits {
        let kept = (!self.retention.is_zero()).then_some(self.retention.as_millis());
        let kept = kept.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        let oldest = kept.map_or(i64::MIN, |ms| self.clock.now().0.saturating_sub(ms));
        Limits { oldest: Stamp(oldest), ..self.limits }
    }

    async fn read(&self) -> Result<Batch, ForwardError> {
        let (source, cursor, limits) = (self.source.clone(), self.cursor, self.bounds());
        let read = tokio::task::spawn_blocking(move || {
            source.lock().unwrap_or_else(PoisonError::into_inner).next(cursor, limits)
        });
        Ok(read.await??)
    }

    /// The target answers as it should.
    pub(super) async fn well(&mut self) -> Result<(), ForwardError> {
        self.failures = 0;
        self.part.ok();
        if std::mem::take(&mut self.held) {
            self.operational(FORWARDING_HELD, false, "the database takes writes again").await?;
        }
        Ok(())
    }

    /// The target will not take anything until someone changes something.
    pub(super) async fn hold(&mut self, why: &str) -> Result<(), ForwardError> {
        self.part.down(why);
        if std::mem::replace(&mut self.held, true) {
            return Ok(());
        }
        let detail = format!("{why}; nothing is lost, forwarding goes on once this is mended");
        tracing::error!(database = self.name, why, "forwarding is held");
        self.operational(FORWARDING_HELD, true, &detail).await
    }

    /// A condition of the target begins or ends.
    pub(super) async fn operational(
        &self,
        kind: &'static str,
        active: bool,
        detail: &str,
    ) -> Result<(), ForwardError> {
        self.tell(Command::Operational(Operational {
            kind,
            subject: self.name.clone(),
            active,
            at: self.clock.now(),
            detail: detail.to_owned(),
        }))
        .await
    }

    /// Has the cursor kept: now, or if the last time is long enough ago.
    async fn keep(&mut self, now: bool) -> Result<(), ForwardError> {
        let early = self.kept_at.elapsed() < KEEP_EVERY;
        if self.kept == self.cursor || (early && !now) {
            return Ok(());
        }
        let Cursor { journal, change, hour } = self.cursor;
        let target = self.name.clone();
        self.tell(Command::Forwarded { target, journal, change, hour }).await?;
        self.kept = self.cursor;
        self.kept_at = Instant::now();
        Ok(())
    }

    pub(super) async fn tell(&self, command: Command) -> Result<(), ForwardError> {
        let sent = self.commands.send(Event::Command(command)).await;
        sent.map_err(|_| ForwardError::IntakeGone)
    }
}

/// At an instant, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
