//! What the world and the show share: when it has begun and ended, what the
//! receiver was told, how much was sent.

use crate::air::place::Language;
use crate::clock::Clock;
use crate::config::Secret;
use crate::config::settings::{Station, Zone};
use crate::hotline;
use crate::simulate::Received;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How many notices are remembered to be shown.
const NOTICES_MAX: usize = 200;

/// What is fixed once everything has started.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The time of the demo.
    pub clock: Clock,
    /// Where the page is.
    pub url: String,
    /// Where it should have been, if somebody else is there.
    pub taken: Option<SocketAddr>,
    /// The languages of the receivers.
    pub languages: Vec<(String, Language)>,
    /// The zones.
    pub zones: Vec<Zone>,
    /// The stations.
    pub stations: Vec<Station>,
    /// Whom the hotline connects.
    pub hotline: hotline::Plan,
    /// What its parties act with.
    pub tokens: BTreeMap<String, Secret>,
}

impl Scene {
    /// The English name of a station.
    pub fn station<'a>(&'a self, id: &'a str) -> &'a str {
        let named = self.stations.iter().find(|s| s.id == id);
        named.map_or(id, |s| s.name.text(Language::En))
    }

    /// The English name of a zone.
    pub fn zone<'a>(&'a self, id: &'a str) -> &'a str {
        let named = self.zones.iter().find(|z| z.id == id);
        named.map_or(id, |z| z.name.text(Language::En))
    }

    /// The language of a receiver.
    pub fn language(&self, receiver: &str) -> Language {
        let known = self.languages.iter().find(|(id, _)| id == receiver);
        known.map(|(_, language)| *language).unwrap_or_default()
    }
}

/// A notice as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who was told.
    pub receiver: String,
    /// What, shortened to its first sentences.
    pub text: String,
    /// Whether the signature was right.
    pub verified: bool,
}

/// What a receiver was told of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Who was told.
    pub receiver: String,
    /// The notice's `data`.
    pub data: Value,
}

/// How many notices came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deliveries {
    /// With a right signature.
    pub verified: u64,
    /// With a wrong one.
    pub refused: u64,
}

/// The meeting point.
#[derive(Debug, Default)]
pub struct Stage {
    inner: Mutex<Inner>,
    moved: Condvar,
    stop: Notify,
    /// Messages handed over to the broker.
    pub handed: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    scene: Option<Scene>,
    ending: bool,
    ended: bool,
    deliveries: Deliveries,
    /// The last ones, the newest at the end.
    notices: Vec<Told>,
    /// What the officers have not read yet.
    letters: Vec<Letter>,
}

/// Stops the world when it goes.
pub struct StopWhenDropped<'a>(&'a Stage);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.stop.notify_one();
    }
}

impl Stage {
    /// An empty one.
    pub fn new() -> Stage {
        Stage::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything has started.
    pub fn begin(&self, scene: Scene) {
        self.lock().scene = Some(scene);
        self.moved.notify_all();
    }

    /// No more is sent; what is under way is finished.
    pub fn ending(&self) {
        self.lock().ending = true;
    }

    /// Whether [`Stage::ending`] was called.
    pub fn is_ending(&self) -> bool {
        self.lock().ending
    }

    /// Everything has ended.
    pub fn end(&self) {
        self.lock().ended = true;
        self.moved.notify_all();
    }

    /// Waits for the beginning; `None` if it never comes.
    pub fn scene(&self) -> Option<Scene> {
        let waits = |i: &mut Inner| i.scene.is_none() && !i.ended;
        let inner = self.moved.wait_while(self.lock(), waits);
        inner.unwrap_or_else(PoisonError::into_inner).scene.clone()
    }

    /// Waits a while; `false` once everything has ended.
    pub fn wait(&self, time: Duration) -> bool {
        let waited = self.moved.wait_timeout_while(self.lock(), time, |i| !i.ended);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !inner.ended
    }

    /// Asks the world to stop as soon as the value goes.
    pub fn stop_when_dropped(&self) -> StopWhenDropped<'_> {
        StopWhenDropped(self)
    }

    /// Completes when the world shall stop.
    pub async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// The receiver was told something.
    pub fn told(&self, mut received: Received) {
        let text = received.body.pointer("/data/text").and_then(Value::as_str);
        let told = Told {
            text: first_sentences(text.unwrap_or("not readable")),
            receiver: received.path,
            verified: received.verified,
        };
        let mut inner = self.lock();
        // An officer trusts nothing that is not signed.
        if told.verified && received.body["type"] == "dustline.incident.v1" {
            let (receiver, data) = (told.receiver.clone(), received.body["data"].take());
            inner.letters.push(Letter { receiver, data });
        }
        match told.verified {
            true => inner.deliveries.verified += 1,
            false => inner.deliveries.refused += 1,
        }
        if inner.notices.len() == NOTICES_MAX {
            inner.notices.remove(0);
        }
        inner.notices.push(told);
    }

    /// What came of incidents since this was asked last.
    pub fn letters(&self) -> Vec<Letter> {
        std::mem::take(&mut self.lock().letters)
    }

    /// How many notices came.
    pub fn deliveries(&self) -> Deliveries {
        self.lock().deliveries
    }

    /// The last `n` notices, the newest at the end.
    pub fn last_notices(&self, n: usize) -> Vec<Told> {
        let inner = self.lock();
        inner.notices.iter().skip(inner.notices.len().saturating_sub(n)).cloned().collect()
    }
}

/// What happened and the value; the criterion and the disclaimer stay behind.
fn first_sentences(text: &str) -> String {
    let ends = text.match_indices(". ").chain(text.match_indices('。'));
    let mut ends: Vec<usize> = ends.map(|(at, _)| at).collect();
    ends.sort_unstable();
    let end = ends.get(1).copied().unwrap_or(text.len());
    text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_sentences_are_shown_in_each_language() {
        for (text, shown) in [
            ("Seoul: met. Value 81.84 µg/m³. Criterion: x.", "Seoul: met. Value 81.84 µg/m³"),
            ("首尔：达到标准。测量值 81.84 µg/m³。标准：x。", "首尔：达到标准。测量值 81.84 µg/m³"),
            ("only one", "only one"),
            ("", ""),
        ] {
            assert_eq!(first_sentences(text), shown);
        }
    }

    #[test]
    fn a_show_that_ends_first_stops_the_world() {
        let stage = Stage::new();
        drop(stage.stop_when_dropped());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(stage.stopped());
    }
}
