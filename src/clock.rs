//! The time source, and its twins that run fast or are turned by hand.

use crate::air::Stamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Tells the time of the world that is judged. Everything that decides takes
/// time as an input; this is where the loops get it from.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System,
    Fast { origin: Stamp, started: Instant, speed: f64 },
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Kind::System)
    }

    /// A clock that starts at `origin` now and runs `speed` times as fast as the
    /// machine's: days in minutes, for the demo.
    pub fn fast(origin: Stamp, speed: f64) -> Clock {
        Clock(Kind::Fast { origin, started: Instant::now(), speed })
    }

    /// A clock that stands still until [`Clock::set`].
    pub fn manual(at: Stamp) -> Clock {
        Clock(Kind::Manual(Arc::new(AtomicI64::new(at.0))))
    }

    /// The time now, UTC.
    pub fn now(&self) -> Stamp {
        match &self.0 {
            Kind::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Kind::Fast { origin, started, speed } => {
                Stamp(origin.0 + (started.elapsed().as_secs_f64() * 1000.0 * speed) as i64)
            }
            Kind::Manual(at) => Stamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Turns a manual clock; the others keep their own time.
    pub fn set(&self, to: Stamp) {
        if let Kind::Manual(at) = &self.0 {
            at.store(to.0, Ordering::SeqCst);
        }
    }

    /// How much faster than the machine's clock this one runs.
    pub fn speed(&self) -> f64 {
        match &self.0 {
            Kind::Fast { speed, .. } => *speed,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_manual_clock_moves_only_when_turned() {
        let clock = Clock::manual(Stamp(5));
        assert_eq!(clock.now(), Stamp(5));
        clock.clone().set(Stamp(5).plus(Duration::from_secs(1)));
        assert_eq!(clock.now(), Stamp(1005));
    }
}
