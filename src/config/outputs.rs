//! `[[influxdb]]` and `[delivery]`: who gets a copy, and how often is tried.

use super::reader::{Item, Table};
use super::settings::{Delivery, Influx, ReadBack};
use super::url::Address;
use super::values::Unique;
use std::time::Duration;

/// Ways to ask a database what it has.
const READ_BACK: [(&str, Option<ReadBack>); 3] = [
    ("off", None),
    ("victoriametrics", Some(ReadBack::VictoriaMetrics)),
    ("flux", Some(ReadBack::Flux)),
];

/// What an address of the web begins with.
pub(super) const WEB: [&str; 2] = ["http", "https"];

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

/// A database's address; a warning if what is sent there can be read on the way.
fn web_address(item: &Item<'_>) -> Option<Address> {
    item.url(&WEB, "write token = below the url").inspect(|address| warn_if_open(item, address))
}

/// Warns if what is sent to an address can be read on the way.
pub(super) fn warn_if_open(item: &Item<'_>, address: &Address) {
    if address.url.scheme() == "http" && !address.is_loopback() {
        item.warn("goes over the network unencrypted", Some("use https://".to_owned()));
    }
}

/// Reads every database.
pub(super) fn influxdb(root: &mut Table<'_>) -> Vec<Influx> {
    let mut names = Unique::default();
    let mut databases = Vec::new();
    for mut table in root.tables("influxdb") {
        let name = table.own_name("name", &mut names);
        let address = table
            .need("url", "an address such as \"http://127.0.0.1:8086\"")
            .and_then(|i| web_address(&i));
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
            retention: table.duration_from("retention", Duration::ZERO, Duration::ZERO),
            create_bucket: table.flag("create_bucket", false),
            read_back: table.choice("read_back", &READ_BACK, None),
            read_back_after: table.duration("read_back_after", Duration::from_secs(3600)),
        });
        table.finish();
    }
    databases
}
