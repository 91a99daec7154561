//! `dustline quarantine retry` and `drop`: what an operator does about messages
//! that were set aside. If no daemon runs on the data directory, it is done here,
//! by the same code; if one does, it is asked over HTTP.

use super::super::daemon::order;
use super::super::{Code, Failure, run};
use crate::clock::Clock;
use crate::config::Settings;
use crate::flow::{self, AsideAct, AsideHandled, Command, Event};
use crate::intake::{Intake, IntakeError, Parts, Plan};
use crate::store::{Reader, StoreError, Writer, lock};
use crate::telemetry::{Health, Metrics};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Messages looked at in one step: their bodies may have a MiB each.
const STEP: usize = 64;

/// Arguments of what is done about messages that were set aside.
#[derive(Debug, clap::Args)]
pub struct MessagesArgs {
    /// Their numbers, as `list` shows them.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<i64>,
    /// All of them, or all of a source or reason.
    #[arg(long)]
    all: bool,
    /// With --all: only those of this source.
    #[arg(long, requires = "all", value_name = "NAME")]
    source: Option<String>,
    /// With --all: only those set aside for this reason.
    #[arg(long, requires = "all", value_name = "NAME")]
    reason: Option<String>,
    /// The configuration: it names the data directory, and says how messages are read.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Reads messages again, or drops them. Those that cannot be done do not keep the
/// others from it; the exit code says that there were some.
pub fn run(
    args: &MessagesArgs,
    act: impl Fn(i64) -> AsideAct,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let settings = run::load(&args.config)?.settings;
    let ids = if args.all { chosen(args, &settings)? } else { args.ids.clone() };
    let mut hand: Box<dyn FnMut(AsideAct) -> Result<Said, Failure>> = match lock(&settings.data_dir)
    {
        Ok(lock) => {
            let mut here = Here::open(&settings)?;
            Box::new(move |act| {
                let _held = &lock;
                here.handle(act)
            })
        }
        Err(StoreError::InUse { .. }) => Box::new(|act| there(&settings, act)),
        Err(e) => return Err(e.into()),
    };
    let mut left = 0;
    for id in &ids {
        match hand(act(*id))? {
            Ok(said) => writeln!(out, "{said}")?,
            Err(why) => {
                left += 1;
                writeln!(out, "{why}")?;
            }
        }
    }
    drop(hand);
    if left > 0 {
        let words = format!("{left} of {} stay as they are", ids.len());
        return Err(Failure::new(Code::Failed, words));
    }
    Ok(())
}

/// What was done about one message, or why it was not.
type Said = Result<String, String>;

/// The messages of a source or reason, the oldest first.
fn chosen(args: &MessagesArgs, settings: &Settings) -> Result<Vec<i64>, Failure> {
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
        ids.extend(wanted.map(|q| q.id));
    }
}

/// The intake of a daemon that does not run.
struct Here {
    intake: Intake,
    clock: Clock,
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
        Ok(Here { intake, clock })
    }

    fn handle(&mut self, act: AsideAct) -> Result<Said, Failure> {
        let (reply, mut answer) = flow::reply();
        let command = Command::Aside { act, at: self.clock.now(), reply };
        self.intake.turn(&mut vec![Event::Command(command)]).map_err(failed)?;
        let handled = answer.try_recv();
        let handled = handled.map_err(|_| Failure::new(Code::Failed, "no answer of the store"))?;
        let (AsideAct::Retry(id) | AsideAct::Drop(id)) = act;
        Ok(match handled {
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
}

fn failed(IntakeError::Store(e): IntakeError) -> Failure {
    e.into()
}

fn done(id: i64, bucket: &str, readings: u64) -> String {
    format!("{id}: {bucket}, {readings} readings")
}

/// Asks the daemon that runs. What it refuses is said; that it cannot be asked is a failure.
fn there(settings: &Settings, act: AsideAct) -> Result<Said, Failure> {
    let (id, what) = match act {
        AsideAct::Retry(id) => (id, "retry"),
        AsideAct::Drop(id) => (id, "drop"),
    };
    match order(&settings.http, &format!("quarantine/{id}/{what}"), &json!({})) {
        Ok(answer) => {
            let bucket = answer.get("bucket").and_then(Value::as_str).unwrap_or("done");
            let readings = answer.get("readings").and_then(Value::as_u64).unwrap_or(0);
            Ok(Ok(done(id, bucket, readings)))
        }
        Err(Failure { code: Code::Failed, message }) => Ok(Err(format!("{id}: {message}"))),
        Err(e) => Err(e),
    }
}
