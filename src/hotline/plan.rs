//! Whom the hotline connects, what opens an incident, and how long things may take.

use super::drill::Drill;
use crate::air::Names;
use crate::air::place::Language;
use crate::rules::{EMERGENCY, NONE, Scale, Scope, Threshold};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The group of everything, when no groups are given.
pub(super) const ALL: &str = "all";

/// The rank of a raised threshold: above every level of an official ladder, none
/// of which has as many.
pub const EMERGENCY_RANK: u8 = 9;

/// Everything the hotline goes by. Zero as the interval of reminders, or as the
/// time to share something, means never.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The parties of every incident.
    pub parties: Vec<Party>,
    /// What opens an incident; one for each ladder or threshold at most.
    pub openers: Vec<Opener>,
    /// Zones whose bad air is one case; none: all zones together. A zone in no
    /// group is a group of its own.
    pub groups: Vec<Group>,
    /// The stations of each zone by its id; `None`: all.
    pub zones: BTreeMap<String, Option<Vec<String>>>,
    /// What zones and stations are called; those that are not here, by their ids.
    pub names: BTreeMap<Scope, Names>,
    /// What receivers are called; those that are not here, by their ids.
    pub receivers: BTreeMap<String, Names>,
    /// Receivers that an exercise never reaches.
    pub real_only: BTreeSet<String>,
    /// How often a party is reminded that must acknowledge, or share what it does.
    pub remind_every: Duration,
    /// How often a party is reminded that must agree to close.
    pub remind_close_every: Duration,
    /// How long after its end bad air opens the same case again.
    pub reopen_within: Duration,
    /// How long the air must stay at a lower level before an incident's level falls.
    pub cooling: Duration,
    /// When the level counts as lifted.
    pub lifted_when: LiftedWhen,
    /// Whether the transcript has an entry for every notice that was taken.
    pub prove_delivery: bool,
    /// Exercises that open by themselves.
    pub drills: Vec<Drill>,
}

impl Default for Plan {
    fn default() -> Plan {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Plan {
            parties: Vec::new(),
            openers: Vec::new(),
            groups: Vec::new(),
            zones: BTreeMap::new(),
            names: BTreeMap::new(),
            receivers: BTreeMap::new(),
            real_only: BTreeSet::new(),
            remind_every: minutes(30),
            remind_close_every: minutes(4 * 60),
            reopen_within: minutes(12 * 60),
            cooling: minutes(60),
            lifted_when: LiftedWhen::None,
            prove_delivery: true,
            drills: Vec::new(),
        }
    }
}

/// When the level of an incident counts as lifted, so that it can be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiftedWhen {
    /// When every ladder and threshold that it knows of stands at none.
    None,
    /// When none of them stands where it would open an incident.
    BelowOpening,
}

/// One side of the hotline.
#[derive(Debug, Clone, PartialEq)]
pub struct Party {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Names,
    /// The language of what it is sent.
    pub language: Language,
    /// Who is called, and how long after the opening; in ascending order.
    pub steps: Vec<Step>,
    /// By when it must acknowledge, from the opening.
    pub ack_within: Duration,
    /// By when it must share a measure or a note, from its acknowledgement.
    pub share_within: Duration,
    /// By when it must share another, from the last, until the level is lifted.
    pub update_within: Duration,
}

impl Party {
    /// A party that nobody is called for, with the times that are the default.
    pub fn new(id: &str) -> Party {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Party {
            id: id.to_owned(),
            name: Names::plain(id),
            language: Language::default(),
            steps: Vec::new(),
            ack_within: minutes(15),
            share_within: minutes(2 * 60),
            update_within: minutes(24 * 60),
        }
    }
}

/// One step of a party's ladder of receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How long after the opening it is climbed, unless acknowledged by then.
    pub after: Duration,
    /// Who is called.
    pub receivers: Vec<String>,
}

/// Zones whose bad air is one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Names,
    /// The zones.
    pub zones: Vec<String>,
}

/// Where a level is: the ladder or threshold, and the zone or station.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
pub struct Place {
    /// Its id.
    pub ladder: String,
    /// The zone or station.
    pub scope: Scope,
}

/// How bad a level is, comparable over ladders.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// The level's name; `none` for none.
    pub name: String,
    /// Whether it opens an incident.
    pub opens: bool,
    /// Steps above none on its ladder; [`EMERGENCY_RANK`] for a threshold.
    pub rank: u8,
}

impl Grade {
    /// No level.
    pub fn none() -> Grade {
        Grade { name: NONE.to_owned(), opens: false, rank: 0 }
    }

    /// What grades are compared by: what opens stands above what does not.
    pub fn height(&self) -> (bool, u8) {
        (self.opens, self.rank)
    }
}

