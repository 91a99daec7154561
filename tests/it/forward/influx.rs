//! A server that answers organisations, buckets and tokens as InfluxDB 2 documents
//! it, and one whose retention is shorter than what is sent.

use super::rig::{Loop, START, numbered, reading, target, until_held, until_journal, with_source};
use crate::helpers::database::Database;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use dustline::air::{Flag, Quantity};
use dustline::config::Secret;
use dustline::config::settings::Influx;
use dustline::forward;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server was asked to make, and how many writes it took.
#[derive(Default)]
struct Seen {
    made: Vec<serde_json::Value>,
    buckets: Vec<String>,
    writes: usize,
}

type Shared = Arc<Mutex<Seen>>;

/// Knows the organisation `dustline`, the bucket `there`, the token `a-token`, and
/// `reader`, which may not write.
async fn influx() -> (String, Shared) {
    let seen = Shared::default();
    seen.lock().unwrap().buckets.push("there".to_owned());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, seen)
}

fn problem(status: u16, code: &str, message: &str) -> (StatusCode, String) {
    let body = serde_json::json!({ "code": code, "message": message }).to_string();
    (StatusCode::from_u16(status).unwrap(), body)
}

async fn answer(
    State(seen): State<Shared>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let query = query.unwrap_or_default();
    let given = |name: &str| {
        let of = format!("{name}=");
        query.split('&').find_map(|p| p.strip_prefix(&of)).map(str::to_owned)
    };
    let token = headers["authorization"].to_str().unwrap().trim_start_matches("Token ").to_owned();
    if token != "a-token" && token != "reader" {
        return problem(401, "unauthorized", "unauthorized access");
    }
    let org = given("org");
    let no_org = org.as_ref().is_some_and(|o| o != "dustline");
    let mut seen = seen.lock().unwrap();
    match (method.as_str(), uri.path()) {
        (_, "/api/v2/orgs" | "/api/v2/write") if no_org => {
            problem(404, "not found", &format!("organization name {org:?} not found"))
        }
        ("GET", "/api/v2/orgs") => {
            let orgs = serde_json::json!({ "orgs": [{ "id": "0a", "name": "dustline" }] });
            (StatusCode::OK, orgs.to_string())
        }
        ("POST", "/api/v2/buckets") => {
            let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
            seen.buckets.push(asked["name"].as_str().unwrap().to_owned());
            seen.made.push(asked);
            (StatusCode::CREATED, "{}".to_owned())
        }
        ("POST", "/api/v2/write") => {
            let bucket = given("bucket").unwrap();
            if !seen.buckets.contains(&bucket) {
                return problem(404, "not found", &format!("bucket {bucket:?} not found"));
            }
            if token == "reader" {
                return problem(403, "forbidden", "insufficient permissions for write");
            }
            if body.is_empty() {
                return problem(400, "invalid", "writing requires points");
            }
            seen.writes += 1;
            (StatusCode::NO_CONTENT, String::new())
        }
        other => panic!("not asked for in InfluxDB 2: {other:?}"),
    }
}

