//! Messages in, acknowledgements out.

use super::rig::{Rig, bodies, source, v311};
use crate::helpers::mosquitto::Mosquitto;
use dustline::air::Stamp;
use dustline::config::settings::{MqttVersion, Source};
use dustline::flow::{ARRIVALS_MAX, Command, Event};

#[tokio::test(flavor = "multi_thread")]
async fn every_qos_arrives_with_mqtt_5_and_ends_properly() {
    every_qos(MqttVersion::V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_qos_arrives_with_mqtt_3_1_1_and_ends_properly() {
    every_qos(MqttVersion::V311).await;
}

async fn every_qos(version: MqttVersion) {
    let broker = Mosquitto::start();
    let mut rig = Rig::up(Source { version, qos: 2, ..source(broker.port) }).await;
    for qos in [0, 1, 2] {
        broker.publish("air/1", qos, &["12.5"]);
        let arrival = rig.arrival().await;
        assert_eq!(&arrival.topic[..], b"air/1");
        assert_eq!(&arrival.payload[..], b"12.5");
        assert!(!arrival.retained && !arrival.duplicate);
        assert_eq!(
            arrival.receipt.map(|r| r.exactly_once),
            [None, Some(false), Some(true)][qos as usize]
        );
        rig.hand_back(&[arrival]).await;
    }
    broker.wait_said("Received PUBACK from dustline-test", 1);
    broker.wait_said("Received PUBCOMP from dustline-test", 1);
    assert_eq!(broker.said("Received PUBREC from dustline-test"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_again_until_its_receipt_is_handed_back() {
    let broker = Mosquitto::start();
    let mut first = Rig::up(source(broker.port)).await;
    broker.publish("air/1", 1, &["7"]);
    assert!(!first.arrival().await.duplicate);
    first.kill().await;

    let mut second = Rig::start(source(broker.port));
    let again = second.arrival().await;
    assert!(again.duplicate);
    assert_eq!(bodies(std::slice::from_ref(&again)), ["7"]);
    assert_eq!(broker.said("Received PUBACK"), 0);
    second.hand_back(&[again]).await;
    broker.wait_said("Received PUBACK", 1);
    second.kill().await;

    let mut third = Rig::start(source(broker.port));
    broker.publish("air/1", 1, &["8"]);
    assert_eq!(bodies(&third.arrivals(1).await), ["8"], "7 is done with");
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_leave_in_the_order_of_arrival() {
    let broker = Mosquitto::start();
    let mut rig = Rig::up(source(broker.port)).await;
    let sent: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    broker.publish("air/1", 1, &sent.iter().map(String::as_str).collect::<Vec<_>>());
    let arrivals = rig.arrivals(40).await;
    assert_eq!(bodies(&arrivals), sent);
    for batch in arrivals.chunks(7) {
        rig.hand_back(batch).await;
    }
    broker.wait_said("Received PUBACK", 40);
    let acknowledged: Vec<String> =
        broker.lines().into_iter().filter(|l| l.contains("Received PUBACK")).collect();
    for (arrival, line) in arrivals.iter().zip(&acknowledged) {
        let packet = arrival.receipt.unwrap().packet;
        assert!(line.contains(&format!("Mid: {packet},")), "{line} is not {packet}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_keeps_to_the_window_that_we_ask_for() {
    let broker = Mosquitto::start();
    let mut rig = Rig::up(Source { receive_maximum: 5, ..source(broker.port) }).await;
    broker.publish("air/1", 1, &["m"; 20]);
    let first = rig.arrivals(5).await;
    // The log is in order: with the last message taken, all five were sent on.
    broker.wait_said("Received PUBLISH", 20);
    assert_eq!(broker.said("Sending PUBLISH to dustline-test"), 5);
    // After that Mosquitto 2.0.11 itself sends more than it may: what follows an
    // acknowledgement is only seen to follow it.
    rig.hand_back(&first[..1]).await;
    rig.arrival().await;
    broker.wait_said("Received PUBACK from dustline-test", 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_forwards_no_more_but_sends_the_last_receipts_and_says_goodbye() {
    let broker = Mosquitto::start();
    let mut rig = Rig::up(source(broker.port)).await;
    broker.publish("air/1", 1, &["1", "2", "3"]);
    let taken = rig.arrivals(3).await;
    rig.say_stop();
    // What the task sees after the word is not forwarded; that it has seen the
    // word shows when an acknowledgement that was queued behind it has left.
    rig.hand_back(&taken[..1]).await;
    broker.wait_said("Received PUBACK", 1);
    broker.publish("air/1", 1, &["4"]);
    rig.hand_back(&taken[1..]).await;
    let mut inbox = std::mem::replace(&mut rig.inbox, dustline::flow::intake().1);
    rig.finish().await;
    broker.wait_said("Received DISCONNECT from dustline-test", 1);
    assert_eq!(broker.said("Received PUBACK"), 3);
    assert!(inbox.arrivals.try_recv().is_err(), "nothing was forwarded after the stop");

    let mut next = Rig::start(source(broker.port));
    assert_eq!(bodies(&next.arrivals(1).await), ["4"], "the broker kept it for us");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_intake_costs_qos_0_messages_which_are_counted() {
    let broker = Mosquitto::start();
    let mut rig = Rig::up(source(broker.port)).await;
    fill(&rig);
    broker.publish("air/1", 0, &["1", "2", "3"]);
    let mut counted = 0;
    while counted < 3 {
        match rig.command().await {
            Command::Overload { count, .. } => counted += count,
            other => panic!("not an overload: {other:?}"),
        }
    }
    assert_eq!(counted, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_intake_costs_no_message_of_qos_1_and_not_the_connection() {
    let broker = Mosquitto::start();
    let mut rig = Rig::up(source(broker.port)).await;
    broker.publish("air/1", 1, &["0"]);
    let first = rig.arrival().await;
    fill(&rig);
    broker.publish("air/1", 1, &["1", "2"]);
    broker.wait_said("Sending PUBLISH to dustline-test", 3);
    rig.hand_back(&[first]).await;
    broker.wait_said("Received PUBACK from dustline-test", 1);
    for _ in 0..ARRIVALS_MAX {
        rig.inbox.arrivals.recv().await.unwrap();
    }
    let arrivals = rig.arrivals(2).await;
    assert!(arrivals.iter().all(|a| !a.duplicate), "the connection was kept");
    assert_eq!(bodies(&arrivals), ["1", "2"]);
}

fn fill(rig: &Rig) {
    while rig.to_intake.arrivals.try_send(Event::Tick(Stamp(0))).is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_large_is_cut_and_its_neighbours_are_unharmed() {
    let broker = Mosquitto::start();
    let mut rig = Rig::up(v311(broker.port)).await;
    let large = "x".repeat((1 << 20) + 5_000);
    broker.publish("air/1", 1, &["before", &large, "after"]);
    let arrivals = rig.arrivals(3).await;
    assert_eq!(bodies(&arrivals[..1]), ["before"]);
    assert!(arrivals[1].payload.len() > 1 << 19);
    assert!(arrivals[1].payload.iter().all(|b| *b == b'x'));
    assert_eq!(bodies(&arrivals[2..]), ["after"]);
    rig.hand_back(&arrivals).await;
    broker.wait_said("Received PUBACK from dustline-test", 3);
}
