//! `dustline forward`: how far databases are, and sending them a stretch of time
//! once more.

use super::daemon::order;
use super::data::{Format, parse_time, table};
use super::{Code, Failure, run};
use crate::air::Stamp;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::{Reader, StoreError, Writer, lock};
use crate::web::forwarding;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `dustline forward`.
#[derive(Debug, clap::Args)]
pub struct ForwardArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show how far each database is, and what is sent once more.
    Status(StatusArgs),
    /// Send a database the points of closed hours of a stretch of time once more.
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
struct StatusArgs {
    /// The configuration that names the databases.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Tables, or JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// Name of the database.
    #[arg(long, value_name = "NAME")]
    target: String,
    /// Points from this time on …
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Stamp,
    /// … and before this one.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Stamp,
    /// The configuration of the daemon.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Shows how far databases are, or has one sent something once more.
pub fn run(args: &ForwardArgs, out: &mut impl Write) -> Result<(), Failure> {
    match &args.action {
        Action::Status(args) => status(args, out),
        Action::Replay(args) => replay(args, out),
    }?;
    Ok(out.flush()?)
}

fn status(args: &StatusArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = run::load(&args.config)?.settings;
    let reader = Reader::open(&settings.data_dir)?;
    let targets = settings.target_names();
    let found = forwarding(&reader, &targets)?;
    if args.format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, &found).map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    let or_none =
        |time: &Option<crate::web::Time>| time.as_ref().map_or("-".to_owned(), |t| t.0.to_string());
    let rows: Vec<Vec<String>> = found
        .targets
        .iter()
        .map(|t| {
            let state = if t.held { "held" } else { "ok" };
            let (pending, refused) = (t.pending.to_string(), t.refused.to_string());
            vec![t.target.clone(), pending, refused, state.into(), or_none(&t.read_back)]
        })
        .collect();
    table(out, &["target", ">pending", ">refused", "state", "read back up to"], &rows)?;
    if found.replays.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = found
        .replays
        .iter()
        .map(|r| {
            let times = [r.from.0.to_string(), r.to.0.to_string(), r.points.to_string()];
            let mut row = vec![r.id.to_string(), r.target.clone()];
            row.extend(times);
            row.push(or_none(&r.done));
            row
        })
        .collect();
    writeln!(out)?;
    Ok(table(out, &[">replay", "target", "from", "to", ">points", "done"], &rows)?)
}

/// Has the daemon do it; one that does not run does it once it is started.
fn replay(args: &ReplayArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = run::load(&args.config)?.settings;
    if args.from >= args.to {
        let words = format!("--from {} is not before --to {}", args.from, args.to);
        return Err(Failure::new(Code::Usage, words));
    }
    ask_replay(&settings, &args.target, (args.from, args.to), out)
}

/// Has a database sent the points in `[from, to)` once more: asks the daemon, or notes
/// it for the next one.
///
/// # Errors
/// If there is no such database, or it cannot be noted.
pub fn ask_replay(
    settings: &Settings,
    target: &str,
    (from, to): (Stamp, Stamp),
    out: &mut impl Write,
) -> Result<(), Failure> {
    let names = settings.target_names();
    if !names.iter().any(|name| name == target) {
        let words = format!("no database {target:?}; there is {}", names.join(", "));
        return Err(Failure::new(Code::Usage, words));
    }
    let id = match lock(&settings.data_dir) {
        Ok(_lock) => {
            let mut writer = Writer::open(&settings.data_dir)?;
            writer.begin()?;
            let now = Clock::system().now();
            let id = writer.ask_replay(target, from, to, now)?;
            writer.commit()?;
            writeln!(out, "no daemon runs here; it is sent once one does")?;
            id
        }
        Err(StoreError::InUse { .. }) => {
            let body = json!({ "from": from.to_string(), "to": to.to_string() });
            let path = format!("forward/{target}/replay");
            let answer = order(&settings.http, &path, &body)?;
            answer.get("id").and_then(serde_json::Value::as_i64).unwrap_or(0)
        }
        Err(e) => return Err(e.into()),
    };
    writeln!(out, "replay {id} of {target}; `dustline forward status` shows how far it is")?;
    Ok(())
}
