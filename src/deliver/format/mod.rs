//! The formats in which receivers take notices, one file each. A format is a
//! pure function from what is told ([`Told`]) and the receiver to a [`Request`];
//! identity, order, retries and proof are the same for all of them.
//!
//! | format | body | how the receiver knows us | taken if |
//! |---|---|---|---|
//! | `dustline` | CloudEvents JSON | Standard Webhooks | 2xx |
//! | `cap` | CAP 1.2 XML | Standard Webhooks | 2xx |
//! | `alertmanager` | API v2 of Alertmanager | Standard Webhooks, if it has keys | 2xx |
//! | `slack`, `discord` | their JSON | the token in its URL | 2xx |
//! | `feishu` | its JSON | the token in its URL, a signature in the body | 2xx and `code` 0 |
//! | `dingtalk` | its JSON | the token in its URL, a signature in the query | 2xx and `errcode` 0 |
//! | `wecom` | its JSON | the token in its URL | 2xx and `errcode` 0 |
//! | `email` | a message (RFC 5322) | our login at its server | 2xx of SMTP |

mod alertmanager;
pub mod cap;
mod dingtalk;
mod discord;
pub mod dustline;
mod email;
mod feishu;
#[cfg(test)]
pub(super) mod fixture;
mod offer;
mod places;
mod slack;
mod wecom;
mod xml;

pub use offer::{Offer, Offers};
pub use places::{Area, Areas};

use super::sign;
use super::text::{in_language, marked, text, variables};
use crate::air::Stamp;
use crate::air::place::Language;
use crate::air::words::exercise;
use crate::config::Templates;
use crate::config::settings::{BodyFormat, EventKind, Receiver};
use crate::config::templates::Part;
use crate::store::EventRow;
use ring::hmac;
use serde_json::Value;

/// The media type of the bodies that chat services take.
const JSON: &str = "application/json; charset=utf-8";

/// What every notice of this installation has in common.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Names this installation.
    pub instance: String,
    /// Where people reach its page.
    pub base_url: String,
    /// Where its zones and stations are.
    pub areas: Areas,
    /// The operator's own texts.
    pub templates: Templates,
    /// What makes one-time links, if notices have any.
    pub offers: Option<Offers>,
}

/// An event that is told, and to whom.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// What happened.
    pub event: &'a EventRow,
    /// What was told of the same subject before and is not over, oldest first;
    /// only formats that refer to it are given it ([`needs_earlier`]).
    pub earlier: &'a [EventRow],
    /// The reader's language.
    pub language: Language,
    /// What the reader can do at once.
    pub offer: Option<&'a Offer>,
    /// The installation.
    pub world: &'a World,
    /// When it is told, by the machine's own clock, which receivers compare with theirs.
    pub now: Stamp,
}

/// What is posted to a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Parameters that are added to the receiver's address.
    pub query: Vec<(&'static str, String)>,
}

impl Request {
    fn json(body: &Value) -> Request {
        Request { content_type: JSON, body: body.to_string().into_bytes(), query: Vec::new() }
    }
}

/// The request that tells a receiver of an event.
pub fn request(told: &Told<'_>, receiver: &Receiver) -> Request {
    let secret = receiver.secrets.first();
    match receiver.format {
        BodyFormat::Dustline => dustline::request(told),
        BodyFormat::Cap => cap::request(told),
        BodyFormat::Alertmanager => alertmanager::request(told),
        BodyFormat::Slack => slack::request(told),
        BodyFormat::Feishu => feishu::request(told, secret),
        BodyFormat::Dingtalk => dingtalk::request(told, secret),
        BodyFormat::Wecom => wecom::request(told),
        BodyFormat::Discord => discord::request(told),
        BodyFormat::Email => email::request(told, receiver),
    }
}

