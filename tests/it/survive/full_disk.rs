//! A disk that is full for a while: nothing that was acknowledged is lost, nothing
//! is there twice, notices still go out, and it goes on by itself.

use super::world::{config, now, reading};
use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use crate::helpers::receiver::{Receiver, SECRET};
use dustline::air::Stamp;
use serde_json::Value;

const DISK_BYTES: u64 = 24 << 20;
/// Messages of one wave; a broker holds as many without being told to.
pub(super) const WAVE: i64 = 400;

/// Sends a wave of readings, each of an instant of its own.
pub(super) async fn wave(broker: &Mosquitto, number: i64, start: Stamp) {
    let outlet = Outlet::new(broker.port).await;
    for n in 0..WAVE {
        let at = Stamp(start.0 + (number * WAVE + n) * 1_000);
        outlet.send(&format!("air/d{}", n % 4), reading(at, 20.0)).await;
    }
    outlet.finish().await;
}

/// Readings stored, by the ledger.
pub(super) fn stored(ledger: &Value) -> i64 {
    ledger["readings"]["stored"].as_i64().unwrap()
}

/// Waits until the part `store` is in a state, whether the daemon is ready or not.
pub(super) async fn store_is(daemon: &TestDaemon, state: &str) {
    let is = |p: &Value| p["part"] == "store" && p["state"] == state;
    let any = |v: &Value| v["parts"].as_array().is_some_and(|parts| parts.iter().any(is));
    daemon.until(&format!("the store is {state}"), "/healthz", any).await;
}

/// A receiver of what concerns the operation.
fn operator(receiver: &Receiver) -> String {
    format!(
        "[[receiver]]\nid = \"ops\"\nurl = \"http://{}/hook\"\nsecret = \"{SECRET}\"\n\
         events = [\"operational\"]\n",
        receiver.address
    )
}

/// Stops the daemon, and has the store looked through.
pub async fn whole(daemon: &mut TestDaemon) {
    assert_eq!(daemon.term().await.code(), Some(0), "{}", daemon.said());
    let check = daemon.output(&["store", "check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    assert!(!daemon.said().contains("panicked"), "{}", daemon.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_someone_else_fills_stops_messages_and_nothing_else() {
    let test = "a_disk_that_someone_else_fills_stops_messages_and_nothing_else";
    let (broker, ops) = (Mosquitto::start(), Receiver::new([]).await);
    let disk = "[disk]\nlow_mib = 12\nfull_mib = 4\nreserve_mib = 2\n";
    let mut daemon = TestDaemon::new(&config(broker.port, "", &(operator(&ops) + disk)));
    if !daemon.on_a_small_disk(test, DISK_BYTES) {
        return;
    }
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    let start = Stamp(now().0 - 7_200_000);
    wave(&broker, 0, start).await;
    daemon.received(WAVE as u64).await;

    daemon.disk().fill();
    wave(&broker, 1, start).await;
    store_is(&daemon, "down").await;
    let told: Vec<Value> =
        ops.got(2).await.iter().map(|g| g.body["data"]["kind"].clone()).collect();
    assert!(told.contains(&"disk_low".into()) && told.contains(&"disk_full".into()), "{told:?}");
    let delivered = |v: &Value| {
        let all = v["outbox"].as_array().unwrap();
        all.len() == 2 && all.iter().all(|n| n["state"] == "delivered")
    };
    daemon.until("what came of the notices is written", "/api/v1/outbox?limit=9", delivered).await;
    assert!(daemon.metrics().await.contains("dustline_disk_full 1\n"));

    // Also a new process comes up, and waits.
    daemon.kill();
    daemon.start().await;
    store_is(&daemon, "down").await;

    daemon.disk().free();
    store_is(&daemon, "ok").await;
    wave(&broker, 2, start).await;
    let all = |v: &Value| stored(v) == 3 * WAVE;
    daemon.until("every reading is there once", "/api/v1/ledger?limit=1", all).await;
    assert!(ops.got(4).await.iter().skip(2).all(|g| g.body["data"]["active"] == false));
    assert!(daemon.metrics().await.contains("dustline_disk_full 0\n"));
    whole(&mut daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_find_no_room_at_all_are_made_when_there_is_some() {
    let test = "commits_that_find_no_room_at_all_are_made_when_there_is_some";
    let broker = Mosquitto::start();
    let disk = "[disk]\nlow_mib = 0\nfull_mib = 0\nreserve_mib = 0\n";
    let mut daemon = TestDaemon::new(&config(broker.port, "", disk));
    if !daemon.on_a_small_disk(test, DISK_BYTES) {
        return;
    }
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    let start = Stamp(now().0 - 7_200_000);
    let pid = daemon.pid();
    for round in 0..3 {
        daemon.disk().fill();
        wave(&broker, round, start).await;
        store_is(&daemon, "down").await;
        daemon.disk().free();
        let all = |v: &Value| stored(v) == (round + 1) * WAVE;
        daemon.until("every reading is there once", "/api/v1/ledger?limit=1", all).await;
    }
    assert_eq!(daemon.pid(), pid);
    // A connection that was lost meanwhile brings some again, which are duplicates then.
    let received = daemon.received(3 * WAVE as u64).await["received"].clone();
    let arrivals = format!("dustline_arrivals_total{{source=\"city\"}} {received}\n");
    assert!(daemon.metrics().await.contains(&arrivals), "counted once");
    whole(&mut daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_any_room_waits_inside_the_process_and_goes_on_by_itself() {
    let test = "a_start_without_any_room_waits_inside_the_process_and_goes_on_by_itself";
    let broker = Mosquitto::start();
    let disk = "[disk]\nlow_mib = 0\nfull_mib = 0\nreserve_mib = 0\n";
    let mut daemon = TestDaemon::new(&config(broker.port, "", disk));
    if !daemon.on_a_small_disk(test, DISK_BYTES) {
        return;
    }
    let start = Stamp(now().0 - 7_200_000);
    let mut waves = 0;
    daemon.disk().fill();
    daemon.start().await;
    store_is(&daemon, "down").await;
    assert_eq!(daemon.term().await.code(), Some(0), "it ends in order: {}", daemon.said());
    daemon.disk().free();
    // For the first time, after a clean end, and after one that was none.
    for end in ["", "TERM", "KILL"] {
        match end {
            "TERM" => assert_eq!(daemon.term().await.code(), Some(0), "{}", daemon.said()),
            "KILL" => daemon.kill(),
            _ => {}
        }
        daemon.disk().fill();
        if !end.is_empty() {
            wave(&broker, waves, start).await;
            waves += 1;
        }
        daemon.start().await;
        store_is(&daemon, "down").await;
        assert!(daemon.metrics().await.contains("dustline_disk_full 1\n"));
        let pid = daemon.pid();

        daemon.disk().free();
        daemon.part("source/city", "ok").await;
        wave(&broker, waves, start).await;
        waves += 1;
        let all = |v: &Value| stored(v) == waves * WAVE;
        daemon.until("every reading is there once", "/api/v1/ledger?limit=1", all).await;
        assert_eq!(daemon.pid(), pid);
        assert!(daemon.metrics().await.contains("dustline_disk_full 0\n"));
    }
    whole(&mut daemon).await;
}
