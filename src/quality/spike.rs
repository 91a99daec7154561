//! One reading far above the last.
//!
//! An insect, a puff or a glitch gives one high reading. But so does the beginning
//! of a real episode, so that a leap is only noted by default. Where it is suspect
//! by policy, the reading after it never is: the first reading of an episode waits
//! for one confirmation and nothing is silenced for longer. The leap is
//! measured from the last value that counted, if that is fresh: in slower series
//! the air itself can change so much between two readings.

use super::past::Trail;
use crate::air::Stamp;
use std::time::Duration;

/// When a reading is a spike: if it exceeds `factor` times the last value that
/// counted, plus `rise`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// µg/m³. Default 100.
    pub rise: f64,
    /// Default 3.
    pub factor: f64,
    /// The last value may be so old. Default 15m.
    pub within: Duration,
    /// Whether such a reading still counts. Default true: no alert waits for it.
    pub counts: bool,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { rise: 100.0, factor: 3.0, within: Duration::from_secs(900), counts: true }
    }
}

/// Whether a value is a spike of its series.
pub fn is(bounds: &Bounds, trail: &Trail, value: f64, at: Stamp) -> bool {
    let within = i64::try_from(bounds.within.as_secs()).unwrap_or(i64::MAX);
    let leaps = |(last, age)| age <= within && value > last * bounds.factor + bounds.rise;
    !trail.spiked() && trail.counted_before(at).is_some_and(leaps)
}
