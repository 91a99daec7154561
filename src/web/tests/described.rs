//! Answers and their description: a field that is not described is found.

use super::fixture::*;
use crate::air::Quantity::{Pm2_5, Pm10};
use crate::store::Bucket;
use crate::web::openapi::Api;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// Calls whose answers are described field by field, as far as they have no form of
/// their own.
const CALLS: [&str; 10] = [
    "readings",
    "hours",
    "levels",
    "changes",
    "devices",
    "stations",
    "zones",
    "ledger",
    "outbox",
    "quarantine",
];

/// A schema with what it refers to in its place.
fn meant<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|to| to.strip_prefix("#/components/schemas/"));
    name.map_or(schema, |name| meant(api, &api["components"]["schemas"][name]))
}

/// The fields that a schema names, with those of its parts; none if it names none.
fn named(api: &Value, schema: &Value) -> Map<String, Value> {
    let schema = meant(api, schema);
    let own = schema["properties"].as_object().cloned().unwrap_or_default();
    let parts = schema["allOf"].as_array().into_iter().flatten();
    parts.flat_map(|part| named(api, part)).chain(own).collect()
}

/// The fields of an answer that its schema does not name, by where they are.
fn unnamed(api: &Value, schema: &Value, answer: &Value, at: &str) -> Vec<String> {
    let schema = meant(api, schema);
    if let Some(ways) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let each = ways.iter().map(|way| unnamed(api, way, answer, at));
        return each.min_by_key(Vec::len).unwrap_or_default();
    }
    let inner = |key: &str, schema: &Value, value: &Value| {
        unnamed(api, schema, value, &format!("{at}/{key}"))
    };
    match answer {
        Value::Array(items) => {
            items.iter().flat_map(|item| inner("-", &schema["items"], item)).collect()
        }
        Value::Object(fields) => {
            let named = named(api, schema);
            let each = fields.iter().filter(|_| !named.is_empty());
            let found = each.flat_map(|(key, value)| match named.get(key) {
                Some(schema) => inner(key, schema, value),
                None => vec![format!("{at}/{key}")],
            });
            found.collect()
        }
        _ => Vec::new(),
    }
}

/// What the description says of the answer of a call.
fn schema<'a>(api: &'a Value, call: &str) -> &'a Value {
    let call = &api["paths"][format!("/api/v1/{call}")]["get"];
    &call["responses"]["200"]["content"]["application/json"]["schema"]
}

#[tokio::test]
async fn every_field_of_an_answer_is_described() {
    let mut store = Store::new();
    let values = [good(Pm2_5, 10.5), bad(Pm10, 9999.0), variant(Pm2_5, "cf1", 14.0)];
    store.reading("s1", minute(0), minute(0), &values, false);
    store.reading("s1", minute(0), minute(1), &[good(Pm2_5, 11.0)], true);
    store.hour("s1", minute(0).hour(), 25.0, 6, 60);
    store.message(minute(2), Bucket::Quarantined);
    store.change("01CHANGE", minute(3), "none", "advisory");
    let server = store.local().await;
    let api = serde_json::to_value(Api::openapi()).unwrap();
    for call in CALLS {
        let answer = server.json(&format!("/api/v1/{call}")).await;
        let schema = schema(&api, call);
        assert!(!named(&api, schema).is_empty(), "{call}: {schema}");
        assert_eq!(unnamed(&api, schema, &answer, call), Vec::<String>::new());
    }
    let more = json!({ "readings": [{ "device": "s1", "hue": 1 }] });
    assert_eq!(unnamed(&api, schema(&api, "readings"), &more, ""), ["/readings/-/hue"]);
}
