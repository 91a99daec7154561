//! An event as the receiver gets it: CloudEvents 1.0, structured JSON.
//!
//! The stored data are the same for every receiver; here they get the receiver's
//! language (`criterion`, `text`, which for an incident is one of `said`), a link, and a bound on their size: at most
//! [`BODY_MAX`] bytes. If there is too much, the oldest `inputs` go first
//! (`inputs_omitted` says how many), then long strings are cut (`shortened`),
//! then everything goes that is not needed to know what happened.

use super::{Request, Told, link, words_of};
use crate::deliver::text::in_language;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The largest body, bytes (Standard Webhooks: below 20 kB).
pub const BODY_MAX: usize = 20_000;

/// The media type of a structured CloudEvent.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Characters of a string that stay when strings are cut.
const STRING_MAX: usize = 400;
/// Characters of a string that stay when only the essential is left.
const ESSENTIAL_MAX: usize = 64;

/// What stays when nothing else helps.
const ESSENTIAL: [&str; 24] = [
    "id",
    "ladder",
    "ruleset",
    "from",
    "to",
    "at",
    "decided_at",
    "quantity",
    "unit",
    "value",
    "late",
    "exercise",
    "kind",
    "subject",
    "active",
    "time_zone",
    "incident",
    "case",
    "party",
    "number",
    "hash",
    "cause",
    "group",
    "level",
];

#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    #[serde(rename = "type")]
    kind: &'a str,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    data: &'a Map<String, Value>,
}

/// An event for a reader of this language.
pub(super) fn request(told: &Told<'_>) -> Request {
    let mut data = match &told.event.data {
        Value::Object(map) => map.clone(),
        other => Map::from_iter([("detail".to_owned(), other.clone())]),
    };
    loop {
        let body = write(told, &data);
        if body.len() <= BODY_MAX || !shorten(&mut data) {
            return Request { content_type: CONTENT_TYPE, body, query: Vec::new() };
        }
    }
}

