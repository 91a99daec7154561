//! `dustline run`: the daemon.

use super::{Code, Failure};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{self, Loaded, Machine, Refused};
use crate::telemetry;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `dustline run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the daemon until SIGTERM or SIGINT.
pub fn run(args: &Args) -> Result<(), Failure> {
    let loaded = load(&args.config)?;
    telemetry::init(loaded.settings.log_json).map_err(|e| Failure::new(Code::Failed, e))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    super::prepare_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut stop = pin!(stop_signal()?);
        let app = tokio::select! {
            app = App::start(Arc::new(loaded.settings), Clock::system()) => app?,
            // Nothing was begun that could be finished.
            () = &mut stop => return Ok(()),
        };
        Ok(app.run_until(stop).await?)
    })
}

/// The configuration, or everything that is found in it on standard error.
pub(super) fn load(path: &Path) -> Result<Loaded, Failure> {
    config::load(path, &Machine).map_err(told)
}

/// Tells every warning and fault on standard error.
pub(super) fn told(refused: impl Into<Refused>) -> Failure {
    let refused: Refused = refused.into();
    refused.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    refused.faults.iter().for_each(|fault| eprintln!("{fault}"));
    Failure { code: Code::Usage, message: String::new() }
}

/// Completes at SIGTERM or SIGINT. The handlers are in place when it returns.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
