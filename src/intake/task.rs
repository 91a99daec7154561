//! The loop: take what is waiting, one transaction, then the receipts.

use super::plan::Plan;
use super::state::State;
use crate::clock::Clock;
use crate::flow::{
    self, Announce, Arrival, BATCH_BYTES_MAX, BATCH_MAX, Command, Event, IntakeInbox, Receipt,
    SourceState, Waiting,
};
use crate::store::{StoreError, Writer};
use crate::telemetry::{Health, Metrics, Part, Role};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

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
    /// Announces commits.
    pub announce: Announce,
    /// Counters.
    pub metrics: Metrics,
    /// The time of the world.
    pub clock: Clock,
    /// The states of the parts.
    pub health: Arc<Health>,
}

/// What a lane of a source begins with.
pub struct LaneStart {
    /// What comes back to it after each commit.
    pub receipts: mpsc::Receiver<Vec<Receipt>>,
    /// The filters that its session may still hold of earlier processes.
    pub previous_filters: Vec<String>,
}

/// The way back to one lane.
struct Back {
    receipts: mpsc::Sender<Vec<Receipt>>,
    /// Receipts of the running batch.
    owed: Vec<Receipt>,
}

/// The intake, recovered and ready to take events.
pub struct Intake {
    state: State,
    /// By source and lane.
    back: Vec<Vec<Back>>,
    announce: Announce,
    metrics: Metrics,
    health: Part,
    /// When the first arrival of the running batch was sent.
    since: Option<Instant>,
    /// Answers to the running batch's commands, given once it is on disk.
    answers: Vec<Box<dyn FnOnce() + Send>>,
}

impl Intake {
    /// Recovers the state from the store.
    pub fn open(parts: Parts) -> Result<Intake, IntakeError> {
        let now = parts.clock.now();
        let (metrics, health) = (parts.metrics.clone(), &parts.health);
        let state = State::recover(parts.plan, parts.writer, metrics, health, now)?;
        let health = health.part("intake", Role::Core, Some(TURN_MAX));
        health.ok();
        parts.announce.tell(state.writer.last());
        Ok(Intake {
            state,
            announce: parts.announce,
            metrics: parts.metrics,
            health,
            back: Vec::new(),
            since: None,
            answers: Vec::new(),
        })
    }

    /// Opens the way back to the lanes of the next source, in the order of the
    /// plan. Lanes that only earlier processes had come after those of the
    /// configuration: they are to be given up.
    pub fn next_source(&mut self) -> Result<Vec<LaneStart>, IntakeError> {
        let previous = self.state.previous_filters(self.back.len())?;
        let (back, starts) = previous
            .into_iter()
            .map(|previous_filters| {
                let (to, receipts) = flow::receipts();
                let back = Back { receipts: to, owed: Vec::new() };
                (back, LaneStart { receipts, previous_filters })
            })
            .unzip();
        self.back.push(back);
        Ok(starts)
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
        self.state.go_on()?;
        self.state.settle()?;
        let committed = self.state.writer.commit()?;
        // First of all: a broker with a small window waits for it.
        self.hand_back();
        self.metrics.commit(started.elapsed().as_secs_f64(), arrivals);
        if let Some(since) = self.since.take() {
            self.metrics.acknowledged(since.elapsed().as_secs_f64());
        }
        self.announce.tell(committed);
        self.answers.drain(..).for_each(|answer| answer());
        self.health.turned();
        Ok(())
    }

    fn apply(&mut self, event: Event) -> Result<(), StoreError> {
        match event {
            Event::Arrival(arrival) => {
                self.since.get_or_insert_with(Instant::now);
                self.owe(&arrival);
                self.state.arrive(arrival)
            }
            Event::NewSession { source, lane, at } => self.state.new_session(source, lane, at),
            Event::Tick(now) => self.state.tick(now),
            Event::Command(command) => self.command(command),
            Event::Finish => Ok(()),
        }
    }

