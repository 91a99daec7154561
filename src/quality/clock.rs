//! Whether a device's own time can be believed.

use super::{Policy, When};
use crate::air::Reason;
use crate::air::reading::TimeSource;

/// What is wrong with the time of a reading.
pub fn fault(policy: &Policy, when: When) -> Option<Reason> {
    let When { observed, source, received } = when;
    match source {
        TimeSource::Arrival => None,
        TimeSource::Device if observed > received.plus(policy.max_future) => {
            Some(Reason::ClockAhead)
        }
        TimeSource::Device if observed < received.minus(policy.max_past) => {
            Some(Reason::ClockBehind)
        }
        TimeSource::Device => None,
    }
}