/// A ladder, condition or threshold that opens incidents.
#[derive(Debug, Clone, PartialEq)]
pub struct Opener {
    /// Its id.
    pub on: String,
    /// What it is called.
    pub title: Names,
    /// Its levels above none, lowest first.
    pub levels: Vec<Grade>,
    /// What its levels are called, in their order.
    pub titles: Vec<Names>,
    /// What it is the cause of; openers of one cause share an incident.
    pub cause: String,
}

impl Opener {
    /// Opens when a ladder or condition reaches a level, by its rank.
    pub fn scale(scale: &Scale<'_>, opens_at: usize, cause: &str) -> Opener {
        let levels = scale.levels.iter().zip(1..).map(|((name, _), rank)| Grade {
            name: (*name).to_owned(),
            opens: rank >= opens_at,
            rank: u8::try_from(rank).unwrap_or(EMERGENCY_RANK).min(EMERGENCY_RANK - 1),
        });
        Opener {
            on: scale.id.to_owned(),
            title: scale.title.clone(),
            levels: levels.collect(),
            titles: scale.levels.iter().map(|(_, title)| (*title).clone()).collect(),
            cause: cause.to_owned(),
        }
    }

    /// Opens when a threshold is raised.
    pub fn threshold(threshold: &Threshold, cause: &str) -> Opener {
        let level = Grade { name: EMERGENCY.to_owned(), opens: true, rank: EMERGENCY_RANK };
        let names = |ko: &str, zh: &str, en: &str| Names {
            ko: Some(ko.to_owned()),
            zh: Some(zh.to_owned()),
            en: Some(en.to_owned()),
        };
        Opener {
            on: threshold.id.clone(),
            title: names("관측망 자체 임계값", "本网络自设阈值", "this network's own threshold"),
            levels: vec![level],
            titles: vec![names("긴급", "紧急", "emergency")],
            cause: cause.to_owned(),
        }
    }

    /// What a level is called.
    pub(super) fn level_title(&self, level: &str) -> Option<&Names> {
        let named = self.levels.iter().zip(&self.titles).find(|(g, _)| g.name == level);
        named.map(|(_, title)| title)
    }

    /// The grade of a level. One that is not known here opens: rather a call too
    /// many than one too few.
    pub(super) fn grade(&self, level: &str) -> Grade {
        if level == NONE {
            return Grade::none();
        }
        let known = self.levels.iter().find(|g| g.name == level);
        let highest = || self.levels.last().map_or(1, |g| g.rank);
        known.cloned().unwrap_or_else(|| Grade {
            name: level.to_owned(),
            opens: true,
            rank: highest(),
        })
    }
}

impl Plan {
    /// A party by its id.
    pub fn party(&self, id: &str) -> Option<&Party> {
        self.parties.iter().find(|p| p.id == id)
    }

    pub(super) fn opener(&self, on: &str) -> Option<&Opener> {
        self.openers.iter().find(|o| o.on == on)
    }

    /// Whether a level counts as lifted.
    pub(super) fn lifts(&self, level: &Grade) -> bool {
        match self.lifted_when {
            LiftedWhen::None => level.rank == 0,
            LiftedWhen::BelowOpening => !level.opens,
        }
    }

    /// The groups that there are by name.
    pub fn group_ids(&self) -> Vec<&str> {
        if self.groups.is_empty() {
            return vec![ALL];
        }
        let grouped = |zone: &&String| self.groups.iter().any(|g| g.zones.contains(zone));
        let alone = self.zones.keys().filter(|zone| !grouped(zone));
        self.groups.iter().map(|g| &g.id).chain(alone).map(String::as_str).collect()
    }

    /// The group to which a zone or station belongs: the first that has it.
    pub(super) fn group_of(&self, scope: &Scope) -> String {
        if self.groups.is_empty() {
            return ALL.to_owned();
        }
        let zones: Vec<&str> = match scope {
            Scope::Zone(id) => vec![id],
            Scope::Station(id) => {
                let has = |stations: &Option<Vec<String>>| {
                    stations.as_ref().is_none_or(|all| all.contains(id))
                };
                self.zones.iter().filter(|(_, s)| has(s)).map(|(zone, _)| zone.as_str()).collect()
            }
        };
        let named = |group: &&Group| zones.iter().any(|z| group.zones.iter().any(|id| id == z));
        match self.groups.iter().find(named) {
            Some(group) => group.id.clone(),
            None => (*zones.first().unwrap_or(&scope.id())).to_owned(),
        }
    }

    /// Those of some receivers that an incident may reach.
    pub(super) fn reachable(&self, receivers: &[String], exercise: bool) -> Vec<String> {
        let may = |id: &&String| !exercise || !self.real_only.contains(*id);
        receivers.iter().filter(may).cloned().collect()
    }
}
