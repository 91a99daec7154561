//! Everything at once, and everything fails at random: readings come in over a real
//! broker, are sealed, forwarded to a real database and asked for, while the process is
//! killed, both lines are cut, held up and cut in the middle of an answer, and the disk
//! is full for a while. In the end the broker, the ledger, the store, its export and the
//! database agree about every message.
//!
//! The run is bounded. `DUSTLINE_FAULT_ROUNDS` makes it longer, `DUSTLINE_FAULT_SEED`
//! repeats one as far as time allows: the seed decides what is sent and what fails, not
//! how fast the machine is. It is printed, and so is every round.

mod onlooker;
mod story;
mod wire;

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use crate::helpers::victoria::{self, Victoria};
use crate::survive::full_disk::whole;
use crate::survive::kills::{SEALS, broker, idle, number_from};
use crate::survive::outputs::{numbers, points};
use crate::survive::world::{Sent, Timed, config};
use onlooker::{Address, Onlooker, timed};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use story::Story;
use wire::{Weather, Wire};

/// Rounds of faults unless `DUSTLINE_FAULT_ROUNDS` says otherwise.
const ROUNDS: u64 = 16;
/// The seed unless `DUSTLINE_FAULT_SEED` says otherwise.
const SEED: u64 = 20_261_122;
const DISK_BYTES: u64 = 96 << 20;

/// A network that is watched while everything fails.
struct Stage {
    broker: Mosquitto,
    victoria: Victoria,
    to_broker: Wire,
    to_victoria: Wire,
    daemon: TestDaemon,
    /// Whether its disk is one that can be filled.
    small_disk: bool,
    address: Address,
}

impl Stage {
    async fn set(test: &str, random: &mut fastrand::Rng) -> Stage {
        let (broker, victoria) = (broker(), Victoria::started().await);
        let to_broker = Wire::to(broker.port).await;
        let to_victoria = Wire::to(victoria.port()).await;
        let target = format!(
            "[[influxdb]]\nname = \"main\"\nurl = \"http://127.0.0.1:{}\"\norg = \"o\"\n\
             bucket = \"b\"\ntoken = \"t\"\ntimeout = \"1s\"\nbatch_lines = 500\n",
            to_victoria.port
        );
        let disk = match random.bool() {
            true => "[disk]\nlow_mib = 12\nfull_mib = 4\nreserve_mib = 2\n",
            false => "[disk]\nlow_mib = 0\nfull_mib = 0\nreserve_mib = 0\n",
        };
        let config = config(to_broker.port, "", &format!("{target}{disk}{SEALS}"));
        let mut daemon = TestDaemon::new(&config);
        // Without one that can be filled everything else still fails.
        let small_disk = daemon.on_a_small_disk(&format!("{test} (full disk)"), DISK_BYTES);
        daemon.start().await;
        daemon.part("source/city", "ok").await;
        let address = Arc::new(Mutex::new(Some(daemon.url().to_owned())));
        Stage { broker, victoria, to_broker, to_victoria, daemon, small_disk, address }
    }

    /// Has some things fail, one after the other and together.
    async fn fail(&mut self, round: u64, random: &mut fastrand::Rng) {
        let by_chance = (Weather::some(random), Weather::some(random));
        let (fills, kills) = (random.u8(..3) == 0, random.u8(..3) > 0);
        let (weather, fills, kills) = match round {
            // Chance need not bring these: killed while only the database is away, or
            // only the disk is full.
            2 => ((Weather::Clear, Weather::Resets), false, true),
            3 => ((Weather::Clear, Weather::Clear), true, true),
            _ => (by_chance, fills, kills),
        };
        let fills = fills && self.small_disk;
        println!("round {round}: {weather:?}, disk full: {fills}, killed: {kills}");
        self.to_broker.set(weather.0);
        self.to_victoria.set(weather.1);
        rest(random, 300).await;
        if fills {
            self.daemon.disk().fill();
            rest(random, 1_500).await;
        }
        if kills {
            *self.address.lock().unwrap() = None;
            self.daemon.kill();
            self.daemon.spawn();
            rest(random, 200).await;
        }
        if fills {
            self.daemon.disk().free();
        }
        self.daemon.comes_up().await;
        *self.address.lock().unwrap() = Some(self.daemon.url().to_owned());
        rest(random, 500).await;
        if random.bool() {
            self.to_broker.set(Weather::Clear);
            self.to_victoria.set(Weather::Clear);
            rest(random, 500).await;
        }
    }

