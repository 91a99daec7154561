//! `dustline incident`: the hotline's cases, seen and checked in a data
//! directory, and acted on through the running daemon.

mod act;
mod document;

pub(super) use act::post;

use super::data::{DataArgs, Format, JsonList, harmless, table};
use super::{Code, Failure, run};
use crate::air::place::Language;
use crate::hotline::{self, Plan};
use crate::store::{IncidentFilter, IncidentRow, Reader};
use crate::web::Document;
use serde_json::{Value, json};
use std::io::Write;

/// Incidents read in one step.
const STEP: usize = 1_000;

/// Arguments of `dustline incident`.
#[derive(Debug, clap::Args)]
pub struct IncidentArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List incidents and where they stand.
    List(ListArgs),
    /// Show an incident with its transcript.
    Show(ShowArgs),
    /// Check that transcripts are as they were written; exit code 1 if one is not.
    Verify(VerifyArgs),
    /// Open an incident by hand, or an exercise.
    Open(act::OpenArgs),
    /// Acknowledge an incident for a party.
    Ack(act::PlainArgs),
    /// Share a measure of a party, or end one.
    Measure(act::MeasureArgs),
    /// Say something to all parties.
    Note(act::NoteArgs),
    /// Agree, for a party, to close.
    Close(act::PlainArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Only those that are open.
    #[arg(long)]
    open: bool,
    /// A table, or JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Its id or case number.
    id: String,
    #[command(flatten)]
    data: DataArgs,
    /// JSON as the API gives it, text, or a page to print.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
    /// The language of text and page.
    #[arg(long, value_enum, default_value_t)]
    language: Tongue,
    /// The time zone of text and page.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = super::data::parse_time_zone)]
    time_zone: jiff::tz::TimeZone,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// Its id or case number; all incidents if not given.
    id: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// The hash of the last entry as you know it, such as from a notice.
    #[arg(long, value_name = "HASH", requires = "id")]
    head: Option<String>,
}

/// The form of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    /// A line an entry.
    #[default]
    Text,
    /// As the API gives it.
    Json,
    /// A page to print.
    Html,
}

/// A language of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Tongue {
    /// Korean.
    Ko,
    /// Chinese.
    Zh,
    /// English.
    #[default]
    En,
}

impl From<Tongue> for Language {
    fn from(tongue: Tongue) -> Language {
        match tongue {
            Tongue::Ko => Language::Ko,
            Tongue::Zh => Language::Zh,
            Tongue::En => Language::En,
        }
    }
}

/// Shows, checks, or has something done.
pub fn run(args: &IncidentArgs, out: &mut impl Write) -> Result<(), Failure> {
    match &args.action {
        Action::List(args) => list(args, out),
        Action::Show(args) => show(args, out),
        Action::Verify(args) => verify(args, out),
        Action::Open(args) => act::open(args, out),
        Action::Ack(args) => act::plain(args, "ack", out),
        Action::Measure(args) => act::measure(args, out),
        Action::Note(args) => act::note(args, out),
        Action::Close(args) => act::plain(args, "close", out),
    }?;
    Ok(out.flush()?)
}

/// Hands every incident to `each`, in the order of opening.
fn every(
    reader: &Reader,
    open: Option<bool>,
    mut each: impl FnMut(IncidentRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let filter = IncidentFilter { open, limit: STEP, ..IncidentFilter::default() };
    let mut after = 0;
    loop {
        let rows = reader.incidents(&filter, after)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.row;
        rows.into_iter().try_for_each(&mut each)?;
    }
}

fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    let open = args.open.then_some(true);
    if args.format == Format::Json {
        let mut json = JsonList::start(out, "", "incidents")?;
        every(&reader, open, |row| Ok(json.item(&row.state)?))?;
        return Ok(json.end()?);
    }
    let mut rows = Vec::new();
    every(&reader, open, |row| {
        rows.push(cells(&row));
        Ok(())
    })?;
    let titles = ["case", "opened", "closed", "cause", "group", "level", "missing", ">entries"];
    Ok(table(out, &titles, &rows)?)
}

fn cells(row: &IncidentRow) -> Vec<String> {
    let text = |key: &str| row.state[key].as_str().unwrap_or("-").to_owned();
    let missing = row.state["missing"].as_array().into_iter().flatten();
    let missing: Vec<&str> = missing.filter_map(Value::as_str).collect();
    vec![
        row.case.clone(),
        row.opened.to_string(),
        row.closed.map_or_else(|| "-".to_owned(), |t| t.to_string()),
        text("cause"),
        text("group"),
        row.state["level"]["name"].as_str().unwrap_or("-").to_owned(),
        if missing.is_empty() { "-".to_owned() } else { missing.join(", ") },
        row.state["entries"].to_string(),
    ]
}

/// The incident of an id or case number.
fn found(reader: &Reader, id: &str) -> Result<IncidentRow, Failure> {
    let none = || format!("no incident {id:?}; `dustline incident list` shows them");
    reader.incident(id)?.ok_or_else(|| Failure::new(Code::Failed, none()))
}

fn show(args: &ShowArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    let row = found(&reader, &args.id)?;
    let transcript = reader.transcript(&row.id)?;
    if args.format == Form::Json {
        let mut case = row.state;
        case["transcript"] = json!(transcript);
        serde_json::to_writer_pretty(&mut *out, &case).map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    let plan = plan_of(&args.data)?;
    let words = hotline::Words {
        language: args.language.into(),
        time_zone: args.time_zone.clone(),
        plan: &plan,
    };
    let document = Document::of(&row, transcript, &words);
    let text = match args.format {
        Form::Html => document.html(),
        _ => document::text(&document),
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// The names of parties and levels, where the configuration is given.
fn plan_of(data: &DataArgs) -> Result<Plan, Failure> {
    let settings = data.config.as_deref().map(run::load).transpose()?;
    Ok(settings.and_then(|loaded| loaded.settings.hotline).unwrap_or_default())
}

fn verify(args: &VerifyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    let mut rows = Vec::new();
    match &args.id {
        Some(id) => rows.push(found(&reader, id)?),
        None => every(&reader, None, |row| {
            rows.push(row);
            Ok(())
        })?,
    }
    let mut wrong = 0;
    for row in &rows {
        let entries = reader.transcript(&row.id)?;
        match check(row, &entries, args.head.as_deref()) {
            Ok(head) => writeln!(out, "{}: {} entries, head {head}", row.case, entries.len())?,
            Err(fault) => {
                wrong += 1;
                writeln!(out, "{}: WRONG: {}", row.case, harmless(&fault.to_string()))?;
            }
        }
    }
    if wrong > 0 {
        let said = format!("{wrong} of {} transcripts are not as they were written", rows.len());
        return Err(Failure::new(Code::Failed, format!("{said}; restore them from a backup")));
    }
    Ok(())
}

/// Checks a transcript against itself, against where the incident stands, and
/// against the head that somebody else knows: an entry of it must have that hash.
fn check(
    row: &IncidentRow,
    entries: &[Value],
    known: Option<&str>,
) -> Result<String, hotline::Tampered> {
    let head = row.state["head"].as_str().unwrap_or_default();
    hotline::verify_json(entries, Some(head))?;
    match known {
        Some(known) if !entries.iter().any(|e| e["hash"] == known) => Err(hotline::Tampered {
            place: entries.len() + 1,
            what: format!("no entry has the hash {known}: it was written anew or cut off"),
        }),
        _ => Ok(head.to_owned()),
    }
}
