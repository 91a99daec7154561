//! The conditions of zones: when they are judged, and what follows.

use super::outcome::{HourJudged, Judged, LevelNow, ZoneJudged};
use super::zones::Zone;
use super::{Judge, Plan, PlannedZone};
use crate::air::{Forecast, Names, Quantity, Stamp};
use crate::rules::condition::{
    Condition, ConditionRules, ConditionState, Decide, EPISODE, Peers, Scene, Term, date_of,
};
use crate::rules::{Change, Scope, ZoneHour, in_force};
use std::collections::BTreeMap;

/// Beside what a decision looks back to: one may wait for a day until it is settled.
const MARGIN_HOURS: i32 = 25;

/// One condition of a zone.
#[derive(Debug)]
pub(super) struct Seat {
    pub ruleset: String,
    pub condition: String,
    pub state: ConditionState,
    /// The quantity it is about.
    quantity: Quantity,
    /// Whether zones decide it together.
    coupled: bool,
    /// Whether it has decisions that fall due by our clock.
    daily: bool,
    /// Ladders that it asks for.
    pub ladders: Vec<String>,
    /// Quantities whose hours it looks at.
    pub quantities: Vec<Quantity>,
    /// Those of them that it looks at station by station.
    pub by_station: Vec<Quantity>,
    /// How many hours it looks back.
    pub reach: i32,
}

/// The conditions of the rulesets that judge a zone.
pub(super) fn seats(planned: &PlannedZone, plan: &Plan) -> Vec<Seat> {
    let mut seats: Vec<Seat> = Vec::new();
    for id in &planned.rulesets {
        for condition in plan.rulesets.get(id).into_iter().flatten().flat_map(|r| &r.conditions) {
            let known = seats.iter().position(|s| s.ruleset == *id && s.condition == condition.id);
            let place = known.unwrap_or_else(|| {
                seats.push(Seat::new(id, condition));
                seats.len() - 1
            });
            if let Some(seat) = seats.get_mut(place) {
                seat.widen(condition);
            }
        }
    }
    seats
}

impl Seat {
    fn new(ruleset: &str, condition: &Condition) -> Seat {
        Seat {
            ruleset: ruleset.to_owned(),
            condition: condition.id.clone(),
            state: ConditionState::new(),
            quantity: condition.quantity,
            coupled: false,
            daily: false,
            ladders: Vec::new(),
            quantities: Vec::new(),
            by_station: Vec::new(),
            reach: 0,
        }
    }

    /// Takes in what a version of the condition needs.
    fn widen(&mut self, condition: &Condition) {
        self.coupled |= condition.coupled;
        self.daily |= matches!(condition.decide, Decide::Daily(_));
        self.quantities.extend(condition.quantities());
        self.by_station.extend(condition.by_station());
        self.reach = self.reach.max(condition.reach() + MARGIN_HOURS);
        let asked = condition.terms().filter_map(|term| match term {
            Term::Stood { ladder, .. } => Some(ladder.clone()),
            _ => None,
        });
        self.ladders.extend(asked);
    }

    fn rules<'a>(&'a self, plan: &'a Plan) -> Option<ConditionRules<'a>> {
        Some(ConditionRules::new(plan.rulesets.get(&self.ruleset)?, &self.condition))
    }

    /// Where it stands.
    pub fn level(&self, zone: &Zone, plan: &Plan) -> LevelNow {
        let at = self.state.last();
        let version = at.and_then(|at| Some(self.rules(plan)?.at(at)?.0.reference()));
        let hours = &zone.evidence.hours;
        let last = zone.evidence.last;
        LevelNow {
            ladder: self.condition.clone(),
            scope: Scope::Zone(zone.id().to_owned()),
            level: self.state.level().to_owned(),
            since: self.state.since(),
            last: last.map(|hour| {
                hours.get(self.quantity, hour).copied().unwrap_or(ZoneHour::missing(hour, 0))
            }),
            ruleset: version.unwrap_or_else(|| self.ruleset.clone()),
            unknown_since: self.state.unknown_since(),
            measured: !self.quantities.is_empty(),
        }
    }
}

