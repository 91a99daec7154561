//! The forecasters of the demo: their bulletins, published when they are due.

use super::beat;
use super::plan::BEGAN;
use crate::mqtt::{PublishError, Target};
use crate::simulate::Feed;
use crate::simulate::bulletin::bulletins;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// It is looked for due bulletins this often, by the clock of the demo: a
/// decision that rests on one is taken ten minutes after it is issued.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Publishes bulletins until told to stop. Returns how many messages there were.
///
/// # Errors
/// As [`Feed::run`].
pub async fn send(
    feed: &Feed,
    target: &Target,
    until: impl Future<Output = ()>,
    handed: &AtomicU64,
) -> Result<u64, PublishError> {
    let beat = LOOK_EVERY.div_f64(feed.clock.speed()).max(Duration::from_millis(1));
    let mut told = feed.clock.now();
    beat::send(target, beat, until, handed, || {
        let now = feed.clock.now();
        let due = bulletins(feed.episode, BEGAN, told, now);
        told = now;
        due.into_iter().map(|(_, sent)| sent).collect()
    })
    .await
}
