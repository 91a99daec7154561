//! Conditions and seasons as written in a ruleset file.

use super::Fault;
use super::file::RawNames;
use crate::air::{Cause, Foretold, Quantity};
use crate::rules::condition::{
    Any, Bound, Condition, ConditionLevel, Decide, InForce, Lifted, LocalTime, Measure, Season,
    Side, StationMean, Term, Window,
};
use crate::rules::data::NONE;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCondition {
    id: String,
    title: RawNames,
    quantity: Quantity,
    /// The local time of a daily decision; without it, always.
    decide_at: Option<Spanned<String>>,
    in_force: Option<Spanned<RawInForce>>,
    #[serde(default)]
    coupled: bool,
    #[serde(default)]
    remark: BTreeMap<String, RawNames>,
    level: Vec<Spanned<RawLevel>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInForce {
    day: u8,
    from: String,
    until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLevel {
    name: String,
    title: RawNames,
    any: Vec<Vec<Spanned<RawTerm>>>,
    #[serde(default)]
    lift: Vec<Vec<Spanned<RawTerm>>>,
}

#[derive(Deserialize)]
#[serde(tag = "term", rename_all = "snake_case", deny_unknown_fields)]
enum RawTerm {
    Mean { of: Quantity, from: String, until: String, is: String },
    StationMean(RawStationMean),
    Hours { of: Quantity, hours: u8, from: Option<String>, until: Option<String>, is: String },
    Stood { ladder: String, levels: Vec<String>, title: RawNames, from: String, until: String },
    Forecast { of: Foretold, day: u8, is: String, cause: Option<Cause> },
    Outlook { of: Foretold, hours: u16, is: String },
    Ahead { of: Foretold, hours: u16, is: String },
    DayMean { of: Quantity, is: String, days: Option<u8> },
    AqiCnDay { is: String },
    AqiCnHour { is: String },
    Cai { is: String },
    AqiUs { is: String },
    AqiUsDay { is: String },
    Season { id: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStationMean {
    of: Quantity,
    rank: u8,
    from: String,
    until: String,
    is: String,
    lifted: Option<RawLifted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLifted {
    hours: u8,
    is: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSeason {
    id: String,
    title: RawNames,
    from: String,
    until: String,
}

/// A season as meant.
pub(super) fn season(raw: &Spanned<RawSeason>) -> Result<Season, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let day = |text: &str| {
        let (month, day) = text.split_once('-')?;
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        // A leap year, so that 29 February may be named.
        jiff::civil::Date::new(2024, month, day).is_ok().then_some((month, day))
    };
    let both = day(&raw.from).zip(day(&raw.until));
    let (from, until) = both.ok_or_else(|| {
        let what = format!("{:?} to {:?} is no part of a year", raw.from, raw.until);
        Fault::new(span, what, "write month and day, such as \"12-01\" and \"03-31\"")
    })?;
    Ok(Season { id: raw.id.clone(), title: raw.title.names(), from, until })
}

/// A condition as meant.
pub(super) fn condition(
    raw: &Spanned<RawCondition>,
    seasons: &[Season],
) -> Result<Condition, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let decide = match &raw.decide_at {
        Some(at) => Decide::Daily(local_time(at.get_ref(), at.span())?),
        None => Decide::Always,
    };
    let in_force = raw.in_force.as_ref().map(in_force).transpose()?;
    let mut levels: Vec<ConditionLevel> = Vec::with_capacity(raw.level.len());
    for raw in &raw.level {
        let level = level(raw, seasons)?;
        if level.name == NONE || levels.iter().any(|l| l.name == level.name) {
            let what = format!("the level name {:?} is taken", level.name);
            return Err(Fault::new(raw.span(), what, "give it a name of its own"));
        }
        levels.push(level);
    }
    if levels.is_empty() {
        let advice = "add a [[ruleset.condition.level]]";
        return Err(Fault::new(span, "a condition without levels", advice));
    }
    let remarks = raw.remark.iter().map(|(cause, text)| match cause.as_str() {
        "dust" => Ok((Cause::Dust, text.names())),
        "wildfire" => Ok((Cause::Wildfire, text.names())),
        other => {
            let what = format!("{other:?} is no cause");
            Err(Fault::new(span.clone(), what, "write dust or wildfire"))
        }
    });
    Ok(Condition {
        id: raw.id.clone(),
        title: raw.title.names(),
        quantity: raw.quantity,
        decide,
        in_force,
        coupled: raw.coupled,
        remarks: remarks.collect::<Result<_, _>>()?,
        levels,
    })
}

fn in_force(raw: &Spanned<RawInForce>) -> Result<InForce, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let (from, until) =
        (local_time(&raw.from, span.clone())?, local_time(&raw.until, span.clone())?);
    if until <= from {
        return Err(Fault::new(span, "it ends before it begins", "write a later time for until"));
    }
    Ok(InForce { day: raw.day, from, until })
}

fn level(raw: &Spanned<RawLevel>, seasons: &[Season]) -> Result<ConditionLevel, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    if raw.any.is_empty() || raw.any.iter().chain(&raw.lift).any(Vec::is_empty) {
        let advice = "write any = [[{ term = … }, …], …]: alternatives, each with its terms";
        return Err(Fault::new(span, "a criterion without terms", advice));
    }
    let of = |any: &[Vec<Spanned<RawTerm>>]| -> Result<Any, Fault> {
        any.iter().map(|all| all.iter().map(|t| term(t, seasons)).collect()).collect()
    };
    Ok(ConditionLevel {
        name: raw.name.clone(),
        title: raw.title.names(),
        any: of(&raw.any)?,
        lift: of(&raw.lift)?,
    })
}

fn term(raw: &Spanned<RawTerm>, seasons: &[Season]) -> Result<Term, Fault> {
    let span = raw.span();
    let bound = |text: &str| bound(text, span.clone());
    let value = |measure, is: &str, days: Option<u8>| {
        Ok(Term::Value { measure, days: days.unwrap_or(1), bound: bound(is)? })
    };
    match raw.get_ref() {
        RawTerm::Mean { of, from, until, is } => Ok(Term::Mean {
            quantity: *of,
            window: window(from, until, span.clone())?,
            bound: bound(is)?,
        }),
        RawTerm::StationMean(raw) => Ok(Term::StationMean(station_mean(raw, span)?)),
        RawTerm::Hours { of, hours, from, until, is } => {
            if *hours == 0 {
                return Err(Fault::new(span.clone(), "0 hours", "write hours = 1 or more"));
            }
            let window = match (from, until) {
                (None, None) => None,
                (from, until) => {
                    let from = from.as_deref().unwrap_or("00:00");
                    Some(window(from, until.as_deref().unwrap_or("24:00"), span.clone())?)
                }
            };
            Ok(Term::Hours { quantity: *of, hours: *hours, window, bound: bound(is)? })
        }
        RawTerm::Stood { ladder, levels, title, from, until } => Ok(Term::Stood {
            ladder: ladder.clone(),
            levels: levels.clone(),
            title: title.names(),
            window: window(from, until, span.clone())?,
        }),
        RawTerm::Forecast { of, day, is, cause } => {
            Ok(Term::Forecast { of: *of, day: *day, bound: bound(is)?, cause: *cause })
        }
        RawTerm::Outlook { of, hours, is } => {
            Ok(Term::Outlook { of: *of, hours: *hours, bound: bound(is)? })
        }
        RawTerm::Ahead { of, hours, is } => {
            Ok(Term::Ahead { of: *of, hours: *hours, bound: bound(is)? })
        }
        RawTerm::DayMean { of, is, days } => value(Measure::DayMean(*of), is, *days),
        RawTerm::AqiCnDay { is } => value(Measure::AqiCnDay, is, None),
        RawTerm::AqiCnHour { is } => value(Measure::AqiCnHour, is, None),
        RawTerm::Cai { is } => value(Measure::Cai, is, None),
        RawTerm::AqiUs { is } => value(Measure::AqiUs, is, None),
        RawTerm::AqiUsDay { is } => value(Measure::AqiUsDay, is, None),
        RawTerm::Season { id } if seasons.iter().any(|s| s.id == *id) => {
            Ok(Term::Season(id.clone()))
        }
        RawTerm::Season { id } => {
            let what = format!("no season {id:?} in this version");
            Err(Fault::new(span, what, "add a [[ruleset.season]]"))
        }
    }
}

fn station_mean(raw: &RawStationMean, span: Range<usize>) -> Result<StationMean, Fault> {
    if raw.rank == 0 {
        return Err(Fault::new(span, "rank 0", "write rank = 1 for the highest station"));
    }
    let lifted = |raw: &RawLifted| {
        if raw.hours == 0 {
            return Err(Fault::new(span.clone(), "0 hours", "write hours = 1 or more"));
        }
        Ok(Lifted { hours: raw.hours, bound: bound(&raw.is, span.clone())? })
    };
    Ok(StationMean {
        quantity: raw.of,
        rank: raw.rank,
        window: window(&raw.from, &raw.until, span.clone())?,
        lifted: raw.lifted.as_ref().map(lifted).transpose()?,
        bound: bound(&raw.is, span)?,
    })
}

fn window(from: &str, until: &str, span: Range<usize>) -> Result<Window, Fault> {
    let window =
        Window { from: local_time(from, span.clone())?, until: local_time(until, span.clone())? };
    if window.until <= window.from {
        return Err(Fault::new(span, "it ends before it begins", "write a later time for until"));
    }
    Ok(window)
}

fn local_time(text: &str, span: Range<usize>) -> Result<LocalTime, Fault> {
    LocalTime::parse(text).ok_or_else(|| {
        let what = format!("{text:?} is no time of the day");
        Fault::new(span, what, "write hours and minutes, such as \"17:10\", up to \"24:00\"")
    })
}

fn bound(text: &str, span: Range<usize>) -> Result<Bound, Fault> {
    let (sign, value) = text.split_once(' ').unwrap_or((text, ""));
    let side = match sign {
        ">" => Some(Side::Above),
        ">=" | "≥" => Some(Side::AtLeast),
        "<" => Some(Side::Below),
        "<=" | "≤" => Some(Side::AtMost),
        _ => None,
    };
    let value = value.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    side.zip(value).map(|(side, value)| Bound { side, value }).ok_or_else(|| {
        let what = format!("{text:?} is no bound");
        Fault::new(span, what, "write a sign, a space and a number, such as \"> 50\" or \">= 75\"")
    })
}
