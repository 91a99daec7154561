//! Someone who asks all the time: whatever is answered is true, and what was seen once
//! is there from then on.

use super::story::Story;
use crate::helpers::counts::balanced;
use crate::helpers::http_client;
use crate::survive::world::{STATIONS, Timed};
use dustline::air::Stamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where the daemon answers, as long as it does.
pub type Address = Arc<Mutex<Option<String>>>;

/// Asks until told to stop.
pub struct Onlooker {
    stop: watch::Sender<bool>,
    asking: JoinHandle<u64>,
}

impl Onlooker {
    /// One who knows what the readings of a story can be.
    pub fn of(story: &Story, address: Address, seed: u64) -> Onlooker {
        let (stop, stopped) = watch::channel(false);
        let view = View {
            start: story.world.start,
            true_ones: story.published(),
            seen: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed),
        };
        Onlooker { stop, asking: tokio::spawn(view.ask(address, stopped)) }
    }

    /// How many answers there were; fails if one was wrong.
    pub async fn finish(self) -> u64 {
        self.stop.send_replace(true);
        self.asking.await.unwrap()
    }
}

struct View {
    start: Stamp,
    true_ones: BTreeSet<Timed>,
    /// How many readings of a station's device in an hour were seen.
    seen: BTreeMap<(i64, i64), usize>,
    random: fastrand::Rng,
}

impl View {
    async fn ask(mut self, address: Address, stopped: watch::Receiver<bool>) -> u64 {
        let client = http_client();
        let mut answers = 0;
        while !*stopped.borrow() {
            let (station, hour) = (self.random.i64(0..STATIONS), self.random.i64(0..10));
            let from = Stamp(self.start.0 + hour * 3_600_000);
            let to = Stamp(from.0 + 3_600_000);
            let readings = format!("readings?device=d{station}&from={from}&to={to}&limit=10000");
            for path in [readings.as_str(), "ledger?limit=5&targets=true", "devices", "hours"] {
                let base = address.lock().unwrap().clone();
                let Some(base) = base else { continue };
                let asked = client.get(format!("{base}/api/v1/{path}")).send().await;
                let Ok(answer) = asked else { continue };
                let (status, body) = (answer.status().as_u16(), answer.text().await);
                // One who is killed leaves sentences unfinished.
                let Ok(body) = body else { continue };
                let body: Value = serde_json::from_str(&body).unwrap();
                assert!(matches!(status, 200 | 503), "{status} to {path}: {body}");
                if status == 200 {
                    answers += 1;
                    self.check((station, hour), path, &body);
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        answers
    }

    fn check(&mut self, place: (i64, i64), path: &str, body: &Value) {
        if path.starts_with("ledger") {
            balanced(body);
            balanced(&body["readings"]);
        }
        if !path.starts_with("readings") {
            return;
        }
        let readings = body["readings"].as_array().unwrap();
        let mut found = BTreeSet::new();
        for reading in readings {
            let reading = timed(reading);
            assert!(self.true_ones.contains(&reading), "never published: {reading:?}");
            assert!(found.insert(reading.clone()), "twice: {reading:?}");
        }
        let before = self.seen.insert(place, found.len()).unwrap_or(0);
        assert!(before <= found.len(), "{path}: {before} before, {} now", found.len());
    }
}

/// A reading as the API and the export tell it.
pub fn timed(reading: &Value) -> Timed {
    let at = Stamp::parse(reading["at"].as_str().unwrap()).unwrap();
    let quantity = if reading["quantity"] == "pm10" { "pm10" } else { "pm2_5" };
    let tenths = (reading["value"].as_f64().unwrap() * 10.0).round() as i64;
    (reading["device"].as_str().unwrap().to_owned(), at.0, quantity, tenths)
}
