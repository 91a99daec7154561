//! `config/dustline.toml` shows every key, with the defaults there are.

use super::super::reader::general;
use super::super::{Settings, read};
use super::{ED25519_KEY, SIGNING_KEY, Shelf, shown};
use crate::hotline::Plan;
use std::collections::BTreeSet;
use std::path::Path;
use toml::de::{DeTable, DeValue};

const EXAMPLE: &str = include_str!("../../../config/dustline.toml");
/// What the keys whose value has to be one of several forms are called.
const FORMS_OF_SECRETS: [&str; 3] = ["file", "env", "credential"];

/// The example with every commented-out setting in force: a line that begins
/// with `# ` loses it, so that its own comments keep theirs; prose is dropped.
fn uncommented() -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    for line in EXAMPLE.lines() {
        let inner = line.strip_prefix("# ").unwrap_or(line);
        let key = inner.split_once(" = ").map_or("", |(key, _)| key);
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let setting = is_key || inner.starts_with('[') || inner.starts_with('#') || depth > 0;
        if setting {
            out.push_str(inner);
            if !inner.trim_start().starts_with('#') {
                depth += inner.matches('[').count();
                depth = depth.saturating_sub(inner.matches(']').count());
            }
        }
        out.push('\n');
    }
    out
}

fn shelf() -> Shelf {
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n";
    Shelf::default()
        .with_file("/etc/dustline/operator.token", "t\n")
        .with_file("/etc/dustline/mqtt.password", "p\n")
        .with_file("/etc/dustline/ca.pem", CERTIFICATE)
        .with_file("/etc/dustline/client.pem", CERTIFICATE)
        .with_file("/etc/dustline/client.key", "-----BEGIN PRIVATE KEY-----\n")
        .with_file("/etc/dustline/kr-desk.secret", SIGNING_KEY)
        .with_file("/etc/dustline/kr-desk.former", ED25519_KEY)
        .with_file("/etc/dustline/kr-director.url", "https://chat.example/hook/token")
        .with_file("/etc/dustline/templates/change.ko.txt", "{{ text }}")
        .with_file("/etc/dustline/mail.password", "p")
        .with_file("/etc/dustline/influxdb.token", "t")
        .with_file("/etc/dustline/party-kr.token", "k")
        .with_file(
            "/etc/dustline/rulesets/own.toml",
            include_str!("../../../config/rulesets/kr-air-alert.toml"),
        )
        .with_file("/etc/dustline/formats/notes.txt", "")
        .with_file("/etc/dustline/stations.csv", "id,lat,lon\ngangnam,37.5,127.0\n")
}

fn settings_of(text: &str) -> Settings {
    shelf().parse(text).map_err(|f| shown(&f)).unwrap().settings
}

/// Every key of a document, with `[]` for the place in an array.
fn keys(table: &DeTable<'_>, prefix: &str, out: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(inner) => keys(inner, &path, out),
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        keys(inner, &format!("{path}[]"), out);
                    }
                }
            }
            _ => {}
        }
        out.insert(path);
    }
}

#[test]
fn the_example_is_good_as_it_stands() {
    let settings = settings_of(EXAMPLE);
    assert!(settings.sources.is_empty());
}

#[test]
fn the_example_is_good_with_every_comment_in_force() {
    let settings = settings_of(&uncommented());
    assert_eq!(settings.stations.len(), 2);
    let source = settings.sources.first().unwrap();
    assert_eq!(source.routes.len(), 19);
    assert!(source.tls.as_ref().is_some_and(|t| t.client.is_some()));
}

#[test]
fn the_example_shows_every_key_there_is() {
    let text = uncommented();
    let mut written = BTreeSet::new();
    keys(DeTable::parse(&text).unwrap().get_ref(), "", &mut written);
    let (_, found) = read(&text, "dustline.toml", Path::new("/etc/dustline"), &shelf());
    let secrets: BTreeSet<&str> =
        found.asked.iter().filter_map(|path| path.strip_suffix(".credential")).collect();
    let hidden: Vec<&String> = found
        .asked
        .iter()
        .filter(|path| {
            // What a source says of its own is as in [quality].
            let path = &path.replace("source[].quality.", "quality.");
            let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
            let form = FORMS_OF_SECRETS.contains(&key) && secrets.contains(parent);
            !form && !written.contains(path)
        })
        .collect();
    assert!(hidden.is_empty(), "keys that config/dustline.toml does not show: {hidden:?}");
}

#[test]
fn the_values_shown_as_defaults_are_the_defaults() {
    let mut bare = settings_of("");
    let all = settings_of(&uncommented());
    bare.http.operator_token = all.http.operator_token.clone();
    assert_eq!(format!("{:?}", bare.http), format!("{:?}", all.http));
    assert_eq!(bare.store, all.store);
    assert_eq!(format!("{:?}", bare.judgement), format!("{:?}", all.judgement));
    assert_eq!(format!("{:?}", bare.quality), format!("{:?}", all.quality));
    assert_eq!(format!("{:?}", bare.delivery), format!("{:?}", all.delivery));
    assert_eq!((&bare.data_dir, &bare.instance), (&all.data_dir, &all.instance));
    assert_eq!(bare.log_json, all.log_json);
    let bare_hotline = settings_of("[[party]]\nid = \"KR\"\n[hotline]\nparties = [\"KR\"]").hotline;
    let (bare_hotline, hotline) = (bare_hotline.unwrap(), all.hotline.as_ref().unwrap());
    let said = |p: &Plan| {
        let party = p.parties.first().unwrap();
        let deadlines = (party.ack_within, party.share_within, party.update_within);
        let reminders = (p.remind_every, p.remind_close_every);
        (deadlines, reminders, p.cooling, p.reopen_within, p.lifted_when)
    };
    assert_eq!(said(&bare_hotline), said(hotline));

    let source = "[[source]]\nname = \"city\"\nurl = \"mqtts://a\"\n\
                  subscribe = [{ topic = \"{device}\", format = \"airrohr\" }]\n\
                  [[influxdb]]\nname = \"main\"\nurl = \"http://[::1]\"\norg = \"o\"\nbucket = \"b\"";
    let bare = settings_of(source);
    let (bare_source, source) = (bare.sources.first().unwrap(), all.sources.first().unwrap());
    let said = |s: &super::super::settings::Source| {
        let numbers = (s.port, s.version, s.qos, s.connections, s.receive_maximum, s.packet_max);
        format!("{numbers:?} {:?} {:?} {:?}", s.session_expiry, s.keep_alive, s.silent_after)
    };
    assert_eq!(said(bare_source), said(source));
    let (bare, all) = (bare.influxdb.first().unwrap(), all.influxdb.first().unwrap());
    let said = |i: &super::super::settings::Influx| {
        format!("{} {} {} {:?}", i.gzip, i.batch_lines, i.batch_bytes, i.timeout)
    };
    assert_eq!(said(bare), said(all));
}

#[test]
fn places_in_arrays_are_left_out_of_general_paths() {
    assert_eq!(general("source[0].subscribe[12].topic"), "source[].subscribe[].topic");
}
