//! Publishing what is due, beat by beat, beside the network of the demo.

use crate::mqtt::{PublishError, Publisher, Target};
use crate::simulate::network::Sent;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Publishes at every beat what is `due` then, until told to stop; `handed` counts
/// along. Returns how many messages there were.
///
/// # Errors
/// As [`crate::simulate::Feed::run`].
pub async fn send(
    target: &Target,
    beat: Duration,
    until: impl Future<Output = ()>,
    handed: &AtomicU64,
    mut due: impl FnMut() -> Vec<Sent>,
) -> Result<u64, PublishError> {
    let (publisher, sending) = Publisher::connect(target).await?;
    let feeding = async {
        let mut until = pin!(until);
        loop {
            tokio::select! {
                biased;
                () = &mut until => break,
                () = tokio::time::sleep(beat) => {}
            }
            for Sent { topic, payload } in due() {
                publisher.publish(&topic, payload).await?;
                handed.fetch_add(1, Ordering::Relaxed);
            }
        }
        publisher.finish().await
    };
    let (sent, fed) = tokio::join!(sending.run(), feeding);
    sent.and(fed)
}
