//! Finding the lines of a batch that a target refuses.
//!
//! A refused batch is halved until the lines that are wrong stand alone. They are
//! set aside only if others of the same batch were taken: a target that takes not
//! a single line is itself what is wrong, and to go on would lose everything that
//! comes. So then the cursor stays and an alarm is raised. A refused line that is
//! alone in its batch waits, without an alarm, until there are others to compare
//! it with.

use super::batch::Batch;
use super::client::Database;
use super::send::Sent;
use super::task::{ForwardError, Life, Stage};
use std::ops::Range;
use std::sync::Arc;

/// Lines of a batch whose refusal is logged one by one.
const LOGGED_MAX: usize = 10;
/// Lines by which it is found out whether a target that took none takes some now.
const SAMPLES: usize = 16;

/// What came of a batch.
pub(super) enum Delivered {
    /// The target has all of it that it will ever take.
    AllItTakes,
    /// It took not a line; they are to be sent again.
    NotALine,
    /// The loop is to stop.
    Stopped,
}

/// Lines of a batch as far as it has been sent.
#[derive(Default)]
struct Sifted {
    taken: bool,
    /// Places of the lines that were refused, and why.
    refused: Vec<(usize, String)>,
}

impl Stage {
    /// Sends a batch, in parts if it is refused.
    pub(super) async fn deliver(
        &mut self,
        database: &Database,
        batch: &Arc<Batch>,
        life: &mut Life,
    ) -> Result<Delivered, ForwardError> {
        let mut sifted = Sifted::default();
        let whole = 0..batch.len();
        let mut parts = vec![whole.clone()];
        if self.not_a_line && batch.len() > SAMPLES {
            // Halving all of it at each attempt would be thousands of requests.
            parts = samples(batch.len());
            parts.push(whole);
        }
        let sampled = parts.len() > 1;
        while let Some(part) = parts.pop().filter(|p| !p.is_empty()) {
            let whole = part.len() == batch.len();
            match self.send(database, batch, part.clone(), life).await? {
                Sent::Stopped => return Ok(Delivered::Stopped),
                Sent::Taken if whole => return Ok(self.done(batch, Sifted::default())),
                Sent::Taken if sampled => {
                    self.not_a_line = false;
                    return Ok(Delivered::NotALine);
                }
                Sent::Taken => sifted.taken = true,
                Sent::Wrong(_) if sampled && whole => {}
                Sent::Wrong(_) if part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    parts.push(middle..part.end);
                    parts.push(part.start..middle);
                }
                Sent::Wrong(why) => sifted.refused.push((part.start, why)),
            }
        }
        if sifted.taken || sifted.refused.is_empty() {
            return Ok(self.done(batch, sifted));
        }
        self.none_taken(batch, &sifted, life).await
    }

    /// Counts and logs what is left out.
    fn done(&mut self, batch: &Batch, sifted: Sifted) -> Delivered {
        self.not_a_line = false;
        let (database, refused) = (&self.name, sifted.refused.len());
        for (place, why) in sifted.refused.iter().take(LOGGED_MAX) {
            let line = batch.lines(*place..place + 1).trim_end();
            tracing::error!(database, why, line, "point left out: it is refused");
        }
        if refused > LOGGED_MAX {
            tracing::error!(database, refused, "points of one batch left out: they are refused");
        }
        if refused > 0 {
            self.metrics.forwarded(database, "refused", refused as u64);
        }
        Delivered::AllItTakes
    }

    async fn none_taken(
        &mut self,
        batch: &Batch,
        sifted: &Sifted,
        life: &mut Life,
    ) -> Result<Delivered, ForwardError> {
        let said = sifted.refused.first().map_or("", |(_, why)| why);
        let lines = batch.len();
        let why = match lines {
            1 => format!("the only line there is was refused: {said}"),
            _ => format!(
                "not one of {lines} lines is taken: {said}; look at the target's bucket, schema \
                 and retention"
            ),
        };
        match lines {
            1 => self.part.degraded(why.clone()),
            _ => self.hold(&why).await?,
        }
        self.not_a_line = true;
        Ok(match self.rest(lines as u64, &why, life).await {
            true => Delivered::NotALine,
            false => Delivered::Stopped,
        })
    }
}

/// Single lines spread over a batch.
fn samples(lines: usize) -> Vec<Range<usize>> {
    (0..SAMPLES).map(|n| n * lines / SAMPLES).map(|line| line..line + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_single_lines_from_the_first_on() {
        let of = samples(1_000);
        assert_eq!((of.len(), &of[0], &of[15]), (16, &(0..1), &(937..938)));
        assert!(samples(17).iter().all(|s| s.len() == 1 && s.end <= 17));
    }
}
