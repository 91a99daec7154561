//! `dustline outbox`: what receivers must be told, and how far that is.

mod act;

use super::data::{DataArgs, Format, JsonList, harmless, table};
use super::{Code, Failure};
use crate::store::{Notice, NoticeState};
use crate::web::NoticeShape;
use std::io::Write;

/// Notices read in one step.
const STEP: usize = 1_000;

/// Arguments of `dustline outbox`.
#[derive(Debug, clap::Args)]
pub struct OutboxArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List notices in the order of writing.
    List(ListArgs),
    /// Show one notice.
    Show(ShowArgs),
    /// Have dead notices tried again, from the start of the schedule.
    Retry(act::NoticesArgs),
    /// Give pending notices up.
    Drop(act::NoticesArgs),
    /// Let a receiver be tried again that answered 410.
    Enable(act::EnableArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Only notices in this state.
    #[arg(long, value_enum)]
    state: Option<State>,
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
    /// For people, or JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How far a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum State {
    /// Not yet taken.
    Pending,
    /// Taken by the receiver.
    Delivered,
    /// Given up.
    Dead,
}

impl From<State> for NoticeState {
    fn from(state: State) -> NoticeState {
        match state {
            State::Pending => NoticeState::Pending,
            State::Delivered => NoticeState::Delivered,
            State::Dead => NoticeState::Dead,
        }
    }
}

/// Lists or shows notices, or does something about them.
pub fn run(args: &OutboxArgs, out: &mut impl Write) -> Result<(), Failure> {
    match &args.action {
        Action::List(args) => list(args, out),
        Action::Show(args) => show(args, out),
        Action::Retry(args) => act::retry(args, out),
        Action::Drop(args) => act::give_up(args, out),
        Action::Enable(args) => act::enable(args, out),
    }?;
    Ok(out.flush()?)
}

fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    let state = args.state.map(NoticeState::from);
    let mut after = 0;
    let mut step = || -> Result<Vec<Notice>, Failure> {
        let notices = reader.outbox(state, after, STEP)?;
        after = notices.last().map_or(after, |n| n.id);
        Ok(notices)
    };
    match args.format {
        Format::Json => {
            let mut json = JsonList::start(out, "", "outbox")?;
            loop {
                let notices = step()?;
                if notices.is_empty() {
                    return Ok(json.end()?);
                }
                for notice in notices {
                    json.item(&NoticeShape::from(notice))?;
                }
            }
        }
        Format::Table => {
            let mut rows = Vec::new();
            loop {
                let notices = step()?;
                if notices.is_empty() {
                    break;
                }
                rows.extend(notices.into_iter().map(cells));
            }
            let titles =
                [">id", "created", "receiver", "state", ">attempts", "subject", "last attempt"];
            Ok(table(out, &titles, &rows)?)
        }
    }
}

fn cells(n: Notice) -> Vec<String> {
    vec![
        n.id.to_string(),
        n.created.to_string(),
        n.receiver,
        n.state.name().to_owned(),
        n.attempts.to_string(),
        n.event.subject,
        n.last.unwrap_or_else(|| "-".to_owned()),
    ]
}

fn show(args: &ShowArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    let Some(notice) = reader.notice(args.id)? else {
        let words = format!("no notice {}; `dustline outbox list` shows them", args.id);
        return Err(Failure::new(Code::Failed, words));
    };
    if args.format == Format::Json {
        let shape = NoticeShape::from(notice);
        serde_json::to_writer_pretty(&mut *out, &shape).map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    let n = notice;
    let next = if n.state == NoticeState::Pending { n.next.to_string() } else { "-".to_owned() };
    for (name, value) in [
        ("id", n.id.to_string()),
        ("webhook-id", n.uid),
        ("receiver", n.receiver),
        ("state", n.state.name().to_owned()),
        ("attempts", n.attempts.to_string()),
        ("last", n.last.unwrap_or_else(|| "-".to_owned())),
        ("created", n.created.to_string()),
        ("next", next),
        ("done", n.done.map_or_else(|| "-".to_owned(), |t| t.to_string())),
        ("type", n.event.kind),
        ("subject", n.event.subject),
        ("time", n.event.time.to_string()),
    ] {
        writeln!(out, "{name:<12}{}", harmless(&value))?;
    }
    writeln!(out, "\n{:#}", n.event.data)?;
    Ok(())
}
