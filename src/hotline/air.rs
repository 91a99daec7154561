//! What changes of the air bring about: incidents open, go on, rise, open again.

use super::entry::{What, Who};
use super::facts::{Facts, Standing};
use super::incident::{Incident, Opening};
use super::plan::{Grade, Place, Plan};
use super::{Hotline, Outcome};
use crate::rules::Change;
use std::collections::{BTreeMap, VecDeque};

/// Changes of one place that are remembered, so that one told twice counts once.
const REMEMBERED: usize = 64;

/// Where the air stands, of what the plan watches, with or without an incident.
/// Real levels and those made up for exercises lie side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Air {
    places: BTreeMap<(bool, Place), Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Seen {
    grade: Grade,
    /// The latest changes by id.
    changes: VecDeque<String>,
}

impl Air {
    /// Notes a change; `false` if it is known already.
    fn note(&mut self, facts: &Facts, exercise: bool) -> bool {
        let seen = self
            .places
            .entry((exercise, facts.place()))
            .or_insert_with(|| Seen { grade: Grade::none(), changes: VecDeque::new() });
        if seen.changes.contains(&facts.change) {
            return false;
        }
        if seen.changes.len() >= REMEMBERED {
            seen.changes.pop_front();
        }
        seen.changes.push_back(facts.change.clone());
        seen.grade = facts.to.clone();
        true
    }

    /// Where the air is bad in a group for a cause.
    fn standing(&self, plan: &Plan, group: &str, cause: &str, exercise: bool) -> Vec<Standing> {
        let here = |place: &Place| {
            plan.opener(&place.ladder).is_some_and(|o| o.cause == cause)
                && plan.group_of(&place.scope) == group
        };
        let places = self.places.iter();
        let bad = places.filter(|((e, p), s)| *e == exercise && s.grade.rank > 0 && here(p));
        bad.map(|((_, p), s)| Standing { level: s.grade.clone(), place: p.clone() }).collect()
    }
}

impl Hotline {
    /// A level changed somewhere.
    pub(super) fn change(&mut self, change: &Change, exercise: bool, out: &mut Outcome) {
        let Some(opener) = self.plan.opener(&change.ladder) else { return };
        let facts = Facts::of(change, opener.grade(&change.to));
        let (group, cause) = (self.plan.group_of(&change.scope), opener.cause.clone());
        if self.plan.parties.is_empty() || !self.air.note(&facts, exercise) {
            return;
        }
        let same =
            |i: &&Incident| (i.group(), i.cause(), i.exercise()) == (&group, &cause, exercise);
        // The newest is the last; an older one of the same cause is closed for good.
        let open = self.incidents.iter().rposition(|i| same(&i) && i.closed_at().is_none());
        let closed = self.incidents.iter().rposition(|i| same(&i));
        match (open, closed) {
            (Some(place), _) => self.join(place, facts, out),
            (None, _) if !facts.to.opens => {}
            (None, Some(place)) => self.reopen(place, facts, out),
            (None, None) => {
                let (standing, level) = self.beside(&facts, &group, &cause, exercise);
                let change = Some(facts);
                let opening =
                    Opening { group, cause, exercise, change, level, standing, text: None };
                self.open(opening, Who::System, out);
            }
        }
    }

    /// Where the air is bad beside a change, and the worst of all.
    fn beside(
        &self,
        facts: &Facts,
        group: &str,
        cause: &str,
        exercise: bool,
    ) -> (Vec<Standing>, Grade) {
        let mut standing = self.standing(group, cause, exercise);
        standing.retain(|s| s.place != facts.place());
        let levels = standing.iter().map(|s| &s.level).chain([&facts.to]);
        let level = levels.max_by_key(|g| g.height()).unwrap_or(&facts.to).clone();
        (standing, level)
    }

    /// Where the air is bad now, for an incident that somebody opens.
    pub(super) fn standing(&self, group: &str, cause: &str, exercise: bool) -> Vec<Standing> {
        self.air.standing(&self.plan, group, cause, exercise)
    }

    fn join(&mut self, place: usize, facts: Facts, out: &mut Outcome) {
        self.record(place, Who::System, What::Joined { change: facts }, out);
        let Some(incident) = self.incidents.get(place) else { return };
        let (from, to) = (incident.level().clone(), incident.air());
        if to.height() > from.height() {
            let lifted = self.plan.lifts(&to);
            self.record(place, Who::System, What::Level { due: None, from, lifted, to }, out);
        }
    }

    fn reopen(&mut self, place: usize, change: Facts, out: &mut Outcome) {
        let Some(incident) = self.incidents.get(place) else { return };
        let (group, cause) = (incident.group().to_owned(), incident.cause().to_owned());
        let (standing, level) = self.beside(&change, &group, &cause, incident.exercise());
        let parties = self.asked(&Who::System);
        let what = What::Reopened { change, level, parties, standing };
        self.record(place, Who::System, what, out);
    }
}
