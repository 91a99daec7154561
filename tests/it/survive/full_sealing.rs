//! A disk that is full while old rows are sealed, parts of history become one, or the
//! log is written back into the file: nothing is lost or there twice, and it goes on
//! by itself.

use super::full_disk::{WAVE, store_is, stored, wave, whole};
use super::kills::{SEALS, broker, number_from};
use super::world::{config, now};
use crate::helpers::daemon::{PATIENCE, TestDaemon};
use crate::helpers::mosquitto::Mosquitto;
use dustline::air::Stamp;
use std::path::Path;
use std::time::{Duration, Instant};

const DISK_BYTES: u64 = 48 << 20;
/// Nothing is held back: commits run into the end of the disk.
const NO_BOUNDS: &str = "[disk]\nlow_mib = 0\nfull_mib = 0\nreserve_mib = 0\n";

/// A daemon that seals at once, on a disk of its own; `None`, said aloud, where that
/// cannot be.
async fn sealing(test: &str, broker: &Mosquitto) -> Option<TestDaemon> {
    started(test, broker, &format!("{NO_BOUNDS}{SEALS}")).await
}

/// The same with this behind its configuration.
async fn started(test: &str, broker: &Mosquitto, after: &str) -> Option<TestDaemon> {
    let mut daemon = TestDaemon::new(&config(broker.port, "", after));
    if !daemon.on_a_small_disk(test, DISK_BYTES) {
        return None;
    }
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    Some(daemon)
}

/// How many passes have sealed something.
fn sealed(daemon: &TestDaemon) -> usize {
    daemon.said().matches("old rows of the journal are sealed").count()
}

/// Waits until more passes than these have sealed something.
async fn more_sealed(daemon: &TestDaemon, than: usize) {
    let until = Instant::now() + PATIENCE;
    while sealed(daemon) <= than {
        assert!(Instant::now() < until, "nothing is sealed: {}", daemon.said());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until so many waves are stored, each reading once.
async fn stored_waves(daemon: &TestDaemon, waves: i64) {
    let all = |v: &serde_json::Value| stored(v) == waves * WAVE;
    daemon.until("every reading is there once", "/api/v1/ledger?limit=1", all).await;
}

fn bytes(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_while_rows_are_sealed_delays_them_and_loses_nothing() {
    let test = "a_disk_that_fills_while_rows_are_sealed_delays_them_and_loses_nothing";
    let seed = number_from("DUSTLINE_SEED", 48);
    println!("DUSTLINE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let broker = broker();
    let Some(mut daemon) = sealing(test, &broker).await else { return };
    let start = Stamp(now().0 - 7_200_000);
    for round in 0..6 {
        let before = sealed(&daemon);
        wave(&broker, 2 * round, start).await;
        if random.bool() {
            more_sealed(&daemon, before).await;
        }
        tokio::time::sleep(Duration::from_micros(random.u64(..60_000))).await;
        daemon.disk().fill();
        wave(&broker, 2 * round + 1, start).await;
        store_is(&daemon, "down").await;
        if round % 2 == 1 {
            daemon.kill();
            daemon.spawn();
            tokio::time::sleep(Duration::from_millis(random.u64(..1_500))).await;
        }
        daemon.disk().free();
        daemon.comes_up().await;
        stored_waves(&daemon, 2 * (round + 1)).await;
        more_sealed(&daemon, before).await;
    }
    daemon.agrees().await;
    whole(&mut daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_little_room_left_nothing_is_sealed_until_there_is_more() {
    let test = "with_little_room_left_nothing_is_sealed_until_there_is_more";
    let broker = broker();
    let bounds = "[disk]\nlow_mib = 12\nfull_mib = 8\nreserve_mib = 2\n";
    let never = "[store]\nseal_after = \"0s\"\n";
    let Some(mut daemon) = started(test, &broker, &format!("{bounds}{never}")).await else {
        return;
    };
    let start = Stamp(now().0 - 7_200_000);
    for number in 0..4 {
        wave(&broker, number, start).await;
        stored_waves(&daemon, number + 1).await;
    }
    assert_eq!(daemon.term().await.code(), Some(0));
    daemon.configure(&config(broker.port, "", &format!("{bounds}{SEALS}")));
    daemon.disk().fill_but(6 << 20);
    daemon.start().await;
    store_is(&daemon, "down").await;
    // Some passes begin in this time, and none gets anywhere.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(sealed(&daemon), 0);
    daemon.disk().free();
    store_is(&daemon, "ok").await;
    more_sealed(&daemon, 0).await;
    stored_waves(&daemon, 4).await;
    whole(&mut daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_back_keeps_what_it_has_until_it_can() {
    let test = "a_log_that_cannot_be_written_back_keeps_what_it_has_until_it_can";
    let broker = broker();
    let Some(mut daemon) = sealing(test, &broker).await else { return };
    let start = Stamp(now().0 - 7_200_000);
    let (file, log) =
        (daemon.disk().path().join("dustline.db"), daemon.disk().path().join("dustline.db-wal"));
    // The log is as long as it gets, and is begun anew: commits need no room on the disk.
    let (mut waves, small) = (0, bytes(&file));
    while bytes(&file) < small + (1 << 20) {
        wave(&broker, waves, start).await;
        waves += 1;
        stored_waves(&daemon, waves).await;
    }
    daemon.disk().fill();
    let (size, longest) = (bytes(&file), bytes(&log));
    let until = Instant::now() + PATIENCE;
    let mut later = 0;
    let full = |v: &serde_json::Value| v.to_string().contains("the disk is full");
    while !full(&daemon.get("/healthz").await) {
        assert!(Instant::now() < until, "the log is written back without room for it");
        wave(&broker, waves + later, start).await;
        later += 1;
    }
    let kept = stored(&daemon.get("/api/v1/ledger?limit=1").await) - waves * WAVE;
    println!("{waves} waves before, {kept} readings on the full disk, a log of {longest} bytes");
    assert!(kept > WAVE, "the log takes what the file cannot");
    assert_eq!(bytes(&file), size, "it could not grow");
    daemon.kill();
    daemon.spawn();
    daemon.disk().free();
    daemon.comes_up().await;
    stored_waves(&daemon, waves + later).await;
    daemon.agrees().await;
    whole(&mut daemon).await;
}