/// The headers that say which notice it is and prove whose: those of Standard
/// Webhooks. Chat services get no signature in them.
///
/// # Errors
/// If a key cannot sign.
pub fn headers(
    receiver: &Receiver,
    uid: &str,
    now: Stamp,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, String> {
    let keys = if signs(receiver.format) { receiver.secrets.as_slice() } else { &[] };
    sign::headers(keys, uid, now.0.div_euclid(1000), body)
}

/// Whether the secrets of this format are keys of Standard Webhooks.
pub fn signs(format: BodyFormat) -> bool {
    matches!(format, BodyFormat::Dustline | BodyFormat::Cap | BodyFormat::Alertmanager)
}

/// Whether the format refers to what was told of the same subject before.
pub fn needs_earlier(format: BodyFormat) -> bool {
    format == BodyFormat::Cap
}

/// What a receiver that answered 2xx says against it all the same: services of
/// chat answer 200 and put the error into the body.
pub fn refusal(format: BodyFormat, answer: &[u8]) -> Option<String> {
    let (code, words) = match format {
        BodyFormat::Dingtalk | BodyFormat::Wecom => ("errcode", "errmsg"),
        BodyFormat::Feishu => ("code", "msg"),
        _ => return None,
    };
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return Some("the answer is no JSON; check the receiver's url".to_owned());
    };
    match answer.get(code).and_then(Value::as_i64) {
        Some(0) => None,
        // Feishu's former answer to what it takes.
        None if answer.get("StatusCode").and_then(Value::as_i64) == Some(0) => None,
        None => Some(format!("the answer has no {code}; check the receiver's url")),
        Some(number) => {
            let words = answer.get(words).and_then(Value::as_str).unwrap_or_default();
            Some(format!("{code} {number} {words}").trim_end().to_owned())
        }
    }
}

/// Where an event stands in the story of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Begins,
    GoesOn,
    Ends,
}

fn turn(event: &EventRow) -> Turn {
    let is = |key: &str, value: &str| string(&event.data, key) == Some(value);
    let (begins, ends) = match event.kind.as_str() {
        "dustline.change.v1" => (is("from", "none"), is("to", "none")),
        "dustline.operational.v1" => {
            let active = event.data.get("active").and_then(Value::as_bool);
            (active != Some(false), active == Some(false))
        }
        _ => (is("kind", "opened"), is("kind", "closed")),
    };
    match (begins, ends) {
        (_, true) => Turn::Ends,
        (true, _) => Turn::Begins,
        _ => Turn::GoesOn,
    }
}

/// Of the events of a subject, the newest first, those that the next one refers
/// to, oldest first: back to where the story began.
pub fn still_open(newest_first: Vec<EventRow>) -> Vec<EventRow> {
    let mut open = Vec::new();
    for event in newest_first {
        let turn = turn(&event);
        if turn == Turn::Ends {
            break;
        }
        open.push(event);
        if turn == Turn::Begins {
            break;
        }
    }
    open.reverse();
    open
}

fn is_exercise(event: &EventRow) -> bool {
    event.data.get("exercise").and_then(Value::as_bool) == Some(true)
}

fn string<'a>(data: &'a Value, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Value::as_str)
}

/// Where a person can see more.
fn link(told: &Told<'_>) -> String {
    let world = told.world;
    let base = world.base_url.trim_end_matches('/');
    match told.event.kind.as_str() {
        "dustline.change.v1" => format!("{base}/changes/{}", told.event.uid),
        "dustline.incident.v1" => {
            let id = told.event.subject.trim_start_matches("incident/");
            let base = world.offers.as_ref().map_or(base, |o| &o.links.public_url);
            format!("{base}/incidents/{id}")
        }
        _ => format!("{base}/"),
    }
}

/// The place that an event is about, by name, or else what it is about.
fn place(event: &EventRow, language: Language) -> String {
    let scope = event.data.get("scope");
    let name = scope.and_then(|s| in_language(s.get("name")?, language));
    let id = scope.and_then(|s| string(s, "zone").or_else(|| string(s, "station")));
    name.or(id.map(str::to_owned))
        .or(said(event, "group", language).map(str::to_owned))
        .or(string(&event.data, "subject").map(str::to_owned))
        .unwrap_or_else(|| event.subject.clone())
}

