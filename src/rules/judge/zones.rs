//! A zone: its judged hours, its forecasts, its ladders and conditions.

use super::conditions::Seat as ConditionSeat;
use super::outcome::{self, HourJudged, Judged, LevelNow};
use super::{Plan, PlannedZone};
use crate::air::{Hour, Quantity, Stamp};
use crate::rules::condition::{ConditionState, Evidence, View, Walk};
use crate::rules::neighbours::Compared;
use crate::rules::{LadderRules, LadderState, Scope, StationMoved, Step, ZoneHour};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A zone as it stands.
#[derive(Debug)]
pub(super) struct Zone {
    pub planned: PlannedZone,
    /// Places of its stations.
    pub stations: Vec<u32>,
    /// What its ladders, conditions and standards look at.
    pub quantities: Vec<Quantity>,
    /// Those whose hours are kept station by station: its conditions look at them so,
    /// or its mean may be without some.
    pub by_station: Vec<Quantity>,
    /// The next hour to judge; `None` before the first reading.
    pub next: Option<Hour>,
    /// How many of its stations are alive: those that it waits for.
    pub alive: u32,
    /// How many stations have reported far enough past the next hour.
    pub reached: u32,
    /// Whether an hour has been judged.
    begun: bool,
    ladders: Vec<Seat>,
    pub conditions: Vec<ConditionSeat>,
    /// What was judged, so that a late reading can correct it, and what the
    /// conditions look at.
    pub evidence: Evidence,
    /// For how many hours the evidence is kept.
    kept: i32,
}

/// One ladder of a zone.
#[derive(Debug)]
struct Seat {
    ruleset: String,
    ladder: String,
    quantity: Quantity,
    state: LadderState,
    /// `false` for one that only a condition asks for: it is judged and not told.
    told: bool,
}

/// What of a [`Zone`] outlives the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedZone {
    pub id: String,
    next: Option<Hour>,
    begun: bool,
    ladders: Vec<(String, String, LadderState)>,
    conditions: Vec<(String, String, ConditionState)>,
    evidence: Evidence,
}

impl Zone {
    pub fn new(planned: &PlannedZone, plan: &Plan) -> Zone {
        let conditions = super::conditions::seats(planned, plan);
        let mut ladders = own_ladders(planned, plan);
        let mut walks: Vec<Walk> = Vec::new();
        for asked in conditions.iter().flat_map(|seat| &seat.ladders) {
            let known = ladders.iter().find(|s| s.ladder == *asked).map(|s| s.quantity);
            let quantity = known.or_else(|| {
                let hidden = hidden_ladder(asked, plan)?;
                let quantity = hidden.quantity;
                ladders.push(hidden);
                Some(quantity)
            });
            if let Some(quantity) = quantity.filter(|_| !walks.iter().any(|w| w.ladder == *asked)) {
                walks.push(Walk::new(asked, quantity));
            }
        }
        let mut quantities: Vec<Quantity> = ladders.iter().map(|s| s.quantity).collect();
        quantities.extend(conditions.iter().flat_map(|seat| seat.quantities.iter().copied()));
        let rulesets = planned.rulesets.iter().filter_map(|id| plan.rulesets.get(id)).flatten();
        quantities.extend(rulesets.flat_map(|r| &r.standards).map(|s| s.quantity));
        quantities.sort_unstable();
        quantities.dedup();
        let asked = conditions.iter().flat_map(|seat| seat.by_station.iter().copied());
        let by_station = if plan.leaves_out() { quantities.clone() } else { asked.collect() };
        let reach = conditions.iter().map(|seat| seat.reach).max().unwrap_or(0);
        Zone {
            planned: planned.clone(),
            stations: Vec::new(),
            quantities,
            by_station,
            next: None,
            alive: 0,
            reached: 0,
            begun: false,
            ladders,
            conditions,
            evidence: Evidence { walks, ..Evidence::default() },
            kept: plan.keep.saturating_add(reach),
        }
    }

    pub fn id(&self) -> &str {
        &self.planned.id
    }

