//! Judging the cases of a ruleset file.

use super::file::{About, File, RawCase, RawForecast};
use super::{Case, Fault, RulesetError, standard};
use crate::air::{Forecast, Hour, Quantity, Stamp};
use crate::rules::condition::{
    Condition, ConditionRules, ConditionState, Evidence, LocalTime, Scene, Term, View, Walk,
    day_of, instant_of,
};
use crate::rules::data::Ruleset;
use crate::rules::hours::micro;
use crate::rules::ladder::{LadderRules, LadderState};
use crate::rules::zone::ZoneHour;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// Share of the stations of a case that must have an hour.
const SHARE: f64 = 0.5;

/// Every case and how it came out; `locate` says where a fault is.
pub(super) fn outcomes(
    file: &File,
    rulesets: &[Ruleset],
    locate: impl Fn(Fault) -> RulesetError,
) -> Vec<Case> {
    let outcome = |case: &Spanned<RawCase>| {
        let about = case.get_ref().about();
        let id = about.map_or("", |about| about.id().0.get_ref().as_str());
        Case {
            ruleset: owner(rulesets, id).unwrap_or_default().to_owned(),
            ladder: id.to_owned(),
            name: case.get_ref().name.clone(),
            fault: check_one(file, rulesets, case).err().map(&locate),
        }
    };
    file.cases.iter().map(outcome).collect()
}

/// The id of the ruleset that has a ladder, condition or standard.
fn owner<'a>(rulesets: &'a [Ruleset], id: &str) -> Option<&'a str> {
    let has = |r: &&Ruleset| r.scale(id).is_some() || r.standards.iter().any(|s| s.id == id);
    Some(&rulesets.iter().find(has)?.id)
}

fn check_one(file: &File, rulesets: &[Ruleset], case: &Spanned<RawCase>) -> Result<(), Fault> {
    let (span, case) = (case.span(), case.get_ref());
    let Some(about) = case.about() else {
        let what = "a case of no ladder, condition or standard, or of several";
        let advice = "write ladder = \"…\", condition = \"…\" or standard = \"…\"";
        return Err(Fault::new(span, what, advice));
    };
    let (id, kind) = about.id();
    let found = owner(rulesets, id.get_ref()).and_then(|o| Some((o, file.time_zone(o)?)));
    let Some((ruleset, zone)) = found else {
        let what = format!("no {kind} {:?} in this file", id.get_ref());
        return Err(Fault::new(id.span(), what, format!("name one of its {kind}s")));
    };
    let Some(first) = local_hour(case.from.get_ref(), &zone) else {
        let what = format!("{:?} is not a local hour", case.from.get_ref());
        return Err(Fault::new(case.from.span(), what, "write it as \"2022-01-08T21:00\""));
    };
    let versions: Vec<Ruleset> = rulesets.iter().filter(|r| r.id == ruleset).cloned().collect();
    let id = id.get_ref();
    let found = match about {
        About::Ladder(_) => judge(&LadderRules::new(&versions, id, 0), first, &case.means, &zone),
        About::Condition(_) => decide(&versions, id, case, first, &zone)?,
        About::Standard(_) => standard::found(&versions, id, case, first, &zone)?,
    };
    let wanted = match about {
        About::Standard(_) => standard::wanted(case),
        _ => changes(case, &span)?,
    };
    if found != wanted {
        let none = if matches!(about, About::Standard(_)) { "no year" } else { "no change" };
        let list = |all: &[String]| match all.is_empty() {
            true => none.to_owned(),
            false => all.join(", "),
        };
        let what = format!(
            "the case {:?} gives {} where it says {}",
            case.name,
            list(&found),
            list(&wanted)
        );
        return Err(Fault::new(span, what, "correct the figures of the ruleset or the case"));
    }
    Ok(())
}

/// The changes that must come out; a case that says nothing of them proves nothing.
fn changes(case: &RawCase, span: &Range<usize>) -> Result<Vec<String>, Fault> {
    let Some(changes) = &case.changes else {
        let advice = "write changes = [{ at, from, to }, …], or [] if there is none";
        return Err(Fault::new(span.clone(), "a case without changes", advice));
    };
    Ok(changes.iter().map(|c| described(&c.at, &c.from, &c.to)).collect())
}

fn judge(rules: &LadderRules, first: Hour, means: &[f64], zone: &TimeZone) -> Vec<String> {
    let mut state = LadderState::new();
    let mut hour = first;
    let mut found = Vec::new();
    for mean in means {
        if let Some(step) = state.close(rules, hour_of(hour, *mean)) {
            found.push(described(&local(step.at, zone), &step.from, &step.to));
        }
        hour = hour.next();
    }
    found
}

