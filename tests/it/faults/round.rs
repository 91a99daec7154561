//! What fails in one round, and how it comes about.

use super::wire::Weather;
use super::{Stage, rest};
use crate::helpers::daemon::PATIENCE;
use std::time::{Duration, Instant};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It does not.
    None,
    /// `kill -9`.
    Kill,
    /// `SIGTERM`, in order.
    Term,
}

/// What fails in a round, one after the other and together.
#[derive(Debug)]
pub struct Faults {
    /// Of the lines to the broker, for each source, and to the distant database.
    weather: [Weather; 3],
    disk_full: bool,
    end: End,
    database_killed: bool,
    /// How the process ends while the broker is away; `None`: the broker stays.
    broker_restarts: Option<End>,
}

impl Faults {
    /// Those of a round.
    pub fn of(round: u64, random: &mut fastrand::Rng) -> Faults {
        let by_chance = Faults::by_chance(random);
        let none = Faults {
            weather: [Weather::Clear; 3],
            disk_full: false,
            end: End::None,
            database_killed: false,
            broker_restarts: None,
        };
        // Chance need not bring these: only one thing, or two of them, at a time.
        let resets = [Weather::Clear, Weather::Clear, Weather::Resets];
        match round {
            2 => Faults { weather: resets, end: End::Kill, ..none },
            3 => Faults { disk_full: true, end: End::Kill, ..none },
            4 => Faults { database_killed: true, end: End::Term, ..none },
            5 => Faults { broker_restarts: Some(End::Kill), ..by_chance },
            6 => Faults { database_killed: true, ..by_chance },
            _ => by_chance,
        }
    }

    fn by_chance(random: &mut fastrand::Rng) -> Faults {
        let mut end = |of: u8| match random.u8(..of) {
            0 | 1 => End::Kill,
            2 => End::Term,
            _ => End::None,
        };
        let (end, meanwhile) = (end(4), end(5));
        Faults {
            weather: std::array::from_fn(|_| Weather::some(random)),
            disk_full: random.u8(..3) == 0,
            end,
            database_killed: random.u8(..4) == 0,
            broker_restarts: (random.u8(..3) == 0).then_some(meanwhile),
        }
    }
}

impl Stage {
    /// Has things fail, and some of them mended.
    pub async fn fail(&mut self, faults: &Faults, random: &mut fastrand::Rng) {
        let fills = faults.disk_full && self.small_disk;
        for (wire, weather) in
            [&self.to_broker, &self.to_town, &self.to_distant].into_iter().zip(faults.weather)
        {
            wire.set(weather);
        }
        rest(random, 300).await;
        if faults.database_killed {
            self.frail.kill();
        }
        if fills {
            self.daemon.disk().fill();
            rest(random, 1_500).await;
        }
        self.end(faults.end, random).await;
        if fills {
            self.daemon.disk().free();
        }
        if faults.database_killed {
            assert!(self.frail.start().await, "it does not start again");
        }
        self.comes_up().await;
        rest(random, 500).await;
        if random.bool() {
            self.clear();
            rest(random, 500).await;
        }
    }

    /// Ends the process and starts another one.
    async fn end(&mut self, end: End, random: &mut fastrand::Rng) {
        if end == End::None {
            return;
        }
        *self.address.lock().unwrap() = None;
        match end {
            End::Term => {
                let status = self.daemon.term().await;
                assert_eq!(status.code(), Some(0), "{}", self.daemon.said_since_start());
            }
            _ => self.daemon.kill(),
        }
        self.daemon.spawn();
        rest(random, 200).await;
    }

    async fn comes_up(&mut self) {
        self.daemon.comes_up().await;
        *self.address.lock().unwrap() = Some(self.daemon.url().to_owned());
    }

    /// Ends the broker in order, with whatever it still has for us, and starts it again.
    pub async fn restart_broker(&mut self, faults: &Faults, random: &mut fastrand::Rng) {
        let Some(meanwhile) = faults.broker_restarts else { return };
        self.broker.shut_down();
        self.end(meanwhile, random).await;
        let seen = self.broker.lines().len();
        self.broker.restart();
        self.comes_up().await;
        // Mosquitto forgets who shares a subscription, and drops what comes before it
        // is asked for again.
        self.to_town.set(Weather::Clear);
        let asked = |lines: &[String], lane: &str| {
            lines
                .iter()
                .any(|l| l.ends_with(&format!("Received SUBSCRIBE from dustline-town{lane}")))
        };
        let until = Instant::now() + PATIENCE;
        while !["", "-2", "-3"].iter().all(|lane| asked(&self.broker.lines()[seen..], lane)) {
            assert!(Instant::now() < until, "it is not subscribed to: {}", self.daemon.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
