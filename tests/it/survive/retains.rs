//! What is beyond what is to be kept goes while readings come in, whenever the
//! process dies; and a limit on the whole store holds, and is told.

use super::world::{now, source};
use crate::helpers::daemon::{PATIENCE, TestDaemon};
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use crate::helpers::receiver::{Receiver, SECRET};
use dustline::air::Stamp;
use serde_json::Value;
use std::ops::Range;
use std::time::Instant;

const DEVICES: i64 = 40;
const HOUR_MS: i64 = 3_600_000;
/// Hours close soon, and late data correct none.
const JUDGED: &str = "[judgement]\nlateness = \"0s\"\ngrace = \"1s\"\nrevise_within = \"0s\"\n";

/// Readings of each device in each of these hours after a time.
async fn hours(broker: &Mosquitto, start: Stamp, hours: Range<i64>) {
    let outlet = Outlet::new(broker.port).await;
    for hour in hours {
        for device in 0..DEVICES {
            let at = Stamp(start.0 + hour * HOUR_MS + device);
            let text = format!(r#"{{"time":"{at}","pm2_5":20.5,"pm10":{hour}}}"#);
            outlet.send(&format!("air/d{device}"), text).await;
        }
    }
    outlet.finish().await;
}

/// How much was dropped of a tier beyond a limit, by the metrics.
async fn dropped(daemon: &TestDaemon, tier: &str, beyond: &str) -> u64 {
    let metrics = daemon.metrics().await;
    let of = |line: &&str| {
        line.starts_with("dustline_store_dropped_total{")
            && line.contains(&format!("tier=\"{tier}\""))
            && line.contains(&format!("beyond=\"{beyond}\""))
    };
    let line = metrics.lines().find(of).and_then(|line| line.rsplit(' ').next());
    line.map_or(0, |count| count.parse().unwrap())
}

/// Waits until so much is dropped. Meanwhile another device reports, since time passes
/// for the store with what comes in; how many messages that were.
async fn until_dropped(
    (daemon, broker): (&TestDaemon, &Mosquitto),
    (tier, beyond): (&str, &str),
    least: u64,
) -> u64 {
    let until = Instant::now() + PATIENCE;
    let mut told = 0;
    while dropped(daemon, tier, beyond).await < least {
        assert!(Instant::now() < until, "{tier} {beyond}: {}", daemon.said());
        broker.publish("plain/clock/pm10", 1, &["1"]);
        told += 1;
    }
    told
}

fn broker() -> Mosquitto {
    Mosquitto::with(|_| "allow_anonymous true\nmax_queued_messages 0\n".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_old_readings_are_dropped_it_counts_each_and_keeps_to_its_limits() {
    let (broker, ops) = (broker(), Receiver::new([]).await);
    let keep = "[store]\nseal_after = \"20ms\"\n[store.keep]\nreadings = \"2d\"\nhours = \"4d\"\n";
    let mut daemon = TestDaemon::up(&(source(broker.port, "") + JUDGED + keep)).await;
    let start = Stamp(now().hour().back(7 * 24).start().0);
    // Four days that are older than two, with a kill -9 in each of three.
    let mut told = 0;
    for day in 0..4 {
        let sending = hours(&broker, start, day * 24..(day + 1) * 24);
        let killing = async {
            if day > 0 {
                daemon.received((day * 24 * DEVICES + 200) as u64).await;
                daemon.kill();
                daemon.start().await;
            }
        };
        tokio::join!(sending, killing);
        daemon.part("source/city", "ok").await;
        let readings = (2 * (day + 1) * 24 * DEVICES) as u64;
        told += until_dropped((&daemon, &broker), ("history", "age"), readings).await;
        daemon.agrees().await;
    }
    // Hours go once a day, and with a start.
    let closed = |v: &Value| v["hours"].as_array().is_some_and(|hours| !hours.is_empty());
    let path = format!("/api/v1/hours?device=d0&limit=1&from={start}");
    daemon.until("the hours are closed", &path, closed).await;
    daemon.kill();
    daemon.start().await;
    let hours_gone = 2 * (2 * 24 * DEVICES) as u64;
    told += until_dropped((&daemon, &broker), ("hours", "age"), hours_gone).await;

    // A database that is away keeps everything, until the store is too large.
    let limit = format!(
        "[store]\nseal_after = \"20ms\"\n[store.keep]\nhard_mib = 1\n[[influxdb]]\nname = \"away\"\nurl = \"http://127.0.0.1:9\"\norg = \"o\"\n\
         bucket = \"b\"\ntoken = \"t\"\n[[receiver]]\nid = \"ops\"\nurl = \"http://{}/hook\"\n\
         secret = \"{SECRET}\"\nevents = [\"operational\"]\n",
        ops.address
    );
    assert_eq!(daemon.term().await.code(), Some(0));
    daemon.configure(&(source(broker.port, "") + JUDGED + &limit));
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    hours(&broker, Stamp(start.0 - 30 * 24 * HOUR_MS), 0..7 * 24).await;
    told += until_dropped((&daemon, &broker), ("hours", "hard"), 1).await;
    let notices = ops.got(1).await;
    let notice = &notices[0].body["data"];
    assert_eq!((&notice["kind"], &notice["active"]), (&"store_limit".into(), &true.into()));
    let readings = (2 * (4 + 7) * 24 * DEVICES) as u64 + told;
    let all = |v: &Value| v["readings"]["stored"] == readings;
    daemon.until("every reading was stored once", "/api/v1/ledger?limit=1", all).await;
    daemon.agrees().await;
    assert_eq!(daemon.term().await.code(), Some(0), "{}", daemon.said());
    let info = daemon.output(&["store", "info"]);
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    assert!(info.contains("dropped of") && info.contains("hard"), "{info}");
    let checked = daemon.output(&["store", "check"]);
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.contains("readings more were dropped"), "{checked}");
    assert!(!daemon.said().contains("panicked"), "{}", daemon.said());
}
