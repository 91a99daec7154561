//! `kill -9` again and again under load: what the broker accepted is stored
//! exactly once, and what follows from it is the same as without kills.

use super::world::{LADDER_MOVES, Sent, Timed, World, config, receiver};
use crate::helpers::daemon::{PATIENCE, TestDaemon};
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use crate::helpers::receiver::Receiver;
use dustline::air::Stamp;
use dustline::store::{Bucket, DeviceId, Kept, Reader, Row, RowKind, StoreError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What a run left behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    readings: BTreeSet<Timed>,
    numbers: BTreeSet<(String, i64)>,
    /// Changes by id, in the order of decision, without when they were decided.
    changes: Vec<(String, Value)>,
    /// Notices by the id of their event.
    notices: BTreeMap<String, String>,
}

/// How a run is disturbed.
#[derive(Default)]
struct Disturbance {
    kills: usize,
    seed: u64,
    /// Old rows are sealed meanwhile.
    seals: bool,
}

/// Sealing that keeps up with a test.
pub const SEALS: &str = "[store]\nseal_after = \"20ms\"\n";

/// A number of the environment, or this one.
pub fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// A broker as it comes, except that it never drops what waits for us.
pub fn broker() -> Mosquitto {
    Mosquitto::with(|dir| {
        format!(
            "allow_anonymous true\nmax_queued_messages 0\npersistence true\n\
             persistence_location {}/\n",
            dir.display()
        )
    })
}

/// Plays the world through broker and daemon, with kills on the way.
async fn play(world: &World, source: &str, disturbance: &Disturbance) -> Outcome {
    let desk = Receiver::new([]).await;
    let broker = broker();
    let url = format!("http://{}/hook", desk.address);
    let seals = if disturbance.seals { SEALS } else { "" };
    let after = format!("{seals}{}", receiver("desk", &url));
    let mut daemon = TestDaemon::up(&config(broker.port, source, &after)).await;
    let outlet = Outlet::new(broker.port).await;
    let messages = world.messages();
    let share = messages.len().div_ceil(disturbance.kills + 1);
    let mut random = fastrand::Rng::with_seed(disturbance.seed);
    let mut stored = Stored::of(&daemon);
    for (turn, share) in messages.chunks(share).enumerate() {
        let killed = turn < disturbance.kills;
        let (before, after) = share.split_at(if killed { share.len() * 4 / 5 } else { 0 });
        if killed {
            let moment = async {
                random_moment(&mut daemon, &mut stored, &mut random, before.len()).await;
                daemon.signal("STOP");
            };
            tokio::join!(send(&outlet, before), moment);
        }
        send(&outlet, after).await;
        if killed {
            // However fast the machine, what came while it stood still waits for it.
            messages_wait(&mut stored, &outlet).await;
            daemon.kill();
            daemon.spawn();
        }
    }
    assert_eq!(outlet.finish().await, messages.len() as u64);
    println!("{} kills, seed {}", disturbance.kills, disturbance.seed);
    daemon.started().await;
    if disturbance.seals {
        something_sealed(&daemon).await;
    }
    let outcome = settled(world, &mut daemon, &broker, &desk).await;
    let checked = Reader::open(&daemon.data()).unwrap().check().unwrap();
    assert_eq!(checked.findings, []);
    println!("{} parts of history", checked.parts);
    assert!(!daemon.said().contains("panicked"), "{}", daemon.said());
    outcome
}

async fn send(outlet: &Outlet, messages: &[Sent]) {
    for Sent { topic, payload } in messages {
        outlet.send(topic, payload.clone()).await;
    }
}