#[tokio::test]
async fn a_probe_of_influxdb_2_says_which_of_token_org_and_bucket_is_wrong() {
    let (url, _) = influx().await;
    let good = Influx { bucket: "there".to_owned(), ..target("main", &url) };
    assert!(forward::probe(&good).await.is_ok());
    let of = |change: fn(&mut Influx)| {
        let mut influx = good.clone();
        change(&mut influx);
        influx
    };
    for (influx, wrong) in [
        (of(|i| i.token = Some(Secret::new("other"))), "token: the database does not know it"),
        (of(|i| i.token = Some(Secret::new("reader"))), "token: it may not write"),
        (
            of(|i| i.org = "nobody".to_owned()),
            "org: there is no \"nobody\"; the token sees \"dustline\"",
        ),
        (of(|i| i.bucket = "gone".to_owned()), "bucket: there is no \"gone\" in org \"dustline\""),
    ] {
        let said = forward::probe(&influx).await.unwrap_err();
        assert!(said.contains(wrong), "{wrong}: {said}");
        assert!(!said.contains("a-token") && !said.contains("reader"), "{said}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_made_if_that_is_wanted() {
    let (url, seen) = influx().await;
    let retention = Duration::from_secs(30 * 86_400);
    let wanted = Influx { create_bucket: true, retention, ..target("main", &url) };
    assert!(forward::probe(&wanted).await.unwrap().contains("will be made"));
    let keeper = with_source().await;
    numbered(&keeper, 0, 3).await;
    let forwarding = Loop::start(&keeper, wanted);
    until_journal(&keeper, "main", 3).await;
    forwarding.stop().await;
    let seen = seen.lock().unwrap();
    let rules = serde_json::json!([{ "type": "expire", "everySeconds": 2_592_000 }]);
    let made = serde_json::json!({ "orgID": "0a", "name": "air", "retentionRules": rules });
    assert_eq!((&seen.made[..], seen.writes), (&[made][..], 1));
    assert!(keeper.reader().conditions().unwrap().is_empty());
}

#[tokio::test]
async fn a_bucket_that_is_missing_holds_the_cursor_if_it_is_not_to_be_made() {
    let (url, seen) = influx().await;
    let keeper = with_source().await;
    numbered(&keeper, 0, 3).await;
    let forwarding = Loop::start(&keeper, target("main", &url));
    assert!(until_held(&keeper, true).await.detail.contains("404"));
    seen.lock().unwrap().buckets.push("air".to_owned());
    until_held(&keeper, false).await;
    forwarding.stop().await;
    assert!(seen.lock().unwrap().made.is_empty());
}

#[tokio::test]
async fn points_that_are_older_than_the_retention_are_counted_and_not_sent() {
    let database = Database::new(|_, _| (204, "")).await;
    let keeper = with_source().await;
    keeper
        .commit(|w| {
            for minutes in [90, 61, 60, 1] {
                let at = START - minutes * 60_000;
                reading(w, "s1", at, 0, &[(Quantity::Pm10, "", 1.0, Flag::Pass)]);
            }
        })
        .await;
    let retention = Duration::from_secs(3600);
    let forwarding = Loop::start(&keeper, Influx { retention, ..target("main", &database.url()) });
    until_journal(&keeper, "main", 4).await;
    assert_eq!((database.taken().len(), forwarding.counted("too_old")), (2, 2));
    forwarding.stop().await;
}

#[tokio::test]
async fn points_that_a_database_drops_for_their_age_hold_up_nothing_and_are_not_sent_again() {
    for said in [
        r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=2"}"#,
        r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: dropped 2 points outside retention policy of duration 24h0m0s"}"#,
    ] {
        let database = Database::new(move |_, _| (422, said)).await;
        let keeper = with_source().await;
        numbered(&keeper, 0, 5).await;
        let forwarding = Loop::start(&keeper, target("main", &database.url()));
        until_journal(&keeper, "main", 5).await;
        assert_eq!(database.got().len(), 1);
        assert_eq!((forwarding.counted("written"), forwarding.counted("too_old")), (3, 2));
        assert!(keeper.reader().conditions().unwrap().is_empty());
        forwarding.stop().await;
    }
}

#[tokio::test]
async fn a_slow_database_does_not_hold_up_a_fast_one() {
    let slow = Arc::new(tokio::sync::Semaphore::new(0));
    let gate = slow.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(move || {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            StatusCode::NO_CONTENT
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let fast = Database::new(|_, _| (204, "")).await;
    let keeper = with_source().await;
    numbered(&keeper, 0, 120).await;
    let behind = Loop::start(&keeper, target("slow", &url));
    let ahead = Loop::start(&keeper, target("fast", &fast.url()));
    until_journal(&keeper, "fast", 120).await;
    numbered(&keeper, 120, 150).await;
    until_journal(&keeper, "fast", 150).await;
    assert_eq!(keeper.reader().cursor("slow").unwrap().journal, 0);
    slow.add_permits(100);
    until_journal(&keeper, "slow", 150).await;
    assert_eq!((behind.counted("written"), ahead.counted("written")), (150, 150));
    behind.stop().await;
    ahead.stop().await;
}
