//! The judge of the live path over data of the past.

use super::years::{Almanac, ZoneYear};
use super::{Choice, Data, ZoneBy, Zoning};
use crate::air::{Flag, Forecast, Hour, Measured, Names, Quantity, Reasons, Stamp, reading::Value};
use crate::rules::judge::{Judge, Judged, LevelNow, Plan, PlannedZone, Reading};
use crate::rules::{Change, Ruleset, neighbours};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Hours without any data at all that are judged one by one; what is beyond them
/// is passed over, so that one row with a wrong year does not take for ever.
const GAP_MAX: i32 = 31 * 24;

/// How data are judged.
#[derive(Debug, Clone)]
pub struct Way {
    /// Which stations are judged together.
    pub zoning: Zoning,
    /// How long a row stands for its surroundings; a whole hour for hourly means.
    pub covers: Duration,
    /// Share of an hour that must be covered for its mean to be valid, 0..=1.
    pub min_coverage: f64,
    /// How the stations of a zone are compared with each other, if they are.
    pub neighbours: Option<neighbours::Bounds>,
    /// What was forecast; each counts from its issue on.
    pub forecasts: Vec<Forecast>,
}

/// A change that would have been told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The [`Choice::asked`] that it answers.
    pub asked: String,
    /// The zone's name.
    pub name: Names,
    /// The change.
    pub change: Change,
}

/// How one ladder of one zone spent its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The [`Choice::asked`] that it belongs to.
    pub asked: String,
    /// The ladder's id.
    pub ladder: String,
    /// The zone's id.
    pub zone: String,
    /// Hours with enough data and a version in force.
    pub judged: u64,
    /// Hours with too little data.
    pub invalid: u64,
    /// Hours with enough data, for which there is no version in force.
    pub out_of_force: u64,
    /// Hours spent at each level, in the order in which it was first reached.
    pub levels: Vec<(String, u64)>,
}

impl Tally {
    /// All hours from the zone's first data to the last.
    pub fn hours(&self) -> u64 {
        self.judged + self.invalid + self.out_of_force
    }
}

/// What judging brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Every change in the order of time.
    pub changes: Vec<Told>,
    /// By choice, zone and ladder.
    pub tallies: Vec<Tally>,
    /// By choice, standard, zone and year.
    pub years: Vec<ZoneYear>,
    /// Stations that are in no zone and were not judged.
    pub outside: u64,
}

/// Judges data by every choice, side by side. Does not depend on the order in
/// which the data were read, but for revisions.
pub fn run(data: &mut Data, choices: &[Choice], way: &Way) -> Outcome {
    data.settle();
    let data = &*data;
    let mut forecasts: Vec<&Forecast> = way.forecasts.iter().collect();
    forecasts.sort_by_key(|f| f.issued_at);
    let zones = way.zoning.zones(data);
    let begins = begins(data, way, &zones);
    let mut outcome = Outcome { outside: outside(data, way, &zones), ..Outcome::default() };
    for group in groups(choices) {
        let mut side = Side::new(data, way, &zones, &group);
        side.judge(data, &begins, &forecasts);
        outcome.changes.append(&mut side.changes);
        outcome.years.extend(side.almanac.years(&group, &side.zones));
        outcome.tallies.extend(side.tallies.into_iter().flatten());
    }
    let place = |asked: &str| choices.iter().position(|c| c.asked == asked);
    outcome.changes.sort_by_key(|t| (t.change.at, place(&t.asked)));
    outcome.tallies.sort_by_key(|t| place(&t.asked));
    outcome.years.sort_by_key(|y| place(&y.asked));
    outcome
}

/// Choices that one judge can take: no two of them of one ruleset, all of one time
/// zone, since the days of a zone begin in it.
fn groups(choices: &[Choice]) -> Vec<Vec<&Choice>> {
    let clock = |c: &Choice| c.versions.first().map(|r| r.time_zone.clone());
    let together = |a: &Choice, b: &Choice| a.id != b.id && clock(a) == clock(b);
    let mut groups: Vec<Vec<&Choice>> = Vec::new();
    for choice in choices {
        match groups.iter_mut().find(|g| g.iter().all(|c| together(c, choice))) {
            Some(group) => group.push(choice),
            None => groups.push(vec![choice]),
        }
    }
    groups
}

