//! What a batch adds to the counters. It is counted when the batch is on disk, so
//! that one that is given up and tried again is not counted twice.

use super::state::{Seat, State};
use crate::telemetry::Metrics;

/// Something that happened in a batch.
#[derive(Debug)]
pub(super) enum Count {
    /// So many messages came in.
    Arrivals(u64),
    /// So many readings are new or revised.
    Stored(u64),
    /// A message was there already.
    Duplicate,
    /// A message was set aside for this reason.
    Quarantined(&'static str),
    /// A message that was set aside left this way.
    LeftQuarantine(&'static str),
    /// So many messages were left out by this policy.
    Ignored(&'static str, u64),
    /// So many descriptions were pushed out of memory.
    PushedOut(u64),
}

/// What the running batch adds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By the place of the source.
    counts: Vec<(usize, Count)>,
    /// Ladders or thresholds with the levels they moved to.
    changes: Vec<(String, String)>,
}

impl Tally {
    /// Something happened to a source.
    pub fn add(&mut self, place: usize, count: Count) {
        self.counts.push((place, count));
    }

    /// A ladder or threshold moved.
    pub fn change(&mut self, ladder: &str, to: &str) {
        self.changes.push((ladder.to_owned(), to.to_owned()));
    }

    /// The batch was given up.
    pub fn forget(&mut self) {
        self.counts.clear();
        self.changes.clear();
    }

    fn tell(&mut self, seats: &[Seat], metrics: &Metrics) {
        for (place, count) in self.counts.drain(..) {
            let Some(Seat { metrics, .. }) = seats.get(place) else { continue };
            match count {
                Count::Arrivals(n) => drop(metrics.arrivals.inc_by(n)),
                Count::Stored(n) => drop(metrics.readings_stored.inc_by(n)),
                Count::Duplicate => drop(metrics.duplicates.inc()),
                Count::Quarantined(reason) => metrics.quarantined(reason),
                Count::LeftQuarantine(way) => metrics.left_quarantine(way),
                Count::Ignored(policy, n) => metrics.ignored(policy, n),
                Count::PushedOut(n) => drop(metrics.pushed_out.inc_by(n)),
            }
        }
        for (ladder, to) in self.changes.drain(..) {
            metrics.change(&ladder, &to);
        }
    }
}

impl State {
    /// Counts what the batch brought that is on disk now.
    pub fn count_batch(&mut self) {
        self.tally.tell(&self.seats, &self.metrics);
    }
}
