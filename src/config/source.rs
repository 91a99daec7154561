//! `[[source]]`: brokers and what is subscribed there.

use super::presets::Presets;
use super::quality;
use super::reader::{Item, Table};
use super::route;
use super::settings::{MqttVersion, Source, Tls};
use super::url::Address;
use super::values::Unique;
use crate::flow::{IMPORT, LANES_MAX, RECEIVE_MAX};
use crate::quality::Policy;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeValue;

/// The largest keep alive of an MQTT packet.
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(u16::MAX as u64);
/// The largest session expiry that still ends: the value above means never.
const SESSION_EXPIRY_MAX: Duration = Duration::from_secs(u32::MAX as u64 - 1);
/// The smallest packet limit that still lets ordinary readings in, bytes.
const PACKET_LEAST: i64 = 1_024;
/// The largest packet of MQTT, bytes.
const PACKET_MOST: i64 = 268_435_460;
/// What every MQTT 3.1.1 broker must accept, bytes (section 3.1.3.1).
const CLIENT_ID_SAFE: usize = 23;

/// Reads every source.
pub(super) fn read(
    root: &mut Table<'_>,
    instance: Option<&str>,
    known: (&Presets, &Policy),
) -> Vec<Source> {
    let mut names = Unique::default();
    let mut sessions = BTreeSet::new();
    let tables = root.tables("source");
    if tables.is_empty() && !root.has("source") {
        root.warn(
            "no [[source]]: nothing is subscribed, so nothing will be read".to_owned(),
            Some("add a [[source]] with a url and subscribe".to_owned()),
        );
    }
    let mut sources = Vec::new();
    for mut table in tables {
        let source = one(&mut table, &mut names, instance, known);
        for client_id in (0..source.connections).map(|lane| source.client_id_of(lane)) {
            let session = (source.host.clone(), source.port, client_id.clone());
            if !source.host.is_empty() && !sessions.insert(session) {
                table.fault_at(
                    "client_id",
                    format!("{client_id:?} is used twice at the same broker"),
                    Some("two sessions of one client_id throw each other out".to_owned()),
                );
            }
        }
        table.finish();
        sources.push(source);
    }
    sources
}

fn source_name(table: &mut Table<'_>, names: &mut Unique) -> String {
    let name = table.own_name("name", names);
    if name == IMPORT {
        let message = format!("{IMPORT} is the source of readings from files");
        table.fault_at("name", message, Some("choose another name".to_owned()));
    }
    name
}

fn one(
    table: &mut Table<'_>,
    names: &mut Unique,
    instance: Option<&str>,
    (presets, believed): (&Presets, &Policy),
) -> Source {
    let name = source_name(table, names);
    let address = table
        .need("url", "a URL such as \"mqtt://127.0.0.1:1883\"")
        .and_then(|item| broker_address(&item));
    let (host, port, secure) = match &address {
        Some(a) => {
            let secure = a.url.scheme() == "mqtts";
            (a.host.clone(), a.url.port().unwrap_or(if secure { 8883 } else { 1883 }), secure)
        }
        None => (String::new(), 0, false),
    };
    let version = table.get("version").and_then(|i| version(&i)).unwrap_or(MqttVersion::V5);
    let client_id = client_id(table, instance, &name, version);
    let username = table.text("username");
    let password = table.get("password");
    if let (Some(item), None) = (&password, &username) {
        item.warn("a password without a username; many brokers refuse that", None);
    }
    if let (Some(item), Some(a)) = (&password, &address)
        && !secure
        && !a.is_loopback()
    {
        item.warn("the password goes over the network unencrypted", Some("use mqtts://".into()));
    }
    let seven_days = Duration::from_secs(7 * 86_400);
    let source = Source {
        name,
        host,
        port,
        tls: tls(table, address.is_none() || secure).filter(|_| secure),
        client_id,
        username,
        password: password.and_then(|i| i.secret()),
        version,
        connections: table.whole("connections", 1, 1..=i64::from(LANES_MAX)),
        qos: qos(table),
        receive_maximum: receive_maximum(table, version),
        session_expiry: limited(table, "session_expiry", seven_days, SESSION_EXPIRY_MAX),
        keep_alive: limited(table, "keep_alive", Duration::from_secs(30), KEEP_ALIVE_MAX),
        packet_max: table.whole("packet_max", (1 << 20) + 1_024, PACKET_LEAST..=PACKET_MOST),
        silent_after: table.duration_from("silent_after", Duration::from_secs(600), Duration::ZERO),
        model: quality::model(table),
        quality: quality::of_source(table, believed),
        corrections: quality::corrections(table),
        routes: route::read(table, presets),
    };
    warn_of_overlaps(table, &source);
    if version == MqttVersion::V311
        && let Some(item) = table.get("session_expiry")
    {
        item.warn("MQTT 3.1.1 cannot say this; the broker decides", None);
    }
    source
}

