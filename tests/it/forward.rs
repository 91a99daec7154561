//! What is stored, on its way to databases: a real VictoriaMetrics, and a
//! scripted one that refuses on purpose.

mod again;
mod influx;
mod real;
mod refused;
mod rig;

use crate::helpers::database::Database;
use dustline::air::{Hour, Label, Quantity, Stamp};
use dustline::config::settings::Influx;
use dustline::flow::Command;
use dustline::forward;
use dustline::store::{ChangeRow, Cursor, HourRow};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rig::{Loop, START, numbered, target, until_held, until_journal, with_source};

#[tokio::test]
async fn requests_are_as_the_v2_api_wants_them() {
    let keeper = with_source().await;
    let database = Database::new(|_, _| (204, "")).await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    numbered(&keeper, 0, 120).await;
    until_journal(&keeper, "main", 120).await;
    let got = database.got();
    for request in &got {
        assert_eq!(request.path, "/api/v2/write");
        assert_eq!(request.query, "bucket=air&org=dustline&precision=ms");
        assert_eq!(request.headers["authorization"], "Token a-token");
        assert_eq!(request.headers["content-encoding"], "gzip");
        assert!(request.text.lines().count() <= 50);
    }
    let first = "air,device=s1,source=city,station=s1 pm10=0,pm10_flag=1i 1700000000000";
    assert_eq!(got[0].text.lines().next(), Some(first));
    assert_eq!(database.taken().len(), 120);
    assert_eq!(forwarding.counted("written"), 120);
    forwarding.stop().await;
}

#[tokio::test]
async fn hours_and_changes_follow_the_readings() {
    let keeper = with_source().await;
    let database = Database::new(|_, _| (204, "")).await;
    let forwarding =
        Loop::start(&keeper, Influx { gzip: false, ..target("main", &database.url()) });
    keeper
        .commit(|w| {
            let device = w.device("s1", 1).unwrap();
            let label = w.label(&Label { channel: String::new(), variant: "cf1".into() }).unwrap();
            let hour = HourRow {
                revision: 0,
                device,
                hour: Hour(472_222),
                quantity: Quantity::Pm2_5,
                label,
                count: 2,
                sum_micro: 25_000_000,
                min_micro: 12_000_000,
                max_micro: 13_000_000,
                minutes: (1 << 45) - 1,
                flagged: 1,
            };
            w.put_hour(&hour).unwrap();
            let change = ChangeRow {
                id: 0,
                uid: "01".into(),
                ladder: "kr-pm25".into(),
                scope: "zone/seoul".into(),
                from: "advisory".into(),
                to: "none".into(),
                at: Stamp(START),
                late: true,
                data: serde_json::json!({ "ruleset": "kr-air-alert@2018-07-01", "value": 34.5 }),
            };
            assert!(w.put_change(&change).unwrap());
        })
        .await;
    let there = |c: &Command| matches!(c, Command::Forwarded { change: 1, hour: 1, .. });
    keeper.until("the cursor", |told| told.iter().any(there).then_some(())).await;
    // In one request or in two: the commit may fall between two looks at the store.
    let mut taken = database.taken();
    taken.sort();
    assert_eq!(
        taken,
        [
            "air_change,ladder=kr-pm25,scope=zone/seoul from=\"advisory\",late=true,level=0i,ruleset=\"kr-air-alert@2018-07-01\",to=\"none\",uid=\"01\",value=34.5 1700000000000",
            "air_hour,device=s1,quantity=pm2_5__cf1,station=s1 count=2i,coverage=0.75,flagged=1i,max=13,mean=12.5,min=12 1699999200000",
        ]
    );
    forwarding.stop().await;
}

#[tokio::test]
async fn a_refused_line_is_found_and_set_aside_alone() {
    let keeper = with_source().await;
    let database = Database::new(|_, text| match text {
        t if t.contains("pm10=13,") || t.contains("pm10=77,") => (400, "unable to parse"),
        t if t.lines().count() > 20 => (413, "too large"),
        _ => (204, ""),
    })
    .await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    numbered(&keeper, 0, 120).await;
    until_journal(&keeper, "main", 120).await;
    let mut values: Vec<i64> = database.taken().iter().map(|l| number_of(l)).collect();
    values.sort_unstable();
    assert_eq!(values, (0..120).filter(|i| ![13, 77].contains(i)).collect::<Vec<_>>());
    assert_eq!((forwarding.counted("written"), forwarding.counted("refused")), (118, 2));
    forwarding.stop().await;
}

#[tokio::test]
async fn a_target_that_takes_not_one_line_is_held_and_loses_none() {
    let keeper = with_source().await;
    let whole_again = Arc::new(AtomicBool::new(false));
    let mended = whole_again.clone();
    let database = Database::new(move |_, _| match mended.load(Ordering::SeqCst) {
        false => (400, "retention policy"),
        true => (204, ""),
    })
    .await;
    numbered(&keeper, 0, 40).await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    let held = until_held(&keeper, true).await;
    assert!(held.detail.starts_with("not one of 40 lines is taken: 400"), "{}", held.detail);
    assert_eq!(forwarding.counted("refused"), 0);
    assert_eq!(keeper.reader().cursor("main").unwrap(), Cursor::default());

    whole_again.store(true, Ordering::SeqCst);
    until_held(&keeper, false).await;
    until_journal(&keeper, "main", 40).await;
    assert_eq!((database.taken().len(), forwarding.counted("refused")), (40, 0));
    forwarding.stop().await;
}

