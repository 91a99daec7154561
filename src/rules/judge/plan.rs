//! What is to be judged.

use crate::air::Names;
use crate::rules::{Ruleset, Threshold, neighbours};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is to be judged, and how hours are closed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Stations with their devices. A device that none names is its own station.
    pub stations: Vec<PlannedStation>,
    /// Zones.
    pub zones: Vec<PlannedZone>,
    /// Immediate thresholds, judged for every station.
    pub thresholds: Vec<Threshold>,
    /// Rulesets by id, each with its versions.
    pub rulesets: BTreeMap<String, Vec<Ruleset>>,
    /// Zones that decide together.
    pub couplings: Vec<Coupling>,
    /// How much past its end all stations must have reported for an hour to close.
    pub lateness: Duration,
    /// How much past its end our clock must be for an hour to close.
    pub grace: Duration,
    /// How long a reading stands for its surroundings in the coverage of an hour.
    pub covers: Duration,
    /// Share of an hour that must be covered for its mean to be valid.
    pub min_coverage: f64,
    /// How the stations of a zone are compared with each other, if they are.
    pub neighbours: Option<neighbours::Bounds>,
    /// For how many hours late readings still change a judgement.
    pub keep: i32,
}

impl Plan {
    /// Whether a zone's mean may be without some of its stations: then every judgement
    /// of an hour rests on all of their means.
    pub(super) fn leaves_out(&self) -> bool {
        self.neighbours.is_some_and(|bounds| !bounds.counts)
    }
}

/// A station with its devices.
#[derive(Debug, Clone)]
pub struct PlannedStation {
    /// Its id.
    pub id: String,
    /// Its devices.
    pub devices: Vec<String>,
}

/// A zone with its stations and rulesets.
#[derive(Debug, Clone)]
pub struct PlannedZone {
    /// Its id.
    pub id: String,
    /// Its name, for texts.
    pub name: Names,
    /// Its stations; `None`: all that there are.
    pub stations: Option<Vec<String>>,
    /// Share of its stations that must have a valid hour.
    pub min_valid_share: f64,
    /// Ids of the rulesets that judge it.
    pub rulesets: Vec<String>,
    /// In which its days begin and its decisions fall due.
    pub time_zone: TimeZone,
    /// Issuers whose forecasts count, the preferred one first; `None`: all but
    /// the daemon's own ([`crate::air::forecast::OWN`]), the latest issue first.
    pub forecasts_from: Option<Vec<String>>,
}

/// Zones that decide together: where a condition provides for it, a level holds
/// in all of them as soon as it is met in some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupling {
    /// Its id.
    pub id: String,
    /// Ids of its zones.
    pub zones: Vec<String>,
    /// In how many of them the level must be met.
    pub at_least: u32,
}
