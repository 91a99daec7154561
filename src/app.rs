//! The life of the daemon: what starts in which order, what stops in which
//! order, and what happens when a part ends by itself.
//!
//! Start: lock the data directory, open and recover the store, bind the HTTP
//! port, deliver and forward, READY, then the brokers: downstream first, so that
//! nothing comes in before it can be kept. Stop: the same the other way round,
//! under one deadline. A broker that is away is not a failed start; a part that
//! ends by itself ends the process, non-zero, and systemd starts it again. Where
//! the disk has no room for the store to be opened at all, the start waits (`room`).

mod error;
mod messages;
mod outputs;
mod room;

pub use error::AppError;

use crate::clock::Clock;
use crate::config::Settings;
use crate::flow::{self, Command, Event, IntakeInbox, SourceId, ToIntake};
use crate::intake::{self, Intake, IntakeError, LaneStart};
use crate::link::{self, Key};
use crate::mqtt::Subscriber;
use crate::store::{self, Disk, StoreError, Writer};
use crate::telemetry::{Health, Metrics};
use crate::{systemd, web};
use std::fs::File;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Everything that stops must have stopped by then.
const STOP_DEADLINE: Duration = Duration::from_secs(20);
/// Attempts and writes under way when the daemon stops may take so long.
const OUTPUTS_DEADLINE: Duration = Duration::from_secs(10);
/// A loop that has not turned for this long is stuck.
const TURN_MAX: Duration = Duration::from_secs(20);
/// A clock that differs by more than this from the time that has passed was set, ms.
const CLOCK_SET_MS: f64 = 30_000.0;
/// Time passes for the intake in steps of at most this much of the machine's.
const TICK: Duration = Duration::from_secs(1);
/// … and of at least this much, however fast a demo's clock runs.
const TICK_MIN: Duration = Duration::from_millis(20);

/// The daemon, started.
pub struct App {
    /// Where it serves HTTP.
    pub address: SocketAddr,
    /// How its parts are, such as `source/<name>`.
    pub health: Arc<Health>,
    settings: Arc<Settings>,
    clock: Clock,
    to_intake: ToIntake,
    intake: std::thread::JoinHandle<Result<(), IntakeError>>,
    intake_ended: watch::Receiver<bool>,
    stop_sources: watch::Sender<bool>,
    stop_outputs: watch::Sender<bool>,
    stop_web: watch::Sender<bool>,
    sources: JoinSet<()>,
    outputs: JoinSet<()>,
    web: JoinSet<()>,
    _systemd: JoinSet<()>,
    _lock: File,
}

/// What the stages share.
struct Shared {
    settings: Arc<Settings>,
    clock: Clock,
    metrics: Metrics,
    health: Arc<Health>,
    committed: watch::Receiver<flow::Committed>,
    notices: watch::Receiver<flow::Committed>,
    to_intake: ToIntake,
    /// What one-time links are signed with, if there are any.
    link_key: Option<Key>,
}