/// The first hour of each zone: that of its first reading.
fn begins(data: &Data, way: &Way, zones: &[PlannedZone]) -> Vec<Option<Hour>> {
    let mut by_station: HashMap<&str, Hour> = HashMap::new();
    for (station, first) in way.zoning.stations_of(data).into_iter().zip(data.first_hours()) {
        if let Some(first) = first {
            let known = by_station.entry(station).or_insert(first);
            *known = first.min(*known);
        }
    }
    let begin = |zone: &PlannedZone| match &zone.stations {
        None => by_station.values().copied().min(),
        Some(ids) => ids.iter().filter_map(|id| by_station.get(id.as_str())).copied().min(),
    };
    zones.iter().map(begin).collect()
}

fn outside(data: &Data, way: &Way, zones: &[PlannedZone]) -> u64 {
    if zones.iter().any(|z| z.stations.is_none()) {
        return 0;
    }
    let inside: BTreeSet<&str> =
        zones.iter().flat_map(|z| &z.stations).flatten().map(String::as_str).collect();
    let there: BTreeSet<&str> = way.zoning.stations_of(data).into_iter().collect();
    there.difference(&inside).count() as u64
}

/// One judge with the choices it takes.
struct Side<'a> {
    judge: Judge,
    zones: Vec<PlannedZone>,
    quantities: BTreeSet<Quantity>,
    /// What was asked for, by the id of the ruleset.
    asked: BTreeMap<&'a str, &'a str>,
    changes: Vec<Told>,
    /// By zone, in the order in which the judge gives its ladders.
    tallies: Vec<Vec<Tally>>,
    almanac: Almanac,
}

