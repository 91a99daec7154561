//! Judging again after late data.

use super::{LadderRules, LadderState, Standing, Step, Why};
use crate::rules::criterion;
use crate::rules::zone::ZoneHour;
use std::collections::VecDeque;

/// What a late change of an hour makes of the past and of the present.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Revision {
    /// Steps of the past that no longer hold.
    pub retracted: Vec<Step>,
    /// Steps of the past that hold now and did not before.
    pub added: Vec<Step>,
    /// The one step from the level that stood until now to the one that stands
    /// now, if the two differ.
    pub live: Option<Step>,
}

impl LadderState {
    /// Replaces an hour judged before, or puts in one that was left out, and
    /// judges all that follow again. The state is then what it would be had the
    /// hours come so in the first place.
    ///
    /// `None`: the hour is not open to revision, either because it lies more
    /// than `keep` hours back or because it has not been judged yet.
    ///
    /// If the present level is the same, nothing is to be told, whatever changed
    /// in between. If it differs there is exactly one live step, from the level
    /// that stood to the one that stands. Its instant and inputs are those of
    /// the new step that led to the present level; if no new step did, because
    /// what had moved the ladder away no longer holds, they are those of the
    /// first step taken back since, and `why` says [`Why::Retracted`].
    pub fn revise(&mut self, rules: &LadderRules, hour: ZoneHour) -> Option<Revision> {
        let last = self.now.last?;
        let settled = self.base.last.is_some_and(|base| hour.hour <= base);
        if hour.hour > last || hour.hour <= last.back(rules.keep) || settled {
            return None;
        }
        let before = self.replay(rules).1;
        match self.hours.binary_search_by_key(&hour.hour, |h| h.hour) {
            Ok(index) => {
                if let Some(old) = self.hours.get_mut(index) {
                    *old = hour;
                }
            }
            Err(index) => self.hours.insert(index, hour),
        }
        let (now, after) = self.replay(rules);
        let stood = std::mem::replace(&mut self.now, now);
        let mut live = (stood.name() != self.now.name())
            .then(|| live_step(stood.name(), self.now.name(), &before, &after, &self.hours))
            .flatten();
        if let Some(step) = &mut live {
            step.late = step.at < last.end();
            self.tell(step);
        }
        Some(Revision {
            retracted: missing_from(&before, &after),
            added: missing_from(&after, &before),
            live,
        })
    }

    /// Judges the open hours from `base` on.
    pub(super) fn replay(&self, rules: &LadderRules) -> (Standing, Vec<Step>) {
        let mut standing = self.base.clone();
        let steps = (self.first_open()..self.hours.len())
            .filter_map(|index| standing.advance(rules, &self.hours, index))
            .collect();
        (standing, steps)
    }
}

/// The steps that another course of events does not have.
fn missing_from(steps: &[Step], other: &[Step]) -> Vec<Step> {
    steps.iter().filter(|s| !contains(other, s)).cloned().collect()
}

fn contains(steps: &[Step], step: &Step) -> bool {
    steps.iter().any(|s| s.same_move(step))
}

/// The step from the level that stood to the one that stands, after `before`
/// has become `after`. There always is one, as the two end differently.
fn live_step(
    from: &str,
    to: &str,
    before: &[Step],
    after: &[Step],
    hours: &VecDeque<ZoneHour>,
) -> Option<Step> {
    let mut step = match after.last().filter(|step| !contains(before, step)) {
        Some(step) => step.clone(),
        // One hour changed and the last step did not: it lies before that hour,
        // and so does all that the two have in common.
        None => take_back(before.iter().find(|step| !contains(after, step))?, hours),
    };
    step.from = from.to_owned();
    step.to = to.to_owned();
    Some(step)
}

/// A step as taken back: on the same hours as they are now.
fn take_back(gone: &Step, hours: &VecDeque<ZoneHour>) -> Step {
    let mut step = gone.clone();
    step.why = Why::Retracted;
    step.criterion = criterion::retracted(&gone.criterion);
    for input in &mut step.inputs {
        if let Some(now) = hours.iter().find(|h| h.hour == input.hour) {
            *input = *now;
        }
    }
    step.value = step.inputs.last().and_then(ZoneHour::mean).unwrap_or(gone.value);
    step
}
