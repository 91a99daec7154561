//! Where a condition stands, and how late evidence changes that.

use super::data::{Condition, Decide};
use super::look::{Look, View};
use super::step::{ConditionStep, Peers, Sight};
use super::truth::Truth;
use super::{instants, local};
use crate::air::Stamp;
use crate::rules::data::{NONE, Ruleset};
use serde::{Deserialize, Serialize};

/// What judges one condition: its versions.
#[derive(Debug, Clone, Copy)]
pub struct ConditionRules<'a> {
    versions: &'a [Ruleset],
    condition: &'a str,
}

impl<'a> ConditionRules<'a> {
    /// The rules of the condition with this id in any of the versions.
    pub fn new(versions: &'a [Ruleset], condition: &'a str) -> ConditionRules<'a> {
        ConditionRules { versions, condition }
    }

    /// The version that decides at an instant: the one in force just before, since
    /// what is decided at midnight is about the day that is over.
    pub fn at(&self, at: Stamp) -> Option<(&'a Ruleset, &'a Condition)> {
        let ruleset = crate::rules::in_force(self.versions, Stamp(at.0.saturating_sub(1)))?;
        Some((ruleset, self.of(ruleset)?))
    }

    /// The latest version, whose times of decision are those of all.
    pub fn latest(&self) -> Option<&'a Condition> {
        self.versions.iter().rev().find_map(|ruleset| self.of(ruleset))
    }

    fn of(&self, ruleset: &'a Ruleset) -> Option<&'a Condition> {
        ruleset.conditions.iter().find(|c| c.id == self.condition)
    }
}

/// What a condition is judged on.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The zone.
    pub own: View<'a>,
    /// Zones that decide together with it.
    pub peers: &'a [Peers<'a>],
}

/// Where a condition stands after some instant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Standing {
    /// By name, so that it outlives a change of version; `None` is `none`.
    level: Option<String>,
    since: Option<Stamp>,
    /// When the level was last found to be met.
    decided: Option<Stamp>,
    unknown_since: Option<Stamp>,
    /// The last instant judged.
    last: Option<Stamp>,
}

impl Standing {
    fn name(&self) -> &str {
        self.level.as_deref().unwrap_or(NONE)
    }

    fn advance(
        &mut self,
        rules: &ConditionRules,
        scene: &Scene,
        at: Stamp,
    ) -> Option<ConditionStep> {
        self.last = Some(at);
        let (ruleset, condition) = rules.at(at)?;
        let look = Look::new(scene.own, at);
        let sight = Sight { look, peers: scene.peers, ruleset, condition };
        let rank = condition.rank(self.name());
        let verdict = verdict(&sight, rank);
        match verdict.open {
            true => self.unknown_since = self.unknown_since.or(Some(at)),
            false => self.unknown_since = None,
        }
        let kept = !verdict.met && verdict.to == rank;
        if kept {
            // As it is called, even if this version has another name for it.
            return None;
        }
        let reached = condition.level_of(verdict.to);
        let again = verdict.met && verdict.to > 0 && condition.in_force.is_some();
        let to = reached.map_or(NONE, |level| level.name.as_str());
        if to == self.name() && !again {
            return None;
        }
        let step = match (verdict.met, reached, condition.level_of(verdict.to + 1)) {
            (true, Some(level), _) => sight.raised(self.name(), level),
            (_, _, Some(left)) => sight.lowered(self.name(), to, left),
            _ => return None,
        };
        if step.to != self.name() {
            self.since = Some(at);
        }
        self.level = (step.to != NONE).then(|| step.to.clone());
        self.decided = Some(at);
        Some(step)
    }
}

/// What an instant does to a condition.
struct Verdict {
    /// The rank it then has.
    to: usize,
    /// Whether that level's criterion is met, and not only not ruled out.
    met: bool,
    /// Whether more data could give another level.
    open: bool,
}

/// From the highest level down: the first that is met, or that is left neither by
/// its criterion nor by too little data.
fn verdict(sight: &Sight<'_>, rank: usize) -> Verdict {
    let mut open = false;
    for (below, level) in sight.condition.levels.iter().enumerate().rev() {
        let to = below + 1;
        match sight.met(level) {
            Truth::Yes => return Verdict { to, met: true, open },
            Truth::Unknown => {
                open = true;
                if to <= rank {
                    return Verdict { to, met: false, open };
                }
            }
            Truth::No if to <= rank && !sight.may_leave(level) => {
                return Verdict { to, met: false, open };
            }
            Truth::No => {}
        }
    }
    Verdict { to: 0, met: false, open }
}

/// A step as it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Move {
    at: Stamp,
    from: String,
    to: String,
}

impl Move {
    fn of(step: &ConditionStep) -> Move {
        Move { at: step.at, from: step.from.clone(), to: step.to.clone() }
    }

    fn is(&self, step: &ConditionStep) -> bool {
        self.at == step.at && self.from == step.from && self.to == step.to
    }
}

/// One condition of one zone: where it stands now, and the steps still open to
/// revision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConditionState {
    now: Standing,
    /// Where it stood after the last instant no longer open to revision.
    base: Standing,
    /// The steps since `base`.
    moves: Vec<Move>,
    /// The latest instant of any step told.
    told: Option<Stamp>,
    /// Steps told for an instant that was not after all told before.
    repeats: u32,
    /// The next daily decision.
    #[serde(skip)]
    due: Option<Stamp>,
}

