//! The state of the daemon's parts, and when their loops last turned.
//!
//! Two questions are answered. Is the process **alive**: has every loop turned
//! within its time? A loop that has not is stuck, and only a restart helps. Is
//! it **ready**: are the store and the intake working? A broker, a receiver or a
//! database that is away is weather: its part is degraded or down, and the
//! daemon stays ready.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A part that waits turns at least this often.
const TURN: Duration = Duration::from_secs(1);

/// How well a part works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As it should.
    Ok,
    /// With restrictions: why.
    Degraded(String),
    /// Not at all: why.
    Down(String),
}

impl State {
    /// The name in `/healthz` and `/readyz`.
    pub fn name(&self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Degraded(_) => "degraded",
            State::Down(_) => "down",
        }
    }

    /// Why it is not `ok`.
    pub fn why(&self) -> Option<&str> {
        match self {
            State::Ok => None,
            State::Degraded(why) | State::Down(why) => Some(why),
        }
    }
}

/// What a part is to the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The daemon is not ready while it is down.
    Core,
    /// The daemon does its work without it.
    Edge,
}

/// The registry of all parts. The parts `store` and `intake` are there from the
/// start, down until they report.
#[derive(Debug)]
pub struct Health {
    origin: Instant,
    parts: Mutex<BTreeMap<String, Arc<Cell>>>,
}

#[derive(Debug)]
struct Cell {
    role: Role,
    state: Mutex<State>,
    /// The longest a turn may take, ms; 0: it has no loop.
    every_ms: AtomicU64,
    /// Last turn, ms since `origin`.
    turned_ms: AtomicU64,
}

/// One part's handle, to report with. Cheap to clone and to use.
#[derive(Debug, Clone)]
pub struct Part {
    origin: Instant,
    cell: Arc<Cell>,
}

/// What is known of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PartReport {
    /// Its name: `store`, `intake`, `deliver`, `source/<name>`, `target/<name>`.
    pub part: String,
    /// `ok`, `degraded` or `down`.
    pub state: &'static str,
    /// Why it is not `ok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether the daemon is ready only with it.
    pub needed: bool,
    /// Milliseconds since its loop last turned; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turned_ms_ago: Option<u64>,
    /// Whether that is too long ago.
    pub stuck: bool,
}

impl Health {
    /// A registry in which the store and the intake have not started yet.
    pub fn new() -> Arc<Health> {
        let health = Health { origin: Instant::now(), parts: Mutex::new(BTreeMap::new()) };
        health.part("store", Role::Core, None);
        health.part("intake", Role::Core, None);
        Arc::new(health)
    }

    /// The handle of a part; made if new, down until it reports. With `every`,
    /// its loop must turn at least that often from now on. The role of a part
    /// that is there stays.
    pub fn part(&self, name: &str, role: Role, every: Option<Duration>) -> Part {
        let cell = lock(&self.parts)
            .entry(name.to_owned())
            .or_insert_with(|| {
                Arc::new(Cell {
                    role,
                    state: Mutex::new(State::Down("starting".to_owned())),
                    every_ms: AtomicU64::new(0),
                    turned_ms: AtomicU64::new(0),
                })
            })
            .clone();
        let part = Part { origin: self.origin, cell };
        if let Some(every) = every {
            part.turned();
            part.cell.every_ms.store(millis(every).max(1), Ordering::Relaxed);
        }
        part
    }

    /// Every part by name, as of an instant.
    pub fn report(&self, now: Instant) -> Vec<PartReport> {
        let now_ms = millis(now.saturating_duration_since(self.origin));
        let parts = lock(&self.parts);
        parts.iter().map(|(name, cell)| cell.report(name, now_ms)).collect()
    }

    /// The names of loops that have not turned in time: empty while the process is alive.
    pub fn stuck(&self, now: Instant) -> Vec<String> {
        self.report(now).into_iter().filter(|p| p.stuck).map(|p| p.part).collect()
    }

