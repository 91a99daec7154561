//! What the intake does as the disk fills up, in steps.
//!
//! | step | from | until | then |
//! |---|---|---|---|
//! | enough | | | everything is taken |
//! | low | `low` bytes left | an eighth more is left | everything is taken, and the operator is told |
//! | full | `full` bytes left, or a batch found no room | an eighth more is left, and room for the reserve | messages wait, unacknowledged, and their sources are not read |
//!
//! What waits costs nothing: the brokers hold the messages. With the messages waits
//! the judgement's clock, or hours would close without them. The hotline goes on,
//! notices go out, and what comes of them is written into the room that `full`
//! leaves; where something else has taken that, the reserve is given up for it.
//! Upkeep waits: what is sealed takes room before it gives any, and then only inside
//! the file.
//!
//! A batch that found no room is given up as a whole, the state is read back from
//! the store as after a restart, and the same batch is tried again, ever more
//! seldom. There is no other repair.

use crate::config::settings::DiskBounds;
use crate::store::Disk;
use crate::telemetry::{Metrics, Part};
use std::time::{Duration, Instant};

/// The first wait after a batch that found no room.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest: shorter than the time within which the intake must turn.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Enough,
    Low,
    Full,
}

impl Step {
    /// The step after this one with so many bytes left, of which the reserve
    /// needs some to be made again.
    fn next(self, free: u64, lacks: u64, bounds: &DiskBounds) -> Step {
        let eighth_more = |bound: u64| bound + bound / 8;
        let full_until = eighth_more(bounds.full).saturating_add(lacks);
        match self {
            _ if free < bounds.full => Step::Full,
            Step::Full if free < full_until => Step::Full,
            Step::Low | Step::Full if free < eighth_more(bounds.low) => Step::Low,
            _ if free < bounds.low => Step::Low,
            _ => Step::Enough,
        }
    }
}

/// Looks after the disk, and says what may be written.
pub(super) struct DiskWatch {
    disk: Disk,
    bounds: DiskBounds,
    metrics: Metrics,
    /// The part `store`: the daemon is not ready while messages wait.
    part: Part,
    step: Step,
    /// A batch found no room, and no later one with messages has found any.
    failed: bool,
    /// Then messages are tried again: the step that it is once they are committed.
    trial: Option<Step>,
    /// After a batch that found no room: when messages are tried again, and how
    /// long to wait if they find none either.
    again: Instant,
    pause: Duration,
    /// Even a batch without messages found no room.
    stuck: bool,
}

impl DiskWatch {
    /// Looks for the first time.
    pub fn begin(disk: Disk, bounds: DiskBounds, metrics: Metrics, part: Part) -> DiskWatch {
        let (step, again, pause) = (Step::Enough, Instant::now(), PAUSE_MIN);
        let (trial, failed, stuck) = (None, false, false);
        let mut watch =
            DiskWatch { disk, bounds, metrics, part, step, trial, failed, again, pause, stuck };
        watch.part.ok();
        watch.hold_back();
        watch.look(Instant::now());
        watch
    }

    /// Whether messages are taken.
    pub fn takes(&self) -> bool {
        self.would_be() != Step::Full
    }

    /// Whether there is room for what can be done at any other time.
    pub fn has_room(&self) -> bool {
        self.step != Step::Full
    }

    /// The step that it is when the running batch is committed.
    fn would_be(&self) -> Step {
        self.trial.unwrap_or(self.step)
    }

    /// How long to wait before anything at all is written again; zero: not at all.
    pub fn wait(&self, now: Instant) -> Duration {
        if self.stuck { self.again.saturating_duration_since(now) } else { Duration::ZERO }
    }

