//! What systemd is told: READY, STATUS, WATCHDOG, STOPPING. Without systemd
//! every call does nothing.

use crate::telemetry::Health;
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often is looked whether there is something else to tell.
const REPORT_EVERY: Duration = Duration::from_secs(2);

/// The daemon takes what comes.
pub fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells while a part fails that the daemon cannot do without, and after that what
/// was said at first.
pub async fn report(health: Arc<Health>, usual: String) {
    let mut beat = tokio::time::interval(REPORT_EVERY);
    let mut said = usual.clone();
    loop {
        beat.tick().await;
        let parts = health.report(Instant::now());
        let failing = parts.iter().filter(|p| p.needed && p.state != "ok");
        let why: Vec<&str> = failing.filter_map(|p| p.why.as_deref()).collect();
        let now = if why.is_empty() { usual.clone() } else { why.join("; ") };
        if now != said {
            status(&now);
            said = now;
        }
    }
}

/// The daemon ends what it has begun.
pub fn stopping(status: &str) {
    send(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// One line for `systemctl status`.
pub fn status(status: &str) {
    send(&[NotifyState::Status(status)]);
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(false, states) {
        tracing::debug!(error = %e, "systemd was not told");
    }
}

/// Feeds the watchdog while every loop has turned lately, and never otherwise:
/// a process that lives but does not work is restarted. Returns at once where
/// there is no watchdog.
pub async fn watchdog(health: Arc<Health>) {
    let mut usec = 0;
    if !sd_notify::watchdog_enabled(false, &mut usec) {
        return;
    }
    let mut beat =
        tokio::time::interval(Duration::from_micros(usec / 3).max(Duration::from_millis(1)));
    loop {
        beat.tick().await;
        let stuck = health.stuck(Instant::now());
        if stuck.is_empty() {
            send(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(
                stuck = stuck.join(", "),
                "a loop does not turn; the watchdog is not fed"
            );
        }
    }
}