    /// Whether every part that is needed works.
    pub fn ready(&self, now: Instant) -> bool {
        self.report(now).iter().all(|p| !p.needed || (p.state != "down" && !p.stuck))
    }
}

impl Cell {
    fn report(&self, name: &str, now_ms: u64) -> PartReport {
        let every = self.every_ms.load(Ordering::Relaxed);
        let ago = now_ms.saturating_sub(self.turned_ms.load(Ordering::Relaxed));
        let state = lock(&self.state);
        PartReport {
            part: name.to_owned(),
            state: state.name(),
            why: state.why().map(str::to_owned),
            needed: self.role == Role::Core,
            turned_ms_ago: (every > 0).then_some(ago),
            stuck: every > 0 && ago > every,
        }
    }
}

impl Part {
    /// The part's loop has turned.
    pub fn turned(&self) {
        self.cell.turned_ms.store(millis(self.origin.elapsed()), Ordering::Relaxed);
    }

    /// Waits for something that others hurry, such as an answer of the intake, and turns
    /// meanwhile: whether they are stuck is theirs to show.
    pub async fn turning<T>(&self, wait: impl Future<Output = T>) -> T {
        let mut wait = std::pin::pin!(wait);
        loop {
            self.turned();
            tokio::select! {
                done = &mut wait => return done,
                () = tokio::time::sleep(TURN) => {}
            }
        }
    }

    /// The part works.
    pub fn ok(&self) {
        self.set(State::Ok);
    }

    /// The part works with restrictions.
    pub fn degraded(&self, why: impl Into<String>) {
        self.set(State::Degraded(why.into()));
    }

    /// The part does not work.
    pub fn down(&self, why: impl Into<String>) {
        self.set(State::Down(why.into()));
    }

    fn set(&self, state: State) {
        *lock(&self.cell.state) = state;
    }
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

/// What is behind these locks is replaced whole, so a panic elsewhere leaves it sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn nothing_is_ready_before_the_store_and_the_intake_say_so() {
        let health = Health::new();
        let now = Instant::now();
        assert!(!health.ready(now));
        health.part("store", Role::Core, None).ok();
        assert!(!health.ready(now));
        health.part("intake", Role::Core, Some(LONG)).ok();
        assert!(health.ready(now));
    }

    #[test]
    fn a_broker_that_is_down_is_shown_and_leaves_the_daemon_ready() {
        let health = Health::new();
        health.part("store", Role::Core, None).ok();
        health.part("intake", Role::Core, None).degraded("disk nearly full");
        health.part("source/city", Role::Edge, None).down("connection refused");
        let now = Instant::now();
        assert!(health.ready(now));
        let city = health.report(now).into_iter().find(|p| p.part == "source/city").unwrap();
        assert_eq!((city.state, city.why.as_deref()), ("down", Some("connection refused")));
    }

    #[tokio::test]
    async fn a_part_that_waits_for_others_turns_meanwhile() {
        let health = Health::new();
        let part = health.part("statement", Role::Edge, Some(LONG));
        let again = async {
            let ago = || {
                let all = health.report(Instant::now());
                all.into_iter().find_map(|p| p.turned_ms_ago).unwrap()
            };
            let mut last = ago();
            while ago() >= last {
                last = ago();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            biased;
            () = part.turning(std::future::pending()) => unreachable!(),
            () = again => {}
        }
        assert_eq!(part.turning(async { 7 }).await, 7);
    }

    #[test]
    fn a_loop_that_stands_still_is_stuck_and_no_longer_ready() {
        let health = Health::new();
        health.part("store", Role::Core, None).ok();
        let intake = health.part("intake", Role::Core, Some(LONG));
        intake.ok();
        let now = Instant::now();
        assert!(health.stuck(now).is_empty());
        let later = now + LONG * 2;
        assert_eq!(health.stuck(later), ["intake"]);
        assert!(!health.ready(later));
    }
}
