//! `[[receiver]]`: who is told, in which form and language, and how it knows us.

use super::fault::did_you_mean;
use super::mail;
use super::nesting;
use super::outputs::{WEB, warn_if_open};
use super::reader::{Item, Table};
use super::secret::Secret;
use super::settings::{BodyFormat, EventKind, Fallback, Receiver, Zone};
use super::url::Address;
use super::values::Unique;
use crate::air::place::{Language, Names};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::time::Duration;

/// Every format.
const FORMATS: [BodyFormat; 9] = [
    BodyFormat::Dustline,
    BodyFormat::Cap,
    BodyFormat::Alertmanager,
    BodyFormat::Slack,
    BodyFormat::Feishu,
    BodyFormat::Dingtalk,
    BodyFormat::Wecom,
    BodyFormat::Discord,
    BodyFormat::Email,
];

/// Bytes of a symmetric key, by Standard Webhooks.
const SYMMETRIC_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of an Ed25519 key: its seed alone, or with the public key behind it.
const ED25519_BYTES: [usize; 2] = [32, 64];
/// Failed attempts after which a fallback is told, unless said otherwise.
const FALLBACK_AFTER: u32 = 3;

/// Reads every receiver.
pub(super) fn receivers(
    root: &mut Table<'_>,
    zones: (&[Zone], &Unique),
    timeout: Duration,
) -> Vec<Receiver> {
    let tables = root.tables("receiver");
    let mut ids = Unique::default();
    let mut receivers = Vec::new();
    let mut fallbacks = Vec::new();
    for mut table in tables {
        let id = table.own_name("id", &mut ids);
        let format = table
            .get("format")
            .and_then(|i| i.choice(&FORMATS.map(|f| (f.name(), f))))
            .unwrap_or_default();
        let url = table.need("url", "an address such as \"https://alerts.example/hook\"");
        let url = url.and_then(|i| match format {
            BodyFormat::Email => mail::server(&i),
            _ => web_address(&i),
        });
        let mail = mail::read(&mut table, format);
        let secrets = secrets(&mut table, format);
        let (fallback, named) = fallback(&mut table);
        fallbacks.extend(named.map(|item| (id.clone(), item)));
        let name = table.get("name").and_then(|i| i.names()).unwrap_or_else(|| Names::plain(&id));
        receivers.push(Receiver {
            id,
            name,
            url: Secret::new(url.map(|a| a.url.to_string()).unwrap_or_default()),
            secrets,
            format,
            mail,
            language: table.choice(
                "language",
                &Language::ALL.map(|l| (l.code(), l)),
                Language::default(),
            ),
            events: events(&mut table),
            zones: table.get("zones").and_then(|i| wanted_zones(&i, zones)),
            timeout: table.duration("timeout", timeout),
            real_only: table.flag("real_only", false),
            fallback,
        });
        table.finish();
    }
    for (id, item) in fallbacks {
        check_fallback(&id, &item, &ids);
    }
    receivers
}

/// Where notices go; a warning if they can be read on the way.
fn web_address(item: &Item<'_>) -> Option<Address> {
    let secrets_go = "use secret = to sign; receivers know us by it";
    item.secret_url(&WEB, secrets_go).inspect(|address| warn_if_open(item, address))
}

/// Who is told instead, and where that was written.
fn fallback<'a>(table: &mut Table<'a>) -> (Option<Fallback>, Option<Item<'a>>) {
    let after = table.whole("fallback_after", FALLBACK_AFTER, 1..=100);
    let Some(item) = table.get("fallback") else {
        if table.has("fallback_after") {
            let hint = Some("add fallback = \"…\", the id of another receiver".to_owned());
            table.fault("fallback_after without fallback".to_owned(), hint);
        }
        return (None, None);
    };
    let receiver = item.name().map(str::to_owned);
    (receiver.map(|receiver| Fallback { receiver, after }), Some(item))
}

fn check_fallback(id: &str, item: &Item<'_>, ids: &Unique) {
    let Some(named) = item.name() else { return };
    if named == id {
        item.fault("a receiver cannot stand in for itself", None);
    } else if !ids.has(named) {
        let hint = did_you_mean(named, ids.names())
            .unwrap_or_else(|| format!("known receivers: {}", ids.sentence()));
        item.fault(format!("there is no receiver {named:?}"), Some(hint));
    }
}

