//! Messages that come again, contradict each other, or come from clocks that
//! are far off.

use super::world::{LADDER_MOVES, World, config, now, reading, source};
use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use dustline::air::Stamp;
use serde_json::Value;

fn broker() -> Mosquitto {
    Mosquitto::with(|_| "allow_anonymous true\nmax_queued_messages 0".to_owned())
}

/// With MQTT 3.1.1 every subscription brings the retained messages again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retained_messages_replayed_a_hundred_times_are_one_reading_each() {
    const TOPICS: u64 = 10;
    const REPLAYS: u64 = 10;
    let broker = broker();
    let at = Stamp(now().hour().start().0 - 3_600_000);
    for n in 0..TOPICS {
        broker.publish_with(&format!("air/r{n}"), 1, &[&reading(at, n as f64)], &["-r"]);
        broker.publish_with(&format!("plain/r{n}/pm10"), 1, &["5"], &["-r"]);
    }
    let mut daemon = TestDaemon::up(&source(broker.port, "version = \"3.1.1\"")).await;
    for replay in 1..=REPLAYS {
        daemon.received(replay * TOPICS * 2).await;
        daemon.kill();
        daemon.start().await;
    }
    let ledger = daemon.received((REPLAYS + 1) * TOPICS * 2).await;
    daemon.agrees().await;
    assert_eq!(ledger["stored"], TOPICS, "{ledger}");
    assert_eq!(ledger["duplicate"], ledger["received"].as_u64().unwrap() / 2 - TOPICS, "{ledger}");
    // Without a time of its own its age is unknown: not a reading.
    assert_eq!(ledger["ignored"], ledger["received"].as_u64().unwrap() / 2, "{ledger}");
    assert!(daemon.metrics().await.contains("reason=\"retained_without_time\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repetitions_are_duplicates_and_another_value_for_the_same_time_is_a_revision() {
    let broker = broker();
    let mut daemon = TestDaemon::up(&source(broker.port, "")).await;
    let start = now().hour().back(2).start();
    let minute = |n: i64| Stamp(start.0 + n * 60_000);
    // In each round every reading again, and one of them with another value.
    for round in 0..10 {
        let outlet = Outlet::new(broker.port).await;
        for n in 0..20 {
            let value = if n == 7 { 100 + round } else { n };
            outlet.send("air/a", reading(minute(n), value as f64)).await;
        }
        outlet.finish().await;
        daemon.received((round as u64 + 1) * 20).await;
        daemon.kill();
        daemon.start().await;
    }
    let ledger = daemon.received(200).await;
    daemon.agrees().await;
    assert_eq!((&ledger["stored"], &ledger["duplicate"]), (&29.into(), &171.into()), "{ledger}");
    let readings = daemon.list("readings", "device=a").await;
    assert_eq!(readings.len(), 20, "one for each time");
    assert_eq!(readings[7]["value"], 109.0, "the last one counts: {}", readings[7]);
}

/// The zone's moves with their hours, as the world makes them.
fn ladder_moves(world: &World, changes: &[Value]) -> bool {
    LADDER_MOVES.iter().all(|(ladder, from, to, hours)| {
        let at = Stamp(world.start.0 + hours * 3_600_000).to_string();
        changes.iter().any(|c| {
            (&c["ladder"], &c["from"], &c["to"], &c["at"])
                == (&Value::from(*ladder), &(*from).into(), &(*to).into(), &at.as_str().into())
        })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_far_off_are_flagged_and_change_nothing_that_is_judged() {
    let broker = broker();
    let daemon = TestDaemon::up(&config(broker.port, "", "")).await;
    let world = World::new(60);
    let outlet = Outlet::new(broker.port).await;
    for (n, sent) in world.messages().into_iter().enumerate() {
        outlet.send(&sent.topic, sent.payload).await;
        if n % 9 != 0 {
            continue;
        }
        // Beside good devices at their stations, and far too high.
        let (round, hours) = (n as i64 / 9, if n % 2 == 0 { -27 } else { 24 });
        let at = Stamp(now().0 + hours * 3_600_000 + round);
        outlet.send(&format!("air/off{}", round % 8), reading(at, 900.0)).await;
    }
    let count = outlet.finish().await;
    let ledger = daemon.received(count).await;
    daemon.agrees().await;
    assert_eq!(ledger["quarantined"], 0, "kept, not set aside: {ledger}");
    let changes = daemon.list("changes", "").await;
    assert!(ladder_moves(&world, &changes), "{changes:#?}");
    assert_eq!(changes.len(), LADDER_MOVES.len() + world.threshold_moves());
    for n in 0..8 {
        let off = daemon.list("readings", &format!("device=off{n}")).await;
        let reason = if n % 2 == 0 { "clock_behind" } else { "clock_ahead" };
        assert!(!off.is_empty());
        let flagged = |r: &Value| r["flag"] == 3 && r["reasons"].to_string().contains(reason);
        assert!(off.iter().all(flagged), "{off:#?}");
    }
}