    /// The zone as its conditions see it.
    pub fn view(&self) -> View<'_> {
        View {
            zone: &self.planned.id,
            evidence: &self.evidence,
            time_zone: &self.planned.time_zone,
            min_valid_share: self.planned.min_valid_share,
            issuers: self.planned.forecasts_from.as_deref(),
        }
    }

    pub fn save(&self) -> SavedZone {
        let ladders = self.ladders.iter();
        let conditions = self.conditions.iter();
        SavedZone {
            id: self.planned.id.clone(),
            next: self.next,
            begun: self.begun,
            ladders: ladders
                .map(|s| (s.ruleset.clone(), s.ladder.clone(), s.state.clone()))
                .collect(),
            conditions: conditions
                .map(|s| (s.ruleset.clone(), s.condition.clone(), s.state.clone()))
                .collect(),
            evidence: self.evidence.clone(),
        }
    }

    pub fn restore(&mut self, saved: SavedZone) {
        self.next = saved.next;
        self.begun = saved.begun;
        let asked = std::mem::take(&mut self.evidence.walks);
        self.evidence = saved.evidence;
        self.evidence.walks.retain(|w| asked.iter().any(|a| a.ladder == w.ladder));
        for walk in asked {
            if !self.evidence.walks.iter().any(|w| w.ladder == walk.ladder) {
                self.evidence.walks.push(walk);
            }
        }
        for (ruleset, ladder, state) in saved.ladders {
            let seat = self.ladders.iter_mut().find(|s| s.ruleset == ruleset && s.ladder == ladder);
            if let Some(seat) = seat {
                seat.state = state;
            }
        }
        for (ruleset, condition, state) in saved.conditions {
            let mut seats = self.conditions.iter_mut();
            if let Some(seat) = seats.find(|s| s.ruleset == ruleset && s.condition == condition) {
                seat.state = state;
            }
        }
    }

    /// A reading of this hour came. The first hour of all is the earliest that
    /// any reading is of, until one has been judged.
    /// `true` if the next hour to judge is another one now.
    pub fn begin(&mut self, hour: Hour) -> bool {
        let earlier = self.next.is_none_or(|next| !self.begun && hour < next);
        if earlier {
            self.next = Some(hour);
        }
        earlier
    }

    /// Whether the zone has all stations that there are.
    pub fn has_all(&self) -> bool {
        self.planned.stations.is_none()
    }

    /// How many stations the zone should have: those of the configuration, or
    /// those alive if it has all that there are.
    pub fn expected(&self, alive: u32) -> u32 {
        self.planned.stations.as_ref().map_or(alive, |listed| listed.len() as u32)
    }

    /// How far a station must have reported for the next hour to be complete.
    pub fn target(&self, lateness: Duration) -> Option<Stamp> {
        self.next.map(|hour| hour.end().plus(lateness))
    }

    /// A station's latest report moved.
    pub fn reach(&mut self, before: Stamp, now: Stamp, lateness: Duration) {
        let (Some(next), Some(target)) = (self.next, self.target(lateness)) else { return };
        let since = super::alive_since(next);
        self.alive += u32::from(self.has_all() && before < since && now >= since);
        self.reached += u32::from(before < target && now >= target);
    }

    pub fn due_by_data(&self) -> Option<Hour> {
        let all = self.expected(self.alive);
        self.next.filter(|_| all > 0 && self.reached >= all)
    }

    /// An hour from its stations with their means, compared with each other if the
    /// plan says so.
    pub fn compared(
        &self,
        (quantity, hour): (Quantity, Hour),
        stations: &[(&str, i64)],
        expected: u32,
        plan: &Plan,
    ) -> HourJudged {
        let means: Vec<i64> = stations.iter().map(|(_, mean)| *mean).collect();
        let (bounds, share) = (plan.neighbours.as_ref(), self.planned.min_valid_share);
        let compared = Compared::of(bounds, hour, &means, expected, share);
        let told = stations.iter().copied().filter(|_| bounds.is_some());
        HourJudged::compared(quantity, &compared, told)
    }

    /// Judges the next hour by the ladders.
    pub fn close(
        &mut self,
        hour: Hour,
        hours: &[HourJudged],
        plan: &Plan,
        now: Stamp,
    ) -> Vec<Judged> {
        self.next = Some(hour.next());
        self.begun = true;
        self.evidence.judged(hour);
        hours.iter().for_each(|h| self.evidence.hours.put(h.quantity, h.hour));
        self.evidence.hours.forget(hour.back(self.kept));
        self.evidence.stations.forget(hour.back(self.kept));
        let mut changes = Vec::new();
        for seat in &mut self.ladders {
            let Some(judged) = hours.iter().find(|h| h.quantity == seat.quantity) else {
                continue;
            };
            let Seat { ruleset, ladder, state, told, .. } = seat;
            let rules = rules_of(plan, ruleset, ladder);
            let Some(step) = rules.and_then(|rules| state.close(&rules, judged.hour)) else {
                continue;
            };
            walks_of(&mut self.evidence, ladder).for_each(|walk| walk.moved(&step));
            if *told {
                changes.push(outcome::of_ladder(&self.planned.id, &step, now));
            }
        }
        changes
    }

    /// The judged hour with one station's mean replaced, which was `old`; `None` if
    /// the hour has not been judged or lies too far back.
    ///
    /// Where the means of all stations are kept, the hour is made anew from them: who is
    /// odd may be another one now. They are not of hours that were judged before
    /// they were asked for; in those all stations counted, and still do.
    pub fn with_station(
        &self,
        (quantity, hour): (Quantity, Hour),
        moved: &StationMoved,
        old: Option<i64>,
        plan: &Plan,
    ) -> Option<HourJudged> {
        let open = |next: Hour| hour < next && hour > next.back(plan.keep.saturating_add(1));
        if !self.next.is_some_and(open) {
            return None;
        }
        let judged = match self.evidence.hours.get(quantity, hour) {
            Some(judged) => *judged,
            // Before the first hour that was judged: like one without any station.
            None => ZoneHour::missing(hour, self.expected(self.alive)),
        };
        let kept = &self.evidence.stations;
        let mut means: BTreeMap<&str, i64> = kept.of_hour(quantity, hour).collect();
        if means.len() < judged.stations as usize {
            let share = self.planned.min_valid_share;
            let changed = judged.with_mean((old, moved.mean_micro), share);
            return Some(HourJudged::alone(quantity, changed));
        }
        match moved.mean_micro {
            Some(mean) => means.insert(&moved.station, mean),
            None => means.remove(moved.station.as_str()),
        };
        let means: Vec<(&str, i64)> = means.into_iter().collect();
        Some(self.compared((quantity, hour), &means, judged.expected, plan))
    }

    /// Notes the mean of a station's hour if it is asked for, or was when the hour was
    /// judged.
    pub fn station(&mut self, quantity: Quantity, hour: Hour, moved: &StationMoved) {
        let kept = &mut self.evidence.stations;
        if self.by_station.contains(&quantity) || kept.of_hour(quantity, hour).next().is_some() {
            kept.put(quantity, &moved.station, hour, moved.mean_micro);
        }
    }

    /// Puts a corrected hour in the place of the judged one and judges again by
    /// the ladders.
    pub fn revise(
        &mut self,
        quantity: Quantity,
        hour: ZoneHour,
        plan: &Plan,
        now: Stamp,
    ) -> Vec<Judged> {
        self.evidence.judged(hour.hour);
        self.evidence.hours.put(quantity, hour);
        let mut changes = Vec::new();
        for seat in self.ladders.iter_mut().filter(|s| s.quantity == quantity) {
            let Seat { ruleset, ladder, state, told, .. } = seat;
            let rules = rules_of(plan, ruleset, ladder);
            let revision = rules.and_then(|rules| state.revise(&rules, hour));
            let Some(revision) = revision else { continue };
            walks_of(&mut self.evidence, ladder).for_each(|walk| walk.revised(&revision));
            if !*told {
                continue;
            }
            let live = revision.live.as_ref();
            let same =
                |s: &Step| live.is_some_and(|l| l.at == s.at && l.from == s.from && l.to == s.to);
            let past = revision.added.iter().filter(|s| !same(s));
            let past = past.map(|s| outcome::of_ladder(&self.planned.id, s, now));
            changes.extend(past.map(Judged::in_the_past));
            changes.extend(live.map(|s| outcome::of_ladder(&self.planned.id, s, now)));
        }
        changes
    }

    /// Where the ladders and conditions stand.
    pub fn levels(&self, plan: &Plan) -> Vec<LevelNow> {
        let ladders = self.ladders.iter().filter(|seat| seat.told);
        let conditions = self.conditions.iter().map(|seat| seat.level(self, plan));
        ladders.map(|seat| self.level_of(seat, plan)).chain(conditions).collect()
    }

    fn level_of(&self, seat: &Seat, plan: &Plan) -> LevelNow {
        let last = seat.state.last();
        let version = last.and_then(|hour| {
            Some(rules_of(plan, &seat.ruleset, &seat.ladder)?.at(hour)?.0.reference())
        });
        LevelNow {
            ladder: seat.ladder.clone(),
            scope: Scope::Zone(self.planned.id.clone()),
            level: seat.state.level().to_owned(),
            since: seat.state.since(),
            last: last.and_then(|hour| seat.state.judged(hour).copied()),
            ruleset: version.unwrap_or_else(|| seat.ruleset.clone()),
            unknown_since: seat.state.unknown_since(),
            measured: true,
        }
    }
}