/// The changes of a condition, all of its evidence being there.
fn decide(
    versions: &[Ruleset],
    id: &str,
    case: &RawCase,
    first: Hour,
    zone: &TimeZone,
) -> Result<Vec<String>, Fault> {
    let rules = ConditionRules::new(versions, id);
    let mut evidence = Evidence { walks: walks(rules.latest()), ..Evidence::default() };
    for (quantity, means) in &case.hours {
        put_hours(&mut evidence, *quantity, first, means)?;
    }
    for (quantity, stations) in &case.stations {
        put_stations(&mut evidence, *quantity, first, stations)?;
    }
    for raw in &case.forecasts {
        let forecast = forecast(raw, zone)?;
        evidence.reach(forecast.issued_at);
        evidence.forecasts.put(forecast);
    }
    for stood in &case.stood {
        let at = local_instant(&stood.get_ref().at, zone).ok_or_else(|| {
            Fault::new(stood.span(), "not a local time", "write at = \"2022-01-08T22:00\"")
        })?;
        let mut walks = evidence.walks.iter_mut().filter(|w| w.ladder == stood.get_ref().ladder);
        walks.by_ref().for_each(|w| w.stands(at, &stood.get_ref().to));
    }
    if let Some(until) = &case.until {
        let end = local_instant(until.get_ref(), zone).ok_or_else(|| {
            Fault::new(until.span(), "not a local time", "write it as \"2022-01-08T22:00\"")
        })?;
        evidence.reach(end);
    }
    let own = View {
        zone: "case",
        evidence: &evidence,
        time_zone: zone,
        issuers: None,
        min_valid_share: SHARE,
    };
    let scene = Scene { own, peers: &[] };
    let (never, always) = (Stamp(i64::MIN), Stamp(i64::MAX));
    let found = ConditionState::new().update(&rules, &scene, always, never);
    let steps = found.iter().map(|f| &f.step);
    Ok(steps.map(|s| described(&local(s.at, zone), &s.from, &s.to)).collect())
}

/// The ladders that a condition asks for.
fn walks(condition: Option<&Condition>) -> Vec<Walk> {
    let terms = condition.into_iter().flat_map(Condition::terms);
    let ladders = terms.filter_map(|term| match term {
        Term::Stood { ladder, .. } => Some(ladder),
        _ => None,
    });
    ladders.zip(condition).map(|(ladder, c)| Walk::new(ladder, c.quantity)).collect()
}

/// Means such as `"16*50.1 nan 40"`, hour by hour.
fn put_hours(
    evidence: &mut Evidence,
    quantity: Quantity,
    first: Hour,
    means: &Spanned<String>,
) -> Result<(), Fault> {
    for (hour, mean) in hours(first, means)? {
        evidence.hours.put(quantity, hour_of(hour, mean));
        evidence.judged(hour);
    }
    Ok(())
}

/// Means of single stations, and of the zone which they are.
fn put_stations(
    evidence: &mut Evidence,
    quantity: Quantity,
    first: Hour,
    stations: &BTreeMap<String, Spanned<String>>,
) -> Result<(), Fault> {
    let mut by_hour: BTreeMap<Hour, Vec<i64>> = BTreeMap::new();
    for (station, means) in stations {
        for (hour, mean) in hours(first, means)? {
            let mean = mean.is_finite().then(|| micro(mean));
            evidence.stations.put(quantity, station, hour, mean);
            by_hour.entry(hour).or_default().extend(mean);
        }
    }
    for (hour, means) in by_hour {
        let zone_hour = ZoneHour::from_means(hour, means, stations.len() as u32, SHARE);
        evidence.hours.put(quantity, zone_hour);
        evidence.judged(hour);
    }
    Ok(())
}

pub(super) fn hours(first: Hour, means: &Spanned<String>) -> Result<Vec<(Hour, f64)>, Fault> {
    let mut all = Vec::new();
    let mut hour = first;
    for word in means.get_ref().split_whitespace() {
        let (times, mean) = word.split_once('*').unwrap_or(("1", word));
        let parsed = times.parse::<u16>().ok().zip(mean.parse::<f64>().ok());
        let Some((times, mean)) = parsed else {
            let what = format!("{word:?} is no mean");
            return Err(Fault::new(means.span(), what, "write means such as \"16*50.1 nan 40\""));
        };
        for _ in 0..times {
            all.push((hour, mean));
            hour = hour.next();
        }
    }
    Ok(all)
}

fn forecast(raw: &Spanned<RawForecast>, zone: &TimeZone) -> Result<Forecast, Fault> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let period = match (&raw.day, &raw.from, &raw.until) {
        (Some(day), None, None) => day.parse().ok().and_then(|date| day_of(date, zone)),
        (None, Some(from), Some(until)) => {
            local_instant(from, zone).zip(local_instant(until, zone))
        }
        _ => None,
    };
    let known = local_instant(&raw.at, zone).zip(period);
    let Some((issued_at, (from, until))) = known else {
        let advice = "write at = \"2024-01-10T17:00\" and day = \"2024-01-11\", or from and until";
        return Err(Fault::new(span, "a forecast without its times", advice));
    };
    Ok(Forecast {
        issuer: "case".to_owned(),
        issued_at,
        zone: "case".to_owned(),
        of: raw.of,
        from,
        until,
        value: raw.value,
        cause: raw.cause,
    })
}

fn hour_of(hour: Hour, mean: f64) -> ZoneHour {
    match mean.is_finite() {
        true => ZoneHour::from_means(hour, [micro(mean)], 1, 1.0),
        false => ZoneHour::missing(hour, 1),
    }
}

fn described(at: &str, from: &str, to: &str) -> String {
    format!("{from} to {to} at {at}")
}

fn local(at: Stamp, zone: &TimeZone) -> String {
    at.local(zone).replace(' ', "T")
}

/// The instant of `YYYY-MM-DDTHH:MM`; `24:00` is the next midnight.
fn local_instant(text: &str, zone: &TimeZone) -> Option<Stamp> {
    let (date, time) = text.split_once('T')?;
    instant_of(date.parse().ok()?, LocalTime::parse(time)?, zone)
}

fn local_hour(text: &str, zone: &TimeZone) -> Option<Hour> {
    let stamp = local_instant(text, zone)?;
    Some(stamp.hour()).filter(|hour| hour.start() == stamp)
}
