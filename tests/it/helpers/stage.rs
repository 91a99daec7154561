//! The delivering stage at work on a [`Keeper`]'s store.

use super::keeper::Keeper;
use super::soon;
use dustline::air::Stamp;
use dustline::clock::Clock;
use dustline::config::settings::{self, Delivery, Outgoing};
use dustline::deliver::format::{Areas, World};
use dustline::deliver::{self, Context, DeliverError};
use dustline::flow::{Attempt, Outcome};
use dustline::telemetry::{Health, Metrics, Role};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The time of the world that the stage is in.
pub const NOW: Stamp = Stamp(1_641_646_803_000);

/// The stage at work.
pub struct Stage {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), DeliverError>>,
}

impl Stage {
    /// Starts it with these waits between attempts.
    pub fn start(keeper: &Keeper, receivers: Vec<settings::Receiver>, waits_ms: &[u64]) -> Stage {
        Stage::finishing(keeper, receivers, waits_ms, Duration::from_secs(20))
    }

    /// Starts it with a bound on how long attempts may take once it is to stop.
    pub fn finishing(
        keeper: &Keeper,
        receivers: Vec<settings::Receiver>,
        waits_ms: &[u64],
        finish_within: Duration,
    ) -> Stage {
        Stage::guarded(keeper, receivers, waits_ms, finish_within, Outgoing::default())
    }

    /// Starts it with a say on where it may connect to.
    pub fn guarded(
        keeper: &Keeper,
        receivers: Vec<settings::Receiver>,
        waits_ms: &[u64],
        finish_within: Duration,
        outgoing: Outgoing,
    ) -> Stage {
        let schedule = waits_ms.iter().copied().map(Duration::from_millis).collect();
        let context = Context {
            reader: keeper.reader(),
            receivers,
            delivery: Delivery { schedule, parallel: 64 },
            outgoing,
            world: World {
                instance: "seoul-1".to_owned(),
                base_url: "http://127.0.0.1:8080".to_owned(),
                areas: Areas::default(),
                ..World::default()
            },
            clock: Clock::manual(NOW),
            committed: keeper.committed.clone(),
            commands: keeper.commands.clone(),
            metrics: Metrics::new("0", "test"),
            part: Health::new().part("deliver", Role::Edge, None),
            finish_within,
        };
        let (stop, stopped) = watch::channel(false);
        Stage { stop, task: tokio::spawn(deliver::run(context, stopped)) }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        soon("the end of the stage", self.task).await.unwrap().unwrap();
    }
}

/// Why an attempt was the last, and whether it disables the receiver.
pub fn dead(attempt: &Attempt) -> (&str, bool) {
    match &attempt.outcome {
        Outcome::Dead { why, disable } => (why, *disable),
        other => panic!("not dead: {other:?}"),
    }
}

/// Why an attempt is to be repeated.
pub fn why(attempt: &Attempt) -> &str {
    match &attempt.outcome {
        Outcome::Retry { why, .. } => why,
        other => panic!("not to be tried again: {other:?}"),
    }
}
