//! What the intake judges and whom it tells, taken from the settings.

use crate::air::Names;
use crate::config::Settings;
use crate::config::settings::{
    Coupling, DiskBounds, Judgement, Quarantine, Receiver, Source, Zone,
};
use crate::hotline;
use crate::quality::Model;
use crate::rules::judge::{Plan as JudgePlan, PlannedStation};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// What the intake judges and whom it tells.
#[derive(Debug)]
pub struct Plan {
    /// The sources, in the order of their ids.
    pub sources: Vec<Source>,
    /// The kinds of sensor that stations have, by device.
    pub models: HashMap<String, Model>,
    /// What is judged.
    pub judge: JudgePlan,
    /// Who is told.
    pub receivers: Vec<Receiver>,
    /// Time zones of zones by id, for texts.
    pub time_zones: BTreeMap<String, String>,
    /// Names of stations by id, for texts.
    pub station_names: BTreeMap<String, Names>,
    /// How much may be set aside.
    pub quarantine: Quarantine,
    /// How long a zone may be unknown before it is an operational alert.
    pub unknown_after: Duration,
    /// Whether steps that lie in the past are told as well.
    pub notify_late: bool,
    /// How much room the disk must have.
    pub disk: DiskBounds,
    /// Whom the hotline connects, if there is one.
    pub hotline: Option<hotline::Plan>,
}

impl Plan {
    /// The part of the settings that the intake needs.
    pub fn of(settings: &Settings) -> Plan {
        let named = settings.stations.iter().map(|s| (s.id.clone(), s.name.clone()));
        let zone_time = |z: &Zone| Some((z.id.clone(), z.time_zone.iana_name()?.to_owned()));
        Plan {
            sources: settings.sources.clone(),
            models: models(settings),
            judge: judge_plan(settings),
            receivers: settings.receivers.clone(),
            time_zones: settings.zones.iter().filter_map(zone_time).collect(),
            station_names: named.collect(),
            quarantine: settings.quarantine,
            unknown_after: settings.judgement.unknown_after,
            notify_late: settings.judgement.notify_late,
            disk: settings.disk,
            hotline: settings.hotline.clone(),
        }
    }
}

impl Plan {
    /// One that keeps readings and sums them, and judges nothing.
    pub fn without_judging(judgement: &Judgement) -> Plan {
        Plan {
            sources: Vec::new(),
            models: HashMap::new(),
            judge: JudgePlan {
                stations: Vec::new(),
                zones: Vec::new(),
                thresholds: Vec::new(),
                rulesets: BTreeMap::new(),
                couplings: Vec::new(),
                lateness: judgement.lateness,
                grace: judgement.grace,
                covers: judgement.reading_covers,
                min_coverage: judgement.min_coverage,
                neighbours: None,
                keep: 0,
            },
            receivers: Vec::new(),
            time_zones: BTreeMap::new(),
            station_names: BTreeMap::new(),
            quarantine: Quarantine::default(),
            unknown_after: judgement.unknown_after,
            notify_late: false,
            disk: DiskBounds::default(),
            hotline: None,
        }
    }
}

fn models(settings: &Settings) -> HashMap<String, Model> {
    let devices = settings.stations.iter().filter_map(|s| Some((s.model?, &s.devices)));
    devices.flat_map(|(model, all)| all.iter().map(move |d| (d.clone(), model))).collect()
}

fn judge_plan(settings: &Settings) -> JudgePlan {
    let j = &settings.judgement;
    let stations = settings.stations.iter();
    JudgePlan {
        stations: stations
            .map(|s| PlannedStation { id: s.id.clone(), devices: s.devices.clone() })
            .collect(),
        zones: settings.zones.iter().map(Zone::planned).collect(),
        thresholds: settings.thresholds.clone(),
        rulesets: settings.rulesets.clone(),
        couplings: settings.couplings.iter().map(Coupling::planned).collect(),
        lateness: j.lateness,
        grace: j.grace,
        covers: j.reading_covers,
        min_coverage: j.min_coverage,
        neighbours: settings.neighbours,
        keep: i32::try_from(j.revise_within.as_secs() / 3600).unwrap_or(i32::MAX),
    }
}
