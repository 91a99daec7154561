//! Starting, stopping, starting again with another configuration, and what
//! systemd is told.

use super::world::{World, config, now, reading, receiver, source};
use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use crate::helpers::soon;
use dustline::air::Stamp;
use std::time::Duration;
use tokio::net::UnixDatagram;

fn broker() -> Mosquitto {
    Mosquitto::with(|_| "allow_anonymous true\nmax_queued_messages 0".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_under_load_it_has_stored_what_it_acknowledged_and_loses_nothing() {
    let broker = broker();
    let mut daemon = TestDaemon::up(&config(broker.port, "", "")).await;
    let world = World::new(60);
    let messages = world.messages();
    let outlet = Outlet::new(broker.port).await;
    let mut acknowledged = 0;
    for (turn, share) in messages.chunks(messages.len() / 4 + 1).enumerate() {
        for sent in share {
            outlet.send(&sent.topic, sent.payload.clone()).await;
        }
        daemon.received(turn as u64 * 1000 + 100).await;
        assert_eq!(daemon.term().await.code(), Some(0), "{}", daemon.said());
        broker.wait_said("Received DISCONNECT from dustline-test", turn + 1);
        let known = broker.said("Received PUBACK from dustline-test");
        daemon.start().await;
        daemon.received(known as u64).await;
        acknowledged = acknowledged.max(known as u64);
    }
    let count = outlet.finish().await;
    let ledger = daemon.received(count).await;
    daemon.agrees().await;
    assert_eq!((&ledger["stored"], &ledger["received"]), (&count.into(), &count.into()));
    assert!(acknowledged > 0 && daemon.said().matches(" stopped data_dir=").count() == 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_hears_of_the_start_of_every_turn_and_of_the_stop() {
    let broker = broker();
    let mut daemon = TestDaemon::new(&source(broker.port, ""));
    let path = daemon.dir().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    daemon.environment("NOTIFY_SOCKET", path.to_str().unwrap());
    daemon.environment("WATCHDOG_USEC", "300000");
    daemon.spawn();
    hear(&socket, "READY=1").await;
    hear(&socket, "WATCHDOG=1").await;
    hear(&socket, "WATCHDOG=1").await;
    daemon.started().await;
    daemon.signal("TERM");
    hear(&socket, "STOPPING=1").await;
    assert_eq!(daemon.ended().await.code(), Some(0));
}

/// Waits for a line among what systemd is told.
async fn hear(socket: &UnixDatagram, line: &str) {
    let mut told = vec![0; 4096];
    let heard = async {
        loop {
            let n = socket.recv(&mut told).await.unwrap();
            if String::from_utf8_lossy(&told[..n]).lines().any(|l| l == line) {
                return;
            }
        }
    };
    soon(line, heard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_does_not_hold_up_the_stop() {
    let broker = broker();
    let hanging = crate::helpers::receiver::Receiver::new([])
        .await
        .usually(crate::helpers::receiver::Reply::Hang);
    let desk = receiver("desk", &format!("http://{}/hook", hanging.address));
    let mut daemon = TestDaemon::up(&config(broker.port, "", &desk)).await;
    for minutes in [20, 10] {
        let at = Stamp(now().0 - minutes * 60_000);
        broker.publish("air/d0", 1, &[&reading(at, 500.0)]);
    }
    hanging.got(1).await;
    // A client that keeps its connection and says nothing.
    let _idle = daemon.connection().await;
    let began = std::time::Instant::now();
    assert_eq!(daemon.term().await.code(), Some(0), "{}", daemon.said());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_configuration_starts_on_the_same_data_and_keeps_them() {
    let broker = broker();
    let world = World::new(12);
    let mut daemon = TestDaemon::up(&config(broker.port, "", "")).await;
    let outlet = Outlet::new(broker.port).await;
    let messages = world.messages();
    let (first, rest) = messages.split_at(messages.len() / 2);
    for sent in first {
        outlet.send(&sent.topic, sent.payload.clone()).await;
    }
    daemon.received(first.len() as u64).await;
    let changes = daemon.list("changes", "").await;
    assert!(!changes.is_empty());
    daemon.kill();
    // Comes while it is away, by subscriptions that it will have given up.
    for sent in rest {
        outlet.send(&sent.topic, sent.payload.clone()).await;
    }
    let count = outlet.finish().await;

    // No zone, no stations, no threshold, another name and less subscribed.
    let text = source(broker.port, "").replace("\"city\"", "\"town\"");
    let plain = text.lines().filter(|l| !l.contains("plain/")).collect::<Vec<_>>().join("\n");
    daemon.configure(&plain);
    daemon.start().await;
    daemon.part("source/town", "ok").await;
    let ledger = daemon.received(count).await;
    daemon.agrees().await;
    let numbers = rest.iter().filter(|s| s.topic.starts_with("plain/")).count();
    assert_eq!(ledger["ignored"], numbers, "by the policy no_route: {ledger}");
    assert_eq!(ledger["stored"], count - numbers as u64, "{ledger}");
    assert!(daemon.metrics().await.contains("reason=\"no_route\""));
    assert_eq!(daemon.list("changes", "").await, changes, "kept, and nothing judged any more");
    let timed = daemon.list("readings", "device=d0").await.len();
    assert_eq!(timed * 8, world.readings().len());

    // And back.
    assert_eq!(daemon.term().await.code(), Some(0));
    daemon.configure(&config(broker.port, "", ""));
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    broker.publish("plain/p0/pm10", 1, &["1"]);
    assert_eq!(daemon.received(count + 1).await["received"], count + 1);
}
