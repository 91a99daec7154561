//! `dustline rulesets`: the official rules as people read them.

use super::data::{Format, JsonList, table};
use super::{Code, Failure};
use crate::air::place::Language;
use crate::air::{Names, Stamp};
use crate::rules::{self, Case, Ladder, Level, Ruleset, Sure, in_force};
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
    /// Show a ruleset: source, dates, ladders in words, cases.
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
    writeln!(out)
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