/// The text of an event in a language.
fn words(told: &Told<'_>, language: Language) -> String {
    words_of(told, &told.event.data, language)
}

/// The text of an event with these data: the operator's own, or the built-in one.
fn words_of(told: &Told<'_>, data: &Value, language: Language) -> String {
    let built_in = || text(&told.event.kind, data, language);
    own(told, data, Part::Text, language).unwrap_or_else(built_in)
}

/// What the operator's template for a part says of an event, if there is one and
/// it says anything.
fn own(told: &Told<'_>, data: &Value, part: Part, language: Language) -> Option<String> {
    let kind = match told.event.kind.as_str() {
        "dustline.change.v1" => EventKind::Change,
        "dustline.incident.v1" => EventKind::Incident,
        _ => EventKind::Operational,
    };
    let templates = &told.world.templates;
    if !templates.has((kind, part), language) {
        return None;
    }
    let built_in = text(&told.event.kind, data, language);
    let variables = variables(kind, data, language, (&built_in, &link(told)));
    let own = templates.text((kind, part), language, &variables);
    own.filter(|own| !own.is_empty()).map(|own| drilled(told.event, own, language))
}

/// Whatever a text says, that of an exercise says that it is one.
fn drilled(event: &EventRow, text: String, language: Language) -> String {
    match is_exercise(event) && !text.contains(exercise(language)) {
        true => marked(&text, language),
        false => text,
    }
}

/// What the hotline says of an incident in a language, which knows its names.
fn said<'a>(event: &'a EventRow, name: &str, language: Language) -> Option<&'a str> {
    string(event.data.get("words")?.get(language.code())?, name).filter(|text| !text.is_empty())
}

/// What is told, in one line.
fn headline(told: &Told<'_>, language: Language) -> String {
    let event = told.event;
    let own = own(told, &event.data, Part::Headline, language);
    let line = own.as_deref().and_then(|own| own.lines().next()).map(str::to_owned);
    let of_incident =
        || Some(drilled(event, said(event, "headline", language)?.to_owned(), language));
    line.or_else(of_incident)
        .unwrap_or_else(|| first_sentence(&words(told, language), event, language))
}

/// What is told, in one line in the reader's language.
fn title(told: &Told<'_>) -> String {
    headline(told, told.language)
}

/// What is asked of the reader, if anything is.
fn instruction(told: &Told<'_>, language: Language) -> Option<String> {
    let event = told.event;
    let asked = || Some(drilled(event, said(event, "asked", language)?.to_owned(), language));
    own(told, &event.data, Part::Instruction, language).or_else(asked)
}

/// The first sentence of a text, in which the place's name may have a stop.
fn first_sentence(text: &str, event: &EventRow, language: Language) -> String {
    let line = text.lines().next().unwrap_or_default();
    let stop = if language == Language::Zh { "。" } else { ". " };
    let name = event.data.get("scope").map(|_| place(event, language)).unwrap_or_default();
    let from = line.find(&name).map_or(0, |at| at + name.len());
    let end = line.get(from..).and_then(|rest| rest.find(stop)).map(|at| from + at);
    end.and_then(|end| line.get(..end)).unwrap_or(line).trim_end_matches('.').to_owned()
}

/// A text with its links, at most `max` bytes: the text gives way.
fn message(told: &Told<'_>, max: usize) -> String {
    let offer = told.offer.map(|o| format!("\n{}\n{}", o.label(told.language), o.url));
    let links = format!("{}\n{}", offer.unwrap_or_default(), link(told));
    let room = max.saturating_sub(links.len());
    format!("{}{links}", cut(&words(told, told.language), room))
}

/// A text of at most `max` bytes.
fn cut(text: &str, max: usize) -> String {
    const MORE: char = '…';
    if text.len() <= max {
        return text.to_owned();
    }
    let room = max.saturating_sub(MORE.len_utf8());
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut cut = text.get(..end).unwrap_or_default().to_owned();
    if max >= MORE.len_utf8() {
        cut.push(MORE);
    }
    cut
}

/// HMAC-SHA256.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

#[cfg(test)]
mod tests;
