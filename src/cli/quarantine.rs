//! `dustline quarantine`: what could not be decoded or believed.

mod act;

use super::data::{DataArgs, Format, JsonList, harmless, table};
use super::{Code, Failure};
use crate::flow::AsideAct;
use crate::store::QuarantineRow;
use crate::web::{Quarantined, masked};
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
    /// List what was set aside, in the order of receipt.
    List(ListArgs),
    /// Show one message, with secrets masked unless asked otherwise.
    Show(ShowArgs),
    /// Read messages again, after the configuration was mended.
    Retry(act::MessagesArgs),
    /// Drop messages with their bytes.
    Drop(act::MessagesArgs),
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
    /// Its number, as `list` shows it.
    id: i64,
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
        Action::Retry(args) => act::run(args, AsideAct::Retry, out),
        Action::Drop(args) => act::run(args, AsideAct::Drop, out),
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
                    return Ok(json.end()?);
                }
            }
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
            Ok(table(out, &titles, &rows)?)
        }
    }
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
    let found = reader.quarantine(args.id.saturating_sub(1), 1)?;
    let Some(row) = found.into_iter().find(|q| q.id == args.id) else {
        let words =
            format!("nothing set aside as {}; `dustline quarantine list` shows what is", args.id);
        return Err(Failure::new(Code::Failed, words));
    };
    let row = if args.raw { row } else { masked(row) };
    if args.format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, &Quarantined::raw(row))
            .map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    let topic = String::from_utf8_lossy(&row.topic);
    for (name, value) in [
        ("id", row.id.to_string()),
        ("at", row.at.to_string()),
        ("source", row.source.clone()),
        ("topic", topic.into_owned()),
        ("reason", row.reason.clone()),
        ("detail", row.detail.clone()),
        ("bytes", row.payload.len().to_string()),
    ] {
        writeln!(out, "{name:<8}{}", harmless(&value))?;
    }
    writeln!(out)?;
    dump(out, &row.payload)
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
