//! Sends what a network measures, at the pace of a clock or as a load.

use super::episode::Episode;
use super::network::{Device, Sent};
use crate::air::Stamp;
use crate::clock::Clock;
use crate::mqtt::{PublishError, Publisher, Target};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How fast a network sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Every device once per interval of the clock's time, all of them evenly
    /// spread over it.
    Every(Duration),
    /// So many devices a second of real time, one after the other. Their own
    /// time goes on by at least a millisecond from round to round, so that no
    /// reading repeats an instant.
    Rate(f64),
}

/// A network and what happens to it.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The devices.
    pub network: Vec<Device>,
    /// What happens to the air.
    pub episode: Episode,
    /// When the episode began, by the clock.
    pub began: Stamp,
    /// How fast to send.
    pub pace: Pace,
    /// How many messages to send; `None`: without end.
    pub count: Option<u64>,
    /// The time that devices go by.
    pub clock: Clock,
}

impl Feed {
    /// Sends until the count is reached or `until` is over, then waits for
    /// every acknowledgement. Returns how many messages there were.
    ///
    /// # Errors
    /// If there is no connection at the beginning, or messages were lost.
    pub async fn run(
        &self,
        target: &Target,
        until: impl Future<Output = ()>,
    ) -> Result<u64, PublishError> {
        self.run_counting(target, until, &AtomicU64::new(0)).await
    }

    /// The same; counts in `handed` the messages handed over to be sent, for
    /// those who watch.
    ///
    /// # Errors
    /// As [`Feed::run`].
    pub async fn run_counting(
        &self,
        target: &Target,
        until: impl Future<Output = ()>,
        handed: &AtomicU64,
    ) -> Result<u64, PublishError> {
        let (publisher, sending) = Publisher::connect(target).await?;
        let feeding = async {
            self.send(&publisher, pin!(until), handed).await?;
            publisher.finish().await
        };
        let (sent, fed) = tokio::join!(sending.run(), feeding);
        // Where both fail, the sender knows why.
        sent.and(fed)
    }

    async fn send(
        &self,
        publisher: &Publisher,
        mut until: Pin<&mut impl Future<Output = ()>>,
        handed: &AtomicU64,
    ) -> Result<(), PublishError> {
        let mut left = self.count.unwrap_or(u64::MAX);
        let first = self.clock.now();
        let started = Instant::now();
        for turn in 0u64.. {
            for (place, device) in self.network.iter().enumerate() {
                let due = self.due(turn, place);
                // Only here does it stop: a message half handed over would be
                // waited for and never be acknowledged.
                tokio::select! {
                    biased;
                    () = &mut until => return Ok(()),
                    () = self.wait(due, first, started) => {}
                }
                for Sent { topic, payload } in self.message(device, first.plus(due.on_clock)) {
                    if left == 0 {
                        return Ok(());
                    }
                    publisher.publish(&topic, payload).await?;
                    handed.fetch_add(1, Ordering::Relaxed);
                    left -= 1;
                }
            }
            if self.network.is_empty() || left == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    fn message(&self, device: &Device, at: Stamp) -> Vec<Sent> {
        let since = u64::try_from(at.since(self.began)).unwrap_or_default();
        let air = self.episode.air(device.city, Duration::from_millis(since));
        device.messages(device.measure(air, at), at)
    }

    /// When the device at this place of the network has its turn.
    fn due(&self, turn: u64, place: usize) -> Due {
        let devices = self.network.len().max(1) as f64;
        match self.pace {
            Pace::Every(interval) => {
                let turns = turn as f64 + place as f64 / devices;
                let on_clock = interval.mul_f64(turns);
                Due { on_clock, really: on_clock.div_f64(self.clock.speed().max(1e-9)) }
            }
            Pace::Rate(per_second) => {
                let sent = turn as f64 * devices + place as f64;
                let really = Duration::from_secs_f64(sent / per_second.max(1e-3));
                let on_clock = really.mul_f64(self.clock.speed()).max(Duration::from_millis(turn));
                Due { on_clock, really }
            }
        }
    }

    async fn wait(&self, due: Due, first: Stamp, started: Instant) {
        let wait = match self.pace {
            Pace::Rate(_) => due.really.saturating_sub(started.elapsed()),
            Pace::Every(_) => {
                let ahead = first.plus(due.on_clock).since(self.clock.now());
                let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or_default());
                ahead.div_f64(self.clock.speed().max(1e-9))
            }
        };
        // Timers are no finer than a millisecond; what is due earlier goes at once.
        if wait >= Duration::from_millis(1) {
            tokio::time::sleep(wait).await;
        }
    }
}

/// When a device has its turn, counted from the start of the feed.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// By the clock that devices go by.
    on_clock: Duration,
    /// In real time.
    really: Duration,
}

#[cfg(test)]
mod tests {
    use super::super::network::network;
    use super::*;

    fn feed(pace: Pace, clock: Clock) -> Feed {
        let network = network(4, 1, None);
        Feed { network, episode: Episode::Haze, began: Stamp(0), pace, count: None, clock }
    }

    #[test]
    fn devices_are_spread_over_the_interval() {
        let feed = feed(Pace::Every(Duration::from_secs(60)), Clock::fast(Stamp(0), 60.0));
        let times: Vec<u64> = (0..4).map(|p| feed.due(2, p).on_clock.as_secs()).collect();
        assert_eq!(times, [120, 135, 150, 165]);
        assert_eq!(feed.due(2, 0).really, Duration::from_secs(2));
    }

    #[test]
    fn at_a_high_rate_no_device_repeats_an_instant() {
        let feed = feed(Pace::Rate(1_000_000.0), Clock::system());
        let times: Vec<u128> = (0..50).map(|t| feed.due(t, 3).on_clock.as_millis()).collect();
        assert!(times.windows(2).all(|w| w[0] < w[1]), "{times:?}");
    }
}
