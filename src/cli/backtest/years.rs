//! How years stood to standards, for people and for machines.

use super::super::data::table;
use crate::air::place::Language;
use crate::backtest::ZoneYear;
use crate::rules::YearLevel;
use crate::rules::condition::Truth;
use serde_json::{Value, json};
use std::io::{self, Write};

/// A year with a line for every level.
pub(super) fn as_json(y: &ZoneYear) -> Value {
    let level = |l: &YearLevel| {
        json!({
            "level": l.level.name,
            "title": l.level.title,
            "year_limit": l.level.year,
            "year_met": l.mean.and_then(met),
            "day_limit": l.level.day,
            "days_above": l.above,
            "days_met": l.days.and_then(met),
        })
    };
    json!({
        "requested": y.asked,
        "ruleset": y.year.ruleset,
        "standard": y.standard,
        "zone": y.zone,
        "quantity": y.quantity.name(),
        "unit": y.quantity.unit(),
        "year": y.year.year,
        "days": y.year.days,
        "valid_days": y.year.valid,
        "mean": y.year.mean,
        "levels": y.year.levels.iter().map(level).collect::<Vec<_>>(),
    })
}

/// A line for every level of every year.
pub(super) fn in_words(
    years: &[ZoneYear],
    language: Language,
    out: &mut impl Write,
) -> io::Result<()> {
    let titles = [
        "ruleset",
        "zone",
        "standard",
        ">year",
        ">valid days",
        ">mean",
        "level",
        ">year limit",
        "mean is",
        ">day limit",
        ">days above",
        "days are",
    ];
    let rows: Vec<Vec<String>> =
        years.iter().flat_map(|y| y.year.levels.iter().map(|l| row(y, l, language))).collect();
    table(out, &titles, &rows)
}

fn row(y: &ZoneYear, l: &YearLevel, language: Language) -> Vec<String> {
    let none = || "-".to_owned();
    vec![
        y.year.ruleset.clone(),
        y.zone.clone(),
        y.standard.clone(),
        y.year.year.to_string(),
        format!("{} of {}", y.year.valid, y.year.days),
        format!("{:.1}", y.year.mean),
        l.level.title.text(language).to_owned(),
        l.level.year.map_or_else(none, |limit| limit.to_string()),
        l.mean.map_or_else(none, word),
        l.level.day.to_string(),
        l.above.to_string(),
        l.days.map_or_else(none, word),
    ]
}

fn met(met: Truth) -> Option<bool> {
    match met {
        Truth::Yes => Some(true),
        Truth::No => Some(false),
        Truth::Unknown => None,
    }
}

fn word(met: Truth) -> String {
    match met {
        Truth::Yes => "met",
        Truth::No => "exceeded",
        Truth::Unknown => "too few days",
    }
    .to_owned()
}
