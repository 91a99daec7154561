//! Alertmanager: alerts for `POST …/api/v2/alerts`.
//!
//! An alert is its labels. A level is one of them, so that routes can tell an
//! advisory from a warning; when a ladder moves from one level to another, the
//! alert of the level that is left ends in the same request that raises the
//! other. Alertmanager takes an alert without `endsAt` for over when it has not
//! been repeated for some minutes. We tell once, and silence never lifts a level:
//! the end is therefore given, a year ahead.

use super::{JSON, Request, Told, Turn, is_exercise, link, string, title, turn, words};
use crate::air::Stamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long an alert stands that is not ended.
const STANDS: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) fn request(told: &Told<'_>) -> Request {
    let event = told.event;
    let at = string(&event.data, "at").and_then(Stamp::parse).unwrap_or(event.time);
    let mut alerts = Vec::new();
    let (from, to) = (string(&event.data, "from"), string(&event.data, "to"));
    if event.kind == "dustline.change.v1" {
        let level = |level: Option<&str>| level.filter(|l| *l != "none").map(str::to_owned);
        alerts.extend(level(from).map(|left| alert(told, Some(left), None, at)));
        alerts.extend(level(to).map(|new| alert(told, Some(new), Some(at), told.now.plus(STANDS))));
    } else if turn(event) == Turn::Ends {
        alerts.push(alert(told, None, None, at));
    } else {
        alerts.push(alert(told, None, Some(at), told.now.plus(STANDS)));
    }
    let body = Value::Array(alerts).to_string().into_bytes();
    Request { content_type: JSON, body, query: Vec::new() }
}

/// One alert. Without a beginning, Alertmanager keeps the one it knows.
fn alert(told: &Told<'_>, level: Option<String>, starts: Option<Stamp>, ends: Stamp) -> Value {
    let event = told.event;
    let data = &event.data;
    let mut labels = Map::new();
    let mut label = |name: &str, value: &str| {
        labels.insert(name.to_owned(), Value::String(value.to_owned()));
    };
    label("alertname", name(&event.kind));
    label("instance", &told.world.instance);
    label("subject", &event.subject);
    label("exercise", if is_exercise(event) { "true" } else { "false" });
    for key in ["ladder", "quantity"] {
        string(data, key).into_iter().for_each(|value| label(key, value));
    }
    for key in ["zone", "station"] {
        let value = data.get("scope").and_then(|s| string(s, key));
        value.into_iter().for_each(|value| label(key, value));
    }
    level.iter().for_each(|level| label("level", level));
    if event.kind == "dustline.operational.v1" {
        string(data, "kind").into_iter().for_each(|kind| label("kind", kind));
    }
    let mut alert = json!({
        "labels": labels,
        "annotations": {
            "summary": title(told),
            "description": words(told, told.language),
        },
        "endsAt": ends.to_string(),
        "generatorURL": link(told),
    });
    if let (Some(starts), Some(alert)) = (starts, alert.as_object_mut()) {
        alert.insert("startsAt".to_owned(), Value::String(starts.to_string()));
    }
    alert
}

fn name(kind: &str) -> &'static str {
    match kind {
        "dustline.change.v1" => "DustlineLevel",
        "dustline.operational.v1" => "DustlineOperational",
        _ => "DustlineIncident",
    }
}
