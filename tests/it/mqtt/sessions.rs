//! What outlives connections, brokers and processes.

use super::rig::{Rig, bodies, source, v311};
use crate::helpers::mosquitto::{Mosquitto, free_port};
use dustline::config::settings::Source;
use dustline::flow::SourceState;
use std::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lost_its_memory_is_subscribed_to_again() {
    let mut broker = Mosquitto::start();
    let mut rig = Rig::up(source(broker.port)).await;
    broker.kill();
    rig.down().await;
    broker.restart();
    rig.wait_up().await;
    broker.publish("air/1", 1, &["5"]);
    assert_eq!(bodies(&rig.arrivals(1).await), ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_kept_the_session_is_not_asked_again_and_stale_receipts_are_dropped() {
    let mut broker = Mosquitto::with(|dir| {
        format!("allow_anonymous true\npersistence true\npersistence_location {}/", dir.display())
    });
    let mut rig = Rig::up(source(broker.port)).await;
    broker.publish("air/1", 1, &["5"]);
    let old = rig.arrival().await;
    broker.shut_down();
    rig.down().await;
    broker.restart();
    let new = rig.arrival().await;
    assert!(new.duplicate);
    assert_ne!(old.receipt.unwrap().connection, new.receipt.unwrap().connection);
    rig.hand_back(&[old]).await;
    rig.hand_back(&[new]).await;
    broker.wait_said("Received PUBACK", 1);
    broker.publish("air/1", 1, &["6"]);
    let next = rig.arrival().await;
    assert_eq!(bodies(std::slice::from_ref(&next)), ["6"]);
    rig.hand_back(&[next]).await;
    rig.finish().await;
    broker.wait_said("Received DISCONNECT from dustline-test", 1);
    assert_eq!(
        broker.said("Received PUBACK"),
        2,
        "one for each message, none for the stale receipt"
    );
    assert_eq!(broker.said("Received SUBSCRIBE"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_absent_at_start_is_waited_for() {
    let port = free_port();
    let mut rig = Rig::start(source(port));
    let why = rig.down().await;
    assert!(why.contains("no broker listens there"), "{why}");
    // The kernel's word for "somebody is there now": a listener that takes the
    // connection, and closes it.
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    drop(listener.accept().unwrap());
    let why = rig.down().await;
    assert!(why.contains("closed the connection") || why.contains("broke"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_broker_is_away_ends_at_once() {
    let mut rig = Rig::start(source(free_port()));
    rig.down().await;
    rig.say_stop();
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_no_longer_names_is_unsubscribed() {
    let broker = Mosquitto::start();
    let mut rig = Rig::with_filters(source(broker.port), &["kept/#", "old/#"], &[]);
    rig.wait_up().await;
    rig.say_stop();
    rig.finish().await;

    let mut rig = Rig::with_filters(source(broker.port), &["kept/#"], &["kept/#", "old/#"]);
    rig.wait_up().await;
    broker.wait_said("Received UNSUBSCRIBE", 1);
    broker.publish("old/1", 1, &["old"]);
    broker.publish("kept/1", 1, &["kept"]);
    assert_eq!(bodies(&rig.arrivals(1).await), ["kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_are_marked_and_a_new_process_gets_none_again() {
    let broker = Mosquitto::start();
    broker.publish_with("air/1", 1, &["old"], &["-r"]);
    let mut rig = Rig::up(source(broker.port)).await;
    let retained = rig.arrival().await;
    assert!(retained.retained);
    rig.hand_back(&[retained]).await;
    broker.wait_said("Received PUBACK from dustline-test", 1);
    rig.kill().await;

    let mut rig = Rig::up(source(broker.port)).await;
    broker.publish("air/1", 1, &["new"]);
    let next = rig.arrival().await;
    assert!(!next.retained);
    assert_eq!(bodies(&[next]), ["new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_traffic_is_kept_alive() {
    let broker = Mosquitto::start();
    let keep_alive = std::time::Duration::from_secs(1);
    let mut rig = Rig::up(Source { keep_alive, ..v311(broker.port) }).await;
    broker.wait_said("Sending PINGRESP", 4);
    assert_eq!(rig.inbox.commands.try_recv().ok().map(|e| format!("{e:?}")), None);
    broker.publish("air/1", 1, &["5"]);
    rig.arrival().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_with_one_identity_are_told_so() {
    let broker = Mosquitto::start();
    let mut one = Rig::up(source(broker.port)).await;
    let _other = Rig::up(source(broker.port)).await;
    let why = one.down().await;
    assert!(why.contains("same client_id"), "{why}");
    assert_ne!(one.state().await, SourceState::Down(why));
}