/// A message that matches two filters comes twice from brokers that send it once
/// for each (MQTT 5, 3.3.4), under two packet identifiers.
fn warn_of_overlaps(table: &mut Table<'_>, source: &Source) {
    for (place, route) in source.routes.iter().enumerate() {
        let earlier = source.routes.iter().take(place);
        if let Some(other) = earlier.map(|r| &r.pattern).find(|p| p.overlaps(&route.pattern)) {
            table.warn(
                format!(
                    "subscribe: {} and {} match the same topics: a broker may send such a \
                     message twice, and a reading without a time of its own then counts twice",
                    other.filter(),
                    route.pattern.filter()
                ),
                Some("write filters that have no topic in common".to_owned()),
            );
        }
    }
}

fn broker_address(item: &Item<'_>) -> Option<Address> {
    let address = item.url(&["mqtt", "mqtts"], "write username = and password = below the url")?;
    if !matches!(address.url.path(), "" | "/") || address.url.query().is_some() {
        item.wrong_with(
            "a URL that ends after host and port",
            Some("topics go under subscribe".to_owned()),
        );
        return None;
    }
    Some(address)
}

fn version(item: &Item<'_>) -> Option<MqttVersion> {
    match item.value {
        DeValue::Integer(n) if n.as_str() == "5" => Some(MqttVersion::V5),
        DeValue::String(text) if text == "5" => Some(MqttVersion::V5),
        DeValue::String(text) if text == "3.1.1" => Some(MqttVersion::V311),
        _ => {
            item.wrong("5 or \"3.1.1\"");
            None
        }
    }
}

fn client_id(
    table: &mut Table<'_>,
    instance: Option<&str>,
    name: &str,
    version: MqttVersion,
) -> String {
    let Some(item) = table.get("client_id") else {
        if instance.is_none() {
            table.warn(
                "neither client_id nor instance is set: another Dustline at the same broker \
                 would take this one's messages"
                    .to_owned(),
                Some("set instance at the top of the file".to_owned()),
            );
        }
        return format!("dustline-{}-{name}", instance.unwrap_or(super::INSTANCE));
    };
    let Some(id) = item.filled_text() else { return String::new() };
    if id.len() > usize::from(u16::MAX) {
        item.wrong("at most 65535 bytes");
    } else if id.len() > CLIENT_ID_SAFE && version == MqttVersion::V311 {
        item.warn(
            format!("{} bytes; an MQTT 3.1.1 broker may refuse more than 23", id.len()),
            None,
        );
    }
    id.to_owned()
}

fn qos(table: &mut Table<'_>) -> u8 {
    let Some(item) = table.get("qos") else { return 1 };
    let qos = item.whole(0..=2).and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
    if qos == 0 {
        item.warn("with QoS 0 messages are lost while the daemon is away or behind", None);
    }
    qos
}

fn receive_maximum(table: &mut Table<'_>, version: MqttVersion) -> u16 {
    let Some(item) = table.get("receive_maximum") else { return 1_024 };
    if version == MqttVersion::V311 {
        item.warn("MQTT 3.1.1 cannot say this; the broker decides", None);
    }
    let number = item.whole(1..=i64::from(RECEIVE_MAX));
    number.and_then(|n| u16::try_from(n).ok()).unwrap_or(1_024)
}

/// A duration of at least a second and at most `most`.
fn limited(
    table: &mut Table<'_>,
    key: &'static str,
    default: Duration,
    most: Duration,
) -> Duration {
    let Some(item) = table.get(key) else { return default };
    let Some(found) = item.duration(Duration::from_secs(1)) else { return default };
    if found > most {
        item.wrong(&format!("at most \"{}s\"", most.as_secs()));
        return default;
    }
    found
}

fn tls(table: &mut Table<'_>, allowed: bool) -> Option<Tls> {
    let keys = ["ca_file", "client_cert", "client_key"].map(|key| table.get(key));
    if !allowed {
        for item in keys.iter().flatten() {
            item.fault("only for mqtts://", Some("change the scheme of the url".to_owned()));
        }
        return None;
    }
    let [ca_file, cert, key] = keys;
    match (&cert, &key) {
        (Some(item), None) => item.fault("needs client_key beside it", None),
        (None, Some(item)) => item.fault("needs client_cert beside it", None),
        _ => {}
    }
    let ca_file = ca_file.and_then(|i| pem(&i, "CERTIFICATE-----"));
    let cert = cert.and_then(|i| pem(&i, "CERTIFICATE-----"));
    let key = key.and_then(|i| {
        let path = pem(&i, "PRIVATE KEY-----")?;
        warn_if_open(&i, &path);
        Some(path)
    });
    Some(Tls { ca_file, client: cert.zip(key) })
}

/// A PEM file that can be read and holds what is expected of it.
fn pem(item: &Item<'_>, holds: &str) -> Option<PathBuf> {
    let path = item.path()?;
    let bytes = item.read_file(&path)?;
    let text = String::from_utf8_lossy(&bytes);
    if !text.lines().any(|l| l.starts_with("-----BEGIN ") && l.trim_end().ends_with(holds)) {
        item.fault(
            format!("{} has no line `-----BEGIN … {holds}`", path.display()),
            Some("expected a PEM file".to_owned()),
        );
        return None;
    }
    Some(path)
}

fn warn_if_open(item: &Item<'_>, path: &Path) {
    if item.ctx.env.readable_by_all(path) {
        item.warn(
            format!("every user of this machine can read {}", path.display()),
            Some(format!("chmod o= {}", path.display())),
        );
    }
}