impl Judge {
    /// Takes forecasts that came together and judges again, once, what they change:
    /// no judgement rests on half a bulletin. `now` is our clock. Of every zone with
    /// news the zone itself comes first, then those that decide together with it.
    pub fn forecasts<'a>(
        &mut self,
        forecasts: impl IntoIterator<Item = &'a Forecast>,
        now: Stamp,
    ) -> Vec<ZoneJudged> {
        let mut affected: BTreeMap<usize, Stamp> = BTreeMap::new();
        for forecast in forecasts {
            let Some(zone) = self.foretold(forecast) else { continue };
            let from = affected.entry(zone).or_insert(forecast.issued_at);
            *from = forecast.issued_at.min(*from);
        }
        let mut all = Vec::new();
        for (zone, from) in affected {
            all.extend(self.conditions_of_all(zone, Vec::new(), Vec::new(), from, now));
        }
        all
    }

    /// Keeps a forecast as evidence; the place of its zone if that is news. What
    /// ends before anything is open to revision is not kept.
    fn foretold(&mut self, forecast: &Forecast) -> Option<usize> {
        let index = self.zones.iter().position(|z| z.id() == forecast.zone)?;
        let zone = self.zones.get_mut(index)?;
        let old = zone.settled(self.plan.keep).minus(EPISODE);
        if forecast.until < old || !zone.evidence.forecasts.put(forecast.clone()) {
            return None;
        }
        zone.evidence.forecasts.forget(old);
        zone.evidence.reach(forecast.issued_at);
        Some(index)
    }

    /// The next decision that falls on a fixed time of the day and is due: its
    /// zone and instant. It is due when the hours before it are judged, or when our
    /// clock is `grace` past it.
    pub fn decision_due(&self, now: Stamp) -> Option<(String, Stamp)> {
        let settled = now.minus(self.plan.grace);
        let running = settled >= self.started;
        self.zones.iter().find_map(|zone| {
            let waits = |at: &Stamp| zone.next.is_none_or(|next| next < at.hour());
            // Before we were there and before its first hour nothing was to be known.
            let begins = zone.evidence.first.map_or(self.started, |hour| hour.end());
            let blind = |at: &Stamp| *at < begins.min(self.started);
            let due = |at: &Stamp| *at <= now && (!waits(at) || (running && *at <= settled));
            let due = |at: &Stamp| !blind(at) && due(at);
            let daily = zone.conditions.iter().filter(|seat| seat.daily);
            let next = |seat: &Seat| {
                let rules = seat.rules(&self.plan)?;
                seat.state.next_decision(&rules, &zone.planned.time_zone, now)
            };
            let at = daily.filter_map(next).filter(due).min()?;
            Some((zone.id().to_owned(), at))
        })
    }

    /// Takes the decisions of a zone up to an instant, as [`Judge::decision_due`]
    /// gives it.
    pub fn decide(&mut self, zone: &str, instant: Stamp, now: Stamp) -> Vec<ZoneJudged> {
        let found = self.zones.iter().position(|z| z.id() == zone);
        let Some((index, zone)) = found.and_then(|i| Some((i, self.zones.get_mut(i)?))) else {
            return Vec::new();
        };
        zone.evidence.reach(instant);
        self.conditions_of_all(index, Vec::new(), Vec::new(), Stamp(i64::MAX), now)
    }

    /// Judges the conditions of a zone whose evidence changed from `affected` on,
    /// and those of the zones that decide together with it. `hours` and `changes`
    /// are what the ladders gave.
    pub(super) fn conditions_of_all(
        &mut self,
        index: usize,
        hours: Vec<HourJudged>,
        changes: Vec<Judged>,
        affected: Stamp,
        now: Stamp,
    ) -> Vec<ZoneJudged> {
        let own = self.conditions_of(index, false, affected, now);
        let changes = changes.into_iter().chain(own).collect();
        let mut all: Vec<ZoneJudged> = self
            .zones
            .get(index)
            .map(|z| judged(z, hours, changes, &self.plan))
            .into_iter()
            .collect();
        for other in self.coupled_with(index) {
            let changes = self.conditions_of(other, true, affected, now);
            if let Some(zone) = self.zones.get(other).filter(|_| !changes.is_empty()) {
                all.push(judged(zone, Vec::new(), changes, &self.plan));
            }
        }
        all
    }

    fn conditions_of(
        &mut self,
        index: usize,
        only_coupled: bool,
        affected: Stamp,
        now: Stamp,
    ) -> Vec<Judged> {
        let Some(zone) = self.zones.get_mut(index) else { return Vec::new() };
        if zone.conditions.is_empty() {
            return Vec::new();
        }
        let mut seats = std::mem::take(&mut zone.conditions);
        let mut changes = Vec::new();
        if let Some(zone) = self.zones.get(index) {
            let settled = zone.settled(self.plan.keep);
            let peers = match seats.iter().any(|seat| seat.coupled) {
                true => self.peers(zone.id()),
                false => Vec::new(),
            };
            let scene = Scene { own: zone.view(), peers: &peers };
            for seat in seats.iter_mut().filter(|s| s.coupled || !only_coupled) {
                let versions = self.plan.rulesets.get(&seat.ruleset);
                let Some(versions) = versions else { continue };
                let rules = ConditionRules::new(versions, &seat.condition);
                for found in seat.state.update(&rules, &scene, affected, settled) {
                    let scope = Scope::Zone(zone.id().to_owned());
                    let change = Change::of_condition(found.step, scope, now);
                    let told = Judged { change, tell: true };
                    changes.push(if found.live { told } else { Judged::in_the_past(told) });
                }
            }
        }
        if let Some(zone) = self.zones.get_mut(index) {
            zone.conditions = seats;
        }
        changes
    }

    /// The couplings of a zone with their zones.
    fn peers(&self, zone: &str) -> Vec<Peers<'_>> {
        let own = self.plan.couplings.iter().filter(|c| c.zones.iter().any(|z| z == zone));
        own.map(|c| Peers {
            coupling: &c.id,
            at_least: c.at_least,
            zones: self
                .zones
                .iter()
                .filter(|z| c.zones.iter().any(|id| id == z.id()))
                .map(Zone::view)
                .collect(),
        })
        .collect()
    }

    /// The zones with coupled conditions that decide together with one.
    fn coupled_with(&self, index: usize) -> Vec<usize> {
        let Some(zone) = self.zones.get(index) else { return Vec::new() };
        let couplings = self.plan.couplings.iter();
        let own: Vec<_> = couplings.filter(|c| c.zones.iter().any(|id| id == zone.id())).collect();
        let together = |other: &Zone| own.iter().any(|c| c.zones.iter().any(|id| id == other.id()));
        let others = self.zones.iter().enumerate().filter(|(i, z)| *i != index && together(z));
        others.filter(|(_, z)| z.conditions.iter().any(|s| s.coupled)).map(|(i, _)| i).collect()
    }
}

