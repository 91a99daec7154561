//! What is sealed is answered as before.

use super::fixture::*;
use crate::air::Quantity::{Pm2_5, Pm10};

/// Two hours of one device, the first of them closed, with a variant, a revision and
/// a reading out of its order; another that was heard long before.
fn town() -> Store {
    let mut store = Store::new();
    store.reading("s3", minute(0), minute(1), &[bad(Pm2_5, 9999.0), good(Pm10, 7.125)], false);
    for n in [5, 20, 40, 60, 80] {
        let v = 10.0 + n as f64 / 20.0;
        let both = [good(Pm2_5, v), good(Pm10, v * 2.0), variant(Pm2_5, "cf1", v + 1.0)];
        store.reading("s1", minute(n), minute(n), &both, false);
    }
    store.reading("s1", minute(20), minute(81), &[good(Pm2_5, 99.5)], true);
    store.reading("s1", minute(30), minute(82), &[good(Pm2_5, 31.0)], false);
    store.close(minute(83), minute(60).hour());
    store
}

const CALLS: [&str; 8] = [
    "/api/v1/readings?device=s1",
    "/api/v1/readings?station=mapo",
    "/api/v1/readings?from=2022-01-08T10:10:00Z&to=2022-01-08T11:10:00Z",
    "/api/v1/readings?quantity=pm10&limit=3&from=2022-01-08T10:00:00Z",
    "/api/v1/devices",
    "/api/v1/stations",
    "/api/v1/devices/s1",
    "/api/v1/ledger",
];

async fn answers(store: &Store) -> Vec<serde_json::Value> {
    let server = store.local().await;
    let mut answers = Vec::new();
    for call in CALLS {
        answers.push(server.json(call).await);
    }
    answers
}

#[tokio::test]
async fn the_api_answers_the_same_before_and_after_readings_are_sealed() {
    let mut store = town();
    let before = answers(&store).await;
    store.seal();
    assert_eq!(answers(&store).await, before);
    // A revision and a late reading of an hour that is sealed, then sealed as well.
    store.reading("s1", minute(40), minute(90), &[good(Pm2_5, 44.0)], true);
    store.reading("s1", minute(50), minute(91), &[good(Pm2_5, 45.0)], false);
    store.close(minute(92), minute(60).hour());
    let before = answers(&store).await;
    assert!(before[0].to_string().contains("44.0"));
    store.seal();
    assert_eq!(answers(&store).await, before);
}

#[tokio::test]
async fn a_server_that_runs_while_readings_are_sealed_answers_the_same() {
    let mut store = town();
    let server = store.local().await;
    let before = server.json("/api/v1/devices").await;
    store.seal();
    store.reading("s1", minute(85), minute(85), &[good(Pm2_5, 15.0)], false);
    // The view that answers is brought up to date now and then.
    while server.json("/api/v1/devices").await == before {
        tokio::task::yield_now().await;
    }
    let call = "/api/v1/readings?device=s1&quantity=pm2_5";
    let (devices, page) = (server.json("/api/v1/devices").await, server.json(call).await);
    assert!(page.to_string().contains("15.0"), "{page}");
    let fresh = store.local().await;
    assert_eq!((devices, page), (fresh.json("/api/v1/devices").await, fresh.json(call).await));
}
