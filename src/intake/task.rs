//! The loop: take what is waiting, one transaction, then the receipts.

use super::plan::Plan;
use super::state::State;
use crate::clock::Clock;
use crate::flow::{BATCH_MAX, Command, Committed, Event, IntakeInbox, Receipt, SourceState};
use crate::store::{StoreError, Writer};
use crate::telemetry::{Health, Metrics, Part, Role};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// The loop turns at every tick; if it has not for this long it is stuck.
const TURN_MAX: Duration = Duration::from_secs(20);

/// Why the intake ended before it was told to. All of these are fatal: the
/// process exits non-zero, is started again, and recovers.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The store failed; after a failed sync nothing it says can be believed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// What the intake is made of.
pub struct Parts {
    /// What it judges and whom it tells.
    pub plan: Arc<Plan>,
    /// The one writer.
    pub writer: Writer,
    /// The way back to each source.
    pub receipts: Vec<mpsc::Sender<Vec<Receipt>>>,
    /// Announces commits.
    pub committed: watch::Sender<Committed>,
    /// Counters.
    pub metrics: Metrics,
    /// The time of the world.
    pub clock: Clock,
    /// The states of the parts.
    pub health: Arc<Health>,
}

/// The intake, recovered and ready to take events.
pub struct Intake {
    state: State,
    receipts: Vec<mpsc::Sender<Vec<Receipt>>>,
    committed: watch::Sender<Committed>,
    metrics: Metrics,
    health: Part,
    /// Receipts of the running batch, by source.
    owed: Vec<Vec<Receipt>>,
    /// When the arrivals of the running batch came in.
    since: Option<Instant>,
}

impl Intake {
    /// Recovers the state from the store.
    pub fn open(parts: Parts) -> Result<Intake, IntakeError> {
        let now = parts.clock.now();
        let sources = parts.receipts.len();
        let (metrics, health) = (parts.metrics.clone(), &parts.health);
        let state = State::recover(parts.plan, parts.writer, metrics, health, now)?;
        let health = health.part("intake", Role::Core, Some(TURN_MAX));
        health.ok();
        parts.committed.send_replace(state.writer.last());
        Ok(Intake {
            state,
            receipts: parts.receipts,
            committed: parts.committed,
            metrics: parts.metrics,
            health,
            owed: vec![Vec::new(); sources],
            since: None,
        })
    }

    /// The filters that earlier processes subscribed a source to.
    pub fn previous_filters(&mut self, source: usize) -> Result<Vec<String>, IntakeError> {
        Ok(self.state.previous_filters(source)?)
    }

    /// Applies the events in one transaction, announces it, and hands the
    /// receipts back. When it returns, everything in it is on disk.
    pub fn turn(&mut self, events: &mut Vec<Event>) -> Result<(), IntakeError> {
        let arrivals = events.iter().filter(|e| matches!(e, Event::Arrival(_))).count();
        let started = Instant::now();
        self.state.writer.begin()?;
        for event in events.drain(..) {
            self.apply(event)?;
        }
        self.state.settle()?;
        let committed = self.state.writer.commit()?;
        // First of all: a broker with a small window waits for it.
        self.hand_back();
        self.metrics.commit(started.elapsed().as_secs_f64(), arrivals);
        if let Some(since) = self.since.take() {
            self.metrics.acknowledged(since.elapsed().as_secs_f64());
        }
        self.committed.send_replace(committed);
        self.health.turned();
        Ok(())
    }

    fn apply(&mut self, event: Event) -> Result<(), StoreError> {
        match event {
            Event::Arrival(arrival) => {
                self.since.get_or_insert_with(Instant::now);
                let source = usize::from(arrival.source.0);
                if let (Some(receipt), Some(owed)) = (arrival.receipt, self.owed.get_mut(source)) {
                    owed.push(receipt);
                }
                self.state.arrive(arrival)
            }
            Event::NewSession { source, at } => self.state.new_session(source, at),
            Event::Tick(now) => self.state.tick(now),
            Event::Command(command) => self.command(command),
            Event::Finish => Ok(()),
        }
    }

    fn command(&mut self, command: Command) -> Result<(), StoreError> {
        match command {
            Command::Source { source, state, at } => self.state.source_state(source, &state, at),
            Command::ClockSet { now, by_ms } => {
                self.state.clock_was_set(now, by_ms);
                Ok(())
            }
            Command::Overload { source, count, at } => self.state.overload(source, count, at),
            Command::Attempt(attempt) => self.state.attempt(&attempt),
            Command::Forwarded { target, journal, change, hour } => {
                let cursor = crate::store::Cursor { journal, change, hour };
                self.state.writer.put_cursor(&target, cursor)
            }
            Command::Operational(condition) => self.state.operational(&condition),
        }
    }

    fn hand_back(&mut self) {
        for (owed, back) in self.owed.iter_mut().zip(&self.receipts) {
            if !owed.is_empty() {
                // A full or closed channel belongs to a connection that is gone:
                // the broker sends these packets again, and they are known then.
                let _ = back.try_send(std::mem::take(owed));
            }
        }
    }

    /// Keeps the state, so that the next start has nothing to absorb.
    pub fn finish(mut self) -> Result<(), IntakeError> {
        self.state.writer.begin()?;
        self.state.keep_snapshot()?;
        self.state.writer.commit()?;
        Ok(())
    }
}

/// Runs the intake on its own thread until [`Event::Finish`] or until both
/// channels are closed. Commands and ticks are taken before arrivals, so that a
/// flood cannot hold them up.
pub fn run(
    mut intake: Intake,
    mut inbox: IntakeInbox,
    runtime: &Handle,
) -> Result<(), IntakeError> {
    let mut events = Vec::with_capacity(BATCH_MAX);
    let mut finish = false;
    while !finish {
        let first = runtime.block_on(async {
            tokio::select! {
                biased;
                Some(command) = inbox.commands.recv() => Some(command),
                Some(arrival) = inbox.arrivals.recv() => Some(arrival),
                else => None,
            }
        });
        events.extend(first);
        if events.is_empty() {
            break;
        }
        drain(&mut inbox, &mut events);
        finish = events.iter().any(|e| matches!(e, Event::Finish));
        intake.turn(&mut events)?;
    }
    loop {
        drain(&mut inbox, &mut events);
        if events.is_empty() {
            return intake.finish();
        }
        intake.turn(&mut events)?;
    }
}

fn drain(inbox: &mut IntakeInbox, events: &mut Vec<Event>) {
    while events.len() < BATCH_MAX / 4
        && let Ok(command) = inbox.commands.try_recv()
    {
        events.push(command);
    }
    while events.len() < BATCH_MAX
        && let Ok(arrival) = inbox.arrivals.try_recv()
    {
        events.push(arrival);
    }
}

/// The words for a source's state in the operational event.
pub(super) fn condition_of(state: &SourceState) -> Option<(&'static str, String)> {
    match state {
        SourceState::Up => None,
        SourceState::Down(why) => Some(("source_down", why.clone())),
        SourceState::Refused(filters) => {
            Some(("subscription_refused", format!("the broker refused {}", filters.join(", "))))
        }
    }
}
