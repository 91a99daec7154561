//! A database that is away and receivers that misbehave, seen through the whole
//! daemon: nothing else notices, and in the end each has what it is owed.

use super::door::Door;
use super::world::{World, config, now, reading, receiver, source};
use crate::helpers::daemon::{PATIENCE, TestDaemon};
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use crate::helpers::receiver::{Receiver, Reply};
use crate::helpers::victoria::{self, Sample, Victoria};
use dustline::air::Stamp;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_away_all_the_time_gets_every_point_when_it_comes() {
    if victoria::absent("a_database_that_was_away_all_the_time_gets_every_point_when_it_comes") {
        return;
    }
    let mut victoria = Victoria::new();
    let broker = Mosquitto::with(|_| "allow_anonymous true\nmax_queued_messages 0".to_owned());
    let target = format!("[[influxdb]]\nname = \"main\"\nurl = \"{}\"\n", victoria.url());
    let more = format!("{target}org = \"o\"\nbucket = \"b\"\ntoken = \"t\"\n");
    let mut daemon = TestDaemon::up(&config(broker.port, "", &more)).await;
    let world = World::new(60);
    let outlet = Outlet::new(broker.port).await;
    for sent in world.messages() {
        outlet.send(&sent.topic, sent.payload).await;
    }
    let count = outlet.finish().await;
    daemon.part("target/main", "degraded").await;
    let ledger = daemon.received(count).await;
    assert_eq!(ledger["stored"], count, "the database is nobody else's trouble");
    daemon.kill();
    daemon.start().await;
    daemon.part("target/main", "degraded").await;
    daemon.agrees().await;

    assert!(victoria.start().await);
    daemon.part("target/main", "ok").await;
    let expected: BTreeSet<(String, i64, i64)> = world
        .readings()
        .into_iter()
        .map(|(device, at, quantity, tenths)| (format!("{quantity} {device}"), at, tenths))
        .collect();
    let until = Instant::now() + PATIENCE;
    while points(&victoria).await != expected {
        assert!(Instant::now() < until, "{} points", points(&victoria).await.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    daemon.forwarded_all("main").await;
    daemon.agrees().await;
    let changes = victoria.export("{__name__=~\"air_change_.*value\"}").await;
    assert_eq!(changes.len(), daemon.list("changes", "").await.len());
}

/// What the database has of the devices that tell the time: series, time, tenths.
pub async fn points(victoria: &Victoria) -> BTreeSet<(String, i64, i64)> {
    let samples = victoria.export("{__name__=~\"air_pm[0-9_]+\",device=~\"d.*\"}").await;
    let point = |(series, at, value): Sample| {
        let device = series.split(',').find_map(|l| l.strip_prefix("device=")).unwrap();
        let quantity = series.split(',').next().unwrap().strip_prefix("air_").unwrap();
        (format!("{quantity} {device}"), at, (value * 10.0).round() as i64)
    };
    samples.into_iter().map(point).collect()
}

/// What it has of the devices that send bare numbers: device, tenths.
pub async fn numbers(victoria: &Victoria) -> BTreeSet<(String, i64)> {
    let samples = victoria.export("{__name__=~\"air_pm[0-9_]+\",device=~\"p.*\"}").await;
    let number = |(series, _, value): Sample| {
        let device = series.split(',').find_map(|l| l.strip_prefix("device=")).unwrap();
        (device.to_owned(), (value * 10.0).round() as i64)
    };
    samples.into_iter().map(number).collect()
}

/// A receiver that misbehaves behind a door that can lead to a better one.
struct Desk {
    id: &'static str,
    bad: Receiver,
    door: Door,
}

impl Desk {
    async fn new(id: &'static str, reply: Reply) -> Desk {
        let bad = Receiver::new([]).await.usually(reply);
        let door = Door::to(bad.address);
        Desk { id, bad, door }
    }

    fn config(&self) -> String {
        receiver(self.id, &format!("http://{}/hook", self.door.address))
    }
}

/// Two readings that raise the threshold: one change.
async fn raise(broker: &Mosquitto) {
    let outlet = Outlet::new(broker.port).await;
    for minutes in [20, 10] {
        let at = Stamp(now().0 - minutes * 60_000);
        outlet.send("air/d0", reading(at, 500.0)).await;
    }
    outlet.finish().await;
}

/// The notices by receiver.
async fn outbox(daemon: &TestDaemon) -> Vec<Value> {
    let mut all = daemon.list("outbox", "").await;
    all.sort_by_key(|n| n["receiver"].as_str().unwrap().to_owned());
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_misbehave_get_their_notice_in_the_end_and_hold_up_nobody() {
    let good = Receiver::new([]).await;
    let refused = Door::shut();
    let mut desks = vec![
        Desk::new("busy", Reply::RetryAfter(429, 1)).await,
        Desk::new("failing", Reply::Status(500)).await,
        Desk::new("hanging", Reply::Hang).await,
        Desk::new("moved", Reply::Redirect).await,
    ];
    let gone = Desk::new("gone", Reply::Status(410)).await;
    let mut after = receiver("good", &format!("http://{}/hook", good.address));
    after += &receiver("refusing", &format!("http://{}/hook", refused.address));
    after.extend(desks.iter().chain([&gone]).map(Desk::config));
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&config(broker.port, "", &after)).await;
    raise(&broker).await;

    assert_eq!(good.got(1).await.len(), 1, "the others hold up nobody");
    gone.bad.got(1).await;
    for desk in &desks {
        let tries = desk.bad.got(2).await;
        assert!(tries.iter().all(|t| t.verified && t.id == tries[0].id && t.path == "/hook"));
    }
    let waits = desks[0].bad.got(2).await;
    assert!(waits[1].at - waits[0].at >= Duration::from_secs(1), "Retry-After is honoured");
    // What is owed is owed after a kill as well.
    daemon.kill();
    daemon.start().await;

    let better = Receiver::new([]).await;
    let mut refused = refused;
    refused.lead_to(better.address);
    desks.iter_mut().for_each(|d| d.door.lead_to(better.address));
    let delivered = better.got(5).await;
    daemon.until("no pending notice", "/api/v1/outbox?state=pending", nothing).await;
    let notices = outbox(&daemon).await;
    let states: Vec<_> = notices.iter().map(|n| n["state"].as_str().unwrap()).collect();
    assert_eq!(notices.len(), 7);
    for (notice, state) in notices.iter().zip(states) {
        let gone = notice["receiver"] == "gone";
        assert_eq!(state, if gone { "dead" } else { "delivered" }, "{notice}");
    }
    let owed: BTreeSet<_> = notices.iter().filter_map(|n| n["webhook_id"].as_str()).collect();
    let told = delivered.iter().map(|d| d.id.as_str()).collect::<BTreeSet<_>>();
    assert!(told.len() == 5 && told.is_subset(&owed) && delivered.iter().all(|d| d.verified));
    assert_eq!((gone.bad.so_far().len(), good.so_far().len()), (1, 1));
}

fn nothing(outbox: &Value) -> bool {
    outbox["outbox"].as_array().is_some_and(Vec::is_empty)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_refused_for_a_while_is_told_in_order() {
    let mut door = Door::shut();
    let broker = Mosquitto::start();
    let desk = receiver("desk", &format!("http://{}/hook", door.address));
    let threshold = "[[threshold]]\nid = \"t\"\nquantity = \"pm2_5\"\nat_least = 100\n\
                     readings = \"1 of 1\"\nlift_below = 50\n";
    let waits = ["\"200ms\""; 100].join(", ");
    let times = format!("[delivery]\nschedule = [\"0s\", {waits}]\n[judgement]\ngrace = \"24h\"\n");
    let text = format!("{}{threshold}{times}{desk}", source(broker.port, ""));
    let mut daemon = TestDaemon::up(&text).await;
    let outlet = Outlet::new(broker.port).await;
    let start = now().0 - 120_000;
    for n in 0..20 {
        let value = if n % 2 == 0 { 200.0 } else { 10.0 };
        outlet.send("air/a", reading(Stamp(start + n * 5_000), value)).await;
    }
    outlet.finish().await;
    daemon.received(20).await;
    daemon.kill();
    daemon.start().await;
    let receiver = Receiver::new([]).await;
    door.lead_to(receiver.address);
    let got = receiver.got(20).await;
    let at = |g: &crate::helpers::receiver::Got| g.body["data"]["at"].as_str().unwrap().to_owned();
    let order: Vec<String> = got.iter().map(at).collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 20);
    daemon.until("no pending notice", "/api/v1/outbox?state=pending", nothing).await;
}
