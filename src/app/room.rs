//! A start on a disk without any room: it waits, inside the process, for some.
//!
//! A store cannot be opened for writing without any room: its log, a new schema and a
//! first file all need some, and where the reserve is gone already nothing can be given
//! up for them. To end would leave nobody who says so. So the daemon serves what it can
//! say (`/healthz`, `/readyz`, `/metrics`), tells systemd that it is up and why it does
//! not work, and tries the whole of the opening again, ever more seldom. No source is
//! read meanwhile: the brokers hold the messages, as on any full disk. Each try begins
//! from nothing, and what one could not write is as if it had not been tried.

use super::{AppError, Opened, ended};
use crate::clock::Clock;
use crate::config::Settings;
use crate::flow::{self, Committed};
use crate::intake::IntakeError;
use crate::store::{Disk, StoreError, says_full};
use crate::telemetry::{Health, Metrics, Role};
use crate::{systemd, web};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The first wait before it is tried again.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(8);

impl AppError {
    /// Whether there was no room on the disk, and nothing else is wrong.
    pub(super) fn is_for_want_of_room(&self) -> bool {
        match self {
            AppError::Store(e) | AppError::Intake(IntakeError::Store(e)) => {
                matches!(e, StoreError::Full { .. })
            }
            AppError::Links { source, .. } => says_full(source),
            _ => false,
        }
    }
}

/// Waits until everything can be opened, and serves on the port meanwhile.
///
/// # Errors
/// If it cannot be opened for another reason, or the port cannot be served.
pub(super) async fn wait(
    settings: &Arc<Settings>,
    clock: &Clock,
    listener: TcpListener,
    mut why: AppError,
) -> Result<(Opened, TcpListener), AppError> {
    let address = settings.http.listen;
    let unheard = |source| AppError::Listen { address, source };
    let again = listener.into_std().map_err(unheard)?;
    let waiting = Waiting::start(settings, clock, again.try_clone().map_err(unheard)?)?;
    let disk = Disk::of(&settings.data_dir, settings.disk.reserve);
    let store = waiting.health.part("store", Role::Core, None);
    tracing::error!("{why}; no message is taken until there is room");
    let mut pause = PAUSE_MIN;
    loop {
        store.down(why.to_string());
        waiting.metrics.disk_full(true);
        waiting.metrics.disk_free(disk.free());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
        match Opened::open(settings, clock) {
            Ok(opened) => {
                waiting.end().await;
                tracing::info!("the disk has room again");
                return Ok((opened, TcpListener::from_std(again).map_err(unheard)?));
            }
            Err(e) if e.is_for_want_of_room() => why = e,
            Err(e) => return Err(e),
        }
    }
}

/// What is served while there is no store, and what systemd is told.
struct Waiting {
    health: Arc<Health>,
    metrics: Metrics,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    _systemd: JoinSet<()>,
}

impl Waiting {
    fn start(
        settings: &Arc<Settings>,
        clock: &Clock,
        listener: std::net::TcpListener,
    ) -> Result<Waiting, AppError> {
        let address = settings.http.listen;
        let listener = TcpListener::from_std(listener)
            .map_err(|source| AppError::Listen { address, source })?;
        let address = listener.local_addr().unwrap_or(address);
        let health = Health::new();
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), super::REVISION);
        let serving = web::Shared {
            data_dir: settings.data_dir.clone(),
            settings: settings.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            health: health.clone(),
            committed: flow::announce(Committed::default()).committed(),
            commands: flow::intake().0.commands,
            link_key: None,
            cap: super::messages::cap_writer(settings),
        };
        let (stop, mut stopped) = watch::channel(false);
        let stopped = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let (mut tasks, mut systemd) = (JoinSet::new(), JoinSet::new());
        tasks.spawn(ended("web", web::serve_without_store(listener, serving, stopped)));
        let status = format!("waiting for room on the disk; http://{address}");
        systemd::ready(&status);
        systemd.spawn(systemd::watchdog(health.clone()));
        systemd.spawn(systemd::report(health.clone(), status));
        tracing::warn!(%address, "waiting for room on the disk");
        Ok(Waiting { health, metrics, stop, tasks, _systemd: systemd })
    }

    /// Answers the requests under way, and leaves the port.
    async fn end(mut self) {
        self.stop.send_replace(true);
        // A connection that is kept open for the next request is cut off.
        let _ = tokio::time::timeout(PAUSE_MIN, self.tasks.join_next()).await;
    }
}
