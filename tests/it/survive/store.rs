//! What it refuses to start on, with which exit code, and that it changes
//! nothing there.

use super::world::{config, source};
use crate::helpers::daemon::{PATIENCE, TestDaemon};
use crate::helpers::mosquitto::{Mosquitto, free_port};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Starts, expects this exit code, and hands out what was said.
fn refused(daemon: &TestDaemon, code: i32) -> String {
    let output = daemon.output(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// A daemon that does not run, with its store's path; the directory is there.
fn idle() -> (TestDaemon, PathBuf) {
    let daemon = TestDaemon::new(&source(free_port(), ""));
    std::fs::create_dir(daemon.data()).unwrap();
    let file = daemon.data().join("dustline.db");
    (daemon, file)
}

/// Refused by name, and not a byte of the file changed.
fn refused_untouched(daemon: &TestDaemon, file: &Path, code: i32) {
    let before = std::fs::read(file).unwrap();
    let said = refused(daemon, code);
    assert!(said.contains("dustline.db"), "{said}");
    assert!(std::fs::read(file).unwrap() == before, "the file was changed");
    for beside in ["dustline.db-wal", "dustline.db-journal"] {
        assert!(!file.with_file_name(beside).exists(), "{beside} was left behind");
    }
}

#[test]
fn a_bad_configuration_is_exit_64_with_every_fault() {
    let daemon = TestDaemon::new("[[source]]\nname = \"city\"\nurl = \"ftp://x\"\nqos = 7\n");
    let said = refused(&daemon, 64);
    for fault in ["dustline.toml:6", "dustline.toml:7", "qos", "url"] {
        assert!(said.contains(fault), "{fault} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_on_the_same_data_is_exit_73_and_the_first_goes_on() {
    let broker = Mosquitto::start();
    let daemon = TestDaemon::up(&config(broker.port, "", "")).await;
    let said = refused(&daemon, 73);
    assert!(said.contains("in use"), "{said}");
    broker.publish("plain/roof/pm10", 1, &["1"]);
    daemon.received(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_a_newer_version_is_exit_78_and_untouched() {
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&config(broker.port, "", "")).await;
    broker.publish("plain/roof/pm10", 1, &["1"]);
    daemon.received(1).await;
    assert_eq!(daemon.term().await.code(), Some(0));
    let file = daemon.data().join("dustline.db");
    let store = Connection::open(&file).unwrap();
    store.pragma_update(None, "user_version", 999).unwrap();
    store.close().unwrap();
    refused_untouched(&daemon, &file, 78);
}

#[test]
fn a_file_of_zeros_is_exit_73_and_untouched() {
    let (daemon, file) = idle();
    std::fs::write(&file, vec![0; 64 * 1024]).unwrap();
    refused_untouched(&daemon, &file, 73);
}

#[test]
fn a_file_of_something_else_is_exit_73_and_untouched() {
    let (daemon, file) = idle();
    std::fs::write(&file, b"my diary\n".repeat(1000)).unwrap();
    refused_untouched(&daemon, &file, 73);
}

#[test]
fn a_database_of_someone_else_is_exit_73_and_untouched() {
    let (daemon, file) = idle();
    let theirs = Connection::open(&file).unwrap();
    theirs
        .execute_batch("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('mon')")
        .unwrap();
    theirs.close().unwrap();
    refused_untouched(&daemon, &file, 73);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_its_head_torn_off_is_exit_73_and_untouched() {
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&config(broker.port, "", "")).await;
    broker.publish("plain/roof/pm10", 1, &["1"]);
    daemon.received(1).await;
    assert_eq!(daemon.term().await.code(), Some(0));
    let file = daemon.data().join("dustline.db");
    // Whatever is still in the log beside it goes into the file.
    Connection::open(&file).unwrap().query_row("PRAGMA wal_checkpoint", [], |_| Ok(())).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..4096].fill(0);
    std::fs::write(&file, bytes).unwrap();
    refused_untouched(&daemon, &file, 73);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_makes_its_store_it_starts_the_next_time() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..40 {
        let mut daemon = TestDaemon::new(&source(free_port(), ""));
        daemon.spawn();
        let started = std::time::Instant::now();
        // From the first sign of the store on, within the time that making it takes.
        while !daemon.data().join("dustline.db").exists() {
            assert!(started.elapsed() < PATIENCE, "{}", daemon.said());
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_micros(random.u64(..4_000))).await;
        daemon.kill();
        daemon.start().await;
    }
}

#[test]
fn a_data_directory_that_cannot_be_made_is_exit_73() {
    let daemon = TestDaemon::new(&source(free_port(), ""));
    std::fs::write(daemon.data(), "a file where the directory should be").unwrap();
    let said = refused(&daemon, 73);
    assert!(said.contains("data"), "{said}");
}