    fn command(&mut self, command: Command) -> Result<(), StoreError> {
        match command {
            Command::Source { source, lane, state, at } => {
                self.state.source_state(source, (lane, &state), at)
            }
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
            Command::Forecasts { forecasts, at, reply } => {
                let taken = self.state.forecasts(forecasts, at)?;
                // Whoever does not wait any more learns it by asking again.
                self.answers.push(Box::new(move || drop(reply.send(taken))));
                Ok(())
            }
            Command::Act { act, at, reply } => {
                let Some(acted) = self.state.act(*act, at)? else { return Ok(()) };
                // Whoever does not wait any more learns it by asking again.
                self.answers.push(Box::new(move || drop(reply.send(acted))));
                Ok(())
            }
            Command::Aside { act, at, reply } => {
                let handled = self.state.handle_aside(act, at)?;
                self.answers.push(Box::new(move || drop(reply.send(handled))));
                Ok(())
            }
            Command::Follow { link, name, from, at, reply } => {
                let Some(followed) = self.state.follow_link(&link, name, from, at)? else {
                    return Ok(());
                };
                // Whoever does not wait any more learns it by asking again.
                self.answers.push(Box::new(move || drop(reply.send(followed))));
                Ok(())
            }
            Command::Outbox { act, at, reply } => {
                let acted = self.state.handle_outbox(&act, at)?;
                // Whoever does not wait any more learns it by asking again.
                self.answers.push(Box::new(move || drop(reply.send(acted))));
                Ok(())
            }
        }
    }

    /// Whether it has something to do although nothing happens.
    fn is_busy(&self) -> bool {
        self.state.index.closing.is_some()
    }

    fn owe(&mut self, arrival: &Arrival) {
        let Some(receipt) = arrival.receipt else { return };
        let lanes = self.back.get_mut(usize::from(arrival.source.0));
        if let Some(back) = lanes.and_then(|l| l.get_mut(usize::from(receipt.lane))) {
            back.owed.push(receipt);
        }
    }

    fn hand_back(&mut self) {
        for back in self.back.iter_mut().flatten().filter(|b| !b.owed.is_empty()) {
            // A full or closed channel belongs to a connection that is gone:
            // the broker sends these packets again, and they are known then.
            let _ = back.receipts.try_send(std::mem::take(&mut back.owed));
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

/// What is taken up together, and made one transaction of.
#[derive(Default)]
struct Batch {
    events: Vec<Event>,
    /// When the first of its arrivals was sent.
    since: Option<Instant>,
    /// The room on the way that its arrivals have until they are committed.
    room: Option<OwnedSemaphorePermit>,
}

impl Batch {
    fn add(&mut self, waiting: Waiting) {
        self.events.push(waiting.event);
        self.since.get_or_insert(waiting.since);
        match &mut self.room {
            Some(room) => room.merge(waiting.bytes),
            None => self.room = Some(waiting.bytes),
        }
    }

    /// Waits for something to happen; adds nothing once nothing can happen any more.
    async fn wait(&mut self, inbox: &mut IntakeInbox) {
        tokio::select! {
            biased;
            Some(command) = inbox.commands.recv() => self.events.push(command),
            Some(waiting) = inbox.arrivals.recv() => self.add(waiting),
            else => {}
        }
    }

    fn is_full(&self) -> bool {
        let bytes = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.events.len() >= BATCH_MAX || bytes >= BATCH_BYTES_MAX
    }

    /// Takes what is waiting, without waiting for more.
    fn drain(&mut self, inbox: &mut IntakeInbox) {
        while self.events.len() < BATCH_MAX / 4
            && let Ok(command) = inbox.commands.try_recv()
        {
            self.events.push(command);
        }
        while !self.is_full()
            && let Ok(waiting) = inbox.arrivals.try_recv()
        {
            self.add(waiting);
        }
    }

    /// Commits it, and gives the room back that it had.
    fn commit(&mut self, intake: &mut Intake) -> Result<(), IntakeError> {
        intake.since = self.since.take();
        intake.turn(&mut self.events)?;
        self.room = None;
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
    let mut batch = Batch::default();
    let mut finish = false;
    while !finish {
        if !intake.is_busy() {
            runtime.block_on(batch.wait(&mut inbox));
            if batch.events.is_empty() {
                break;
            }
        }
        batch.drain(&mut inbox);
        finish = batch.events.iter().any(|e| matches!(e, Event::Finish));
        batch.commit(&mut intake)?;
    }
    loop {
        batch.drain(&mut inbox);
        if batch.events.is_empty() {
            return intake.finish();
        }
        batch.commit(&mut intake)?;
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
