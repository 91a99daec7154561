//! Brokers that go away, come back with or without their memory, or come late.

use super::world::{now, reading, source};
use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use dustline::air::Stamp;

/// One that writes its memory down when it ends in order.
fn with_memory() -> Mosquitto {
    Mosquitto::with(|dir| {
        let place = dir.display();
        format!("allow_anonymous true\npersistence true\npersistence_location {place}/\n")
    })
}

/// The readings of one device in one minute each, numbered from `from`.
async fn publish(broker: &Mosquitto, from: i64, count: i64) {
    let outlet = Outlet::new(broker.port).await;
    let hour = now().hour().back(2).start();
    for n in from..from + count {
        outlet.send("air/a", reading(Stamp(hour.0 + n * 10_000), n as f64)).await;
    }
    outlet.finish().await;
}

/// How often the daemon's connection was taken with a session that was there.
fn resumed(daemon: &TestDaemon) -> usize {
    daemon.said().matches("session_present=true").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_with_its_memory_hands_over_what_it_kept() {
    let mut broker = with_memory();
    let mut daemon = TestDaemon::up(&source(broker.port, "")).await;
    publish(&broker, 0, 100).await;
    daemon.received(100).await;
    broker.shut_down();
    daemon.part("source/city", "down").await;
    broker.restart();
    daemon.part("source/city", "ok").await;
    publish(&broker, 100, 100).await;
    daemon.received(200).await;
    assert_eq!(resumed(&daemon), 1, "{}", daemon.said());

    // Both away: what the broker wrote down comes with both back.
    daemon.kill();
    publish(&broker, 200, 50).await;
    broker.shut_down();
    broker.restart();
    daemon.start().await;
    let ledger = daemon.received(250).await;
    daemon.agrees().await;
    assert_eq!((&ledger["stored"], &ledger["received"]), (&250.into(), &250.into()), "{ledger}");
    assert_eq!(resumed(&daemon), 2, "{}", daemon.said());
}

/// Mosquitto keeps the sessions, but not that they share a subscription.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_connections_are_served_on_after_the_broker_restarts_with_its_memory() {
    let mut broker = with_memory();
    let daemon = TestDaemon::up(&source(broker.port, "connections = 3")).await;
    publish(&broker, 0, 100).await;
    daemon.received(100).await;
    broker.shut_down();
    daemon.part("source/city", "down").await;
    broker.restart();
    daemon.part("source/city", "ok").await;
    publish(&broker, 100, 100).await;
    assert_eq!(daemon.received(200).await["stored"], 200);
    assert_eq!(resumed(&daemon), 3, "{}", daemon.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_lost_its_memory_is_subscribed_to_again() {
    let mut broker = Mosquitto::start();
    let daemon = TestDaemon::up(&source(broker.port, "")).await;
    publish(&broker, 0, 100).await;
    daemon.received(100).await;
    broker.kill();
    daemon.part("source/city", "down").await;
    broker.restart();
    daemon.part("source/city", "ok").await;
    publish(&broker, 100, 100).await;
    let ledger = daemon.received(200).await;
    daemon.agrees().await;
    assert_eq!(ledger["stored"], 200, "{ledger}");
    assert_eq!(resumed(&daemon), 0);
    assert_eq!(broker.said("Received SUBSCRIBE from dustline-test"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_absent_at_the_start_is_weather() {
    let mut broker = Mosquitto::start();
    broker.kill();
    let mut daemon = TestDaemon::new(&source(broker.port, ""));
    daemon.start().await;
    let ready = daemon.part("source/city", "down").await;
    assert_eq!(ready["status"], "degraded", "ready all the same: {ready}");
    broker.restart();
    daemon.part("source/city", "ok").await;
    publish(&broker, 0, 100).await;
    assert_eq!(daemon.received(100).await["stored"], 100);
}

/// Packet numbers begin anew with a session. A message of the new session that
/// was under way when we were killed comes again marked as sent before; that an
/// equal one had its number in the old session says nothing about it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_number_in_a_new_session_of_the_broker_is_another_message() {
    let mut broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&source(broker.port, "")).await;
    broker.publish("plain/roof/pm10", 1, &["17"]);
    daemon.received(1).await;
    broker.kill();
    daemon.part("source/city", "down").await;
    broker.restart();
    daemon.part("source/city", "ok").await;
    // Sent to a daemon that takes nothing any more, and is killed.
    daemon.signal("STOP");
    broker.publish("plain/roof/pm10", 1, &["17"]);
    broker.wait_said("Sending PUBLISH to dustline-test (d0, q1, r0, m1,", 2);
    daemon.kill();
    daemon.start().await;
    broker.wait_said("Sending PUBLISH to dustline-test (d1, q1, r0, m1,", 1);
    let ledger = daemon.received(2).await;
    daemon.agrees().await;
    assert_eq!((&ledger["stored"], &ledger["duplicate"]), (&2.into(), &0.into()), "{ledger}");
}
