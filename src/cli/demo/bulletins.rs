//! The forecasters of the demo: their bulletins, published when they are due.

use super::plan::BEGAN;
use crate::mqtt::{PublishError, Publisher, Target};
use crate::simulate::Feed;
use crate::simulate::bulletin::bulletins;
use crate::simulate::network::Sent;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
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
    let (publisher, sending) = Publisher::connect(target).await?;
    let feeding = async {
        let mut until = pin!(until);
        let pause = LOOK_EVERY.div_f64(feed.clock.speed()).max(Duration::from_millis(1));
        let mut told = feed.clock.now();
        loop {
            tokio::select! {
                biased;
                () = &mut until => break,
                () = tokio::time::sleep(pause) => {}
            }
            let now = feed.clock.now();
            for (_, Sent { topic, payload }) in bulletins(feed.episode, BEGAN, told, now) {
                publisher.publish(&topic, payload).await?;
                handed.fetch_add(1, Ordering::Relaxed);
            }
            told = now;
        }
        publisher.finish().await
    };
    let (sent, fed) = tokio::join!(sending.run(), feeding);
    sent.and(fed)
}
