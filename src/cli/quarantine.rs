//! `dustline quarantine`: messages that could not be decoded or believed, and points
//! that databases refused.

mod act;
mod entry;

use super::data::{DataArgs, Format, JsonList, harmless, table};
use super::{Code, Failure};
use crate::store::{QuarantineRow, Reader};
use crate::web::{Quarantined, RefusedShape, masked};
use act::Deed;
use entry::Entry;
use std::io::Write;

/// Rows read in one step: their bodies may have a MiB each.
const STEP: usize = 64;

/// Arguments of `dustline quarantine`.
#[derive(Debug, clap::Args)]
pub struct QuarantineArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List what was set aside: messages in the order of receipt, then refused points.
    List(ListArgs),
    /// Show one message or point, with secrets masked unless asked otherwise.
    Show(ShowArgs),
    /// Read messages again, after the configuration was mended; send points once more.
    Retry(act::EntriesArgs),
    /// Drop messages with their bytes; take points off the list.
    Drop(act::EntriesArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    data: DataArgs,
    /// A table, or JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Its number, as `list` shows it: `17` is a message, `r3` a refused point.
    id: Entry,
    #[command(flatten)]
    data: DataArgs,
    /// To the last bit, with any secrets that are in it.
    #[arg(long)]
    raw: bool,
    /// For people, or JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists or shows what was set aside, or does something about it.
pub fn run(args: &QuarantineArgs, out: &mut impl Write) -> Result<(), Failure> {
    match &args.action {
        Action::List(args) => list(args, out),
        Action::Show(args) => show(args, out),
        Action::Retry(args) => act::run(args, Deed::Retry, out),
        Action::Drop(args) => act::run(args, Deed::Drop, out),
    }?;
    Ok(out.flush()?)
}

fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    let mut after = 0;
    let mut step = || -> Result<Vec<QuarantineRow>, Failure> {
        let rows = reader.quarantine(after, STEP)?;
        after = rows.last().map_or(after, |q| q.id);
        Ok(rows)
    };
    match args.format {
        Format::Json => {
            let mut json = JsonList::start(out, "", "quarantine")?;
            loop {
                let rows = step()?;
                let last_step = rows.is_empty();
                for row in rows {
                    json.item(&Quarantined::from(row))?;
                }
                if last_step {
                    break;
                }
            }
            let mut json = json.then("refused")?;
            each_refused(&reader, |point| Ok(json.item(&point)?))?;
            Ok(json.end()?)
        }
        Format::Table => {
            let mut rows = Vec::new();
            loop {
                let found = step()?;
                if found.is_empty() {
                    break;
                }
                rows.extend(found.into_iter().map(masked).map(cells));
            }
            let titles = [">id", "at", "source", "topic", ">bytes", "reason", "detail"];
            table(out, &titles, &rows)?;
            let mut refused = Vec::new();
            each_refused(&reader, |point| {
                refused.push(refused_cells(point));
                Ok(())
            })?;
            if refused.is_empty() {
                return Ok(());
            }
            let titles = [">id", "refused", "by", "point", "device", "series", "time", "why"];
            writeln!(out)?;
            Ok(table(out, &titles, &refused)?)
        }
    }
}

/// Hands out every refused point, with secrets masked.
fn each_refused(
    reader: &Reader,
    mut take: impl FnMut(RefusedShape) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let rows = reader.refused(None, after, STEP)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        rows.into_iter().map(RefusedShape::from).try_for_each(&mut take)?;
    }
}

fn refused_cells(p: RefusedShape) -> Vec<String> {
    let id = Entry::Point(p.id).to_string();
    let (at, time) = (p.at.0.to_string(), p.time.0.to_string());
    vec![id, at, p.target, p.measurement, p.device, p.series, time, p.why]
}

fn cells(q: QuarantineRow) -> Vec<String> {
    vec![
        q.id.to_string(),
        q.at.to_string(),
        q.source,
        String::from_utf8_lossy(&q.topic).into_owned(),
        q.payload.len().to_string(),
        q.reason,
        q.detail,
    ]
}

fn show(args: &ShowArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    match args.id {
        Entry::Message(id) => show_message(args, id, &reader, out),
        Entry::Point(id) => show_point(args, id, &reader, out),
    }
}

fn absent(id: Entry) -> Failure {
    let words = format!("nothing set aside as {id}; `dustline quarantine list` shows what is");
    Failure::new(Code::Failed, words)
}

fn show_message(
    args: &ShowArgs,
    id: i64,
    reader: &Reader,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let found = reader.quarantine(id.saturating_sub(1), 1)?;
    let row = found.into_iter().find(|q| q.id == id).ok_or_else(|| absent(args.id))?;
    let row = if args.raw { row } else { masked(row) };
    if args.format == Format::Json {
        return json(out, &Quarantined::raw(row));
    }
    let topic = String::from_utf8_lossy(&row.topic);
    pairs(
        out,
        &[
            ("id", row.id.to_string()),
            ("at", row.at.to_string()),
            ("source", row.source.clone()),
            ("topic", topic.into_owned()),
            ("reason", row.reason.clone()),
            ("detail", row.detail.clone()),
            ("bytes", row.payload.len().to_string()),
        ],
    )?;
    writeln!(out)?;
    dump(out, &row.payload)
}

fn show_point(
    args: &ShowArgs,
    id: i64,
    reader: &Reader,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let found = reader.refused(None, id.saturating_sub(1), 1)?;
    let row = found.into_iter().find(|r| r.id == id).ok_or_else(|| absent(args.id))?;
    let point = if args.raw { RefusedShape::raw(row) } else { RefusedShape::from(row) };
    if args.format == Format::Json {
        return json(out, &point);
    }
    pairs(
        out,
        &[
            ("id", args.id.to_string()),
            ("refused", point.at.0.to_string()),
            ("by", point.target),
            ("point", point.measurement),
            ("source", point.source),
            ("device", point.device),
            ("series", point.series),
            ("time", point.time.0.to_string()),
            ("why", point.why),
            ("line", point.line),
        ],
    )
}

fn json(out: &mut impl Write, shape: &impl serde::Serialize) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *out, shape).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn pairs(out: &mut impl Write, pairs: &[(&str, String)]) -> Result<(), Failure> {
    for (name, value) in pairs {
        writeln!(out, "{name:<8}{}", harmless(value))?;
    }
    Ok(())
}

/// Bytes as `hexdump -C` shows them: place, sixteen numbers, the same as text.
fn dump(out: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    for (place, line) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
        let text: String = line
            .iter()
            .map(|b| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '.' })
            .collect();
        writeln!(out, "{:08x}  {:<47}  |{text}|", place * 16, hex.join(" "))?;
    }
    Ok(())
}
