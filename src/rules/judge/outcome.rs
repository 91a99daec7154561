//! What a judgement brings: changes, and where things stand.

use crate::air::{Hour, Quantity, Stamp};
use crate::rules::{Change, Scope, Step, Threshold, ThresholdStep, ZoneHour};

/// A change, and whether receivers are told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The change.
    pub change: Change,
    /// `false` for what late data showed to have been in the past and that makes
    /// no difference now.
    pub tell: bool,
}

impl Judged {
    /// A step that only late data brought out and that makes no difference now.
    pub(super) fn in_the_past(judged: Judged) -> Judged {
        Judged { change: Change { late: true, ..judged.change }, tell: false }
    }
}

/// A zone's hour that was judged, for the first time or again.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneJudged {
    /// The zone's id.
    pub zone: String,
    /// The hour of each quantity.
    pub hours: Vec<(Quantity, ZoneHour)>,
    /// What followed.
    pub changes: Vec<Judged>,
    /// Where the zone's ladders stand now.
    pub levels: Vec<LevelNow>,
}

/// Where a ladder stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelNow {
    /// The ladder's id.
    pub ladder: String,
    /// Where.
    pub scope: Scope,
    /// The level's name.
    pub level: String,
    /// Since when; `None` if it has never moved.
    pub since: Option<Stamp>,
    /// The hour judged last.
    pub last: Option<ZoneHour>,
    /// The ruleset and its version.
    pub ruleset: String,
    /// Since when too little data came, or too few forecasts.
    pub unknown_since: Option<Stamp>,
    /// Whether it rests on hours of the zone, and not on forecasts and dates alone.
    pub measured: bool,
}

impl LevelNow {
    /// The hour judged last.
    pub fn hour(&self) -> Option<Hour> {
        self.last.map(|z| z.hour)
    }
}

pub(super) fn of_ladder(zone: &str, step: &Step, now: Stamp) -> Judged {
    let change = Change::of_ladder(step, Scope::Zone(zone.to_owned()), now);
    Judged { change, tell: true }
}

pub(super) fn of_threshold(
    rule: &Threshold,
    station: &str,
    step: &ThresholdStep,
    now: Stamp,
    name: impl Fn(u32) -> String,
) -> Judged {
    Judged { change: Change::of_threshold(rule, step, station, name, now), tell: true }
}
