//! The loop: take what is waiting, one transaction, then the receipts.

use super::batch::Batch;
use super::disk::DiskWatch;
use super::plan::Plan;
use super::state::State;
use crate::air::Stamp;
use crate::clock::Clock;
use crate::flow::{
    self, Announce, Arrival, Command, Committed, Event, IntakeInbox, Receipt, Redrive, Refused,
    SourceState,
};
use crate::hotline::Act;
use crate::store::{DeviceId, Disk, StoreError, Writer};
use crate::telemetry::{Health, Metrics, Part, Role};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// The loop turns at every tick; if it has not for this long it is stuck.
const TURN_MAX: Duration = Duration::from_secs(20);

/// Why a batch was not committed. A disk that is full is waited for; anything else
/// is fatal: the process exits non-zero, is started again, and recovers.
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
    clock: Clock,
    disk: DiskWatch,
    /// When the first arrival of the running batch was sent.
    pub(super) since: Option<Instant>,
}

impl Intake {
    /// Recovers the state from the store.
    pub fn open(parts: Parts) -> Result<Intake, IntakeError> {
        let now = parts.clock.now();
        let (metrics, health) = (parts.metrics.clone(), &parts.health);
        let bounds = parts.plan.disk;
        let disk = Disk::of(parts.writer.dir(), bounds.reserve);
        let store = health.part("store", Role::Core, None);
        let disk = DiskWatch::begin(disk, bounds, metrics.clone(), store);
        let state = State::recover(parts.plan, parts.writer, metrics, health, now)?;
        let health = health.part("intake", Role::Core, Some(TURN_MAX));
        health.ok();
        parts.announce.tell(state.writer.last());
        Ok(Intake {
            state,
            announce: parts.announce,
            metrics: parts.metrics,
            health,
            clock: parts.clock,
            disk,
            back: Vec::new(),
            since: None,
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
    ///
    /// # Errors
    /// If the store fails. If that is because the disk is full
    /// ([`StoreError::Full`]), it is as if the events had not come: they are left
    /// where they are, to be tried again.
    pub fn turn(&mut self, events: &mut Vec<Event>) -> Result<(), IntakeError> {
        let arrivals = events.iter().filter(|e| is_message(e)).count();
        let started = Instant::now();
        let told = self.state.writer.last().outbox;
        let committed = match self.write(events) {
            Err(full @ StoreError::Full { .. }) => {
                self.give_up(arrivals == 0)?;
                return Err(full.into());
            }
            committed => committed?,
        };
        if committed.outbox > told {
            tracing::debug!(last = committed.outbox, "notices are on disk");
        }
        // First of all: a broker with a small window waits for it.
        self.hand_back();
        self.disk.committed();
        self.state.count_batch();
        self.metrics.commit(started.elapsed().as_secs_f64(), arrivals);
        if let Some(since) = self.since.take() {
            self.metrics.acknowledged(since.elapsed().as_secs_f64());
        }
        self.announce.tell(committed);
        events.drain(..).for_each(answer);
        self.health.turned();
        Ok(())
    }

    /// Applies the events in one transaction.
    fn write(&mut self, events: &mut [Event]) -> Result<Committed, StoreError> {
        self.state.writer.begin()?;
        for event in events {
            self.apply(event)?;
        }
        if self.disk.takes() {
            self.state.go_on()?;
        }
        self.state.settle()?;
        self.state.writer.commit()
    }

    /// Makes it as if a batch that found no room had not come; `alone`: without messages.
    fn give_up(&mut self, alone: bool) -> Result<(), StoreError> {
        self.back.iter_mut().flatten().for_each(|back| back.owed.clear());
        self.state.writer.roll_back()?;
        self.state.read_back(self.clock.now())?;
        self.disk.refused(alone, Instant::now());
        self.health.turned();
        Ok(())
    }

    /// Looks whether there is room on the disk, as time goes by.
    pub(super) fn look_at_the_disk(&mut self, events: &[Event]) {
        let tick = |e: &Event| if let Event::Tick(now) = e { Some(*now) } else { None };
        if let Some(now) = events.iter().rev().find_map(tick)
            && self.disk.look(Instant::now())
        {
            self.state.time_stood_still(now);
        }
    }

    /// Whether messages are taken: there is room for them on the disk.
    pub(super) fn takes(&self) -> bool {
        self.disk.takes()
    }

    fn apply(&mut self, event: &mut Event) -> Result<(), StoreError> {
        match event {
            Event::Arrival(arrival) => {
                self.since.get_or_insert_with(Instant::now);
                self.owe(arrival);
                self.state.arrive(arrival)
            }
            Event::NewSession { source, lane, at } => self.state.new_session(*source, *lane, *at),
            Event::Tick(now) => self.tick(*now),
            Event::Command(command) => self.command(command),
            Event::Finish => Ok(()),
        }
    }

    fn tick(&mut self, now: Stamp) -> Result<(), StoreError> {
        match self.disk.takes() {
            true => self.state.tick(now)?,
            false => self.state.tick_of_the_hotline(now)?,
        }
        for (kind, detail) in self.disk.conditions() {
            self.state.condition(kind, "store", detail.as_deref(), now)?;
        }
        Ok(())
    }

    fn command(&mut self, command: &mut Command) -> Result<(), StoreError> {
        match command {
            Command::Source { source, lane, state, at } => {
                self.state.source_state(*source, (*lane, state), *at)
            }
            Command::ClockSet { now, by_ms } => {
                self.state.clock_was_set(*now, *by_ms);
                Ok(())
            }
            Command::Overload { source, count, at } => self.state.overload(*source, *count, *at),
            Command::Attempt(attempt) => self.state.attempt(attempt),
            Command::Forwarded { target, journal, change, hour } => {
                let cursor =
                    crate::store::Cursor { journal: *journal, change: *change, hour: *hour };
                self.state.writer.put_cursor(target, cursor)
            }
            Command::Operational(condition) => self.state.operational(condition),
            Command::Forecasts { forecasts, at, reply } => {
                reply.put(self.state.forecasts(forecasts, *at)?);
                Ok(())
            }
            Command::Act { act, at, reply } => {
                let acted = self.state.act(Act::clone(act), *at)?;
                acted.into_iter().for_each(|acted| reply.put(acted));
                Ok(())
            }
            Command::Redrive(redrive) => self.redrive(redrive),
            Command::Refused(event) => self.state.refused(event),
            Command::Statement { day, hash, text, reply } => {
                self.state.writer.put_statement(*day, hash, text)?;
                reply.put(());
                Ok(())
            }
            Command::Aside { act, at, reply } => {
                reply.put(self.state.handle_aside(act, *at)?);
                Ok(())
            }
            Command::Follow { link, name, from, at, reply } => {
                let followed = self.state.follow_link(link, name.clone(), from.clone(), *at)?;
                followed.into_iter().for_each(|followed| reply.put(followed));
                Ok(())
            }
            Command::Upkeep { work, reply } => {
                // It needs room before it gives any.
                let done = self.disk.has_room() && self.state.upkeep(work)?;
                reply.put(done);
                Ok(())
            }
            Command::Outbox { act, at, reply } => {
                reply.put(self.state.handle_outbox(act, *at)?);
                Ok(())
            }
        }
    }

    /// Notes what a target is sent once more.
    fn redrive(&mut self, redrive: &mut Redrive) -> Result<(), StoreError> {
        let writer = &self.state.writer;
        match redrive {
            Redrive::Asked { target, from, to, at, reply } => {
                reply.put(writer.ask_replay(target, *from, *to, *at)?);
                Ok(())
            }
            Redrive::Went { replay, device, hour, points, done } => {
                writer.put_replay(*replay, (DeviceId(*device), *hour), *points, *done)
            }
            Redrive::ReadBack { target, hour } => writer.put_read_back(target, *hour),
        }
    }

    /// Whether it has something to do although nothing happens.
    fn is_busy(&self) -> bool {
        self.state.index.closing.is_some() && self.takes()
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
        match self.keep() {
            Err(e @ StoreError::Full { .. }) => {
                tracing::warn!(error = %e, "the next start reads the journal instead");
                Ok(())
            }
            kept => Ok(kept?),
        }
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.state.writer.begin()?;
        self.state.keep_snapshot()?;
        self.state.writer.commit().map(drop)
    }
}

/// Whether an event came with the messages of a source, in their order.
pub(super) fn is_message(event: &Event) -> bool {
    matches!(event, Event::Arrival(_) | Event::NewSession { .. })
}

/// Answers a command that is on disk now.
fn answer(event: Event) {
    match event {
        Event::Command(Command::Forecasts { reply, .. }) => reply.send(),
        Event::Command(Command::Act { reply, .. }) => reply.send(),
        Event::Command(Command::Outbox { reply, .. }) => reply.send(),
        Event::Command(Command::Upkeep { reply, .. }) => reply.send(),
        Event::Command(Command::Aside { reply, .. }) => reply.send(),
        Event::Command(Command::Follow { reply, .. }) => reply.send(),
        Event::Command(Command::Statement { reply, .. }) => reply.send(),
        Event::Command(Command::Redrive(Redrive::Asked { reply, .. })) => reply.send(),
        Event::Command(Command::Refused(Refused::Points { reply, .. })) => reply.send(),
        Event::Command(Command::Refused(Refused::Act { reply, .. })) => reply.send(),
        _ => {}
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
        let pause = intake.disk.wait(Instant::now());
        std::thread::sleep(pause);
        if !intake.is_busy() && !batch.is_ready(intake.takes()) {
            runtime.block_on(batch.wait(&mut inbox, intake.takes()));
            if !batch.is_ready(intake.takes()) {
                break;
            }
        }
        batch.drain(&mut inbox, intake.takes());
        finish = batch.is_the_last();
        batch.commit(&mut intake)?;
    }
    loop {
        batch.drain(&mut inbox, intake.takes());
        // What there is no room for was not acknowledged, and comes again.
        let stuck = !intake.disk.wait(Instant::now()).is_zero();
        if stuck || !batch.is_ready(intake.takes()) {
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

#[cfg(test)]
mod tests;
