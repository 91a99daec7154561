//! Sending some lines until they are taken or found wrong, through any weather.

use super::batch::Batch;
use super::client::{Answer, Database};
use super::task::{ForwardError, Life, Stage};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The first wait after a failure; it doubles up to [`BACKOFF_MAX`].
const BACKOFF: Duration = Duration::from_millis(500);
/// The longest wait after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// The bound on bytes is not lowered below this when a target says "too large".
const BYTES_MIN: usize = 16 * 1024;

/// What came of some lines.
pub(super) enum Sent {
    Taken,
    Wrong(String),
    Stopped,
}

impl Stage {
    /// Sends some lines until they are taken or found wrong, through any weather.
    pub(super) async fn send(
        &mut self,
        database: &Database,
        batch: &Arc<Batch>,
        part: Range<usize>,
        life: &mut Life,
    ) -> Result<Sent, ForwardError> {
        let count = part.len() as u64;
        loop {
            let (packer, lines, range) = (database.clone(), batch.clone(), part.clone());
            let packed = tokio::task::spawn_blocking(move || packer.pack(lines.lines(range)));
            let body = packed.await?;
            let Some(answer) = life.finished(database.write(body)).await else {
                return Ok(Sent::Stopped);
            };
            let why = match answer {
                Answer::Taken => {
                    self.metrics.forwarded(&self.name, "written", count);
                    self.well().await?;
                    return Ok(Sent::Taken);
                }
                Answer::Wrong { too_large, why } => {
                    if too_large {
                        self.limits.bytes = (self.limits.bytes / 2).max(BYTES_MIN);
                    }
                    return Ok(Sent::Wrong(why));
                }
                Answer::TooOld { dropped, why } => {
                    self.left_out(count, dropped.min(count), &why);
                    self.well().await?;
                    return Ok(Sent::Taken);
                }
                Answer::Held { status: 404, .. } if self.made_bucket(life).await => continue,
                Answer::Held { why, .. } => {
                    self.hold(&why).await?;
                    why
                }
                Answer::Later(why) => {
                    self.part.degraded(why.clone());
                    why
                }
            };
            if !self.rest(count, &why, life).await {
                return Ok(Sent::Stopped);
            }
        }
    }

    /// Of some points the target has dropped some for their age.
    fn left_out(&self, count: u64, dropped: u64, why: &str) {
        tracing::warn!(database = self.name, why, "points older than it keeps are left out");
        self.metrics.forwarded(&self.name, "too_old", dropped);
        self.metrics.forwarded(&self.name, "written", count - dropped);
    }

    /// Makes the bucket that is missing, if that is wanted; true if it did.
    async fn made_bucket(&mut self, life: &mut Life) -> bool {
        let Some(admin) = self.maker.clone() else { return false };
        match life.finished(admin.create_bucket()).await {
            Some(Ok(())) => {
                tracing::info!(database = self.name, "the bucket was missing and is made");
                // Once: a database that loses it again is to be looked at.
                self.maker = None;
                true
            }
            Some(Err(why)) => {
                tracing::error!(database = self.name, why, "the bucket is missing");
                false
            }
            None => false,
        }
    }

    /// Waits before so many points are sent again; false if the loop is to stop.
    pub(super) async fn rest(&mut self, count: u64, why: &str, life: &mut Life) -> bool {
        self.metrics.forwarded(&self.name, "retry", count);
        let wait = backoff(self.failures);
        self.failures = self.failures.saturating_add(1);
        let (database, wait_ms) = (&self.name, wait.as_millis() as u64);
        tracing::warn!(database, why, wait_ms, "not written, will be sent again");
        life.unless_stopped(tokio::time::sleep(wait)).await.is_some()
    }
}

/// 0.5 s, doubled with every failure up to 30 s, of which 50 to 100 % is waited.
fn backoff(failures: u32) -> Duration {
    let doubled = BACKOFF.saturating_mul(2u32.saturating_pow(failures.min(16)));
    doubled.min(BACKOFF_MAX).mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_half_a_second_to_half_a_minute() {
        for (failures, longest) in
            [(0, 500), (1, 1000), (5, 16_000), (6, 30_000), (u32::MAX, 30_000)]
        {
            for _ in 0..100 {
                let wait = backoff(failures).as_millis();
                assert!(wait <= longest && wait >= longest / 2, "{failures}: {wait}");
            }
        }
    }
}