impl App {
    /// Starts everything. When it returns, the daemon takes what comes. On a disk
    /// without room it returns once there is some, and may be dropped before.
    pub async fn start(settings: Arc<Settings>, clock: Clock) -> Result<App, AppError> {
        let opened = match Opened::open(&settings, &clock) {
            Err(e) if !e.is_for_want_of_room() => return Err(e),
            opened => opened,
        };
        let address = settings.http.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| AppError::Listen { address, source })?;
        let address = listener.local_addr().unwrap_or(address);
        let (opened, listener) = match opened {
            Ok(opened) => (opened, listener),
            Err(full) => room::wait(&settings, &clock, listener, full).await?,
        };
        let Opened { lock, shared, intake, inbox, lanes } = opened;
        let to_intake = shared.to_intake.clone();
        let (intake, intake_ended) = run_intake(intake, inbox);
        let (stop_web, web) = start_web(&shared, listener);
        let (stop_outputs, outputs) = outputs::start(&shared)?;
        let status = format!("taking readings; http://{address}");
        systemd::ready(&status);
        let mut systemd = JoinSet::new();
        systemd.spawn(systemd::watchdog(shared.health.clone()));
        systemd.spawn(systemd::report(shared.health.clone(), status));
        let (stop_sources, sources) = start_sources(&shared, lanes);
        tracing::info!(%address, data_dir = %settings.data_dir.display(), "started");
        Ok(App {
            address,
            health: shared.health,
            settings,
            clock,
            to_intake,
            intake,
            intake_ended,
            stop_sources,
            stop_outputs,
            stop_web,
            sources,
            outputs,
            web,
            _systemd: systemd,
            _lock: lock,
        })
    }

    /// Runs until `stop` completes or a part ends by itself, then stops.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), AppError> {
        let ended = tokio::select! {
            () = stop => None,
            _ = self.intake_ended.wait_for(|ended| *ended) => Some("the intake"),
            () = any_of(&mut self.outputs) => Some("an output"),
            () = any_of(&mut self.web) => Some("the web server"),
            () = any_of(&mut self.sources) => Some("a source"),
            () = tick(&self.clock, &self.to_intake) => Some("the clock"),
            () = watch(self.health.clone()) => None,
        };
        systemd::stopping("finishing what was begun");
        let stopped = tokio::time::timeout(STOP_DEADLINE, self.stop()).await;
        match (ended, stopped) {
            (_, Ok(Err(intake))) => Err(intake),
            (Some(part), _) => Err(AppError::Ended(part)),
            (None, Err(_)) => Err(AppError::Deadline),
            (None, Ok(Ok(()))) => Ok(()),
        }
    }

    async fn stop(mut self) -> Result<(), AppError> {
        tracing::info!("stopping: no more messages, finishing what was begun");
        self.stop_sources.send_replace(true);
        self.stop_outputs.send_replace(true);
        while self.outputs.join_next().await.is_some() {}
        // The intake commits what is waiting and hands the last receipts back;
        // then the sources, who wait for them, say goodbye to their brokers.
        let _ = self.to_intake.commands.send(Event::Finish).await;
        let _ = self.intake_ended.wait_for(|ended| *ended).await;
        let ended = match self.intake.join() {
            Ok(ended) => ended.map_err(AppError::from),
            Err(_) => Err(AppError::Ended("the intake")),
        };
        while self.sources.join_next().await.is_some() {}
        self.stop_web.send_replace(true);
        while self.web.join_next().await.is_some() {}
        tracing::info!(data_dir = %self.settings.data_dir.display(), "stopped");
        ended
    }
}

/// What is open when the store is.
struct Opened {
    lock: File,
    shared: Shared,
    intake: Intake,
    inbox: IntakeInbox,
    lanes: Vec<Vec<LaneStart>>,
}

impl Opened {
    /// Locks the data directory, opens the store and recovers the intake's state.
    fn open(settings: &Arc<Settings>, clock: &Clock) -> Result<Opened, AppError> {
        let lock = store::lock(&settings.data_dir)?;
        let writer = open_store(settings)?;
        let (to_intake, inbox) = flow::intake();
        let announce = flow::announce(writer.last());
        let shared = Shared {
            settings: settings.clone(),
            clock: clock.clone(),
            metrics: Metrics::new(env!("CARGO_PKG_VERSION"), REVISION),
            health: Health::new(),
            committed: announce.committed(),
            notices: announce.notices(),
            to_intake,
            link_key: link_key(settings)?,
        };
        let mut intake = Intake::open(intake::Parts {
            plan: Arc::new(intake::Plan::of(settings)),
            writer,
            announce,
            metrics: shared.metrics.clone(),
            clock: clock.clone(),
            health: shared.health.clone(),
        })?;
        let lanes = settings.sources.iter().map(|_| intake.next_source());
        let lanes = lanes.collect::<Result<_, _>>()?;
        Ok(Opened { lock, shared, intake, inbox, lanes })
    }
}

/// The key of the one-time links, if there are any; made at the first start.
fn link_key(settings: &Settings) -> Result<Option<Key>, AppError> {
    let path = settings.data_dir.join(link::KEY_FILE);
    let key = settings.links.as_ref().map(|_| Key::kept_in(&settings.data_dir));
    key.transpose().map_err(|source| AppError::Links { path, source })
}

