//! A ruleset file as written, and the rulesets as meant.

use super::Fault;
use super::condition::{self, RawCondition, RawSeason};
use super::standard::{self, RawStandard, RawYear};
use crate::air::{Cause, Foretold, Names, Quantity, Stamp};
use crate::rules::condition::Condition;
use crate::rules::data::{Ladder, Level, Lift, NONE, Raise, Ruleset, Sure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    ruleset: Vec<Spanned<RawRuleset>>,
    #[serde(default, rename = "case")]
    pub(super) cases: Vec<Spanned<RawCase>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRuleset {
    id: String,
    version: Spanned<String>,
    until: Option<Spanned<String>>,
    time_zone: Spanned<String>,
    jurisdiction: String,
    title: RawNames,
    source: String,
    #[serde(default)]
    links: Vec<String>,
    sure: Sure,
    #[serde(default)]
    note: String,
    #[serde(default)]
    ladder: Vec<Spanned<RawLadder>>,
    #[serde(default)]
    condition: Vec<Spanned<RawCondition>>,
    #[serde(default)]
    season: Vec<Spanned<RawSeason>>,
    #[serde(default)]
    standard: Vec<Spanned<RawStandard>>,
}

/// Official texts are given in every language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNames {
    ko: String,
    zh: String,
    en: String,
}

impl RawNames {
    /// As names that can be stored.
    pub(super) fn names(&self) -> Names {
        Names { ko: Some(self.ko.clone()), zh: Some(self.zh.clone()), en: Some(self.en.clone()) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLadder {
    id: String,
    title: RawNames,
    quantity: Quantity,
    level: Vec<Spanned<RawLevel>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLevel {
    name: String,
    title: RawNames,
    raise: RawRaise,
    lift: RawLift,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "{ at_least = …, hours = … }")]
struct RawRaise {
    at_least: f64,
    hours: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "{ below = … }")]
struct RawLift {
    below: f64,
}

/// What comes in and what must come out, no more and no less: every change of a
/// ladder from hourly means, every change of a condition from hours, forecasts and
/// the levels of ladders, every year of a standard from hours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCase {
    pub(super) name: String,
    ladder: Option<Spanned<String>>,
    condition: Option<Spanned<String>>,
    standard: Option<Spanned<String>>,
    /// The local start of the first hour.
    pub(super) from: Spanned<String>,
    #[serde(default)]
    pub(super) means: Vec<f64>,
    #[serde(default)]
    pub(super) hours: BTreeMap<Quantity, Spanned<String>>,
    /// The same by station, where a condition looks at single stations.
    #[serde(default)]
    pub(super) stations: BTreeMap<Quantity, BTreeMap<String, Spanned<String>>>,
    #[serde(default)]
    pub(super) forecasts: Vec<Spanned<RawForecast>>,
    #[serde(default)]
    pub(super) stood: Vec<Spanned<RawStood>>,
    /// The local time until which is judged, if that is after all else.
    pub(super) until: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) changes: Option<Vec<RawChange>>,
    #[serde(default)]
    pub(super) years: Vec<RawYear>,
}