impl<'a> Side<'a> {
    fn new(data: &Data, way: &Way, zones: &[PlannedZone], group: &[&'a Choice]) -> Side<'a> {
        let ids: Vec<String> = group.iter().map(|c| c.id.clone()).collect();
        let mut zones = zones.to_vec();
        for zone in &mut zones {
            match way.zoning.own_rulesets {
                true => zone.rulesets.retain(|id| ids.contains(id)),
                false => zone.rulesets.clone_from(&ids),
            }
        }
        let rulesets =
            || group.iter().flat_map(|c| c.versions.iter().chain(c.asks.values().flatten()));
        let mut quantities: BTreeSet<Quantity> =
            rulesets().flat_map(|r| &r.ladders).map(|l| l.quantity).collect();
        quantities.extend(
            rulesets()
                .flat_map(|r| &r.conditions)
                .flat_map(|c| c.quantities().into_iter().chain([c.quantity])),
        );
        let almanac = Almanac::of(group);
        quantities.extend(almanac.quantities());
        let asks = group.iter().flat_map(|c| c.asks.clone());
        let mut known: BTreeMap<String, Vec<Ruleset>> = asks.collect();
        known.extend(group.iter().map(|c| (c.id.clone(), c.versions.clone())));
        if !matches!(way.zoning.by, ZoneBy::Planned(_)) {
            let clock = rulesets().next().and_then(|r| TimeZone::get(&r.time_zone).ok());
            for zone in &mut zones {
                zone.time_zone = clock.clone().unwrap_or(TimeZone::UTC);
            }
        }
        let plan = Plan {
            stations: way.zoning.stations.clone(),
            zones: zones.clone(),
            thresholds: Vec::new(),
            rulesets: known,
            couplings: way.zoning.couplings.clone(),
            lateness: Duration::ZERO,
            grace: Duration::ZERO,
            covers: way.covers,
            min_coverage: way.min_coverage,
            neighbours: way.neighbours,
            // Nothing comes late: all data are there.
            keep: 0,
        };
        let mut judge = Judge::new(plan, Stamp(i64::MIN));
        data.devices().iter().for_each(|name| judge.announce(name));
        Side {
            judge,
            quantities,
            asked: group.iter().map(|c| (c.id.as_str(), c.asked.as_str())).collect(),
            changes: Vec::new(),
            tallies: vec![Vec::new(); zones.len()],
            almanac,
            zones,
        }
    }

    /// Feeds every sample and closes every hour.
    fn judge(&mut self, data: &Data, begins: &[Option<Hour>], forecasts: &[&Forecast]) {
        let mut issued = forecasts;
        let samples = data.samples();
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
        let (mut hour, last) = (first.at.hour(), last.at.hour());
        let mut rest = samples;
        let mut empty = 0;
        let value = Value::main(Quantity::Pm2_5, 0.0);
        let mut measured = Measured { value, flag: Flag::Pass, reasons: Reasons::default() };
        while hour <= last {
            let now = rest.partition_point(|s| s.at.hour() <= hour);
            let (these, later) = rest.split_at(now);
            rest = later;
            for s in these.iter().filter(|s| self.quantities.contains(&s.quantity)) {
                (measured.value.quantity, measured.value.value) = (s.quantity, s.value);
                let reading =
                    Reading { device: s.device + 1, at: s.at, measured: &measured, label: 0 };
                self.judge.reading(reading, None);
            }
            let known = issued.partition_point(|f| f.issued_at <= hour.end());
            let (new, rest_of_issues) = issued.split_at(known);
            issued = rest_of_issues;
            self.take_forecasts(new);
            self.close(hour, begins);
            empty = if these.is_empty() { empty + 1 } else { 0 };
            let next = rest.first().map_or(hour.next(), |s| s.at.hour());
            let over = next.0.saturating_sub(hour.0).saturating_sub(1);
            if empty >= GAP_MAX && over > 0 {
                self.pass_over(over.unsigned_abs().into());
                hour = next;
            } else if hour.next() > hour {
                hour = hour.next();
            } else {
                return;
            }
        }
    }

    /// Takes what was issued up to the end of the hour that is closed next, what was
    /// issued at one time together.
    fn take_forecasts(&mut self, issued: &[&Forecast]) {
        for bulletin in issued.chunk_by(|a, b| a.issued_at == b.issued_at) {
            let Some(at) = bulletin.first().map(|f| f.issued_at) else { continue };
            let judged = self.judge.forecasts(bulletin.iter().copied(), at);
            judged.into_iter().flat_map(|j| j.changes).for_each(|j| self.tell(j));
        }
    }

    /// Closes an hour in every zone that has begun.
    fn close(&mut self, hour: Hour, begins: &[Option<Hour>]) {
        for (zone, begin) in begins.iter().enumerate() {
            if !begin.is_some_and(|begin| begin <= hour) {
                continue;
            }
            let Some(planned) = self.zones.get(zone) else { continue };
            let all = self.judge.close_zone(&planned.id, hour, hour.end(), |_, _| None);
            let own = all.first();
            own.iter().for_each(|j| self.almanac.note(zone, planned, &j.hours));
            let levels = own.map(|j| j.levels.clone()).unwrap_or_default();
            for judged in all.into_iter().flat_map(|j| j.changes) {
                self.tell(judged);
            }
            self.count(zone, &levels);
        }
        self.judge.close_devices(hour.next(), 1..=u32::MAX);
    }

    fn tell(&mut self, judged: Judged) {
        let change = judged.change;
        let asked = self.asked_of(&change.ruleset);
        let zone = self.zones.iter().find(|z| z.id == change.scope.id());
        let name = zone.map_or_else(|| Names::plain(change.scope.id()), |z| z.name.clone());
        self.changes.push(Told { asked, name, change });
    }

    fn asked_of(&self, ruleset: &str) -> String {
        let id = ruleset.split('@').next().unwrap_or(ruleset);
        self.asked.get(id).copied().unwrap_or(ruleset).to_owned()
    }

    fn count(&mut self, zone: usize, levels: &[LevelNow]) {
        let known = self.tallies.get(zone).map_or(0, Vec::len);
        for level in levels.iter().skip(known) {
            let asked = self.asked_of(&level.ruleset);
            let ladder = level.ladder.clone();
            let zone_id = level.scope.id().to_owned();
            let tally = Tally {
                asked,
                ladder,
                zone: zone_id,
                judged: 0,
                invalid: 0,
                out_of_force: 0,
                levels: Vec::new(),
            };
            if let Some(tallies) = self.tallies.get_mut(zone) {
                tallies.push(tally);
            }
        }
        let Some(tallies) = self.tallies.get_mut(zone) else { return };
        for (tally, level) in tallies.iter_mut().zip(levels) {
            let valid = level.unknown_since.is_none();
            match (valid, level.ruleset.contains('@')) {
                (false, _) => tally.invalid += 1,
                (true, false) => tally.out_of_force += 1,
                (true, true) => tally.judged += 1,
            }
            match tally.levels.iter_mut().find(|(name, _)| *name == level.level) {
                Some((_, hours)) => *hours += 1,
                None => tally.levels.push((level.level.clone(), 1)),
            }
        }
    }

    /// Counts hours that were not judged one by one: nothing moves in them.
    fn pass_over(&mut self, hours: u64) {
        let levels: Vec<LevelNow> = self.judge.levels();
        for tally in self.tallies.iter_mut().flatten() {
            tally.invalid += hours;
            let now = levels
                .iter()
                .find(|l| l.scope.id() == tally.zone && l.ladder == tally.ladder)
                .map(|l| l.level.as_str());
            if let Some((_, at)) =
                tally.levels.iter_mut().find(|(name, _)| Some(name.as_str()) == now)
            {
                *at += hours;
            }
        }
    }
}
