//! CAP 1.2 (OASIS Common Alerting Protocol): one message for each event.
//!
//! The first event of a story is an `Alert`, what follows is an `Update`, that a
//! party acknowledges is an `Ack`, the end is a `Cancel`; all but the first refer
//! to every message of the story by sender, identifier and time, which are all
//! made from the events themselves: the same event is the same message for every
//! receiver, whenever it is sent. If nothing is known any more of what came
//! before, the message is an `Alert`, since there is nothing it could refer to.
//!
//! Traps of the format: times have an offset and UTC is `-00:00`, never `Z`;
//! corners are latitude before longitude; `sender` and `identifier` have no
//! space, comma, `<` or `&`. Texts are in three languages, an `info` each.

use super::xml::Xml;
use super::{
    Area, Request, Told, Turn, headline, instruction, is_exercise, link, place, said, string, turn,
    words,
};
use crate::air::Stamp;
use crate::air::place::Language;
use crate::store::EventRow;
use serde_json::Value;

/// The media type of a CAP message.
pub const CONTENT_TYPE: &str = "application/cap+xml; charset=utf-8";
/// What of the data stands beside the text, where it is there.
const PARAMETERS: [&str; 10] =
    ["ladder", "ruleset", "from", "to", "quantity", "unit", "value", "case", "number", "hash"];
const NAMESPACE: &str = " xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"";

/// Which message comes of an event.
pub(super) fn request(told: &Told<'_>) -> Request {
    Request { content_type: CONTENT_TYPE, body: message(told), query: Vec::new() }
}

/// The message itself.
pub fn message(told: &Told<'_>) -> Vec<u8> {
    let event = told.event;
    let kind = match turn(event) {
        _ if told.earlier.is_empty() => "Alert",
        _ if is_acknowledgement(event) => "Ack",
        Turn::Ends => "Cancel",
        Turn::Begins | Turn::GoesOn => "Update",
    };
    let status = match event.kind.as_str() {
        _ if is_exercise(event) => "Exercise",
        "dustline.operational.v1" => "System",
        _ => "Actual",
    };
    let mut xml = Xml::new();
    xml.around("alert", NAMESPACE, |xml| {
        xml.leaf("identifier", &word(&event.uid));
        xml.leaf("sender", &sender(told));
        xml.leaf("sent", &sent(event));
        xml.leaf("status", status);
        xml.leaf("msgType", kind);
        xml.leaf("source", &format!("Dustline {}", told.world.instance));
        scope(xml, event);
        if is_exercise(event) {
            xml.leaf("note", "[훈련] 【演习】 [EXERCISE]");
        }
        if kind != "Alert" {
            xml.leaf("references", &references(told));
        }
        for (language, code) in
            [(Language::Ko, "ko-KR"), (Language::Zh, "zh-CN"), (Language::En, "en-US")]
        {
            xml.around("info", "", |xml| info(xml, told, language, code));
        }
    });
    xml.finish()
}

/// Whether a party acknowledges an incident.
fn is_acknowledgement(event: &EventRow) -> bool {
    event.kind == "dustline.incident.v1" && string(&event.data, "kind") == Some("acknowledged")
}

/// Levels are for everyone, the rest is between those who were given it.
fn scope(xml: &mut Xml, event: &EventRow) {
    let restriction = match event.kind.as_str() {
        "dustline.change.v1" => return xml.leaf("scope", "Public"),
        "dustline.operational.v1" => "operators of this network",
        _ => "parties of the hotline",
    };
    xml.leaf("scope", "Restricted");
    xml.leaf("restriction", restriction);
}