impl Zone {
    /// Instants up to this one are no longer open to revision.
    fn settled(&self, keep: i32) -> Stamp {
        self.evidence.last.map_or(Stamp(i64::MIN), |last| last.back(keep).end())
    }
}

/// What a zone's judgement brought, with the seasons in which it fell.
pub(super) fn judged(
    zone: &Zone,
    hours: Vec<HourJudged>,
    mut changes: Vec<Judged>,
    plan: &Plan,
) -> ZoneJudged {
    for judged in &mut changes {
        judged.change.particulars.seasons = seasons(zone, plan, judged.change.at);
    }
    ZoneJudged { zone: zone.id().to_owned(), hours, changes, levels: zone.levels(plan) }
}

/// The seasons of the zone's rulesets that are in force at an instant.
fn seasons(zone: &Zone, plan: &Plan, at: Stamp) -> BTreeMap<String, Names> {
    let Some(date) = date_of(at, &zone.planned.time_zone) else { return BTreeMap::new() };
    let versions = zone.planned.rulesets.iter().filter_map(|id| plan.rulesets.get(id));
    let rulesets = versions.filter_map(|versions| in_force(versions, at));
    let now = rulesets.flat_map(|r| &r.seasons).filter(|s| s.contains(date));
    now.map(|s| (s.id.clone(), s.title.clone())).collect()
}