/// The ladders of the rulesets that judge the zone.
fn own_ladders(planned: &PlannedZone, plan: &Plan) -> Vec<Seat> {
    let mut ladders: Vec<Seat> = Vec::new();
    for id in &planned.rulesets {
        for ladder in plan.rulesets.get(id).into_iter().flatten().flat_map(|r| &r.ladders) {
            if !ladders.iter().any(|s| s.ruleset == *id && s.ladder == ladder.id) {
                ladders.push(seat(id, ladder, true));
            }
        }
    }
    ladders
}

/// A ladder of a ruleset that does not judge the zone, for a condition of one that
/// does.
fn hidden_ladder(id: &str, plan: &Plan) -> Option<Seat> {
    plan.rulesets.iter().find_map(|(ruleset, versions)| {
        let ladder = versions.iter().flat_map(|r| &r.ladders).find(|l| l.id == *id)?;
        Some(seat(ruleset, ladder, false))
    })
}

fn seat(ruleset: &str, ladder: &crate::rules::Ladder, told: bool) -> Seat {
    Seat {
        ruleset: ruleset.to_owned(),
        ladder: ladder.id.clone(),
        quantity: ladder.quantity,
        state: LadderState::new(),
        told,
    }
}

fn walks_of<'a>(evidence: &'a mut Evidence, ladder: &str) -> impl Iterator<Item = &'a mut Walk> {
    evidence.walks.iter_mut().filter(move |w| w.ladder == ladder)
}

fn rules_of<'a>(plan: &'a Plan, ruleset: &str, ladder: &'a str) -> Option<LadderRules<'a>> {
    Some(LadderRules::new(plan.rulesets.get(ruleset)?, ladder, plan.keep))
}