#[tokio::test]
async fn a_refused_line_that_is_alone_waits_for_others() {
    let keeper = with_source().await;
    let database = Database::new(|_, text| match text.contains("pm10=0,") {
        true => (400, "unable to parse"),
        false => (204, ""),
    })
    .await;
    numbered(&keeper, 0, 1).await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    forwarding.tried_in_vain().await;
    assert_eq!(keeper.reader().cursor("main").unwrap(), Cursor::default());
    numbered(&keeper, 1, 2).await;
    until_journal(&keeper, "main", 2).await;
    assert_eq!((database.taken().len(), forwarding.counted("refused")), (1, 1));
    forwarding.stop().await;
}

fn number_of(line: &str) -> i64 {
    let value = line.split("pm10=").nth(1).unwrap();
    value.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_wrong_token_holds_the_cursor_and_is_said_until_it_is_mended() {
    for status in [401, 403, 404] {
        let keeper = with_source().await;
        let database = Database::new(move |n, _| if n < 2 { (status, "no") } else { (204, "") });
        let database = database.await;
        numbered(&keeper, 0, 10).await;
        let forwarding = Loop::start(&keeper, target("main", &database.url()));
        let held = until_held(&keeper, true).await;
        assert_eq!((held.kind, held.subject.as_str()), ("forwarding_held", "main"));
        assert!(held.detail.starts_with(&format!("{status} (no): check")), "{}", held.detail);
        assert!(!held.detail.contains("a-token"));
        assert_eq!(keeper.reader().cursor("main").unwrap(), Cursor::default());
        until_held(&keeper, false).await;
        until_journal(&keeper, "main", 10).await;
        assert_eq!(database.taken().len(), 10);
        forwarding.stop().await;
    }
}

#[tokio::test]
async fn a_hold_that_was_mended_while_the_daemon_was_away_ends_after_its_start() {
    let keeper = with_source().await;
    let closed = Database::new(|_, _| (401, "no")).await;
    numbered(&keeper, 0, 10).await;
    let forwarding = Loop::start(&keeper, target("main", &closed.url()));
    until_held(&keeper, true).await;
    forwarding.stop().await;

    let keeper = keeper.reopened().await;
    let open = Database::new(|_, _| (204, "")).await;
    let forwarding = Loop::start(&keeper, target("main", &open.url()));
    until_held(&keeper, false).await;
    forwarding.stop().await;
    assert!(keeper.reader().conditions().unwrap().is_empty());
}

#[tokio::test]
async fn errors_of_the_server_are_waited_out() {
    let keeper = with_source().await;
    let database = Database::new(|n, _| match n {
        0 => (503, "busy"),
        1 => (429, "slower"),
        _ => (204, ""),
    })
    .await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    numbered(&keeper, 0, 10).await;
    until_journal(&keeper, "main", 10).await;
    let got = database.got();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|g| g.text == got[0].text), "the same lines again");
    forwarding.stop().await;
}

#[tokio::test]
async fn after_a_restart_only_what_is_new_is_sent() {
    let keeper = with_source().await;
    let database = Database::new(|_, _| (204, "")).await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    numbered(&keeper, 0, 70).await;
    until_journal(&keeper, "main", 50).await;
    forwarding.stop().await;

    let keeper = keeper.reopened().await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    numbered(&keeper, 70, 80).await;
    until_journal(&keeper, "main", 80).await;
    let mut values: Vec<i64> = database.taken().iter().map(|l| number_of(l)).collect();
    values.sort_unstable();
    let first = values.clone();
    values.dedup();
    assert_eq!(values, (0..80).collect::<Vec<_>>());
    assert!(first.len() <= 80 + 20, "what was kept is not sent again: {}", first.len());
    forwarding.stop().await;
}

#[tokio::test]
async fn a_dead_database_stops_no_other() {
    let keeper = with_source().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let database = Database::new(|_, _| (204, "")).await;
    let dead = Loop::start(&keeper, target("dead", &format!("http://{nobody}")));
    let alive = Loop::start(&keeper, target("alive", &database.url()));
    numbered(&keeper, 0, 10).await;
    until_journal(&keeper, "alive", 10).await;
    assert_eq!(keeper.reader().cursor("dead").unwrap(), Cursor::default());
    dead.stop().await;
    alive.stop().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_said_and_waits_for_mending() {
    let keeper = with_source().await;
    let forwarding = Loop::start(&keeper, target("main", "http://127.0.0.1:1/prefix"));
    assert!(until_held(&keeper, true).await.detail.contains("without a path"));
    forwarding.stop().await;
}

#[tokio::test]
async fn a_probe_writes_nothing_and_says_what_is_wrong() {
    let open = Database::new(|_, _| (204, "")).await;
    let influx = Database::new(|_, _| (400, "writing requires points")).await;
    let closed = Database::new(|_, _| (401, "unauthorized access")).await;
    assert!(forward::probe(&target("main", &open.url())).await.is_ok());
    assert!(forward::probe(&target("main", &influx.url())).await.is_ok());
    let said = forward::probe(&target("main", &closed.url())).await.unwrap_err();
    assert!(said.contains("unauthorized access") && said.contains("token"), "{said}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(forward::probe(&target("main", &format!("http://{nobody}"))).await.is_err());
    assert!(open.taken().is_empty() && open.got().len() == 1);
}
