//! `dustline quarantine retry` and `drop`: what an operator does about messages
//! that were set aside, and about points that databases refused. If no daemon runs on
//! the data directory, it is done here, by the same code; if one does, it is asked
//! over HTTP.

use super::super::daemon::order;
use super::super::forward::ask_replay;
use super::super::{Code, Failure, run};
use super::entry::Entry;
use crate::air::Stamp;
use crate::clock::Clock;
use crate::config::Settings;
use crate::flow::{
    self, AsideAct, AsideHandled, Command, Event, Refused, RefusedAct, RefusedHandled, Reply,
};
use crate::intake::{Intake, IntakeError, Parts, Plan};
use crate::store::{Reader, RefusedRow, StoreError, Writer, lock};
use crate::telemetry::{Health, Metrics};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows looked at in one step: bodies of messages may have a MiB each.
const STEP: usize = 64;

/// Arguments of what is done about what was set aside.
#[derive(Debug, clap::Args)]
pub struct EntriesArgs {
    /// Their numbers, as `list` shows them: `17` is a message, `r3` a refused point.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<Entry>,
    /// All messages, or all of a source or reason; or all points of a database.
    #[arg(long)]
    all: bool,
    /// With --all: only messages of this source.
    #[arg(long, requires = "all", value_name = "NAME")]
    source: Option<String>,
    /// With --all: only messages set aside for this reason.
    #[arg(long, requires = "all", value_name = "NAME")]
    reason: Option<String>,
    /// With --all: instead of messages, the points that this database refused.
    #[arg(long, requires = "all", value_name = "NAME", conflicts_with_all = ["source", "reason"])]
    target: Option<String>,
    /// The configuration: it names the data directory, and says how messages are read.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Messages are read again, points are sent once more.
    Retry,
    /// They are dropped.
    Drop,
}

/// Retries or drops. What cannot be done does not keep the rest from it; the exit code
/// says that there was some.
pub fn run(args: &EntriesArgs, deed: Deed, out: &mut impl Write) -> Result<(), Failure> {
    let settings = run::load(&args.config)?.settings;
    let entries = match &args.target {
        Some(target) => {
            let points = refused(target, &settings)?;
            if deed == Deed::Retry {
                return retry_all(target, &points, &settings, out);
            }
            points.iter().map(|row| Entry::Point(row.id)).collect()
        }
        None if args.all => chosen(args, &settings)?,
        None => args.ids.clone(),
    };
    let mut hand: Box<dyn FnMut(Entry) -> Result<Said, Failure>> = match lock(&settings.data_dir) {
        Ok(lock) => {
            let mut here = Here::open(&settings)?;
            Box::new(move |entry| {
                let _held = &lock;
                here.handle(deed, entry)
            })
        }
        Err(StoreError::InUse { .. }) => Box::new(|entry| there(&settings, deed, entry)),
        Err(e) => return Err(e.into()),
    };
    let mut left = 0;
    for entry in &entries {
        match hand(*entry)? {
            Ok(said) => writeln!(out, "{said}")?,
            Err(why) => {
                left += 1;
                writeln!(out, "{why}")?;
            }
        }
    }
    drop(hand);
    if left > 0 {
        let words = format!("{left} of {} stay as they are", entries.len());
        return Err(Failure::new(Code::Failed, words));
    }
    Ok(())
}

/// The points that a database refused.
fn refused(target: &str, settings: &Settings) -> Result<Vec<RefusedRow>, Failure> {
    Ok(Reader::open(&settings.data_dir)?.refused(Some(target), 0, usize::MAX)?)
}

/// Has a database sent the whole stretch once more that its refused points lie in.
fn retry_all(
    target: &str,
    points: &[RefusedRow],
    settings: &Settings,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let times = || points.iter().map(|row| row.point.key.time);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(writeln!(out, "{target} has refused nothing that is still listed")?);
    };
    ask_replay(settings, target, (first, Stamp(last.0.saturating_add(1))), out)?;
    Ok(writeln!(out, "points of closed hours that it takes then leave the quarantine")?)
}

/// What was done about one of them, or why it was not.
type Said = Result<String, String>;

/// The messages of a source or reason, the oldest first.
fn chosen(args: &EntriesArgs, settings: &Settings) -> Result<Vec<Entry>, Failure> {
    let reader = Reader::open(&settings.data_dir)?;
    let (mut ids, mut after) = (Vec::new(), 0);
    loop {
        let rows = reader.quarantine(after, STEP)?;
        let Some(last) = rows.last() else { return Ok(ids) };
        after = last.id;
        let wanted = rows.iter().filter(|q| {
            args.source.as_ref().is_none_or(|s| *s == q.source)
                && args.reason.as_ref().is_none_or(|r| *r == q.reason)
        });
        ids.extend(wanted.map(|q| Entry::Message(q.id)));
    }
}

