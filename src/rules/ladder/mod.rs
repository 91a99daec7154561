//! The state machine of one ladder of one zone.
//!
//! Hours are judged in order. A level is raised when enough consecutive valid
//! hours reach its bound, the highest level first; it is lifted by one valid
//! hour below its lift bound, and then the ladder stands at the highest lower
//! level whose own lift bound the hour does not undercut. An hour that is not
//! valid, or that never comes, breaks a run of consecutive hours and changes no
//! level: it only makes the judgement *unknown*.
//!
//! Each hour is judged by the version of the rules in force at its start. A run
//! that spans a change of version is judged by the version of its last hour.
//!
//! Late data change hours that were judged before. So the state keeps the hours
//! of the last `keep` hours and, as `base`, where the ladder stood before them;
//! [`LadderState::revise`] judges them again from there. In between lie a few
//! older hours (`context`), needed only to look back for a run.

mod revise;
mod step;
#[cfg(test)]
mod tests;

pub use revise::Revision;
pub use step::{Step, Why};

use super::data::{Ladder, NONE, Ruleset};
use super::zone::ZoneHour;
use crate::air::{Hour, Stamp};
use std::collections::VecDeque;

/// What judges one ladder: its versions, and how long hours stay open to
/// revision.
#[derive(Debug, Clone, Copy)]
pub struct LadderRules<'a> {
    versions: &'a [Ruleset],
    ladder: &'a str,
    keep: i32,
    context: i32,
}

impl<'a> LadderRules<'a> {
    /// The rules of the ladder with this id in any of the `versions`; a late
    /// reading changes the judgement of the last `keep` hours.
    pub fn new(versions: &'a [Ruleset], ladder: &'a str, keep: i32) -> LadderRules<'a> {
        let longest = versions
            .iter()
            .flat_map(|r| &r.ladders)
            .filter(|l| l.id == ladder)
            .flat_map(|l| l.levels.iter().map(|level| i32::from(level.raise.hours)))
            .max();
        LadderRules { versions, ladder, keep: keep.max(0), context: longest.unwrap_or(1) - 1 }
    }

    /// The version that judges an hour: the one in force at its start.
    pub fn at(&self, hour: Hour) -> Option<(&'a Ruleset, &'a Ladder)> {
        let ruleset = super::in_force(self.versions, hour.start())?;
        Some((ruleset, ruleset.ladders.iter().find(|l| l.id == self.ladder)?))
    }
}

/// Where a ladder stands after some hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
struct Standing {
    /// By name, so that it outlives a change of version; `None` is `none`.
    level: Option<String>,
    since: Option<Stamp>,
    unknown_since: Option<Stamp>,
    /// The last hour judged.
    last: Option<Hour>,
}

impl Standing {
    fn name(&self) -> &str {
        self.level.as_deref().unwrap_or(NONE)
    }

    /// Judges `hours[index]`, which comes after the last hour judged.
    fn advance(
        &mut self,
        rules: &LadderRules,
        hours: &VecDeque<ZoneHour>,
        index: usize,
    ) -> Option<Step> {
        let now = hours.get(index)?;
        if let Some(last) = self.last.filter(|last| last.next() < now.hour) {
            self.unknown_since.get_or_insert(last.end());
        }
        self.last = Some(now.hour);
        if !now.valid {
            self.unknown_since.get_or_insert(now.hour.start());
            return None;
        }
        self.unknown_since = None;
        let (ruleset, ladder) = rules.at(now.hour)?;
        let verdict = verdict(ladder, ladder.rank(self.name()), hours, index)?;
        let inputs = hours.range(index + 1 - verdict.hours..=index).copied().collect();
        let step = step::from_verdict(ruleset, ladder, self.name(), &verdict, inputs, now);
        self.level = (step.to != NONE).then(|| step.to.clone());
        self.since = Some(step.at);
        Some(step)
    }
}

/// What an hour does to a ladder.
struct Verdict {
    /// The rank it then has.
    to: usize,
    why: Why,
    /// How many hours, ending with this one, it rests on: at least 1, and all there.
    hours: usize,
}

