//! A zone, its judged hours and its ladders.

use super::outcome::{self, Judged, LevelNow, ZoneJudged};
use super::{Plan, PlannedZone};
use crate::air::{Hour, Quantity, Stamp};
use crate::rules::{LadderRules, LadderState, Scope, ZoneHour};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// A zone as it stands.
#[derive(Debug)]
pub(super) struct Zone {
    planned: PlannedZone,
    /// Places of its stations.
    pub stations: Vec<u32>,
    /// What its ladders look at.
    pub quantities: Vec<Quantity>,
    /// The next hour to judge; `None` before the first reading.
    pub next: Option<Hour>,
    /// How many of its stations are alive: those that it waits for.
    pub alive: u32,
    /// How many stations have reported far enough past the next hour.
    pub reached: u32,
    /// Whether an hour has been judged.
    begun: bool,
    ladders: Vec<Seat>,
    /// The hours judged last, so that a late reading can correct them.
    judged: VecDeque<(Quantity, ZoneHour)>,
}

/// One ladder of a zone.
#[derive(Debug)]
struct Seat {
    ruleset: String,
    ladder: String,
    quantity: Quantity,
    state: LadderState,
}

/// What of a [`Zone`] outlives the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedZone {
    pub id: String,
    next: Option<Hour>,
    begun: bool,
    ladders: Vec<(String, String, LadderState)>,
    judged: VecDeque<(Quantity, ZoneHour)>,
}

impl Zone {
    pub fn new(planned: &PlannedZone, plan: &Plan) -> Zone {
        let mut ladders: Vec<Seat> = Vec::new();
        for id in &planned.rulesets {
            for ladder in plan.rulesets.get(id).into_iter().flatten().flat_map(|r| &r.ladders) {
                if !ladders.iter().any(|s| s.ruleset == *id && s.ladder == ladder.id) {
                    ladders.push(Seat {
                        ruleset: id.clone(),
                        ladder: ladder.id.clone(),
                        quantity: ladder.quantity,
                        state: LadderState::new(),
                    });
                }
            }
        }
        let mut quantities: Vec<Quantity> = ladders.iter().map(|s| s.quantity).collect();
        quantities.sort_unstable();
        quantities.dedup();
        Zone {
            planned: planned.clone(),
            stations: Vec::new(),
            quantities,
            next: None,
            alive: 0,
            reached: 0,
            begun: false,
            ladders,
            judged: VecDeque::new(),
        }
    }

    pub fn id(&self) -> &str {
        &self.planned.id
    }

    pub fn save(&self) -> SavedZone {
        let seats = self.ladders.iter();
        SavedZone {
            id: self.planned.id.clone(),
            next: self.next,
            begun: self.begun,
            ladders: seats
                .map(|s| (s.ruleset.clone(), s.ladder.clone(), s.state.clone()))
                .collect(),
            judged: self.judged.clone(),
        }
    }

