//! Finding the lines of a batch that a target refuses, and setting them aside.
//!
//! A refused batch is halved until the lines that are wrong stand alone. They go to
//! the quarantine with the target's words, on disk before the cursor passes them, so
//! that no crash loses one. They are set aside only if others of the
//! same batch were taken: a target that takes not a single line is itself what is
//! wrong, and to go on would lose everything that comes. So then the cursor stays and
//! an alarm is raised. A refused line that is alone in its batch waits, without an
//! alarm, until there are others to compare it with. Lines that were set aside before,
//! and are refused again when they are sent once more, lose nothing by it.

use super::batch::Batch;
use super::client::Database;
use super::key::key;
use super::send::Sent;
use super::task::{ForwardError, Life, Stage};
use crate::air::mask::mask;
use crate::flow::{self, Command, PointKey, Refused, RefusedPoint};
use std::ops::Range;
use std::sync::Arc;

/// Lines of a batch whose refusal is logged one by one.
const LOGGED_MAX: usize = 10;
/// As much of a refused line is kept for people, bytes.
const LINE_MAX: usize = 1_000;
/// Lines by which it is found out whether a target that took none takes some now.
const SAMPLES: usize = 16;

/// What came of a batch.
pub(super) enum Delivered {
    /// The target has all of it that it takes.
    AllItTakes {
        /// Places of the lines that it refused; they are set aside.
        refused: Vec<usize>,
    },
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
                Sent::Taken if whole => return self.done(batch, Sifted::default(), life).await,
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
            return self.done(batch, sifted, life).await;
        }
        if self.were_set_aside(batch, &sifted).await? {
            return self.done(batch, sifted, life).await;
        }
        self.none_taken(batch, &sifted, life).await
    }

    /// Sets aside what is refused, counts and logs it.
    async fn done(
        &mut self,
        batch: &Batch,
        sifted: Sifted,
        life: &mut Life,
    ) -> Result<Delivered, ForwardError> {
        self.not_a_line = false;
        let (mut refused, mut points) = (Vec::new(), Vec::new());
        for (place, why) in sifted.refused {
            let point = point(batch.line(place), &why);
            if points.len() < LOGGED_MAX {
                let RefusedPoint { line, why, .. } = &point;
                tracing::error!(database = self.name, why, line, "point set aside: it is refused");
            }
            refused.push(place);
            points.push(point);
        }
        let count = points.len();
        if count > LOGGED_MAX {
            tracing::error!(database = self.name, count, "points of one batch set aside");
        }
        if count > 0 {
            let (target, at) = (self.name.clone(), self.clock.now());
            let (reply, kept) = flow::reply();
            self.tell(Command::Refused(Refused::Points { target, points, at, reply })).await?;
            match life.unless_stopped(kept).await {
                None => return Ok(Delivered::Stopped),
                Some(kept) => kept.map_err(|_| ForwardError::IntakeGone)?,
            }
            self.metrics.forwarded(&self.name, "refused", count as u64);
        }
        Ok(Delivered::AllItTakes { refused })
    }

    /// Whether all lines of a batch are refused, and were set aside before.
    async fn were_set_aside(&self, batch: &Batch, sifted: &Sifted) -> Result<bool, ForwardError> {
        if sifted.refused.len() < batch.len() {
            return Ok(false);
        }
        let places = sifted.refused.iter();
        let keys: Vec<PointKey> = places.map(|(place, _)| key(batch.line(*place))).collect();
        let target = self.name.clone();
        self.blocking(move |source| {
            for key in &keys {
                if !source.reader.is_refused(&target, key)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
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

/// A refused line as it is set aside.
fn point(line: &str, why: &str) -> RefusedPoint {
    let mut end = line.len().min(LINE_MAX);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let kept = line.get(..end).unwrap_or_default().to_owned();
    RefusedPoint { key: key(line), line: kept, why: mask(why) }
}

/// Single lines spread over a batch.
fn samples(lines: usize) -> Vec<Range<usize>> {
    (0..SAMPLES).map(|n| n * lines / SAMPLES).map(|line| line..line + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_set_aside_with_its_beginning_and_its_whole_place() {
        let name = "é".repeat(LINE_MAX);
        let kept = point(&format!("air,device={name},source=c pm10=1 7"), "400 (token=abc)");
        assert!(kept.line.len() <= LINE_MAX && kept.line.starts_with("air,device=éé"));
        assert_eq!((kept.key.device, kept.key.time.0), (name, 7));
        assert_eq!(kept.why, "400 (token=***)");
    }

    #[test]
    fn samples_are_single_lines_from_the_first_on() {
        let of = samples(1_000);
        assert_eq!((of.len(), &of[0], &of[15]), (16, &(0..1), &(937..938)));
        assert!(samples(17).iter().all(|s| s.len() == 1 && s.end <= 17));
    }
}