/// What a case is about, by its id.
pub(super) enum About<'a> {
    Ladder(&'a Spanned<String>),
    Condition(&'a Spanned<String>),
    Standard(&'a Spanned<String>),
}

impl<'a> About<'a> {
    /// The id, and what kind of thing has it.
    pub(super) fn id(&self) -> (&'a Spanned<String>, &'static str) {
        match self {
            About::Ladder(id) => (id, "ladder"),
            About::Condition(id) => (id, "condition"),
            About::Standard(id) => (id, "standard"),
        }
    }
}

impl RawCase {
    /// What is judged; `None` unless that is one thing.
    pub(super) fn about(&self) -> Option<About<'_>> {
        match (&self.ladder, &self.condition, &self.standard) {
            (Some(ladder), None, None) => Some(About::Ladder(ladder)),
            (None, Some(condition), None) => Some(About::Condition(condition)),
            (None, None, Some(standard)) => Some(About::Standard(standard)),
            _ => None,
        }
    }
}

/// A forecast of a local day, or of a time, issued at a local time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a forecast: { at, of, day, value }")]
pub(super) struct RawForecast {
    pub(super) at: String,
    pub(super) of: Foretold,
    pub(super) day: Option<String>,
    pub(super) from: Option<String>,
    pub(super) until: Option<String>,
    pub(super) value: f64,
    pub(super) cause: Option<Cause>,
}

/// A ladder moved.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a move of a ladder: { ladder, at, to }")]
pub(super) struct RawStood {
    pub(super) ladder: String,
    pub(super) at: String,
    pub(super) to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a change: { at, from, to }")]
pub(super) struct RawChange {
    pub(super) at: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl File {
    /// Where each ruleset begins, by id: its first version.
    pub(super) fn places(&self) -> BTreeMap<String, Range<usize>> {
        let place = |raw: &Spanned<RawRuleset>| (raw.get_ref().id.clone(), raw.span());
        self.ruleset.iter().rev().map(place).collect()
    }

    /// The time zone of the ruleset with this id.
    pub(super) fn time_zone(&self, id: &str) -> Option<jiff::tz::TimeZone> {
        let raw = self.ruleset.iter().map(Spanned::get_ref).find(|r| r.id == id)?;
        jiff::tz::TimeZone::get(raw.time_zone.get_ref()).ok()
    }
}

/// The rulesets of a file, the versions of each in order of time.
pub(super) fn rulesets(file: &File) -> Result<Vec<Ruleset>, Fault> {
    let mut all = Vec::with_capacity(file.ruleset.len());
    for raw in &file.ruleset {
        all.push((ruleset(raw)?, raw.get_ref().version.span()));
    }
    all.sort_by(|(a, _), (b, _)| (&a.id, a.from).cmp(&(&b.id, b.from)));
    for pair in all.windows(2) {
        let [(earlier, _), (later, span)] = pair else { continue };
        if earlier.id == later.id && earlier.until.is_none_or(|until| later.from < until) {
            return Err(Fault::new(
                span.clone(),
                format!("version {} begins before {} ends", later.version, earlier.version),
                format!("give the earlier one until = \"{}\"", later.version),
            ));
        }
    }
    Ok(all.into_iter().map(|(ruleset, _)| ruleset).collect())
}

fn ruleset(raw: &Spanned<RawRuleset>) -> Result<Ruleset, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let zone = jiff::tz::TimeZone::get(raw.time_zone.get_ref()).map_err(|_| {
        Fault::new(
            raw.time_zone.span(),
            format!("the time zone {:?} is not known here", raw.time_zone.get_ref()),
            "write an IANA name such as \"Asia/Seoul\", and see that the system's tzdata is there",
        )
    })?;
    let from = midnight(&raw.version, &zone)?;
    let until = raw.until.as_ref().map(|until| midnight(until, &zone)).transpose()?;
    if until.is_some_and(|until| until <= from) {
        let at = raw.until.as_ref().map_or(span.clone(), Spanned::span);
        return Err(Fault::new(at, "it ends before it begins", "write a later date"));
    }
    let mut ladders: Vec<Ladder> = Vec::with_capacity(raw.ladder.len());
    for raw in &raw.ladder {
        let ladder = ladder(raw)?;
        if ladders.iter().any(|l| l.id == ladder.id) {
            let what = format!("a second ladder {:?} in one version", ladder.id);
            return Err(Fault::new(raw.span(), what, "give it another id"));
        }
        ladders.push(ladder);
    }
    let seasons = raw.season.iter().map(condition::season).collect::<Result<Vec<_>, _>>()?;
    let mut conditions: Vec<Condition> = Vec::with_capacity(raw.condition.len());
    for raw in &raw.condition {
        let condition = condition::condition(raw, &seasons)?;
        let taken = |id: &str| *id == condition.id;
        if ladders.iter().any(|l| taken(&l.id)) || conditions.iter().any(|c| taken(&c.id)) {
            let what = format!("a second {:?} in one version", condition.id);
            return Err(Fault::new(raw.span(), what, "give it another id"));
        }
        conditions.push(condition);
    }
    let standards = standard::all(&raw.standard)?;
    if ladders.is_empty() && conditions.is_empty() && standards.is_empty() {
        let advice = "add a [[ruleset.ladder]], a [[ruleset.condition]] or a [[ruleset.standard]]";
        return Err(Fault::new(span, "a ruleset that judges nothing", advice));
    }
    Ok(Ruleset {
        id: raw.id.clone(),
        version: raw.version.get_ref().clone(),
        title: raw.title.names(),
        jurisdiction: raw.jurisdiction.clone(),
        time_zone: raw.time_zone.get_ref().clone(),
        source: raw.source.clone(),
        links: raw.links.clone(),
        sure: raw.sure,
        note: raw.note.clone(),
        from,
        until,
        ladders,
        conditions,
        seasons,
        standards,
    })
}

fn ladder(raw: &Spanned<RawLadder>) -> Result<Ladder, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let mut levels: Vec<Level> = Vec::with_capacity(raw.level.len());
    for raw in &raw.level {
        let level = level(raw)?;
        check_order(levels.last(), &level, raw.span())?;
        if level.name == NONE || levels.iter().any(|l| l.name == level.name) {
            let what = format!("the level name {:?} is taken", level.name);
            return Err(Fault::new(raw.span(), what, "give it a name of its own"));
        }
        levels.push(level);
    }
    if levels.is_empty() {
        return Err(Fault::new(span, "a ladder without levels", "add a [[ruleset.ladder.level]]"));
    }
    let title = raw.title.names();
    Ok(Ladder { id: raw.id.clone(), title, quantity: raw.quantity, levels })
}

fn level(raw: &Spanned<RawLevel>) -> Result<Level, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let raise = Raise { at_least: raw.raise.at_least, hours: raw.raise.hours };
    let lift = Lift { below: raw.lift.below };
    if !raise.at_least.is_finite() || !lift.below.is_finite() || lift.below > raise.at_least {
        let what = format!("raised at {}, lifted below {}", raise.at_least, lift.below);
        let advice = "write finite bounds, the one that lifts not above the one that raises";
        return Err(Fault::new(span, what, advice));
    }
    if raise.hours == 0 {
        return Err(Fault::new(span, "raised after 0 hours", "write hours = 1 or more"));
    }
    Ok(Level { name: raw.name.clone(), title: raw.title.names(), raise, lift })
}

fn check_order(below: Option<&Level>, level: &Level, span: Range<usize>) -> Result<(), Fault> {
    let Some(below) = below else { return Ok(()) };
    if level.raise.at_least > below.raise.at_least && level.lift.below >= below.lift.below {
        return Ok(());
    }
    let what = format!("the bounds of {:?} do not lie above those of {:?}", level.name, below.name);
    Err(Fault::new(span, what, "list the levels from the lowest to the highest"))
}

/// The first instant of a local date.
fn midnight(date: &Spanned<String>, zone: &jiff::tz::TimeZone) -> Result<Stamp, Fault> {
    let day = date.get_ref().parse::<jiff::civil::Date>().ok();
    day.and_then(|day| day.to_zoned(zone.clone()).ok())
        .map(|start| Stamp(start.timestamp().as_millisecond()))
        .ok_or_else(|| {
            let what = format!("{:?} is not a date", date.get_ref());
            Fault::new(date.span(), what, "write it as \"2018-07-01\"")
        })
}
