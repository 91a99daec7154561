//! The cost of one call of something pure.

use super::figures::quantile;
use std::time::{Duration, Instant};

/// How long one round takes.
const ROUND: Duration = Duration::from_millis(100);
/// Rounds of which the median and the least count.
const ROUNDS: usize = 9;

/// Nanoseconds of one call: the median of several rounds, and the least, which
/// other work on the machine disturbs less.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub median: f64,
    pub least: f64,
}

/// What one of the `calls` costs which a call of `work` makes.
pub fn ns_each(calls: usize, mut work: impl FnMut()) -> Cost {
    work();
    let rounds: Vec<f64> = (0..ROUNDS).map(|_| round(calls, &mut work)).collect();
    Cost { median: quantile(&rounds, 0.5), least: quantile(&rounds, 0.0) }
}

fn round(calls: usize, work: &mut impl FnMut()) -> f64 {
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < ROUND {
        work();
        done += calls;
    }
    began.elapsed().as_nanos() as f64 / done as f64
}
