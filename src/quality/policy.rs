//! Which tests are made, and with which bounds.

use super::{agreement, humidity, spike, stuck};
use std::time::Duration;

/// What is believable. A test that is `None` or `false` is not made.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How far a device's clock may be ahead of ours. Default 5m.
    pub max_future: Duration,
    /// How far back a device's own time may lie: the longest backlog that it
    /// can send after a gap. Default 24h.
    pub max_past: Duration,
    /// Whether numbers that mean "failed" fail. Default true.
    pub failure: bool,
    /// Whether what cannot be fails. Default true.
    pub range: bool,
    /// Whether finer fractions are compared with coarser ones. Default true.
    pub order: bool,
    /// The same value for too long.
    pub stuck: Option<stuck::Bounds>,
    /// One reading far above the last.
    pub spike: Option<spike::Bounds>,
    /// Two lasers of one device against each other.
    pub agreement: Option<agreement::Bounds>,
    /// Air too humid for optical sensors.
    pub humidity: Option<humidity::Bounds>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            max_future: Duration::from_secs(300),
            max_past: Duration::from_secs(86_400),
            failure: true,
            range: true,
            order: true,
            stuck: Some(stuck::Bounds::default()),
            spike: Some(spike::Bounds::default()),
            agreement: Some(agreement::Bounds::default()),
            humidity: Some(humidity::Bounds::default()),
        }
    }
}