/// The intake of a daemon that does not run.
struct Here {
    intake: Intake,
    clock: Clock,
    reader: Reader,
    /// The databases that are configured.
    targets: Vec<String>,
}

impl Here {
    fn open(settings: &Settings) -> Result<Here, Failure> {
        let writer = Writer::open(&settings.data_dir)?;
        let clock = Clock::system();
        let parts = Parts {
            plan: Arc::new(Plan::of(settings)),
            announce: flow::announce(writer.last()),
            writer,
            metrics: Metrics::new(env!("CARGO_PKG_VERSION"), "command"),
            clock: clock.clone(),
            health: Health::new(),
        };
        let intake = Intake::open(parts).map_err(failed)?;
        let (reader, targets) = (Reader::open(&settings.data_dir)?, settings.target_names());
        Ok(Here { intake, clock, reader, targets })
    }

    fn handle(&mut self, deed: Deed, entry: Entry) -> Result<Said, Failure> {
        match entry {
            Entry::Message(id) => self.message(deed, id),
            Entry::Point(id) => self.point(deed, id),
        }
    }

    fn message(&mut self, deed: Deed, id: i64) -> Result<Said, Failure> {
        let act = match deed {
            Deed::Retry => AsideAct::Retry(id),
            Deed::Drop => AsideAct::Drop(id),
        };
        let at = self.clock.now();
        Ok(match self.ask(|reply| Command::Aside { act, at, reply })? {
            AsideHandled::Left { bucket, readings } => Ok(done(id, bucket, readings)),
            AsideHandled::Again { reason, detail } => Err(format!("{id}: {reason}: {detail}")),
            AsideHandled::NoSource => Err(format!(
                "{id}: its source is not in the configuration, which says how to read it"
            )),
            AsideHandled::Absent => Err(format!(
                "{id}: nothing set aside under that number; `dustline quarantine list` shows what is"
            )),
        })
    }

    fn point(&mut self, deed: Deed, id: i64) -> Result<Said, Failure> {
        let found = self.reader.refused(None, id.saturating_sub(1), 1)?;
        let row = found.into_iter().find(|row| row.id == id && deed == Deed::Retry);
        if let Some(row) = row.filter(|row| !self.targets.contains(&row.target)) {
            let (entry, target) = (Entry::Point(id), row.target);
            let words = "is not in the configuration any more";
            return Ok(Err(format!("{entry}: database {target:?} {words}; drop {entry}")));
        }
        let act = match deed {
            Deed::Retry => RefusedAct::Retry(id),
            Deed::Drop => RefusedAct::Drop(id),
        };
        let at = self.clock.now();
        let handled = self.ask(|reply| Command::Refused(Refused::Act { act, at, reply }))?;
        let replay = if let RefusedHandled::Asked(replay) = handled { Some(replay) } else { None };
        Ok(match handled.why_not() {
            Some(why) => Err(format!("{}: {why}", Entry::Point(id))),
            None => Ok(point_done(id, replay)),
        })
    }

    /// Has the intake do something, and waits until it is on disk.
    fn ask<T>(&mut self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Failure> {
        let (reply, mut answer) = flow::reply();
        self.intake.turn(&mut vec![Event::Command(command(reply))]).map_err(failed)?;
        answer.try_recv().map_err(|_| Failure::new(Code::Failed, "no answer of the store"))
    }
}

fn failed(IntakeError::Store(e): IntakeError) -> Failure {
    e.into()
}

fn done(id: i64, bucket: &str, readings: u64) -> String {
    format!("{id}: {bucket}, {readings} readings")
}

fn point_done(id: i64, replay: Option<i64>) -> String {
    let entry = Entry::Point(id);
    match replay {
        Some(replay) => format!(
            "{entry}: sent once more by replay {replay}; it leaves the list once it is taken"
        ),
        None => format!("{entry}: off the list"),
    }
}

/// Asks the daemon that runs. What it refuses is said; that it cannot be asked is a failure.
fn there(settings: &Settings, deed: Deed, entry: Entry) -> Result<Said, Failure> {
    let what = if deed == Deed::Retry { "retry" } else { "drop" };
    let path = match entry {
        Entry::Message(id) => format!("quarantine/{id}/{what}"),
        Entry::Point(id) => format!("quarantine/refused/{id}/{what}"),
    };
    match order(&settings.http, &path, &json!({})) {
        Ok(answer) => {
            let number = |name: &str| answer.get(name).and_then(Value::as_u64);
            let bucket = answer.get("bucket").and_then(Value::as_str).unwrap_or("done");
            Ok(Ok(match entry {
                Entry::Message(id) => done(id, bucket, number("readings").unwrap_or(0)),
                Entry::Point(id) => point_done(id, answer.get("replay").and_then(Value::as_i64)),
            }))
        }
        Err(Failure { code: Code::Failed, message }) => Ok(Err(format!("{entry}: {message}"))),
        Err(e) => Err(e),
    }
}
