//! Points that a database refuses, seen through the whole daemon: kept in the
//! quarantine through kills, beside a ledger that does not move, until they are taken.

use super::kills::broker;
use super::world::{World, closing_by_the_clock, config};
use crate::helpers::daemon::TestDaemon;
use crate::helpers::database::Database;
use crate::helpers::outlet::Outlet;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Readings of a station in an hour.
const PER_HOUR: i64 = 12;

/// Runs a command of the quarantine, and hands out its exit code and words.
fn quarantine(daemon: &TestDaemon, words: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_dustline"))
        .arg("quarantine")
        .args(words)
        .arg("--config")
        .arg(daemon.config_that_names_its_port())
        .output()
        .unwrap();
    (out.status.code(), String::from_utf8([out.stdout, out.stderr].concat()).unwrap())
}

async fn refused(daemon: &TestDaemon) -> Vec<Value> {
    let page = daemon.get("/api/v1/quarantine/refused?target=main").await;
    page["refused"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_points_survive_kills_in_the_quarantine_and_leave_it_once_they_are_taken() {
    let world = World::new(PER_HOUR);
    let (from, to) = (world.start.0 + 3_600_000, world.start.0 + 7_200_000);
    let bad = move |line: &str| {
        let (point, at) = line.rsplit_once(' ').unwrap();
        let within = (from..to).contains(&at.parse().unwrap());
        point.starts_with("air,device=d3,") && within
    };
    let mended = Arc::new(AtomicBool::new(false));
    let takes_all = mended.clone();
    let database = Database::new(move |_, text| {
        match !takes_all.load(Ordering::SeqCst) && text.lines().any(bad) {
            true => (400, "partial write: d3 has another type"),
            false => (204, ""),
        }
    })
    .await;
    let broker = broker();
    let target = format!(
        "[[influxdb]]\nname = \"main\"\nurl = \"{}\"\norg = \"o\"\nbucket = \"b\"\ntoken = \"t\"\n\
         batch_lines = 100\n",
        database.url()
    );
    // Hours close by the clock: only closed ones are sent once more.
    let text = closing_by_the_clock(&config(broker.port, "", &target));
    let mut daemon = TestDaemon::up(&format!("operator_token = \"sesame\"\n{text}")).await;
    let outlet = Outlet::new(broker.port).await;
    let messages = world.messages();
    let mut random = fastrand::Rng::with_seed(17);
    for share in messages.chunks(messages.len() / 8 + 1) {
        for sent in share {
            outlet.send(&sent.topic, sent.payload.clone()).await;
        }
        tokio::time::sleep(Duration::from_millis(random.u64(..80))).await;
        daemon.kill();
        daemon.start().await;
    }
    assert_eq!(outlet.finish().await, messages.len() as u64);
    let all = |v: &Value| v["stored"] == messages.len();
    daemon.until("every message stored", "/api/v1/ledger?limit=1", all).await;
    daemon.forwarded_all("main").await;
    daemon.agrees().await;

    let rows = refused(&daemon).await;
    let times: BTreeSet<&str> = rows.iter().map(|r| r["time"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), times.len()), (PER_HOUR as usize, PER_HOUR as usize), "{rows:?}");
    for row in &rows {
        assert_eq!((&row["device"], &row["series"]), (&"d3".into(), &"pm10,pm2_5".into()));
        assert_eq!(row["why"], "400 (partial write: d3 has another type)");
    }
    let status = daemon.get("/api/v1/forward").await;
    assert_eq!(
        (&status["targets"][0]["refused"], &status["targets"][0]["held"]),
        (&PER_HOUR.into(), &false.into())
    );

    let one = format!("r{}", rows[0]["id"]);
    let (code, said) = quarantine(&daemon, &["show", &one]);
    assert!(
        code == Some(0) && said.contains("partial write") && said.contains("air,device=d3,"),
        "{said}"
    );
    let (code, said) = quarantine(&daemon, &["list"]);
    assert!(code == Some(0) && said.contains(&one), "{said}");
    let closed = |v: &Value| v["hours"].as_array().is_some_and(|hours| hours.len() > 6);
    daemon.until("hours are closed", "/api/v1/hours?device=d3", closed).await;
    let (code, said) = quarantine(&daemon, &["retry", &one]);
    assert!(code == Some(0) && said.contains("by replay 1"), "{said}");
    let done = |v: &Value| v["replays"][0]["done"].is_string();
    daemon.until("the replay", "/api/v1/forward", done).await;
    assert_eq!(refused(&daemon).await.len(), rows.len(), "it is refused again, and stays");

    let (code, said) = quarantine(&daemon, &["drop", &one]);
    assert!(code == Some(0) && said.contains("off the list"), "{said}");
    mended.store(true, Ordering::SeqCst);
    daemon.kill();
    daemon.start().await;
    let (code, said) = quarantine(&daemon, &["retry", "--all", "--target", "main"]);
    assert_eq!(code, Some(0), "{said}");
    let none = |v: &Value| v["refused"].as_array().is_some_and(Vec::is_empty);
    daemon.until("the last one is taken", "/api/v1/quarantine/refused", none).await;
    let there = database.taken().into_iter().filter(|l| bad(l)).collect::<BTreeSet<_>>();
    assert!(there.len() >= rows.len() - 1, "{there:?}");
    daemon.agrees().await;
    assert_eq!(daemon.term().await.code(), Some(0));
}