/// The keys of `secret` and `secrets`, the first of which is the newest.
fn secrets(table: &mut Table<'_>, format: BodyFormat) -> Vec<Secret> {
    let mut items: Vec<Item<'_>> = table.get("secret").into_iter().collect();
    let several = table.get("secrets");
    items.extend(several.iter().flat_map(|i| i.list("signing keys, the newest first")));
    match (format, items.as_slice()) {
        (BodyFormat::Slack | BodyFormat::Discord | BodyFormat::Wecom, [item, ..]) => {
            let hint =
                "its url is the secret; give it as url = { file = \"…\" } and leave out secret";
            item.hidden_fault("this format is not signed", Some(hint.to_owned()));
            Vec::new()
        }
        (BodyFormat::Email, [item, ..]) => {
            let hint = "username and password are what the mail server knows us by";
            item.hidden_fault("e-mail is not signed", Some(hint.to_owned()));
            Vec::new()
        }
        (BodyFormat::Dingtalk | BodyFormat::Feishu, [_, second, ..]) => {
            second.hidden_fault("a robot has one signing secret, not several", None);
            Vec::new()
        }
        (BodyFormat::Dingtalk | BodyFormat::Feishu, [item]) => item.secret().into_iter().collect(),
        (BodyFormat::Dustline | BodyFormat::Cap, []) => {
            table.warn(
                "no secret: the receiver cannot tell our notices from forged ones".to_owned(),
                Some(
                    "add secret = { file = \"…\" } with a key that begins with whsec_ or whsk_"
                        .to_owned(),
                ),
            );
            Vec::new()
        }
        _ => items.iter().filter_map(signing_key).collect(),
    }
}

/// A key of Standard Webhooks.
fn signing_key(item: &Item<'_>) -> Option<Secret> {
    let secret = item.secret()?;
    let key = secret.reveal();
    let bytes = |text: &str| STANDARD.decode(text).ok().map(|b| b.len());
    if let Some(text) = key.strip_prefix("whsk_") {
        if !bytes(text).is_some_and(|n| ED25519_BYTES.contains(&n)) {
            item.hidden_fault(
                "the secret is not whsk_ followed by an Ed25519 key of 32 or 64 bytes in base64",
                Some("make one: echo whsk_$(openssl rand -base64 32)".to_owned()),
            );
            return None;
        }
    } else if !key
        .strip_prefix("whsec_")
        .and_then(bytes)
        .is_some_and(|n| SYMMETRIC_BYTES.contains(&n))
    {
        item.hidden_fault(
            "the secret is not whsec_ followed by 24 to 64 bytes in base64",
            Some("make one: echo whsec_$(openssl rand -base64 32)".to_owned()),
        );
        return None;
    }
    Some(secret)
}

fn events(table: &mut Table<'_>) -> Vec<EventKind> {
    const KNOWN: [(&str, EventKind); 3] = [
        ("change", EventKind::Change),
        ("incident", EventKind::Incident),
        ("operational", EventKind::Operational),
    ];
    let Some(item) = table.get("events") else { return KNOWN.map(|(_, kind)| kind).to_vec() };
    let mut events = Vec::new();
    for entry in item.list("kinds of events") {
        let Some(kind) = entry.choice(&KNOWN) else { continue };
        if events.contains(&kind) {
            entry.fault("this kind is there twice", None);
        } else {
            events.push(kind);
        }
    }
    if item.list("kinds of events").is_empty() {
        item.warn("no kind of event: this receiver is never told anything", None);
    }
    events
}

/// The zones a receiver wants, with those that they are made of; `None` for all.
fn wanted_zones(item: &Item<'_>, (zones, ids): (&[Zone], &Unique)) -> Option<Vec<String>> {
    let items = item.list("zone ids, or [\"*\"] for all");
    let mut wanted = Vec::new();
    for entry in &items {
        let Some(id) = entry.text() else { continue };
        if id == "*" && items.len() == 1 {
            return None;
        }
        if entry.zone_of(id, ids) {
            wanted.extend(nesting::family(id, zones));
        }
    }
    let mut seen = BTreeSet::new();
    wanted.retain(|id| seen.insert(id.clone()));
    Some(wanted)
}
