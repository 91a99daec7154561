//! The parts that only read what is committed: what each is given.

use super::{AppError, OUTPUTS_DEADLINE, Shared, TURN_MAX, ended, messages};
use crate::config::Settings;
use crate::config::settings::{ForecastFile, Influx};
use crate::store::{KeepRule, Reader, SealRule};
use crate::telemetry::Role;
use crate::{deliver, foresee, forward, statement, upkeep};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Hours so young are never dropped: some may still be open.
const JUDGED_MIN: Duration = Duration::from_secs(86_400);

/// Readings are kept in so many parts of a device at least, of which the oldest goes:
/// so much longer than they must be.
const PARTS: u32 = 8;

/// Starts them; they stop when the sender says so.
pub(super) fn start(shared: &Shared) -> Result<(watch::Sender<bool>, JoinSet<()>), AppError> {
    let (stop_tx, stop) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let context = deliver_context(shared)?;
    tasks.spawn(ended("deliver", deliver::run(context, stop.clone())));
    for target in &shared.settings.influxdb {
        let context = forward_context(shared, target)?;
        tasks.spawn(ended("forward", forward::run(context, stop.clone())));
    }
    if !shared.settings.forecast_files.is_empty() || shared.settings.own_forecast.is_some() {
        let context = foresee_context(shared)?;
        tasks.spawn(ended("foresee", foresee::run(context, stop.clone())));
    }
    if shared.settings.ledger.statements {
        let context = statement_context(shared)?;
        tasks.spawn(ended("statement", statement::run(context, stop.clone())));
    }
    let (seal, keep) = rules_of_upkeep(&shared.settings);
    if seal.is_some() || keep.drops() {
        let context = upkeep_context(shared, seal, keep)?;
        tasks.spawn(ended("upkeep", upkeep::run(context, stop.clone())));
    }
    Ok((stop_tx, tasks))
}

/// What is sealed, and what is kept.
fn rules_of_upkeep(settings: &Settings) -> (Option<SealRule>, KeepRule) {
    let (after, keep) = (settings.store.seal_after, settings.store.keep);
    let targets = settings.target_names();
    let read_back = settings.influxdb.iter().filter(|t| t.read_back.is_some());
    let rule = KeepRule {
        readings: keep.readings,
        readings_bytes: keep.readings_bytes,
        hours: keep.hours,
        hard_bytes: keep.hard_bytes,
        judged: settings.judgement.revise_within.max(JUDGED_MIN),
        read_back: read_back.map(|t| t.name.clone()).collect(),
        targets: targets.clone(),
    };
    let seal = SealRule { after, targets, all: false, reach: keep.readings / PARTS };
    ((!after.is_zero()).then_some(seal), rule)
}

fn upkeep_context(
    shared: &Shared,
    seal: Option<SealRule>,
    keep: KeepRule,
) -> Result<upkeep::Context, AppError> {
    let part = shared.health.part("upkeep", Role::Edge, Some(TURN_MAX));
    part.ok();
    let reader = Reader::open(&shared.settings.data_dir)?;
    Ok(upkeep::Context { reader, seal, keep, commands: shared.to_intake.commands.clone(), part })
}

fn deliver_context(shared: &Shared) -> Result<deliver::Context, AppError> {
    let settings = &shared.settings;
    let part = shared.health.part("deliver", Role::Edge, Some(TURN_MAX));
    part.ok();
    Ok(deliver::Context {
        reader: Reader::open(&settings.data_dir)?,
        receivers: settings.receivers.clone(),
        delivery: settings.delivery.clone(),
        outgoing: settings.outgoing.clone(),
        world: messages::world_of(settings, shared.link_key.clone()),
        clock: shared.clock.clone(),
        committed: shared.notices.clone(),
        commands: shared.to_intake.commands.clone(),
        metrics: shared.metrics.clone(),
        part,
        finish_within: OUTPUTS_DEADLINE,
    })
}

fn statement_context(shared: &Shared) -> Result<statement::Context, AppError> {
    let settings = &shared.settings;
    Ok(statement::Context {
        reader: Reader::open(&settings.data_dir)?,
        instance: settings.instance.clone(),
        targets: settings.target_names(),
        key_file: settings.statement_key(),
        clock: shared.clock.clone(),
        commands: shared.to_intake.commands.clone(),
        part: shared.health.part("statement", Role::Edge, Some(TURN_MAX)),
    })
}

fn foresee_context(shared: &Shared) -> Result<foresee::Context, AppError> {
    let settings = &shared.settings;
    let part = shared.health.part("foresee", Role::Edge, Some(TURN_MAX));
    part.ok();
    let of_file = |file: &ForecastFile| {
        let name = format!("forecast_file/{}", file.path.display());
        let part = shared.health.part(&name, Role::Edge, None);
        part.down("not looked at yet");
        (file.clone(), part)
    };
    Ok(foresee::Context {
        reader: Reader::open(&settings.data_dir)?,
        files: settings.forecast_files.iter().map(of_file).collect(),
        own_every: settings.own_forecast,
        grace: settings.judgement.grace,
        zones: settings.forecast_zones.clone(),
        clock: shared.clock.clone(),
        commands: shared.to_intake.commands.clone(),
        part,
    })
}

fn forward_context(shared: &Shared, target: &Influx) -> Result<forward::Context, AppError> {
    let settings = &shared.settings;
    let name = format!("target/{}", target.name);
    Ok(forward::Context {
        reader: Reader::open(&settings.data_dir)?,
        target: target.clone(),
        labels: forward::Labels::of(settings),
        clock: shared.clock.clone(),
        committed: shared.committed.clone(),
        commands: shared.to_intake.commands.clone(),
        metrics: shared.metrics.clone(),
        part: shared.health.part(&name, Role::Edge, Some(TURN_MAX)),
        finish_within: OUTPUTS_DEADLINE,
    })
}
