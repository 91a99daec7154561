//! What a database refuses line by line is in the quarantine, with its words, until it
//! takes it after all.

use super::again::{all_closed, closed, hour, until_read_back};
use super::rig::{Loop, START, numbered, target, until_journal, with_source};
use crate::helpers::database::Database;
use crate::helpers::keeper::Keeper;
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use dustline::air::Stamp;
use dustline::config::settings::{Influx, ReadBack};
use dustline::flow::{Command, Redrive};
use dustline::store::RefusedRow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

fn refused(keeper: &Keeper) -> Vec<RefusedRow> {
    keeper.reader().refused(Some("main"), 0, 100).unwrap()
}

/// Has the target sent a stretch once more, and waits until it was.
async fn replayed(keeper: &Keeper, from: Stamp, to: Stamp) {
    let id = keeper.commit(move |w| w.ask_replay("main", from, to, Stamp(START)).unwrap()).await;
    let done = |c: &Command| matches!(c, Command::Redrive(Redrive::Went { replay, done: Some(_), .. }) if *replay == id);
    keeper.until("the replay", |told| told.iter().any(done).then_some(())).await;
}

#[tokio::test]
async fn refused_points_are_in_the_quarantine_once_with_the_words_of_the_database() {
    let keeper = with_source().await;
    let database = Database::new(|_, text| match text {
        t if t.contains("pm10=13,") => (400, "type conflict for a-token\n  password=secret"),
        t if t.contains("pm10=77,") => (422, "no such field"),
        _ => (204, ""),
    })
    .await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    numbered(&keeper, 0, 120).await;
    until_journal(&keeper, "main", 120).await;
    forwarding.stop().await;
    let rows = refused(&keeper);
    let told: Vec<_> = rows.iter().map(|r| (r.point.key.time.0, r.point.why.as_str())).collect();
    assert_eq!(
        told,
        [
            (START + 13, "400 (type conflict for *** password=***)"),
            (START + 77, "422 (no such field)")
        ]
    );
    let first = &rows[0].point;
    assert_eq!((first.key.device.as_str(), first.key.series.as_str()), ("s1", "pm10"));
    let line = format!("air,device=s1,source=city,station=s1 pm10=13,pm10_flag=1i {}", START + 13);
    assert_eq!(first.line, line);
    assert_eq!(rows[0].at, Stamp(START));
}

#[tokio::test]
async fn a_refused_point_that_is_taken_when_it_is_sent_once_more_leaves_the_quarantine() {
    let keeper = with_source().await;
    let status = Arc::new(AtomicU16::new(400));
    let answers = status.clone();
    let database = Database::new(move |_, text| {
        let bad = text.lines().any(|l| l.starts_with("air,device=s1,") && l.contains("pm10=7,"));
        match answers.load(Ordering::SeqCst) {
            status if bad && status != 204 => (status, "no"),
            _ => (204, ""),
        }
    })
    .await;
    closed(&keeper, "s1", hour(2), 60).await;
    let forwarding = Loop::start(&keeper, target("main", &database.url()));
    until_journal(&keeper, "main", 60).await;
    let [first] = &refused(&keeper)[..] else { panic!("{:?}", refused(&keeper)) };
    let instant = (first.point.key.time, Stamp(first.point.key.time.0 + 1));

    // Alone in its replay, and refused again: it stays, with the latest words.
    status.store(422, Ordering::SeqCst);
    replayed(&keeper, instant.0, instant.1).await;
    let again = refused(&keeper);
    assert_eq!((again.len(), again[0].id, again[0].point.why.as_str()), (1, first.id, "422 (no)"));

    status.store(204, Ordering::SeqCst);
    // A replay of something else changes nothing.
    replayed(&keeper, hour(2).start(), Stamp(instant.0.0 - 1)).await;
    assert_eq!(refused(&keeper).len(), 1);
    replayed(&keeper, instant.0, instant.1).await;
    forwarding.stop().await;
    assert_eq!(refused(&keeper), []);
    assert!(database.taken().contains(&first.point.line));
}

/// A database that never takes one of the readings, and exports the others.
async fn picky() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = |uri: Uri, body: Bytes| async move {
        if uri.path() == "/api/v1/export" {
            let times: Vec<i64> =
                (0..60).filter(|n| *n != 7).map(|n| hour(2).start().0 + n * 60_000).collect();
            let values = vec![1; times.len()];
            let metric = r#"{"__name__":"air_pm10","device":"s1"}"#;
            let text =
                format!(r#"{{"metric":{metric},"values":{values:?},"timestamps":{times:?}}}"#);
            return (StatusCode::OK, text);
        }
        let text = String::from_utf8(body.to_vec()).unwrap();
        match text.contains("pm10=7,") {
            true => (StatusCode::BAD_REQUEST, "no".to_owned()),
            false => (StatusCode::NO_CONTENT, String::new()),
        }
    };
    let app = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

#[tokio::test]
async fn a_database_does_not_forget_what_it_refused() {
    let keeper = with_source().await;
    closed(&keeper, "s1", hour(2), 60).await;
    all_closed(&keeper).await;
    let read_back = Some(ReadBack::VictoriaMetrics);
    let target = Influx { read_back, gzip: false, ..target("main", &picky().await) };
    let forwarding = Loop::start(&keeper, target);
    until_read_back(&keeper, hour(1)).await;
    assert_eq!((refused(&keeper).len(), forwarding.counted("again")), (1, 0));
    forwarding.stop().await;
    assert_eq!(keeper.reader().conditions().unwrap(), []);
}
