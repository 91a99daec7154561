//! What goes wrong in real networks, now and then: messages cut off or sent
//! twice, sensors that have failed, chatter that holds no reading.

use super::beat;
use crate::air::Stamp;
use crate::mqtt::{PublishError, Target};
use crate::simulate::network::Sent;
use crate::simulate::{Device, Feed, Format};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// One mishap in so much time of the demo.
const EVERY: Duration = Duration::from_secs(20 * 60);

/// Sends mishaps of a network until told to stop. Returns how many messages
/// there were.
///
/// # Errors
/// As [`Feed::run`].
pub async fn send(
    feed: &Feed,
    target: &Target,
    until: impl Future<Output = ()>,
    handed: &AtomicU64,
) -> Result<u64, PublishError> {
    let beat = EVERY.div_f64(feed.clock.speed()).max(Duration::from_millis(1));
    let mut turns = 0..;
    beat::send(target, beat, until, handed, || {
        turns.next().map_or_else(Vec::new, |turn| mishap(feed, turn, feed.clock.now()))
    })
    .await
}

/// The messages of one mishap; one kind after the other, each time by another device.
fn mishap(feed: &Feed, turn: usize, at: Stamp) -> Vec<Sent> {
    const KINDS: usize = 5;
    let (kind, round) = (turn % KINDS, turn / KINDS);
    let of = |format: Format| {
        let same: Vec<&Device> = feed.network.iter().filter(|d| d.format == format).collect();
        same.get(round % same.len().max(1)).copied()
    };
    let one = |topic: String, payload: &str| vec![Sent { topic, payload: payload.into() }];
    let messages = match kind {
        // Cut off on its way.
        0 => {
            of(Format::Json).map(|d| one(format!("air/{}/{}", d.city.id(), d.id), r#"{"device":"#))
        }
        // Sent twice, since the device did not hear the first acknowledgement.
        1 => of(Format::Json).map(|d| {
            let since = Duration::from_millis(u64::try_from(at.since(feed.began)).unwrap_or(0));
            let air = feed.episode.air(d.city, since);
            let message = d.messages(d.measure(air, at), at);
            [message.clone(), message].concat()
        }),
        // The value with which an SDS011 says that it is full of dust.
        2 => of(Format::Plain).map(|d| one(format!("plain/{}/pm2_5", d.id), "999.9")),
        // A device that tells of its battery only.
        3 => of(Format::Zigbee2Mqtt)
            .map(|d| one(format!("zigbee2mqtt/{}", d.id), r#"{"battery":87,"linkquality":112}"#)),
        // Text where a number should be.
        _ => of(Format::Plain).map(|d| one(format!("plain/{}/pm10", d.id), "warming up")),
    };
    messages.unwrap_or_default()
}
