//! One step of a condition, with what it rests on.

use super::data::{Condition, ConditionLevel};
use super::look::{Grounds, Look, View};
use super::truth::Truth;
use super::{local, words};
use crate::air::{Names, Quantity, Stamp};
use crate::rules::criterion::retracted;
use crate::rules::data::{NONE, Ruleset};
use crate::rules::input::{Input, Particulars};

/// A condition moved from one level to another, or was decided anew for another
/// time in force: then `from` and `to` are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionStep {
    /// The version that judged, as in [`Ruleset::reference`].
    pub ruleset: String,
    /// The condition's id.
    pub condition: String,
    /// The quantity it is about.
    pub quantity: Quantity,
    /// Name of the level before.
    pub from: String,
    /// Name of the level after.
    pub to: String,
    /// The instant of the decision.
    pub at: Stamp,
    /// The value that speaks for it, if any does.
    pub value: Option<f64>,
    /// What it rests on.
    pub inputs: Vec<Input>,
    /// The criterion in words.
    pub criterion: Names,
    /// Whether it is news of the past.
    pub late: bool,
    /// As of [`crate::rules::Step::repeat`].
    pub repeat: u32,
    /// What else it says.
    pub particulars: Particulars,
}

/// Zones that decide together with one, itself among them.
#[derive(Debug, Clone)]
pub struct Peers<'a> {
    /// The coupling's id.
    pub coupling: &'a str,
    /// In how many a level must be met.
    pub at_least: u32,
    /// The zones.
    pub zones: Vec<View<'a>>,
}

/// A condition at an instant, as seen from its zone.
pub(super) struct Sight<'a> {
    pub look: Look<'a>,
    pub peers: &'a [Peers<'a>],
    pub ruleset: &'a Ruleset,
    pub condition: &'a Condition,
}

impl Sight<'_> {
    /// Whether a level's criterion is met, here or in enough of the zones that
    /// decide together.
    pub fn met(&self, level: &ConditionLevel) -> Truth {
        let own = self.look.any(&level.any, &self.ruleset.seasons);
        match self.condition.coupled && own != Truth::Yes {
            true => own.max(Truth::any(self.peers.iter().map(|p| self.together(level, p)))),
            false => own,
        }
    }

    /// Whether what a level must fulfil to be left is fulfilled.
    pub fn may_leave(&self, level: &ConditionLevel) -> bool {
        level.lift.is_empty() || self.look.any(&level.lift, &self.ruleset.seasons) == Truth::Yes
    }

    fn together(&self, level: &ConditionLevel, peers: &Peers<'_>) -> Truth {
        let met = |zone: &View<'_>| self.met_in(level, zone);
        Truth::at_least(peers.at_least as usize, peers.zones.iter().map(met))
    }

    fn met_in(&self, level: &ConditionLevel, zone: &View<'_>) -> Truth {
        Look::new(*zone, self.look.at).any(&level.any, &self.ruleset.seasons)
    }

    /// The step up to a level, or its confirmation for another time.
    pub fn raised(&self, from: &str, level: &ConditionLevel) -> ConditionStep {
        let seasons = &self.ruleset.seasons;
        let mut grounds = Grounds::default();
        let met = level.any.iter().find(|all| self.look.all(all, seasons) == Truth::Yes);
        let criterion = match met {
            Some(all) => {
                self.look.grounds(all, seasons, &mut grounds);
                words::all(all, seasons)
            }
            None => self.raised_together(level, &mut grounds),
        };
        self.step(from, &level.name, level, criterion, grounds)
    }

    fn raised_together(&self, level: &ConditionLevel, grounds: &mut Grounds) -> Names {
        let criterion = words::any(&level.any, &self.ruleset.seasons);
        let Some(peers) = self.peers.iter().find(|p| self.together(level, p) == Truth::Yes) else {
            return criterion;
        };
        let met = peers.zones.iter().filter(|zone| self.met_in(level, zone) == Truth::Yes);
        grounds.inputs.push(Input::Zones {
            coupling: peers.coupling.to_owned(),
            zones: met.map(|zone| zone.zone.to_owned()).collect(),
            at_least: peers.at_least,
        });
        words::together(&criterion, peers.at_least)
    }

    /// The step down to a level or to none; `left` is the lowest level left.
    pub fn lowered(&self, from: &str, to: &str, left: &ConditionLevel) -> ConditionStep {
        let mut grounds = Grounds::default();
        for all in left.lift.iter().chain(&left.any) {
            self.look.grounds(all, &self.ruleset.seasons, &mut grounds);
        }
        self.step(from, to, left, words::lifted(left, &self.ruleset.seasons), grounds)
    }

    /// The step that takes back an earlier one, which led to `gone`.
    pub fn taken_back(&self, from: &str, to: &str, gone: &ConditionLevel) -> ConditionStep {
        let mut grounds = Grounds::default();
        for all in &gone.any {
            self.look.grounds(all, &self.ruleset.seasons, &mut grounds);
        }
        let criterion = retracted(&words::any(&gone.any, &self.ruleset.seasons));
        self.step(from, to, gone, criterion, grounds)
    }

    fn step(
        &self,
        from: &str,
        to: &str,
        named: &ConditionLevel,
        criterion: Names,
        grounds: Grounds,
    ) -> ConditionStep {
        let named = self.condition.levels.iter().find(|l| l.name == to).unwrap_or(named);
        let cause = grounds.cause().filter(|_| to != NONE);
        let remarks = &self.condition.remarks;
        let in_force = self.condition.in_force;
        ConditionStep {
            ruleset: self.ruleset.reference(),
            condition: self.condition.id.clone(),
            quantity: self.condition.quantity,
            from: from.to_owned(),
            to: to.to_owned(),
            at: self.look.at,
            value: grounds.value,
            inputs: grounds.inputs,
            criterion,
            late: false,
            repeat: 0,
            particulars: Particulars {
                level: Some(named.title.clone()),
                in_force: in_force
                    .and_then(|rule| local::in_force(rule, self.look.at, self.look.view.time_zone)),
                index: grounds.index,
                cause,
                remark: remarks.iter().find(|(c, _)| Some(*c) == cause).map(|(_, r)| r.clone()),
                seasons: Default::default(),
            },
        }
    }
}
