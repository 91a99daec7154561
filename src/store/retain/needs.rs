//! What is still needed of what is old: nothing of it is dropped by age or size.

use super::super::read::{Reader, Res};
use super::choose::Old;
use super::pass::KeepRule;
use crate::air::{Hour, Stamp};
use std::time::Duration;

/// A target that was not read back yet is so from here on, back from now.
const NOT_READ_BACK: Duration = Duration::from_secs(86_400);

/// What is still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Rows of the journal behind this one: some target does not have them.
    pub after: i64,
    /// Hours from this one on: a replay, a read-back or late data go back to it.
    pub from: Hour,
}

impl Needs {
    /// Whether a part is spared.
    pub(super) fn spare(&self, part: &Old) -> bool {
        part.upto > self.after || part.last >= self.from
    }
}

impl Reader {
    /// What is still needed at this time of the journal.
    pub(super) fn needs(&self, rule: &KeepRule, now: Stamp) -> Res<Needs> {
        let mut needs = Needs { after: i64::MAX, from: rule.judged_from(now) };
        for target in &rule.targets {
            needs.after = needs.after.min(self.cursor(target)?.journal);
            if let Some(from) = self.replayed_from(target)? {
                needs.from = needs.from.min(from.hour());
            }
        }
        for target in &rule.read_back {
            let hour = self.read_back(target)?.unwrap_or(now.minus(NOT_READ_BACK).hour());
            needs.from = needs.from.min(hour);
        }
        Ok(needs)
    }

    /// The last revision of hours that every target has, and that is not the last of
    /// all: the numbers go on behind that one.
    pub(super) fn written_everywhere(&self, rule: &KeepRule) -> Res<i64> {
        let mut written = self.committed()?.hour - 1;
        for target in &rule.targets {
            written = written.min(self.cursor(target)?.hour);
        }
        Ok(written)
    }

    /// The earliest time that a replay of a target which is under way goes back to.
    fn replayed_from(&self, target: &str) -> Res<Option<Stamp>> {
        let sql = "SELECT min(start) FROM replays WHERE target = ? AND done IS NULL";
        let found = self.all(sql, [target], |r| r.get::<_, Option<i64>>(0))?;
        Ok(found.into_iter().next().flatten().map(Stamp))
    }
}