    /// Why little or no room is left, in words, as the conditions `disk_low` and
    /// `disk_full` tell it.
    pub fn conditions(&self) -> [(&'static str, Option<String>); 2] {
        let left =
            |bound: u64, then: &str| format!("less than {} MiB are left; {then}", bound >> 20);
        let low = "make room, or messages will have to wait for it";
        let full = "messages wait at their brokers until there is room";
        [
            ("disk_low", (self.would_be() != Step::Enough).then(|| left(self.bounds.low, low))),
            ("disk_full", (self.would_be() == Step::Full).then(|| left(self.bounds.full, full))),
        ]
    }

    /// Looks how much room there is. Whether messages are taken again from now on.
    pub fn look(&mut self, now: Instant) -> bool {
        let free = self.disk.free();
        self.metrics.disk_free(free);
        if now < self.again {
            return false;
        }
        // Where the system does not say, only a batch that finds no room tells.
        let free = free.unwrap_or(u64::MAX);
        let took = self.takes();
        let next = self.step.next(free, self.disk.lacks(), &self.bounds);
        if self.failed {
            self.trial = Some(next).filter(|next| *next != Step::Full);
        } else {
            self.enter(next);
        }
        !took && self.takes()
    }

    fn enter(&mut self, step: Step) {
        if step != self.step {
            self.step = step;
            self.say();
        }
    }

    /// A batch found no room, with messages in it or `alone` without.
    pub fn refused(&mut self, alone: bool, now: Instant) {
        (self.stuck, self.failed, self.trial) = (alone, true, None);
        self.again = now + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        if self.disk.give_up() {
            tracing::warn!("the room held back is given up for what has to be written");
        }
        self.enter(Step::Full);
    }

    /// A batch was committed, with what messages there are if they are taken.
    pub fn committed(&mut self) {
        self.stuck = false;
        if let Some(step) = self.trial.take() {
            (self.failed, self.pause) = (false, PAUSE_MIN);
            self.enter(step);
        }
    }

    fn say(&mut self) {
        let left_mib = self.disk.free().unwrap_or_default() >> 20;
        let told = self.conditions().into_iter().rev().find_map(|(_, detail)| detail);
        let detail = told.unwrap_or_default();
        self.metrics.disk_full(!self.takes());
        match self.step {
            Step::Enough => {
                self.part.ok();
                tracing::info!(left_mib, "the disk has enough room again");
            }
            Step::Low => {
                self.part.degraded(format!("the disk is low: {detail}"));
                tracing::warn!(left_mib, "the disk is low: {detail}");
            }
            Step::Full => {
                self.part.down(format!("the disk is full: {detail}"));
                tracing::error!(left_mib, "the disk is full: {detail}");
            }
        }
        if self.takes() {
            self.hold_back();
        }
    }

    fn hold_back(&self) {
        if let Err(e) = self.disk.hold_back() {
            tracing::warn!(error = %e, "no room is held back on the disk");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Health, Role};

    const BOUNDS: DiskBounds = DiskBounds { low: 800, full: 80, reserve: 16 };

    #[test]
    fn each_step_is_left_only_with_an_eighth_more_room_than_it_began_with() {
        let mut step = Step::Enough;
        let mut after = |free| {
            step = step.next(free, 0, &BOUNDS);
            step
        };
        assert_eq!(after(800), Step::Enough);
        assert_eq!(after(799), Step::Low);
        assert_eq!(after(899), Step::Low);
        assert_eq!(after(80), Step::Low);
        assert_eq!(after(79), Step::Full);
        assert_eq!(after(89), Step::Full);
        assert_eq!(after(90), Step::Low);
        assert_eq!(after(900), Step::Enough);
        assert_eq!(after(0), Step::Full);
        assert_eq!(after(u64::MAX), Step::Enough);
    }

    #[test]
    fn a_full_disk_must_have_room_for_the_reserve_as_well_before_messages_are_taken() {
        assert_eq!(Step::Full.next(105, 16, &BOUNDS), Step::Full);
        assert_eq!(Step::Full.next(106, 16, &BOUNDS), Step::Low);
    }

    #[test]
    fn a_batch_that_finds_no_room_is_tried_again_ever_more_seldom() {
        let dir = tempfile::tempdir().unwrap();
        let bounds = DiskBounds { low: 0, full: 0, reserve: 4_096 };
        let metrics = Metrics::new("test", "test");
        let part = Health::new().part("store", Role::Core, None);
        let disk = Disk::of(dir.path(), bounds.reserve);
        let mut watch = DiskWatch::begin(disk, bounds, metrics, part);
        assert!(watch.takes() && dir.path().join("reserve").exists());
        let now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..6 {
            watch.refused(true, now);
            assert!(!watch.takes() && !watch.has_room() && !dir.path().join("reserve").exists());
            assert!(!watch.look(now), "it is too early to try");
            waits.push(watch.wait(now).as_secs());
        }
        watch.refused(false, now);
        assert!(watch.wait(now).is_zero(), "what is not a message need not wait");
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        assert!(watch.look(now + PAUSE_MAX), "messages are taken again");
        assert!(watch.takes());
        assert!(!watch.has_room(), "what can wait waits until that is committed");
        assert!(!dir.path().join("reserve").exists(), "whether there is room is not sure yet");
        watch.committed();
        assert!(watch.takes() && dir.path().join("reserve").exists());
        assert_eq!(watch.pause, PAUSE_MIN);
    }
}
