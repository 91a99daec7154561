//! Messages at a steady rate.

use std::time::{Duration, Instant};

/// How often it is looked whether messages are due.
const STEP: Duration = Duration::from_micros(200);

/// Tells how many messages are due.
pub struct Pace {
    began: Instant,
    rate: f64,
    sent: usize,
}

impl Pace {
    /// So many messages a second, from now on.
    pub fn new(rate: usize) -> Pace {
        Pace { began: Instant::now(), rate: rate as f64, sent: 0 }
    }

    /// Waits a moment; the numbers of the messages that are due then.
    pub fn next(&mut self) -> std::ops::Range<usize> {
        std::thread::sleep(STEP);
        let first = self.sent;
        self.sent = (self.began.elapsed().as_secs_f64() * self.rate) as usize;
        first..self.sent
    }
}
