//! The cost of one call of something pure.

use super::figures::quantile;
use std::time::{Duration, Instant};

/// How long one sample takes.
const SAMPLE: Duration = Duration::from_millis(200);
/// Samples of which the median counts.
const SAMPLES: usize = 7;

/// Nanoseconds that one of the `calls` takes which a call of `work` makes.
pub fn ns_each(calls: usize, mut work: impl FnMut()) -> f64 {
    work();
    let samples: Vec<f64> = (0..SAMPLES).map(|_| sample(calls, &mut work)).collect();
    quantile(&samples, 0.5)
}

fn sample(calls: usize, work: &mut impl FnMut()) -> f64 {
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < SAMPLE {
        work();
        done += calls;
    }
    began.elapsed().as_nanos() as f64 / done as f64
}