/// A step, and whether it makes a difference now.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The step.
    pub step: ConditionStep,
    /// `false` for what late evidence showed to have been in the past only.
    pub live: bool,
}

impl ConditionState {
    /// A condition that stands at `none` and has judged nothing.
    pub fn new() -> ConditionState {
        ConditionState::default()
    }

    /// Judges what new evidence changes: every instant from `affected` on that was
    /// judged before, again from `base`, and then those up to `evidence.until` that
    /// were not. Instants up to `settled` are then no longer open to revision.
    ///
    /// However the evidence came, the state is then the same. If the present level
    /// of what was judged before differs, exactly one step leads from what stood
    /// to what stands.
    pub fn update(
        &mut self,
        rules: &ConditionRules,
        scene: &Scene,
        affected: Stamp,
        settled: Stamp,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        let Some(until) = scene.own.evidence.until else { return found };
        if let Some(last) = self.now.last.filter(|last| affected <= *last) {
            self.judge_again(rules, scene, last, &mut found);
        } else if self.due.is_some_and(|due| until < due) {
            return found;
        }
        for at in instants::between(rules, scene, self.now.last, until) {
            if let Some(mut step) = self.now.advance(rules, scene, at) {
                self.tell(&mut step);
                self.moves.push(Move::of(&step));
                found.push(Found { step, live: true });
            }
        }
        self.settle(rules, scene, settled);
        self.due = self.next_decision(rules, scene.own.time_zone, until);
        found
    }

    /// The level it stands at; `none` if at none.
    pub fn level(&self) -> &str {
        self.now.name()
    }

    /// The decision with which it came there; `None` if it has never moved.
    pub fn since(&self) -> Option<Stamp> {
        self.now.since
    }

    /// Since when another level is not ruled out for want of data or forecasts.
    pub fn unknown_since(&self) -> Option<Stamp> {
        self.now.unknown_since
    }

    /// The last instant judged.
    pub fn last(&self) -> Option<Stamp> {
        self.now.last
    }

    /// The first daily decision after the last one judged; before the first, the
    /// last one up to `now`. `None` for conditions that are not decided daily.
    pub fn next_decision(
        &self,
        rules: &ConditionRules,
        zone: &jiff::tz::TimeZone,
        now: Stamp,
    ) -> Option<Stamp> {
        let Decide::Daily(time) = rules.latest()?.decide else { return None };
        let day = std::time::Duration::from_secs(86_400);
        local::next(time, self.now.last.unwrap_or(now.minus(day)), zone)
    }

    fn judge_again(
        &mut self,
        rules: &ConditionRules,
        scene: &Scene,
        last: Stamp,
        found: &mut Vec<Found>,
    ) {
        let mut now = self.base.clone();
        let steps: Vec<ConditionStep> = instants::between(rules, scene, self.base.last, last)
            .into_iter()
            .filter_map(|at| now.advance(rules, scene, at))
            .collect();
        now.last = Some(last);
        let before = std::mem::replace(&mut self.moves, steps.iter().map(Move::of).collect());
        let stood = std::mem::replace(&mut self.now, now);
        let mut live = self.live_step(rules, scene, &stood, (&before, &steps));
        if let Some(step) = &mut live {
            step.late = step.at < last;
            self.tell(step);
        }
        let told = |s: &ConditionStep| live.as_ref().is_some_and(|l| Move::of(l).is(s));
        let past = steps.iter().filter(|s| !before.iter().any(|m| m.is(s)) && !told(s));
        found.extend(past.cloned().map(|step| Found { step, live: false }));
        found.extend(live.map(|step| Found { step, live: true }));
    }

    /// The step from what stood to what stands; `None` if they are the same.
    fn live_step(
        &self,
        rules: &ConditionRules,
        scene: &Scene,
        stood: &Standing,
        (before, after): (&[Move], &[ConditionStep]),
    ) -> Option<ConditionStep> {
        let (from, to) = (stood.name(), self.now.name());
        let newest = after.last().filter(|s| !before.iter().any(|m| m.is(s)));
        if from == to {
            // Decided anew for another time in force.
            return newest.filter(|s| s.from == s.to && Some(s.at) > stood.decided).cloned();
        }
        if let Some(step) = newest {
            return Some(ConditionStep {
                from: from.to_owned(),
                to: to.to_owned(),
                ..step.clone()
            });
        }
        let gone = before.iter().find(|m| !after.iter().any(|s| m.is(s)))?;
        let (ruleset, condition) = rules.at(gone.at)?;
        let look = Look::new(scene.own, gone.at);
        let sight = Sight { look, peers: scene.peers, ruleset, condition };
        let level = condition.level_of(condition.rank(&gone.from).max(condition.rank(&gone.to)))?;
        Some(sight.taken_back(from, to, level))
    }

    /// Moves `base` over the instants up to `through`.
    fn settle(&mut self, rules: &ConditionRules, scene: &Scene, through: Stamp) {
        if self.now.last.is_some_and(|last| last <= through) {
            self.base = self.now.clone();
            self.moves.clear();
            return;
        }
        for at in instants::between(rules, scene, self.base.last, through) {
            self.base.advance(rules, scene, at);
        }
        self.moves.retain(|m| m.at > through);
    }

    /// Numbers a step, as for ladders.
    fn tell(&mut self, step: &mut ConditionStep) {
        if self.told.is_some_and(|told| step.at <= told) {
            self.repeats = self.repeats.saturating_add(1);
            step.repeat = self.repeats;
        } else {
            self.told = Some(step.at);
        }
    }
}