fn write(told: &Told<'_>, data: &Map<String, Value>) -> Vec<u8> {
    let (event, language) = (told.event, told.language);
    let mut all = data.clone();
    if let Some(criterion) = data.get("criterion").and_then(|c| in_language(c, language)) {
        all.insert("criterion".to_owned(), Value::String(criterion));
    }
    let words = words_of(told, &Value::Object(data.clone()), language);
    all.insert("text".to_owned(), Value::String(words));
    // What is put into texts is not told beside them.
    all.retain(|key, _| key != "said" && key != "words");
    all.entry("exercise").or_insert(Value::Bool(false));
    all.insert("url".to_owned(), Value::String(link(told)));
    if let Some(offer) = told.offer {
        let (act, expires_at) = (offer.deed.name(), offer.expires.to_string());
        let link = json!({ "act": act, "url": offer.url, "expires_at": expires_at });
        all.insert("link".to_owned(), link);
    }
    let envelope = Envelope {
        specversion: "1.0",
        id: &event.uid,
        source: format!("dustline://{}", told.world.instance),
        kind: &event.kind,
        subject: &event.subject,
        time: event.time.to_string(),
        datacontenttype: "application/json",
        data: &all,
    };
    // Strings, numbers and maps with string keys cannot fail to be written.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// Takes one step to less data; false if there is none left.
fn shorten(data: &mut Map<String, Value>) -> bool {
    if shorten_inputs(data) {
        return true;
    }
    if data.get("shortened").is_none() {
        data.insert("shortened".to_owned(), Value::Bool(true));
        data.values_mut().for_each(|v| cut(v, STRING_MAX));
        return true;
    }
    let before = data.clone();
    data.retain(|key, v| {
        key == "shortened" || (ESSENTIAL.contains(&key.as_str()) && !v.is_array() && !v.is_object())
    });
    data.values_mut().for_each(|v| cut(v, ESSENTIAL_MAX));
    *data != before
}

/// Leaves out the older half of the inputs, and says how many that makes.
fn shorten_inputs(data: &mut Map<String, Value>) -> bool {
    let Some(Value::Array(inputs)) = data.get_mut("inputs") else { return false };
    if inputs.is_empty() {
        return false;
    }
    let gone = inputs.len().div_ceil(2);
    inputs.drain(..gone);
    let before = data.get("inputs_omitted").and_then(Value::as_u64).unwrap_or(0);
    data.insert("inputs_omitted".to_owned(), Value::from(before + gone as u64));
    true
}

/// Cuts every string in a value that is longer than `max` characters.
fn cut(value: &mut Value, max: usize) {
    match value {
        Value::String(s) => {
            if let Some((end, _)) = s.char_indices().nth(max) {
                s.truncate(end);
                s.push('…');
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| cut(v, max)),
        Value::Object(map) => map.values_mut().for_each(|v| cut(v, max)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Stamp;
    use crate::air::place::Language;
    use crate::deliver::format::fixture;
    use crate::deliver::text::text;
    use crate::store::EventRow;
    use proptest::prelude::*;

    fn event(data: Value) -> EventRow {
        EventRow {
            id: 1,
            uid: "01FRXY0000ABCDEFGHJKMNPQRS".to_owned(),
            kind: "dustline.change.v1".to_owned(),
            subject: "zone/seoul/kr-pm25".to_owned(),
            time: Stamp::parse("2022-01-08T13:00:03Z").unwrap(),
            data,
        }
    }

    fn read(event: &EventRow, language: Language) -> Value {
        let bytes = fixture::told(event, language, |told| request(told).body);
        assert!(bytes.len() <= BODY_MAX, "{} bytes", bytes.len());
        serde_json::from_slice(&bytes).unwrap()
    }

    fn data() -> Value {
        json!({
            "ladder": "kr-pm25", "ruleset": "kr-air-alert@2018-07-01",
            "scope": { "zone": "seoul", "name": { "ko": "서울", "zh": "首尔", "en": "Seoul" } },
            "from": "none", "to": "advisory", "at": "2022-01-08T13:00:00Z",
            "quantity": "pm2_5", "unit": "ug/m3", "value": 81.84,
            "inputs": [{ "hour": "2022-01-08T11:00:00Z", "mean": 79.2, "stations": 25 }],
            "criterion": { "ko": "기준", "zh": "标准", "en": "hourly zone mean" },
        })
    }

    #[test]
    fn the_body_is_a_cloud_event_in_the_language_of_its_reader() {
        let told = read(&event(data()), Language::Zh);
        let mut expected = data();
        expected["criterion"] = json!("标准");
        expected["exercise"] = json!(false);
        expected["text"] = json!(text("dustline.change.v1", &data(), Language::Zh));
        expected["url"] = json!("http://127.0.0.1:8080/changes/01FRXY0000ABCDEFGHJKMNPQRS");
        assert_eq!(
            told,
            json!({
                "specversion": "1.0", "id": "01FRXY0000ABCDEFGHJKMNPQRS",
                "source": "dustline://seoul-1", "type": "dustline.change.v1",
                "subject": "zone/seoul/kr-pm25", "time": "2022-01-08T13:00:03Z",
                "datacontenttype": "application/json", "data": expected,
            })
        );
    }

    #[test]
    fn too_many_inputs_lose_the_oldest_first_and_it_is_said() {
        let mut long = data();
        long["inputs"] = (0..1000)
            .map(|i| json!({ "at": "2022-01-08T11:00:00Z", "value": i, "device": "s00001" }))
            .collect();
        let told = read(&event(long), Language::En);
        let kept = told["data"]["inputs"].as_array().unwrap();
        assert_eq!(kept.last().unwrap()["value"], 999);
        assert_eq!(told["data"]["inputs_omitted"], 1000 - kept.len());
        assert!(kept.len() > 50);
    }

    #[test]
    fn a_long_detail_is_cut_and_it_is_said() {
        let told = read(&event(json!({ "detail": "긴".repeat(50_000) })), Language::Ko);
        assert_eq!(told["data"]["shortened"], true);
        assert_eq!(told["data"]["detail"].as_str().unwrap().chars().count(), STRING_MAX + 1);
    }

    #[test]
    fn what_happened_is_still_told_when_nothing_else_fits() {
        let mut huge = data();
        for i in 0..3000 {
            huge[format!("extra{i}")] = json!("something");
        }
        let told = read(&event(huge), Language::En);
        assert_eq!(told["data"]["to"], "advisory");
        assert_eq!(told["data"]["shortened"], true);
    }

    proptest! {
        #[test]
        fn no_body_is_too_large_or_unreadable(
            keys in prop::collection::vec(("[a-z]{1,8}", "\\PC{0,300}"), 0..12),
            names in prop::collection::vec("[\\x00-\\x20]{0,900}", ESSENTIAL.len()),
        ) {
            let mut map: Map<String, Value> =
                keys.into_iter().map(|(k, v)| (k, Value::String(v.repeat(20)))).collect();
            for (key, value) in ESSENTIAL.into_iter().zip(names) {
                map.insert(key.to_owned(), Value::String(value));
            }
            read(&event(Value::Object(map)), Language::Ko);
        }
    }
}
