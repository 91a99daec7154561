//! How long to wait before the next attempt.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that lived this long ends a row of failures.
pub(super) const STEADY: Duration = Duration::from_secs(60);

/// A row of failures. The waits double, and each is shortened by up to half at
/// random so that many clients of a restarted broker do not come all at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after an attempt whose connection lived this long; `random`
    /// lies in 0..1.
    pub fn after(&mut self, lived: Duration, random: f64) -> Duration {
        if lived >= STEADY {
            self.failures = 0;
        }
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        doubled.min(LONGEST).mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    #[test]
    fn waits_double_up_to_thirty_seconds() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8).map(|_| backoff.after(AT_ONCE, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn a_connection_that_lived_a_minute_starts_the_row_again() {
        let mut backoff = Backoff::default();
        backoff.after(AT_ONCE, 0.0);
        backoff.after(STEADY - Duration::from_millis(1), 0.0);
        assert_eq!(backoff.after(AT_ONCE, 0.0), FIRST * 4);
        assert_eq!(backoff.after(STEADY, 0.0), FIRST);
    }

    #[test]
    fn chance_shortens_a_wait_by_half_at_most() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.after(STEADY, 1.0), FIRST / 2);
    }
}