    /// Waits until nothing is left to be done.
    async fn settle(&self, story: &Story) {
        self.to_broker.set(Weather::Clear);
        self.to_victoria.set(Weather::Clear);
        let messages = story.world.messages().len();
        let drained = |v: &Value| {
            let of = |name: &str| v[name].as_u64().unwrap() as usize;
            of("stored") >= messages
                && of("quarantined") >= story.unreadable.len()
                && idle(&self.broker)
        };
        self.daemon.until("every message stored", "/api/v1/ledger?limit=1", drained).await;
        self.daemon.forwarded_all("main").await;
    }

    /// Everyone agrees about what was published.
    async fn agree(&self, story: &Story) {
        self.daemon.agrees().await;
        let ledger = self.daemon.get("/api/v1/ledger?limit=1&targets=true").await;
        println!("{ledger}");
        assert_eq!(ledger["stored"], story.world.messages().len(), "{ledger}");
        assert_eq!(ledger["ignored"], 0, "{ledger}");
        let aside = self.daemon.list("quarantine", "").await;
        let topics: BTreeSet<String> =
            aside.iter().map(|a| a["topic"].as_str().unwrap().to_owned()).collect();
        assert_eq!(topics, story.unreadable);
        let (readings, bare) = exported(&self.daemon);
        assert!(readings == story.world.readings(), "{}", difference(&readings, story));
        assert_eq!(bare, story.world.numbers());
        let series =
            |(device, at, quantity, tenths): Timed| (format!("{quantity} {device}"), at, tenths);
        let expected: BTreeSet<_> = story.world.readings().into_iter().map(series).collect();
        let found = points(&self.victoria).await;
        assert!(found == expected, "{} points of {}", found.len(), expected.len());
        assert_eq!(numbers(&self.victoria).await, story.world.numbers());
    }
}

/// What the export has: readings with a time of their own, and bare numbers.
fn exported(daemon: &TestDaemon) -> (BTreeSet<Timed>, BTreeSet<(String, i64)>) {
    let out = daemon.output(&["export", "--format", "jsonl"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let (mut readings, mut bare) = (BTreeSet::new(), BTreeSet::new());
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let reading = timed(&row);
        let new = match row["time_source"] == "device" {
            true => readings.insert(reading.clone()),
            false => bare.insert((reading.0.clone(), reading.3)),
        };
        assert!(new, "twice in the export: {reading:?}");
    }
    (readings, bare)
}

fn difference(found: &BTreeSet<Timed>, story: &Story) -> String {
    let published = story.world.readings();
    let missing: Vec<_> = published.difference(found).take(5).collect();
    let extra: Vec<_> = found.difference(&published).take(5).collect();
    format!("missing, such as {missing:?}; never published: {extra:?}")
}

async fn rest(random: &mut fastrand::Rng, most_ms: u64) {
    tokio::time::sleep(Duration::from_micros(random.u64(..most_ms * 1_000))).await;
}

async fn send(outlet: &Outlet, messages: &[Sent]) {
    for Sent { topic, payload } in messages {
        outlet.send(topic, payload.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_everything_is_kept_once_and_everyone_agrees() {
    let test = "whatever_fails_everything_is_kept_once_and_everyone_agrees";
    if victoria::absent(test) {
        return;
    }
    let seed = number_from("DUSTLINE_FAULT_SEED", SEED);
    let rounds = number_from("DUSTLINE_FAULT_ROUNDS", ROUNDS).max(1);
    println!("DUSTLINE_FAULT_SEED={seed} DUSTLINE_FAULT_ROUNDS={rounds}");
    let mut random = fastrand::Rng::with_seed(seed);
    let story = Story::new((rounds as i64 * 6).max(60), &mut random);
    let mut stage = Stage::set(test, &mut random).await;
    let onlooker = Onlooker::of(&story.world, stage.address.clone(), random.u64(..));
    let outlet = Outlet::new(stage.broker.port).await;
    let share = story.messages.len().div_ceil(rounds as usize);
    for (round, share) in (1..).zip(story.messages.chunks(share)) {
        tokio::join!(send(&outlet, share), stage.fail(round, &mut random));
    }
    assert_eq!(outlet.finish().await, story.messages.len() as u64);
    stage.settle(&story).await;
    println!("{} answers looked at", onlooker.finish().await);
    stage.agree(&story).await;
    let sealings = stage.daemon.said().matches("are sealed into history").count();
    assert!(sealings > 0, "nothing was sealed: {}", stage.daemon.said());
    println!("{} messages, {sealings} sealings", story.messages.len());
    whole(&mut stage.daemon).await;
}
