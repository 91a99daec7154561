//! Standards as written in a ruleset file, and their cases.

use super::Fault;
use super::cases::hours;
use super::file::{RawCase, RawNames};
use crate::air::{Hour, Quantity};
use crate::rules::condition::{Truth, date_of};
use crate::rules::data::Ruleset;
use crate::rules::hours::micro;
use crate::rules::standard::{Days, Standard, StandardLevel};
use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStandard {
    id: String,
    title: RawNames,
    quantity: Quantity,
    percentile: Option<Spanned<u8>>,
    level: Vec<Spanned<RawLevel>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLevel {
    name: String,
    title: RawNames,
    year: Option<f64>,
    day: f64,
}

/// What a year must come out as, for one level.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a year: { year, level, mean, above, days }")]
pub(super) struct RawYear {
    year: i16,
    level: String,
    mean: Option<String>,
    above: u32,
    days: Option<String>,
}

/// The standards of a version as meant.
pub(super) fn all(all: &[Spanned<RawStandard>]) -> Result<Vec<Standard>, Fault> {
    let mut standards: Vec<Standard> = Vec::with_capacity(all.len());
    for raw in all {
        let standard = standard(raw)?;
        if standards.iter().any(|s| s.id == standard.id) {
            let what = format!("a second standard {:?} in one version", standard.id);
            return Err(Fault::new(raw.span(), what, "give it another id"));
        }
        standards.push(standard);
    }
    Ok(standards)
}

/// A standard as meant.
fn standard(raw: &Spanned<RawStandard>) -> Result<Standard, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    if let Some(percentile) = raw.percentile.as_ref().filter(|p| !(1..=99).contains(p.get_ref())) {
        let what = format!("{} is no percentile", percentile.get_ref());
        return Err(Fault::new(percentile.span(), what, "write 1 to 99, or leave it out"));
    }
    let mut levels: Vec<StandardLevel> = Vec::with_capacity(raw.level.len());
    for raw in &raw.level {
        let (span, raw) = (raw.span(), raw.get_ref());
        let above = |limit: f64| !limit.is_finite() || limit <= 0.0;
        if above(raw.day) || raw.year.is_some_and(|year| above(year) || year > raw.day) {
            let advice = "write finite limits above 0, that of the year not above that of the day";
            return Err(Fault::new(span, format!("the limits of {:?}", raw.name), advice));
        }
        if levels.iter().any(|l| l.name == raw.name) {
            let what = format!("the level name {:?} is taken", raw.name);
            return Err(Fault::new(span, what, "give it a name of its own"));
        }
        if levels.last().is_some_and(|weaker| raw.day > weaker.day) {
            let what = format!("{:?} is weaker than the level before it", raw.name);
            return Err(Fault::new(
                span,
                what,
                "list the levels from the weakest to the strictest",
            ));
        }
        let (name, title) = (raw.name.clone(), raw.title.names());
        levels.push(StandardLevel { name, title, year: raw.year, day: raw.day });
    }
    if levels.is_empty() {
        let advice = "add a [[ruleset.standard.level]]";
        return Err(Fault::new(span, "a standard without levels", advice));
    }
    Ok(Standard {
        id: raw.id.clone(),
        title: raw.title.names(),
        quantity: raw.quantity,
        percentile: raw.percentile.as_ref().map(|p| *p.get_ref()),
        levels,
    })
}

/// The years of a case in words, as they come out.
pub(super) fn found(
    versions: &[Ruleset],
    id: &str,
    case: &RawCase,
    first: Hour,
    zone: &TimeZone,
) -> Result<Vec<String>, Fault> {
    let of = |r: &Ruleset| r.standards.iter().find(|s| s.id == id).map(|s| s.quantity);
    let means = versions.iter().find_map(of).and_then(|quantity| case.hours.get(&quantity));
    let mut days = Days::default();
    for (hour, mean) in means.map_or(Ok(Vec::new()), |means| hours(first, means))? {
        if let Some(date) = date_of(hour.start(), zone).filter(|_| mean.is_finite()) {
            days.add(date, micro(mean));
        }
    }
    let years = days.years(versions, id, zone);
    let each = years.iter().flat_map(|y| y.levels.iter().map(move |l| (y.year, l)));
    Ok(each
        .map(|(year, l)| {
            described(year, &l.level.name, l.mean.map(word), l.above, l.days.map(word))
        })
        .collect())
}

/// The same as they are wanted.
pub(super) fn wanted(case: &RawCase) -> Vec<String> {
    let one =
        |y: &RawYear| described(y.year, &y.level, y.mean.as_deref(), y.above, y.days.as_deref());
    case.years.iter().map(one).collect()
}

fn word(met: Truth) -> &'static str {
    match met {
        Truth::Yes => "met",
        Truth::No => "exceeded",
        Truth::Unknown => "unknown",
    }
}

fn described(year: i16, level: &str, mean: Option<&str>, above: u32, days: Option<&str>) -> String {
    let (mean, days) = (mean.unwrap_or("not judged"), days.unwrap_or("not judged"));
    format!("{year} {level}: mean {mean}, {above} days above, {days}")
}
