//! The end: once nothing fails any more, everyone has everything, and agrees.

use super::Stage;
use super::onlooker::timed;
use super::story::Story;
use crate::helpers::daemon::TestDaemon;
use crate::helpers::http_client;
use crate::survive::kills::idle;
use crate::survive::outputs::{numbers, points};
use crate::survive::world::{Timed, closing_by_the_clock};
use dustline::air::Stamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// How long a database may take to show what it took.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// Series, time, tenths.
type Point = (String, i64, i64);

/// Readings as a database has them.
fn as_points(readings: BTreeSet<Timed>) -> BTreeSet<Point> {
    let point =
        |(device, at, quantity, tenths): Timed| (format!("{quantity} {device}"), at, tenths);
    readings.into_iter().map(point).collect()
}

/// What an export has.
struct Exported {
    /// Readings with a time of their own.
    readings: BTreeSet<Timed>,
    /// Of several of one series and time the last one.
    counting: BTreeSet<Timed>,
    /// Bare numbers.
    bare: BTreeSet<(String, i64)>,
}

impl Exported {
    fn of(daemon: &TestDaemon) -> Exported {
        let out = daemon.output(&["export", "--format", "jsonl"]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let (mut readings, mut last, mut bare) =
            (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        for line in String::from_utf8(out.stdout).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let reading = timed(&row);
            let (device, at, quantity, tenths) = reading.clone();
            let new = match row["time_source"] == "device" {
                true => {
                    last.insert((device, at, quantity), tenths);
                    readings.insert(reading.clone())
                }
                false => bare.insert((device, tenths)),
            };
            assert!(new, "twice in the export: {reading:?}");
        }
        let whole = |((device, at, quantity), tenths)| (device, at, quantity, tenths);
        Exported { readings, counting: last.into_iter().map(whole).collect(), bare }
    }
}

fn difference(found: &BTreeSet<Timed>, published: &BTreeSet<Timed>) -> String {
    let missing: Vec<_> = published.difference(found).take(5).collect();
    let extra: Vec<_> = found.difference(published).take(5).collect();
    format!("missing, such as {missing:?}; never published: {extra:?}")
}

impl Stage {
    /// Waits until nothing is left to be done.
    pub async fn settle(&self, story: &Story) {
        self.clear();
        let drained = |v: &Value| {
            let of = |name: &str| v[name].as_u64().unwrap() as usize;
            of("stored") >= story.stored()
                && of("quarantined") >= story.unreadable.len()
                && idle(&self.broker)
        };
        let what = format!("{} messages stored", story.stored());
        self.daemon.until(&what, "/api/v1/ledger?limit=1", drained).await;
        self.daemon.forwarded_all("distant").await;
        self.daemon.forwarded_all("frail").await;
    }

    /// Everyone agrees about what was published.
    pub async fn agree(&self, story: &Story) {
        self.daemon.agrees().await;
        let ledger = self.daemon.get("/api/v1/ledger?limit=1&targets=true").await;
        println!("{ledger}");
        assert_eq!(ledger["stored"], story.stored(), "{ledger}");
        assert_eq!(ledger["ignored"], 0, "{ledger}");
        let aside = self.daemon.list("quarantine", "").await;
        let topics: BTreeSet<String> =
            aside.iter().map(|a| a["topic"].as_str().unwrap().to_owned()).collect();
        assert_eq!(topics, story.unreadable);
        let exported = Exported::of(&self.daemon);
        let published = story.published();
        let differ = difference(&exported.readings, &published);
        assert!(exported.readings == published, "{differ}");
        let (counting, differ) =
            (story.counting(), difference(&exported.counting, &story.counting()));
        assert!(exported.counting == counting, "what counts: {differ}");
        assert_eq!(exported.bare, story.world.numbers());
        let (found, expected) = (points(&self.distant).await, as_points(published));
        assert!(found == expected, "{} points of {}", found.len(), expected.len());
        assert_eq!(numbers(&self.distant).await, story.world.numbers());
    }

    /// What the frail database took and has lost is found by reading back, and sent
    /// again: every closed hour is whole there.
    pub async fn repair(&mut self, story: &Story) {
        let published = as_points(story.published());
        let before = points(&self.frail).await;
        *self.address.lock().unwrap() = None;
        assert_eq!(self.daemon.term().await.code(), Some(0), "{}", self.daemon.said());
        // Hours close now, and what is closed is read back.
        self.text = closing_by_the_clock(&self.text);
        self.configure("read_back = \"victoriametrics\"\nread_back_after = \"1s\"\n");
        self.daemon.start().await;
        let reads_back = async {
            let end = story.world.end();
            let whole = |v: &Value| {
                let targets = v["targets"].as_array().into_iter().flatten();
                let frail = targets.into_iter().find(|t| t["target"] == "frail");
                let upto = frail.and_then(|t| Stamp::parse(t["read_back"].as_str()?));
                upto.is_some_and(|upto| upto >= end)
            };
            self.daemon.until("it is read back", "/api/v1/forward", whole).await;
        };
        let places = |points: &BTreeSet<Point>| -> BTreeSet<(String, i64)> {
            points.iter().map(|(series, at, _)| (series.clone(), *at)).collect()
        };
        let end = story.world.end().0;
        let closed: BTreeSet<_> =
            places(&published).into_iter().filter(|(_, at)| *at < end).collect();
        let url = self.frail.url();
        let frail = &self.frail;
        // What it took last is shown a moment after it was taken.
        let is_whole = async {
            reads_back.await;
            let asked = Instant::now();
            loop {
                let found = points(frail).await;
                if closed.is_subset(&places(&found)) || asked.elapsed() > SHOWN_WITHIN {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let found = tokio::select! {
            found = is_whole => found,
            never = shows_at_once(&url) => match never {},
        };
        let missing: Vec<_> = closed.difference(&places(&found)).cloned().collect();
        println!(
            "{} of {} points were lost",
            places(&published).difference(&places(&before)).count(),
            published.len()
        );
        let (said, count, first) = (self.daemon.said(), missing.len(), missing.first());
        let about = |line: &&str| line.contains("in the database") || line.contains("forgets");
        let about: Vec<&str> = said.lines().filter(about).collect();
        assert!(missing.is_empty(), "{count} missing, such as {first:?}: {about:#?}");
        assert!(found.is_subset(&published), "points that were never published");
    }
}

/// Has a database show what it takes at once, and not some seconds later.
async fn shows_at_once(url: &str) -> Infallible {
    let client = http_client();
    loop {
        // It may be busy; then the next time.
        let _ = client.get(format!("{url}/internal/force_flush")).send().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
