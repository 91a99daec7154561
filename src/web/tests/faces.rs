//! Who may read, how errors look, health, metrics, the page, the description.

use super::fixture::*;
use crate::config::Secret;
use crate::telemetry::Role;
use crate::web::openapi::Api;
use crate::web::{acting_routes, changing_routes, link_routes, open_routes, reading_routes};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use utoipa::OpenApi;

const EVERYWHERE: &str = "0.0.0.0:0";

#[tokio::test]
async fn beyond_loopback_reading_needs_the_token() {
    let store = Store::new();
    let server =
        store.serve(EVERYWHERE, |s| s.http.operator_token = Some(Secret::new("s3cret"))).await;
    for path in ["/api/v1/levels", "/metrics", "/api/v1/openapi.json"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{path}");
        assert!(answer.text.contains("http.operator_token") && !answer.text.contains("s3cret"));
        assert_eq!(server.send(Method::GET, path, Some("wrong")).await.status, 401);
        assert_eq!(server.send(Method::GET, path, Some("s3cret")).await.status, 200);
    }
    for path in ["/", "/healthz", "/readyz"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn without_any_token_nothing_is_open_beyond_loopback_unless_public() {
    let store = Store::new();
    let server = store.serve(EVERYWHERE, |_| {}).await;
    let answer = server.get("/api/v1/levels").await;
    assert!(answer.status == 401 && answer.text.contains("http.public"), "{}", answer.text);
    let public = store.serve(EVERYWHERE, |s| s.http.public = true).await;
    assert_eq!(public.get("/api/v1/levels").await.status, 200);
    let local =
        store.serve("127.0.0.1:0", |s| s.http.operator_token = Some(Secret::new("x"))).await;
    assert_eq!(local.get("/api/v1/levels").await.status, 200);
}

#[tokio::test]
async fn every_error_is_a_problem_document() {
    let server = Store::new().local().await;
    let cases = [
        (Method::GET, "/api/v1/nothing", 404),
        (Method::GET, "/nothing", 404),
        (Method::POST, "/api/v1/readings", 405),
        (Method::DELETE, "/metrics", 405),
        (Method::GET, "/api/v1/readings?from=yesterday", 400),
        (Method::GET, "/api/v1/readings?limit=100000", 400),
        (Method::GET, "/api/v1/readings?after=%00", 400),
        (Method::GET, "/api/v1/hours?quantity=dust", 400),
        (Method::GET, "/api/v1/zones?colour=red", 400),
        (Method::GET, "/api/v1/changes/none", 404),
    ];
    for (method, path, status) in cases {
        let answer = server.send(method, path, None).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "application/problem+json"),
            "{path}"
        );
        let problem = answer.json();
        assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(status)));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(problem.get("parameter").is_some(), status == 400, "{path}");
    }
    let answer = server.send(Method::POST, "/api/v1/readings", None).await;
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_store_that_is_gone_is_a_problem_and_not_an_empty_list() {
    let store = Store::new();
    let server = store.local().await;
    std::fs::remove_dir_all(store.dir.path()).unwrap();
    let answer = server.get("/api/v1/levels").await;
    assert_eq!((answer.status, answer.header("content-type")), (503, "application/problem+json"));
}

#[tokio::test]
async fn health_tells_a_stuck_loop_from_a_broker_that_is_away() {
    let server = Store::new().local().await;
    assert_eq!(server.json("/readyz").await["status"], "ok");
    server.health.part("source/city", Role::Edge, None).down("connection refused");
    let ready = server.json("/readyz").await;
    assert_eq!(ready["status"], "degraded");
    let parts = ready["parts"].as_array().unwrap();
    assert!(
        parts.contains(&json!({ "part": "source/city", "state": "down",
        "why": "connection refused", "needed": false, "stuck": false })),
        "{ready}"
    );
    server.health.part("intake", Role::Core, None).down("disk full");
    assert_eq!(
        (server.get("/readyz").await.status, server.get("/healthz").await.status),
        (503, 200)
    );
    server.health.part("deliver", Role::Edge, Some(Duration::ZERO));
    while server.health.stuck(Instant::now()).is_empty() {
        std::hint::spin_loop();
    }
    assert_eq!(server.get("/healthz").await.status, 503);
}