/// Waits until the broker has accepted what the daemon, which stands still, has not
/// stored.
async fn messages_wait(stored: &mut Stored, outlet: &Outlet) {
    let (stored, until) = (stored.now(), Instant::now() + PATIENCE);
    while outlet.accepted() <= stored {
        assert!(Instant::now() < until, "nothing waits: {stored} stored");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Lets the daemon get to a random place: mostly after some more messages are
/// stored, sometimes while it starts.
async fn random_moment(
    daemon: &mut TestDaemon,
    stored: &mut Stored,
    random: &mut fastrand::Rng,
    share: usize,
) {
    if random.u8(..4) == 0 {
        tokio::time::sleep(Duration::from_micros(random.u64(..150_000))).await;
        return;
    }
    daemon.started().await;
    let goal = stored.now() + random.u64(..share as u64 * 3 / 4);
    let until = Instant::now() + PATIENCE;
    while stored.now() < goal {
        assert!(Instant::now() < until, "stuck: {}", daemon.said());
        tokio::time::sleep(Duration::from_micros(random.u64(500..3_000))).await;
    }
}

/// Waits until most of what was stored is sealed.
async fn something_sealed(daemon: &TestDaemon) {
    let (reader, until) = (Reader::open(&daemon.data()).unwrap(), Instant::now() + PATIENCE);
    let half = || reader.committed().unwrap().journal / 2;
    while reader.sealed_through().unwrap() < half() {
        assert!(Instant::now() < until, "nothing is sealed: {}", daemon.said());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Counts the messages that are on disk, each once; rows that are sealed before they
/// are looked at were messages, nearly all of them.
struct Stored {
    reader: Reader,
    seq: i64,
    messages: u64,
}

impl Stored {
    fn of(daemon: &TestDaemon) -> Stored {
        Stored { reader: Reader::open(&daemon.data()).unwrap(), seq: 0, messages: 0 }
    }

    fn now(&mut self) -> u64 {
        loop {
            let rows = self.reader.journal(self.seq, 10_000).unwrap();
            let Some((first, last)) = rows.first().zip(rows.last()) else { return self.messages };
            self.messages += (first.seq - self.seq - 1) as u64;
            self.seq = last.seq;
            let new = |r: &&Row| matches!(&r.kind, RowKind::Arrival(a) if a.bucket == Bucket::Stored && !a.continues);
            self.messages += rows.iter().filter(new).count() as u64;
        }
    }
}

/// Waits until the broker has nothing left for us and everyone is told.
async fn settled(
    world: &World,
    daemon: &mut TestDaemon,
    broker: &Mosquitto,
    receiver: &Receiver,
) -> Outcome {
    // Behind everything else in the broker's queue.
    broker.publish("plain/last/pm10", 1, &["1"]);
    daemon.until("the last message", "/api/v1/devices", |v| v.to_string().contains("last")).await;
    daemon
        .until("no pending notice", "/api/v1/outbox?state=pending", |v| {
            v["outbox"].as_array().is_some_and(Vec::is_empty)
        })
        .await;
    let messages = world.messages().len() as u64 + 1;
    let all = |v: &Value| v["stored"].as_u64().is_some_and(|n| n >= messages) && idle(broker);
    daemon.until("every message stored", "/api/v1/ledger?limit=1", all).await;
    let ledger = daemon.received(messages).await;
    daemon.agrees().await;
    assert_eq!(ledger["stored"], messages, "{ledger}");
    assert_eq!((&ledger["quarantined"], &ledger["ignored"]), (&0.into(), &0.into()), "{ledger}");
    println!("{} of {} messages came again", ledger["duplicate"], messages);
    let outcome = outcome(daemon, receiver).await;
    assert_eq!(daemon.term().await.code(), Some(0));
    all_acknowledged(daemon, broker, &ledger).await;
    outcome
}

/// Whether everything that the broker sent on present connections is acknowledged.
pub fn idle(broker: &Mosquitto) -> bool {
    let lines = broker.lines();
    let acknowledged = |client: &str| {
        let here = lines.rsplit(|l| l.contains(&format!(" as {client} ("))).next();
        let count = |what: &str| {
            let line = format!("{what} {client} (");
            here.unwrap_or_default().iter().filter(|l| l.contains(&line)).count()
        };
        count("Sending PUBLISH to") == count("Received PUBACK from")
    };
    let lanes = ["", "-2", "-3"].into_iter();
    let clients = lanes.flat_map(|l| ["dustline-test", "dustline-town"].map(|c| format!("{c}{l}")));
    clients.into_iter().all(|client| acknowledged(&client))
}

/// After an end in order nothing comes again but what is new.
async fn all_acknowledged(daemon: &mut TestDaemon, broker: &Mosquitto, before: &Value) {
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    broker.publish("plain/last/pm10", 1, &["2"]);
    let received = before["received"].as_u64().unwrap() + 1;
    let after = daemon.received(received).await;
    assert_eq!(after["received"], received, "{after}");
    assert_eq!(after["duplicate"], before["duplicate"]);
}

async fn outcome(daemon: &TestDaemon, receiver: &Receiver) -> Outcome {
    let mut changes = Vec::new();
    for mut change in daemon.list("changes", "").await {
        change.as_object_mut().unwrap().remove("decided_at").unwrap();
        changes.push((change["id"].as_str().unwrap().to_owned(), change));
    }
    Outcome {
        readings: readings(daemon).await,
        numbers: numbers(daemon),
        changes,
        notices: notices(daemon, receiver).await,
    }
}

/// What the API shows of the devices that tell the time.
async fn readings(daemon: &TestDaemon) -> BTreeSet<Timed> {
    let mut found = BTreeSet::new();
    for reading in daemon.list("readings", "").await {
        if reading["time_source"] != "device" {
            continue;
        }
        let at = Stamp::parse(reading["at"].as_str().unwrap()).unwrap();
        let quantity = if reading["quantity"] == "pm10" { "pm10" } else { "pm2_5" };
        let tenths = (reading["value"].as_f64().unwrap() * 10.0).round() as i64;
        let device = reading["device"].as_str().unwrap().to_owned();
        assert!(found.insert((device, at.0, quantity, tenths)), "twice: {reading}");
    }
    found
}

/// Every stored number of the devices that do not, from the store: several of one
/// device may fall into one millisecond, and the API shows the last.
fn numbers(daemon: &TestDaemon) -> BTreeSet<(String, i64)> {
    let mut reader = Reader::open(&daemon.data()).unwrap();
    reader.refresh_names().unwrap();
    let (mut found, mut timed) = (BTreeSet::new(), BTreeSet::new());
    for (device, row) in reader.at_once(stored_rows).unwrap() {
        let name = reader.device_name(device).to_owned();
        for m in row.values {
            let tenths = (m.value.value * 10.0).round() as i64;
            if name.starts_with('p') {
                assert!(found.insert((name.clone(), tenths)), "twice: {name} {tenths}");
            } else if name.starts_with('d') {
                let key = (name.clone(), row.observed.0, m.value.quantity);
                assert!(timed.insert(key), "twice in the store: {name} {}", row.observed);
            }
        }
    }
    found
}

/// Every row of readings, sealed or not.
fn stored_rows(reader: &mut Reader) -> Result<Vec<(DeviceId, Kept)>, StoreError> {
    let mut all = Vec::new();
    for part in reader.parts_after(0, 1_000_000)? {
        all.extend(reader.part(&part)?.into_iter().map(|row| (part.device, row)));
    }
    for row in reader.journal(0, 10_000_000)? {
        let RowKind::Arrival(a) = row.kind else { continue };
        let Some(device) = a.device.filter(|_| a.bucket == Bucket::Stored) else { continue };
        all.push((device, Kept::of(row.received, a)));
    }
    Ok(all)
}

/// Every notice of the outbox was delivered under its id, and nothing else was.
async fn notices(daemon: &TestDaemon, receiver: &Receiver) -> BTreeMap<String, String> {
    let outbox = daemon.list("outbox", "").await;
    let owed: BTreeSet<&str> = outbox.iter().map(|n| n["webhook_id"].as_str().unwrap()).collect();
    assert_eq!(owed.len(), outbox.len());
    assert!(outbox.iter().all(|n| n["state"] == "delivered"), "{outbox:#?}");
    let got = receiver.so_far();
    assert!(got.iter().all(|g| g.verified));
    let told: BTreeSet<&str> = got.iter().map(|g| g.id.as_str()).collect();
    assert_eq!(told, owed);
    println!("{} notices in {} deliveries", owed.len(), got.len());
    got.iter().map(|g| (g.body["id"].as_str().unwrap().to_owned(), g.id.clone())).collect()
}

/// What the undisturbed run must look like, so that the comparison means something.
fn plausible(world: &World, outcome: &Outcome) {
    let of = |kind: &str| {
        let all = outcome.changes.iter().map(|(_, c)| c);
        all.filter(|c| (c["ladder"] == "emergency") == (kind == "emergency")).collect::<Vec<_>>()
    };
    let moves: Vec<_> = of("ladder")
        .into_iter()
        .map(|c| (c["ladder"].as_str(), c["from"].as_str(), c["to"].as_str(), c["at"].clone()))
        .collect();
    let expected = LADDER_MOVES.map(|(ladder, from, to, hours)| {
        let at = Stamp(world.start.0 + hours * 3_600_000);
        (Some(ladder), Some(from), Some(to), Value::from(at.to_string()))
    });
    let sorted = |mut all: Vec<_>| {
        all.sort_by_key(|m: &(_, _, _, Value)| format!("{} {:?}", m.3, m.0));
        all
    };
    assert_eq!(sorted(moves), sorted(expected.to_vec()));
    assert_eq!(of("emergency").len(), world.threshold_moves());
    assert_eq!(outcome.notices.len(), outcome.changes.len());
}

/// Both runs, one after the other, and what must be the same.
async fn compare(per_hour: i64, source: &str, disturbance: Disturbance) {
    let world = World::new(per_hour);
    let killed = play(&world, source, &disturbance).await;
    assert!(killed.readings == world.readings(), "readings are missing or too many");
    assert!(killed.numbers == world.numbers(), "numbers are missing or too many");
    let quiet = play(&world, source, &Disturbance::default()).await;
    plausible(&world, &quiet);
    assert_eq!(killed.changes, quiet.changes);
    assert_eq!(killed.notices, quiet.notices);
    assert!(killed == quiet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times_under_load_it_keeps_everything_once_and_tells_the_same() {
    let kills = number_from("DUSTLINE_KILLS", 20) as usize;
    let seed = number_from("DUSTLINE_SEED", 20_240_110);
    println!("DUSTLINE_SEED={seed} DUSTLINE_KILLS={kills}");
    // About 1200 messages before each kill.
    let per_hour = (kills as i64 * 15).max(60);
    compare(per_hour, "", Disturbance { kills, seed, seals: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_a_window_of_twenty_it_keeps_everything_once_and_tells_the_same() {
    let seed = number_from("DUSTLINE_SEED", 20);
    println!("DUSTLINE_SEED={seed}");
    compare(60, "receive_maximum = 20", Disturbance { kills: 8, seed, seals: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_mqtt_3_1_1_it_keeps_everything_once_and_tells_the_same() {
    let seed = number_from("DUSTLINE_SEED", 311);
    println!("DUSTLINE_SEED={seed}");
    compare(60, "version = \"3.1.1\"", Disturbance { kills: 5, seed, seals: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_old_rows_are_sealed_it_keeps_everything_once_and_tells_the_same() {
    let kills = number_from("DUSTLINE_KILLS", 12) as usize;
    let seed = number_from("DUSTLINE_SEED", 5_000);
    println!("DUSTLINE_SEED={seed} DUSTLINE_KILLS={kills}");
    let per_hour = (kills as i64 * 15).max(60);
    compare(per_hour, "", Disturbance { kills, seed, seals: true }).await;
}

/// Without an order among connections a threshold may have moved otherwise in
/// between, so that only what is kept is compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_three_connections_it_keeps_everything_once() {
    let seed = number_from("DUSTLINE_SEED", 3);
    println!("DUSTLINE_SEED={seed}");
    let world = World::new(60);
    let killed =
        play(&world, "connections = 3", &Disturbance { kills: 8, seed, seals: false }).await;
    assert!(killed.readings == world.readings(), "readings are missing or too many");
    assert!(killed.numbers == world.numbers(), "numbers are missing or too many");
}