    pub fn restore(&mut self, saved: SavedZone) {
        self.next = saved.next;
        self.begun = saved.begun;
        self.judged = saved.judged;
        for (ruleset, ladder, state) in saved.ladders {
            let seat = self.ladders.iter_mut().find(|s| s.ruleset == ruleset && s.ladder == ladder);
            if let Some(seat) = seat {
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

    /// A station's latest report moved; `true` if the next hour is due with it.
    pub fn reach(&mut self, before: Stamp, now: Stamp, lateness: Duration) -> bool {
        let Some(target) = self.target(lateness) else { return false };
        self.reached += u32::from(before < target && now >= target);
        self.due_by_data().is_some()
    }

    pub fn due_by_data(&self) -> Option<Hour> {
        let all = self.expected(self.alive);
        self.next.filter(|_| all > 0 && self.reached >= all)
    }

    pub fn hour_of(&self, hour: Hour, means: impl Iterator<Item = i64>, expected: u32) -> ZoneHour {
        ZoneHour::from_means(hour, means, expected, self.planned.min_valid_share)
    }

    /// Judges the next hour.
    pub fn close(
        &mut self,
        hour: Hour,
        hours: Vec<(Quantity, ZoneHour)>,
        plan: &Plan,
        now: Stamp,
    ) -> ZoneJudged {
        self.next = Some(hour.next());
        self.begun = true;
        let mut changes = Vec::new();
        for seat in &mut self.ladders {
            let Some((_, zone_hour)) = hours.iter().find(|(q, _)| *q == seat.quantity) else {
                continue;
            };
            let Seat { ruleset, ladder, state, .. } = seat;
            let rules = rules_of(plan, ruleset, ladder);
            let step = rules.and_then(|rules| state.close(&rules, *zone_hour));
            changes.extend(step.map(|s| outcome::of_ladder(&self.planned.id, &s, now)));
        }
        self.judged.extend(hours.iter().copied());
        while self.judged.front().is_some_and(|(_, h)| h.hour <= hour.back(plan.keep)) {
            self.judged.pop_front();
        }
        ZoneJudged { zone: self.planned.id.clone(), hours, changes, levels: self.levels(plan) }
    }

    /// The judged hour with one station's mean replaced; `None` if the hour has
    /// not been judged or lies too far back.
    pub fn with_station(
        &self,
        quantity: Quantity,
        hour: Hour,
        (old, new): (Option<i64>, Option<i64>),
        keep: i32,
    ) -> Option<ZoneHour> {
        let judged = match self.judged.iter().find(|(q, h)| *q == quantity && h.hour == hour) {
            Some((_, judged)) => *judged,
            // Before the first hour that was judged: like one without any station.
            None if self.next.is_some_and(|next| hour < next && hour > next.back(keep)) => {
                ZoneHour::missing(hour, self.expected(self.alive))
            }
            None => return None,
        };
        let sum =
            judged.sum_micro.saturating_sub(old.unwrap_or(0)).saturating_add(new.unwrap_or(0));
        let joined = judged.stations.saturating_add(u32::from(new.is_some()));
        let stations = joined.saturating_sub(u32::from(old.is_some()));
        Some(ZoneHour::from_sum(hour, sum, stations, judged.expected, self.planned.min_valid_share))
    }

    /// Puts a corrected hour in the place of the judged one and judges again.
    pub fn revise(
        &mut self,
        quantity: Quantity,
        hour: ZoneHour,
        plan: &Plan,
        now: Stamp,
    ) -> Option<ZoneJudged> {
        match self.judged.iter_mut().find(|(q, h)| *q == quantity && h.hour == hour.hour) {
            Some((_, judged)) => *judged = hour,
            None => {
                let place = self.judged.partition_point(|(_, h)| h.hour <= hour.hour);
                self.judged.insert(place, (quantity, hour));
            }
        }
        let mut changes = Vec::new();
        for seat in self.ladders.iter_mut().filter(|s| s.quantity == quantity) {
            let Seat { ruleset, ladder, state, .. } = seat;
            let rules = rules_of(plan, ruleset, ladder);
            let revision = rules.and_then(|rules| state.revise(&rules, hour));
            let Some(revision) = revision else { continue };
            let live = revision.live.as_ref();
            let told = |s: &crate::rules::Step| {
                live.is_some_and(|l| l.at == s.at && l.from == s.from && l.to == s.to)
            };
            let past = revision.added.iter().filter(|s| !told(s));
            let past = past.map(|s| outcome::of_ladder(&self.planned.id, s, now));
            changes.extend(past.map(Judged::in_the_past));
            changes.extend(live.map(|s| outcome::of_ladder(&self.planned.id, s, now)));
        }
        Some(ZoneJudged {
            zone: self.planned.id.clone(),
            hours: vec![(quantity, hour)],
            changes,
            levels: self.levels(plan),
        })
    }

    /// Where the ladders stand.
    pub fn levels(&self, plan: &Plan) -> Vec<LevelNow> {
        self.ladders.iter().map(|seat| self.level_of(seat, plan)).collect()
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
        }
    }
}

fn rules_of<'a>(plan: &'a Plan, ruleset: &str, ladder: &'a str) -> Option<LadderRules<'a>> {
    Some(LadderRules::new(plan.rulesets.get(ruleset)?, ladder, plan.keep))
}
