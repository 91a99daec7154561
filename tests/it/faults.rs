//! Everything at once, and everything fails at random: readings come in by two sources
//! of a real broker, are sealed, forwarded to two real databases and asked for, while
//! the process is killed or told to stop, the lines are cut, held up and cut in the
//! middle of an answer, the disk is full for a while, the broker restarts, and one of
//! the databases is killed and has lost what it did not sync. In the end the broker, the
//! ledger, the store, its export and the databases agree about every message.
//!
//! The run is bounded. `DUSTLINE_FAULT_ROUNDS` makes it longer, `DUSTLINE_FAULT_SEED`
//! repeats one as far as time allows: the seed decides what is sent and what fails, not
//! how fast the machine is. It is printed, and so is every round.

mod end;
mod onlooker;
mod round;
mod story;
mod wire;

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use crate::helpers::victoria::{self, Victoria};
use crate::survive::full_disk::whole;
use crate::survive::kills::{SEALS, broker, number_from};
use crate::survive::world::{Sent, config};
use onlooker::{Address, Onlooker};
use round::Faults;
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
    /// A database at the end of a bad line …
    distant: Victoria,
    /// … and one that is killed.
    frail: Victoria,
    to_broker: Wire,
    /// The way of the source that has several connections.
    to_town: Wire,
    to_distant: Wire,
    /// What the daemon is configured with, but for its targets.
    text: String,
    daemon: TestDaemon,
    /// Whether its disk is one that can be filled.
    small_disk: bool,
    address: Address,
}

impl Stage {
    async fn set(test: &str, random: &mut fastrand::Rng) -> Stage {
        let (broker, distant, frail) =
            (broker(), Victoria::started().await, Victoria::started().await);
        let (to_broker, to_town) = (Wire::to(broker.port).await, Wire::to(broker.port).await);
        let to_distant = Wire::to(distant.port()).await;
        let disk = match random.bool() {
            true => "[disk]\nlow_mib = 12\nfull_mib = 4\nreserve_mib = 2\n",
            false => "[disk]\nlow_mib = 0\nfull_mib = 0\nreserve_mib = 0\n",
        };
        let more = format!("{}{disk}{SEALS}", town(to_town.port));
        let text = config(to_broker.port, "", &more);
        let mut daemon = TestDaemon::new(&text);
        // Without one that can be filled everything else still fails.
        let small_disk = daemon.on_a_small_disk(&format!("{test} (full disk)"), DISK_BYTES);
        let address = Arc::new(Mutex::new(None));
        let mut stage = Stage {
            broker,
            distant,
            frail,
            to_broker,
            to_town,
            to_distant,
            text,
            daemon,
            small_disk,
            address,
        };
        stage.configure("");
        stage.daemon.start().await;
        stage.daemon.part("source/city", "ok").await;
        stage.daemon.part("source/town", "ok").await;
        *stage.address.lock().unwrap() = Some(stage.daemon.url().to_owned());
        stage
    }

    /// Configures the daemon; `more` is of the frail database.
    fn configure(&mut self, more: &str) {
        let target = |name: &str, port: u16, more: &str| {
            format!(
                "[[influxdb]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}\"\norg = \"o\"\n\
                 bucket = \"b\"\ntoken = \"t\"\ntimeout = \"1s\"\nbatch_lines = 500\n{more}"
            )
        };
        let distant = target("distant", self.to_distant.port, "");
        let frail = target("frail", self.frail.port(), more);
        self.daemon.configure(&format!("{}{distant}{frail}", self.text));
    }

    /// All lines are as they should be.
    fn clear(&self) {
        for wire in [&self.to_broker, &self.to_town, &self.to_distant] {
            wire.set(Weather::Clear);
        }
    }
}

/// A source with several connections.
fn town(port: u16) -> String {
    format!(
        r#"[[source]]
name = "town"
url = "mqtt://127.0.0.1:{port}"
client_id = "dustline-town"
connections = 3
silent_after = "0s"
quality = {{ spike = false, stuck = false }}
subscribe = [
  {{ topic = "town/{{device}}", format = "json", time = "/time", values = {{ pm2_5 = "/pm2_5", pm10 = "/pm10" }} }},
]
"#
    )
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
    let onlooker = Onlooker::of(&story, stage.address.clone(), random.u64(..));
    let share = story.messages.len().div_ceil(rounds as usize);
    for (round, share) in (1..).zip(story.messages.chunks(share)) {
        let faults = Faults::of(round, &mut random);
        println!("round {round}: {faults:?}");
        let outlet = Outlet::new(stage.broker.port).await;
        tokio::join!(send(&outlet, share), stage.fail(&faults, &mut random));
        // The broker has all of it before it restarts, or who publishes would have to
        // say again what may have been taken.
        assert_eq!(outlet.finish().await, share.len() as u64);
        stage.restart_broker(&faults, &mut random).await;
    }
    stage.settle(&story).await;
    println!("{} answers looked at", onlooker.finish().await);
    stage.agree(&story).await;
    stage.repair(&story).await;
    let sealings = stage.daemon.said().matches("are sealed into history").count();
    assert!(sealings > 0, "nothing was sealed: {}", stage.daemon.said());
    println!("{} messages, {sealings} sealings", story.messages.len());
    whole(&mut stage.daemon).await;
}
