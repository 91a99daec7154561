//! `[[receiver]]`, `[[influxdb]]` and `[delivery]`: who is told and who gets a copy.

use super::nesting;
use super::reader::{Item, Table};
use super::secret::Secret;
use super::settings::{BodyFormat, Delivery, EventKind, Influx, Receiver, Zone};
use super::url::Address;
use super::values::Unique;
use crate::air::place::Language;
use std::collections::BTreeSet;
use std::time::Duration;

/// Body formats that have a name already, but are not in this version.
const LATER: [&str; 7] = ["cap", "alertmanager", "slack", "feishu", "dingtalk", "wecom", "discord"];

/// Bytes of a signing key, by Standard Webhooks.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Reads `[delivery]`; gives the timeout of receivers that set none beside it.
pub(super) fn delivery(root: &mut Table<'_>) -> (Delivery, Duration) {
    let mut table = root.table("delivery");
    let defaults = Delivery::default();
    let schedule = table.get("schedule").map(|item| {
        let items = item.list("waits such as [\"0s\", \"5s\", \"1m\"]");
        if items.is_empty() {
            item.fault("no attempt at all; expected at least one wait", None);
        }
        items.iter().filter_map(|i| i.duration(Duration::ZERO)).collect()
    });
    let delivery = Delivery {
        schedule: schedule.unwrap_or(defaults.schedule),
        parallel: table.whole("parallel", defaults.parallel, 1..=1_024),
    };
    let timeout = table.duration("timeout", Duration::from_secs(10));
    table.finish();
    (delivery, timeout)
}

/// Reads every receiver.
pub(super) fn receivers(
    root: &mut Table<'_>,
    zones: (&[Zone], &Unique),
    timeout: Duration,
) -> Vec<Receiver> {
    let mut ids = Unique::default();
    let mut receivers = Vec::new();
    for mut table in root.tables("receiver") {
        let id = table.own_name("id", &mut ids);
        let url = table
            .need("url", "an address such as \"https://alerts.example/hook\"")
            .and_then(|i| web_address(&i, "use secret = to sign; receivers know us by it"));
        receivers.push(Receiver {
            id,
            url: url.map(|a| a.url.to_string()).unwrap_or_default(),
            secret: signing_key(&mut table),
            format: table.get("format").and_then(|i| body(&i)).unwrap_or(BodyFormat::Dustline),
            language: table.choice(
                "language",
                &Language::ALL.map(|l| (l.code(), l)),
                Language::default(),
            ),
            events: events(&mut table),
            zones: table.get("zones").and_then(|i| wanted_zones(&i, zones)),
            timeout: table.duration("timeout", timeout),
            real_only: table.flag("real_only", false),
        });
        table.finish();
    }
    receivers
}

/// An HTTP address; a warning if what is sent there can be read on the way.
fn web_address(item: &Item<'_>, secrets_go: &str) -> Option<Address> {
    let address = item.url(&["http", "https"], secrets_go)?;
    if address.url.scheme() == "http" && !address.is_loopback() {
        item.warn("goes over the network unencrypted", Some("use https://".to_owned()));
    }
    Some(address)
}

fn signing_key(table: &mut Table<'_>) -> Option<Secret> {
    let Some(item) = table.get("secret") else {
        table.warn(
            "no secret: the receiver cannot tell our notices from forged ones".to_owned(),
            Some("add secret = { file = \"…\" } with a key that begins with whsec_".to_owned()),
        );
        return None;
    };
    let secret = item.secret()?;
    if secret.reveal().starts_with("whsk_") {
        item.hidden_fault(
            "a whsk_ key (Ed25519) is known, but this version does not sign with it",
            Some("use a whsec_ key".to_owned()),
        );
        return None;
    }
    let bytes = secret.reveal().strip_prefix("whsec_").and_then(base64_bytes);
    if bytes.is_none_or(|n| !KEY_BYTES.contains(&n)) {
        item.hidden_fault(
            "the secret is not whsec_ followed by 24 to 64 bytes in base64",
            Some("make one: echo whsec_$(openssl rand -base64 32)".to_owned()),
        );
        return None;
    }
    Some(secret)
}

/// How many bytes a text in padded base64 stands for; `None` if it is none.
fn base64_bytes(text: &str) -> Option<usize> {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    let good = text.len().is_multiple_of(4) && padding <= 2 && body.bytes().all(alphabet);
    good.then(|| text.len() / 4 * 3 - padding)
}

fn body(item: &Item<'_>) -> Option<BodyFormat> {
    let name = item.text()?;
    if LATER.contains(&name) {
        item.fault(
            format!("{name:?} is a known format that this version does not write"),
            Some("available: dustline".to_owned()),
        );
        return None;
    }
    item.choice(&[("dustline", BodyFormat::Dustline)])
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

/// Reads every database.
pub(super) fn influxdb(root: &mut Table<'_>) -> Vec<Influx> {
    let mut names = Unique::default();
    let mut databases = Vec::new();
    for mut table in root.tables("influxdb") {
        let name = table.own_name("name", &mut names);
        let address = table
            .need("url", "an address such as \"http://127.0.0.1:8086\"")
            .and_then(|i| web_address(&i, "write token = below the url"));
        let mut text = |key, expected| {
            let item = table.need(key, expected);
            item.and_then(|i| i.filled_text()).unwrap_or_default().to_owned()
        };
        let org = text("org", "the organisation in the database");
        let bucket = text("bucket", "the bucket in the database");
        databases.push(Influx {
            name,
            url: address
                .map(|a| a.url.as_str().trim_end_matches('/').to_owned())
                .unwrap_or_default(),
            org,
            bucket,
            token: table.get("token").and_then(|i| i.secret()),
            gzip: table.flag("gzip", true),
            batch_lines: table.whole("batch_lines", 5_000, 1..=100_000),
            batch_bytes: table.whole("batch_bytes", 1 << 20, 4_096..=67_108_864),
            timeout: table.duration("timeout", Duration::from_secs(30)),
        });
        table.finish();
    }
    databases
}