fn verdict(
    ladder: &Ladder,
    rank: usize,
    hours: &VecDeque<ZoneHour>,
    index: usize,
) -> Option<Verdict> {
    for (below, level) in ladder.levels.iter().enumerate().skip(rank).rev() {
        let needed = usize::from(level.raise.hours).max(1);
        if held(level.raise.at_least, needed, hours, index) {
            return Some(Verdict { to: below + 1, why: Why::Raised, hours: needed });
        }
    }
    let now = hours.get(index)?;
    let above = ladder.levels.iter().take(rank).rev();
    let lifted = above.take_while(|level| now.lies_below(level.lift.below)).count();
    (lifted > 0).then(|| Verdict { to: rank - lifted, why: Why::Lifted, hours: 1 })
}

/// Whether `needed` consecutive hours ending with `hours[index]` reach a bound.
fn held(bound: f64, needed: usize, hours: &VecDeque<ZoneHour>, index: usize) -> bool {
    let Some(first) = (index + 1).checked_sub(needed) else { return false };
    let mut run = hours.range(first..=index);
    let begin = run.clone().next().map(|h| h.hour);
    // Hours are in order and distinct: if the first is that far back, none is missing.
    let unbroken = begin.zip(hours.get(index)).is_some_and(|(begin, end)| {
        i64::from(end.hour.0) - i64::from(begin.0) == (needed - 1) as i64
    });
    unbroken && run.all(|h| h.reaches(bound))
}

/// One ladder of one zone: where it stands now, and the hours still open to
/// revision.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct LadderState {
    now: Standing,
    /// Where it stood after the last hour that is no longer open to revision.
    base: Standing,
    /// Hours as judged, in order, without those that never came: the context
    /// that `base` has already judged, then the open ones.
    hours: VecDeque<ZoneHour>,
    /// The latest instant of any step told.
    told: Option<Stamp>,
    /// Steps told for an instant that was not after all told before.
    repeats: u32,
}

impl LadderState {
    /// A ladder that stands at `none` and has judged nothing.
    pub fn new() -> LadderState {
        LadderState::default()
    }

    /// Judges the next hour. Hours come in order; those left out count as not
    /// valid. An hour at or before the last one judged changes nothing here:
    /// [`LadderState::revise`] is for it.
    pub fn close(&mut self, rules: &LadderRules, hour: ZoneHour) -> Option<Step> {
        if self.now.last.is_some_and(|last| hour.hour <= last) {
            return None;
        }
        self.hours.push_back(hour);
        let mut step = self.now.advance(rules, &self.hours, self.hours.len() - 1);
        if let Some(step) = &mut step {
            self.tell(step);
        }
        self.settle(rules, hour.hour.back(rules.keep));
        step
    }

    /// The level it stands at; `none` if at none.
    pub fn level(&self) -> &str {
        self.now.name()
    }

    /// The end of the last hour needed to reach the present level; `None` if it
    /// has never moved.
    pub fn since(&self) -> Option<Stamp> {
        self.now.since
    }

    /// The start of the first hour without enough data since the last valid
    /// one; `None` while the last hour judged is valid.
    pub fn unknown_since(&self) -> Option<Stamp> {
        self.now.unknown_since
    }

    /// The last hour judged.
    pub fn last(&self) -> Option<Hour> {
        self.now.last
    }

    /// An hour as it was judged, if it is still kept.
    pub fn judged(&self, hour: Hour) -> Option<&ZoneHour> {
        let index = self.hours.binary_search_by_key(&hour, |h| h.hour).ok()?;
        self.hours.get(index)
    }

    /// Moves `base` over the hours up to `through`, and forgets what no run can
    /// reach back to any more.
    fn settle(&mut self, rules: &LadderRules, through: Hour) {
        let mut index = self.first_open();
        while self.hours.get(index).is_some_and(|h| h.hour <= through) {
            self.base.advance(rules, &self.hours, index);
            index += 1;
        }
        let Some(settled) = self.base.last else { return };
        let reach = settled.back(rules.context);
        while self.hours.front().is_some_and(|h| h.hour <= reach) {
            self.hours.pop_front();
        }
    }

    /// Where the hours begin that `base` has not judged.
    fn first_open(&self) -> usize {
        self.hours.partition_point(|h| self.base.last.is_some_and(|last| h.hour <= last))
    }

    /// Numbers a step among those that share its instant or an earlier one, so
    /// that a step taken back and then taken again has an identity of its own.
    fn tell(&mut self, step: &mut Step) {
        if self.told.is_some_and(|told| step.at <= told) {
            self.repeats = self.repeats.saturating_add(1);
            step.repeat = self.repeats;
        } else {
            self.told = Some(step.at);
        }
    }
}
