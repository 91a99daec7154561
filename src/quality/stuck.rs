//! The same value for too long.
//!
//! Clean air reads the same for hours: instruments report their floor, exactly 1
//! for PM2.5 and 3 for PM10 in Chinese and Korean data, 0 for low-cost lasers.
//! Whole numbers repeat in polluted air too, for up to 18 hours in a row in
//! official data. A series is stuck if a value above the floor lasts both for
//! many readings and for hours; it stops being so with the first other value.

use super::past::Trail;
use crate::air::Stamp;
use std::time::Duration;

/// When a series is stuck: if all bounds are reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// So many equal readings in a row. Default 20.
    pub readings: u32,
    /// For so long. Default 6h.
    pub lasting: Duration,
    /// Values up to this are a floor, µg/m³. Default 5.
    pub floor: f64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { readings: 20, lasting: Duration::from_secs(6 * 3_600), floor: 5.0 }
    }
}

/// Whether a value makes its series stuck.
pub fn is(bounds: &Bounds, trail: &Trail, value: f64, at: Stamp) -> bool {
    let lasting = i64::try_from(bounds.lasting.as_secs()).unwrap_or(i64::MAX);
    let long = |(readings, seconds)| readings >= bounds.readings && seconds >= lasting;
    value > bounds.floor && trail.run_with(value, at).is_some_and(long)
}
