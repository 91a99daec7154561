//! `dustline outbox retry`, `drop` and `enable`: what an operator does about
//! notices. If no daemon runs on the data directory, it is done here; if one
//! does, it is asked over HTTP, with the operator's token of the configuration.

use super::super::daemon::order;
use super::super::data::DataArgs;
use super::super::{Code, Failure, run};
use crate::clock::Clock;
use crate::config::settings::Http;
use crate::flow::{Handled, OutboxAct};
use crate::store::{StoreError, Writer, lock};
use std::io::Write;
use std::path::Path;

/// Arguments of what is done about notices.
#[derive(Debug, clap::Args)]
pub struct NoticesArgs {
    /// Their numbers, as `list` shows them.
    #[arg(required = true)]
    ids: Vec<i64>,
    #[command(flatten)]
    data: DataArgs,
}

/// Arguments of `enable`.
#[derive(Debug, clap::Args)]
pub struct EnableArgs {
    /// The receiver's id.
    receiver: String,
    #[command(flatten)]
    data: DataArgs,
}

/// Has dead notices tried again.
pub fn retry(args: &NoticesArgs, out: &mut impl Write) -> Result<(), Failure> {
    let acts = args.ids.iter().copied().map(OutboxAct::Retry).collect();
    all(acts, &args.data, out)
}

/// Gives pending notices up.
pub fn give_up(args: &NoticesArgs, out: &mut impl Write) -> Result<(), Failure> {
    let acts = args.ids.iter().copied().map(OutboxAct::Drop).collect();
    all(acts, &args.data, out)
}

/// Lets a receiver be tried again that asked to be left alone.
pub fn enable(args: &EnableArgs, out: &mut impl Write) -> Result<(), Failure> {
    all(vec![OutboxAct::Enable(args.receiver.clone())], &args.data, out)
}

/// Each by itself; the first that cannot be done ends it.
fn all(acts: Vec<OutboxAct>, data: &DataArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (dir, http) = match (&data.config, &data.data_dir) {
        (Some(config), _) => {
            let settings = run::load(config)?.settings;
            (settings.data_dir, Some(settings.http))
        }
        (None, dir) => (dir.clone().unwrap_or_default(), None),
    };
    for act in &acts {
        let said = match (lock(&dir), &http) {
            (Ok(_lock), _) => here(&dir, act)?,
            (Err(StoreError::InUse { .. }), Some(http)) => there(http, act)?,
            (Err(e @ StoreError::InUse { .. }), None) => {
                let advice = "give --config instead of --data-dir, so that the daemon can be asked";
                return Err(Failure::new(Code::DataDir, format!("{e}; {advice}")));
            }
            (Err(e), _) => return Err(e.into()),
        };
        writeln!(out, "{said}")?;
    }
    Ok(())
}

/// Does it in the store itself, which is locked.
fn here(dir: &Path, act: &OutboxAct) -> Result<String, Failure> {
    let mut writer = Writer::open(dir)?;
    let now = Clock::system().now();
    writer.begin()?;
    let acted = match act {
        OutboxAct::Retry(notice) => writer.retry_notice(*notice, now)?,
        OutboxAct::Drop(notice) => writer.drop_notice(*notice, now)?,
        OutboxAct::Enable(receiver) if writer.enable_receiver(receiver)? => {
            Handled::Done { notice: 0 }
        }
        OutboxAct::Enable(_) => Handled::Absent,
    };
    writer.commit()?;
    match (acted, act) {
        (Handled::Done { notice }, _) => Ok(done(act, notice)),
        (Handled::Unfit { state }, OutboxAct::Retry(id)) => {
            failed(format!("notice {id} is {state}; only dead ones are tried again"))
        }
        (Handled::Unfit { state }, OutboxAct::Drop(id)) => {
            failed(format!("notice {id} is {state}; only pending ones can be given up"))
        }
        (_, OutboxAct::Retry(id) | OutboxAct::Drop(id)) => {
            failed(format!("no notice {id}; `dustline outbox list` shows them"))
        }
        (_, OutboxAct::Enable(receiver)) => failed(format!("no receiver {receiver:?} is disabled")),
    }
}

fn failed<T>(why: String) -> Result<T, Failure> {
    Err(Failure::new(Code::Failed, why))
}

fn done(act: &OutboxAct, now: i64) -> String {
    match act {
        OutboxAct::Retry(id) => format!("notice {id} is tried again, as number {now}"),
        OutboxAct::Drop(id) => format!("notice {id} is given up"),
        OutboxAct::Enable(receiver) => format!("receiver {receiver} is enabled"),
    }
}

/// Asks the daemon that runs.
fn there(http: &Http, act: &OutboxAct) -> Result<String, Failure> {
    let path = match act {
        OutboxAct::Retry(id) => format!("outbox/{id}/retry"),
        OutboxAct::Drop(id) => format!("outbox/{id}/drop"),
        OutboxAct::Enable(receiver) => format!("receivers/{receiver}/enable"),
    };
    let answer = order(http, &path, &serde_json::json!({}))?;
    Ok(done(act, answer.get("id").and_then(serde_json::Value::as_i64).unwrap_or(0)))
}
