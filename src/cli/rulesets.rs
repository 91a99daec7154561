//! `dustline rulesets`: the official rules as people read them.

use super::data::{Format, JsonList, table};
use super::{Code, Failure};
use crate::air::place::Language;
use crate::air::{Names, Stamp};
use crate::rules::condition::{Decide, all_in_words, any_in_words, lifted_in_words};
use crate::rules::{self, Case, Condition, Ladder, Level, Ruleset, Season, Sure, in_force};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::io::{self, Write};

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
        /// A table, or JSON.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show a ruleset: source, dates, ladders and conditions in words, cases.
    Show {
        /// Its id; with @VERSION only that version.
        #[arg(value_name = "ID[@VERSION]")]
        id: String,
        /// Text, or JSON.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Prints rulesets.
///
/// # Errors
/// 64 if there is no such ruleset, 1 if a case of it comes out differently.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let known = rules::builtin().map_err(|e| Failure::new(Code::Failed, e))?;
    match &args.what {
        What::List { format } => {
            let all: Vec<&Ruleset> = known.values().flatten().collect();
            list(&all, *format, out)?;
        }
        What::Show { id, format } => show(&known, id, *format, out)?,
    }
    Ok(out.flush()?)
}

fn list(all: &[&Ruleset], format: Format, out: &mut impl Write) -> Result<(), Failure> {
    if format == Format::Json {
        let mut list = JsonList::start(out, "", "rulesets")?;
        for ruleset in all {
            list.item(&as_json(ruleset))?;
        }
        return Ok(list.end()?);
    }
    let titles = ["ruleset", "where", "from", "until", "sure", "title"];
    let row = |r: &&Ruleset| {
        vec![
            r.reference(),
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

fn show(
    known: &std::collections::BTreeMap<String, Vec<Ruleset>>,
    asked: &str,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // An id or version that there is not is refused with those that there are.
    let choice = crate::backtest::choose(asked, known).map_err(|e| Failure::new(Code::Usage, e))?;
    let wanted = |r: &&Ruleset| choice.versions.iter().any(|v| v.version == r.version);
    let versions: Vec<&Ruleset> =
        known.get(&choice.id).into_iter().flatten().filter(wanted).collect();
    let cases = rules::builtin_cases().map_err(|e| Failure::new(Code::Failed, e))?;
    let cases: Vec<&Case> = cases.iter().filter(|c| c.ruleset == choice.id).collect();
    match format {
        Format::Json => {
            let all: Vec<Value> = versions.iter().map(|r| as_json(r)).collect();
            let case = |c: &&Case| json!({ "name": c.name, "ladder": c.ladder, "passed": c.fault.is_none(), "fault": c.fault });
            let cases: Vec<Value> = cases.iter().map(case).collect();
            let whole = json!({ "id": choice.id, "versions": all, "cases": cases });
            serde_json::to_writer_pretty(&mut *out, &whole).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Format::Table => {
            for ruleset in versions {
                in_words(ruleset, out)?;
            }
            writeln!(out, "Cases of {}, judged just now", choice.id)?;
            for case in &cases {
                let verdict = if case.fault.is_none() { "passes" } else { "FAILS " };
                writeln!(out, "  {verdict}  {}: {}", case.ladder, case.name)?;
                if let Some(fault) = &case.fault {
                    writeln!(out, "          {fault}")?;
                }
            }
        }
    }
    match cases.iter().filter(|c| c.fault.is_some()).count() {
        0 => Ok(()),
        n => Err(Failure::new(Code::Failed, format!("{n} cases come out differently"))),
    }
}

fn in_words(r: &Ruleset, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", r.reference())?;
    for (language, text) in languages(&r.title) {
        writeln!(out, "  {language}          {text}")?;
    }
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
    writeln!(out)
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

fn as_json(r: &Ruleset) -> Value {
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
    let season =
        |s: &Season| json!({ "id": s.id, "title": s.title, "from": s.from, "until": s.until });
    let now = in_force(std::slice::from_ref(r), crate::clock::Clock::system().now());
    json!({
        "id": r.id,
        "version": r.version,
        "ruleset": r.reference(),
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
