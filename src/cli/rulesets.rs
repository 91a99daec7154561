//! `dustline rulesets`: the rules as people read them, built in and the operator's.

use super::data::{Format, JsonList, table};
use super::{Code, Failure, run as daemon};
use crate::air::place::Language;
use crate::air::{Names, Stamp};
use crate::config::{Machine, Own, Rulesets};
use crate::rules::condition::{Decide, all_in_words, any_in_words, lifted_in_words};
use crate::rules::{
    self, Case, Condition, Ladder, Level, Ruleset, Season, Standard, StandardLevel, Sure, in_force,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Arguments of `dustline rulesets`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List every version of every ruleset.
    List {
        #[command(flatten)]
        among: Among,
        /// A table, or JSON.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show a ruleset: source, dates, ladders and conditions in words, cases.
    Show {
        /// Its id; with @VERSION only that version.
        #[arg(value_name = "ID[@VERSION]")]
        id: String,
        #[command(flatten)]
        among: Among,
        /// Text, or JSON.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Which rulesets there are besides the built-in ones.
#[derive(Debug, Default, clap::Args)]
#[group(multiple = false)]
pub(super) struct Among {
    /// Those of a configuration as well.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Those of the files in a directory as well.
    #[arg(long, value_name = "DIR")]
    rulesets_dir: Option<PathBuf>,
}

impl Among {
    fn read(&self) -> Result<Rulesets, Failure> {
        match &self.config {
            Some(config) => Ok(daemon::load(config)?.rulesets),
            None => known(self.rulesets_dir.as_deref()),
        }
    }
}

/// The built-in rulesets, and those of a directory; every fault of them on
/// standard error.
pub(super) fn known(dir: Option<&Path>) -> Result<Rulesets, Failure> {
    Rulesets::of(dir, &Machine).map_err(daemon::told)
}

/// Prints rulesets.
///
/// # Errors
/// 64 if there is no such ruleset, or if a file of rulesets has faults.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    match &args.what {
        What::List { among, format } => list(&among.read()?, *format, out)?,
        What::Show { id, among, format } => show(&among.read()?, id, *format, out)?,
    }
    Ok(out.flush()?)
}

fn list(known: &Rulesets, format: Format, out: &mut impl Write) -> Result<(), Failure> {
    let all: Vec<&Ruleset> = known.versions.values().flatten().collect();
    if format == Format::Json {
        let mut list = JsonList::start(out, "", "rulesets")?;
        for ruleset in &all {
            list.item(&as_json(ruleset, known))?;
        }
        return Ok(list.end()?);
    }
    let titles = ["ruleset", "origin", "where", "from", "until", "sure", "title"];
    let row = |r: &&Ruleset| {
        vec![
            r.reference(),
            origin(&r.id, known),
            r.jurisdiction.clone(),
            r.version.clone(),
            r.until.map_or_else(|| "-".to_owned(), |until| day(until, r)),
            sure(r.sure).to_owned(),
            r.title.text(Language::En).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    Ok(table(out, &titles, &rows)?)
}

/// Where a ruleset comes from.
fn origin(id: &str, known: &Rulesets) -> String {
    known.own.get(id).map_or_else(|| "built in".to_owned(), Own::in_words)
}

fn show(
    known: &Rulesets,
    asked: &str,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // An id or version that there is not is refused with those that there are.
    let choice = crate::backtest::choose(asked, &known.versions)
        .map_err(|e| Failure::new(Code::Usage, e))?;
    let wanted = |r: &&Ruleset| choice.versions.iter().any(|v| v.version == r.version);
    let versions = known.versions.get(&choice.id).into_iter().flatten().filter(wanted);
    let cases: &[Case] = known.cases.get(&choice.id).map_or(&[], Vec::as_slice);
    match format {
        Format::Json => {
            let all: Vec<Value> = versions.map(|r| as_json(r, known)).collect();
            let fault = |c: &Case| c.fault.as_ref().map(ToString::to_string);
            let case = |c: &Case| json!({ "name": c.name, "ladder": c.ladder, "passed": c.fault.is_none(), "fault": fault(c) });
            let cases: Vec<Value> = cases.iter().map(case).collect();
            let whole = json!({ "id": choice.id, "versions": all, "cases": cases });
            serde_json::to_writer_pretty(&mut *out, &whole).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Format::Table => {
            for ruleset in versions {
                in_words(ruleset, known, out)?;
            }
            // One that came out differently would have been a fault on reading.
            writeln!(out, "Cases of {}, judged just now", choice.id)?;
            for case in cases {
                writeln!(out, "  passes  {}: {}", case.ladder, case.name)?;
            }
        }
    }
    Ok(())
}

fn in_words(r: &Ruleset, known: &Rulesets, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", r.reference())?;
    for (language, text) in languages(&r.title) {
        writeln!(out, "  {language}          {text}")?;
    }
    writeln!(out, "  origin      {}", origin(&r.id, known))?;
    writeln!(out, "  where       {}, dates and hours in {}", r.jurisdiction, r.time_zone)?;
    let until = match r.until {
        Some(until) => format!("until {} (not that day)", day(until, r)),
        None => "no end".to_owned(),
    };
    writeln!(out, "  in force    from {}, {until}", r.version)?;
    writeln!(out, "  source      {}", r.source)?;
    for link in &r.links {
        writeln!(out, "              {link}")?;
    }
    writeln!(out, "  how sure    {}", sure(r.sure))?;
    if !r.note.is_empty() {
        writeln!(out, "  note        {}", r.note.trim())?;
    }
    for ladder in &r.ladders {
        writeln!(
            out,
            "\n  {}  {} · judged on {}",
            ladder.id,
            joined(&ladder.title),
            ladder.quantity
        )?;
        for level in &ladder.levels {
            writeln!(out, "    {}  {}", level.name, joined(&level.title))?;
            let (raised, lifted) = words(ladder, level);
            for (sign, criterion) in [("raised", raised), ("lifted", lifted)] {
                for (language, text) in languages(&criterion) {
                    let sign = if language == Language::En { sign } else { "" };
                    writeln!(out, "      {sign:6}  {language}  {text}")?;
                }
            }
        }
    }
    for season in &r.seasons {
        let ((month, day), (last_month, last_day)) = (season.from, season.until);
        let days =
            format!("{month:02}-{day:02} to {last_month:02}-{last_day:02}, that day included");
        writeln!(out, "\n  {}  {} · season, {days}", season.id, joined(&season.title))?;
    }
    r.conditions.iter().try_for_each(|c| condition_in_words(r, c, out))?;
    r.standards.iter().try_for_each(|s| standard_in_words(s, out))?;
    writeln!(out)
}

fn standard_in_words(s: &Standard, out: &mut impl Write) -> io::Result<()> {
    let unit = s.quantity.unit_text();
    let of_days = match s.percentile {
        Some(percentile) => format!("the {percentile}th percentile of its days"),
        None => "its days, counted without a verdict".to_owned(),
    };
    writeln!(out, "\n  {}  {} · mean of a year, and {of_days}", s.id, joined(&s.title))?;
    for level in &s.levels {
        writeln!(out, "    {}  {}", level.name, joined(&level.title))?;
        let year = level.year.map_or_else(String::new, |year| format!("year ≤ {year} {unit}, "));
        writeln!(out, "      {year}day ≤ {} {unit}", level.day)?;
    }
    Ok(())
}

fn condition_in_words(r: &Ruleset, c: &Condition, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n  {}  {} · {}", c.id, joined(&c.title), decided(c))?;
    for level in &c.levels {
        writeln!(out, "    {}  {}", level.name, joined(&level.title))?;
        let alternatives = level.any.iter().map(|all| ("met", all_in_words(all, &r.seasons)));
        let lift =
            (!level.lift.is_empty()).then(|| ("lifted", any_in_words(&level.lift, &r.seasons)));
        for (sign, criterion) in alternatives.chain(lift) {
            for (language, text) in languages(&criterion) {
                let sign = if language == Language::En { sign } else { "" };
                writeln!(out, "      {sign:6}  {language}  {text}")?;
            }
        }
    }
    for (cause, remark) in &c.remarks {
        writeln!(out, "    if {cause:?}: {}", joined(remark))?;
    }
    Ok(())
}

/// When a condition is decided, and for which time.
fn decided(c: &Condition) -> String {
    let mut words = match c.decide {
        Decide::Daily(time) => format!("decided daily at {time}"),
        Decide::Always => "decided with every hour and forecast".to_owned(),
    };
    if let Some(f) = c.in_force {
        let day = match f.day {
            0 => "of that day".to_owned(),
            1 => "of the next day".to_owned(),
            n => format!("{n} days later"),
        };
        words += &format!(", in force {} to {} {day}", f.from, f.until);
    }
    if c.coupled {
        words += ", together with coupled zones";
    }
    words
}

/// What raises a ladder to a level, and what lifts it.
fn words(ladder: &Ladder, level: &Level) -> (Names, Names) {
    (rules::raised(&level.raise, ladder.quantity), rules::lifted(&level.lift, ladder.quantity))
}

fn as_json(r: &Ruleset, known: &Rulesets) -> Value {
    let level = |ladder: &Ladder, level: &Level| {
        let (raised, lifted) = words(ladder, level);
        json!({ "name": level.name, "title": level.title, "raised": raised, "lifted": lifted })
    };
    let ladder = |l: &Ladder| {
        let levels: Vec<Value> = l.levels.iter().map(|v| level(l, v)).collect();
        json!({ "id": l.id, "title": l.title, "quantity": l.quantity, "levels": levels })
    };
    let condition = |c: &Condition| {
        let levels: Vec<Value> = c
            .levels
            .iter()
            .map(|l| {
                json!({
                    "name": l.name,
                    "title": l.title,
                    "raised": any_in_words(&l.any, &r.seasons),
                    "lifted": lifted_in_words(l, &r.seasons),
                })
            })
            .collect();
        json!({ "id": c.id, "title": c.title, "quantity": c.quantity, "decided": decided(c), "levels": levels })
    };
    let standard = |s: &Standard| {
        let level = |l: &StandardLevel| json!({ "name": l.name, "title": l.title, "year": l.year, "day": l.day });
        let levels: Vec<Value> = s.levels.iter().map(level).collect();
        json!({ "id": s.id, "title": s.title, "quantity": s.quantity, "percentile": s.percentile, "levels": levels })
    };
    let season =
        |s: &Season| json!({ "id": s.id, "title": s.title, "from": s.from, "until": s.until });
    let now = in_force(std::slice::from_ref(r), crate::clock::Clock::system().now());
    json!({
        "id": r.id,
        "version": r.version,
        "ruleset": r.reference(),
        "origin": origin(&r.id, known),
        "jurisdiction": r.jurisdiction,
        "time_zone": r.time_zone,
        "title": r.title,
        "source": r.source,
        "links": r.links,
        "sure": r.sure,
        "note": r.note,
        "from": r.from.to_string(),
        "until": r.until.map(|until| until.to_string()),
        "in_force": now.is_some(),
        "ladders": r.ladders.iter().map(ladder).collect::<Vec<_>>(),
        "conditions": r.conditions.iter().map(condition).collect::<Vec<_>>(),
        "seasons": r.seasons.iter().map(season).collect::<Vec<_>>(),
        "standards": r.standards.iter().map(standard).collect::<Vec<_>>(),
    })
}

/// English first: it is what the rest of the page is in.
fn languages(names: &Names) -> impl Iterator<Item = (Language, &str)> {
    let order = [Language::En, Language::Ko, Language::Zh];
    order.into_iter().map(|language| (language, names.text(language)))
}

fn joined(names: &Names) -> String {
    languages(names).map(|(_, text)| text).collect::<Vec<_>>().join(" · ")
}

fn sure(sure: Sure) -> &'static str {
    match sure {
        Sure::ReadInSource => "read in source",
        Sure::WidelyReported => "widely reported",
        Sure::FromMemory => "from memory",
    }
}

/// The local date of an instant.
fn day(at: Stamp, r: &Ruleset) -> String {
    let zone = TimeZone::get(&r.time_zone).unwrap_or(TimeZone::UTC);
    at.local(&zone).chars().take(10).collect()
}
