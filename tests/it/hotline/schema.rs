//! What the daemon answers is what its OpenAPI document says that it answers.

use super::World;
use crate::helpers::mail::python;
use dustline::clock::Clock;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const TEST: &str = "what_the_api_answers_is_what_its_document_says";

/// What was asked and answered so far.
struct Asked<'a> {
    world: &'a World,
    answers: Vec<Value>,
}

impl Asked<'_> {
    /// Posts a body to `path`, which is `shape` in the document.
    async fn post(&mut self, shape: &str, path: &str, token: &str, body: Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.world.daemon.post(path, Some(token), text).await;
        self.keep("post", shape, status, answer)
    }

    async fn get(&mut self, shape: &str, path: &str) -> Value {
        let answer = self.world.daemon.get(path).await;
        self.keep("get", shape, 200, answer)
    }

    fn keep(&mut self, method: &str, shape: &str, status: u16, body: Value) -> Value {
        let known = json!({ "method": method, "path": shape, "status": status, "body": body });
        self.answers.push(known);
        body
    }

    /// Every act of the hotline, one that is refused, and the case as it is then.
    async fn acts(&mut self) {
        let (kr, one) = ("kr-token", "/api/v1/incidents/{id}");
        let opening = json!({ "cause": "dust", "text": "a storm", "exercise": true });
        let done = self.post("/api/v1/incidents", "/api/v1/incidents", "op-token", opening).await;
        let path = format!("/api/v1/incidents/{}", done["incident"]["case"].as_str().unwrap());
        let to = |call: &str| (format!("{one}/{call}"), format!("{path}/{call}"));
        let (shape, ack) = to("ack");
        self.post(&shape, &ack, kr, Value::Null).await;
        self.post(&shape, &ack, kr, Value::Null).await;
        let measure = json!({ "kind": "power", "place": "충남", "text": "80 %" });
        let (shape, measures) = to("measures");
        let shared = self.post(&shape, &measures, kr, measure).await;
        self.post(&shape, &measures, kr, json!({ "kind": "magic" })).await;
        let number = shared["entry"]["number"].as_u64().unwrap();
        let end = format!("{measures}/{number}/end");
        self.post(&format!("{shape}/{{number}}/end"), &end, kr, Value::Null).await;
        let (shape, notes) = to("notes");
        self.post(&shape, &notes, "cn-token", json!({ "text": "收到", "name": "王" })).await;
        let (shape, close) = to("close");
        self.post(&shape, &close, kr, Value::Null).await;
        self.get(one, &path).await;
    }
}

/// What is wrong with answers by the document; `None` if that cannot be checked here.
fn faults(document: &Value, answers: &[Value]) -> Option<String> {
    let mut check = Command::new(python());
    check.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openapi_check.py"));
    let mut running = check.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let told = json!({ "document": document, "answers": answers }).to_string();
    running.stdin.take()?.write_all(told.as_bytes()).unwrap();
    let done = running.wait_with_output().unwrap();
    assert!(done.status.success());
    Some(String::from_utf8(done.stdout).unwrap())
}

/// The calls without a name in their path that answer in JSON.
fn lists(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let json = |calls: &Value| {
        calls["get"]["responses"]["200"]["content"].get("application/json").is_some()
    };
    let lists = paths.filter(|(path, calls)| !path.contains('{') && json(calls));
    lists.map(|(path, _)| path.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_api_answers_is_what_its_document_says() {
    let found = Command::new(python()).args(["-c", "import jsonschema"]).output();
    if !found.is_ok_and(|o| o.status.success()) {
        println!("skipped: {TEST}: {} has no package jsonschema", python());
        return;
    }
    let mut world = World::new().await;
    for _ in 0..3 {
        world.air(100.0, 20.0);
    }
    world.broker.publish("air/jinan", 1, &["not JSON"]);
    world.level("advisory").await;
    let mut asked = Asked { world: &world, answers: Vec::new() };
    asked.acts().await;
    let day = Clock::system().now().text();
    let forecast = json!({
        "issuer": "met", "issued_at": day.as_str(), "zone": "seoul", "quantity": "pm2_5",
        "day": day.as_str().split('T').next(), "value": 40.0, "cause": "dust",
    });
    let forecasts = "/api/v1/forecasts";
    asked.post(forecasts, forecasts, "op-token", forecast).await;
    let document = asked.get("/api/v1/openapi.json", "/api/v1/openapi.json").await;
    let lists = lists(&document);
    assert!(lists.len() >= 15, "{lists:?}");
    // No hour of a device and no day is over, and there is no database.
    let empty = ["hours", "statements", "refused", "targets", "replays"];
    for path in &lists {
        let answer = asked.get(path, path).await;
        let nothing = |(name, list): (&String, &Value)| {
            let none = list.as_array().is_some_and(Vec::is_empty);
            (none && !empty.contains(&name.as_str())).then(|| format!("{path}: {name} is empty"))
        };
        let fields = answer.as_object().into_iter().flatten();
        assert_eq!(fields.filter_map(nothing).collect::<Vec<_>>(), Vec::<String>::new());
    }
    for (list, id, shape) in [
        ("incidents", "id", "/api/v1/incidents/{id}"),
        ("changes", "id", "/api/v1/changes/{id}"),
        ("devices", "id", "/api/v1/devices/{id}"),
        ("outbox", "id", "/api/v1/outbox/{id}"),
        ("quarantine", "id", "/api/v1/quarantine/{id}"),
    ] {
        let first = asked.world.daemon.get(&format!("/api/v1/{list}")).await;
        let id = &first[list][0][id];
        assert!(!id.is_null(), "{list} has none");
        let path = shape.replace("{id}", id.as_str().unwrap_or(&id.to_string()));
        asked.get(shape, &path).await;
    }
    let wrong = faults(&document, &asked.answers).unwrap();
    assert!(wrong.is_empty(), "{wrong}");
    for path in ["ack", "close", "measures/{number}/end"] {
        let call = &document["paths"][format!("/api/v1/incidents/{{id}}/{path}")]["post"];
        assert_ne!(call["requestBody"]["required"], true, "{path} may have no body");
    }
}