fn info(xml: &mut Xml, told: &Told<'_>, language: Language, code: &str) {
    let event = told.event;
    let data = &event.data;
    let operational = event.kind == "dustline.operational.v1";
    let over = turn(event) == Turn::Ends;
    xml.leaf("language", code);
    if operational {
        xml.leaf("category", "Infra");
    } else {
        xml.leaf("category", "Env");
        xml.leaf("category", "Health");
    }
    xml.leaf("event", &subject(event, language));
    if over {
        xml.leaf("responseType", "AllClear");
    }
    xml.leaf("urgency", if over { "Past" } else { "Immediate" });
    xml.leaf("severity", severity(event));
    xml.leaf("certainty", if foretold(data) { "Likely" } else { "Observed" });
    if let Some(at) = string(data, "at").and_then(Stamp::parse) {
        xml.leaf("onset", &instant(at, event));
    }
    xml.leaf("senderName", &format!("Dustline {}", told.world.instance));
    xml.leaf("headline", &headline(told, language));
    xml.leaf("description", &words(told, language));
    if let Some(asked) = instruction(told, language) {
        xml.leaf("instruction", &asked);
    }
    xml.leaf("web", &link(told));
    for name in PARAMETERS {
        let value = match data.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        xml.around("parameter", "", |xml| {
            xml.leaf("valueName", name);
            xml.leaf("value", &value);
        });
    }
    if !operational {
        xml.around("area", "", |xml| area(xml, told, language));
    }
}

fn area(xml: &mut Xml, told: &Told<'_>, language: Language) {
    xml.leaf("areaDesc", &place(told.event, language));
    let Some(scope) = told.event.data.get("scope") else { return };
    let known = ["zone", "station"]
        .into_iter()
        .find_map(|kind| told.world.areas.get(&format!("{kind}/{}", string(scope, kind)?)));
    match known {
        Some(Area::Polygon(corners)) => {
            let corners = corners.iter().map(|[lat, lon]| format!("{lat},{lon}"));
            xml.leaf("polygon", &corners.collect::<Vec<_>>().join(" "));
        }
        Some(Area::Point([lat, lon])) => xml.leaf("circle", &format!("{lat},{lon} 0")),
        None => {}
    }
}

/// What it is about, in a few words.
fn subject(event: &EventRow, language: Language) -> String {
    let quantity = string(&event.data, "quantity");
    let cause = said(event, "cause", language);
    match (event.kind.as_str(), quantity, cause) {
        ("dustline.operational.v1", ..) => {
            language.one_of("관측망 운영", "网络运行", "Network operation")
        }
        (_, Some("pm2_5"), _) => language.one_of("초미세먼지", "细颗粒物", "Fine dust (PM2.5)"),
        (_, Some("pm10"), _) => language.one_of("미세먼지", "可吸入颗粒物", "Fine dust (PM10)"),
        (.., Some(cause)) => cause,
        _ => language.one_of("대기오염", "空气污染", "Air pollution"),
    }
    .to_owned()
}

/// By the level that is reached, or left if the story ends; of an incident, by its own.
fn severity(event: &EventRow) -> &'static str {
    let level = |key: &str| string(&event.data, key).filter(|l| *l != "none");
    match level("to").or(level("from")).or(level("level")) {
        Some("advisory" | "preliminary" | "blue" | "yellow") => "Moderate",
        Some("warning" | "measures" | "orange") => "Severe",
        Some("emergency" | "red") => "Extreme",
        Some(_) => "Unknown",
        None if event.kind == "dustline.operational.v1" => "Minor",
        None => "Unknown",
    }
}

/// Whether a forecast met the criterion.
fn foretold(data: &Value) -> bool {
    let inputs = data.get("inputs").and_then(Value::as_array);
    inputs.is_some_and(|all| !all.is_empty() && all.iter().all(|i| i.get("issued_at").is_some()))
}

fn sender(told: &Told<'_>) -> String {
    format!("dustline-{}", word(&told.world.instance))
}

/// The messages that this one changes or ends.
fn references(told: &Told<'_>) -> String {
    let sender = sender(told);
    let one = |e: &EventRow| format!("{sender},{},{}", word(&e.uid), sent(e));
    told.earlier.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// When the event was decided, which is the same whenever it is sent.
fn sent(event: &EventRow) -> String {
    instant(event.time, event)
}

/// An instant by the clock of the place, with its offset.
fn instant(at: Stamp, event: &EventRow) -> String {
    let zone = string(&event.data, "time_zone")
        .and_then(|name| jiff::tz::TimeZone::get(name).ok())
        .unwrap_or(jiff::tz::TimeZone::UTC);
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone);
    let text = at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    match text.strip_suffix("+00:00") {
        Some(utc) => format!("{utc}-00:00"),
        None => text,
    }
}

/// A text without what identifiers and senders must not have.
fn word(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '<' | '&')).collect()
}

#[cfg(test)]
mod tests;
