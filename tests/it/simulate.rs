//! A synthetic network through a real broker to a subscriber.

use crate::helpers::mosquitto::Mosquitto;
use crate::mqtt::rig::{Rig, source};
use dustline::air::Stamp;
use dustline::clock::Clock;
use dustline::mqtt::{PublishError, Target};
use dustline::simulate::{Broker, Episode, Feed, Pace, network};
use std::collections::HashSet;
use std::time::Duration;

fn target(port: u16, qos: u8) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
        client_id: "simulated".to_owned(),
        username: None,
        password: None,
        qos,
    }
}

fn feed(count: Option<u64>) -> Feed {
    let began = Stamp::parse("2022-01-08T00:00:00Z").unwrap();
    Feed {
        network: network(60, 1, None),
        episode: Episode::Haze,
        began,
        pace: Pace::Rate(100_000.0),
        count,
        clock: Clock::fast(began, 600.0),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_carries_a_network_to_a_subscriber() {
    let broker = Broker::start().unwrap();
    let mut rig = Rig::up(source(broker.port)).await;
    let sent =
        feed(Some(3_000)).run(&target(broker.port, 1), std::future::pending()).await.unwrap();
    assert_eq!(sent, 3_000);
    let mut topics = HashSet::new();
    for _ in 0..sent {
        let arrival = rig.arrival().await;
        topics.insert(arrival.topic.clone());
        rig.hand_back(&[arrival]).await;
    }
    assert!(topics.len() >= 60, "{}", topics.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_qos_is_counted_to_its_end() {
    let broker = Mosquitto::start();
    for qos in [0u8, 1, 2] {
        let sent = feed(Some(50)).run(&target(broker.port, qos), std::future::pending()).await;
        assert_eq!(sent.unwrap(), 50);
        // The next connection has the same name: the broker must have read all
        // of this one, or it throws the rest away.
        broker.wait_said("Received DISCONNECT from simulated", usize::from(qos) + 1);
    }
    broker.wait_said("Received PUBLISH from simulated", 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_without_end_stops_when_told() {
    let broker = Mosquitto::start();
    let mut slow = feed(None);
    slow.pace = Pace::Every(Duration::from_secs(60));
    let mut rig = Rig::up(source(broker.port)).await;
    let enough = async {
        rig.arrivals(5).await;
    };
    let sent = slow.run(&target(broker.port, 1), enough).await.unwrap();
    assert!(sent >= 5, "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_absent_is_said_at_once() {
    let port = crate::helpers::mosquitto::free_port();
    let error = feed(Some(1)).run(&target(port, 1), std::future::pending()).await.unwrap_err();
    assert!(matches!(error, PublishError::Unreachable { .. }));
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}