#[tokio::test]
async fn metrics_show_what_was_counted_and_what_the_store_says() {
    let mut store = Store::new();
    store.change("c1", minute(120), "none", "advisory");
    store.message(minute(121), crate::store::Bucket::Ignored);
    store.level("kr-emergency", "preliminary");
    let server = store.local().await;
    server.metrics.source("city").arrivals.inc();
    let answer = server.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        "dustline_arrivals_total{source=\"city\"} 1",
        "dustline_levels{ladder=\"kr-pm25\",scope=\"zone/seoul\",level=\"advisory\"} 1",
        "dustline_levels{ladder=\"kr-pm25\",scope=\"zone/seoul\",level=\"warning\"} 0",
        "dustline_levels{ladder=\"kr-pm25\",scope=\"zone/seoul\",level=\"none\"} 0",
        "dustline_levels{ladder=\"kr-emergency\",scope=\"zone/seoul\",level=\"preliminary\"} 1",
        "dustline_levels{ladder=\"kr-emergency\",scope=\"zone/seoul\",level=\"measures\"} 0",
        "dustline_outbox_pending{receiver=\"desk\"} 1",
        "dustline_outbox_dead{receiver=\"desk\"} 0",
        "dustline_forward_pending{target=\"main\"} 2",
        "dustline_build_info{version=\"1.2.3\",revision=\"abc\"} 1",
    ] {
        assert!(answer.text.lines().any(|l| l == line), "{line} is not in\n{}", answer.text);
    }
    assert!(answer.text.ends_with("# EOF\n"));
}

#[test]
fn the_description_covers_every_call_and_no_other() {
    let described: BTreeSet<String> = Api::openapi().paths.paths.into_keys().collect();
    let changing = changing_routes().into_iter().chain(acting_routes()).chain(link_routes());
    let routes = open_routes().into_iter().chain(reading_routes()).chain(changing);
    // The page is for people.
    let served: BTreeSet<String> =
        routes.map(|(path, _)| path.to_owned()).filter(|p| p != "/").collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn the_description_is_served_and_refers_to_nothing_that_is_not_in_it() {
    let server = Store::new().local().await;
    let answer = server.get("/api/v1/openapi.json").await;
    let api = answer.json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3."));
    let mut rest = answer.text.as_str();
    let mut references = 0;
    while let Some((_, tail)) = rest.split_once("\"#/components/schemas/") {
        let (name, tail) = tail.split_once('"').unwrap();
        assert!(api["components"]["schemas"].get(name).is_some(), "{name} is missing");
        references += 1;
        rest = tail;
    }
    assert!(references > 15, "{references}");
}

#[test]
fn what_is_posted_to_the_hotline_is_described_by_its_fields() {
    let api = serde_json::to_value(Api::openapi()).unwrap();
    for (name, key) in [
        ("Opening", "cause"),
        ("NewMeasure", "kind"),
        ("End", "at"),
        ("Note", "text"),
        ("Plain", "name"),
    ] {
        let described = &api["components"]["schemas"][name]["properties"][key];
        assert!(described["description"].is_string(), "{name}.{key}: {described}");
    }
}

#[tokio::test]
async fn the_page_allows_its_own_script_and_style_and_nothing_else() {
    let server = Store::new().local().await;
    let answer = server.get("/").await;
    assert!(answer.header("content-type").starts_with("text/html"));
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), 2);
    let outside = answer.text.matches("http://").count() + answer.text.matches("https://").count();
    assert_eq!(outside, 0, "the page names no other server");
    assert!(!answer.text.contains(" style=\"") && !answer.text.contains("onclick"));
}