/// Opens the store. On a full disk that may need the room held back.
fn open_store(settings: &Settings) -> Result<Writer, StoreError> {
    let disk = Disk::of(&settings.data_dir, settings.disk.reserve);
    if disk.free().is_some_and(|free| free < settings.disk.reserve) && disk.give_up() {
        tracing::warn!("the disk is full: the room held back is given up");
    }
    Writer::open(&settings.data_dir)
}

/// The commit that the program was built from, if the build knew it.
const REVISION: &str = match option_env!("DUSTLINE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Runs the intake on a thread of its own; tells when it has ended.
fn run_intake(
    intake: Intake,
    inbox: IntakeInbox,
) -> (std::thread::JoinHandle<Result<(), IntakeError>>, watch::Receiver<bool>) {
    let (ended_tx, ended) = watch::channel(false);
    let runtime = Handle::current();
    let thread = std::thread::spawn(move || {
        let result = intake::run(intake, inbox, &runtime);
        if let Err(e) = &result {
            tracing::error!(error = %e, "the intake failed");
        }
        ended_tx.send_replace(true);
        result
    });
    (thread, ended)
}

/// Lets time pass for the intake.
async fn tick(clock: &Clock, to_intake: &ToIntake) {
    let period = TICK.div_f64(clock.speed().max(1.0)).max(TICK_MIN);
    let mut beat = tokio::time::interval(period);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut before, mut told) = (Instant::now(), clock.now());
    loop {
        beat.tick().await;
        let now = clock.now();
        let passed_ms = before.elapsed().as_secs_f64() * 1000.0 * clock.speed();
        let by_ms = now.since(told) - passed_ms as i64;
        (before, told) = (Instant::now(), now);
        let set = by_ms.unsigned_abs() as f64 > CLOCK_SET_MS * clock.speed();
        let news = set.then_some(Event::Command(Command::ClockSet { now, by_ms }));
        for event in news.into_iter().chain([Event::Tick(now)]) {
            if to_intake.commands.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// Feeds the watchdog, where there is one, and never completes.
async fn watch(health: Arc<Health>) {
    systemd::watchdog(health).await;
    std::future::pending().await
}

/// Completes when one of the tasks ends, and never if there is none.
async fn any_of(tasks: &mut JoinSet<()>) {
    if tasks.join_next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

fn start_sources(
    shared: &Shared,
    lanes: Vec<Vec<LaneStart>>,
) -> (watch::Sender<bool>, JoinSet<()>) {
    let (stop_tx, stop) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (place, (source, starts)) in shared.settings.sources.iter().zip(lanes).enumerate() {
        let source = Arc::new(source.clone());
        for (start, lane) in starts.into_iter().zip(0..) {
            let wanted = lane < source.connections;
            let subscriber = Subscriber {
                source: source.clone(),
                id: SourceId(place as u16),
                lane,
                filters: if wanted { source.filters() } else { Vec::new() },
                previous_filters: start.previous_filters,
                to_intake: shared.to_intake.clone(),
                receipts: start.receipts,
                clock: shared.clock.clone(),
                stop: stop.clone(),
            };
            tasks.spawn(subscriber.run());
        }
    }
    (stop_tx, tasks)
}

fn start_web(shared: &Shared, listener: TcpListener) -> (watch::Sender<bool>, JoinSet<()>) {
    let (stop_tx, mut stop) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let serving = web::Shared {
        data_dir: shared.settings.data_dir.clone(),
        settings: shared.settings.clone(),
        clock: shared.clock.clone(),
        metrics: shared.metrics.clone(),
        health: shared.health.clone(),
        committed: shared.committed.clone(),
        commands: shared.to_intake.commands.clone(),
        link_key: shared.link_key.clone(),
        cap: messages::cap_writer(&shared.settings),
    };
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tasks.spawn(ended("web", web::serve(listener, serving, stopped)));
    (stop_tx, tasks)
}

/// Runs a part to its end and says why it ended if it should not have.
async fn ended<E: std::fmt::Display>(part: &str, run: impl Future<Output = Result<(), E>>) {
    if let Err(e) = run.await {
        tracing::error!(part, error = %e, "a part failed");
    }
}
