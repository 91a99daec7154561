//! What a judgement brings: changes, and where things stand.

use crate::air::{Hour, Quantity, Stamp};
use crate::rules::neighbours::Compared;
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
    pub hours: Vec<HourJudged>,
    /// What followed.
    pub changes: Vec<Judged>,
    /// Where the zone's ladders stand now.
    pub levels: Vec<LevelNow>,
}

/// The hour of one quantity of a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct HourJudged {
    /// The quantity.
    pub quantity: Quantity,
    /// The hour as it was judged.
    pub hour: ZoneHour,
    /// Its stations, if they were compared with each other.
    pub stations: Vec<StationJudged>,
}

/// A station with a valid hour, beside the others of its zone.
#[derive(Debug, Clone, PartialEq)]
pub struct StationJudged {
    /// The station's id.
    pub station: String,
    /// Its mean in 10⁻⁶ units.
    pub mean_micro: i64,
    /// The median of the others in the quantity's unit, if it disagrees with them.
    pub odd_from: Option<f64>,
    /// Whether the zone's mean is without it.
    pub left_out: bool,
}

impl HourJudged {
    /// An hour without a word on its stations.
    pub fn alone(quantity: Quantity, hour: ZoneHour) -> HourJudged {
        HourJudged { quantity, hour, stations: Vec::new() }
    }

    /// An hour whose stations, with their means, were compared.
    pub(super) fn compared<'a>(
        quantity: Quantity,
        compared: &Compared,
        stations: impl Iterator<Item = (&'a str, i64)>,
    ) -> HourJudged {
        let judged = |(place, (station, mean_micro)): (usize, (&str, i64))| {
            let odd = compared.odd_at(place);
            StationJudged {
                station: station.to_owned(),
                mean_micro,
                odd_from: odd.map(|odd| odd.median),
                left_out: compared.left_out && odd.is_some(),
            }
        };
        let stations = stations.enumerate().map(judged).collect();
        HourJudged { quantity, hour: compared.hour, stations }
    }

    /// The ids of the stations that the zone's mean is without.
    pub fn left_out(&self) -> impl Iterator<Item = &str> {
        self.stations.iter().filter(|s| s.left_out).map(|s| s.station.as_str())
    }
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
